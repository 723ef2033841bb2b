/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of written pages as rings, one for each vCPU, that userspace maps and empties without an
 * ioctl for each slot (KVM_CAP_DIRTY_LOG_RING).
 *
 * The vCPU in whose context a page was written pushes an entry, userspace marks it as seen, and
 * KVM_RESET_DIRTY_RINGS takes it back and makes the next write to its page fault again. Userspace
 * can write to all of a ring: an entry is used to find a page to write-protect, and for nothing
 * else.
 */
#ifndef ORIEL_DIRTY_RING_H
#define ORIEL_DIRTY_RING_H

#include <linux/kvm.h>
#include <linux/types.h>

struct memory;
struct memslot;
struct page;
struct vcpu;
struct vm;
struct vm_area_struct;

/* The most bytes a ring may have; answered to KVM_CAP_DIRTY_LOG_RING. */
#define DIRTY_RING_MAX_SIZE (65536 * sizeof(struct kvm_dirty_gfn))

/**
 * dirty_ring_enable() - KVM_ENABLE_CAP of KVM_CAP_DIRTY_LOG_RING: rings of @bytes each; @vm->lock
 * held. Return 0; -EINVAL for a size that is no power of two or less than a page, or if there are
 * rings or vCPUs already; -E2BIG for a size that is too large.
 */
int dirty_ring_enable(struct vm *vm, u64 bytes);
/** dirty_ring_create() - give a new vCPU its ring, if the VM has rings; 0 or -ENOMEM */
int dirty_ring_create(struct vcpu *vcpu);
void dirty_ring_destroy(struct vcpu *vcpu);
/** dirty_ring_may_map() - return false for a private or executable mapping of a part of the ring */
bool dirty_ring_may_map(const struct vcpu *vcpu, struct vm_area_struct *vma);
/** dirty_ring_page() - page @pgoff of the descriptor, no reference taken; NULL outside the ring */
struct page *dirty_ring_page(const struct vcpu *vcpu, unsigned long pgoff);
/** dirty_ring_has_room() - for memory_ops.ring_has_room; false without a loaded vCPU of the VM */
bool dirty_ring_has_room(const struct memory *memory);
/** dirty_ring_push() - for memory_ops.ring_push; a nearly full ring makes KVM_RUN end */
void dirty_ring_push(struct memory *memory, const struct memslot *slot, u64 offset);
/** dirty_ring_nearly_full() - does the vCPU have to wait for userspace? It has a ring */
bool dirty_ring_nearly_full(struct vcpu *vcpu);
/**
 * dirty_rings_reset() - KVM_RESET_DIRTY_RINGS: take back the entries that userspace has seen, and
 * return their number; -EINVAL if the VM has no rings. Takes @vm->lock.
 */
int dirty_rings_reset(struct vm *vm);

#endif
