/* SPDX-License-Identifier: GPL-2.0-only */
/* Doubly linked lists, for userspace unit tests. */
#ifndef SHIM_LINUX_LIST_H
#define SHIM_LINUX_LIST_H

#include <linux/kernel.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name) struct list_head name = { &(name), &(name) }

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	entry->next = head->next;
	entry->prev = head;
	head->next->prev = entry;
	head->next = entry;
}

static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	list_del(entry);
	list_add(entry, head);
}

static inline int list_empty(const struct list_head *head)
{
	return head->next == head;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_for_each_entry(pos, head, member)                                                     \
	for (pos = list_entry((head)->next, __typeof__(*(pos)), member); &(pos)->member != (head); \
	     pos = list_entry((pos)->member.next, __typeof__(*(pos)), member))
#define list_for_each_entry_safe(pos, n, head, member)                      \
	for (pos = list_entry((head)->next, __typeof__(*(pos)), member),    \
	    n = list_entry((pos)->member.next, __typeof__(*(pos)), member); \
	     &(pos)->member != (head);                                      \
	     pos = n, n = list_entry((n)->member.next, __typeof__(*(n)), member))

#define list_add_rcu(entry, head) list_add(entry, head)
#define list_del_rcu(entry) list_del(entry)
#define list_for_each_entry_srcu(pos, head, member, held)                \
	for (pos = list_entry((head)->next, __typeof__(*(pos)), member); \
	     (held) && &(pos)->member != (head);                         \
	     pos = list_entry((pos)->member.next, __typeof__(*(pos)), member))

#endif
