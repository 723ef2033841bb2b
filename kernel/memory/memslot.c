// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memslots: check the changes that userspace asks for, publish each as a new immutable snapshot,
 * and read and write guest memory. The old snapshot is freed when its last reader has finished
 * (SRCU).
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "memory/mmu.h"

/* KVM has the same limit, so that the number of bits of a bitmap fits in an int. */
#define SLOT_MAX_PAGES ((1ULL << 31) - 1)

#define SLOT_FLAGS (KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)

struct memslots *memory_slots(const struct memory *memory)
{
	return srcu_dereference_check(memory->slots, &memory->srcu,
				      lockdep_is_held(&memory->lock) ||
					      lockdep_is_held(&memory->mmu.lock));
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

struct memslot *memslot_find_id(struct memory *memory, u32 id)
{
	lockdep_assert_held(&memory->lock);
	return id < MEMSLOT_MAX ? xa_load(&memory->slot_ids, id) : NULL;
}

/*
 * Changing the slots.
 */

/* Make a snapshot with an array for @room slots, and copy @now into it unless @now is NULL. */
static struct memslots *slots_copy(const struct memslots *now, u32 room)
{
	struct memslots *slots = kmalloc(sizeof(*slots), GFP_KERNEL_ACCOUNT);

	if (!slots)
		return NULL;
	*slots = (struct memslots){ .room = room };
	slots->by_gfn = kvmalloc_array(room, sizeof(*slots->by_gfn), GFP_KERNEL_ACCOUNT);
	if (!slots->by_gfn) {
		kfree(slots);
		return NULL;
	}
	if (now) {
		slots->count = now->count;
		memcpy(slots->by_gfn, now->by_gfn, now->count * sizeof(*now->by_gfn));
	}
	return slots;
}

/* Free a snapshot. Keep its array if @heir, which may be NULL, uses the same array. */
static void slots_free(struct memslots *slots, const struct memslots *heir)
{
	if (!heir || heir->by_gfn != slots->by_gfn)
		kvfree(slots->by_gfn);
	kfree(slots);
}

/* Return the number of slots that lie wholly below a frame. */
static u32 slots_below(const struct memslots *slots, gfn_t gfn)
{
	u32 low = 0, high = slots->count;

	while (low < high) {
		u32 middle = (low + high) / 2;
		const struct memslot *slot = slots->by_gfn[middle];

		if (slot->base_gfn + slot->npages <= gfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_free(const struct memslots *slots, const struct memslot *new,
		    const struct memslot *old)
{
	gfn_t end = new->base_gfn + new->npages;
	u32 i = slots_below(slots, new->base_gfn);

	for (; i < slots->count && slots->by_gfn[i]->base_gfn < end; i++)
		if (slots->by_gfn[i] != old)
			return false;
	return true;
}

static void put_in(struct memslots *slots, struct memslot *slot)
{
	u32 at = slots_below(slots, slot->base_gfn);

	memmove(&slots->by_gfn[at + 1], &slots->by_gfn[at],
		(slots->count - at) * sizeof(*slots->by_gfn));
	slots->by_gfn[at] = slot;
	slots->count++;
}

static void take_out(struct memslots *slots, const struct memslot *slot)
{
	u32 at = slots_below(slots, slot->base_gfn);

	slots->count--;
	memmove(&slots->by_gfn[at], &slots->by_gfn[at + 1],
		(slots->count - at) * sizeof(*slots->by_gfn));
}

/*
 * Return true if the new snapshot can use the array of @now, because it only adds a slot at the
 * end: readers of @now do not look beyond its count. Programs often add many slots in ascending
 * order.
 */
static bool can_share(const struct memslots *now, const struct memslot *old,
		      const struct memslot *new)
{
	if (old || !new || now->count == now->room)
		return false;
	return slots_below(now, new->base_gfn) == now->count;
}

/* Make a snapshot that has @new instead of @old. Either may be NULL. */
static struct memslots *slots_replace(const struct memslots *now, const struct memslot *old,
				      struct memslot *new)
{
	struct memslots *slots;

	if (new && !is_free(now, new, old))
		return ERR_PTR(-EEXIST);
	if (can_share(now, old, new))
		slots = kmemdup(now, sizeof(*now), GFP_KERNEL_ACCOUNT);
	else
		slots = slots_copy(now, now->count + now->count / 2 + 1);
	if (!slots)
		return ERR_PTR(-ENOMEM);
	slots->generation = now->generation + 1;
	if (old)
		take_out(slots, old);
	if (new)
		put_in(slots, new);
	return slots;
}

/* Return true if the old slot's leaves have to be removed, because they map something else now. */
static bool must_zap(const struct memslot *old, const struct memslot *new)
{
	return !new || new->base_gfn != old->base_gfn;
}

/* Let the mmu_notifier find the slot by its client addresses; after mmu_lock_slots(). */
static void add_by_hva(struct memory *memory, struct memslot *slot)
{
	slot->by_hva.start = slot->hva;
	slot->by_hva.last = slot->hva + (slot->npages << PAGE_SHIFT) - 1;
	interval_tree_insert(&slot->by_hva, &memory->slots_by_hva);
}

/*
 * Exchange the snapshots, and remove the leaves of @old (4 in fault.c). If there is both @old and
 * @new, they have the same client addresses.
 */
static void exchange(struct memory *memory, struct memslots *slots, struct memslot *old,
		     struct memslot *new)
{
	struct mmu *mmu = &memory->mmu;

	mmu_lock_slots(mmu, !old);
	rcu_assign_pointer(memory->slots, slots);
	if (new)
		add_by_hva(memory, new);
	spin_unlock(&mmu->hva_lock);
	if (old && must_zap(old, new))
		mmu_zap_slot(memory, old);
	mmu_unlock_exclusive(mmu);
	if (!old)
		return;
	mmu_lock_slots(mmu, !new);
	interval_tree_remove(&old->by_hva, &memory->slots_by_hva);
	mmu_unlock_slots(mmu);
}

/*
 * Publish a snapshot with @new instead of @old. Wait until no reader uses the old snapshot or @old.
 */
static int publish(struct memory *memory, struct memslot *old, struct memslot *new)
{
	struct memslots *now = memory_slots(memory);
	struct memslots *slots = slots_replace(now, old, new);

	if (IS_ERR(slots))
		return PTR_ERR(slots);
	exchange(memory, slots, old, new);
	memory->ops->slots_changed(memory);
	synchronize_srcu_expedited(&memory->srcu);
	slots_free(now, slots);
	return 0;
}

/* Free a slot. Keep its bitmap if @heir, which may be NULL, uses the same bitmap. */
static void slot_free(struct memslot *slot, const struct memslot *heir)
{
	if (!slot)
		return;
	if (!heir || heir->dirty_bitmap != slot->dirty_bitmap)
		kvfree(slot->dirty_bitmap);
	kfree(slot);
}

/* Return the highest guest frame that the tables and the CPU's address width can map. */
static gfn_t max_gfn(const struct mmu *mmu)
{
	return min_t(gfn_t, sl_max_gfn(mmu->table.format),
		     (1ULL << (boot_cpu_data.x86_phys_bits - GFN_SHIFT)) - 1);
}

static int region_check(const struct memory *memory,
			const struct kvm_userspace_memory_region *region)
{
	u64 last;

	if (region->slot >= MEMSLOT_MAX || (region->flags & ~SLOT_FLAGS))
		return -EINVAL;
	if ((region->memory_size | region->guest_phys_addr | region->userspace_addr) & ~PAGE_MASK)
		return -EINVAL;
	/* A tagged pointer is refused, as in KVM. */
	if (!access_ok(u64_to_user_ptr(region->userspace_addr), region->memory_size))
		return -EINVAL;
	if (!region->memory_size)
		return 0;
	if (check_add_overflow(region->guest_phys_addr, region->memory_size - 1, &last) ||
	    last >> PAGE_SHIFT > max_gfn(&memory->mmu))
		return -EINVAL;
	if (region->memory_size >> PAGE_SHIFT > SLOT_MAX_PAGES)
		return -EINVAL;
	return 0;
}

/* Return true if size, client address and KVM_MEM_READONLY are the same: they cannot change. */
static bool region_fits(const struct memslot *old, const struct kvm_userspace_memory_region *region)
{
	return old->npages == region->memory_size >> PAGE_SHIFT &&
	       old->hva == region->userspace_addr &&
	       !((old->flags ^ region->flags) & KVM_MEM_READONLY);
}

static int slot_delete(struct memory *memory, struct memslot *old)
{
	int ret = publish(memory, old, NULL);

	if (ret)
		return ret;
	xa_erase(&memory->slot_ids, old->id);
	slot_free(old, NULL);
	return 0;
}

/* Publish a slot under its number. @old is the slot that has the number now, or NULL. */
static int slot_replace(struct memory *memory, struct memslot *old, struct memslot *new)
{
	int ret = xa_err(xa_store(&memory->slot_ids, new->id, new, GFP_KERNEL_ACCOUNT));

	if (ret)
		return ret;
	ret = publish(memory, old, new);
	if (!ret)
		return 0;
	/* Neither call allocates: the number has its place in the array already. */
	if (old)
		xa_store(&memory->slot_ids, old->id, old, GFP_KERNEL_ACCOUNT);
	else
		xa_erase(&memory->slot_ids, new->id);
	return ret;
}

/*
 * If logging begins with @new, make the next write to each of its pages fault. Then split the large
 * leaves, so that vCPUs need not do it one by one. This order write-protects fewer leaves.
 */
static void begin_log(struct memory *memory, const struct memslot *old, const struct memslot *new)
{
	if (!old || !memslot_is_logged(new) || memslot_is_logged(old) ||
	    dirty_log_begins_set(memory))
		return;
	mmu_slot_write_protect(memory, new);
	mmu_split(memory, new->base_gfn, new->base_gfn + new->npages - 1);
}

static int slot_set(struct memory *memory, struct memslot *old,
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
	if (memslot_is_logged(old) && memslot_is_logged(new))
		new->dirty_bitmap = old->dirty_bitmap;
	else if (memslot_is_logged(new))
		ret = dirty_log_alloc(memory, new);
	if (!ret)
		ret = slot_replace(memory, old, new);
	if (ret) {
		slot_free(new, old);
		return ret;
	}
	begin_log(memory, old, new);
	if (memslot_is_logged(old) && !memslot_is_logged(new))
		mmu_collapse(memory, new, new->base_gfn, new->base_gfn + new->npages);
	slot_free(old, new);
	return 0;
}

static int set_region(struct memory *memory, const struct kvm_userspace_memory_region *region)
{
	struct memslot *old = memslot_find_id(memory, region->slot);

	if (!region->memory_size)
		return old ? slot_delete(memory, old) : -EINVAL;
	if (old && !region_fits(old, region))
		return -EINVAL;
	if (old && old->flags == region->flags &&
	    old->base_gfn == region->guest_phys_addr >> PAGE_SHIFT)
		return 0;
	return slot_set(memory, old, region);
}

int memory_set_region(struct memory *memory, const struct kvm_userspace_memory_region *region)
{
	int ret = region_check(memory, region);

	if (ret)
		return ret;
	mutex_lock(&memory->lock);
	ret = set_region(memory, region);
	mutex_unlock(&memory->lock);
	return ret;
}

/*
 * Guest memory.
 */

unsigned long memory_hva(const struct memory *memory, gfn_t gfn, bool *writable)
{
	struct memslot *slot = memslot_find(memory_slots(memory), gfn);

	if (!slot)
		return MEMSLOT_NO_HVA;
	if (writable)
		*writable = !(slot->flags & KVM_MEM_READONLY);
	return memslot_hva(slot, gfn);
}

/* Return how many bytes of an access lie in the page where it starts. */
static size_t in_page(gpa_t gpa, size_t len)
{
	return min_t(size_t, len, PAGE_SIZE - offset_in_page(gpa));
}

int memory_read(const struct memory *memory, gpa_t gpa, void *buf, size_t len)
{
	u8 *to = buf;

	while (len) {
		unsigned long hva = memory_hva(memory, gpa >> PAGE_SHIFT, NULL);
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

/* Return the slot for a write to a frame, or -ENXIO, -EROFS or -EAGAIN. */
static struct memslot *writable_slot(struct memory *memory, gfn_t gfn)
{
	struct memslot *slot = memslot_find(memory_slots(memory), gfn);

	if (!slot)
		return ERR_PTR(-ENXIO);
	if (slot->flags & KVM_MEM_READONLY)
		return ERR_PTR(-EROFS);
	return dirty_log_has_room(memory, slot) ? slot : ERR_PTR(-EAGAIN);
}

int memory_write(struct memory *memory, gpa_t gpa, const void *buf, size_t len)
{
	const u8 *from = buf;

	while (len) {
		gfn_t gfn = gpa >> PAGE_SHIFT;
		struct memslot *slot = writable_slot(memory, gfn);
		size_t part = in_page(gpa, len);
		unsigned long hva;
		unsigned long left;

		if (IS_ERR(slot))
			return PTR_ERR(slot);
		hva = memslot_hva(slot, gfn) + offset_in_page(gpa);
		left = copy_to_user((void __user *)hva, from, part);
		if (left < part)
			dirty_log_mark(memory, slot, gfn);
		if (left)
			return -EFAULT;
		gpa += part;
		from += part;
		len -= part;
	}
	return 0;
}

/*
 * The kernel has no function for 16 bytes (SDM 2A 3.2 CMPXCHG16B). Return 0 after the store, 1 if
 * memory was not @old, or -EFAULT.
 */
static int cmpxchg_user_16(void __user *user, const void *old, const void *new)
{
	u8(*memory)[16] = (__force void *)user;
	u64 expected[2], store[2];
	int err = -EFAULT;
	bool stored;

	memcpy(expected, old, sizeof(expected));
	memcpy(store, new, sizeof(store));
	__uaccess_begin_nospec();
	asm volatile("1: lock cmpxchg16b %[memory]\n\t"
		     "movl $0, %[err]\n"
		     "2:\n\t" _ASM_EXTABLE_UA(1b, 2b)
		     : "=@ccz"(stored), [err] "+r"(err), [memory] "+m"(*memory), "+a"(expected[0]),
		       "+d"(expected[1])
		     : "b"(store[0]), "c"(store[1])
		     : "memory");
	__uaccess_end();
	return err ?: !stored;
}

#define CMPXCHG_AS(type, user, old, new, label)                                                \
	({                                                                                     \
		type old_ = *(const type *)(old);                                              \
		__try_cmpxchg_user((type __user *)(user), &old_, *(const type *)(new), label); \
	})

/*
 * Exchange through the client's own mapping: it may be of a device, which has no struct page, and
 * the file system of a file learns of the write. Return as cmpxchg_user_16().
 */
static int cmpxchg_user(void __user *user, const void *old, const void *new, unsigned int len)
{
	switch (len) {
	case 1:
		return CMPXCHG_AS(u8, user, old, new, fault_1);
	case 2:
		return CMPXCHG_AS(u16, user, old, new, fault_2);
	case 4:
		return CMPXCHG_AS(u32, user, old, new, fault_4);
	case 8:
		return CMPXCHG_AS(u64, user, old, new, fault_8);
	default:
		return cmpxchg_user_16(user, old, new);
	}
}

static bool cmpxchg_possible(gpa_t gpa, unsigned int len)
{
	if (len != 1 && len != 2 && len != 4 && len != 8 &&
	    !(len == 16 && boot_cpu_has(X86_FEATURE_CX16)))
		return false;
	return IS_ALIGNED(gpa, len);
}

int memory_cmpxchg(struct memory *memory, gpa_t gpa, const void *old, const void *new,
		   unsigned int len)
{
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct memslot *slot = writable_slot(memory, gfn);
	unsigned long hva;
	int r;

	if (!cmpxchg_possible(gpa, len))
		return -EINVAL;
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	hva = memslot_hva(slot, gfn) + offset_in_page(gpa);
	r = cmpxchg_user((void __user *)hva, old, new, len);
	if (r)
		return r < 0 ? r : -EAGAIN;
	dirty_log_mark(memory, slot, gfn);
	return 0;
}

/*
 * Setting up and taking down.
 */

static int slots_init(struct memory *memory)
{
	struct memslots *slots = slots_copy(NULL, 1);

	if (!slots)
		return -ENOMEM;
	xa_init(&memory->slot_ids);
	memory->slots_by_hva = RB_ROOT_CACHED;
	rcu_assign_pointer(memory->slots, slots);
	return 0;
}

static void slots_destroy(struct memory *memory)
{
	struct memslots *slots = rcu_dereference_protected(memory->slots, true);
	u32 i;

	for (i = 0; i < slots->count; i++)
		slot_free(slots->by_gfn[i], NULL);
	slots_free(slots, NULL);
	xa_destroy(&memory->slot_ids);
	RCU_INIT_POINTER(memory->slots, NULL);
}

int memory_init(struct memory *memory, const struct sl_format *format, const struct memory_ops *ops)
{
	int r;

	memory->ops = ops;
	memory->mm = current->mm;
	mutex_init(&memory->lock);
	r = init_srcu_struct(&memory->srcu);
	if (r)
		return r;
	r = slots_init(memory);
	if (r)
		goto no_slots;
	r = mmu_init(&memory->mmu, format);
	if (r)
		goto no_mmu;
	r = mmu_notifier_start(memory);
	if (r)
		goto no_notifier;
	mmgrab(memory->mm);
	mmu_regrow_start(memory);
	return 0;

no_notifier:
	mmu_destroy(&memory->mmu);
no_mmu:
	slots_destroy(memory);
no_slots:
	cleanup_srcu_struct(&memory->srcu);
	return r;
}

void memory_destroy(struct memory *memory)
{
	slots_destroy(memory);
	cleanup_srcu_struct(&memory->srcu);
	mmdrop(memory->mm);
}
