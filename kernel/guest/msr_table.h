/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of MSRs, which msr_table.c has and msr.c reads. */
#ifndef ORIEL_MSR_TABLE_H
#define ORIEL_MSR_TABLE_H

#include <linux/types.h>

struct vcpu;

/* Does KVM_GET_MSR_INDEX_LIST name an MSR? */
enum msr_listing {
	MSR_UNLISTED,
	MSR_LISTED,
	MSR_LISTED_IF_HOST, /* if the host's CPUID has @fact and @pv */
};

/*
 * One MSR, or a run of MSRs with consecutive numbers that are alike. @read and @write return 0 or
 * enum msr_refusal; their @host is true on behalf of userspace.
 */
struct msr_row {
	u32 first; /* number of the first MSR */
	u32 count; /* MSRs in the run */
	/*
	 * The value of the first MSR is the u64 at this offset of struct vcpu, and so on for the
	 * run; 0: it is not there.
	 */
	u16 offset;
	/*
	 * Offset of a bool in struct cpuid_facts: a guest whose CPUID lacks the fact has no such
	 * MSR, but userspace always has it; 0: no condition.
	 */
	u16 fact;
	/*
	 * Bit of KVM_CPUID_FEATURES: with KVM_CAP_ENFORCE_PV_FEATURE_CPUID, if the guest's CPUID
	 * lacks the bit, neither the guest nor userspace has the MSR; 0: no condition. A row has at
	 * most one of @fact and @pv.
	 */
	u32 pv;
	u8 listed; /* does KVM_GET_MSR_INDEX_LIST name it? If so, @count is 1 */
	/*
	 * An access that @fact or @pv forbids returns this enum msr_refusal; 0: accesses are not
	 * refused, @fact only decides on the list.
	 */
	s8 without;
	u64 reserved; /* bits that must be 0 */
	/* Is a value without @reserved bits allowed? NULL: all are. */
	bool (*valid)(struct vcpu *vcpu, u32 index, u64 data);
	/* Read the MSR; NULL: its value is at @offset, or without one a read is MSR_UNKNOWN. */
	int (*read)(struct vcpu *vcpu, u32 index, bool host, u64 *data);
	/*
	 * Write a value that @reserved and @valid allow; NULL: store it at @offset, or without one
	 * a write is MSR_UNKNOWN.
	 */
	int (*write)(struct vcpu *vcpu, u32 index, bool host, u64 data);
	/*
	 * Read the value that the host can give, for KVM_GET_MSRS on the node; an errno if the host
	 * has none. NULL: KVM_GET_MSR_FEATURE_INDEX_LIST does not name it.
	 */
	int (*feature)(u64 *data);
};

/* Row 0 is empty: it has no MSR. */
extern const struct msr_row msr_rows[];
extern const u32 msr_row_count;

#endif
