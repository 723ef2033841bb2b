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

/**
 * struct walk_ops - how the walker reaches guest physical memory
 * @read: read an entry of @size (4 or 8) bytes at @gpa, zero extended to @entry. Return 0, or
 *	an errno that ends the walk
 * @cmpxchg: replace an entry atomically. Return 0; -EAGAIN when it was not @old, which starts
 *	the walk over; or another errno, which ends the walk
 */
struct walk_ops {
	int (*read)(void *ctx, gpa_t gpa, unsigned int size, u64 *entry);
	int (*cmpxchg)(void *ctx, gpa_t gpa, unsigned int size, u64 old, u64 new);
};

/**
 * struct guest_paging - the registers and features that decide how tables are read
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

/** guest_paging_init() - fill @paging; its pkru becomes 0, which denies nothing */
void guest_paging_init(struct guest_paging *paging, const struct cpu_state *state, u8 phys_bits,
		       bool gbpages);

/**
 * guest_walk() - translate a linear address
 * @linear: canonical, or below 4 GiB outside long mode
 * @access: WALK_* flags
 * @ctx: handed to @ops
 * @gpa: out: the guest physical address, with 0
 * @fault: out: the #PF with error code and address, with 1
 *
 * Sets accessed and dirty bits as the CPU would, but none before it knows that the access is
 * allowed. A CPU may set A of the upper levels earlier. Sleeps if @ops does.
 *
 * Return: 0; 1 when the guest gets @fault; an errno of @ops; -EAGAIN when the entries changed
 * during each of several walks.
 */
int guest_walk(const struct guest_paging *paging, u64 linear, u32 access,
	       const struct walk_ops *ops, void *ctx, gpa_t *gpa, struct cpu_exception *fault);

#endif
