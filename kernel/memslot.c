// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memslots: checks what userspace asks for, publishes each change as a new
 * immutable snapshot, keeps the dirty log, and reads and writes guest memory.
 *
 * Publishing: under mmu.lock, exclusive, the new snapshot takes the old one's
 * place and in the same breath the leaves that it takes away go, with a flush.
 * A fault compares the snapshot it used under the same lock before it installs
 * a leaf, and the mmu_notifier looks at the snapshot under that lock too, so
 * neither ever sees tables and slots that do not belong together. The old
 * snapshot is freed once nobody reads it any more (SRCU).
 */
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "memslot.h"
#include "vm.h"

/* As many as KVM allows, so that a bitmap's size fits an int. */
#define SLOT_MAX_PAGES ((1ULL << 31) - 1)

#define SLOT_FLAGS (KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)

struct memslots *vm_slots(struct vm *vm)
{
	return srcu_dereference_check(vm->slots, &vm->srcu,
				      lockdep_is_held(&vm->lock) || lockdep_is_held(&vm->mmu.lock));
}

struct memslot *memslot_find(const struct memslots *slots, gfn_t gfn)
{
	u32 low = 0, high = slots->count;

	while (low < high) {
		u32 middle = (low + high) / 2;
		struct memslot *slot = slots->by_gfn[middle];

		if (gfn < slot->base_gfn)
			high = middle;
		else if (gfn - slot->base_gfn >= slot->npages)
			low = middle + 1;
		else
			return slot;
	}
	return NULL;
}

static struct memslot *find_id(const struct memslots *slots, u32 id)
{
	u32 i;

	for (i = 0; i < slots->count; i++)
		if (slots->by_gfn[i]->id == id)
			return slots->by_gfn[i];
	return NULL;
}

/* ---- the dirty log ------------------------------------------------------ */

static bool is_logged(const struct memslot *slot)
{
	return slot && (slot->flags & KVM_MEM_LOG_DIRTY_PAGES);
}

static size_t log_longs(const struct memslot *slot)
{
	return BITS_TO_LONGS(slot->npages);
}

/* The second half is where vm_get_dirty_log() collects what it hands out. */
static int log_alloc(struct memslot *slot)
{
	slot->dirty_bitmap = kvcalloc(2 * log_longs(slot), sizeof(long), GFP_KERNEL_ACCOUNT);
	return slot->dirty_bitmap ? 0 : -ENOMEM;
}

void memslot_mark_dirty(const struct memslot *slot, gfn_t gfn)
{
	unsigned long page = gfn - slot->base_gfn;

	if (slot->dirty_bitmap && !test_bit(page, slot->dirty_bitmap))
		set_bit(page, slot->dirty_bitmap);
}

/* Clear the log and make the next write to each of its pages fault again. */
static void log_collect(struct vm *vm, struct memslot *slot, unsigned long *out)
{
	size_t longs = log_longs(slot);
	bool flush = false;
	size_t i;

	write_lock(&vm->mmu.lock);
	for (i = 0; i < longs; i++) {
		out[i] = 0;
		if (READ_ONCE(slot->dirty_bitmap[i]))
			out[i] = xchg(&slot->dirty_bitmap[i], 0);
		if (out[i])
			flush |= mmu_write_protect_masked(vm, slot->base_gfn + i * BITS_PER_LONG,
							  out[i]);
	}
	if (flush)
		vm_flush_tlbs(vm);
	write_unlock(&vm->mmu.lock);
}

static void log_put_back(struct memslot *slot, const unsigned long *out)
{
	size_t bits = log_longs(slot) * BITS_PER_LONG;
	unsigned long bit;

	for (bit = find_first_bit(out, bits); bit < bits; bit = find_next_bit(out, bits, bit + 1))
		set_bit(bit, slot->dirty_bitmap);
}

static int get_dirty_log(struct vm *vm, const struct kvm_dirty_log *log)
{
	struct memslot *slot = find_id(vm_slots(vm), log->slot);
	unsigned long *out;
	size_t longs;

	if (!slot || !slot->dirty_bitmap)
		return -ENOENT;
	longs = log_longs(slot);
	out = slot->dirty_bitmap + longs;
	log_collect(vm, slot, out);
	if (copy_to_user(log->dirty_bitmap, out, longs * sizeof(long))) {
		log_put_back(slot, out);
		return -EFAULT;
	}
	return 0;
}

int vm_get_dirty_log(struct vm *vm, const struct kvm_dirty_log *log)
{
	int ret;

	if (log->slot >= MEMSLOT_MAX)
		return -EINVAL;
	mutex_lock(&vm->lock);
	ret = get_dirty_log(vm, log);
	mutex_unlock(&vm->lock);
	return ret;
}

/* ---- changing the slots ------------------------------------------------- */

static struct memslots *slots_alloc(u32 count)
{
	struct memslots *slots;

	slots = kvzalloc(struct_size(slots, by_gfn, count), GFP_KERNEL_ACCOUNT);
	if (slots)
		slots->count = count;
	return slots;
}

static bool overlaps(const struct memslot *a, const struct memslot *b)
{
	return a->base_gfn < b->base_gfn + b->npages && b->base_gfn < a->base_gfn + a->npages;
}

/* The snapshot that has @new (if any) instead of @old (if any). */
static struct memslots *slots_replace(const struct memslots *now, const struct memslot *old,
				      struct memslot *new)
{
	struct memslots *slots = slots_alloc(now->count + !!new - !!old);
	bool placed = !new;
	u32 from, to = 0;

	if (!slots)
		return ERR_PTR(-ENOMEM);
	slots->generation = now->generation + 1;
	for (from = 0; from < now->count; from++) {
		struct memslot *slot = now->by_gfn[from];

		if (slot == old)
			continue;
		if (!placed && overlaps(slot, new)) {
			kvfree(slots);
			return ERR_PTR(-EEXIST);
		}
		if (!placed && slot->base_gfn > new->base_gfn) {
			slots->by_gfn[to++] = new;
			placed = true;
		}
		slots->by_gfn[to++] = slot;
	}
	if (!placed)
		slots->by_gfn[to] = new;
	return slots;
}

/* Take from the tables what @new does not allow any more; mmu.lock held exclusive. */
static void leave_slot(struct vm *vm, const struct memslot *old, const struct memslot *new)
{
	bool ends = is_logged(old) && !is_logged(new);

	/* When logging ends the 4 KiB leaves go too, so that large ones can come back. */
	if (!new || new->base_gfn != old->base_gfn || ends)
		mmu_zap_slot(vm, old);
	else if (is_logged(new) && !is_logged(old))
		mmu_slot_write_protect(vm, old);
}

/* Make the change visible and wait until nobody uses what it replaces. */
static int publish(struct vm *vm, struct memslot *old, struct memslot *new)
{
	struct memslots *now = vm_slots(vm);
	struct memslots *slots = slots_replace(now, old, new);

	if (IS_ERR(slots))
		return PTR_ERR(slots);
	write_lock(&vm->mmu.lock);
	rcu_assign_pointer(vm->slots, slots);
	if (old)
		leave_slot(vm, old, new);
	write_unlock(&vm->mmu.lock);
	synchronize_srcu_expedited(&vm->srcu);
	kvfree(now);
	return 0;
}

/* Free a slot, but not the bitmap that @heir, its successor, goes on with. */
static void slot_free(struct memslot *slot, const struct memslot *heir)
{
	if (!slot)
		return;
	if (!heir || heir->dirty_bitmap != slot->dirty_bitmap)
		kvfree(slot->dirty_bitmap);
	kfree(slot);
}

static int region_check(const struct vm *vm, const struct kvm_userspace_memory_region *region)
{
	u64 last;

	if (region->slot >= MEMSLOT_MAX || (region->flags & ~SLOT_FLAGS))
		return -EINVAL;
	if ((region->memory_size | region->guest_phys_addr | region->userspace_addr) & ~PAGE_MASK)
		return -EINVAL;
	if (!region->memory_size)
		return 0;
	if (check_add_overflow(region->guest_phys_addr, region->memory_size - 1, &last) ||
	    last >> PAGE_SHIFT > mmu_max_gfn(&vm->mmu))
		return -EINVAL;
	if (region->memory_size >> PAGE_SHIFT > SLOT_MAX_PAGES)
		return -EINVAL;
	/* As KVM: a tagged pointer is not an address. */
	if (!access_ok(u64_to_user_ptr(region->userspace_addr), region->memory_size))
		return -EINVAL;
	return 0;
}

/* A slot keeps its size, its backing and its being read-only for life. */
static bool region_fits(const struct memslot *old, const struct kvm_userspace_memory_region *region)
{
	return old->npages == region->memory_size >> PAGE_SHIFT &&
	       old->hva == region->userspace_addr &&
	       !((old->flags ^ region->flags) & KVM_MEM_READONLY);
}

static int slot_delete(struct vm *vm, struct memslot *old)
{
	int ret = publish(vm, old, NULL);

	if (!ret)
		slot_free(old, NULL);
	return ret;
}

static int slot_set(struct vm *vm, struct memslot *old,
		    const struct kvm_userspace_memory_region *region)
{
	struct memslot *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	int ret = 0;

	if (!new)
		return -ENOMEM;
	new->base_gfn = region->guest_phys_addr >> PAGE_SHIFT;
	new->npages = region->memory_size >> PAGE_SHIFT;
	new->hva = region->userspace_addr;
	new->id = region->slot;
	new->flags = region->flags;
	if (is_logged(old) && is_logged(new))
		new->dirty_bitmap = old->dirty_bitmap;
	else if (is_logged(new))
		ret = log_alloc(new);
	if (!ret)
		ret = publish(vm, old, new);
	if (ret)
		slot_free(new, old);
	else
		slot_free(old, new);
	return ret;
}

static int set_region(struct vm *vm, const struct kvm_userspace_memory_region *region)
{
	struct memslot *old = find_id(vm_slots(vm), region->slot);

	if (!region->memory_size)
		return old ? slot_delete(vm, old) : -EINVAL;
	if (old && !region_fits(old, region))
		return -EINVAL;
	if (old && old->flags == region->flags &&
	    old->base_gfn == region->guest_phys_addr >> PAGE_SHIFT)
		return 0;
	return slot_set(vm, old, region);
}

int vm_set_memory_region(struct vm *vm, const struct kvm_userspace_memory_region *region)
{
	int ret = region_check(vm, region);

	if (ret)
		return ret;
	mutex_lock(&vm->lock);
	ret = set_region(vm, region);
	mutex_unlock(&vm->lock);
	return ret;
}

int memslots_init(struct vm *vm)
{
	struct memslots *slots = slots_alloc(0);

	if (!slots)
		return -ENOMEM;
	rcu_assign_pointer(vm->slots, slots);
	return 0;
}

void memslots_destroy(struct vm *vm)
{
	struct memslots *slots = rcu_dereference_protected(vm->slots, true);
	u32 i;

	for (i = 0; i < slots->count; i++)
		slot_free(slots->by_gfn[i], NULL);
	kvfree(slots);
	RCU_INIT_POINTER(vm->slots, NULL);
}

/* ---- guest memory ------------------------------------------------------- */

unsigned long vm_gfn_to_hva(struct vm *vm, gfn_t gfn, bool *writable)
{
	struct memslot *slot = memslot_find(vm_slots(vm), gfn);

	if (!slot)
		return MEMSLOT_NO_HVA;
	if (writable)
		*writable = !(slot->flags & KVM_MEM_READONLY);
	return memslot_hva(slot, gfn);
}

/* Bytes of an access that lie in the page where it starts. */
static size_t in_page(gpa_t gpa, size_t len)
{
	return min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa));
}

int vm_read_guest(struct vm *vm, gpa_t gpa, void *buf, size_t len)
{
	u8 *to = buf;

	while (len) {
		unsigned long hva = vm_gfn_to_hva(vm, gpa >> PAGE_SHIFT, NULL);
		size_t part = in_page(gpa, len);

		if (hva == MEMSLOT_NO_HVA)
			return -ENXIO;
		if (copy_from_user(to, (void __user *)(hva + offset_in_page(gpa)), part))
			return -EFAULT;
		gpa += part;
		to += part;
		len -= part;
	}
	return 0;
}

/* The slot to write a frame of, or -ENXIO, -EROFS. */
static struct memslot *writable_slot(struct vm *vm, gfn_t gfn)
{
	struct memslot *slot = memslot_find(vm_slots(vm), gfn);

	if (!slot)
		return ERR_PTR(-ENXIO);
	if (slot->flags & KVM_MEM_READONLY)
		return ERR_PTR(-EROFS);
	return slot;
}

int vm_write_guest(struct vm *vm, gpa_t gpa, const void *buf, size_t len)
{
	const u8 *from = buf;

	while (len) {
		gfn_t gfn = gpa >> PAGE_SHIFT;
		struct memslot *slot = writable_slot(vm, gfn);
		size_t part = in_page(gpa, len);
		unsigned long hva;
		unsigned long left;

		if (IS_ERR(slot))
			return PTR_ERR(slot);
		hva = memslot_hva(slot, gfn) + offset_in_page(gpa);
		left = copy_to_user((void __user *)hva, from, part);
		if (left < part)
			memslot_mark_dirty(slot, gfn);
		if (left)
			return -EFAULT;
		gpa += part;
		from += part;
		len -= part;
	}
	return 0;
}

/* Kernels differ in how they offer this one; the instruction does not (SDM 2A 3.2). */
static bool cmpxchg_16(void *memory, const void *old, const void *new)
{
	u64 expected[2], store[2];
	bool stored;

	memcpy(expected, old, sizeof(expected));
	memcpy(store, new, sizeof(store));
	asm volatile("lock cmpxchg16b %[memory]"
		     : "=@ccz"(stored), [memory] "+m"(*(u8(*)[16])memory), "+a"(expected[0]),
		       "+d"(expected[1])
		     : "b"(store[0]), "c"(store[1])
		     : "memory");
	return stored;
}

#define CMPXCHG_AS(type, memory, old, new)                                     \
	({                                                                     \
		type old_ = *(const type *)(old);                              \
		cmpxchg((type *)(memory), old_, *(const type *)(new)) == old_; \
	})

static bool cmpxchg_sized(void *memory, const void *old, const void *new, unsigned int len)
{
	switch (len) {
	case 1:
		return CMPXCHG_AS(u8, memory, old, new);
	case 2:
		return CMPXCHG_AS(u16, memory, old, new);
	case 4:
		return CMPXCHG_AS(u32, memory, old, new);
	case 8:
		return CMPXCHG_AS(u64, memory, old, new);
	default:
		return cmpxchg_16(memory, old, new);
	}
}

static bool cmpxchg_possible(gpa_t gpa, unsigned int len)
{
	if (len != 1 && len != 2 && len != 4 && len != 8 &&
	    !(len == 16 && boot_cpu_has(X86_FEATURE_CX16)))
		return false;
	return IS_ALIGNED(gpa, len);
}

int vm_cmpxchg_guest(struct vm *vm, gpa_t gpa, const void *old, const void *new, unsigned int len)
{
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct memslot *slot = writable_slot(vm, gfn);
	struct page *page;
	u8 *memory;
	bool stored;

	if (!cmpxchg_possible(gpa, len))
		return -EINVAL;
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (pin_user_pages_fast(memslot_hva(slot, gfn), 1, FOLL_WRITE, &page) != 1)
		return -EFAULT;
	memory = kmap_local_page(page);
	stored = cmpxchg_sized(memory + offset_in_page(gpa), old, new, len);
	kunmap_local(memory);
	unpin_user_pages_dirty_lock(&page, 1, stored);
	if (!stored)
		return -EAGAIN;
	memslot_mark_dirty(slot, gfn);
	return 0;
}
