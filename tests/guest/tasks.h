/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The symbols of tasks_asm.S for tasks.c: 32-bit code, of which C uses the addresses only, and the
 * values that it has seen.
 */
#ifndef GUEST_TASKS_H
#define GUEST_TASKS_H

#include "cpu.h"

struct task {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, iomap_base;
};

struct task16 {
	u16 link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
	u16 ax, cx, dx, bx, sp, bp, si, di;
	u16 es, cs, ss, ds, ldt;
};

extern struct task ts_main;

/* The last exception that was no task's: what it pushed, and TR; DR6 of a #DB. */
extern live u32 ts_vector, ts_error, ts_eip, ts_eflags, ts_tr, ts_dr6;

/* Seen by the other task: how often it ran, its flags, the top of its stack, its TR. */
extern live u32 ts_count, ts_in_eflags, ts_pushed;

/* ... of the first task: its descriptor's type, and what its TSS has. */
extern live u32 ts_main_access, ts_saved_eip, ts_saved_eflags;

/* ... at the linear address that means something else to each task. */
extern live u32 ts_high;

/* EFLAGS back in the first task. */
extern live u32 ts_back;

/* For the other task: by how much to advance EIP of the first and its own ESP. */
extern live u32 ts_skip, ts_pop;

struct ts_idtr {
	u16 limit;
	u32 base;
} __attribute__((packed));

extern struct ts_idtr ts_idtr;
extern u8 ts_stubs[], ts_other16[], ts_other16_end[], ts_v86_code[], ts_v86_code_end[];
extern u8 ts_call_at[], ts_int_at[], ts_int3_at[], ts_undefined_at[], ts_load_at[];
extern u8 ts_interrupt_due[];

void ts_call(void);
void ts_int(void);
void ts_int3(void);
void ts_undefined(void);
void ts_load(void);
void ts_interrupt(void);
void ts_nmi(void);
void ts_paging(void);
void ts_other(void);

#endif
