/* SPDX-License-Identifier: GPL-2.0-only */
/* Polling, of eventfds only, for userspace unit tests. */
#ifndef SHIM_LINUX_POLL_H
#define SHIM_LINUX_POLL_H

#include <linux/wait.h>

#define EPOLLIN 0x001u
#define EPOLLHUP 0x010u

typedef unsigned int __poll_t;

struct file;

typedef struct poll_table_struct {
	void (*queue)(struct file *file, wait_queue_head_t *queue, struct poll_table_struct *poll);
} poll_table;

#define init_poll_funcptr(p, f) ((p)->queue = (f))
#define key_to_poll(key) ((__poll_t)(uintptr_t)(key))

__poll_t vfs_poll(struct file *file, poll_table *poll);

#endif
