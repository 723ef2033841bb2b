// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfd: a sorted table of doorbells, replaced as a whole under RCU, so that
 * a guest's write finds its eventfd by binary search and without a lock.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "host/compat.h"
#include "irq/ioeventfd.h"

/**
 * struct ioeventfd - a doorbell
 * @addr: port or guest-physical address
 * @datamatch: value that must be written, if @match
 * @eventfd: signalled
 * @len: length of the write, 0 for any
 * @pio: a port
 * @match: only a write of @datamatch counts
 */
struct ioeventfd {
	u64 addr;
	u64 datamatch;
	struct eventfd_ctx *eventfd;
	u8 len;
	bool pio;
	bool match;
};

/**
 * struct ioeventfd_table - doorbells by address
 * @nr: entries of @item
 * @item: ports first, then addresses, each ascending
 */
struct ioeventfd_table {
	u32 nr;
	struct ioeventfd item[];
};

/* Whether @item comes before (@pio, @addr) in a table. */
static bool ioeventfd_before(const struct ioeventfd *item, bool pio, u64 addr)
{
	return item->pio != pio ? item->pio : item->addr < addr;
}

static bool ioeventfd_at(const struct ioeventfd *item, bool pio, u64 addr)
{
	return item->pio == pio && item->addr == addr;
}

/* The first item that is not before (@pio, @addr). */
static u32 table_find(const struct ioeventfd_table *table, bool pio, u64 addr)
{
	u32 low = 0, high = table ? table->nr : 0;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (ioeventfd_before(&table->item[middle], pio, addr))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool ioeventfd_matches(const struct ioeventfd *item, const void *buf, unsigned int len)
{
	u64 val = 0;

	if (!item->len)
		return true;
	if (item->len != len)
		return false;
	memcpy(&val, buf, len);
	return !item->match || val == item->datamatch;
}

bool ioeventfds_write(struct ioeventfds *ioeventfds, bool pio, u64 addr, const void *buf,
		      unsigned int len)
{
	const struct ioeventfd_table *table;
	bool found = false;
	u32 i;

	if (!rcu_access_pointer(ioeventfds->table))
		return false;
	rcu_read_lock();
	table = rcu_dereference(ioeventfds->table);
	for (i = table_find(table, pio, addr); table && i < table->nr; i++) {
		const struct ioeventfd *item = &table->item[i];

		if (!ioeventfd_at(item, pio, addr))
			break;
		if (ioeventfd_matches(item, buf, len)) {
			oriel_eventfd_signal(item->eventfd);
			found = true;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* Whether one write could match both. */
static bool ioeventfd_collides(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (!ioeventfd_at(a, b->pio, b->addr))
		return false;
	if (!a->len || !b->len)
		return true;
	return a->len == b->len && (!a->match || !b->match || a->datamatch == b->datamatch);
}

static bool ioeventfd_same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return ioeventfd_at(a, b->pio, b->addr) && a->eventfd == b->eventfd && a->len == b->len &&
	       a->match == b->match && (!a->match || a->datamatch == b->datamatch);
}

static struct ioeventfd_table *table_alloc(u32 nr)
{
	struct ioeventfd_table *table;

	table = kvzalloc(struct_size(table, item, nr), GFP_KERNEL_ACCOUNT);
	if (table)
		table->nr = nr;
	return table;
}

/* Publish a table; the old one is gone when this returns. Lock held. */
static void table_replace(struct ioeventfds *ioeventfds, struct ioeventfd_table *table)
{
	struct ioeventfd_table *old;

	old = rcu_replace_pointer(ioeventfds->table, table, lockdep_is_held(&ioeventfds->lock));
	synchronize_rcu_expedited();
	kvfree(old);
}

/* Lock held. Takes over the reference to the eventfd. */
static int ioeventfd_add(struct ioeventfds *ioeventfds, const struct ioeventfd *new)
{
	struct ioeventfd_table *old, *table;
	u32 nr, at, i;

	old = rcu_dereference_protected(ioeventfds->table, lockdep_is_held(&ioeventfds->lock));
	nr = old ? old->nr : 0;
	for (i = 0; i < nr; i++)
		if (ioeventfd_collides(&old->item[i], new))
			return -EEXIST;
	if (nr == IOEVENTFD_MAX)
		return -ENOSPC;
	table = table_alloc(nr + 1);
	if (!table)
		return -ENOMEM;
	at = table_find(old, new->pio, new->addr);
	if (old) {
		memcpy(table->item, old->item, at * sizeof(*new));
		memcpy(table->item + at + 1, old->item + at, (nr - at) * sizeof(*new));
	}
	table->item[at] = *new;
	table_replace(ioeventfds, table);
	return 0;
}

/* Lock held. Drops the reference of the one that is taken away. */
static int ioeventfd_remove(struct ioeventfds *ioeventfds, const struct ioeventfd *like)
{
	struct ioeventfd_table *old, *table = NULL;
	struct eventfd_ctx *eventfd;
	u32 i;

	old = rcu_dereference_protected(ioeventfds->table, lockdep_is_held(&ioeventfds->lock));
	for (i = 0; old && i < old->nr; i++)
		if (ioeventfd_same(&old->item[i], like))
			break;
	if (!old || i == old->nr)
		return -ENOENT;
	if (old->nr > 1) {
		table = table_alloc(old->nr - 1);
		if (!table)
			return -ENOMEM;
		memcpy(table->item, old->item, i * sizeof(*like));
		memcpy(table->item + i, old->item + i + 1, (table->nr - i) * sizeof(*like));
	}
	eventfd = old->item[i].eventfd;
	table_replace(ioeventfds, table);
	eventfd_ctx_put(eventfd);
	return 0;
}

static bool args_valid(const struct kvm_ioeventfd *args)
{
	const u32 flags = KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO |
			  KVM_IOEVENTFD_FLAG_DEASSIGN;

	if (args->flags & ~flags || args->addr + args->len < args->addr)
		return false;
	switch (args->len) {
	case 0:
		return !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	case 1:
	case 2:
	case 4:
	case 8:
		return true;
	default:
		return false;
	}
}

int ioeventfds_change(struct ioeventfds *ioeventfds, const struct kvm_ioeventfd *args)
{
	struct ioeventfd item = {
		.addr = args->addr,
		.datamatch = args->datamatch,
		.len = args->len,
		.pio = args->flags & KVM_IOEVENTFD_FLAG_PIO,
		.match = args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH,
	};
	bool deassign = args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	int err;

	if (!args_valid(args))
		return -EINVAL;
	item.eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(item.eventfd))
		return PTR_ERR(item.eventfd);
	mutex_lock(&ioeventfds->lock);
	err = deassign ? ioeventfd_remove(ioeventfds, &item) : ioeventfd_add(ioeventfds, &item);
	mutex_unlock(&ioeventfds->lock);
	if (err || deassign)
		eventfd_ctx_put(item.eventfd);
	return err;
}

void ioeventfds_init(struct ioeventfds *ioeventfds)
{
	mutex_init(&ioeventfds->lock);
	RCU_INIT_POINTER(ioeventfds->table, NULL);
}

void ioeventfds_destroy(struct ioeventfds *ioeventfds)
{
	struct ioeventfd_table *table = rcu_dereference_protected(ioeventfds->table, true);
	u32 i;

	for (i = 0; table && i < table->nr; i++)
		eventfd_ctx_put(table->item[i].eventfd);
	kvfree(table);
	mutex_destroy(&ioeventfds->lock);
}
