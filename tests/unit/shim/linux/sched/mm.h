/* SPDX-License-Identifier: GPL-2.0-only */
/* Users of an address space, for userspace unit tests. */
#ifndef SHIM_LINUX_SCHED_MM_H
#define SHIM_LINUX_SCHED_MM_H

#include <linux/types.h>

struct mm_struct {
	int users;
	bool current; /* the thread runs in it */
};

static inline bool mmget_not_zero(struct mm_struct *mm)
{
	return mm->users && mm->users++;
}

static inline void mmput(struct mm_struct *mm)
{
	mm->users--;
}

#endif
