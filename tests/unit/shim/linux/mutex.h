/* SPDX-License-Identifier: GPL-2.0-only */
/* Mutexes that only detect misuse, for single-threaded userspace unit tests. */
#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

#include <assert.h>

struct mutex {
	int held;
};

#define DEFINE_MUTEX(name) struct mutex name

static inline void mutex_init(struct mutex *m)
{
	m->held = 0;
}

static inline void mutex_destroy(struct mutex *m)
{
	assert(!m->held);
}

static inline void mutex_lock(struct mutex *m)
{
	assert(!m->held);
	m->held = 1;
}

static inline void mutex_unlock(struct mutex *m)
{
	assert(m->held);
	m->held = 0;
}

#define lockdep_assert_held(l) assert((l)->held)

#endif
