// SPDX-License-Identifier: GPL-2.0-only
/* The clock and the timers of unit tests: time passes only when a test says so. */
#include <assert.h>

#include <linux/hrtimer.h>
#include <linux/irqflags.h>

ktime_t shim_now = 1000000000;
bool shim_fire_at_cancel;

static struct hrtimer *queue;

static void unlink_timer(struct hrtimer *timer)
{
	struct hrtimer **p = &queue;

	while (*p != timer)
		p = &(*p)->next;
	*p = timer->next;
	timer->queued = 0;
}

static void link_timer(struct hrtimer *timer)
{
	struct hrtimer **p = &queue;

	while (*p && (*p)->expires <= timer->expires)
		p = &(*p)->next;
	timer->next = *p;
	*p = timer;
	timer->queued = 1;
}

void hrtimer_init(struct hrtimer *timer, clockid_t clock, enum hrtimer_mode mode)
{
	(void)mode;
	assert(clock == CLOCK_MONOTONIC);
	*timer = (struct hrtimer){};
}

void hrtimer_start(struct hrtimer *timer, ktime_t at, enum hrtimer_mode mode)
{
	(void)mode;
	if (timer->queued)
		unlink_timer(timer);
	timer->expires = at;
	link_timer(timer);
}

/* Callbacks of hard timers run with interrupts off. */
static enum hrtimer_restart call(struct hrtimer *timer)
{
	enum hrtimer_restart result;

	shim_irqs_off++;
	result = timer->function(timer);
	shim_irqs_off--;
	return result;
}

int hrtimer_cancel(struct hrtimer *timer)
{
	int active = timer->queued;

	if (!active)
		return 0;
	unlink_timer(timer);
	if (!shim_fire_at_cancel || timer->expires > shim_now)
		return 1;
	/* The callback runs first; a timer that it restarts is cancelled then. */
	return call(timer) == HRTIMER_RESTART;
}

void shim_begin(struct hrtimer *timer)
{
	assert(call(timer) == HRTIMER_NORESTART);
	timer->running = 1;
}

int hrtimer_callback_running(struct hrtimer *timer)
{
	if (!timer->running)
		return 0;
	timer->running = 0;
	unlink_timer(timer);
	return 1;
}

u64 hrtimer_forward(struct hrtimer *timer, ktime_t now, ktime_t interval)
{
	u64 overruns;

	assert(interval > 0);
	if (now < timer->expires)
		return 0;
	overruns = (u64)((now - timer->expires) / interval) + 1;
	timer->expires += (s64)overruns * interval;
	return overruns;
}

void shim_advance(u64 ns)
{
	ktime_t end = shim_now + (s64)ns;

	while (queue && queue->expires <= end) {
		struct hrtimer *timer = queue;

		if (timer->expires > shim_now)
			shim_now = timer->expires;
		unlink_timer(timer);
		if (call(timer) == HRTIMER_RESTART)
			link_timer(timer);
	}
	/* A timer's function may take time itself. */
	if (shim_now < end)
		shim_now = end;
}

ktime_t shim_next_expiry(void)
{
	assert(queue);
	return queue->expires;
}

unsigned int shim_timers_armed(void)
{
	unsigned int n = 0;

	for (const struct hrtimer *t = queue; t; t = t->next)
		n++;
	return n;
}
