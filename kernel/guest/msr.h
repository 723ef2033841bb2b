/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers as the guest and userspace read and write them. The vCPU's mutex and
 * vm->memory.srcu are held.
 */
#ifndef ORIEL_MSR_H
#define ORIEL_MSR_H

#include <linux/errno.h>
#include <linux/types.h>

#include "core/vcpu.h"
#include "irq/lapic.h"

/* Why an access is refused: #GP in the guest, the end of the list for userspace. */
enum msr_refusal {
	MSR_INVALID = -EINVAL, /* not for this guest, or not that value */
	MSR_UNKNOWN = -ENOENT, /* there is no such MSR */
};

/* Room for a list of MSRs. */
#define MSR_LIST_MAX 128

/** msr_setup() - index the table of MSRs; once, at load */
void msr_setup(void);
/** msr_reset() - the MSRs of struct vcpu_msrs to their values after power-on */
void msr_reset(struct vcpu *vcpu);
/**
 * msr_read() - RDMSR, or one entry of KVM_GET_MSRS; return 0 or enum msr_refusal. @host: on behalf
 * of userspace: the guest's CPUID does not limit it.
 */
int msr_read(struct vcpu *vcpu, u32 index, bool host, u64 *data);
/** msr_write() - WRMSR, or one entry of KVM_SET_MSRS; as msr_read(). May sleep */
int msr_write(struct vcpu *vcpu, u32 index, bool host, u64 data);
/** msr_list() - KVM_GET_MSR_INDEX_LIST, or KVM_GET_MSR_FEATURE_INDEX_LIST; returns how many */
u32 msr_list(u32 list[MSR_LIST_MAX], bool features);
/** msr_read_feature() - one entry of KVM_GET_MSRS on the node; 0, or an errno if there is none */
int msr_read_feature(u32 index, u64 *data);
/** msr_apic_base() - IA32_APIC_BASE, which the in-kernel local APIC holds if there is one */
static inline u64 msr_apic_base(const struct vcpu *vcpu)
{
	return vcpu->lapic ? lapic_get_base(vcpu->lapic) : vcpu->apic_base;
}

/**
 * msr_apic_base_valid() - may IA32_APIC_BASE hold @base? (SDM 3A 11.4.4, 11.12.1) Only for a vCPU
 * without an in-kernel local APIC, which checks by itself.
 */
bool msr_apic_base_valid(const struct vcpu *vcpu, u64 base);

#endif
