/* SPDX-License-Identifier: GPL-2.0-only */
/* Intervals in the order of their starts, for userspace unit tests: a list. */
#ifndef SHIM_LINUX_INTERVAL_TREE_H
#define SHIM_LINUX_INTERVAL_TREE_H

#include <stddef.h>

struct interval_tree_node {
	unsigned long start;
	unsigned long last;
	struct interval_tree_node *next;
};

struct rb_root_cached {
	struct interval_tree_node *first;
};

static inline void interval_tree_insert(struct interval_tree_node *node,
					struct rb_root_cached *root)
{
	struct interval_tree_node **link = &root->first;

	while (*link && (*link)->start <= node->start)
		link = &(*link)->next;
	node->next = *link;
	*link = node;
}

static inline void interval_tree_remove(struct interval_tree_node *node,
					struct rb_root_cached *root)
{
	struct interval_tree_node **link = &root->first;

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
}

/* The number of times that an iteration has found an interval. */
__attribute__((weak)) unsigned long shim_intervals_found;

static inline struct interval_tree_node *shim_overlap(struct interval_tree_node *node,
						      unsigned long start, unsigned long last)
{
	while (node && (node->last < start || node->start > last))
		node = node->next;
	shim_intervals_found += !!node;
	return node;
}

static inline struct interval_tree_node *
interval_tree_iter_first(struct rb_root_cached *root, unsigned long start, unsigned long last)
{
	return shim_overlap(root->first, start, last);
}

static inline struct interval_tree_node *
interval_tree_iter_next(struct interval_tree_node *node, unsigned long start, unsigned long last)
{
	return shim_overlap(node->next, start, last);
}

#endif
