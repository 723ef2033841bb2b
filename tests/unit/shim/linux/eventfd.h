/* SPDX-License-Identifier: GPL-2.0-only */
/* Eventfds with numbers of their own (tests/unit/shim/eventfd.c). */
#ifndef SHIM_LINUX_EVENTFD_H
#define SHIM_LINUX_EVENTFD_H

#include <linux/file.h>
#include <linux/wait.h>

struct eventfd_ctx;

struct file *eventfd_fget(int fd);
struct eventfd_ctx *eventfd_ctx_fdget(int fd);
struct eventfd_ctx *eventfd_ctx_fileget(struct file *file);
void eventfd_ctx_put(struct eventfd_ctx *ctx);
void eventfd_ctx_do_read(struct eventfd_ctx *ctx, u64 *count);
int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx, wait_queue_entry_t *wait, u64 *count);

/* A program's calls; the file descriptors are the test's own, not the system's. */
int shim_eventfd_open(void);
void shim_eventfd_write(int fd);
u64 shim_eventfd_read(int fd);
void shim_eventfd_close(int fd);

/* The number of contexts that still exist: 0 when nothing leaked. */
unsigned int shim_eventfds(void);

#endif
