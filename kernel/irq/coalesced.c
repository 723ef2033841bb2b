// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coalesced I/O: a sorted table of zones, which a change replaces as a whole, and the ring that
 * takes the writes to them.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irq/by_address.h"
#include "irq/coalesced.h"

/**
 * struct coalesced_zone - a zone
 * @first: its first port or guest-physical address
 * @end: one past its last
 * @reach: greatest @end of this zone and of the zones before it, ports and addresses apart. To
 *	find out if any zone contains an access it is enough to look at the last zone that
 *	begins at the access or before it
 */
struct coalesced_zone {
	struct io_address first;
	u64 end;
	u64 reach;
};

/* All zones, in the order of irq/by_address.h. */
struct coalesced_table {
	u32 nr;
	struct coalesced_zone zone[];
};

static bool table_contains(const struct coalesced_table *table, struct io_address at, u32 len)
{
	u32 nr = by_address_upto(table->zone, table->nr, sizeof(table->zone[0]), at);
	u64 end;

	if (!nr || table->zone[nr - 1].first.pio != at.pio)
		return false;
	return !check_add_overflow(at.addr, (u64)len, &end) && end <= table->zone[nr - 1].reach;
}

/*
 * The ring. Userspace advances @first, and it can overwrite everything else too.
 */

/* Add all @count elements. If the ring has no room for all, add none and return false. */
static bool ring_put(struct kvm_coalesced_mmio_ring *ring, const struct kvm_coalesced_mmio *head,
		     const void *buf, unsigned int count)
{
	u32 first = READ_ONCE(ring->first);
	u32 last = READ_ONCE(ring->last);
	u32 used;

	if (first >= KVM_COALESCED_MMIO_MAX || last >= KVM_COALESCED_MMIO_MAX)
		return false;
	/* One entry stays free: a ring with @first equal to @last is empty. */
	used = (last + KVM_COALESCED_MMIO_MAX - first) % KVM_COALESCED_MMIO_MAX;
	if (count > KVM_COALESCED_MMIO_MAX - 1 - used)
		return false;
	for (; count; count--, buf += head->len) {
		struct kvm_coalesced_mmio *entry;

		entry = &ring->coalesced_mmio[array_index_nospec(last, KVM_COALESCED_MMIO_MAX)];
		*entry = *head;
		memcpy(entry->data, buf, head->len);
		last = (last + 1) % KVM_COALESCED_MMIO_MAX;
	}
	/* Store @last after the entries: userspace that reads it must also see them. */
	smp_store_release(&ring->last, last);
	return true;
}

bool coalesced_write(struct coalesced *coalesced, bool pio, u64 addr, const void *buf,
		     unsigned int len, unsigned int count)
{
	const struct kvm_coalesced_mmio head = { .phys_addr = addr, .len = len, .pio = pio };
	const struct io_address at = { .addr = addr, .pio = pio };
	const struct coalesced_table *table;
	bool found;

	table = srcu_dereference(coalesced->table, coalesced->srcu);
	found = table && table_contains(table, at, len);
	if (found) {
		spin_lock(&coalesced->ring_lock);
		found = ring_put(coalesced->ring, &head, buf, count);
		spin_unlock(&coalesced->ring_lock);
	}
	return found;
}

/*
 * Changes.
 */

static struct coalesced_table *current_table(struct coalesced *coalesced)
{
	return rcu_dereference_protected(coalesced->table, lockdep_is_held(&coalesced->lock));
}

/* Publish a table and free the old one. Lock held. */
static void table_publish(struct coalesced *coalesced, struct coalesced_table *table)
{
	struct coalesced_table *old = current_table(coalesced);
	u64 reach = 0;
	u32 i;

	for (i = 0; table && i < table->nr; i++) {
		struct coalesced_zone *zone = &table->zone[i];

		if (i && zone->first.pio != zone[-1].first.pio)
			reach = 0;
		reach = max(reach, zone->end);
		zone->reach = reach;
	}
	rcu_assign_pointer(coalesced->table, table);
	if (!old)
		return;
	/* Once the ioctl returns, no write to a removed zone may reach the ring. */
	synchronize_srcu_expedited(coalesced->srcu);
	kvfree(old);
}

static struct coalesced_table *table_alloc(u32 nr)
{
	struct coalesced_table *table;

	table = kvzalloc(struct_size(table, zone, nr), GFP_KERNEL_ACCOUNT);
	if (table)
		table->nr = nr;
	return table;
}

/* Lock held. */
static int zone_add(struct coalesced *coalesced, const struct coalesced_zone *new)
{
	struct coalesced_table *old = current_table(coalesced), *table;
	u32 nr = old ? old->nr : 0;

	if (nr == COALESCED_MAX)
		return -ENOSPC;
	table = table_alloc(nr + 1);
	if (!table)
		return -ENOMEM;
	by_address_insert(table->zone, old ? old->zone : NULL, nr, sizeof(*new), new);
	table_publish(coalesced, table);
	return 0;
}

static bool zone_contains(const struct coalesced_zone *zone, const struct coalesced_zone *inner)
{
	return zone->first.pio == inner->first.pio && zone->first.addr <= inner->first.addr &&
	       inner->end <= zone->end;
}

/* Lock held. */
static int zones_remove(struct coalesced *coalesced, const struct coalesced_zone *inner)
{
	struct coalesced_table *old = current_table(coalesced), *table = NULL;
	u32 i, kept = 0;

	for (i = 0; old && i < old->nr; i++)
		kept += !zone_contains(&old->zone[i], inner);
	if (!old || kept == old->nr)
		return 0;
	if (kept) {
		table = table_alloc(kept);
		if (!table)
			return -ENOMEM;
		for (i = 0, kept = 0; i < old->nr; i++)
			if (!zone_contains(&old->zone[i], inner))
				table->zone[kept++] = old->zone[i];
	}
	table_publish(coalesced, table);
	return 0;
}

/* Make a zone of @args. A zone that wraps around the end of the addresses becomes empty. */
static struct coalesced_zone zone_of(const struct kvm_coalesced_mmio_zone *args)
{
	struct coalesced_zone zone = { .first = { .addr = args->addr, .pio = args->pio } };

	if (check_add_overflow(args->addr, (u64)args->size, &zone.end))
		zone.end = args->addr;
	return zone;
}

/* KVM_REGISTER_COALESCED_MMIO; @args not checked yet. -EINVAL: pio is neither 0 nor 1. */
int coalesced_register(struct coalesced *coalesced, const struct kvm_coalesced_mmio_zone *args)
{
	const struct coalesced_zone zone = zone_of(args);
	int err;

	if (args->pio > 1)
		return -EINVAL;
	mutex_lock(&coalesced->lock);
	err = zone_add(coalesced, &zone);
	mutex_unlock(&coalesced->lock);
	return err;
}

/* KVM_UNREGISTER_COALESCED_MMIO; @args not checked yet. -EINVAL as above; -ENOMEM. */
int coalesced_unregister(struct coalesced *coalesced, const struct kvm_coalesced_mmio_zone *args)
{
	const struct coalesced_zone zone = zone_of(args);
	int err;

	if (args->pio > 1)
		return -EINVAL;
	if (args->addr + args->size < args->addr)
		return 0;
	mutex_lock(&coalesced->lock);
	err = zones_remove(coalesced, &zone);
	mutex_unlock(&coalesced->lock);
	return err;
}

void coalesced_init(struct coalesced *coalesced, void *ring, struct srcu_struct *srcu)
{
	mutex_init(&coalesced->lock);
	coalesced->srcu = srcu;
	RCU_INIT_POINTER(coalesced->table, NULL);
	spin_lock_init(&coalesced->ring_lock);
	coalesced->ring = ring;
}

void coalesced_destroy(struct coalesced *coalesced)
{
	kvfree(rcu_dereference_protected(coalesced->table, true));
	mutex_destroy(&coalesced->lock);
}
