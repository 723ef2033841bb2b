/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's physical memory as the CPU sees it: second-level page tables,
 * filled in on faults from the launcher's address space and emptied by an
 * mmu_notifier before the host takes a page away. No page is pinned.
 *
 * Which locks: vm->lock (mutex) serialises changes of memslots. vm->srcu is
 * held by whoever uses a memslot. mmu->lock is a reader/writer spinlock: faults
 * install leaves under it shared and in parallel; whatever takes something
 * away, or publishes new memslots, holds it exclusive, up to and including the
 * TLB flush. What may be long is done in parts, each with its flush, and others
 * are let in between them. Order: vm->lock, vm->srcu, mmu->lock.
 */
#ifndef ORIEL_MMU_H
#define ORIEL_MMU_H

#include <linux/io.h>
#include <linux/mmu_notifier.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "memory/table.h"
#include "x86/address.h"

struct memslot;
struct vm;

/* Kinds of access for mmu_fault(). */
#define MMU_ACCESS_READ SL_READ
#define MMU_ACCESS_WRITE SL_WRITE
#define MMU_ACCESS_EXEC SL_EXEC

/**
 * enum mmu_result - what became of a second-level fault
 * @MMU_MAPPED: the access can be tried again
 * @MMU_NO_SLOT: no memslot covers the address: it is MMIO, emulate
 * @MMU_READONLY: a write to a read-only memslot: emulate it as MMIO
 *
 * Negative values are errno.
 */
enum mmu_result {
	MMU_MAPPED = 0,
	MMU_NO_SLOT,
	MMU_READONLY,
};

/**
 * struct mmu - second-level paging of one VM
 * @table: the tables
 * @lock: see the top of this file
 * @notifier: tells when the launcher's mappings change
 * @invalidate_seq: grows with each invalidation; written under @lock exclusive
 * @invalidate_count: invalidations that have begun and not ended
 * @invalidate_start: lowest hva that they cover; valid while there are any
 * @invalidate_end: highest hva that they cover, exclusive
 * @released: the address space is gone; nothing is mapped any more
 * @retired: unlinked table pages that wait for the TLB flush
 * @guest_memtypes: the guest may choose how memory is cached; written under @lock
 *	exclusive, with a new @invalidate_seq
 * @table_pages: table pages in use, with the root
 */
struct mmu {
	struct sl_table table;
	rwlock_t lock;
	struct mmu_notifier notifier;
	unsigned long invalidate_seq;
	u32 invalidate_count;
	unsigned long invalidate_start;
	unsigned long invalidate_end;
	bool released;
	bool guest_memtypes;
	struct page *retired;
	atomic_long_t table_pages;
};

/**
 * mmu_init() - set up empty tables and follow the launcher's address space
 * @vm: the VM; @vm->mm is the caller's mm, @vm->srcu and @vm->slots are ready
 * @format: how second-level entries look; must outlive the VM
 *
 * May sleep.
 *
 * Return: 0, -ENOMEM or -EINTR.
 */
int mmu_init(struct vm *vm, const struct sl_format *format);

/**
 * mmu_destroy() - undo mmu_init()
 * @vm: the VM; no vCPU runs, nor will one again
 *
 * The launcher's mappings may change until this returns, and each change may
 * flush all vCPUs: so call it before they are freed, and before
 * memslots_destroy(). May sleep; no lock held.
 */
void mmu_destroy(struct vm *vm);

/**
 * mmu_root_hpa() - the root for nCR3 or the EPT pointer
 * @mmu: an initialised mmu
 *
 * It stays the same for the VM's life. Any context.
 *
 * Return: host physical address, 4 KiB aligned.
 */
static inline hpa_t mmu_root_hpa(const struct mmu *mmu)
{
	return virt_to_phys(mmu->table.root);
}

/** mmu_leaves() - how many pages of a level (SL_LEVEL_*) are mapped now; any context */
static inline u64 mmu_leaves(const struct mmu *mmu, int level)
{
	return atomic_long_read(&mmu->table.leaves[level - 1]);
}

/**
 * mmu_max_gfn() - the highest guest frame that can be mapped
 * @mmu: an initialised mmu
 *
 * Return: by the depth of the tables and the CPU's physical address width.
 */
gfn_t mmu_max_gfn(const struct mmu *mmu);

/**
 * mmu_fault() - resolve a second-level fault
 * @vm: the VM; @vm->srcu held by the caller, @vm->mm is current->mm
 * @gpa: the guest physical address that was accessed
 * @access: MMU_ACCESS_*, what was tried
 *
 * May sleep, waits for swap-in. Safe on all vCPUs at once. A fault that
 * another vCPU has resolved meanwhile is MMU_MAPPED too.
 *
 * Return: enum mmu_result; -EINTR when a signal is pending; -EAGAIN when the
 * guest shall simply try again (drop @vm->srcu in between, and check for
 * signals); -EFAULT when the launcher's address space has nothing there or
 * forbids it; -ENOMEM.
 */
int mmu_fault(struct vm *vm, gpa_t gpa, u32 access);

/**
 * mmu_zap_slot() - take all of a memslot's frames out of the tables and flush
 * @vm: the VM; @vm->mmu.lock held exclusive, dropped now and then if somebody waits
 * @slot: the memslot; no fault may install leaves of it any more, but the
 *	mmu_notifier must still find it
 */
void mmu_zap_slot(struct vm *vm, const struct memslot *slot);

/**
 * mmu_zap_all() - empty the tables and flush; frames fault in again
 * @vm: the VM; no lock held; sleeps
 */
void mmu_zap_all(struct vm *vm);

/**
 * mmu_set_guest_memtypes() - let the guest choose how its memory is cached, or not
 * @vm: the VM; no lock of its held
 * @guests: whether it may, where the hardware asks
 *
 * Empties the tables: frames fault in again.
 */
void mmu_set_guest_memtypes(struct vm *vm, bool guests);

/**
 * mmu_allow_read_only_walks() - let the CPU walk page tables of the guest that it may
 *	not write to
 * @vm: the VM; no lock of its held
 *
 * It then no longer marks what the guest accesses. Empties the tables: frames fault in
 * again. A walk that has to set a bit in the guest's tables faults as before.
 *
 * Return: false if it has been so, or there is no such way on this CPU.
 */
bool mmu_allow_read_only_walks(struct vm *vm);

/**
 * mmu_let_others() - in the middle of long work, let those in who wait for the
 *	lock or for the CPU
 * @vm: the VM; @vm->mmu.lock held exclusive, dropped if somebody waits
 * @flush: whether CPUs have to be flushed for what was zapped; false if they were.
 *	NULL where only the right to write was taken away: that may stay in the TLBs
 *	until the caller, who keeps all other readers of the log out, is through
 *
 * May sleep.
 */
void mmu_let_others(struct vm *vm, bool *flush);

/**
 * mmu_slot_write_protect() - make each write to a memslot fault, and flush
 * @vm: the VM; @vm->lock held, takes and drops @vm->mmu.lock
 * @slot: the memslot, published
 */
void mmu_slot_write_protect(struct vm *vm, const struct memslot *slot);

/**
 * mmu_write_protect_masked() - write-protect chosen frames, without a flush
 * @vm: the VM; @vm->mmu.lock held exclusive
 * @first: frame that bit 0 of @mask stands for
 * @mask: which of the next 64 frames
 *
 * Return: whether vm_flush_tlbs() must be called before the lock is dropped.
 */
bool mmu_write_protect_masked(struct vm *vm, gfn_t first, unsigned long mask);

#endif
