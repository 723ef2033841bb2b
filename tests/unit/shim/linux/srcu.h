/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SRCU for single-threaded userspace unit tests: a grace period ends at once, and is counted;
 * waiting for one inside a read-side section is an assertion failure, and so is reading outside.
 */
#ifndef SHIM_LINUX_SRCU_H
#define SHIM_LINUX_SRCU_H

#include <assert.h>

#include <linux/compiler.h>
#include <linux/rcupdate.h>

struct srcu_struct {
	int readers;
	unsigned int waits; /* grace periods that somebody has waited for */
};

static inline int init_srcu_struct(struct srcu_struct *srcu)
{
	*srcu = (struct srcu_struct){ 0 };
	return 0;
}

static inline void cleanup_srcu_struct(struct srcu_struct *srcu)
{
	assert(!srcu->readers);
}

static inline int srcu_read_lock(struct srcu_struct *srcu)
{
	return srcu->readers++;
}

static inline void srcu_read_unlock(struct srcu_struct *srcu, int idx)
{
	assert(--srcu->readers == idx);
}

static inline int srcu_read_lock_held(const struct srcu_struct *srcu)
{
	return srcu->readers > 0;
}

static inline void synchronize_srcu_expedited(struct srcu_struct *srcu)
{
	assert(!srcu->readers);
	srcu->waits++;
}

#define srcu_dereference(p, srcu)                  \
	({                                         \
		assert(srcu_read_lock_held(srcu)); \
		READ_ONCE(p);                      \
	})

#endif
