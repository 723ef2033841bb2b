// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of written pages as a bitmap for each slot: mark pages, copy the bitmap to userspace,
 * clear bits. When a bit is cleared, the guest loses the right to write to the page: the next
 * write faults and is logged again.
 */
#include <linux/bitmap.h>
#include <linux/compat.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "memory/mmu.h"

int dirty_log_set_manual(struct memory *memory, u64 flags)
{
	if (flags & ~DIRTY_LOG_MANUAL_FLAGS || flags == KVM_DIRTY_LOG_INITIALLY_SET)
		return -EINVAL;
	mutex_lock(&memory->lock);
	memory->manual_dirty_log = flags;
	mutex_unlock(&memory->lock);
	return 0;
}

/* A log in rings never begins with all pages: a ring does not have room for them. */
bool dirty_log_begins_set(const struct memory *memory)
{
	return !memory->ring_bytes && memory->manual_dirty_log & KVM_DIRTY_LOG_INITIALLY_SET;
}

static size_t log_longs(const struct memslot *slot)
{
	return BITS_TO_LONGS(slot->npages);
}

/* Return the second half of the allocation: the buffer for bitmaps from and to userspace. */
static unsigned long *copy_of(const struct memslot *slot)
{
	return slot->dirty_bitmap + log_longs(slot);
}

int dirty_log_alloc(const struct memory *memory, struct memslot *slot)
{
	if (memory->ring_bytes)
		return 0;
	slot->dirty_bitmap = kvcalloc(2 * log_longs(slot), sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!slot->dirty_bitmap)
		return -ENOMEM;
	if (dirty_log_begins_set(memory))
		bitmap_set(slot->dirty_bitmap, 0, slot->npages);
	return 0;
}

bool dirty_log_has_room(const struct memory *memory, const struct memslot *slot)
{
	return !memslot_is_logged(slot) || !memory->ring_bytes ||
	       memory->ops->ring_has_room(memory);
}

void dirty_log_mark(struct memory *memory, const struct memslot *slot, gfn_t gfn)
{
	unsigned long page = gfn - slot->base_gfn;

	if (!memslot_is_logged(slot))
		return;
	if (memory->ring_bytes) {
		memory->ops->ring_push(memory, slot, page);
		return;
	}
	/* The write to memory comes before this test. Pairs with the exchange in take_bits(). */
	smp_mb();
	if (!test_bit(page, slot->dirty_bitmap))
		set_bit(page, slot->dirty_bitmap);
}

/* Clear bits, and return those that were set. */
static unsigned long take_bits(unsigned long *word, unsigned long mask)
{
	unsigned long old = READ_ONCE(*word);

	do {
		if (!(old & mask))
			return 0;
	} while (!try_cmpxchg(word, &old, old & ~mask));
	return old & mask;
}

/*
 * Clear in the bitmap, from word @first on, the bits that are set in @mask, and make the next write
 * to each of these pages fault. @mask keeps only those bits that were set in the bitmap.
 */
static void clear_bits(struct memory *memory, struct memslot *slot, size_t first, size_t longs,
		       unsigned long *mask)
{
	gfn_t base = slot->base_gfn + first * BITS_PER_LONG;
	gfn_t end = min(base + longs * BITS_PER_LONG, slot->base_gfn + slot->npages);
	bool flush = false;
	size_t i;

	/* Pages of a large leaf that keep their bits need not lose the right to write. */
	if (base < end)
		mmu_split(memory, base, end - 1);
	mmu_lock_exclusive(&memory->mmu);
	for (i = 0; i < longs; i++) {
		mask[i] = take_bits(&slot->dirty_bitmap[first + i], mask[i]);
		if (mask[i])
			flush |=
				mmu_write_protect_masked(memory, base + i * BITS_PER_LONG, mask[i]);
		mmu_let_others(memory, NULL);
	}
	if (flush)
		memory->ops->flush_tlbs(memory);
	mmu_unlock_exclusive(&memory->mmu);
}

static void put_back(struct memslot *slot, const unsigned long *bits)
{
	size_t i;

	for (i = 0; i < log_longs(slot); i++) {
		if (bits[i])
			set_mask_bits(&slot->dirty_bitmap[i], 0UL, bits[i]);
		cond_resched();
	}
}

/* Return the slot with this number if it has a bitmap, else NULL. */
static struct memslot *find_logged(struct memory *memory, u32 id)
{
	struct memslot *slot = memslot_find_id(memory, id);

	return slot && slot->dirty_bitmap ? slot : NULL;
}

/* The ABI has the pointer in a union with a u64. A 32-bit program sets only the lower half. */
static void __user *users_bitmap(void __user *given)
{
	u64 lower = lower_32_bits((uintptr_t)given);

	return in_compat_syscall() ? u64_to_user_ptr(lower) : given;
}

static int get_locked(struct memory *memory, const struct kvm_dirty_log *log)
{
	struct memslot *slot = find_logged(memory, log->slot);
	unsigned long *bits;
	size_t longs;

	if (memory->ring_bytes)
		return -ENXIO;
	if (log->slot >= MEMSLOT_MAX)
		return -EINVAL;
	if (!slot)
		return -ENOENT;
	longs = log_longs(slot);
	bits = slot->dirty_bitmap;
	if (!memory->manual_dirty_log) {
		bits = copy_of(slot);
		memset(bits, 0xff, longs * sizeof(long));
		clear_bits(memory, slot, 0, longs, bits);
	}
	if (!copy_to_user(users_bitmap(log->dirty_bitmap), bits, longs * sizeof(long)))
		return 0;
	if (!memory->manual_dirty_log)
		put_back(slot, bits);
	return -EFAULT;
}

int dirty_log_get(struct memory *memory, const struct kvm_dirty_log *log)
{
	int r;

	mutex_lock(&memory->lock);
	r = get_locked(memory, log);
	mutex_unlock(&memory->lock);
	return r;
}

/* Return true if the range consists of whole words, or ends where the slot ends. */
static bool range_fits(const struct memslot *slot, const struct kvm_clear_dirty_log *clear)
{
	u64 left;

	if (clear->first_page > slot->npages)
		return false;
	left = slot->npages - clear->first_page;
	return clear->num_pages == left ||
	       (clear->num_pages < left && clear->num_pages % BITS_PER_LONG == 0);
}

static int clear_locked(struct memory *memory, const struct kvm_clear_dirty_log *clear)
{
	struct memslot *slot = find_logged(memory, clear->slot);
	size_t longs = BITS_TO_LONGS(clear->num_pages);
	unsigned long *mask;

	if (memory->ring_bytes)
		return -ENXIO;
	if (clear->slot >= MEMSLOT_MAX || clear->first_page % BITS_PER_LONG)
		return -EINVAL;
	if (!slot)
		return -ENOENT;
	if (!range_fits(slot, clear))
		return -EINVAL;
	mask = copy_of(slot);
	if (copy_from_user(mask, users_bitmap(clear->dirty_bitmap), longs * sizeof(long)))
		return -EFAULT;
	/* Bits beyond the slot's end are never set in its bitmap. */
	clear_bits(memory, slot, clear->first_page / BITS_PER_LONG, longs, mask);
	return 0;
}

int dirty_log_clear(struct memory *memory, const struct kvm_clear_dirty_log *clear)
{
	int r;

	mutex_lock(&memory->lock);
	r = clear_locked(memory, clear);
	mutex_unlock(&memory->lock);
	return r;
}
