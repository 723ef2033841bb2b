/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_ENABLE_CAP: capabilities that a client turns on before they do anything.
 */
#ifndef ORIEL_ENABLE_H
#define ORIEL_ENABLE_H

#include <linux/kvm.h>

struct vcpu;
struct vm;

/**
 * exits_that_can_go() - KVM_CAP_X86_DISABLE_EXITS: what a guest may execute by itself
 *
 * Any context.
 *
 * Return: KVM_X86_DISABLE_EXITS_* bits.
 */
u32 exits_that_can_go(void);

/**
 * enable_vm_cap() - KVM_ENABLE_CAP on a VM
 * @vm: the VM; takes its lock
 * @cap: as userspace gave it, nothing checked yet
 *
 * May sleep.
 *
 * Return: 0; -EINVAL for flags, an argument or a capability that cannot be turned
 * on; what else the capability's documentation says.
 */
int enable_vm_cap(struct vm *vm, const struct kvm_enable_cap *cap);

/**
 * enable_vcpu_cap() - KVM_ENABLE_CAP on a vCPU
 * @vcpu: the vCPU, its mutex held
 * @cap: as userspace gave it, nothing checked yet
 *
 * Return: as enable_vm_cap().
 */
int enable_vcpu_cap(struct vcpu *vcpu, const struct kvm_enable_cap *cap);

#endif
