/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The symbols of protmode_asm.S for protmode.c: 32-bit code, of which C uses the addresses only,
 * and the values that the last exception in protected mode pushed.
 */
#ifndef GUEST_PROTMODE_H
#define GUEST_PROTMODE_H

#include "cpu.h"

extern live u32 pm_vector, pm_error, pm_eip, pm_eflags, pm_eflags_in, pm_expected, pm_count;
extern live u32 pm_back, pm_cr3, pm_cr4;
extern u8 pm_stubs[], pm_code16[], pm_code16_end[], pm_v86_code[], pm_v86_code_end[];

struct pm_idtr {
	u16 limit;
	u32 base;
} __attribute__((packed));

extern struct pm_idtr pm_idtr;

void pm_undefined(void);
void pm_divide(void);
void pm_breakpoint(void);
void pm_overflow(void);
void pm_load_ds(void);
void pm_load_ss(void);
void pm_rdmsr(void);
void pm_interrupt(void);
void pm_16bit(void);
void pm_task(void);
void pm_other_task(void);
void pm_v86(void);
void pm_paging(void);

#endif
