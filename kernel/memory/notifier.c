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

static struct interval_tree_node *first_slot(struct memory *memory, unsigned long start,
					     unsigned long end)
{
	return interval_tree_iter_first(&memory->slots_by_hva, start, end - 1);
}

/* Zap frames of one slot. Return false if the slots have changed in a pause. */
static bool zap_slot(struct memory *memory, struct sl_part *part, bool may_pause)
{
	u64 changes = memory->mmu.slot_changes;

	while (sl_zap_part(&memory->mmu.table, part)) {
		if (may_pause)
			mmu_let_others(memory, &part->flush);
		if (memory->mmu.slot_changes != changes)
			return false;
	}
	return true;
}

/*
 * Slots may share client memory. After a pause go on with the same slot, because there may be
 * thousands of them, or with the first one if the slots have changed. This ends, because no fault
 * installs a leaf in the range before the invalidation has ended.
 */
static void zap_range(struct memory *memory, unsigned long start, unsigned long end, bool may_pause)
{
	struct interval_tree_node *node = first_slot(memory, start, end);
	struct sl_part part = { .budget = SL_PART_LEAVES };

	while (node) {
		slot_frames(node, start, end, &part.first, &part.last);
		if (zap_slot(memory, &part, may_pause))
			node = interval_tree_iter_next(node, start, end - 1);
		else
			node = first_slot(memory, start, end);
	}
	if (part.flush)
		mmu_flush(memory);
}

static bool young_range(struct memory *memory, unsigned long start, unsigned long end, bool clear)
{
	struct interval_tree_node *node = first_slot(memory, start, end);
	bool young = false;
	gfn_t first, last;

	for (; node; node = interval_tree_iter_next(node, start, end - 1)) {
		slot_frames(node, start, end, &first, &last);
		young |= sl_test_young(&memory->mmu.table, first, last, clear);
	}
	return young;
}

void mmu_lock_slots(struct mmu *mmu, bool idle) __acquires(&mmu->lock) __acquires(&mmu->hva_lock)
{
	for (;;) {
		if (idle)
			wait_event(mmu->idle, !READ_ONCE(mmu->invalidations));
		mmu_lock_exclusive(mmu);
		spin_lock(&mmu->hva_lock);
		if (!idle || !mmu->invalidations)
			break;
		mmu_unlock_slots(mmu);
	}
	mmu->slot_changes++;
}

void mmu_unlock_slots(struct mmu *mmu) __releases(&mmu->hva_lock) __releases(&mmu->lock)
{
	spin_unlock(&mmu->hva_lock);
	mmu_unlock_exclusive(mmu);
}

/* Most invalidations of a large client touch no slot. They must not stop the vCPUs' faults. */
static int invalidate_range_start(struct mmu_notifier *notifier,
				  const struct mmu_notifier_range *range)
{
	struct memory *memory = notifier_memory(notifier);
	struct mmu *mmu = &memory->mmu;
	bool touches;

	spin_lock(&mmu->hva_lock);
	mmu->invalidations++;
	touches = first_slot(memory, range->start, range->end);
	spin_unlock(&mmu->hva_lock);
	if (!touches)
		return 0;
	mmu_lock_exclusive(mmu);
	mmu_begin_invalidation(mmu, range->start, range->end);
	zap_range(memory, range->start, range->end, mmu_notifier_range_blockable(range));
	mmu_unlock_exclusive(mmu);
	return 0;
}

static void invalidate_range_end(struct mmu_notifier *notifier,
				 const struct mmu_notifier_range *range)
{
	struct memory *memory = notifier_memory(notifier);
	struct mmu *mmu = &memory->mmu;
	bool touches, idle;

	spin_lock(&mmu->hva_lock);
	/* The result is that of the beginning: mmu_lock_slots() lets nothing change it. */
	touches = first_slot(memory, range->start, range->end);
	spin_unlock(&mmu->hva_lock);
	if (touches) {
		mmu_lock_exclusive(mmu);
		mmu_end_invalidation(mmu);
		mmu_unlock_exclusive(mmu);
	}
	spin_lock(&mmu->hva_lock);
	idle = !--mmu->invalidations;
	spin_unlock(&mmu->hva_lock);
	if (idle)
		wake_up(&mmu->idle);
}

/* If the CPU sets no accessed bits, only a new fault shows an access: zap the range. */
static bool young_by_zapping(struct memory *memory, unsigned long start, unsigned long end)
{
	bool mapped;

	read_lock(&memory->mmu.lock);
	mapped = young_range(memory, start, end, false);
	read_unlock(&memory->mmu.lock);
	if (!mapped)
		return false;
	mmu_lock_exclusive(&memory->mmu);
	zap_range(memory, start, end, false);
	mmu_unlock_exclusive(&memory->mmu);
	return true;
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

	mmu_lock_exclusive(&memory->mmu);
	memory->mmu.released = true;
	mmu_zap_all(memory);
	mmu_unlock_exclusive(&memory->mmu);
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
