/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's own page tables, walked in software: linear address to guest
 * physical address for instruction emulation and KVM_TRANSLATE. Pure: also
 * compiles into userspace tests.
 */
#ifndef ORIEL_MMU_GUEST_WALK_H
#define ORIEL_MMU_GUEST_WALK_H

#include <linux/bits.h>
#include <linux/types.h>

#include "x86/cpu_state.h"
#include "x86/address.h"

/* What is tried; a data read is none of them. */
#define WALK_WRITE BIT(0)
#define WALK_FETCH BIT(1)
#define WALK_USER BIT(2) /* at CPL 3 */
#define WALK_IMPLICIT BIT(3) /* supervisor access by the CPU itself: GDT, IDT, TSS */
#define WALK_PROBE BIT(4) /* leave accessed and dirty bits alone */

/* Protection-key violation in a #PF error code (SDM 3A 4.7). */
#define PFEC_PKEY BIT(5)

/**
 * struct walk_ops - how the walker reaches guest physical memory
 * @read: read an entry of @size (4 or 8) bytes at @gpa, zero extended to @entry.
 *	0, or an errno that ends the walk
 * @cmpxchg: atomically replace an entry. 0; -EAGAIN when it was not @old, the
 *	walk then starts over; another errno ends the walk
 */
struct walk_ops {
	int (*read)(void *ctx, gpa_t gpa, unsigned int size, u64 *entry);
	int (*cmpxchg)(void *ctx, gpa_t gpa, unsigned int size, u64 old, u64 new);
};

/**
 * struct guest_paging - what decides how the guest's tables are read
 * @cr0: CR0
 * @cr3: CR3
 * @cr4: CR4
 * @efer: EFER
 * @rflags: RFLAGS, for SMAP's AC
 * @pkru: PKRU, when CR4.PKE is set
 * @phys_bits: the guest's MAXPHYADDR; higher bits in an entry are reserved
 * @gbpages: the guest's CPUID has 1 GiB pages
 */
struct guest_paging {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 rflags;
	u32 pkru;
	u8 phys_bits;
	bool gbpages;
};

/**
 * guest_paging_init() - take what the walk needs from a CPU's state
 * @paging: filled in
 * @state: cr0, cr3, cr4, efer and rflags are used
 * @phys_bits: the guest's MAXPHYADDR
 * @gbpages: whether it has 1 GiB pages
 *
 * @paging->pkru becomes 0, which denies nothing.
 */
void guest_paging_init(struct guest_paging *paging, const struct cpu_state *state, u8 phys_bits,
		       bool gbpages);

/**
 * guest_walk() - translate a linear address
 * @paging: the mode and its controls
 * @linear: linear address; canonical, or below 4 GiB outside long mode
 * @access: WALK_* flags
 * @ops: how to reach guest memory
 * @ctx: handed to @ops
 * @gpa: the guest physical address on success
 * @fault: the #PF with error code and address when 1 is returned
 *
 * Sets accessed and dirty bits as the CPU would, and only once the access is
 * known to be allowed (A of upper levels is set then too, where a CPU may have
 * set it earlier). Sleeps if @ops does.
 *
 * Return: 0 on success; 1 when the guest gets @fault; an errno from @ops;
 * -EAGAIN when the entries kept changing under the walk.
 */
int guest_walk(const struct guest_paging *paging, u64 linear, u32 access,
	       const struct walk_ops *ops, void *ctx, gpa_t *gpa, struct cpu_exception *fault);

#endif
