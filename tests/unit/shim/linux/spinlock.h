/* SPDX-License-Identifier: GPL-2.0-only */
/* Spinlocks that only detect misuse, for single-threaded userspace unit tests. */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

#include <assert.h>

#include <linux/irqflags.h>

typedef struct {
	int held;
} spinlock_t;

typedef spinlock_t raw_spinlock_t;

#define spin_lock_init(l) ((void)((l)->held = 0))

static inline void spin_lock(spinlock_t *l)
{
	assert(!l->held);
	l->held = 1;
}

static inline void spin_unlock(spinlock_t *l)
{
	assert(l->held);
	l->held = 0;
}

static inline void spin_lock_irq(spinlock_t *l)
{
	shim_irqs_off++;
	spin_lock(l);
}

static inline void spin_unlock_irq(spinlock_t *l)
{
	spin_unlock(l);
	shim_irqs_off--;
}

#define spin_lock_irqsave(l, flags) \
	do {                        \
		(flags) = 0;        \
		spin_lock_irq(l);   \
	} while (0)
#define spin_unlock_irqrestore(l, flags) \
	do {                             \
		(void)(flags);           \
		spin_unlock_irq(l);      \
	} while (0)

#define raw_spin_lock_init(l) spin_lock_init(l)
#define raw_spin_lock(l) spin_lock(l)
#define raw_spin_unlock(l) spin_unlock(l)
#define raw_spin_lock_irqsave(l, flags) spin_lock_irqsave(l, flags)
#define raw_spin_unlock_irqrestore(l, flags) spin_unlock_irqrestore(l, flags)

/*
 * A test may count as other threads that wait for a lock: then it is contended, and @others runs
 * when a writer drops it.
 */
typedef struct {
	int held; /* the number of readers, or -1 for a writer */
	void (*others)(void);
} rwlock_t;

#define rwlock_init(l) ((void)(*(l) = (rwlock_t){}))
#define rwlock_is_contended(l) (!!(l)->others)
#define lockdep_assert_held_write(l) assert((l)->held == -1)

static inline void read_lock(rwlock_t *l)
{
	assert(l->held >= 0);
	l->held++;
}

static inline void read_unlock(rwlock_t *l)
{
	assert(l->held > 0);
	l->held--;
}

static inline void write_lock(rwlock_t *l)
{
	assert(!l->held);
	l->held = -1;
}

static inline void write_unlock(rwlock_t *l)
{
	assert(l->held == -1);
	l->held = 0;
	if (l->others)
		l->others();
}

#ifndef lockdep_assert_held
#define lockdep_assert_held(l) assert((l)->held)
#endif

#endif
