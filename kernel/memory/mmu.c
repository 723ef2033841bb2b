// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's second-level tables: allocate and free their pages, zap and write-protect memslots, flush
 * the TLBs.
 */
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/swap.h>

#include "memory/mmu.h"

/*
 * Allocate a zeroed table page, or return NULL. It is counted in @mmu and by the host
 * (SecPageTables in /proc/meminfo).
 */
static u64 *new_table_page(struct mmu *mmu)
{
	u64 *page = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (!page)
		return NULL;
	mod_lruvec_page_state(virt_to_page(page), NR_SECONDARY_PAGETABLE, 1);
	atomic_long_inc(&mmu->table_pages);
	return page;
}

static void free_table_page(struct mmu *mmu, u64 *page)
{
	mod_lruvec_page_state(virt_to_page(page), NR_SECONDARY_PAGETABLE, -1);
	free_page((unsigned long)page);
	atomic_long_dec(&mmu->table_pages);
}

int mmu_top_up(struct mmu *mmu, struct sl_spare *spare)
{
	while (spare->count < mmu->table.format->levels - 1U) {
		u64 *page = new_table_page(mmu);

		if (!page)
			return -ENOMEM;
		spare->page[spare->count++] = page;
	}
	return 0;
}

void mmu_drop_spare(struct mmu *mmu, struct sl_spare *spare)
{
	while (spare->count)
		free_table_page(mmu, spare->page[--spare->count]);
}

/* Link the page into mmu->retired through page->private, which is unused in a table page. */
void sl_retire(struct sl_table *table, u64 *entries)
{
	struct mmu *mmu = container_of(table, struct mmu, table);
	struct page *page = virt_to_page(entries);

	set_page_private(page, (unsigned long)mmu->retired);
	mmu->retired = page;
}

/*
 * The leaf was still in the tables, so no invalidation of the page has finished and the page is
 * still the client's. It is enough to set the page's dirty flag, and only anonymous and shared
 * memory need it: a file system that tracks dirty pages marks a page dirty before the page is
 * mapped writable.
 */
void sl_carry(struct sl_table *table, u64 leaf, int level)
{
	const struct sl_format *format = table->format;
	u64 frame = leaf & format->addr & ~((sl_pages(level) << GFN_SHIFT) - 1);
	struct folio *folio = page_folio(pfn_to_page(frame >> PAGE_SHIFT));

	if (sl_leaf_dirty(format, leaf))
		folio_set_dirty(folio);
	if (!format->accessed || (leaf & format->accessed))
		folio_mark_accessed(folio);
}

void mmu_flush(struct memory *memory)
{
	struct mmu *mmu = &memory->mmu;

	memory->ops->flush_tlbs(memory);
	while (mmu->retired) {
		struct page *page = mmu->retired;

		mmu->retired = (struct page *)page_private(page);
		set_page_private(page, 0);
		free_table_page(mmu, page_address(page));
	}
}

void mmu_let_others(struct memory *memory, bool *flush) __must_hold(&memory->mmu.lock)
{
	if (!need_resched() && !rwlock_is_contended(&memory->mmu.lock))
		return;
	if (flush && *flush) {
		mmu_flush(memory);
		*flush = false;
	}
	mmu_unlock_exclusive(&memory->mmu);
	cond_resched();
	mmu_lock_exclusive(&memory->mmu);
}

/* Remove all leaves of a range: 1 and 8 in fault.c. */
static void zap_frames(struct memory *memory, gfn_t first, gfn_t last)
{
	struct sl_part part = { .first = first, .last = last, .budget = SL_PART_LEAVES };

	lockdep_assert_held_write(&memory->mmu.lock);
	while (sl_zap_part(&memory->mmu.table, &part))
		mmu_let_others(memory, &part.flush);
	if (part.flush)
		mmu_flush(memory);
}

void mmu_zap_slot(struct memory *memory, const struct memslot *slot)
{
	zap_frames(memory, slot->base_gfn, slot->base_gfn + slot->npages - 1);
}

void mmu_zap_all(struct memory *memory)
{
	zap_frames(memory, 0, sl_max_gfn(memory->mmu.table.format));
}

void mmu_set_guest_memtypes(struct memory *memory, bool guests)
{
	mmu_lock_exclusive(&memory->mmu);
	WRITE_ONCE(memory->mmu.guest_memtypes, guests);
	/* Faults in progress have to begin anew: 11 in fault.c. */
	WRITE_ONCE(memory->mmu.invalidate_seq, memory->mmu.invalidate_seq + 1);
	mmu_zap_all(memory);
	mmu_unlock_exclusive(&memory->mmu);
}

bool mmu_allow_read_only_walks(struct memory *memory)
{
	struct mmu *mmu = &memory->mmu;
	const struct sl_format *unmarked;

	/* Check without the lock first: repeated calls must not stop the faults of other vCPUs. */
	if (!READ_ONCE(mmu->table.format)->unmarked)
		return false;
	mmu_lock_exclusive(mmu);
	unmarked = mmu->table.format->unmarked;
	if (unmarked) {
		/* Vacate the tables in parts. Meanwhile no fault may add to them: 11 in fault.c. */
		mmu_begin_invalidation(mmu, 0, ULONG_MAX);
		mmu_zap_all(memory);
		WRITE_ONCE(mmu->table.format, unmarked);
		mmu_end_invalidation(mmu);
		/* Always flush, because a vCPU begins to use the new format when it flushes. */
		mmu_flush(memory);
	}
	mmu_unlock_exclusive(mmu);
	return unmarked;
}

void mmu_slot_write_protect(struct memory *memory, const struct memslot *slot)
{
	struct sl_part part = {
		.first = slot->base_gfn,
		.last = slot->base_gfn + slot->npages - 1,
		.budget = SL_PART_LEAVES,
	};

	lockdep_assert_held(&memory->lock);
	mmu_lock_exclusive(&memory->mmu);
	while (sl_write_protect_part(&memory->mmu.table, &part))
		mmu_let_others(memory, NULL);
	if (part.flush)
		mmu_flush(memory);
	mmu_unlock_exclusive(&memory->mmu);
}

/*
 * Remove the leaves at @gfn if a larger leaf can replace them. Return the first frame after the
 * part that this call has covered.
 */
static gfn_t collapse_at(struct memory *memory, const struct memslot *slot, gfn_t gfn, bool *flush)
{
	int level = sl_walk_level(&memory->mmu.table, gfn);
	int best = level < SL_LEVEL_1G ? mmu_best_level(memory, slot, gfn) : level;
	struct sl_part part = { .first = gfn, .budget = SL_PART_LEAVES, .flush = *flush };
	gfn_t last = gfn | (sl_pages(max(max(level, best), SL_LEVEL_2M)) - 1);

	part.last = last;
	while (best > level && sl_zap_part(&memory->mmu.table, &part))
		mmu_let_others(memory, &part.flush);
	*flush = part.flush;
	return last + 1;
}

gfn_t mmu_collapse(struct memory *memory, const struct memslot *slot, gfn_t first, gfn_t end)
{
	bool flush = false;

	mmu_lock_exclusive(&memory->mmu);
	while (first < end) {
		first = collapse_at(memory, slot, first, &flush);
		mmu_let_others(memory, &flush);
	}
	if (flush)
		mmu_flush(memory);
	mmu_unlock_exclusive(&memory->mmu);
	return first;
}

void mmu_split(struct memory *memory, gfn_t first, gfn_t last)
{
	struct sl_part part = { .first = first, .last = last, .budget = SL_PART_LEAVES };
	struct mmu *mmu = &memory->mmu;
	struct sl_spare spare = {};
	bool more;

	/* The first turn has no pages, because often there is nothing to split. */
	do {
		read_lock(&mmu->lock);
		more = sl_split_part(&mmu->table, &part, &spare);
		read_unlock(&mmu->lock);
		cond_resched();
	} while (more && !mmu_top_up(mmu, &spare));
	mmu_drop_spare(mmu, &spare);
}

bool mmu_write_protect_masked(struct memory *memory, gfn_t first, unsigned long mask)
{
	unsigned int from, to;
	bool flush = false;

	lockdep_assert_held_write(&memory->mmu.lock);
	for_each_set_bitrange(from, to, &mask, BITS_PER_LONG)
		flush |= sl_write_protect(&memory->mmu.table, first + from, first + to - 1);
	return flush;
}

int mmu_init(struct mmu *mmu, const struct sl_format *format)
{
	rwlock_init(&mmu->lock);
	spin_lock_init(&mmu->hva_lock);
	init_waitqueue_head(&mmu->idle);
	atomic_long_set(&mmu->table_pages, 0);
	mmu->table.format = format;
	mmu->table.root = new_table_page(mmu);
	return mmu->table.root ? 0 : -ENOMEM;
}

void mmu_destroy(struct mmu *mmu)
{
	free_table_page(mmu, mmu->table.root);
	WARN_ON_ONCE(atomic_long_read(&mmu->table_pages));
}

void memory_stop(struct memory *memory)
{
	mmu_regrow_stop(memory);
	mmu_notifier_stop(memory);
	mmu_destroy(&memory->mmu);
}
