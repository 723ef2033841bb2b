/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_SET_GUEST_DEBUG: userspace debugs the guest with the CPU's single step, breakpoints and
 * debug registers, and the guest must not notice. guest/debug.h has the registers' side. The
 * vCPU's mutex is held, and the vCPU is loaded.
 */
#ifndef ORIEL_EXIT_DEBUG_H
#define ORIEL_EXIT_DEBUG_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "core/vendor.h"

struct vcpu;

/* All that KVM_SET_GUEST_DEBUG can do, and the answer to KVM_CAP_SET_GUEST_DEBUG2. */
#define GUEST_DEBUG_CONTROLS                                                        \
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |   \
	 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP | \
	 KVM_GUESTDBG_BLOCKIRQ)

/**
 * guest_debug_set() - KVM_SET_GUEST_DEBUG
 *
 * Return: 0; -EINVAL for unknown controls; -EBUSY when an exception is to be raised and another
 * one waits.
 */
int guest_debug_set(struct vcpu *vcpu, const struct kvm_guest_debug *debug);

/**
 * guest_debug_arm() - the next instruction is a step, if userspace wants steps
 *
 * Not called at each entry: the handler of an interrupt is no part of a step, unless the step
 * began in it.
 */
void guest_debug_arm(struct vcpu *vcpu);

/**
 * guest_debug_trap() - an instruction that traps was finished in software
 * @dr6: DR6_BS under TF, the B bits of data breakpoints
 *
 * If the step or the breakpoint is userspace's, KVM_RUN ends before the next entry. Else the
 * guest gets #DB.
 */
void guest_debug_trap(struct vcpu *vcpu, u64 dr6);

/**
 * guest_debug_exit() - hand an exception to userspace: KVM_EXIT_DEBUG
 * @vector: EXC_DB or EXC_BP
 * @dr6: the conditions in the form of DR6; 0 for EXC_BP
 */
enum exit_fate guest_debug_exit(struct vcpu *vcpu, u8 vector, u64 dr6);

/** guest_debug_exit_step() - REQ_DEBUG_STEP: KVM_EXIT_DEBUG for guest_debug_trap() */
enum exit_fate guest_debug_exit_step(struct vcpu *vcpu);

/**
 * guest_debug_mov_dr() - MOV to or from a debug register while they are userspace's
 * @dr: its number
 * @reg: enum cpu_gpr of the other operand
 * @to_dr: the debug register is written
 */
enum exit_fate guest_debug_mov_dr(struct vcpu *vcpu, u8 dr, u8 reg, bool to_dr);

/** guest_debug_decode_mov_dr() - the same, where the hardware does not name the operands */
enum exit_fate guest_debug_decode_mov_dr(struct vcpu *vcpu);

#endif
