/* SPDX-License-Identifier: GPL-2.0-only */
/* A kernel thread in an address space, for userspace unit tests. */
#ifndef SHIM_LINUX_KTHREAD_H
#define SHIM_LINUX_KTHREAD_H

#include <linux/sched/mm.h>

static inline void kthread_use_mm(struct mm_struct *mm)
{
	mm->current = true;
}

static inline void kthread_unuse_mm(struct mm_struct *mm)
{
	mm->current = false;
}

#endif
