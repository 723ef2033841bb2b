/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's physical memory. Memslots say which part of the launcher's address space backs it,
 * second-level page tables map it for the CPU, and a log names the pages that were written.
 *
 * No page is pinned. Faults fill the tables in from the launcher's page tables; an
 * mmu_notifier takes leaves out before the host reuses a page.
 *
 * Locks, in the order in which they are taken:
 *
 *   memory->lock      a mutex: one change of the memslots, or one reader of the dirty log
 *   memory->srcu      held by each user of a memslot
 *   memory->mmu.lock  a reader/writer spinlock. Faults install leaves under it shared, in
 *                     parallel. Code that takes leaves or rights away, or publishes new
 *                     memslots, holds it exclusive until the TLBs are flushed. Long work is
 *                     done in parts, each with its flush, and drops the lock between them.
 *
 * Functions that may sleep say so. Unless it says otherwise, a function that uses a memslot
 * expects @srcu to be held, and one that reaches guest memory runs in a thread whose
 * current->mm is @mm.
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

/* Slot numbers are 0 .. MEMSLOT_MAX - 1; the answer to KVM_CAP_NR_MEMSLOTS, as in KVM. */
#define MEMSLOT_MAX 32764

/* The answer of memory_hva() where no slot is; never page aligned. */
#define MEMSLOT_NO_HVA (~0UL)

/* The answer to KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. */
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
 * @id: the number userspace gave it
 * @flags: KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY
 * @dirty_bitmap: one bit a page while dirty pages are logged, else NULL
 * @by_hva: the launcher addresses; in memory->slots_by_hva while the slot is published
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
 * @by_gfn: the slots in ascending order of @base_gfn, never overlapping; the next snapshot
 *	may use the elements beyond @count
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
 * @lock: see the top of this file
 * @notifier: reports changes of the launcher's mappings
 * @invalidate_seq: grows with each invalidation; written under @lock exclusive
 * @invalidate_count: number of invalidations that have begun and not ended
 * @invalidate_start: lowest hva that they cover; valid while there are any
 * @invalidate_end: highest hva that they cover, exclusive
 * @released: the address space is gone: no leaf is installed any more
 * @guest_memtypes: the guest may choose how memory is cached; written under @lock
 *	exclusive, with a new @invalidate_seq
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

/**
 * struct memory_ops - the services that a VM gives to its memory
 */
struct memory_ops {
	/**
	 * @flush_tlbs: make every vCPU drop its translations before it next executes a guest
	 * instruction, and wait until no CPU uses an old one; mmu.lock held exclusive
	 */
	void (*flush_tlbs)(struct memory *memory);
	/** @slots_changed: new memslots are published; memory->lock held */
	void (*slots_changed)(struct memory *memory);
	/**
	 * @ring_has_room: return true if the running vCPU's dirty ring can take one more entry;
	 * that stays true until @ring_push. Any context
	 */
	bool (*ring_has_room)(const struct memory *memory);
	/** @ring_push: log page @offset of @slot in that ring; any context */
	void (*ring_push)(struct memory *memory, const struct memslot *slot, u64 offset);
};

/**
 * struct memory - the memory of one VM
 * @ops: the VM's services
 * @mm: the launcher's address space, in which alone the backing memory is looked up
 * @lock: serializes changes of the memslots; may sleep
 * @srcu: protects @slots for readers that sleep
 * @slots: the current memslots, replaced as a whole under @lock
 * @slot_ids: the same by number, under @lock
 * @slots_by_hva: the same by launcher address, under @mmu.lock
 * @manual_dirty_log: KVM_DIRTY_LOG_* flags that userspace turned on; under @lock
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
 * enum mmu_result - the outcome of a second-level fault
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
 * memory_init() - set up empty memory over the caller's address space; may sleep
 * @memory: zeroed
 * @format: the layout of second-level entries; must outlive @memory
 * @ops: the VM's services
 *
 * Return: 0, -ENOMEM, or -EINTR when a signal is pending.
 */
int memory_init(struct memory *memory, const struct sl_format *format,
		const struct memory_ops *ops);

/**
 * memory_stop() - empty the tables and stop following the launcher's address space
 * @memory: no vCPU runs, nor will one again; no lock held
 *
 * Until this returns the launcher's mappings may change, and each change may flush all
 * vCPUs: call it before they are freed. May sleep.
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
 * On return no vCPU can reach memory that the slot no longer maps. May sleep.
 *
 * Return: 0; -EINVAL for a bad slot number, flags, alignment, address or size, for a
 * deletion of a slot that does not exist, and for a change of size, address or read-only of
 * a slot; -EEXIST when it overlaps another slot; -ENOMEM. On failure nothing has changed.
 */
int memory_set_region(struct memory *memory, const struct kvm_userspace_memory_region *region);

/**
 * memory_slots() - the current snapshot
 * @memory: @srcu, @lock or @mmu.lock is held; the snapshot is valid while it is
 */
struct memslots *memory_slots(const struct memory *memory);

/** memslot_find() - the slot that covers a frame, or NULL; it lives as long as the snapshot */
struct memslot *memslot_find(const struct memslots *slots, gfn_t gfn);

/** memslot_find_id() - the slot with any number @id, or NULL; @memory->lock held */
struct memslot *memslot_find_id(struct memory *memory, u32 id);

/** memslot_hva() - the launcher address of a frame of the slot */
static inline unsigned long memslot_hva(const struct memslot *slot, gfn_t gfn)
{
	return slot->hva + ((gfn - slot->base_gfn) << GFN_SHIFT);
}

/** memslot_is_logged() - return true if writes to a slot, which may be NULL, are logged */
static inline bool memslot_is_logged(const struct memslot *slot)
{
	return slot && (slot->flags & KVM_MEM_LOG_DIRTY_PAGES);
}

/**
 * memory_hva() - the launcher address of a frame, page aligned, or MEMSLOT_NO_HVA
 * @writable: set if there is a slot: true if it may be written; may be NULL
 */
unsigned long memory_hva(const struct memory *memory, gfn_t gfn, bool *writable);

/**
 * memory_read() - read guest memory; may sleep
 * @gpa: the range may cross pages and slots
 *
 * Return: 0; -ENXIO when some of it is in no slot (MMIO); -EFAULT when the launcher has
 * nothing mapped there. @buf is undefined after a failure.
 */
int memory_read(const struct memory *memory, gpa_t gpa, void *buf, size_t len);

/**
 * memory_write() - write guest memory and log it as dirty; may sleep
 * @gpa: the range may cross pages and slots
 *
 * In a VM with dirty rings one of its vCPUs must be loaded: that one's ring takes the entries.
 *
 * Return: 0; -ENXIO when some of it is in no slot; -EROFS when the slot is read-only;
 * -EFAULT when the launcher has nothing writable there; -EAGAIN when the vCPU's ring is
 * full, which ends KVM_RUN. After a failure a part of a range that crosses pages may be
 * written.
 */
int memory_write(struct memory *memory, gpa_t gpa, const void *buf, size_t len);

/**
 * memory_cmpxchg() - atomic compare and exchange in guest memory; may sleep
 * @gpa: aligned to @len
 * @len: 1, 2, 4, 8 or, where the CPU has CMPXCHG16B, 16
 *
 * Atomic against vCPUs and against the launcher.
 *
 * Return: 0 when stored; -EAGAIN when memory was not @old; -EINVAL for another alignment or
 * length; and the errors of memory_write().
 */
int memory_cmpxchg(struct memory *memory, gpa_t gpa, const void *old, const void *new,
		   unsigned int len);

/*
 * dirty_log.c: the log of written pages, a bitmap for each slot or a ring for each vCPU.
 */

/**
 * dirty_log_set_manual() - KVM_ENABLE_CAP of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
 * @flags: KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, alone or with KVM_DIRTY_LOG_INITIALLY_SET;
 *	0 turns both off
 *
 * Takes @memory->lock. Return: 0, or -EINVAL.
 */
int dirty_log_set_manual(struct memory *memory, u64 flags);

/**
 * dirty_log_get() - hand out a slot's bitmap (KVM_GET_DIRTY_LOG)
 * @memory: takes its lock; may sleep
 * @log: slot number and the user's buffer
 *
 * Clears it too, unless KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 was turned on.
 *
 * Return: 0; -ENXIO when the VM has dirty rings; -EINVAL for a bad slot number; -ENOENT when
 * there is no such slot or it is not logged; -EFAULT when the bitmap could not be copied: it keeps
 * all its bits then.
 */
int dirty_log_get(struct memory *memory, const struct kvm_dirty_log *log);

/**
 * dirty_log_clear() - clear chosen bits of a slot's bitmap (KVM_CLEAR_DIRTY_LOG)
 * @memory: takes its lock; may sleep
 * @clear: slot number, range and the bits
 *
 * Return: as dirty_log_get(); -EINVAL also for a range that does not begin at a multiple of
 * 64 pages, that ends neither at one nor at the slot's end, or that goes beyond it. On failure
 * nothing has changed.
 */
int dirty_log_clear(struct memory *memory, const struct kvm_clear_dirty_log *clear);

/**
 * dirty_log_has_room() - return true if a write to a slot can be logged
 * @memory: with dirty rings, one of the VM's vCPUs is loaded
 * @slot: may be NULL
 *
 * Any context. Ask before the write, or before the right to write is granted; true stays true
 * until dirty_log_mark(). After false, userspace has to empty the vCPU's ring first.
 */
bool dirty_log_has_room(const struct memory *memory, const struct memslot *slot);

/**
 * dirty_log_mark() - log that a frame was written, if the slot is logged
 * @memory: dirty_log_has_room() said yes
 *
 * Any context. Mark after the write, or under the same hold of mmu.lock that grants the right to
 * write: a reader of the log first clears the bit and then takes the right away.
 */
void dirty_log_mark(struct memory *memory, const struct memslot *slot, gfn_t gfn);

/*
 * mmu.c and fault.c: second-level paging.
 */

/** mmu_root_hpa() - the root for nCR3 or the EPT pointer; constant for the VM's life */
static inline hpa_t mmu_root_hpa(const struct mmu *mmu)
{
	return virt_to_phys(mmu->table.root);
}

/** mmu_leaves() - the number of leaves at a level (SL_LEVEL_*) now; any context */
static inline u64 mmu_leaves(const struct mmu *mmu, int level)
{
	return atomic_long_read(&mmu->table.leaves[level - 1]);
}

/**
 * mmu_fault() - resolve a second-level fault
 * @gpa: the guest-physical address that was accessed
 * @access: MMU_ACCESS_*
 *
 * May sleep, waits for swap-in. Safe on all vCPUs at once. A fault that another vCPU has
 * resolved meanwhile is MMU_MAPPED too.
 *
 * Return: enum mmu_result; -EINTR when a signal is pending; -EAGAIN when the guest has to make the
 * access again (drop @srcu in between, and check for signals); -EFAULT when the launcher's
 * address space has nothing there or forbids the access; -ENOMEM.
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
 * From then on the CPU sets no accessed and dirty bits in second-level leaves (sl_format.unmarked).
 * Empties the tables: frames fault in again. A walk that has to set a bit in the guest's own
 * tables faults as before.
 *
 * Return: false if this is in force already, or the format has no such variant.
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
 * mmu_let_others() - interrupt long work if another thread waits for the lock or for the CPU
 * @memory: @mmu.lock held exclusive; dropped and taken again if a thread waits
 * @flush: points to true if CPUs have to be flushed for zapped leaves; becomes false when that is
 *	done. NULL if the caller has only taken rights to write away: these may stay in TLBs
 *	until it has finished, as it keeps all other readers of the log out
 *
 * May sleep.
 */
void mmu_let_others(struct memory *memory, bool *flush);

#endif
