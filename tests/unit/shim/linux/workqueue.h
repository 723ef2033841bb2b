/* SPDX-License-Identifier: GPL-2.0-only */
/* Work that a test runs by hand (tests/unit/shim/workqueue.c). */
#ifndef SHIM_LINUX_WORKQUEUE_H
#define SHIM_LINUX_WORKQUEUE_H

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

/* Run all scheduled work, and return how many items there were. */
unsigned int shim_run_work(void);

#endif
