/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the programs whose guests run in 64-bit mode.
 */
#ifndef ORIEL_LONGMODE_H
#define ORIEL_LONGMODE_H

#include "rawvm.h"

/* All that is offered, with the local APIC's x2APIC mode and TSC deadlines. */
static inline void set_cpuid(const struct machine *m, unsigned int i)
{
	const unsigned int room = 256;
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + room * sizeof(cpuid->entries[0]));
	unsigned int k;

	if (!cpuid)
		die("calloc");
	cpuid->nent = room;
	MUST(kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	for (k = 0; k < cpuid->nent; k++)
		if (cpuid->entries[k].function == 1)
			cpuid->entries[k].ecx |= 1u << 21 | 1u << 24;
	MUST(m->vcpu[i], KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

/* Flat 64-bit mode with the page tables at @pml4, out of set_flat()'s (SDM 3A 10.8.5). */
static inline void set_long_mode(const struct machine *m, unsigned int i, uint64_t pml4)
{
	struct kvm_sregs sregs;

	((uint64_t *)(m->ram + GDT))[1] = 0x00af9b000000ffff;
	MUST(m->vcpu[i], KVM_GET_SREGS, &sregs);
	sregs.cs.l = 1;
	sregs.cs.db = 0;
	sregs.cr0 |= 0x80000000;
	sregs.cr3 = pml4;
	sregs.cr4 |= 0x20;
	sregs.efer = 0x500;
	MUST(m->vcpu[i], KVM_SET_SREGS, &sregs);
}

/* An interrupt gate of the 64-bit IDT; what runs there is below 4 GiB. */
static inline void set_gate64(const struct machine *m, unsigned int vector, uint32_t handler)
{
	uint64_t *gate = (uint64_t *)(m->ram + IDT) + 2 * vector;

	gate[0] = (handler & 0xffff) | 8 << 16 | 0x8eull << 40 | (uint64_t)(handler >> 16) << 48;
	gate[1] = 0;
}

#endif
