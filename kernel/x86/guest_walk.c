// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walk the guest's own page tables in each of the CPU's paging modes, and form the page fault that
 * the CPU would raise (SDM 3A 4.3 to 4.7, APM 2 5.2 to 5.6).
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "x86/cr.h"
#include "x86/guest_walk.h"

/* Bits of an entry, the same in all modes (SDM 3A 4.3 to 4.5). */
#define PTE_P BIT_ULL(0)
#define PTE_RW BIT_ULL(1)
#define PTE_US BIT_ULL(2)
#define PTE_A BIT_ULL(5)
#define PTE_D BIT_ULL(6)
#define PTE_PS BIT_ULL(7)
#define PTE_XD BIT_ULL(63)
#define PTE_KEY_SHIFT 59
#define PTE_KEYS 16

#define RFLAGS_AC BIT_ULL(18)

#define MAX_DEPTH 5

/* A guest that changes its tables all the time must not keep the host here. */
#define MAX_TRIES 8

enum mode {
	MODE_32,
	MODE_PAE,
	MODE_64,
};

/**
 * struct step - one entry that the walk has read
 * @gpa: its address
 * @entry: its value at that time
 */
struct step {
	gpa_t gpa;
	u64 entry;
};

/**
 * struct walk - one walk
 * @paging: the caller's
 * @linear: the caller's, cut to 32 bits outside long mode
 * @access: the caller's, but without WALK_USER if the access is WALK_IMPLICIT
 * @mode: the format of the entries
 * @levels: depth of the tables
 * @step: the entries that were read, by level
 * @level: the current level; at the end that of the leaf
 * @reserved: bits that are reserved in every entry
 * @allowed: PTE_RW and PTE_US, if all entries grant them
 * @no_exec: some entry denies execution
 * @code: the error code when the guest gets a page fault
 */
struct walk {
	const struct guest_paging *paging;
	u64 linear;
	u32 access;
	enum mode mode;
	int levels;
	struct step step[MAX_DEPTH + 1];
	int level;
	u64 reserved;
	u64 allowed;
	bool no_exec;
	u32 code;
};

void guest_paging_init(struct guest_paging *paging, const struct cpu_state *state, u8 phys_bits,
		       bool gbpages)
{
	*paging = (struct guest_paging){
		.cr0 = state->cr0,
		.cr3 = state->cr3,
		.cr4 = state->cr4,
		.efer = state->efer,
		.rflags = state->rflags,
		.phys_bits = phys_bits,
		.gbpages = gbpages,
	};
}

static unsigned int entry_size(const struct walk *w)
{
	return w->mode == MODE_32 ? 4 : 8;
}

/* Return the lowest bit of the index of a level in the linear address. */
static unsigned int level_shift(const struct walk *w, int level)
{
	return w->mode == MODE_32 ? 2 + 10 * level : 3 + 9 * level;
}

static gpa_t entry_gpa(const struct walk *w, gpa_t table)
{
	u64 index = w->linear >> level_shift(w, w->level);

	return w->mode == MODE_32 ? table + index % 1024 * 4 : table + index % 512 * 8;
}

/* Return the bits from the guest's MAXPHYADDR up to bit 51. */
static u64 above_phys_bits(const struct guest_paging *paging)
{
	return paging->phys_bits < 52 ? GENMASK_ULL(51, paging->phys_bits) : 0;
}

static bool nx_enabled(const struct walk *w)
{
	return w->mode != MODE_32 && (w->paging->efer & CR_EFER_NX);
}

/* Return true if the entry maps a page, false if it refers to a table. */
static bool is_leaf(const struct walk *w, u64 entry)
{
	if (w->level == 1)
		return true;
	if (!(entry & PTE_PS))
		return false;
	if (w->mode == MODE_32)
		return w->paging->cr4 & CR4_PSE;
	return w->level == 2 || (w->level == 3 && w->mode == MODE_64);
}

/*
 * In the entry of a 4 MiB page, bits 20:13 hold the address bits 39:32, as far as the CPU has
 * them. The others and bit 21 are reserved (PSE-36, SDM 3A table 4-4).
 */
static u64 reserved_32(const struct walk *w, bool leaf)
{
	if (!leaf || w->level == 1)
		return 0;
	return GENMASK_ULL(21, clamp(w->paging->phys_bits, (u8)32, (u8)40) - 19);
}

/* SDM 3A tables 4-8 to 4-11. */
static u64 reserved_pae(const struct walk *w, bool leaf)
{
	u64 reserved = GENMASK_ULL(62, 52);

	/*
	 * Bit 5 is reserved, too, but MOV to CR3 checks it and the walk does not (SDM 3A 4.4.1).
	 * QEMU's TCG sets it in memory as an accessed bit.
	 */
	if (w->level == 3)
		return reserved | PTE_XD | GENMASK_ULL(8, 6) | GENMASK_ULL(2, 1);
	if (leaf && w->level == 2)
		reserved |= GENMASK_ULL(20, 13);
	return reserved;
}

/* SDM 3A tables 4-14 to 4-20. */
static u64 reserved_64(const struct walk *w, bool leaf)
{
	u64 reserved = 0;

	if (w->level > 3)
		reserved |= PTE_PS;
	if (w->level == 3 && !w->paging->gbpages)
		reserved |= PTE_PS;
	/* Bit 12 is PAT. */
	if (leaf && w->level > 1)
		reserved |= GENMASK_ULL(level_shift(w, w->level) - 1, 13);
	return reserved;
}

/* Return the bits that are reserved in every entry of the walk. */
static u64 always_reserved(const struct walk *w)
{
	if (w->mode == MODE_32)
		return 0;
	return above_phys_bits(w->paging) | (nx_enabled(w) ? 0 : PTE_XD);
}

static bool has_reserved_bits(const struct walk *w, u64 entry, bool leaf)
{
	if (entry & w->reserved)
		return true;
	switch (w->mode) {
	case MODE_32:
		return leaf && entry & reserved_32(w, leaf);
	case MODE_PAE:
		return entry & reserved_pae(w, leaf);
	default:
		/* Only an entry with PS has more reserved bits. In level 1 PS is PAT. */
		return w->level > 1 && entry & PTE_PS && entry & reserved_64(w, leaf);
	}
}

/* A PDPTE of PAE paging grants all rights and has no accessed bit. */
static bool is_pdpte(const struct walk *w, int level)
{
	return w->mode == MODE_PAE && level == 3;
}

static void combine_rights(struct walk *w, u64 entry)
{
	if (is_pdpte(w, w->level))
		return;
	w->allowed &= entry;
	if (nx_enabled(w) && (entry & PTE_XD))
		w->no_exec = true;
}

static gpa_t table_gpa(const struct walk *w, u64 entry)
{
	return entry & (w->mode == MODE_32 ? GENMASK_ULL(31, 12) : GENMASK_ULL(51, 12));
}

static gpa_t leaf_gpa(const struct walk *w, u64 entry)
{
	u64 offset = (1ULL << level_shift(w, w->level)) - 1;
	gpa_t base = table_gpa(w, entry) & ~offset;

	if (w->mode == MODE_32 && w->level == 2)
		base |= (entry & GENMASK_ULL(20, 13)) << (32 - 13);
	return base | (w->linear & offset);
}

static u64 root_gpa(const struct walk *w)
{
	switch (w->mode) {
	case MODE_32:
		return w->paging->cr3 & GENMASK_ULL(31, 12);
	case MODE_PAE:
		return w->paging->cr3 & GENMASK_ULL(31, 5);
	default:
		return w->paging->cr3 & GENMASK_ULL(51, 12);
	}
}

static void choose_mode(struct walk *w)
{
	const struct guest_paging *paging = w->paging;

	if (paging->efer & CR_EFER_LMA) {
		w->mode = MODE_64;
		w->levels = paging->cr4 & CR4_LA57 ? 5 : 4;
		return;
	}
	w->linear &= GENMASK_ULL(31, 0);
	w->mode = paging->cr4 & CR4_PAE ? MODE_PAE : MODE_32;
	w->levels = w->mode == MODE_PAE ? 3 : 2;
}

/* Check the rights of a supervisor-mode or user-mode access (SDM 3A 4.6). */
static bool is_permitted(const struct walk *w)
{
	const struct guest_paging *paging = w->paging;
	bool user_page = w->allowed & PTE_US;
	bool smap_off = (paging->rflags & RFLAGS_AC) && !(w->access & WALK_IMPLICIT);

	if (w->access & WALK_USER) {
		if (!user_page)
			return false;
	} else if (user_page) {
		if (w->access & WALK_FETCH) {
			if (paging->cr4 & CR4_SMEP)
				return false;
		} else if ((paging->cr4 & CR4_SMAP) && !smap_off) {
			return false;
		}
	}
	if (w->access & WALK_FETCH)
		return !w->no_exec;
	if (!(w->access & WALK_WRITE) || (w->allowed & PTE_RW))
		return true;
	return !(w->access & WALK_USER) && !(paging->cr0 & CR0_WP);
}

/* Check the protection key, which applies to data accesses to user pages (SDM 3A 4.6.2). */
static bool key_permits(const struct walk *w)
{
	u32 key = (w->step[w->level].entry >> PTE_KEY_SHIFT) % PTE_KEYS;
	u32 rights = w->paging->pkru >> (2 * key);

	if (!(w->paging->cr4 & CR4_PKE) || w->mode != MODE_64 || !(w->allowed & PTE_US) ||
	    (w->access & WALK_FETCH))
		return true;
	if (rights & BIT(0))
		return false;
	return !(rights & BIT(1)) || !(w->access & WALK_WRITE) ||
	       (!(w->access & WALK_USER) && !(w->paging->cr0 & CR0_WP));
}

/* Give the guest a page fault. The bits of the access are added to @code (SDM 3A 4.7). */
static int page_fault(struct walk *w, u32 code)
{
	if (w->access & WALK_WRITE)
		code |= PFEC_WRITE;
	if (w->access & WALK_USER)
		code |= PFEC_USER;
	if ((w->access & WALK_FETCH) && (nx_enabled(w) || (w->paging->cr4 & CR4_SMEP)))
		code |= PFEC_FETCH;
	w->code = code;
	return 1;
}

/* Walk from the root to the entry that maps the page. */
static int descend(struct walk *w, const struct walk_ops *ops, void *ctx)
{
	gpa_t table = root_gpa(w);

	w->allowed = PTE_RW | PTE_US;
	w->no_exec = false;
	for (w->level = w->levels;; w->level--) {
		gpa_t gpa = entry_gpa(w, table);
		u64 entry;
		bool leaf;
		int ret;

		/* Read into a local variable, so that the walk's state can stay in registers. */
		ret = ops->read(ctx, gpa, entry_size(w), &entry);
		if (ret)
			return ret;
		w->step[w->level] = (struct step){ .gpa = gpa, .entry = entry };
		if (!(entry & PTE_P))
			return page_fault(w, 0);
		leaf = is_leaf(w, entry);
		if (has_reserved_bits(w, entry, leaf))
			return page_fault(w, PFEC_PRESENT | PFEC_RESERVED);
		combine_rights(w, entry);
		if (leaf)
			return 0;
		table = table_gpa(w, entry);
	}
}

static int check_rights(struct walk *w)
{
	if (!is_permitted(w))
		return page_fault(w, PFEC_PRESENT);
	if (!key_permits(w))
		return page_fault(w, PFEC_PRESENT | PFEC_PKEY);
	return 0;
}

/* Set the accessed bit in all entries, and dirty in the last one (SDM 3A 4.8). */
static int set_accessed_dirty(struct walk *w, const struct walk_ops *ops, void *ctx)
{
	/* cmpxchg() is a macro of the kernel, so the member needs another name in a call. */
	__typeof__(ops->cmpxchg) replace = ops->cmpxchg;
	int level;

	if (w->access & WALK_PROBE)
		return 0;
	for (level = w->levels; level >= w->level; level--) {
		struct step *step = &w->step[level];
		u64 new = step->entry | PTE_A;
		int ret;

		if (is_pdpte(w, level))
			continue;
		if (level == w->level && (w->access & WALK_WRITE))
			new |= PTE_D;
		if (new == step->entry)
			continue;
		ret = replace(ctx, step->gpa, entry_size(w), step->entry, new);
		if (ret)
			return ret;
	}
	return 0;
}

static int walk_once(struct walk *w, const struct walk_ops *ops, void *ctx)
{
	int ret = descend(w, ops, ctx);

	if (!ret)
		ret = check_rights(w);
	if (!ret)
		ret = set_accessed_dirty(w, ops, ctx);
	return ret;
}

int guest_walk(const struct guest_paging *paging, u64 linear, u32 access,
	       const struct walk_ops *ops, void *ctx, gpa_t *gpa, struct cpu_exception *fault)
{
	struct walk w; /* not cleared: descend() fills the steps that are used */
	int tries = MAX_TRIES;
	int ret;

	if (!(paging->cr0 & CR0_PG)) {
		*gpa = linear & GENMASK_ULL(31, 0);
		return 0;
	}
	w.paging = paging;
	w.linear = linear;
	w.access = access & WALK_IMPLICIT ? access & ~WALK_USER : access;
	choose_mode(&w);
	w.reserved = always_reserved(&w);
	do {
		ret = walk_once(&w, ops, ctx);
	} while (ret == -EAGAIN && --tries);
	if (!ret)
		*gpa = leaf_gpa(&w, w.step[w.level].entry);
	if (ret == 1)
		*fault = (struct cpu_exception){
			.vector = EXC_PF,
			.has_error_code = true,
			.error_code = w.code,
			.address = linear,
		};
	return ret;
}
