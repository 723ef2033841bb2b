/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handlers of VM exits that both vendors share. Each back end has a table of exits. A row
 * names a function of this header, or one of the back end that translates fields of the VMCS or
 * VMCB first. All run in the vCPU's thread, with its mutex and memory.srcu held and interrupts
 * on, and may sleep.
 */
#ifndef ORIEL_EXITS_H
#define ORIEL_EXITS_H

#include <linux/nospec.h>
#include <linux/types.h>

#include "core/vcpu.h"
#include "emulate/task_switch.h"

/* A row of a vendor's table; its index is the number of the exit. */
struct exit_row {
	const char *name; /* in the manual */
	/* NULL if no control that Oriel sets lets this exit happen. */
	enum exit_fate (*handle)(struct vcpu *vcpu);
};

/** exit_unknown() - end the guest at an exit without a handler; @name may be NULL */
enum exit_fate exit_unknown(struct vcpu *vcpu, u64 exit_code, const char *name);

/** exit_dispatch() - call the handler in row @index; messages have @exit_code, the full number */
static inline enum exit_fate exit_dispatch(struct vcpu *vcpu, const struct exit_row *rows,
					   u32 count, u64 index, u64 exit_code)
{
	const struct exit_row *row;

	if (index >= count)
		return exit_unknown(vcpu, exit_code, NULL);
	row = &rows[array_index_nospec(index, count)];
	if (!row->handle)
		return exit_unknown(vcpu, exit_code, row->name);
	return row->handle(vcpu);
}

/* exit_insn.c: single instructions */

enum exit_fate exit_cpuid(struct vcpu *vcpu);
enum exit_fate exit_hlt(struct vcpu *vcpu);
enum exit_fate exit_xsetbv(struct vcpu *vcpu);
/** exit_wbinvd() - WBINVD or WBNOINVD */
enum exit_fate exit_wbinvd(struct vcpu *vcpu);
/** exit_pause() - the guest waits in a loop with PAUSE */
enum exit_fate exit_pause(struct vcpu *vcpu);
/** exit_monitor() - MONITOR or MWAIT, which do nothing */
enum exit_fate exit_monitor(struct vcpu *vcpu);

/* The last byte of VMCALL and of VMMCALL; the other bytes are the same. */
#define OPCODE_VMCALL 0xc1
#define OPCODE_VMMCALL 0xd9

/**
 * exit_undefined() - give the guest #UD, or patch the other vendor's hypercall into this vendor's,
 * with the opcode @own: OPCODE_VMCALL or OPCODE_VMMCALL
 */
enum exit_fate exit_undefined(struct vcpu *vcpu, u8 own);

/* exit_cr.c: control registers */

/** exit_cr() - decode MOV to or from a control register, CLTS, LMSW or SMSW, and carry it out */
enum exit_fate exit_cr(struct vcpu *vcpu);
/** exit_mov_cr() - MOV to (@to_cr) or from CR0, 3, 4 or 8; @reg is the enum cpu_gpr */
enum exit_fate exit_mov_cr(struct vcpu *vcpu, u8 cr, u8 reg, bool to_cr);
enum exit_fate exit_clts(struct vcpu *vcpu);
enum exit_fate exit_lmsw(struct vcpu *vcpu, u16 msw);

/* exit_io.c: port I/O, second-level faults, and accesses that userspace has done */

/** exit_pio() - IN or OUT of 1, 2 or 4 bytes; @next_rip: of the next instruction */
enum exit_fate exit_pio(struct vcpu *vcpu, u16 port, u32 size, bool in, u64 next_rip);
/** exit_pio_string() - INS or OUTS */
enum exit_fate exit_pio_string(struct vcpu *vcpu);
/**
 * exit_sl_fault() - second-level page fault. @access: MMU_ACCESS_*. @hint: the addresses that the
 * hardware reports; HINT_NONE if a walk accessed a page table. @linear: with HINT_LINEAR, the
 * linear address that was translated to @gpa.
 */
enum exit_fate exit_sl_fault(struct vcpu *vcpu, u64 gpa, u32 access, enum access_hint hint,
			     u64 linear);
/** vcpu_complete_access() - finish the access that the last exit left to userspace, if any */
enum exit_fate vcpu_complete_access(struct vcpu *vcpu);

/* exit_msr.c, exit_hypercall.c, exit_task_switch.c */

enum exit_fate exit_rdmsr(struct vcpu *vcpu);
enum exit_fate exit_wrmsr(struct vcpu *vcpu);
enum exit_fate exit_hypercall(struct vcpu *vcpu);
/**
 * exit_task_switch() - switch to the task with the TSS @selector. @source: the instruction or event
 * that switches. @external: an event or INT1 used the task gate, not INT n, INT3 or INTO. @length:
 * bytes of the instruction, 0 for an event. If an event used the task gate, not INT n, INT1, INT3
 * or INTO, it is vcpu->event.
 */
enum exit_fate exit_task_switch(struct vcpu *vcpu, u16 selector, enum task_switch_source source,
				bool external, u8 length);

/* exit_event.c: events and errors */

/** exit_host_irq() - an interrupt of the host, which it has already taken */
enum exit_fate exit_host_irq(struct vcpu *vcpu);
/** exit_handled() - an event that the host has already handled */
enum exit_fate exit_handled(struct vcpu *vcpu);
enum exit_fate exit_exception(struct vcpu *vcpu, u8 vector, bool has_error_code, u32 error_code);
/** exit_absent() - #UD for an instruction that the guest's CPUID does not have */
enum exit_fate exit_absent(struct vcpu *vcpu);
enum exit_fate exit_rdpmc(struct vcpu *vcpu);
/** exit_breakpoint() - INT3, while userspace uses it for breakpoints */
enum exit_fate exit_breakpoint(struct vcpu *vcpu);
/** exit_window() - an interrupt or NMI window has opened */
enum exit_fate exit_window(struct vcpu *vcpu);
enum exit_fate exit_triple_fault(struct vcpu *vcpu);
/** exit_fail_entry() - the CPU refused the entry with code @reason */
enum exit_fate exit_fail_entry(struct vcpu *vcpu, u64 reason);
/** vcpu_internal_error() - KVM_EXIT_INTERNAL_ERROR: the module cannot run this guest further */
enum exit_fate vcpu_internal_error(struct vcpu *vcpu, u32 suberror);

#endif
