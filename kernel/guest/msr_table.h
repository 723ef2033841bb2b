/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of MSRs: what msr_table.c has and msr.c reads.
 */
#ifndef ORIEL_MSR_TABLE_H
#define ORIEL_MSR_TABLE_H

#include <linux/types.h>

struct vcpu;

/* Does KVM_GET_MSR_INDEX_LIST name an MSR? */
enum msr_listing {
	MSR_UNLISTED,
	MSR_LISTED,
	MSR_LISTED_IF_HOST, /* where the host's CPUID has @fact and @pv */
};

/**
 * struct msr_row - one MSR, or a run of MSRs with consecutive numbers that are alike
 * @first: number of the first MSR
 * @count: MSRs in the run
 * @offset: of the value, or of the run's first value, in struct vcpu; a u64. 0: it is not there
 * @fact: offset of a bool in struct cpuid_facts: a guest without the fact has no such MSR, but
 *	userspace has it. 0: none
 * @pv: bit of KVM_CPUID_FEATURES: where the guest is held to its CPUID and that has not the bit,
 *	neither the guest nor userspace has the MSR. Not both @fact and @pv. 0: none
 * @listed: does KVM_GET_MSR_INDEX_LIST name it? If so, @count is 1
 * @without: enum msr_refusal for an access that @fact or @pv forbids. 0: none is refused, @fact
 *	only decides on the list
 * @reserved: bits that must be 0
 * @valid: is a value without @reserved bits allowed? NULL: all are
 * @read: reads it; NULL: it is read at @offset, or is MSR_UNKNOWN without an @offset
 * @write: writes a value that @reserved and @valid allow; NULL: it is stored at @offset, or is
 *	MSR_UNKNOWN without an @offset
 * @feature: reads the value that the host can give, for KVM_GET_MSRS on the node; an errno if the
 *	host has none. NULL: KVM_GET_MSR_FEATURE_INDEX_LIST does not name it
 *
 * @read and @write return 0 or enum msr_refusal. @host is set on behalf of userspace.
 */
struct msr_row {
	u32 first;
	u32 count;
	u16 offset;
	u16 fact;
	u32 pv;
	u8 listed;
	s8 without;
	u64 reserved;
	bool (*valid)(struct vcpu *vcpu, u32 index, u64 data);
	int (*read)(struct vcpu *vcpu, u32 index, bool host, u64 *data);
	int (*write)(struct vcpu *vcpu, u32 index, bool host, u64 data);
	int (*feature)(u64 *data);
};

/* Row 0 is empty: it has no MSR. */
extern const struct msr_row msr_rows[];
extern const u32 msr_row_count;

#endif
