/* SPDX-License-Identifier: GPL-2.0-only */
/* Reference counts, for userspace unit tests. */
#ifndef SHIM_LINUX_REFCOUNT_H
#define SHIM_LINUX_REFCOUNT_H

#include <linux/atomic.h>

typedef atomic_t refcount_t;

#define refcount_inc(r) atomic_inc(r)
#define refcount_dec_and_test(r) atomic_dec_and_test(r)

#endif
