/* SPDX-License-Identifier: GPL-2.0-only */
/* CR8 and the PDPTEs of PAE paging. The vCPU's mutex and memory.srcu are held. */
#ifndef ORIEL_PAGING_H
#define ORIEL_PAGING_H

#include <linux/types.h>

struct cpu_state;
struct vcpu;

/** paging_cr8() - CR8, which the local APIC keeps if there is one; any context */
u8 paging_cr8(const struct vcpu *vcpu);
/** paging_read_pdptes() - read the four entries at @cr3; false if they are not in memory */
bool paging_read_pdptes(struct vcpu *vcpu, u64 cr3, u64 pdpte[4]);
/** paging_pdptes_valid() - are the reserved bits of all present entries clear? */
bool paging_pdptes_valid(const struct vcpu *vcpu, const u64 pdpte[4]);
/**
 * paging_load_pdptes() - load the PDPTEs of new registers @state into its pdpte[], as the CPU does
 * when CR0, CR3 or CR4 change; may sleep. Return false if an entry has a reserved bit set, for
 * which the CPU raises #GP (SDM 3A 4.4.1), or is not in memory; true also without PAE paging.
 */
bool paging_load_pdptes(struct vcpu *vcpu, struct cpu_state *state);

#endif
