/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's physical memory. Memslots are the parts of the client's address space behind it,
 * second-level page tables map it for the CPU, and a log records the pages that were written.
 *
 * Locks, in the order in which they are taken (fault.c describes their use):
 *
 *   memory->lock      a mutex: one change of the memslots, one reader of the dirty log, or
 *                     one turn of regrow.c
 *   memory->srcu      held by each user of a memslot
 *   memory->mmu.lock  a reader/writer spinlock: shared to install leaves, exclusive to remove
 *                     leaves or rights and to publish memslots
 *   memory->mmu.hva_lock  a spinlock: the slots by client address, and running invalidations
 *
 * A function that may sleep says so. Unless a function says otherwise, it expects @srcu to be
 * held if it uses memslots, and runs in a thread whose current->mm is @mm if it accesses guest
 * memory. A range of guest memory may cross pages and slots.
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
#include <linux/wait.h>
#include <linux/workqueue.h>
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

/* A slot is a range of guest-physical memory. It does not change once it is published. */
struct memslot {
	gfn_t base_gfn; /* the first guest frame number */
	u64 npages; /* length in 4 KiB pages, never 0 */
	unsigned long hva; /* client address of the first byte, page aligned */
	u16 id; /* slot number, given by userspace */
	u32 flags; /* KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY */
	/* Has a bit for each page while the slot is logged without rings; else NULL. */
	unsigned long *dirty_bitmap;
	struct interval_tree_node by_hva; /* the slot's place in memory->slots_by_hva */
};

/* A snapshot: an immutable list of all slots. */
struct memslots {
	u64 generation; /* grows by one with each published change */
	u32 count; /* number of slots */
	u32 room; /* capacity of @by_gfn */
	/*
	 * The slots in ascending order of @base_gfn; no two overlap. A later snapshot may use the
	 * elements beyond @count.
	 */
	struct memslot **by_gfn;
};

/* Second-level paging of one VM. */
struct mmu {
	struct sl_table table; /* the tables */
	/* See the top of this file; held exclusive to write @invalidate_seq to @exclusive_holds. */
	rwlock_t lock;
	struct mmu_notifier notifier; /* reports changes of the client's mappings */
	unsigned long invalidate_seq; /* grows with each invalidation */
	u32 invalidate_count; /* number of invalidations that have begun and not ended */
	unsigned long invalidate_start; /* lowest hva of these invalidations */
	unsigned long invalidate_end; /* highest hva of these invalidations, exclusive */
	bool released; /* the client's address space has ended: no leaf is installed any more */
	bool guest_memtypes; /* the guest may choose how memory is cached */
	struct page *retired; /* unlinked table pages that wait for the TLB flush */
	u64 exclusive_holds; /* number of times that @lock was taken exclusive */
	/* Protects @invalidations, and memory->slots_by_hva where @lock is not held. */
	spinlock_t hva_lock;
	u64 slot_changes; /* number of changes of memory->slots_by_hva; under @lock */
	u32 invalidations; /* those that have begun and not ended, wherever they are */
	wait_queue_head_t idle; /* woken when @invalidations becomes 0 */
	atomic_long_t table_pages; /* table pages in use, with the root */
};

/* The services that a VM gives to its memory. */
struct memory_ops {
	/*
	 * Make every vCPU drop its cached translations before it executes another guest
	 * instruction, and wait until no CPU uses an old one; mmu.lock held exclusive.
	 */
	void (*flush_tlbs)(struct memory *memory);
	/* Called after new memslots were published; memory->lock held. */
	void (*slots_changed)(struct memory *memory);
	/*
	 * Return true if the dirty ring of the loaded vCPU has room for an entry; it keeps the room
	 * until @ring_push. Any context.
	 */
	bool (*ring_has_room)(const struct memory *memory);
	/* Enter page @offset of @slot in that ring; any context. */
	void (*ring_push)(struct memory *memory, const struct memslot *slot, u64 offset);
};

/* The memory of one VM. */
struct memory {
	const struct memory_ops *ops; /* the VM's services */
	struct mm_struct *mm; /* the client's address space */
	struct mutex lock; /* see the top of this file */
	struct srcu_struct srcu; /* protects @slots for readers that sleep */
	struct memslots __rcu *slots; /* the current snapshot; replaced under @lock */
	struct xarray slot_ids; /* the slots by number; under @lock */
	/*
	 * The slots by client address. A change needs @mmu.lock exclusive and @mmu.hva_lock, so
	 * either of them is enough to read.
	 */
	struct rb_root_cached slots_by_hva;
	u32 manual_dirty_log; /* KVM_DIRTY_LOG_* flags that userspace has turned on; under @lock */
	/* Size of each vCPU's ring, 0 for none; under @lock; constant once there are vCPUs. */
	u32 ring_bytes;
	struct mmu mmu;
	struct delayed_work regrow; /* the next turn of regrow.c */
	gfn_t regrow_next; /* the frame where it begins; under @lock */
};

/* The result of a second-level fault, unless it is a negative errno. */
enum mmu_result {
	MMU_MAPPED = 0, /* the guest can make the access again */
	MMU_NO_SLOT, /* there is no memslot at the address: execute the instruction as MMIO */
	MMU_READONLY, /* a write to a read-only memslot: execute the instruction as MMIO */
};

/**
 * memory_init() - set up zeroed memory without slots over the current thread's address space; may
 * sleep. Return 0, -ENOMEM, or -EINTR for a pending signal. @format must outlive @memory.
 */
int memory_init(struct memory *memory, const struct sl_format *format,
		const struct memory_ops *ops);
/**
 * memory_stop() - empty the tables and stop following the client's address space; may sleep; no
 * lock held. No vCPU runs or will run. Call it before you free the vCPUs: until it returns, a
 * change of the client's mappings may flush their TLBs.
 */
void memory_stop(struct memory *memory);
/** memory_destroy() - free the rest, after memory_stop(); may sleep */
void memory_destroy(struct memory *memory);

/* memslot.c: memslots, and access to guest memory through them. */

/**
 * memory_set_region() - KVM_SET_USER_MEMORY_REGION: create, move, change or delete a slot. Takes
 * @memory->lock; @srcu must not be held; may sleep. On return no vCPU can access memory that the
 * slot does not map any more. Return 0; -EINVAL for a bad slot number, flag, alignment, address or
 * size, for a deletion of a slot that does not exist, and for a change of a slot's size, client
 * address or KVM_MEM_READONLY; -EEXIST if it overlaps another slot; -ENOMEM. On failure nothing has
 * changed.
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
 * memory_hva() - return the client address of a frame, page aligned, or MEMSLOT_NO_HVA. @writable
 * may be NULL; if there is a slot, it becomes true unless the slot is read-only.
 */
unsigned long memory_hva(const struct memory *memory, gfn_t gfn, bool *writable);
/**
 * memory_read() - read guest memory; may sleep. Return 0; -ENXIO if a part of it is in no slot
 * (MMIO); -EFAULT if the client has nothing mapped there. After a failure @buf is undefined.
 */
int memory_read(const struct memory *memory, gpa_t gpa, void *buf, size_t len);
/**
 * memory_write() - write guest memory and log it as dirty; may sleep. If the VM has dirty rings,
 * one of its vCPUs must be loaded: its ring gets the entries. Return 0; -ENXIO if a part of it is
 * in no slot; -EROFS if the slot is read-only; -EFAULT if the client has nothing writable there;
 * -EAGAIN if the vCPU's ring is full, which ends KVM_RUN. After a failure a part of the range may
 * be written.
 */
int memory_write(struct memory *memory, gpa_t gpa, const void *buf, size_t len);
/**
 * memory_cmpxchg() - atomic compare and exchange of @len bytes (1, 2, 4, 8, or 16 if the CPU has
 * CMPXCHG16B), aligned to @len; may sleep. Return 0 after the store; -EAGAIN if memory was not
 * @old; -EINVAL for another alignment or length; or the errors of memory_write().
 */
int memory_cmpxchg(struct memory *memory, gpa_t gpa, const void *old, const void *new,
		   unsigned int len);

/* dirty_log.c: the log of written pages, a bitmap for each slot or a ring for each vCPU. */

/**
 * dirty_log_set_manual() - KVM_ENABLE_CAP of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2; takes
 * @memory->lock. @flags: KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE, alone or with
 * KVM_DIRTY_LOG_INITIALLY_SET; 0 turns both off.
 */
int dirty_log_set_manual(struct memory *memory, u64 flags);
/**
 * dirty_log_get() - KVM_GET_DIRTY_LOG: copy a slot's bitmap, and clear it unless
 * KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 was turned on. Takes @memory->lock; may sleep. Return 0; -ENXIO
 * if the VM has dirty rings; -EINVAL for a bad slot number; -ENOENT if there is no such slot or it
 * is not logged; -EFAULT if the bitmap could not be copied: then it keeps all its bits.
 */
int dirty_log_get(struct memory *memory, const struct kvm_dirty_log *log);
/**
 * dirty_log_clear() - KVM_CLEAR_DIRTY_LOG: clear chosen bits of a slot's bitmap. Takes
 * @memory->lock; may sleep. Return as dirty_log_get(); also -EINVAL if the range does not begin at
 * a multiple of 64 pages, if it ends neither at such a multiple nor at the slot's end, or if it
 * goes beyond the slot's end. On failure nothing has changed.
 */
int dirty_log_clear(struct memory *memory, const struct kvm_clear_dirty_log *clear);
/**
 * dirty_log_has_room() - return true if a write to @slot, which may be NULL, can be logged; any
 * context. With dirty rings, one of the VM's vCPUs is loaded. Call it before you write or grant the
 * right to write; the room is kept until dirty_log_mark(). If there is none, userspace has to empty
 * the vCPU's ring first.
 */
bool dirty_log_has_room(const struct memory *memory, const struct memslot *slot);
/**
 * dirty_log_mark() - log that a frame was written, if the slot is logged; any context.
 * dirty_log_has_room() has returned true. Call it after the write, or in the same hold of mmu.lock
 * that grants the right to write: 6 in fault.c.
 */
void dirty_log_mark(struct memory *memory, const struct memslot *slot, gfn_t gfn);

/* mmu.c and fault.c: second-level paging. */

/** mmu_lock_exclusive() - take @lock exclusive: all faults wait */
static inline void mmu_lock_exclusive(struct mmu *mmu) __acquires(&mmu->lock)
{
	write_lock(&mmu->lock);
	WRITE_ONCE(mmu->exclusive_holds, mmu->exclusive_holds + 1);
}

static inline void mmu_unlock_exclusive(struct mmu *mmu) __releases(&mmu->lock)
{
	write_unlock(&mmu->lock);
}

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
 * mmu_fault() - resolve a second-level fault of a kind MMU_ACCESS_*. May sleep, also for swap-in;
 * all vCPUs may call it at the same time. Return enum mmu_result; -EINTR if a signal is pending;
 * -EAGAIN if the guest has to make the access again (drop @srcu in between, and check for signals);
 * -EFAULT if the client's address space has nothing there or forbids the access; -ENOMEM.
 */
int mmu_fault(struct memory *memory, gpa_t gpa, u32 access);
/**
 * mmu_set_guest_memtypes() - let the guest choose how its memory is cached (SL_GUEST), or not.
 * Empties the tables: frames fault in again. No lock of @memory held; may sleep.
 */
void mmu_set_guest_memtypes(struct memory *memory, bool guests);
/**
 * mmu_allow_read_only_walks() - let the CPU walk page tables of the guest in read-only memory.
 * Afterwards the CPU sets no accessed and dirty bits in second-level leaves (sl_format.unmarked);
 * if a walk has to set a bit in the guest's own tables, it still faults. Empties the tables: frames
 * fault in again. No lock of @memory held but @srcu; may sleep. Return false if the tables have
 * this format already, or if there is no such format.
 */
bool mmu_allow_read_only_walks(struct memory *memory);
/**
 * mmu_write_protect_masked() - write-protect chosen frames, of which bit 0 of @mask stands for
 * @first; @mmu.lock held exclusive. Return true if the TLBs must be flushed before the lock is
 * dropped.
 */
bool mmu_write_protect_masked(struct memory *memory, gfn_t first, unsigned long mask);
/**
 * mmu_let_others() - let another thread that waits for the lock or for the CPU run; may sleep.
 * @mmu.lock is held exclusive; it is dropped and taken again if a thread waits. @flush points to
 * true if TLBs have to be flushed for removed leaves, and is set to false after a flush; NULL if
 * the caller only removes rights to write (7 in fault.c).
 */
void mmu_let_others(struct memory *memory, bool *flush);

#endif
