// SPDX-License-Identifier: GPL-2.0-only
/* CPUID as a guest sees it: the leaves that the node supports, changed for the guest's CPUs. */
#include "boot/guest_cpuid.h"

#include "base/diag.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define FIRST_TRY 96
#define LAST_TRY 4096

/* SDM 2A CPUID; APM 3 appendix E */
#define LEAF1_ECX_TSC_DEADLINE (1U << 24)
#define LEAF1_ECX_HYPERVISOR (1U << 31)
#define LEAF1_EDX_MTRR (1U << 12)
#define LEAF1_EDX_HTT (1U << 28)
#define LEAF_80000001_ECX_CMP_LEGACY (1U << 1)
#define TOPOLOGY_SMT 1U
#define TOPOLOGY_CORE 2U

struct kvm_cpuid2 *guest_cpuid_supported(int node_fd)
{
	for (uint32_t room = FIRST_TRY; room <= LAST_TRY; room *= 2) {
		size_t count = room + GUEST_CPUID_EXTRA;
		struct kvm_cpuid2 *cpuid =
			calloc(1, sizeof(*cpuid) + count * sizeof(cpuid->entries[0]));

		if (!cpuid)
			break;
		cpuid->nent = room;
		if (!ioctl(node_fd, KVM_GET_SUPPORTED_CPUID, cpuid))
			return cpuid;
		free(cpuid);
		if (errno != E2BIG)
			break;
	}
	diag_error("KVM_GET_SUPPORTED_CPUID: %s", strerror(errno));
	return NULL;
}

/* Return: the number of bits of an APIC ID that are needed for @cpus different IDs. */
static unsigned int id_bits(unsigned int cpus)
{
	unsigned int bits = 0;

	while (1U << bits < cpus)
		bits++;
	return bits;
}

static void adapt_features(struct kvm_cpuid_entry2 *entry, unsigned int cpu, unsigned int cpus,
			   bool tsc_deadline)
{
	uint32_t ids = 1U << id_bits(cpus);

	entry->ebx = (entry->ebx & 0xffff) | (ids > 255 ? 255 : ids) << 16 | cpu << 24;
	entry->ecx |= LEAF1_ECX_HYPERVISOR;
	if (tsc_deadline)
		entry->ecx |= LEAF1_ECX_TSC_DEADLINE;
	entry->edx &= ~LEAF1_EDX_HTT;
	if (cpus > 1)
		entry->edx |= LEAF1_EDX_HTT;
}

/* Deterministic cache parameters: each core has caches of level 1 and 2, all share level 3. */
static void adapt_caches(struct kvm_cpuid_entry2 *entry, unsigned int cpus)
{
	uint32_t level = entry->eax >> 5 & 7, ids = (1U << id_bits(cpus)) - 1;

	if (!(entry->eax & 0x1f))
		return;
	entry->eax &= 0x3fff;
	entry->eax |= (ids & 0x3f) << 26;
	if (level >= 3)
		entry->eax |= ids << 14;
}

static void adapt_topology(struct kvm_cpuid_entry2 *entry, unsigned int cpu, unsigned int cpus)
{
	entry->eax = 0;
	entry->ebx = 0;
	entry->ecx = entry->index;
	entry->edx = cpu;
	if (entry->index == 0) {
		entry->ebx = 1;
		entry->ecx |= TOPOLOGY_SMT << 8;
	} else if (entry->index == 1) {
		entry->eax = id_bits(cpus);
		entry->ebx = cpus;
		entry->ecx |= TOPOLOGY_CORE << 8;
	}
}

static void adapt_entry(struct kvm_cpuid_entry2 *entry, unsigned int cpu, unsigned int cpus,
			bool tsc_deadline)
{
	switch (entry->function) {
	case 0x1:
		adapt_features(entry, cpu, cpus, tsc_deadline);
		break;
	case 0x4:
		adapt_caches(entry, cpus);
		break;
	case 0xb:
		adapt_topology(entry, cpu, cpus);
		break;
	case 0x80000001:
		entry->ecx &= ~LEAF_80000001_ECX_CMP_LEGACY;
		if (cpus > 1)
			entry->ecx |= LEAF_80000001_ECX_CMP_LEGACY;
		break;
	case 0x80000008:
		entry->ecx = (entry->ecx & ~0xf0ffU) | (cpus - 1) | id_bits(cpus) << 12;
		break;
	case 0x8000001e:
		entry->eax = cpu; /* extended APIC ID */
		entry->ebx = cpu; /* core ID, one thread */
		entry->ecx = 0; /* one node */
		break;
	default:
		break;
	}
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *cpuid, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == function && cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	}
	return NULL;
}

/* Add the levels of leaf 0xb that adapt_topology() fills, because a node may give only level 0. */
static void add_topology_levels(struct kvm_cpuid2 *cpuid)
{
	if (!find(cpuid, 0xb, 0))
		return;
	for (uint32_t index = 1; index <= GUEST_CPUID_EXTRA; index++) {
		if (find(cpuid, 0xb, index))
			continue;
		cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2){
			.function = 0xb,
			.index = index,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		};
	}
}

void guest_cpuid_adapt(struct kvm_cpuid2 *cpuid, unsigned int cpu, unsigned int cpus,
		       bool tsc_deadline)
{
	add_topology_levels(cpuid);
	for (uint32_t i = 0; i < cpuid->nent; i++)
		adapt_entry(&cpuid->entries[i], cpu, cpus, tsc_deadline);
}

bool guest_cpuid_has_mtrr(const struct kvm_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == 1)
			return cpuid->entries[i].edx & LEAF1_EDX_MTRR;
	}
	return false;
}
