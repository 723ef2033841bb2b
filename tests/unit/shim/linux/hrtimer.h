/* SPDX-License-Identifier: GPL-2.0-only */
/* Timers over a clock that tests advance by hand (tests/unit/shim/hrtimer.c). */
#ifndef SHIM_LINUX_HRTIMER_H
#define SHIM_LINUX_HRTIMER_H

#include <time.h>

#include <linux/kernel.h>
#include <linux/ktime.h>

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
enum hrtimer_mode {
	HRTIMER_MODE_ABS,
	HRTIMER_MODE_ABS_HARD,
	HRTIMER_MODE_ABS_PINNED,
	HRTIMER_MODE_ABS_PINNED_HARD
};

struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	ktime_t expires;
	int queued;
	int running;
	struct hrtimer *next;
};

void hrtimer_init(struct hrtimer *timer, clockid_t clock, enum hrtimer_mode mode);
void hrtimer_start(struct hrtimer *timer, ktime_t at, enum hrtimer_mode mode);
int hrtimer_cancel(struct hrtimer *timer);
u64 hrtimer_forward(struct hrtimer *timer, ktime_t now, ktime_t interval);

static inline int hrtimer_active(const struct hrtimer *timer)
{
	return timer->queued;
}

/* Return true once for a callback that shim_begin() has begun, and end it. */
int hrtimer_callback_running(struct hrtimer *timer);

static inline ktime_t hrtimer_get_expires(const struct hrtimer *timer)
{
	return timer->expires;
}

static inline void hrtimer_set_expires(struct hrtimer *timer, ktime_t at)
{
	timer->expires = at;
}

/* If set, hrtimer_cancel() of a timer that is due finds its callback just begun. */
extern bool shim_fire_at_cancel;

/* Run the callback of a one-shot timer that is due, all but its return. */
void shim_begin(struct hrtimer *timer);

/* Let @ns pass; timers that expire meanwhile fire in order, each at its time. */
void shim_advance(u64 ns);

/* The time at which the first armed timer expires. */
ktime_t shim_next_expiry(void);

/* The number of armed timers: 0 at the end of a test that cleans up. */
unsigned int shim_timers_armed(void);

#endif
