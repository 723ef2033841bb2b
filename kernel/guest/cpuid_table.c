// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID between the host, userspace and a vCPU: read the host's CPUID, and carry the tables of
 * KVM_{GET_SUPPORTED,SET,SET2,GET2}_CPUID in and out.
 */
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/cpuid_table.h"
#include "guest/fpu.h"
#include "guest/msr.h"
#include "host/compat.h"

static struct kvm_cpuid_entry2 *supported;
static u32 supported_count;
static struct cpuid_facts supported_facts;

/**
 * struct kernel_word - a feature register of which the kernel keeps a copy, without the features
 *	that it has turned off
 * @function: CPUID EAX
 * @index: CPUID ECX
 * @offset: of the register in struct cpuid_query
 * @word: the copy, an index into boot_cpu_data.x86_capability
 */
struct kernel_word {
	u32 function;
	u32 index;
	size_t offset;
	enum cpuid_leafs word;
};

#define WORD(function, index, reg, word)                                 \
	{                                                                \
		function, index, offsetof(struct cpuid_query, reg), word \
	}

static const struct kernel_word kernel_words[] = {
	WORD(0x1, 0, edx, CPUID_1_EDX),
	WORD(0x1, 0, ecx, CPUID_1_ECX),
	WORD(0x7, 0, ebx, CPUID_7_0_EBX),
	WORD(0x7, 0, ecx, CPUID_7_ECX),
	WORD(0x7, 0, edx, CPUID_7_EDX),
	WORD(0x7, 1, eax, CPUID_7_1_EAX),
	WORD(0xd, 1, eax, CPUID_D_1_EAX),
	WORD(0x80000001, 0, edx, CPUID_8000_0001_EDX),
	WORD(0x80000001, 0, ecx, CPUID_8000_0001_ECX),
	WORD(0x80000008, 0, ebx, CPUID_8000_0008_EBX),
};

/*
 * If the kernel has turned a feature off (an erratum, clearcpuid=, noxsave), guests do not get it
 * either: it does not work, or nobody would switch its state.
 */
static void read_host_cpuid(const struct cpuid_host *host, struct cpuid_query *regs)
{
	u32 function = regs->eax;
	u32 index = regs->ecx;
	size_t i;

	cpuid_count(function, index, &regs->eax, &regs->ebx, &regs->ecx, &regs->edx);
	for (i = 0; i < ARRAY_SIZE(kernel_words); i++) {
		const struct kernel_word *w = &kernel_words[i];

		if (w->function == function && w->index == index)
			*(u32 *)((char *)regs + w->offset) &= boot_cpu_data.x86_capability[w->word];
	}
	if (function == 0x7 && index == 0 && !fpu_host.pku)
		regs->ecx &= ~BIT(X86_FEATURE_PKU & 31);
}

int cpuid_setup(u32 flags)
{
	struct cpuid_host host = {
		.read = read_host_cpuid,
		.xcr0 = fpu_host.guest_xcr0,
		.flags = flags,
	};
	int count;

	if (oriel_counts_run_delay())
		host.flags |= CPUID_HOST_STEAL_TIME;
	supported = kcalloc(CPUID_MAX_ENTRIES, sizeof(*supported), GFP_KERNEL);
	if (!supported)
		return -ENOMEM;
	count = cpuid_supported(&host, supported, CPUID_MAX_ENTRIES);
	if (WARN_ON_ONCE(count < 0)) {
		cpuid_teardown();
		return count;
	}
	supported_count = count;
	cpuid_make_facts(supported, supported_count, &supported_facts);
	return 0;
}

void cpuid_teardown(void)
{
	kfree(supported);
	supported = NULL;
	supported_count = 0;
}

const struct cpuid_facts *cpuid_host_facts(void)
{
	return &supported_facts;
}

static int copy_entries_out(struct kvm_cpuid2 __user *user, const struct kvm_cpuid_entry2 *entries,
			    u32 count)
{
	struct kvm_cpuid2 header;

	if (copy_from_user(&header, user, sizeof(header)))
		return -EFAULT;
	if (header.nent < count)
		return -E2BIG;
	header.nent = count;
	if (copy_to_user(user->entries, entries, count * sizeof(*entries)) ||
	    copy_to_user(user, &header, sizeof(header)))
		return -EFAULT;
	return 0;
}

int cpuid_ioctl_supported(struct kvm_cpuid2 __user *user)
{
	return copy_entries_out(user, supported, supported_count);
}

int cpuid_ioctl_get2(struct vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	cpuid_refresh_vcpu(vcpu);
	return copy_entries_out(user, vcpu->cpuid.entries, vcpu->cpuid.count);
}

static void read_live(struct vcpu *vcpu, struct cpuid_live *live)
{
	vcpu_need(vcpu, STATE_CR);
	live->cr4 = vcpu->state.cr4;
	live->apic_base = msr_apic_base(vcpu);
	live->misc_enable = vcpu->msrs.misc_enable;
	live->monitor_follows = !vm_quirk_on(vcpu->vm, KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT);
	live->no_unhalt = vcpu->vm->exits_off & KVM_X86_DISABLE_EXITS_HLT;
	live->xcr0 = vcpu->fpu.xcr0;
}

void cpuid_refresh_vcpu(struct vcpu *vcpu)
{
	struct cpuid_live live;

	read_live(vcpu, &live);
	cpuid_refresh(&vcpu->cpuid, &live);
}

/* Give the vCPU @entries, or free them. */
static int replace(struct vcpu *vcpu, struct kvm_cpuid_entry2 *entries, u32 count)
{
	struct cpuid_live live;
	int ret;

	read_live(vcpu, &live);
	/* Once the guest has run it may have seen its CPUID. */
	vcpu->cpuid.frozen = vcpu->stats.exits;
	/* cpuid_replace() compares the two tables: the old one must show the same state. */
	if (vcpu->cpuid.frozen)
		cpuid_refresh(&vcpu->cpuid, &live);
	ret = cpuid_replace(&vcpu->cpuid, entries, count, &supported_facts, &live);
	if (ret)
		kfree(entries);
	return ret;
}

void cpuid_init_vcpu(struct vcpu *vcpu)
{
	/* A vCPU that never ran accepts an empty table. */
	replace(vcpu, NULL, 0);
	/* KVM's ABI: until userspace gives a CPUID, it may set all CR4 bits that the host has. */
	vcpu->cpuid.facts.cr4_reserved = supported_facts.cr4_reserved;
}

/* Read the header, which is the same for both forms, and make room for the entries. */
static struct kvm_cpuid_entry2 *new_entries(const void __user *user, struct kvm_cpuid2 *header)
{
	struct kvm_cpuid_entry2 *entries;

	BUILD_BUG_ON(sizeof(struct kvm_cpuid) != sizeof(*header));
	if (copy_from_user(header, user, sizeof(*header)))
		return ERR_PTR(-EFAULT);
	if (header->nent > CPUID_MAX_ENTRIES)
		return ERR_PTR(-E2BIG);
	entries = kcalloc(header->nent, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	return entries ?: ERR_PTR(-ENOMEM);
}

int cpuid_ioctl_set2(struct vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid2 header;
	struct kvm_cpuid_entry2 *entries = new_entries(user, &header);

	if (IS_ERR(entries))
		return PTR_ERR(entries);
	if (copy_from_user(entries, user->entries, header.nent * sizeof(*entries))) {
		kfree(entries);
		return -EFAULT;
	}
	return replace(vcpu, entries, header.nent);
}

static int read_old_entries(struct kvm_cpuid_entry2 *entries, u32 count,
			    const struct kvm_cpuid_entry __user *user)
{
	u32 i;

	for (i = 0; i < count; i++) {
		struct kvm_cpuid_entry old;

		if (copy_from_user(&old, &user[i], sizeof(old)))
			return -EFAULT;
		entries[i].function = old.function;
		entries[i].eax = old.eax;
		entries[i].ebx = old.ebx;
		entries[i].ecx = old.ecx;
		entries[i].edx = old.edx;
	}
	return 0;
}

int cpuid_ioctl_set(struct vcpu *vcpu, struct kvm_cpuid __user *user)
{
	struct kvm_cpuid2 header;
	struct kvm_cpuid_entry2 *entries = new_entries(user, &header);

	if (IS_ERR(entries))
		return PTR_ERR(entries);
	if (read_old_entries(entries, header.nent, user->entries)) {
		kfree(entries);
		return -EFAULT;
	}
	return replace(vcpu, entries, header.nent);
}
