/* SPDX-License-Identifier: GPL-2.0-only */
/* Page size and kvmalloc(), for userspace unit tests. */
#ifndef SHIM_LINUX_MM_H
#define SHIM_LINUX_MM_H

#include <linux/slab.h>

#ifndef PAGE_SIZE
#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#endif

#define need_resched() false
#define cond_resched() ((void)0)

#endif
