/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers: what the guest and userspace read and write.
 */
#ifndef ORIEL_MSR_H
#define ORIEL_MSR_H

#include <linux/kvm.h>
#include <linux/types.h>

struct vcpu;

/* Why msr_read() and msr_write() refuse: #GP in the guest, or what it asked for. */
enum msr_refusal {
	MSR_INVALID = 1, /* not for this guest, or not that value */
	MSR_UNKNOWN, /* there is no such MSR */
};

/**
 * msr_reset() - MSRs to their values after power-on
 * @vcpu: the vCPU, its mutex held
 */
void msr_reset(struct vcpu *vcpu);

/**
 * msr_read() - RDMSR, or one entry of KVM_GET_MSRS
 * @vcpu: the vCPU, its mutex and vm->memory.srcu held
 * @index: MSR number
 * @host: on behalf of userspace: the guest's CPUID does not limit it
 * @data: value
 *
 * Return: 0, or enum msr_refusal: #GP in the guest, end of the list for userspace.
 */
int msr_read(struct vcpu *vcpu, u32 index, bool host, u64 *data);

/**
 * msr_write() - WRMSR, or one entry of KVM_SET_MSRS
 * @vcpu: the vCPU, its mutex and vm->memory.srcu held
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

#endif
