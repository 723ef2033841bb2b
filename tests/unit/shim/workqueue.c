// SPDX-License-Identifier: GPL-2.0-only
/* Deferred work of unit tests. */
#include <assert.h>
#include <stddef.h>

#include <linux/irqflags.h>
#include <linux/workqueue.h>

static struct work_struct *work_queue;

bool schedule_work(struct work_struct *work)
{
	if (work->pending)
		return false;
	work->pending = true;
	work->next = work_queue;
	work_queue = work;
	return true;
}

bool cancel_work_sync(struct work_struct *work)
{
	struct work_struct **p = &work_queue;

	if (!work->pending)
		return false;
	while (*p != work)
		p = &(*p)->next;
	*p = work->next;
	work->pending = false;
	return true;
}

bool flush_work(struct work_struct *work)
{
	if (!cancel_work_sync(work))
		return false;
	work->func(work);
	return true;
}

unsigned int shim_run_work(void)
{
	unsigned int n = 0;

	while (work_queue) {
		struct work_struct *work = work_queue;

		work_queue = work->next;
		work->pending = false;
		assert(!irqs_disabled());
		work->func(work);
		n++;
	}
	return n;
}
