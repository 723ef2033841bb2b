/* SPDX-License-Identifier: GPL-2.0-only */
/* Times in ns of a clock that tests advance by hand. */
#ifndef SHIM_LINUX_KTIME_H
#define SHIM_LINUX_KTIME_H

#include <linux/types.h>

typedef s64 ktime_t;

#define KTIME_MAX ((s64)0x7fffffffffffffff)
#define NSEC_PER_SEC 1000000000L
#define NSEC_PER_USEC 1000L

/* Defined by tests/unit/shim/hrtimer.c. */
extern ktime_t shim_now;

#define ktime_get() (shim_now)
#define ktime_get_ns() ((u64)shim_now)
#define ktime_to_ns(t) ((s64)(t))
#define ns_to_ktime(ns) ((ktime_t)(ns))
#define ktime_add_ns(t, ns) ((t) + (s64)(ns))
#define ktime_sub(a, b) ((a) - (b))
#define ktime_add(a, b) ((a) + (b))

#endif
