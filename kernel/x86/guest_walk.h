/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk of the guest's own page tables in software, from a linear address to a guest physical
 * address, for instruction emulation and KVM_TRANSLATE. Pure: also serves userspace tests.
 */
#ifndef ORIEL_GUEST_WALK_H
#define ORIEL_GUEST_WALK_H

#include <linux/bits.h>
#include <linux/types.h>

#include "x86/cpu_state.h"
#include "x86/address.h"

/* The kind of access. Without any of these bits it reads data. */
#define WALK_WRITE BIT(0)
#define WALK_FETCH BIT(1)
#define WALK_USER BIT(2) /* at CPL 3 */
#define WALK_IMPLICIT BIT(3) /* supervisor access by the CPU itself: GDT, IDT, TSS */
#define WALK_PROBE BIT(4) /* do not set accessed and dirty bits */

/* Protection-key violation in a #PF error code (SDM 3A 4.7). */
#define PFEC_PKEY BIT(5)

/*
 * Callbacks with which the walker reaches guest physical memory. They return 0, or an errno that
 * ends the walk.
 */
struct walk_ops {
	/* Reads an entry of @size (4 or 8) bytes, zero extended. */
	int (*read)(void *ctx, gpa_t gpa, unsigned int size, u64 *entry);
	/* Replaces an entry atomically; -EAGAIN if it was not @old, which starts the walk over. */
	int (*cmpxchg)(void *ctx, gpa_t gpa, unsigned int size, u64 old, u64 new);
};

/* The registers and features that decide how tables are read. */
struct guest_paging {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 rflags; /* for SMAP's AC */
	u32 pkru; /* valid if CR4.PKE is set */
	u8 phys_bits; /* the guest's MAXPHYADDR; higher bits in an entry are reserved */
	bool gbpages; /* the guest's CPUID has 1 GiB pages */
};

/** guest_paging_init() - fill @paging; its pkru becomes 0, which denies nothing */
void guest_paging_init(struct guest_paging *paging, const struct cpu_state *state, u8 phys_bits,
		       bool gbpages);
/**
 * guest_walk() - translate @linear, which is canonical, or below 4 GiB outside long mode; @access
 * has WALK_* flags. Accessed and dirty bits are set as the CPU would, but none before the access is
 * known to be allowed; a CPU may set A of the upper levels earlier. Sleeps if @ops does. Return 0
 * with @gpa; 1 if the guest gets the #PF in @fault; an errno of @ops; -EAGAIN if the entries have
 * changed during each of several walks.
 */
int guest_walk(const struct guest_paging *paging, u64 linear, u32 access,
	       const struct walk_ops *ops, void *ctx, gpa_t *gpa, struct cpu_exception *fault);

#endif
