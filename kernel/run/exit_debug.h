/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_SET_GUEST_DEBUG: userspace debugs the guest with the CPU's single step,
 * breakpoints and debug registers, which the guest must not notice.
 */
#ifndef ORIEL_GUEST_DEBUG_H
#define ORIEL_GUEST_DEBUG_H

#include <linux/compiler.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <asm/processor-flags.h>

struct vcpu;

/* All that KVM_SET_GUEST_DEBUG can do, and KVM_CAP_SET_GUEST_DEBUG2 announces. */
#define GUEST_DEBUG_CONTROLS                                                        \
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |   \
	 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP | \
	 KVM_GUESTDBG_BLOCKIRQ)

/**
 * struct guest_debug - what userspace debugs of a guest
 * @control: KVM_GUESTDBG_* that are on
 * @dr: userspace's breakpoint addresses, with KVM_GUESTDBG_USE_HW_BP
 * @dr7: their control
 * @stepping: the hardware's RFLAGS.TF is userspace's; the guest's is in cpu_state
 * @due: what happened, for REQ_DEBUG_STEP; bits of DR6
 */
struct guest_debug {
	u32 control;
	u64 dr[4];
	u64 dr7;
	bool stepping;
	u64 due;
};

/**
 * guest_debug_set() - KVM_SET_GUEST_DEBUG
 * @vcpu: the vCPU, its mutex held, loaded
 * @debug: what userspace wants from now on
 *
 * Return: 0; -EINVAL for unknown controls; -EBUSY when an exception is to be raised
 * and another one waits.
 */
int guest_debug_set(struct vcpu *vcpu, const struct kvm_guest_debug *debug);

/**
 * guest_debug_arm() - the next instruction is a step, if userspace wants steps
 * @vcpu: the vCPU, its mutex held, loaded
 *
 * Not at each entry: an interrupt's handler is no part of a step, unless it is where
 * the step began.
 */
void guest_debug_arm(struct vcpu *vcpu);

/**
 * guest_debug_owns_db() - are #DB and the debug registers userspace's?
 * @debug: a vCPU's
 *
 * Then every access of the guest to a debug register exits and vcpu->state has the
 * guest's values of all of them.
 */
static inline bool guest_debug_owns_db(const struct guest_debug *debug)
{
	return debug->control & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP);
}

/**
 * guest_debug_owns_bp() - are INT3s userspace's?
 * @debug: a vCPU's
 */
static inline bool guest_debug_owns_bp(const struct guest_debug *debug)
{
	return debug->control & KVM_GUESTDBG_USE_SW_BP;
}

/**
 * guest_debug_blocks() - do interrupts and NMIs have to wait?
 * @debug: a vCPU's
 */
static inline bool guest_debug_blocks(const struct guest_debug *debug)
{
	return debug->control & KVM_GUESTDBG_BLOCKIRQ;
}

/**
 * guest_debug_dr() - the breakpoint addresses that are in force
 * @debug: a vCPU's
 * @guest: the guest's own
 */
static inline const u64 *guest_debug_dr(const struct guest_debug *debug, const u64 *guest)
{
	return debug->control & KVM_GUESTDBG_USE_HW_BP ? debug->dr : guest;
}

/**
 * guest_debug_dr7() - the DR7 that is in force
 * @debug: a vCPU's
 * @guest: the guest's own
 */
static inline u64 guest_debug_dr7(const struct guest_debug *debug, u64 guest)
{
	return debug->control & KVM_GUESTDBG_USE_HW_BP ? debug->dr7 : guest;
}

/**
 * guest_debug_hide_tf() - the guest's RFLAGS, from the hardware's
 * @debug: a vCPU's
 * @rflags: the hardware's
 * @before: the guest's before it ran
 *
 * What the guest did to a TF that was not its own cannot be told from nothing: a step
 * over POPF that sets TF loses it.
 */
static inline u64 guest_debug_hide_tf(struct guest_debug *debug, u64 rflags, u64 before)
{
	if (likely(!(debug->control & KVM_GUESTDBG_SINGLESTEP)))
		return rflags;
	/* Delivery of an event clears it, and the IRET behind that sets it again. */
	debug->stepping = rflags & X86_EFLAGS_TF;
	return rflags & (before | ~(u64)X86_EFLAGS_TF);
}

/**
 * guest_debug_show_tf() - the hardware's RFLAGS, from the guest's
 * @debug: a vCPU's
 * @rflags: the guest's
 */
static inline u64 guest_debug_show_tf(const struct guest_debug *debug, u64 rflags)
{
	return debug->stepping ? rflags | X86_EFLAGS_TF : rflags;
}

/**
 * guest_debug_trap() - an instruction was finished in software that traps
 * @vcpu: the vCPU
 * @dr6: why: DR6_BS under TF, the B bits of data breakpoints
 *
 * The step or the breakpoint is userspace's, who hears of it before the next entry, or
 * the guest's, who gets #DB.
 */
void guest_debug_trap(struct vcpu *vcpu, u64 dr6);

/**
 * guest_debug_exit() - hand an exception to userspace
 * @vcpu: the vCPU
 * @vector: EXC_DB or EXC_BP
 * @dr6: what happened, in the form of DR6; 0 for EXC_BP
 *
 * Return: EXIT_USER with KVM_EXIT_DEBUG.
 */
int guest_debug_exit(struct vcpu *vcpu, u8 vector, u64 dr6);

/** guest_debug_exit_step() - REQ_DEBUG_STEP: KVM_EXIT_DEBUG for guest_debug_trap() */
int guest_debug_exit_step(struct vcpu *vcpu);

/**
 * guest_debug_mov_dr() - MOV to or from a debug register while they are userspace's
 * @vcpu: the vCPU
 * @dr: its number
 * @reg: enum cpu_gpr of the other operand
 * @to_dr: the debug register is written
 *
 * Return: enum exit_fate or an errno.
 */
int guest_debug_mov_dr(struct vcpu *vcpu, u8 dr, u8 reg, bool to_dr);

/** guest_debug_decode_mov_dr() - the same, to be decoded */
int guest_debug_decode_mov_dr(struct vcpu *vcpu);

#endif
