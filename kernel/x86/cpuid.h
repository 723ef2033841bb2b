/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID: what Oriel can give a guest, what userspace gave it, and what the
 * guest is told. Pure logic; guest/cpuid_table.c connects it to the host.
 */
#ifndef ORIEL_CPUID_H
#define ORIEL_CPUID_H

#include <linux/bits.h>
#include <linux/kvm.h>
#include <linux/types.h>

/* Entries a vCPU may have, and a limit on what KVM_SET_CPUID2 may bring. */
#define CPUID_MAX_ENTRIES 256

/**
 * struct cpuid_query - what one CPUID takes and gives
 * @eax: function going in, result coming out
 * @ebx: result
 * @ecx: index going in, result coming out
 * @edx: result
 */
struct cpuid_query {
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
};

/* What the vendor's side can give a guest beyond what CPUID says of the host. */
#define CPUID_HOST_SPEC_CTRL BIT(0) /* IA32_SPEC_CTRL is kept per guest */
#define CPUID_HOST_PRED_CMD BIT(1) /* IA32_PRED_CMD reaches the hardware */
#define CPUID_HOST_LA57 BIT(2) /* five-level guest paging under the second level */
#define CPUID_HOST_RDTSCP BIT(3) /* IA32_TSC_AUX is switched, RDTSCP and RDPID work */
#define CPUID_HOST_INVPCID BIT(4) /* INVPCID works in the guest */
#define CPUID_HOST_STEAL_TIME BIT(5) /* the kernel counts what a thread waits for a CPU */

/**
 * struct cpuid_host - the host as a guest's CPUID is made from it
 * @read: the host's CPUID of @regs->eax, @regs->ecx, less what its kernel
 *	turned off; answers into @regs
 * @xcr0: XCR0 bits that the guest's FPU state can hold; 0 without XSAVE
 * @flags: CPUID_HOST_* bits
 */
struct cpuid_host {
	void (*read)(const struct cpuid_host *host, struct cpuid_query *regs);
	u64 xcr0;
	u32 flags;
};

/**
 * struct cpuid_facts - what is asked of a guest's CPUID time and again
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
 * @entries: as userspace gave them, in its order, with live bits kept current
 * @count: how many @entries
 * @frozen: the vCPU has run: only an identical table is accepted from now on
 * @facts: digest of @entries, limited to what the host can do
 */
struct cpuid_table {
	struct kvm_cpuid_entry2 *entries;
	u32 count;
	bool frozen;
	struct cpuid_facts facts;
};

/**
 * struct cpuid_live - the guest state that CPUID reflects
 * @cr4: guest CR4 (OSXSAVE, OSPKE)
 * @apic_base: IA32_APIC_BASE (the APIC bit)
 * @misc_enable: IA32_MISC_ENABLE (MONITOR)
 * @monitor_follows: MONITOR is what @misc_enable says, not what userspace gave
 * @no_unhalt: nobody can be kicked out of HLT (PV_UNHALT)
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
 * @host: what the host has
 * @out: receives the entries
 * @max: room in @out, in entries
 *
 * Any context in which @host->read may be called.
 *
 * Return: the number of entries, or -E2BIG when @max is too small.
 */
int cpuid_supported(const struct cpuid_host *host, struct kvm_cpuid_entry2 *out, u32 max);

/**
 * cpuid_make_facts() - digest entries
 * @entries: a table
 * @count: how many
 * @facts: receives the digest
 *
 * Any context.
 */
void cpuid_make_facts(const struct kvm_cpuid_entry2 *entries, u32 count, struct cpuid_facts *facts);

/**
 * cpuid_check() - may this table be given to a vCPU?
 * @entries: the table
 * @count: how many
 *
 * Any context.
 *
 * Return: 0, -E2BIG for too many entries, or -EINVAL for a virtual-address
 * width that no CPU has (CPUID 0x80000008 EAX[15:8] other than 0, 48 or 57).
 */
int cpuid_check(const struct kvm_cpuid_entry2 *entries, u32 count);

/**
 * cpuid_replace() - give a vCPU a new table
 * @table: the vCPU's table
 * @entries: kmalloc'ed; on success they belong to @table, else to the caller
 * @count: how many
 * @limit: facts of what the host supports: the guest's are cut down to them
 * @live: guest state to show in the entries
 *
 * Under vcpu->mutex; may sleep.
 *
 * Return: 0, an error of cpuid_check(), or -EINVAL when the vCPU has run and
 * the table is not the one it ran with.
 */
int cpuid_replace(struct cpuid_table *table, struct kvm_cpuid_entry2 *entries, u32 count,
		  const struct cpuid_facts *limit, const struct cpuid_live *live);

/**
 * cpuid_free() - free a vCPU's table; idempotent
 * @table: the table
 *
 * Under vcpu->mutex or when the vCPU goes away.
 */
void cpuid_free(struct cpuid_table *table);

/**
 * cpuid_refresh() - show changed guest state in the entries
 * @table: the vCPU's table
 * @live: the state
 *
 * After a change of CR4.OSXSAVE, CR4.PKE, IA32_APIC_BASE's enable bit,
 * IA32_MISC_ENABLE or XCR0. Any context, under vcpu->mutex.
 */
void cpuid_refresh(struct cpuid_table *table, const struct cpuid_live *live);

/**
 * cpuid_find() - the entry of a function and index
 * @entries: a table
 * @count: how many
 * @function: CPUID EAX
 * @index: CPUID ECX, ignored for entries whose index is not significant
 *
 * Any context.
 *
 * Return: the entry or NULL.
 */
const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid_entry2 *entries, u32 count,
					  u32 function, u32 index);

/**
 * cpuid_execute() - what the CPUID instruction answers in the guest
 * @table: the vCPU's table
 * @regs: EAX and ECX going in; all four coming out
 *
 * Functions out of range follow the vendor's rule: SDM 2A CPUID (the highest
 * basic leaf again), APM 3 CPUID (zeros). Any context, under vcpu->mutex.
 */
void cpuid_execute(const struct cpuid_table *table, struct cpuid_query *regs);

/**
 * cpuid_xsave_size() - bytes of an XSAVE area in the standard format
 * @entries: a table with function 0xd
 * @count: how many
 * @xcr0: enabled components
 *
 * Any context.
 *
 * Return: the size, never below 576 (legacy region and header).
 */
u32 cpuid_xsave_size(const struct kvm_cpuid_entry2 *entries, u32 count, u64 xcr0);

#endif
