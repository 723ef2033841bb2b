// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mmu_notifier: remove leaves before the host reuses a page, and report to the host which
 * pages the guest uses. fault.c describes how invalidations and faults exclude each other.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

#include "memory/mmu.h"

static struct memory *notifier_memory(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct memory, mmu.notifier);
}

/* Find the frames of a slot that lie in a range of client addresses. There is at least one. */
static void slot_frames(const struct interval_tree_node *node, unsigned long start,
			unsigned long end, gfn_t *first, gfn_t *last)
{
	const struct memslot *slot = container_of(node, struct memslot, by_hva);

	*first = slot->base_gfn + ((max(start, node->start) - node->start) >> PAGE_SHIFT);
	*last = slot->base_gfn + ((min(end - 1, node->last) - node->start) >> PAGE_SHIFT);
}

/* Zap a part of the range, and return true if there is more. Slots may share client memory. */
static bool zap_part(struct memory *memory, unsigned long start, unsigned long end, bool *flush)
{
	struct interval_tree_node *node =
		interval_tree_iter_first(&memory->slots_by_hva, start, end - 1);
	struct sl_part part = { .budget = SL_PART_LEAVES };
	bool more = false;

	for (; node && !more; node = interval_tree_iter_next(node, start, end - 1)) {
		slot_frames(node, start, end, &part.first, &part.last);
		more = sl_zap_part(&memory->mmu.table, &part);
	}
	*flush |= part.flush;
	return more;
}

/*
 * The slots may change while the lock is dropped, so each part begins with the first slot again.
 * This ends, because no fault installs a leaf in the range before the invalidation has ended.
 */
static void zap_range(struct memory *memory, unsigned long start, unsigned long end, bool may_pause)
{
	bool flush = false;

	while (zap_part(memory, start, end, &flush))
		if (may_pause)
			mmu_let_others(memory, &flush);
	if (flush)
		mmu_flush(memory);
}

static bool young_range(struct memory *memory, unsigned long start, unsigned long end, bool clear)
{
	struct interval_tree_node *node =
		interval_tree_iter_first(&memory->slots_by_hva, start, end - 1);
	bool young = false;
	gfn_t first, last;

	for (; node; node = interval_tree_iter_next(node, start, end - 1)) {
		slot_frames(node, start, end, &first, &last);
		young |= sl_test_young(&memory->mmu.table, first, last, clear);
	}
	return young;
}

static int invalidate_range_start(struct mmu_notifier *notifier,
				  const struct mmu_notifier_range *range)
{
	struct memory *memory = notifier_memory(notifier);
	struct mmu *mmu = &memory->mmu;

	write_lock(&mmu->lock);
	if (!mmu->invalidate_count++) {
		mmu->invalidate_start = range->start;
		mmu->invalidate_end = range->end;
	} else {
		mmu->invalidate_start = min(mmu->invalidate_start, range->start);
		mmu->invalidate_end = max(mmu->invalidate_end, range->end);
	}
	zap_range(memory, range->start, range->end, mmu_notifier_range_blockable(range));
	write_unlock(&mmu->lock);
	return 0;
}

static void invalidate_range_end(struct mmu_notifier *notifier,
				 const struct mmu_notifier_range *range)
{
	struct mmu *mmu = &notifier_memory(notifier)->mmu;

	write_lock(&mmu->lock);
	WRITE_ONCE(mmu->invalidate_seq, mmu->invalidate_seq + 1);
	WARN_ON_ONCE(!mmu->invalidate_count--);
	write_unlock(&mmu->lock);
}

/* If the CPU sets no accessed bits, only a new fault shows an access: zap the range. */
static bool young_by_zapping(struct memory *memory, unsigned long start, unsigned long end)
{
	bool mapped;

	write_lock(&memory->mmu.lock);
	mapped = young_range(memory, start, end, false);
	if (mapped)
		zap_range(memory, start, end, false);
	write_unlock(&memory->mmu.lock);
	return mapped;
}

static int clear_young(struct mmu_notifier *notifier, struct mm_struct *mm, unsigned long start,
		       unsigned long end)
{
	struct memory *memory = notifier_memory(notifier);
	bool young;

	if (!memory->mmu.table.format->accessed)
		return young_by_zapping(memory, start, end);
	read_lock(&memory->mmu.lock);
	young = young_range(memory, start, end, true);
	read_unlock(&memory->mmu.lock);
	return young;
}

static int test_young(struct mmu_notifier *notifier, struct mm_struct *mm, unsigned long address)
{
	struct memory *memory = notifier_memory(notifier);
	bool young;

	read_lock(&memory->mmu.lock);
	young = young_range(memory, address, address + PAGE_SIZE, false);
	read_unlock(&memory->mmu.lock);
	return young;
}

/* The address space ends: no leaf may be installed any more. */
static void release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct memory *memory = notifier_memory(notifier);

	write_lock(&memory->mmu.lock);
	memory->mmu.released = true;
	mmu_zap_all(memory);
	write_unlock(&memory->mmu.lock);
}

/*
 * clear_flush_young() flushes no TLB, as the host does not for its own page tables on x86. At worst
 * a page that a CPU accesses through its TLB looks idle.
 */
static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = invalidate_range_start,
	.invalidate_range_end = invalidate_range_end,
	.clear_flush_young = clear_young,
	.clear_young = clear_young,
	.test_young = test_young,
	.release = release,
};

int mmu_notifier_start(struct memory *memory)
{
	memory->mmu.notifier.ops = &notifier_ops;
	return mmu_notifier_register(&memory->mmu.notifier, memory->mm);
}

void mmu_notifier_stop(struct memory *memory)
{
	mmu_notifier_unregister(&memory->mmu.notifier, memory->mm);
}
