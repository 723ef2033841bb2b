// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfd: a sorted table of doorbells, which a change replaces as a whole, so that a guest's
 * write finds its eventfd by binary search and without a lock.
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
#include "irq/by_address.h"
#include "irq/ioeventfd.h"

/**
 * struct ioeventfd - a doorbell
 * @at: its port or guest-physical address
 * @datamatch: value that must be written, if @match
 * @eventfd: the eventfd that a matching write signals
 * @len: length of the write, 0 for any
 * @match: only a write of @datamatch counts
 */
struct ioeventfd {
	struct io_address at;
	u64 datamatch;
	struct eventfd_ctx *eventfd;
	u8 len;
	bool match;
};

/* All doorbells, in the order of irq/by_address.h. */
struct ioeventfd_table {
	u32 nr;
	struct ioeventfd item[];
};

static bool ioeventfd_is_at(const struct ioeventfd *item, struct io_address at)
{
	return item->at.pio == at.pio && item->at.addr == at.addr;
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
	const struct io_address at = { .addr = addr, .pio = pio };
	const struct ioeventfd_table *table;
	bool found = false;
	u32 i;

	table = srcu_dereference(ioeventfds->table, ioeventfds->srcu);
	i = table ? by_address_upto(table->item, table->nr, sizeof(table->item[0]), at) : 0;
	for (; i && !found && ioeventfd_is_at(&table->item[i - 1], at); i--) {
		found = ioeventfd_matches(&table->item[i - 1], buf, len);
		if (found)
			oriel_eventfd_signal(table->item[i - 1].eventfd);
	}
	return found;
}

/* Return true if one write could match both. */
static bool ioeventfd_collides(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (!ioeventfd_is_at(a, b->at))
		return false;
	if (!a->len || !b->len)
		return true;
	return a->len == b->len && (!a->match || !b->match || a->datamatch == b->datamatch);
}

static bool ioeventfd_same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return ioeventfd_is_at(a, b->at) && a->eventfd == b->eventfd && a->len == b->len &&
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

/* Publish a table and free the old one. Lock held. */
static void table_replace(struct ioeventfds *ioeventfds, struct ioeventfd_table *table)
{
	struct ioeventfd_table *old;

	old = rcu_replace_pointer(ioeventfds->table, table, lockdep_is_held(&ioeventfds->lock));
	if (!old)
		return;
	synchronize_srcu_expedited(ioeventfds->srcu);
	kvfree(old);
}

/* On success the table owns the reference to the eventfd. Lock held. */
static int ioeventfd_add(struct ioeventfds *ioeventfds, const struct ioeventfd *new)
{
	struct ioeventfd_table *old, *table;
	u32 nr, i;

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
	by_address_insert(table->item, old ? old->item : NULL, nr, sizeof(*new), new);
	table_replace(ioeventfds, table);
	return 0;
}

/* Remove the doorbell that equals @like, and drop its reference. Lock held. */
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
		.at.addr = args->addr,
		.at.pio = args->flags & KVM_IOEVENTFD_FLAG_PIO,
		.datamatch = args->datamatch,
		.len = args->len,
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

void ioeventfds_init(struct ioeventfds *ioeventfds, struct srcu_struct *srcu)
{
	mutex_init(&ioeventfds->lock);
	ioeventfds->srcu = srcu;
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
