/* SPDX-License-Identifier: GPL-2.0-only */
/* Work that a test runs by hand (tests/unit/shim/workqueue.c). */
#ifndef SHIM_LINUX_WORKQUEUE_H
#define SHIM_LINUX_WORKQUEUE_H

#include <linux/kernel.h>
#include <linux/types.h>

struct work_struct {
	void (*func)(struct work_struct *work);
	bool pending;
	struct work_struct *next;
};

#define INIT_WORK(w, f) (*(w) = (struct work_struct){ .func = (f) })

#define DECLARE_WORK(name, f) struct work_struct name = { .func = (f) }

bool schedule_work(struct work_struct *work);
bool cancel_work_sync(struct work_struct *work);
bool flush_work(struct work_struct *work);

/* Work that waits for its time until a test runs it: no time passes. */
struct delayed_work {
	struct work_struct work;
	unsigned long delay;
};

#define to_delayed_work(w) container_of(w, struct delayed_work, work)
#define INIT_DELAYED_WORK(w, f) INIT_WORK(&(w)->work, f)
#define cancel_delayed_work_sync(w) ((w)->work.pending = false)
#define queue_delayed_work(queue, w, after) shim_queue_delayed_work(w, after)

static inline void shim_queue_delayed_work(struct delayed_work *work, unsigned long delay)
{
	work->delay = delay;
	work->work.pending = true;
}

/* Run it if it waits. Return false if it does not. */
static inline bool shim_run_delayed_work(struct delayed_work *work)
{
	if (!work->work.pending)
		return false;
	work->work.pending = false;
	work->work.func(&work->work);
	return true;
}

/* Run all scheduled work, and return how many items there were. */
unsigned int shim_run_work(void);

#endif
