/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID: the functions that Oriel can give a guest, the table that userspace gave it, and the
 * answers that the guest gets. Pure logic; guest/cpuid_table.c connects it to the host. Functions
 * that allocate nothing work in any context.
 */
#ifndef ORIEL_CPUID_H
#define ORIEL_CPUID_H

#include <linux/bits.h>
#include <linux/kvm.h>
#include <linux/types.h>

/* The most entries that a vCPU may have, and that KVM_SET_CPUID2 may bring. */
#define CPUID_MAX_ENTRIES 256

/* Operands and results of one CPUID. */
struct cpuid_query {
	u32 eax; /* function, then result */
	u32 ebx;
	u32 ecx; /* index, then result */
	u32 edx;
};

/* Features that the back end can give a guest, which the host's CPUID alone does not tell. */
#define CPUID_HOST_SPEC_CTRL BIT(0) /* IA32_SPEC_CTRL is kept per guest */
#define CPUID_HOST_PRED_CMD BIT(1) /* IA32_PRED_CMD reaches the hardware */
#define CPUID_HOST_LA57 BIT(2) /* five-level guest paging under the second level */
#define CPUID_HOST_RDTSCP BIT(3) /* IA32_TSC_AUX is switched, RDTSCP and RDPID work */
#define CPUID_HOST_INVPCID BIT(4) /* INVPCID works in the guest */
#define CPUID_HOST_STEAL_TIME BIT(5) /* the kernel counts the time a thread waits for a CPU */

/* The host, as the source of a guest's CPUID. */
struct cpuid_host {
	/*
	 * Executes CPUID of @regs->eax and @regs->ecx on the host; leaves out the features that the
	 * host's kernel has turned off.
	 */
	void (*read)(const struct cpuid_host *host, struct cpuid_query *regs);
	u64 xcr0; /* XCR0 bits that the guest's FPU state can hold; 0 without XSAVE */
	u32 flags; /* CPUID_HOST_* bits */
};

/* A digest of a CPUID, for frequent questions. Flags: CPUID has the feature of this name. */
struct cpuid_facts {
	u64 cr4_reserved; /* CR4 bits that are #GP to set */
	u64 efer_reserved; /* EFER bits that are #GP to set */
	u64 xcr0; /* XCR0 bits that may be set; 0 without XSAVE */
	u8 maxphyaddr; /* width of a guest-physical address in bits */
	bool intel; /* the vendor is Intel or Centaur: their rules apply */
	bool amd; /* the vendor is AMD or Hygon */
	bool lm;
	bool nx;
	bool gbpages;
	bool la57;
	bool pcid;
	bool invpcid;
	bool xsave;
	bool pku; /* protection keys for user pages */
	bool x2apic;
	bool tsc_deadline;
	bool tsc_adjust;
	bool rdtscp;
	bool rdpid;
	bool tsc_aux; /* IA32_TSC_AUX, which RDTSCP and RDPID read */
	bool rtm; /* restricted transactional memory: DR6[16] and DR7[11] are live */
	bool spec_ctrl;
	bool pred_cmd;
	bool arch_capabilities;
	bool mca;
	bool mtrr;
	u32 pv_features; /* EAX of KVM_CPUID_FEATURES */
};

struct cpuid_table {
	/* Userspace's, in its order; kept current with the guest's state. */
	struct kvm_cpuid_entry2 *entries;
	u32 count;
	bool frozen; /* the vCPU has run: only an identical table is accepted */
	struct cpuid_facts facts; /* digest of @entries, limited by the host's facts */
};

/* Guest state that CPUID shows, and in which of its bits. */
struct cpuid_live {
	u64 cr4; /* OSXSAVE, OSPKE */
	u64 apic_base; /* the APIC bit */
	u64 misc_enable; /* MONITOR */
	bool monitor_follows; /* @misc_enable decides on MONITOR, not the bit that userspace gave */
	bool no_unhalt; /* HLT does not exit, so nobody can be kicked out of it (PV_UNHALT) */
	u64 xcr0; /* size of the XSAVE area */
};

/** cpuid_supported() - KVM_GET_SUPPORTED_CPUID: number of entries; -E2BIG if @max are too few */
int cpuid_supported(const struct cpuid_host *host, struct kvm_cpuid_entry2 *out, u32 max);
void cpuid_make_facts(const struct kvm_cpuid_entry2 *entries, u32 count, struct cpuid_facts *facts);
/** cpuid_check() - return 0 if a vCPU may have this table, else -E2BIG or -EINVAL */
int cpuid_check(const struct kvm_cpuid_entry2 *entries, u32 count);
/**
 * cpuid_replace() - give a vCPU a new table, which shows the state @live; under vcpu->mutex; may
 * sleep. @entries are kmalloc'ed; after success they belong to @table, else to the caller. @limit,
 * the host's facts, limit the guest's. Return 0, an error of cpuid_check(), or -EINVAL if the vCPU
 * has run with another table.
 */
int cpuid_replace(struct cpuid_table *table, struct kvm_cpuid_entry2 *entries, u32 count,
		  const struct cpuid_facts *limit, const struct cpuid_live *live);
/** cpuid_free() - free a vCPU's table; idempotent */
void cpuid_free(struct cpuid_table *table);
/**
 * cpuid_refresh() - show changed guest state in the entries, after a change of CR4.OSXSAVE,
 * CR4.PKE, IA32_APIC_BASE's enable bit, IA32_MISC_ENABLE or XCR0; under vcpu->mutex
 */
void cpuid_refresh(struct cpuid_table *table, const struct cpuid_live *live);
/** cpuid_find() - the entry of @function, and of @index where the index counts; or NULL */
const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid_entry2 *entries, u32 count,
					  u32 function, u32 index);
/** cpuid_execute() - execute CPUID for the guest; under vcpu->mutex */
void cpuid_execute(const struct cpuid_table *table, struct cpuid_query *regs);
/** cpuid_xsave_size() - bytes of an XSAVE area in the standard format, at least 576 */
u32 cpuid_xsave_size(const struct kvm_cpuid_entry2 *entries, u32 count, u64 xcr0);

#endif
