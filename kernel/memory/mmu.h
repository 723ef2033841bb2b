/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions that only the files of memory/ call. memory.h describes the locks. */
#ifndef ORIEL_MMU_H
#define ORIEL_MMU_H

#include <linux/bug.h>
#include <linux/minmax.h>

#include "memory/memory.h"

/* mmu.c: table pages, and emptying the tables. */

/** mmu_init() - make empty tables; may sleep */
int mmu_init(struct mmu *mmu, const struct sl_format *format);
/** mmu_destroy() - free the root of tables that mmu_notifier_stop() has emptied */
void mmu_destroy(struct mmu *mmu);
/**
 * mmu_top_up() - allocate as many table pages as one leaf can need, or return -ENOMEM; may sleep.
 * The pages are charged to the client.
 */
int mmu_top_up(struct mmu *mmu, struct sl_spare *spare);
/** mmu_drop_spare() - free the table pages that nobody has used */
void mmu_drop_spare(struct mmu *mmu, struct sl_spare *spare);
/** mmu_flush() - flush the TLBs, then free the unlinked table pages; mmu.lock exclusive */
void mmu_flush(struct memory *memory);
/**
 * mmu_zap_slot() - remove all leaves of a memslot and flush; may sleep. @mmu.lock is held
 * exclusive; it is dropped and taken again if a thread waits for it. No fault can install leaves of
 * @slot any more, but the mmu_notifier still finds it.
 */
void mmu_zap_slot(struct memory *memory, const struct memslot *slot);
/** mmu_zap_all() - empty the tables and flush; @mmu.lock as for mmu_zap_slot() */
void mmu_zap_all(struct memory *memory);
/** mmu_slot_write_protect() - make each write to a published slot fault; takes @mmu.lock */
void mmu_slot_write_protect(struct memory *memory, const struct memslot *slot);
/**
 * mmu_split() - split the large leaves of a range into 4 KiB leaves, with @mmu.lock shared, so that
 * faults go on; may sleep. If there is no memory for tables, faults split the rest one by one.
 */
void mmu_split(struct memory *memory, gfn_t first, gfn_t last);

/**
 * mmu_collapse() - remove the leaves in a part of a published slot that a larger leaf can replace,
 * so that faults install it. Return the first frame that is left to do: it is behind @end,
 * exclusive, if a larger leaf crosses that. Takes mmu.lock exclusive; may sleep.
 */
gfn_t mmu_collapse(struct memory *memory, const struct memslot *slot, gfn_t first, gfn_t end);

/* fault.c */

/**
 * mmu_best_level() - return the largest level that the slot and the host's mapping allow;
 * current->mm is @memory->mm
 */
int mmu_best_level(const struct memory *memory, const struct memslot *slot, gfn_t gfn);
/** mmu_large_leaf_may_execute() - return false if code on this CPU needs 4 KiB leaves */
bool mmu_large_leaf_may_execute(void);

/*
 * An invalidation of a range of client addresses: 3 in fault.c. mmu.lock is held; exclusive to
 * begin and to end one.
 */

/** mmu_begin_invalidation() - let no fault install a leaf in the range until the end */
static inline void mmu_begin_invalidation(struct mmu *mmu, unsigned long start, unsigned long end)
{
	if (mmu->invalidate_count++) {
		start = min(start, mmu->invalidate_start);
		end = max(end, mmu->invalidate_end);
	}
	mmu->invalidate_start = start;
	mmu->invalidate_end = end;
}

/** mmu_end_invalidation() - let all faults that are under way begin anew */
static inline void mmu_end_invalidation(struct mmu *mmu)
{
	WRITE_ONCE(mmu->invalidate_seq, mmu->invalidate_seq + 1);
	WARN_ON_ONCE(!mmu->invalidate_count--);
}

/**
 * mmu_is_invalidated() - return true if a mapping from @start to @end, exclusive, may have changed
 * since @mmu->invalidate_seq was @seq. An invalidation that has not ended counts only if it
 * overlaps this range.
 */
static inline bool mmu_is_invalidated(const struct mmu *mmu, unsigned long seq, unsigned long start,
				      unsigned long end)
{
	if (mmu->invalidate_count && start < mmu->invalidate_end && mmu->invalidate_start < end)
		return true;
	return mmu->invalidate_seq != seq;
}

/* notifier.c */

/** mmu_notifier_start() - begin to follow the client's address space; 0, -ENOMEM or -EINTR */
int mmu_notifier_start(struct memory *memory);
/** mmu_notifier_stop() - empty the tables and end it; no vCPU runs */
void mmu_notifier_stop(struct memory *memory);
/**
 * mmu_lock_slots() - take mmu.lock exclusive and mmu.hva_lock, to change memory->slots_by_hva.
 * @idle: wait until no invalidation runs, because a client address gets its first slot or loses its
 * last one; may sleep.
 */
void mmu_lock_slots(struct mmu *mmu, bool idle);
/** mmu_unlock_slots() - drop both locks */
void mmu_unlock_slots(struct mmu *mmu);

/* regrow.c */

/** mmu_regrow_start() - on a CPU that needs it, look for leaves to collapse from time to time */
void mmu_regrow_start(struct memory *memory);
/** mmu_regrow_stop() - end that; may sleep; @memory->lock is not held */
void mmu_regrow_stop(struct memory *memory);

/* dirty_log.c */

/** dirty_log_alloc() - allocate the bitmap of a slot that will be logged, unless there are rings */
int dirty_log_alloc(const struct memory *memory, struct memslot *slot);
/**
 * dirty_log_begins_set() - return true if a new log begins with all bits set, and needs no write
 * protection before a bit is cleared; @memory->lock held
 */
bool dirty_log_begins_set(const struct memory *memory);

#endif
