/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions that only the files of memory/ call. memory.h describes the locks. */
#ifndef ORIEL_MMU_H
#define ORIEL_MMU_H

#include "memory/memory.h"

/* mmu.c: table pages, and emptying the tables. */

/** mmu_init() - make empty tables; may sleep */
int mmu_init(struct mmu *mmu, const struct sl_format *format);
/** mmu_destroy() - free the root of tables that mmu_notifier_stop() has emptied */
void mmu_destroy(struct mmu *mmu);
/**
 * mmu_table_page() - allocate a zeroed table page, or return NULL; may sleep. It is charged to the
 * client, and counted in @mmu and by the host (SecPageTables in /proc/meminfo).
 */
u64 *mmu_table_page(struct mmu *mmu);
/** mmu_free_table_page() - free a page that no CPU can walk; any context */
void mmu_free_table_page(struct mmu *mmu, u64 *page);
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

/* notifier.c */

/** mmu_notifier_start() - begin to follow the client's address space; 0, -ENOMEM or -EINTR */
int mmu_notifier_start(struct memory *memory);
/** mmu_notifier_stop() - empty the tables and end it; no vCPU runs */
void mmu_notifier_stop(struct memory *memory);

/* dirty_log.c */

/** dirty_log_alloc() - allocate the bitmap of a slot that will be logged, unless there are rings */
int dirty_log_alloc(const struct memory *memory, struct memslot *slot);
/**
 * dirty_log_begins_set() - return true if a new log begins with all bits set, and needs no write
 * protection before a bit is cleared; @memory->lock held
 */
bool dirty_log_begins_set(const struct memory *memory);

#endif
