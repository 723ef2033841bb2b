/* SPDX-License-Identifier: GPL-2.0-only */
/* Wait queues with wake-up functions, for userspace unit tests. */
#ifndef SHIM_LINUX_WAIT_H
#define SHIM_LINUX_WAIT_H

#include <assert.h>

#include <linux/list.h>
#include <linux/spinlock.h>

typedef struct wait_queue_entry wait_queue_entry_t;
typedef int (*wait_queue_func_t)(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key);

struct wait_queue_entry {
	wait_queue_func_t func;
	struct list_head entry;
};

typedef struct {
	spinlock_t lock; /* the list */
	struct list_head head;
} wait_queue_head_t;

#define init_waitqueue_head(q) ((void)(q))
#define wake_up(q) ((void)(q))
/* Nobody else runs, so nobody would make it true. */
#define wait_event(q, condition) assert(condition)

#define init_waitqueue_func_entry(w, f) ((w)->func = (f))

static inline void add_wait_queue_priority(wait_queue_head_t *queue, wait_queue_entry_t *wait)
{
	spin_lock(&queue->lock);
	list_add(&wait->entry, &queue->head);
	spin_unlock(&queue->lock);
}

#endif
