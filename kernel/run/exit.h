/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What VM exits mean, for both vendors: each back end translates its exit codes
 * and calls these. All run in the vCPU's thread with its mutex and vm->srcu
 * held, interrupts on, and may sleep. All return an enum exit_fate or an errno.
 */
#ifndef ORIEL_EXIT_H
#define ORIEL_EXIT_H

#include <linux/types.h>

#include "emulate/task_switch.h"
#include "core/vcpu.h"

/** vcpu_skip() - step over the instruction that exited */
int vcpu_skip(struct vcpu *vcpu);

/**
 * vcpu_advance() - continue at another instruction
 * @vcpu: the vCPU
 * @rip: RIP of the next instruction, cut to the width of the mode
 *
 * Ends interrupt shadows and RF, and raises the single-step #DB when TF is set
 * (SDM 3B 17.3.1.4).
 */
void vcpu_advance(struct vcpu *vcpu, u64 rip);

/** vcpu_decode() - the instruction that exited into vcpu->emul.insn; as emul_decode() */
enum emul_result vcpu_decode(struct vcpu *vcpu);

/**
 * vcpu_emul_stopped() - what an exit does after the executor gave up on its instruction
 * @vcpu: the vCPU
 * @result: why, anything but EMUL_DONE
 */
int vcpu_emul_stopped(struct vcpu *vcpu, enum emul_result result);

/**
 * vcpu_trap_length() - is the instruction at RIP the one that raises this exception?
 * @vcpu: the vCPU
 * @vector: EXC_BP or EXC_OF
 *
 * Return: bytes of the INT3 or INTO at RIP, 0 when something else is there.
 */
u8 vcpu_trap_length(struct vcpu *vcpu, u8 vector);

/** vcpu_emulate() - execute the instruction at RIP in software */
int vcpu_emulate(struct vcpu *vcpu);

/**
 * vcpu_complete_access() - userspace has done its part of the last exit
 * @vcpu: the vCPU
 *
 * Return: EXIT_RESUME also when nothing was pending.
 */
int vcpu_complete_access(struct vcpu *vcpu);

/** vcpu_exit_cpuid() - CPUID */
int vcpu_exit_cpuid(struct vcpu *vcpu);
/** vcpu_exit_rdmsr() - RDMSR */
int vcpu_exit_rdmsr(struct vcpu *vcpu);
/** vcpu_exit_wrmsr() - WRMSR */
int vcpu_exit_wrmsr(struct vcpu *vcpu);
/** vcpu_exit_hlt() - HLT */
int vcpu_exit_hlt(struct vcpu *vcpu);
/** vcpu_exit_hypercall() - VMCALL or VMMCALL */
int vcpu_exit_hypercall(struct vcpu *vcpu);
/** vcpu_exit_xsetbv() - XSETBV */
int vcpu_exit_xsetbv(struct vcpu *vcpu);
/** vcpu_exit_wbinvd() - WBINVD or WBNOINVD */
int vcpu_exit_wbinvd(struct vcpu *vcpu);
/** vcpu_exit_pause() - the guest spins in PAUSE */
int vcpu_exit_pause(struct vcpu *vcpu);
/** vcpu_exit_cr() - MOV to or from a control register, CLTS, LMSW, SMSW: to be decoded */
int vcpu_exit_cr(struct vcpu *vcpu);

/**
 * vcpu_exit_mov_cr() - MOV to or from a control register
 * @vcpu: the vCPU
 * @cr: its number: 0, 3, 4 or 8
 * @reg: enum cpu_gpr of the other operand
 * @to_cr: the control register is written
 */
int vcpu_exit_mov_cr(struct vcpu *vcpu, u8 cr, u8 reg, bool to_cr);

/** vcpu_exit_clts() - CLTS */
int vcpu_exit_clts(struct vcpu *vcpu);

/**
 * vcpu_exit_lmsw() - LMSW
 * @vcpu: the vCPU
 * @msw: its operand
 */
int vcpu_exit_lmsw(struct vcpu *vcpu, u16 msw);

/**
 * vcpu_exit_task_switch() - a task switch
 * @vcpu: the vCPU; its event is the one that used the task gate, if that was none
 *	of INT n, INT1, INT3 and INTO
 * @selector: of the new task's TSS
 * @source: what asks for it
 * @external: the gate was not used by INT n, INT3 or INTO
 * @length: bytes of the instruction that asks for it, 0 where an event does
 */
int vcpu_exit_task_switch(struct vcpu *vcpu, u16 selector, enum task_switch_source source,
			  bool external, u8 length);

/** vcpu_exit_window() - an interrupt or NMI window has opened */
int vcpu_exit_window(struct vcpu *vcpu);
/** vcpu_exit_triple_fault() - the guest shut down */
int vcpu_exit_triple_fault(struct vcpu *vcpu);

/**
 * vcpu_exit_exception() - the guest gets an exception
 * @vcpu: the vCPU
 * @vector: which
 * @has_error_code: it has an error code
 * @error_code: the error code
 */
int vcpu_exit_exception(struct vcpu *vcpu, u8 vector, bool has_error_code, u32 error_code);

/**
 * vcpu_exit_pio() - IN or OUT, not a string
 * @vcpu: the vCPU
 * @port: port number
 * @size: bytes, 1, 2 or 4
 * @in: it is IN
 * @next_rip: RIP of the next instruction
 */
int vcpu_exit_pio(struct vcpu *vcpu, u16 port, u32 size, bool in, u64 next_rip);

/** vcpu_exit_monitor() - MONITOR or MWAIT, which do nothing */
int vcpu_exit_monitor(struct vcpu *vcpu);

/**
 * vcpu_exit_undefined() - #UD
 * @vcpu: the vCPU
 * @own: OPCODE_VMCALL or OPCODE_VMMCALL: the hypercall of this vendor
 *
 * The guest gets it, unless it made the other vendor's hypercall.
 */
int vcpu_exit_undefined(struct vcpu *vcpu, u8 own);

/** vcpu_exit_pio_string() - INS or OUTS */
int vcpu_exit_pio_string(struct vcpu *vcpu);
/** vcpu_exit_host_irq() - an interrupt of the host; it has taken it by now */
int vcpu_exit_host_irq(struct vcpu *vcpu);

/**
 * vcpu_exit_sl_fault() - second-level page fault
 * @vcpu: the vCPU
 * @gpa: what was accessed
 * @access: MMU_ACCESS_*
 * @hint: HINT_NONE if it was a page table; else what the hardware tells
 * @linear: with HINT_LINEAR the linear address that was translated to @gpa
 */
int vcpu_exit_sl_fault(struct vcpu *vcpu, u64 gpa, u32 access, enum access_hint hint, u64 linear);

/**
 * vcpu_exit_fail_entry() - the CPU refused the entry
 * @vcpu: the vCPU
 * @reason: the hardware's word for it
 */
int vcpu_exit_fail_entry(struct vcpu *vcpu, u64 reason);

/**
 * vcpu_exit_unknown() - an exit that the back end has no handler for
 * @vcpu: the vCPU
 * @exit_code: its number
 * @name: the manual's name for it, or NULL
 */
int vcpu_exit_unknown(struct vcpu *vcpu, u64 exit_code, const char *name);

/**
 * vcpu_internal_error() - the module cannot go on with this guest
 * @vcpu: the vCPU
 * @suberror: KVM_INTERNAL_ERROR_*
 *
 * Return: EXIT_USER with KVM_EXIT_INTERNAL_ERROR and what the hardware said.
 */
int vcpu_internal_error(struct vcpu *vcpu, u32 suberror);

#endif
