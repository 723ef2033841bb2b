/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPU ioctls that read and write registers and pending events. All run with
 * the vCPU's mutex held; buffers are in kernel memory.
 */
#ifndef ORIEL_REGS_H
#define ORIEL_REGS_H

#include <linux/kvm.h>

struct vcpu;

/** regs_get() - KVM_GET_REGS */
void regs_get(struct vcpu *vcpu, struct kvm_regs *regs);

/** regs_set() - KVM_SET_REGS; a pending exception of the old state is dropped */
void regs_set(struct vcpu *vcpu, const struct kvm_regs *regs);

/** sregs_get() - KVM_GET_SREGS */
void sregs_get(struct vcpu *vcpu, struct kvm_sregs *sregs);

/**
 * sregs_set() - KVM_SET_SREGS
 * @vcpu: the vCPU
 * @sregs: the registers
 *
 * Return: 0, or -EINVAL for registers that no CPU could have together; nothing
 * has changed then.
 */
int sregs_set(struct vcpu *vcpu, const struct kvm_sregs *sregs);

/** sregs2_get() - KVM_GET_SREGS2; vm->memory.srcu held, may sleep */
void sregs2_get(struct vcpu *vcpu, struct kvm_sregs2 *sregs2);

/**
 * sregs2_set() - KVM_SET_SREGS2
 * @vcpu: the vCPU, vm->memory.srcu held; may sleep
 * @sregs2: the registers
 *
 * Return: as sregs_set(), and -EINVAL for unknown flags, or PDPTEs without PAE
 * paging, or with reserved bits where the CPU keeps them.
 */
int sregs2_set(struct vcpu *vcpu, const struct kvm_sregs2 *sregs2);

/** debugregs_get() - KVM_GET_DEBUGREGS */
void debugregs_get(struct vcpu *vcpu, struct kvm_debugregs *regs);

/**
 * debugregs_set() - KVM_SET_DEBUGREGS
 * @vcpu: the vCPU
 * @regs: the registers
 *
 * Return: 0, or -EINVAL for flags or for bits 63:32 of DR6 or DR7.
 */
int debugregs_set(struct vcpu *vcpu, const struct kvm_debugregs *regs);

/** mp_state_get() - KVM_GET_MP_STATE; serves an INIT or SIPI that waits, so first of all */
void mp_state_get(struct vcpu *vcpu, struct kvm_mp_state *state);

/**
 * mp_state_set() - KVM_SET_MP_STATE
 * @vcpu: the vCPU
 * @state: the state
 *
 * Return: 0, or -EINVAL for a state that does not exist, or one but RUNNABLE
 * without an in-kernel irqchip.
 */
int mp_state_set(struct vcpu *vcpu, const struct kvm_mp_state *state);

/** translate_get() - KVM_TRANSLATE; vm->memory.srcu held */
void translate_get(struct vcpu *vcpu, struct kvm_translation *translation);

/* vcpu_events.c */

/**
 * events_settle() - userspace is about to read CR2 or DR6
 * @vcpu: the vCPU
 *
 * A client that has not turned KVM_CAP_EXCEPTION_PAYLOAD on finds there what a pending
 * exception leaves, for it has no other way to move that to another vCPU.
 */
void events_settle(struct vcpu *vcpu);

/** events_get() - KVM_GET_VCPU_EVENTS */
void events_get(struct vcpu *vcpu, struct kvm_vcpu_events *events);

/**
 * events_set() - KVM_SET_VCPU_EVENTS
 * @vcpu: the vCPU
 * @events: the events
 *
 * Return: 0, or -EINVAL for unknown flags or an impossible event.
 */
int events_set(struct vcpu *vcpu, const struct kvm_vcpu_events *events);

#endif
