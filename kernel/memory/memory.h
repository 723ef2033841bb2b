/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's physical memory. Memslots are the parts of the launcher's address space behind it,
 * second-level page tables map it for the CPU, and a log records the pages that were written.
 *
 * Locks, in the order in which they are taken (fault.c describes their use):
 *
 *   memory->lock      a mutex: one change of the memslots, or one reader of the dirty log
 *   memory->srcu      held by each user of a memslot
 *   memory->mmu.lock  a reader/writer spinlock: shared to install leaves, exclusive to remove
 *                     leaves or rights and to publish memslots
 *
 * A function that may sleep says so. Unless a function says otherwise, it expects @srcu to be
 * held if it uses memslots, and runs in a thread whose current->mm is @mm if it accesses guest
 * memory.
 */
#ifndef ORIEL_MEMORY_H
#define ORIEL_MEMORY_H

#include <linux/interval_tree.h>
#include <linux/io.h>
#include <linux/kvm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "memory/table.h"
#include "x86/address.h"

struct memory;

/* Slot numbers are 0 to MEMSLOT_MAX - 1: the value of KVM_CAP_NR_MEMSLOTS, KVM's own. */
#define MEMSLOT_MAX 32764

/* The result of memory_hva() if there is no slot; never page aligned. */
#define MEMSLOT_NO_HVA (~0UL)

/* The value of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. */
#define DIRTY_LOG_MANUAL_FLAGS (KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)

/* Kinds of access for mmu_fault(). */
#define MMU_ACCESS_READ SL_READ
#define MMU_ACCESS_WRITE SL_WRITE
#define MMU_ACCESS_EXEC SL_EXEC

/**
 * struct memslot - one range of guest-physical memory, immutable once published
 * @base_gfn: first guest frame number
 * @npages: length in 4 KiB pages, never 0
 * @hva: launcher address of the first byte, page aligned
 * @id: slot number, given by userspace
 * @flags: KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY
 * @dirty_bitmap: one bit per page while the slot is logged without rings, else NULL
 * @by_hva: the slot's place in memory->slots_by_hva
 */
struct memslot {
	gfn_t base_gfn;
	u64 npages;
	unsigned long hva;
	u16 id;
	u32 flags;
	unsigned long *dirty_bitmap;
	struct interval_tree_node by_hva;
};

/**
 * struct memslots - a snapshot: an immutable list of all slots
 * @generation: grows by one with each published change
 * @count: number of slots
 * @room: capacity of @by_gfn
 * @by_gfn: the slots in ascending order of @base_gfn; no two overlap. A later snapshot may use
 *	the elements beyond @count
 */
struct memslots {
	u64 generation;
	u32 count;
	u32 room;
	struct memslot **by_gfn;
};

/**
 * struct mmu - second-level paging of one VM
 * @table: the tables
 * @lock: see the top of this file; held exclusive to write @invalidate_seq to @retired
 * @notifier: reports changes of the launcher's mappings
 * @invalidate_seq: grows with each invalidation
 * @invalidate_count: number of invalidations that have begun and not ended
 * @invalidate_start: lowest hva of these invalidations
 * @invalidate_end: highest hva of these invalidations, exclusive
 * @released: the launcher's address space has ended: no leaf is installed any more
 * @guest_memtypes: the guest may choose how memory is cached
 * @retired: unlinked table pages that wait for the TLB flush
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

/** struct memory_ops - the services that a VM gives to its memory */
struct memory_ops {
	/**
	 * @flush_tlbs: make every vCPU drop its cached translations before it executes another
	 * guest instruction, and wait until no CPU uses an old one; mmu.lock held exclusive
	 */
	void (*flush_tlbs)(struct memory *memory);
	/** @slots_changed: called after new memslots were published; memory->lock held */
	void (*slots_changed)(struct memory *memory);
	/**
	 * @ring_has_room: return true if the dirty ring of the loaded vCPU has room for an entry;
	 * it keeps the room until @ring_push. Any context
	 */
	bool (*ring_has_room)(const struct memory *memory);
	/** @ring_push: enter page @offset of @slot in that ring; any context */
	void (*ring_push)(struct memory *memory, const struct memslot *slot, u64 offset);
};

/**
 * struct memory - the memory of one VM
 * @ops: the VM's services
 * @mm: the launcher's address space
 * @lock: serializes changes of the memslots and readers of the dirty log
 * @srcu: protects @slots for readers that sleep
 * @slots: the current snapshot; replaced under @lock
 * @slot_ids: the slots by number; under @lock
 * @slots_by_hva: the slots by launcher address; under @mmu.lock
 * @manual_dirty_log: KVM_DIRTY_LOG_* flags that userspace has turned on; under @lock
 * @ring_bytes: size of each vCPU's dirty ring, 0 for none; under @lock, and constant once
 *	there are vCPUs
 * @mmu: second-level page tables
 */
struct memory {
	const struct memory_ops *ops;
	struct mm_struct *mm;
	struct mutex lock; /* memslots and the dirty log */
	struct srcu_struct srcu;
	struct memslots __rcu *slots;
	struct xarray slot_ids;
	struct rb_root_cached slots_by_hva;
	u32 manual_dirty_log;
	u32 ring_bytes;
	struct mmu mmu;
};

/**
 * enum mmu_result - the result of a second-level fault, unless it is a negative errno
 * @MMU_MAPPED: the guest can make the access again
 * @MMU_NO_SLOT: there is no memslot at the address: execute the instruction as MMIO
 * @MMU_READONLY: a write to a read-only memslot: execute the instruction as MMIO
 */
enum mmu_result {
	MMU_MAPPED = 0,
	MMU_NO_SLOT,
	MMU_READONLY,
};

/**
 * memory_init() - set up memory without slots over the current thread's address space; may sleep
 * @memory: zeroed
 * @format: must outlive @memory
 *
 * Return: 0, -ENOMEM, or -EINTR for a pending signal.
 */
int memory_init(struct memory *memory, const struct sl_format *format,
		const struct memory_ops *ops);

/**
 * memory_stop() - empty the tables and stop following the launcher's address space; may sleep
 * @memory: no vCPU runs or will run; no lock held
 *
 * Call it before you free the vCPUs: until it returns, a change of the launcher's mappings may
 * flush their TLBs.
 */
void memory_stop(struct memory *memory);

/** memory_destroy() - free the rest, after memory_stop(); may sleep */
void memory_destroy(struct memory *memory);

/*
 * memslot.c: memslots, and access to guest memory through them.
 */

/**
 * memory_set_region() - create, move, change or delete a slot (KVM_SET_USER_MEMORY_REGION)
 * @memory: takes its lock; @srcu must not be held
 * @region: from userspace, not yet checked
 *
 * On return no vCPU can access memory that the slot does not map any more. May sleep.
 *
 * Return: 0; -EINVAL for a bad slot number, flag, alignment, address or size, for a deletion of
 * a slot that does not exist, and for a change of a slot's size, launcher address or
 * KVM_MEM_READONLY; -EEXIST if it overlaps another slot; -ENOMEM. On failure nothing has changed.
 */
int memory_set_region(struct memory *memory, const struct kvm_userspace_memory_region *region);

/** memory_slots() - return the current snapshot, valid while @srcu, @lock or @mmu.lock is held */
struct memslots *memory_slots(const struct memory *memory);

/** memslot_find() - return the slot that covers a frame, valid as long as @slots, or NULL */
struct memslot *memslot_find(const struct memslots *slots, gfn_t gfn);

/** memslot_find_id() - return the slot with number @id, any u32, or NULL; @memory->lock held */
struct memslot *memslot_find_id(struct memory *memory, u32 id);

static inline unsigned long memslot_hva(const struct memslot *slot, gfn_t gfn)
{
	return slot->hva + ((gfn - slot->base_gfn) << GFN_SHIFT);
}

/** memslot_is_logged() - return true if writes to a slot are logged; @slot may be NULL */
static inline bool memslot_is_logged(const struct memslot *slot)
{
	return slot && (slot->flags & KVM_MEM_LOG_DIRTY_PAGES);
}

/**
 * memory_hva() - return the launcher address of a frame, page aligned, or MEMSLOT_NO_HVA
 * @writable: may be NULL; if there is a slot, it becomes true unless the slot is read-only
 */
unsigned long memory_hva(const struct memory *memory, gfn_t gfn, bool *writable);

/**
 * memory_read() - read guest memory; may sleep
 * @gpa: the range may cross pages and slots
 *
 * Return: 0; -ENXIO if a part of it is in no slot (MMIO); -EFAULT if the launcher has nothing
 * mapped there. After a failure @buf is undefined.
 */
int memory_read(const struct memory *memory, gpa_t gpa, void *buf, size_t len);

/**
 * memory_write() - write guest memory and log it as dirty; may sleep
 * @gpa: the range may cross pages and slots
 *
 * If the VM has dirty rings, one of its vCPUs must be loaded: its ring gets the entries.
 *
 * Return: 0; -ENXIO if a part of it is in no slot; -EROFS if the slot is read-only; -EFAULT if
 * the launcher has nothing writable there; -EAGAIN if the vCPU's ring is full, which ends
 * KVM_RUN. After a failure a part of the range may be written.
 */
int memory_write(struct memory *memory, gpa_t gpa, const void *buf, size_t len);

/**
 * memory_cmpxchg() - atomic compare and exchange in guest memory; may sleep
 * @gpa: aligned to @len
 * @len: 1, 2, 4, 8, or 16 if the CPU has CMPXCHG16B
 *
 * Return: 0 after the store; -EAGAIN if memory was not @old; -EINVAL for another alignment or
 * length; or the errors of memory_write().
 */
int memory_cmpxchg(struct memory *memory, gpa_t gpa, const void *old, const void *new,
		   unsigned int len);

/*
 * dirty_log.c: the log of written pages, a bitmap for each slot or a ring for each vCPU.
 */

/**
 * dirty_log_set_manual() - KVM_ENABLE_CAP of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
 * @memory: takes its lock
 * @flags: KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, alone or with KVM_DIRTY_LOG_INITIALLY_SET;
 *	0 turns both off
 */
int dirty_log_set_manual(struct memory *memory, u64 flags);

/**
 * dirty_log_get() - copy a slot's bitmap to userspace (KVM_GET_DIRTY_LOG)
 * @memory: takes its lock; may sleep
 *
 * Clears the bitmap, too, unless KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 was turned on.
 *
 * Return: 0; -ENXIO if the VM has dirty rings; -EINVAL for a bad slot number; -ENOENT if there is
 * no such slot or it is not logged; -EFAULT if the bitmap could not be copied: then it keeps all
 * its bits.
 */
int dirty_log_get(struct memory *memory, const struct kvm_dirty_log *log);

/**
 * dirty_log_clear() - clear chosen bits of a slot's bitmap (KVM_CLEAR_DIRTY_LOG)
 * @memory: takes its lock; may sleep
 *
 * Return: as dirty_log_get(); also -EINVAL if the range does not begin at a multiple of 64 pages,
 * if it ends neither at such a multiple nor at the slot's end, or if it goes beyond the slot's
 * end. On failure nothing has changed.
 */
int dirty_log_clear(struct memory *memory, const struct kvm_clear_dirty_log *clear);

/**
 * dirty_log_has_room() - return true if a write to a slot can be logged
 * @memory: with dirty rings, one of the VM's vCPUs is loaded
 * @slot: may be NULL
 *
 * Any context. Call it before you write or grant the right to write; the room is kept until
 * dirty_log_mark(). If there is none, userspace has to empty the vCPU's ring first.
 */
bool dirty_log_has_room(const struct memory *memory, const struct memslot *slot);

/**
 * dirty_log_mark() - log that a frame was written, if the slot is logged
 * @memory: dirty_log_has_room() has returned true
 *
 * Any context. Call it after the write, or in the same hold of mmu.lock that grants the right to
 * write: 6 in fault.c.
 */
void dirty_log_mark(struct memory *memory, const struct memslot *slot, gfn_t gfn);

/*
 * mmu.c and fault.c: second-level paging.
 */

/** mmu_root_hpa() - return the address for nCR3 or the EPT pointer; it never changes */
static inline hpa_t mmu_root_hpa(const struct mmu *mmu)
{
	return virt_to_phys(mmu->table.root);
}

/** mmu_leaves() - return the present number of leaves at a level (SL_LEVEL_*); any context */
static inline u64 mmu_leaves(const struct mmu *mmu, int level)
{
	return atomic_long_read(&mmu->table.leaves[level - 1]);
}

/**
 * mmu_fault() - resolve a second-level fault
 * @gpa: the guest-physical address that was accessed
 * @access: MMU_ACCESS_*
 *
 * May sleep, also for swap-in. All vCPUs may call it at the same time.
 *
 * Return: enum mmu_result; -EINTR if a signal is pending; -EAGAIN if the guest has to make the
 * access again (drop @srcu in between, and check for signals); -EFAULT if the launcher's address
 * space has nothing there or forbids the access; -ENOMEM.
 */
int mmu_fault(struct memory *memory, gpa_t gpa, u32 access);

/**
 * mmu_set_guest_memtypes() - let the guest choose how its memory is cached (SL_GUEST), or not
 * @memory: none of its locks held; may sleep
 *
 * Empties the tables: frames fault in again.
 */
void mmu_set_guest_memtypes(struct memory *memory, bool guests);

/**
 * mmu_allow_read_only_walks() - let the CPU walk page tables of the guest in read-only memory
 * @memory: none of its locks held but @srcu; may sleep
 *
 * Afterwards the CPU sets no accessed and dirty bits in second-level leaves (sl_format.unmarked).
 * Empties the tables: frames fault in again. If a walk has to set a bit in the guest's own
 * tables, it still faults.
 *
 * Return: false if the tables have this format already, or if there is no such format.
 */
bool mmu_allow_read_only_walks(struct memory *memory);

/**
 * mmu_write_protect_masked() - write-protect chosen frames, without a flush
 * @memory: @mmu.lock held exclusive
 * @first: the frame that bit 0 of @mask stands for
 *
 * Return: true if the TLBs must be flushed before the lock is dropped.
 */
bool mmu_write_protect_masked(struct memory *memory, gfn_t first, unsigned long mask);

/**
 * mmu_let_others() - let another thread that waits for the lock or for the CPU run; may sleep
 * @memory: @mmu.lock held exclusive; dropped and taken again if a thread waits
 * @flush: points to true if TLBs have to be flushed for removed leaves; set to false after a
 *	flush. NULL if the caller only removes rights to write (7 in fault.c)
 */
void mmu_let_others(struct memory *memory, bool *flush);

#endif
