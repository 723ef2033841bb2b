/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread and the directed yield, for userspace unit tests: the test has yield_to(). */
#ifndef SHIM_LINUX_SCHED_H
#define SHIM_LINUX_SCHED_H

#include <linux/types.h>

struct task_struct {
	int references;
};

int yield_to(struct task_struct *task, bool preempt);

#endif
