// SPDX-License-Identifier: GPL-2.0-only
/*
 * CR8, which a local APIC may keep, and the PDPTEs, which the CPU loads from memory when CR0, CR3
 * or CR4 change (SDM 3A 4.4.1).
 */
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/paging.h"
#include "irq/lapic.h"
#include "x86/cr.h"

/* SDM 3A table 4-8 */
#define PDPTE_PRESENT BIT_ULL(0)
#define PDPTE_RESERVED (GENMASK_ULL(2, 1) | GENMASK_ULL(8, 5))

u8 paging_cr8(const struct vcpu *vcpu)
{
	return vcpu->lapic ? lapic_get_cr8(vcpu->lapic) : vcpu->cr8;
}

/* The entries are 32 bytes, aligned to their size: they lie in one page. */
bool paging_read_pdptes(struct vcpu *vcpu, u64 cr3, u64 pdpte[4])
{
	return !memory_read(&vcpu->vm->memory, cr3 & GENMASK_ULL(31, 5), pdpte, 4 * sizeof(*pdpte));
}

bool paging_pdptes_valid(const struct vcpu *vcpu, const u64 pdpte[4])
{
	const u64 reserved = PDPTE_RESERVED | ~GENMASK_ULL(vcpu->cpuid.facts.maxphyaddr - 1, 0);
	int i;

	for (i = 0; i < 4; i++)
		if (pdpte[i] & PDPTE_PRESENT && pdpte[i] & reserved)
			return false;
	return true;
}

bool paging_load_pdptes(struct vcpu *vcpu, struct cpu_state *state)
{
	u64 pdpte[4];

	if (!cr_pae_paging(state))
		return true;
	if (!paging_read_pdptes(vcpu, state->cr3, pdpte) || !paging_pdptes_valid(vcpu, pdpte))
		return false;
	memcpy(state->pdpte, pdpte, sizeof(pdpte));
	return true;
}
