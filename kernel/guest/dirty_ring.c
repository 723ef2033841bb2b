// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty rings: push the pages that a vCPU writes, map a ring into userspace, and take back the
 * entries that userspace has seen.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/vmalloc.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/dirty_ring.h"

/*
 * With no more free entries than this a vCPU stops entering the guest. One instruction that is
 * executed in software writes fewer pages.
 */
#define RESERVED 64

int dirty_ring_enable(struct vm *vm, u64 bytes)
{
	BUILD_BUG_ON(RESERVED * sizeof(struct kvm_dirty_gfn) >= PAGE_SIZE);
	if (!is_power_of_2(bytes) || bytes < PAGE_SIZE)
		return -EINVAL;
	if (bytes > DIRTY_RING_MAX_SIZE)
		return -E2BIG;
	if (vm->memory.ring_bytes || vm->vcpu_count)
		return -EINVAL;
	mutex_lock(&vm->memory.lock);
	vm->memory.ring_bytes = bytes;
	mutex_unlock(&vm->memory.lock);
	return 0;
}

int dirty_ring_create(struct vcpu *vcpu)
{
	struct dirty_ring *ring = &vcpu->dirty_ring;
	u32 bytes = vcpu->vm->memory.ring_bytes;

	if (!bytes)
		return 0;
	spin_lock_init(&ring->lock);
	ring->size = bytes / sizeof(*ring->entries);
	ring->entries = __vmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return ring->entries ? 0 : -ENOMEM;
}

void dirty_ring_destroy(struct vcpu *vcpu)
{
	vfree(vcpu->dirty_ring.entries);
}

/*
 * Map.
 */

static unsigned long ring_pages(const struct vcpu *vcpu)
{
	return vcpu->vm->memory.ring_bytes >> PAGE_SHIFT;
}

bool dirty_ring_may_map(const struct vcpu *vcpu, struct vm_area_struct *vma)
{
	unsigned long end = KVM_DIRTY_LOG_PAGE_OFFSET + ring_pages(vcpu);

	if (vma->vm_pgoff >= end || vma->vm_pgoff + vma_pages(vma) <= KVM_DIRTY_LOG_PAGE_OFFSET)
		return true;
	return !ring_pages(vcpu) || ((vma->vm_flags & VM_SHARED) && !(vma->vm_flags & VM_EXEC));
}

struct page *dirty_ring_page(const struct vcpu *vcpu, unsigned long pgoff)
{
	unsigned long page = pgoff - KVM_DIRTY_LOG_PAGE_OFFSET;

	if (pgoff < KVM_DIRTY_LOG_PAGE_OFFSET || page >= ring_pages(vcpu))
		return NULL;
	page = array_index_nospec(page, ring_pages(vcpu));
	return vmalloc_to_page((u8 *)vcpu->dirty_ring.entries + (page << PAGE_SHIFT));
}

/*
 * Push. Only the vCPU's own thread does it, so a free entry that it has seen stays free.
 */

static struct dirty_ring *own_ring(const struct memory *memory)
{
	struct vcpu *vcpu = vcpu_loaded();

	return vcpu && &vcpu->vm->memory == memory ? &vcpu->dirty_ring : NULL;
}

static u32 used(const struct dirty_ring *ring)
{
	return READ_ONCE(ring->head) - READ_ONCE(ring->tail);
}

static bool nearly_full(const struct dirty_ring *ring)
{
	return used(ring) >= ring->size - RESERVED;
}

bool dirty_ring_has_room(const struct memory *memory)
{
	const struct dirty_ring *ring = own_ring(memory);

	/* In a VM with rings, only vCPUs' threads write guest memory. */
	return !WARN_ON_ONCE(!ring) && used(ring) < ring->size;
}

/*
 * Until the newest entry is taken back, further writes to its page need no entry: userspace reads
 * the page after the reset and gets them too. But the slot must still be the same one.
 */
static bool is_newest(const struct dirty_ring *ring, const struct dirty_page *page)
{
	return used(ring) && ring->newest.generation == page->generation &&
	       ring->newest.slot == page->slot && ring->newest.offset == page->offset;
}

static void push(struct dirty_ring *ring, const struct dirty_page *page)
{
	struct kvm_dirty_gfn *entry = &ring->entries[ring->head & (ring->size - 1)];

	WRITE_ONCE(entry->slot, page->slot);
	WRITE_ONCE(entry->offset, page->offset);
	/* Publish the flag last, with release: userspace reads the entry after the flag. */
	smp_store_release(&entry->flags, KVM_DIRTY_GFN_F_DIRTY);
	ring->newest = *page;
	WRITE_ONCE(ring->head, ring->head + 1);
}

void dirty_ring_push(struct memory *memory, const struct memslot *slot, u64 offset)
{
	struct dirty_page page = {
		.generation = memory_slots(memory)->generation,
		.slot = slot->id,
		.offset = offset,
	};
	struct dirty_ring *ring = own_ring(memory);
	bool stop;

	if (!ring)
		return;
	spin_lock(&ring->lock);
	if (!is_newest(ring, &page))
		push(ring, &page);
	stop = nearly_full(ring);
	spin_unlock(&ring->lock);
	if (stop)
		vcpu_make_request(container_of(ring, struct vcpu, dirty_ring), REQ_DIRTY_RING_FULL);
}

bool dirty_ring_nearly_full(struct vcpu *vcpu)
{
	return nearly_full(&vcpu->dirty_ring);
}

/*
 * Reset.
 */

/* Take back the oldest entry if userspace has seen it; false if it has not. */
static bool take_back(struct dirty_ring *ring, u32 end, struct kvm_dirty_gfn *seen)
{
	struct kvm_dirty_gfn *entry;
	bool taken = false;

	spin_lock(&ring->lock);
	entry = &ring->entries[ring->tail & (ring->size - 1)];
	/* Pairs with the release in userspace, which has read the entry before. */
	if (ring->tail != end && smp_load_acquire(&entry->flags) & KVM_DIRTY_GFN_F_RESET) {
		seen->slot = READ_ONCE(entry->slot);
		seen->offset = READ_ONCE(entry->offset);
		WRITE_ONCE(entry->flags, 0);
		WRITE_ONCE(ring->tail, ring->tail + 1);
		taken = true;
	}
	spin_unlock(&ring->lock);
	return taken;
}

/* The slot may be gone, or userspace may have made the entry up. */
static bool protect_again(struct vm *vm, const struct kvm_dirty_gfn *seen)
{
	const struct memslot *slot = memslot_find_id(&vm->memory, seen->slot);

	if (!memslot_is_logged(slot) || seen->offset >= slot->npages)
		return false;
	return mmu_write_protect_masked(&vm->memory, slot->base_gfn + seen->offset, 1);
}

/* Entries to take back before others get the lock. */
#define RESET_AT_ONCE 64

/* Returns the number of entries; sets @flush if CPUs' translations have to be flushed. */
static int reset_ring(struct vm *vm, struct dirty_ring *ring, bool *flush)
{
	/* Leave entries that are pushed from here on to the next reset, or this might never end. */
	u32 end = READ_ONCE(ring->head);
	struct kvm_dirty_gfn seen;
	int count = 0;

	while (take_back(ring, end, &seen)) {
		*flush |= protect_again(vm, &seen);
		if (++count % RESET_AT_ONCE == 0)
			mmu_let_others(&vm->memory, NULL);
	}
	return count;
}

static int reset_rings(struct vm *vm)
{
	bool flush = false;
	int count = 0;
	u32 i;

	mmu_lock_exclusive(&vm->memory.mmu);
	for (i = 0; i < vm->vcpu_count; i++) {
		count += reset_ring(vm, &vm->vcpus[i]->dirty_ring, &flush);
		mmu_let_others(&vm->memory, NULL);
	}
	if (flush)
		vm_flush_tlbs(&vm->memory);
	mmu_unlock_exclusive(&vm->memory.mmu);
	return count;
}

int dirty_rings_reset(struct vm *vm)
{
	int count = -EINVAL;

	mutex_lock(&vm->lock);
	mutex_lock(&vm->memory.lock);
	if (vm->memory.ring_bytes)
		count = reset_rings(vm);
	mutex_unlock(&vm->memory.lock);
	mutex_unlock(&vm->lock);
	return count;
}
