/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID between the host, userspace and a vCPU. Functions on a vCPU run with its mutex held; the
 * ioctls may sleep.
 */
#ifndef ORIEL_CPUID_TABLE_H
#define ORIEL_CPUID_TABLE_H

#include <linux/types.h>

struct cpuid_facts;
struct kvm_cpuid;
struct kvm_cpuid2;
struct vcpu;

/**
 * cpuid_setup() - build KVM_GET_SUPPORTED_CPUID's answer; once, at load, after fpu_setup(). @flags:
 * CPUID_HOST_* bits of the vendor. Return 0 or -ENOMEM.
 */
int cpuid_setup(u32 flags);
/** cpuid_teardown() - undo cpuid_setup(); idempotent */
void cpuid_teardown(void);
/** cpuid_host_facts() - digest of KVM_GET_SUPPORTED_CPUID's answer; any context after the setup */
const struct cpuid_facts *cpuid_host_facts(void);
/** cpuid_ioctl_supported() - KVM_GET_SUPPORTED_CPUID; 0, -E2BIG or -EFAULT */
int cpuid_ioctl_supported(struct kvm_cpuid2 __user *user);
/**
 * cpuid_ioctl_set() - KVM_SET_CPUID, whose entries have no index. On success vcpu->cpuid is new;
 * then the caller tells the local APIC (lapic_set_features()). On -E2BIG, -EINVAL, -EFAULT and
 * -ENOMEM nothing has changed.
 */
int cpuid_ioctl_set(struct vcpu *vcpu, struct kvm_cpuid __user *user);
/** cpuid_ioctl_set2() - KVM_SET_CPUID2; as cpuid_ioctl_set() */
int cpuid_ioctl_set2(struct vcpu *vcpu, struct kvm_cpuid2 __user *user);
/** cpuid_ioctl_get2() - KVM_GET_CPUID2; 0, -E2BIG if @user->nent is too small, or -EFAULT */
int cpuid_ioctl_get2(struct vcpu *vcpu, struct kvm_cpuid2 __user *user);
void cpuid_init_vcpu(struct vcpu *vcpu); /* with an empty table */
/**
 * cpuid_refresh_vcpu() - have CPUID show a change of CR4, IA32_APIC_BASE, IA32_MISC_ENABLE or XCR0
 */
void cpuid_refresh_vcpu(struct vcpu *vcpu);

#endif
