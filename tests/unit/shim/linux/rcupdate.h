/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RCU for userspace unit tests. Nothing can wait for a grace period: the module must not
 * (scripts/lint), and waits for one of SRCU instead.
 */
#ifndef SHIM_LINUX_RCUPDATE_H
#define SHIM_LINUX_RCUPDATE_H

#include <assert.h>
#include <stdlib.h>

#include <linux/compiler.h>
#include <linux/types.h>

struct rcu_head {
	void *unused;
};

static __thread int shim_rcu_readers __maybe_unused;

#define rcu_read_lock() ((void)shim_rcu_readers++)
#define rcu_read_unlock() ((void)shim_rcu_readers--)
#define rcu_dereference(p) READ_ONCE(p)
#define rcu_dereference_raw(p) READ_ONCE(p)
#define rcu_dereference_protected(p, held) ((void)(held), (p))
#define rcu_access_pointer(p) READ_ONCE(p)
#define rcu_assign_pointer(p, v) smp_store_release(&(p), v)
#define RCU_INIT_POINTER(p, v) ((p) = (v))
#define rcu_replace_pointer(p, v, held)       \
	({                                    \
		__typeof__(p) old_rcu_ = (p); \
		(void)(held);                 \
		rcu_assign_pointer(p, v);     \
		old_rcu_;                     \
	})
#define kfree_rcu(p, field) free(p)
#define kvfree_rcu(p, field) free(p)

#ifndef lockdep_is_held
#define lockdep_is_held(l) ((l)->held)
#endif

#endif
