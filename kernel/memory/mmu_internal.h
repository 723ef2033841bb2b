/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of mmu/ share among themselves and nobody else uses.
 */
#ifndef ORIEL_MMU_INTERNAL_H
#define ORIEL_MMU_INTERNAL_H

#include "memory/mmu.h"

/**
 * mmu_table_page() - allocate a table page, charged to the launcher
 * @mmu: counts it, as does the host (SecPageTables in /proc/meminfo)
 *
 * May sleep.
 *
 * Return: a zeroed page or NULL.
 */
u64 *mmu_table_page(struct mmu *mmu);

/**
 * mmu_free_table_page() - free a page that no CPU can walk
 * @mmu: counts it
 * @page: from mmu_table_page()
 *
 * Any context.
 */
void mmu_free_table_page(struct mmu *mmu, u64 *page);

/**
 * mmu_flush() - flush all vCPUs, then free the table pages that were unlinked
 * @vm: the VM; mmu.lock held exclusive
 */
void mmu_flush(struct vm *vm);

/**
 * mmu_notifier_start() - follow the launcher's address space
 * @vm: the VM, its tables and memslots ready
 *
 * May sleep.
 *
 * Return: 0, -ENOMEM, or -EINTR when a signal is pending.
 */
int mmu_notifier_start(struct vm *vm);

/**
 * mmu_notifier_stop() - empty the tables, then stop following
 * @vm: the VM; no vCPU runs
 *
 * May sleep.
 */
void mmu_notifier_stop(struct vm *vm);

/**
 * mmu_invalidated() - whether what was looked up in the launcher's page tables
 *	may be out of date
 * @mmu: its lock held, shared or exclusive
 * @seq: @mmu->invalidate_seq from before the lookup
 * @start: lowest launcher address that is to be mapped
 * @end: end of it, exclusive
 *
 * Invalidations elsewhere that have not ended do not count.
 *
 * Return: true if it has to be looked up again.
 */
static inline bool mmu_invalidated(const struct mmu *mmu, unsigned long seq, unsigned long start,
				   unsigned long end)
{
	if (mmu->invalidate_count && start < mmu->invalidate_end && mmu->invalidate_start < end)
		return true;
	return mmu->invalidate_seq != seq;
}

#endif
