/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers: what the guest and userspace read and write.
 */
#ifndef ORIEL_MSR_H
#define ORIEL_MSR_H

#include <linux/kvm.h>
#include <linux/types.h>

struct vcpu;

#define MSR_MTRR_VARIABLE 8 /* pairs of base and mask */
#define MSR_MTRR_FIXED 11

/* Why msr_read() and msr_write() refuse: #GP in the guest, or what it asked for. */
enum msr_refusal {
	MSR_INVALID = 1, /* not for this guest, or not that value */
	MSR_UNKNOWN, /* there is no such MSR */
};

/**
 * struct vcpu_msrs - MSRs that are only kept, because nothing depends on them
 * @misc_enable: IA32_MISC_ENABLE
 * @mtrr_def_type: IA32_MTRR_DEF_TYPE; nested paging decides the memory type
 * @mtrr_fixed: IA32_MTRR_FIX64K_00000 to FIX4K_F8000
 * @mtrr_variable: IA32_MTRR_PHYSBASE0, PHYSMASK0, ...
 * @tsc_aux: IA32_TSC_AUX
 * @ucode_rev: IA32_BIOS_SIGN_ID
 * @hwcr: AMD HWCR
 * @de_cfg: AMD DE_CFG
 * @poll_control: MSR_KVM_POLL_CONTROL
 * @power_ctl: IA32_POWER_CTL
 * @platform_info: MSR_PLATFORM_INFO
 * @arch_capabilities: IA32_ARCH_CAPABILITIES
 * @cpuid_faulting: CPUID above CPL 0 is #GP, as MSR_MISC_FEATURES_ENABLES has it
 */
struct vcpu_msrs {
	u64 misc_enable;
	u64 mtrr_def_type;
	u64 mtrr_fixed[MSR_MTRR_FIXED];
	u64 mtrr_variable[2 * MSR_MTRR_VARIABLE];
	u64 tsc_aux;
	u64 ucode_rev;
	u64 hwcr;
	u64 de_cfg;
	u64 poll_control;
	u64 power_ctl;
	u64 platform_info;
	u64 arch_capabilities;
	bool cpuid_faulting;
};

/**
 * msr_reset() - MSRs to their values after power-on
 * @vcpu: the vCPU, its mutex held
 */
void msr_reset(struct vcpu *vcpu);

/**
 * msr_read() - RDMSR, or one entry of KVM_GET_MSRS
 * @vcpu: the vCPU, its mutex and vm->srcu held
 * @index: MSR number
 * @host: on behalf of userspace: the guest's CPUID does not limit it
 * @data: value
 *
 * Return: 0, or enum msr_refusal: #GP in the guest, end of the list for userspace.
 */
int msr_read(struct vcpu *vcpu, u32 index, bool host, u64 *data);

/**
 * msr_write() - WRMSR, or one entry of KVM_SET_MSRS
 * @vcpu: the vCPU, its mutex and vm->srcu held
 * @index: MSR number
 * @host: on behalf of userspace
 * @data: value
 *
 * Return: 0, or enum msr_refusal.
 */
int msr_write(struct vcpu *vcpu, u32 index, bool host, u64 data);

/**
 * msr_apic_base_valid() - may IA32_APIC_BASE hold this? (SDM 3A 10.4.4, 10.12.1)
 * @vcpu: a vCPU without an in-kernel local APIC, which checks by itself
 * @base: value
 */
bool msr_apic_base_valid(const struct vcpu *vcpu, u64 base);

/** msr_arch_capabilities() - what IA32_ARCH_CAPABILITIES of a guest starts with */
u64 msr_arch_capabilities(void);

/* ---- msr_list.c ---- */

/**
 * msr_ioctl_list() - KVM_GET_MSR_INDEX_LIST, KVM_GET_MSR_FEATURE_INDEX_LIST
 * @user: where the list goes
 * @features: which of the two
 *
 * Return: 0, -E2BIG with nmsrs set to what is needed, -EFAULT.
 */
int msr_ioctl_list(struct kvm_msr_list __user *user, bool features);

/**
 * msr_ioctl_get() - KVM_GET_MSRS
 * @vcpu: the vCPU, or NULL for the feature MSRs of the system ioctl
 * @user: list
 *
 * Return: how many were read, -E2BIG, -ENOMEM, -EFAULT.
 */
int msr_ioctl_get(struct vcpu *vcpu, struct kvm_msrs __user *user);

/**
 * msr_ioctl_set() - KVM_SET_MSRS
 * @vcpu: the vCPU
 * @user: list
 *
 * Return: how many were written, -E2BIG, -ENOMEM, -EFAULT.
 */
int msr_ioctl_set(struct vcpu *vcpu, struct kvm_msrs __user *user);

#endif
