/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_SET_GUEST_DEBUG: userspace debugs the guest with the CPU's single step,
 * breakpoints and debug registers, which the guest must not notice.
 */
#ifndef ORIEL_EXIT_DEBUG_H
#define ORIEL_EXIT_DEBUG_H

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
enum exit_fate guest_debug_exit(struct vcpu *vcpu, u8 vector, u64 dr6);

/** guest_debug_exit_step() - REQ_DEBUG_STEP: KVM_EXIT_DEBUG for guest_debug_trap() */
enum exit_fate guest_debug_exit_step(struct vcpu *vcpu);

/**
 * guest_debug_mov_dr() - MOV to or from a debug register while they are userspace's
 * @vcpu: the vCPU
 * @dr: its number
 * @reg: enum cpu_gpr of the other operand
 * @to_dr: the debug register is written
 *
 * Return: enum exit_fate or an errno.
 */
enum exit_fate guest_debug_mov_dr(struct vcpu *vcpu, u8 dr, u8 reg, bool to_dr);

/** guest_debug_decode_mov_dr() - the same, to be decoded */
enum exit_fate guest_debug_decode_mov_dr(struct vcpu *vcpu);

#endif
