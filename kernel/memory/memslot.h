/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memslots: which guest-physical ranges are backed by which range of the
 * launcher's address space, and access to guest memory through them.
 */
#ifndef ORIEL_MEMSLOT_H
#define ORIEL_MEMSLOT_H

#include <linux/interval_tree.h>
#include <linux/kvm.h>
#include <linux/types.h>

#include "x86/address.h"

struct vm;

/* Slot numbers are 0 .. MEMSLOT_MAX - 1; answered to KVM_CAP_NR_MEMSLOTS, as KVM does. */
#define MEMSLOT_MAX 32764

/* What vm_gfn_to_hva() answers where there is nothing; never page aligned. */
#define MEMSLOT_NO_HVA (~0UL)

/**
 * struct memslot - one range of guest-physical memory, immutable once published
 * @base_gfn: first guest frame number
 * @npages: length in 4 KiB pages, never 0
 * @hva: launcher address of the first byte, page aligned
 * @id: the number userspace gave it
 * @flags: KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY
 * @dirty_bitmap: one bit a page while dirty pages are logged, else NULL
 * @by_hva: the launcher addresses; in @vm->slots_by_hva while it is published
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
 * struct memslots - an immutable snapshot of all slots of a VM
 * @generation: grows by one with each published change
 * @count: number of slots
 * @room: how many @by_gfn has room for
 * @by_gfn: the slots in ascending order of @base_gfn, never overlapping; what lies
 *	beyond @count the next snapshot may use
 */
struct memslots {
	u64 generation;
	u32 count;
	u32 room;
	struct memslot **by_gfn;
};

/**
 * memslots_init() - give a VM an empty set of slots
 * @vm: the VM, with @vm->srcu ready; before mmu_init()
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int memslots_init(struct vm *vm);

/**
 * memslots_destroy() - free all slots
 * @vm: the VM; nobody uses it any more, mmu_destroy() was called
 */
void memslots_destroy(struct vm *vm);

/**
 * vm_set_memory_region() - create, move, change or delete a slot
 *	(KVM_SET_USER_MEMORY_REGION)
 * @vm: the VM; takes @vm->lock, not to be called with @vm->srcu held
 * @region: as userspace gave it, nothing checked yet
 *
 * On return no vCPU can reach what the slot does not map any more.
 *
 * Return: 0; -EINVAL for a bad slot number, flags, alignment, address or size,
 * for a deletion of what does not exist, and for a change of size, address or
 * read-only of a slot; -EEXIST when it overlaps another slot; -ENOMEM. On
 * failure nothing has changed.
 */
int vm_set_memory_region(struct vm *vm, const struct kvm_userspace_memory_region *region);

/**
 * vm_slots() - the current slots
 * @vm: the VM; @vm->srcu, @vm->lock or @vm->mmu.lock is held
 *
 * Return: the snapshot, valid while the lock is held.
 */
struct memslots *vm_slots(struct vm *vm);

/**
 * memslot_find() - the slot that covers a frame
 * @slots: a snapshot
 * @gfn: the frame
 *
 * Return: the slot or NULL. It lives as long as the snapshot.
 */
struct memslot *memslot_find(const struct memslots *slots, gfn_t gfn);

/**
 * memslot_find_id() - the slot of a number
 * @vm: the VM, its lock held
 * @id: the number, not checked
 *
 * Return: the slot or NULL. It lives as long as the lock is held.
 */
struct memslot *memslot_find_id(struct vm *vm, u32 id);

/**
 * memslot_hva() - launcher address of a frame
 * @slot: a slot
 * @gfn: a frame that it covers
 *
 * Return: page aligned address.
 */
static inline unsigned long memslot_hva(const struct memslot *slot, gfn_t gfn)
{
	return slot->hva + ((gfn - slot->base_gfn) << GFN_SHIFT);
}

/**
 * memslot_is_logged() - whether writes to a slot are logged
 * @slot: a slot, or NULL
 */
static inline bool memslot_is_logged(const struct memslot *slot)
{
	return slot && (slot->flags & KVM_MEM_LOG_DIRTY_PAGES);
}

/**
 * vm_gfn_to_hva() - launcher address of a frame
 * @vm: the VM; @vm->srcu held
 * @gfn: the frame
 * @writable: set to whether the slot may be written; may be NULL
 *
 * Return: page aligned address, or MEMSLOT_NO_HVA.
 */
unsigned long vm_gfn_to_hva(struct vm *vm, gfn_t gfn, bool *writable);

/**
 * vm_read_guest() - read guest memory
 * @vm: the VM; @vm->srcu held, @vm->mm is current->mm
 * @gpa: where; the range may cross pages and slots
 * @buf: what was read
 * @len: bytes
 *
 * May sleep.
 *
 * Return: 0; -ENXIO when some of it is in no slot (MMIO); -EFAULT when the
 * launcher has nothing mapped there. @buf is undefined after a failure.
 */
int vm_read_guest(struct vm *vm, gpa_t gpa, void *buf, size_t len);

/**
 * vm_write_guest() - write guest memory and log it as dirty
 * @vm: the VM; @vm->srcu held, @vm->mm is current->mm
 * @gpa: where; the range may cross pages and slots
 * @buf: what to write
 * @len: bytes
 *
 * May sleep.
 *
 * In a VM with dirty rings a vCPU of it must be loaded: the write is logged in its
 * ring.
 *
 * Return: 0; -ENXIO when some of it is in no slot; -EROFS when the slot is
 * read-only; -EFAULT when the launcher has nothing writable there; -EAGAIN when
 * the vCPU's ring is full, which ends KVM_RUN. Of a range that crosses pages some
 * may be written after a failure.
 */
int vm_write_guest(struct vm *vm, gpa_t gpa, const void *buf, size_t len);

/**
 * vm_cmpxchg_guest() - atomic compare and exchange in guest memory
 * @vm: the VM; @vm->srcu held, @vm->mm is current->mm
 * @gpa: where; must be aligned to @len
 * @old: expected bytes
 * @new: bytes to store
 * @len: 1, 2, 4, 8 or, where the CPU has CMPXCHG16B, 16
 *
 * May sleep. Atomic against vCPUs and against the launcher.
 *
 * Return: 0 when stored; -EAGAIN also when memory was not @old; -EINVAL for an
 * alignment or length that cannot be done; -ENXIO, -EROFS and -EFAULT as
 * vm_write_guest().
 */
int vm_cmpxchg_guest(struct vm *vm, gpa_t gpa, const void *old, const void *new, unsigned int len);

#endif
