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

/**
 * struct cpuid_query - operands and results of one CPUID
 * @eax: function, then result
 * @ebx: result
 * @ecx: index, then result
 * @edx: result
 */
struct cpuid_query {
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
};

/* Features that the back end can give a guest, which the host's CPUID alone does not tell. */
#define CPUID_HOST_SPEC_CTRL BIT(0) /* IA32_SPEC_CTRL is kept per guest */
#define CPUID_HOST_PRED_CMD BIT(1) /* IA32_PRED_CMD reaches the hardware */
#define CPUID_HOST_LA57 BIT(2) /* five-level guest paging under the second level */
#define CPUID_HOST_RDTSCP BIT(3) /* IA32_TSC_AUX is switched, RDTSCP and RDPID work */
#define CPUID_HOST_INVPCID BIT(4) /* INVPCID works in the guest */
#define CPUID_HOST_STEAL_TIME BIT(5) /* the kernel counts the time a thread waits for a CPU */

/**
 * struct cpuid_host - the host, as the source of a guest's CPUID
 * @read: execute CPUID of @regs->eax and @regs->ecx on the host; leave out the features that the
 *	host's kernel has turned off
 * @xcr0: XCR0 bits that the guest's FPU state can hold; 0 without XSAVE
 * @flags: CPUID_HOST_* bits
 */
struct cpuid_host {
	void (*read)(const struct cpuid_host *host, struct cpuid_query *regs);
	u64 xcr0;
	u32 flags;
};

/**
 * struct cpuid_facts - digest of a guest's CPUID, for frequent questions
 * @cr4_reserved: CR4 bits that are #GP to set
 * @efer_reserved: EFER bits that are #GP to set
 * @xcr0: XCR0 bits that may be set; 0 without XSAVE
 * @maxphyaddr: width of a guest-physical address in bits
 * @intel: the vendor string is Intel's or Centaur's: their rules apply
 * @amd: the vendor string is AMD's or Hygon's
 * @lm: long mode
 * @nx: no-execute
 * @gbpages: 1 GiB pages in the guest's own tables
 * @la57: five-level paging
 * @pcid: process-context identifiers
 * @invpcid: INVPCID
 * @xsave: XSAVE and XCR0
 * @pku: protection keys for user pages
 * @x2apic: x2APIC mode
 * @tsc_deadline: the APIC timer's TSC-deadline mode
 * @tsc_adjust: IA32_TSC_ADJUST
 * @rdtscp: RDTSCP and IA32_TSC_AUX
 * @rdpid: RDPID and IA32_TSC_AUX
 * @tsc_aux: IA32_TSC_AUX, which @rdtscp and @rdpid read
 * @rtm: restricted transactional memory, which makes DR6[16] and DR7[11] live
 * @spec_ctrl: IA32_SPEC_CTRL
 * @pred_cmd: IA32_PRED_CMD
 * @arch_capabilities: IA32_ARCH_CAPABILITIES
 * @mca: machine-check architecture
 * @mtrr: memory-type range registers
 * @pv_features: EAX of KVM_CPUID_FEATURES
 */
struct cpuid_facts {
	u64 cr4_reserved;
	u64 efer_reserved;
	u64 xcr0;
	u8 maxphyaddr;
	bool intel;
	bool amd;
	bool lm;
	bool nx;
	bool gbpages;
	bool la57;
	bool pcid;
	bool invpcid;
	bool xsave;
	bool pku;
	bool x2apic;
	bool tsc_deadline;
	bool tsc_adjust;
	bool rdtscp;
	bool rdpid;
	bool tsc_aux;
	bool rtm;
	bool spec_ctrl;
	bool pred_cmd;
	bool arch_capabilities;
	bool mca;
	bool mtrr;
	u32 pv_features;
};

/**
 * struct cpuid_table - one vCPU's CPUID
 * @entries: userspace's entries in its order; bits that follow the guest's state are kept current
 * @count: number of @entries
 * @frozen: the vCPU has run; from now on only an identical table is accepted
 * @facts: digest of @entries, limited by the host's facts
 */
struct cpuid_table {
	struct kvm_cpuid_entry2 *entries;
	u32 count;
	bool frozen;
	struct cpuid_facts facts;
};

/**
 * struct cpuid_live - guest state that CPUID shows
 * @cr4: guest CR4 (OSXSAVE, OSPKE)
 * @apic_base: IA32_APIC_BASE (the APIC bit)
 * @misc_enable: IA32_MISC_ENABLE (MONITOR)
 * @monitor_follows: @misc_enable decides on MONITOR, not the bit that userspace gave
 * @no_unhalt: HLT does not exit, so nobody can be kicked out of it (PV_UNHALT)
 * @xcr0: guest XCR0 (size of the XSAVE area)
 */
struct cpuid_live {
	u64 cr4;
	u64 apic_base;
	u64 misc_enable;
	bool monitor_follows;
	bool no_unhalt;
	u64 xcr0;
};

/**
 * cpuid_supported() - build the answer to KVM_GET_SUPPORTED_CPUID
 * @max: room in @out, in entries
 *
 * Return: the number of entries, or -E2BIG if @max is too small.
 */
int cpuid_supported(const struct cpuid_host *host, struct kvm_cpuid_entry2 *out, u32 max);

void cpuid_make_facts(const struct kvm_cpuid_entry2 *entries, u32 count, struct cpuid_facts *facts);

/**
 * cpuid_check() - may a vCPU have this table?
 *
 * Return: 0, -E2BIG for too many entries, or -EINVAL for a virtual-address width that no CPU has
 * (CPUID 0x80000008 EAX[15:8] other than 0, 48 or 57).
 */
int cpuid_check(const struct kvm_cpuid_entry2 *entries, u32 count);

/**
 * cpuid_replace() - give a vCPU a new table
 * @entries: kmalloc'ed; after success they belong to @table, else to the caller
 * @limit: the host's facts, which limit the guest's
 * @live: guest state to show in the entries
 *
 * Under vcpu->mutex; may sleep.
 *
 * Return: 0, an error of cpuid_check(), or -EINVAL if the vCPU has run with another table.
 */
int cpuid_replace(struct cpuid_table *table, struct kvm_cpuid_entry2 *entries, u32 count,
		  const struct cpuid_facts *limit, const struct cpuid_live *live);

/** cpuid_free() - free a vCPU's table; idempotent */
void cpuid_free(struct cpuid_table *table);

/**
 * cpuid_refresh() - show changed guest state in the entries; under vcpu->mutex
 *
 * After a change of CR4.OSXSAVE, CR4.PKE, IA32_APIC_BASE's enable bit, IA32_MISC_ENABLE or XCR0.
 */
void cpuid_refresh(struct cpuid_table *table, const struct cpuid_live *live);

/** cpuid_find() - the entry of @function, and of @index where the index counts; or NULL */
const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid_entry2 *entries, u32 count,
					  u32 function, u32 index);

/**
 * cpuid_execute() - execute CPUID for the guest; under vcpu->mutex
 *
 * Functions out of range follow the vendor's rule: SDM 2A CPUID (the highest basic function again),
 * APM 3 CPUID (zeros).
 */
void cpuid_execute(const struct cpuid_table *table, struct cpuid_query *regs);

/**
 * cpuid_xsave_size() - bytes of an XSAVE area in the standard format
 * @entries: a table with function 0xd
 * @xcr0: enabled components
 *
 * Return: at least 576, the legacy region and the header.
 */
u32 cpuid_xsave_size(const struct kvm_cpuid_entry2 *entries, u32 count, u64 xcr0);

#endif
