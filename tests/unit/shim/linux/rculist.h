/* SPDX-License-Identifier: GPL-2.0-only */
/* The hlist part of RCU lists, for userspace unit tests. */
#ifndef SHIM_LINUX_RCULIST_H
#define SHIM_LINUX_RCULIST_H

#include <linux/kernel.h>
#include <linux/rcupdate.h>

#ifndef INIT_HLIST_HEAD
struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

#define INIT_HLIST_HEAD(h) ((h)->first = NULL)
#endif

#ifndef hlist_empty
#define hlist_empty(h) (!READ_ONCE((h)->first))
#endif

static inline void hlist_add_head_rcu(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	if (n->next)
		n->next->pprev = &n->next;
	n->pprev = &h->first;
	h->first = n;
}

static inline void hlist_del_rcu(struct hlist_node *n)
{
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
}

#define shim_hlist_entry(ptr, type, member) ((ptr) ? container_of(ptr, type, member) : NULL)

#define hlist_for_each_entry_srcu(pos, head, member, held)                                     \
	for (pos = shim_hlist_entry((head)->first, __typeof__(*(pos)), member); (held) && pos; \
	     pos = shim_hlist_entry((pos)->member.next, __typeof__(*(pos)), member))

#endif
