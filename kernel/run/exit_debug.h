/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_SET_GUEST_DEBUG: userspace debugs the guest with the CPU's single step, breakpoints and
 * debug registers, and the guest must not notice. guest/debug.h separates the guest's registers
 * from userspace's. The vCPU's mutex is held, and the vCPU is loaded.
 */
#ifndef ORIEL_EXIT_DEBUG_H
#define ORIEL_EXIT_DEBUG_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "core/vendor.h"

struct vcpu;

/* The controls of KVM_SET_GUEST_DEBUG that Oriel has: the value of KVM_CAP_SET_GUEST_DEBUG2. */
#define GUEST_DEBUG_CONTROLS                                                        \
	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |   \
	 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP | \
	 KVM_GUESTDBG_BLOCKIRQ)

/**
 * guest_debug_set() - KVM_SET_GUEST_DEBUG. Return 0; -EINVAL for unknown controls; -EBUSY if it is
 * to raise an exception while another waits.
 */
int guest_debug_set(struct vcpu *vcpu, const struct kvm_guest_debug *debug);
/**
 * guest_debug_arm() - begin a single step at RIP, if userspace wants steps. Call it when a step
 * begins, not at each entry. If an interrupt comes before the instruction has finished, the step
 * waits until its handler has returned.
 */
void guest_debug_arm(struct vcpu *vcpu);
/**
 * guest_debug_trap() - trap after an instruction that software has finished. If userspace steps or
 * set the breakpoint, KVM_RUN returns before the next entry. Else the guest gets #DB. @dr6: DR6_BS
 * for TF, and the B bits of the data breakpoints that it has met.
 */
void guest_debug_trap(struct vcpu *vcpu, u64 dr6);
/**
 * guest_debug_exit() - KVM_EXIT_DEBUG for EXC_DB with its causes @dr6 as in DR6, or for EXC_BP with
 * 0
 */
enum exit_fate guest_debug_exit(struct vcpu *vcpu, u8 vector, u64 dr6);
/** guest_debug_exit_step() - KVM_EXIT_DEBUG for the last guest_debug_trap() (REQ_DEBUG_STEP) */
enum exit_fate guest_debug_exit_step(struct vcpu *vcpu);
/**
 * guest_debug_mov_dr() - MOV to (@to_dr) or from debug register @dr while userspace uses these
 * registers. @reg: enum cpu_gpr of the other operand.
 */
enum exit_fate guest_debug_mov_dr(struct vcpu *vcpu, u8 dr, u8 reg, bool to_dr);
/** guest_debug_decode_mov_dr() - the same; decode the instruction to find its operands */
enum exit_fate guest_debug_decode_mov_dr(struct vcpu *vcpu);

#endif
