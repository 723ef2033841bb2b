// SPDX-License-Identifier: GPL-2.0-only
/* Eventfds of unit tests. */
#include <assert.h>
#include <stdlib.h>

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/poll.h>

#include "host/compat.h"

#define MAX_FDS 2048

struct eventfd_ctx {
	u64 count;
	unsigned int refs;
	wait_queue_head_t queue;
};

struct file {
	struct eventfd_ctx *ctx;
	unsigned int refs;
};

static struct file *files[MAX_FDS];
static unsigned int contexts;

static void wake(struct eventfd_ctx *ctx, __poll_t events)
{
	struct list_head *node, *next;

	spin_lock_irq(&ctx->queue.lock);
	for (node = ctx->queue.head.next; node != &ctx->queue.head; node = next) {
		wait_queue_entry_t *wait = list_entry(node, wait_queue_entry_t, entry);

		next = node->next;
		if (wait->func(wait, 0, 0, (void *)(uintptr_t)events))
			break;
	}
	spin_unlock_irq(&ctx->queue.lock);
}

void eventfd_ctx_put(struct eventfd_ctx *ctx)
{
	assert(ctx->refs);
	if (--ctx->refs)
		return;
	assert(list_empty(&ctx->queue.head));
	free(ctx);
	contexts--;
}

void fput(struct file *file)
{
	assert(file->refs);
	if (--file->refs)
		return;
	wake(file->ctx, EPOLLHUP);
	eventfd_ctx_put(file->ctx);
	free(file);
}

struct file *eventfd_fget(int fd)
{
	if (fd < 0 || fd >= MAX_FDS || !files[fd])
		return ERR_PTR(-EBADF);
	files[fd]->refs++;
	return files[fd];
}

struct eventfd_ctx *eventfd_ctx_fileget(struct file *file)
{
	file->ctx->refs++;
	return file->ctx;
}

struct eventfd_ctx *eventfd_ctx_fdget(int fd)
{
	struct file *file = eventfd_fget(fd);
	struct eventfd_ctx *ctx;

	if (IS_ERR(file))
		return (struct eventfd_ctx *)file;
	ctx = eventfd_ctx_fileget(file);
	fput(file);
	return ctx;
}

void eventfd_ctx_do_read(struct eventfd_ctx *ctx, u64 *count)
{
	assert(ctx->queue.lock.held);
	*count = ctx->count;
	ctx->count = 0;
}

int eventfd_ctx_remove_wait_queue(struct eventfd_ctx *ctx, wait_queue_entry_t *wait, u64 *count)
{
	spin_lock(&ctx->queue.lock);
	eventfd_ctx_do_read(ctx, count);
	list_del(&wait->entry);
	spin_unlock(&ctx->queue.lock);
	return *count ? 0 : -EAGAIN;
}

void oriel_eventfd_signal(struct eventfd_ctx *ctx)
{
	ctx->count++;
	wake(ctx, EPOLLIN);
}

__poll_t vfs_poll(struct file *file, poll_table *poll)
{
	poll->queue(file, &file->ctx->queue, poll);
	return file->ctx->count ? EPOLLIN : 0;
}

int shim_eventfd_open(void)
{
	for (int fd = 0; fd < MAX_FDS; fd++) {
		if (files[fd])
			continue;
		files[fd] = calloc(1, sizeof(*files[fd]));
		files[fd]->refs = 1;
		files[fd]->ctx = calloc(1, sizeof(*files[fd]->ctx));
		files[fd]->ctx->refs = 1;
		INIT_LIST_HEAD(&files[fd]->ctx->queue.head);
		contexts++;
		return fd;
	}
	abort();
}

void shim_eventfd_write(int fd)
{
	oriel_eventfd_signal(files[fd]->ctx);
}

u64 shim_eventfd_read(int fd)
{
	u64 count = files[fd]->ctx->count;

	files[fd]->ctx->count = 0;
	return count;
}

void shim_eventfd_close(int fd)
{
	struct file *file = files[fd];

	files[fd] = NULL;
	fput(file);
}

unsigned int shim_eventfds(void)
{
	return contexts;
}
