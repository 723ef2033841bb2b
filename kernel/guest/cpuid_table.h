/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID's side towards the host and userspace.
 */
#ifndef ORIEL_CPUID_TABLE_H
#define ORIEL_CPUID_TABLE_H

#include <linux/types.h>

struct cpuid_facts;
struct vcpu;

struct kvm_cpuid;
struct kvm_cpuid2;

/**
 * cpuid_setup() - find out what the host can give; once, at load
 * @flags: CPUID_HOST_* bits of the vendor
 *
 * May sleep. After fpu_setup().
 *
 * Return: 0 or -ENOMEM.
 */
int cpuid_setup(u32 flags);

/**
 * cpuid_teardown() - undo cpuid_setup(); idempotent
 *
 * At unload or on a failed load.
 */
void cpuid_teardown(void);

/**
 * cpuid_host_facts() - digest of KVM_GET_SUPPORTED_CPUID's answer
 *
 * Any context after cpuid_setup().
 *
 * Return: the facts; never NULL.
 */
const struct cpuid_facts *cpuid_host_facts(void);

/**
 * cpuid_ioctl_supported() - KVM_GET_SUPPORTED_CPUID
 * @user: struct kvm_cpuid2 of the caller
 *
 * May sleep.
 *
 * Return: 0, -E2BIG, -EFAULT or -ENOMEM.
 */
int cpuid_ioctl_supported(struct kvm_cpuid2 __user *user);

/**
 * cpuid_ioctl_set() - KVM_SET_CPUID, the form without indexes
 * @vcpu: vCPU, its mutex held
 * @user: struct kvm_cpuid of the caller
 *
 * May sleep. On success vcpu->cpuid is new; the caller then tells the vendor
 * (cpuid_changed) and the local APIC (lapic_set_features).
 *
 * Return: 0, -E2BIG, -EINVAL, -EFAULT or -ENOMEM; on error nothing changed.
 */
int cpuid_ioctl_set(struct vcpu *vcpu, struct kvm_cpuid __user *user);

/**
 * cpuid_ioctl_set2() - KVM_SET_CPUID2
 * @vcpu: vCPU, its mutex held
 * @user: struct kvm_cpuid2 of the caller
 *
 * As cpuid_ioctl_set().
 *
 * Return: as cpuid_ioctl_set().
 */
int cpuid_ioctl_set2(struct vcpu *vcpu, struct kvm_cpuid2 __user *user);

/**
 * cpuid_ioctl_get2() - KVM_GET_CPUID2
 * @vcpu: vCPU, its mutex held
 * @user: struct kvm_cpuid2 of the caller, nent its room
 *
 * May sleep.
 *
 * Return: 0, -E2BIG when nent is too small, or -EFAULT.
 */
int cpuid_ioctl_get2(struct vcpu *vcpu, struct kvm_cpuid2 __user *user);

/**
 * cpuid_init_vcpu() - what a vCPU has before KVM_SET_CPUID2: no leaf at all
 * @vcpu: new vCPU
 *
 * May sleep.
 */
void cpuid_init_vcpu(struct vcpu *vcpu);

/**
 * cpuid_refresh_vcpu() - cpuid_refresh() from the vCPU's current state
 * @vcpu: vCPU; STATE_CR fetched (its CR4 valid)
 *
 * Under vcpu->mutex.
 */
void cpuid_refresh_vcpu(struct vcpu *vcpu);

#endif
