/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the files of memory/ alone. memory.h names the locks.
 */
#ifndef ORIEL_MMU_H
#define ORIEL_MMU_H

#include "memory/memory.h"

/*
 * mmu.c: table pages, and emptying the tables.
 */

/** mmu_init() - make empty tables; 0 or -ENOMEM; may sleep */
int mmu_init(struct mmu *mmu, const struct sl_format *format);
/** mmu_destroy() - free the root of tables that mmu_notifier_stop() has emptied */
void mmu_destroy(struct mmu *mmu);

/**
 * mmu_table_page() - allocate a zeroed table page, or return NULL; may sleep
 *
 * The page is charged to the launcher, and counted in @mmu and by the host (SecPageTables in
 * /proc/meminfo).
 */
u64 *mmu_table_page(struct mmu *mmu);
/** mmu_free_table_page() - free a page that no CPU can walk; any context */
void mmu_free_table_page(struct mmu *mmu, u64 *page);

/** mmu_flush() - flush all vCPUs, then free the unlinked table pages; mmu.lock exclusive */
void mmu_flush(struct memory *memory);

/**
 * mmu_zap_slot() - take all of a memslot's frames out of the tables and flush
 * @memory: @mmu.lock held exclusive, dropped now and then if a thread waits for it; may sleep
 * @slot: no fault can install leaves of it any more, but the mmu_notifier still finds it
 */
void mmu_zap_slot(struct memory *memory, const struct memslot *slot);
/** mmu_zap_all() - empty the tables and flush; @mmu.lock as for mmu_zap_slot() */
void mmu_zap_all(struct memory *memory);
/** mmu_slot_write_protect() - make each write to a published slot fault; takes @mmu.lock */
void mmu_slot_write_protect(struct memory *memory, const struct memslot *slot);

/*
 * notifier.c
 */

/** mmu_notifier_start() - follow the launcher's address space; 0, -ENOMEM or -EINTR */
int mmu_notifier_start(struct memory *memory);
/** mmu_notifier_stop() - empty the tables, then stop following; no vCPU runs */
void mmu_notifier_stop(struct memory *memory);

/*
 * dirty_log.c
 */

/** dirty_log_alloc() - give a slot that is to be logged its bitmap, unless there are rings */
int dirty_log_alloc(const struct memory *memory, struct memslot *slot);
/**
 * dirty_log_begins_set() - return true if a new log contains all pages; @memory->lock held
 *
 * Such a log needs no write-protection until a bit of it is cleared.
 */
bool dirty_log_begins_set(const struct memory *memory);

#endif
