// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC timer: one-shot, periodic and TSC-deadline (SDM 3A 11.5.4), over an hrtimer. The bus
 * clock it counts is 1 GHz, so a tick takes as many nanoseconds as the divisor says. A CPU that
 * can count to a deadline while the guest runs does so, and the hrtimer serves only a vCPU that
 * sleeps.
 *
 * There is no lock: the vCPU's thread cancels the hrtimer before it changes anything that the
 * callback reads.
 */
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/processor.h>

#include "irq/fabric.h"
#include "irq/lapic.h"
#include "irq/lapic_regs.h"

/* Allow 5000 periods per second, or a guest could keep a host's CPU in this interrupt. */
#define LAPIC_MIN_PERIOD_NS (200 * NSEC_PER_USEC)

/* LVT Timer bits 18:17 (SDM 3A 11.5.4): count down once, count down and reload, TSC deadline. */
enum lapic_timer_mode {
	LAPIC_TIMER_ONESHOT,
	LAPIC_TIMER_PERIODIC,
	LAPIC_TIMER_DEADLINE,
};

static enum lapic_timer_mode lapic_timer_mode(const struct lapic *lapic)
{
	u32 lvt = lapic_get_reg(lapic, LAPIC_LVT_TIMER);

	return (lvt & LAPIC_LVT_TIMER_MODE) >> LAPIC_LVT_TIMER_MODE_SHIFT;
}

static u64 lapic_timer_period(const struct lapic *lapic)
{
	return max_t(u64, lapic->timer.period, LAPIC_MIN_PERIOD_NS);
}

static enum hrtimer_restart lapic_timer_expired(struct hrtimer *hrtimer)
{
	struct lapic *lapic = container_of(hrtimer, struct lapic, timer.hrtimer);
	enum lapic_timer_mode mode = lapic_timer_mode(lapic);

	WRITE_ONCE(lapic->timer.deadline, 0);
	lapic_deliver_lvt(lapic, LAPIC_LVT_TIMER);
	if (mode != LAPIC_TIMER_PERIODIC)
		return HRTIMER_NORESTART;
	hrtimer_forward(hrtimer, ktime_get(), ns_to_ktime(lapic_timer_period(lapic)));
	WRITE_ONCE(lapic->timer.expires, hrtimer_get_expires(hrtimer));
	return HRTIMER_RESTART;
}

void lapic_timer_init(struct lapic *lapic)
{
	hrtimer_init(&lapic->timer.hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	lapic->timer.hrtimer.function = lapic_timer_expired;
}

void lapic_timer_stop(struct lapic *lapic)
{
	hrtimer_cancel(&lapic->timer.hrtimer);
	lapic->timer.deadline = 0;
	lapic->timer.held = false;
	lapic->timer.period = 0;
}

static void lapic_timer_arm(struct lapic *lapic, ktime_t expires)
{
	WRITE_ONCE(lapic->timer.expires, expires);
	hrtimer_start(&lapic->timer.hrtimer, expires, HRTIMER_MODE_ABS_PINNED_HARD);
}

/* Count down from @count; a periodic timer then reloads the initial count. */
static void lapic_timer_run(struct lapic *lapic, u32 count)
{
	u64 initial = lapic_get_reg(lapic, LAPIC_TMICT);
	u64 first = (u64)count * lapic->timer.divide;

	lapic->timer.period = initial * lapic->timer.divide;
	if (lapic_timer_mode(lapic) == LAPIC_TIMER_PERIODIC && count == initial)
		first = lapic_timer_period(lapic);
	lapic_timer_arm(lapic, ktime_add_ns(ktime_get(), first));
}

u32 lapic_timer_count(struct lapic *lapic)
{
	s64 left;

	/* A callback that still runs on another CPU may have raised the interrupt already. */
	while (hrtimer_callback_running(&lapic->timer.hrtimer))
		cpu_relax();
	left = ktime_to_ns(ktime_sub(READ_ONCE(lapic->timer.expires), ktime_get()));
	if (lapic_timer_mode(lapic) == LAPIC_TIMER_DEADLINE || !lapic->timer.period ||
	    !hrtimer_active(&lapic->timer.hrtimer))
		return 0;
	/* The count must not be 0 before the interrupt is there, even if the time is over. */
	left = clamp_t(s64, left, 1, lapic->timer.period);
	return DIV_ROUND_UP((u64)left, lapic->timer.divide);
}

void lapic_timer_write_initial(struct lapic *lapic, u32 count)
{
	if (lapic_timer_mode(lapic) == LAPIC_TIMER_DEADLINE)
		return;
	lapic_timer_stop(lapic);
	lapic_set_reg(lapic, LAPIC_TMICT, count);
	if (count)
		lapic_timer_run(lapic, count);
}

void lapic_timer_write_divide(struct lapic *lapic, u32 divide)
{
	u32 count = lapic_timer_count(lapic);
	bool running = count && hrtimer_cancel(&lapic->timer.hrtimer);
	/* Bits 3, 1 and 0 are the divisor's power of two, less one, modulo 8. */
	u32 shift = ((divide & 3) | (divide & 8) >> 1) + 1;

	lapic_set_reg(lapic, LAPIC_TDCR, divide);
	lapic->timer.divide = 1u << (shift & 7);
	if (running)
		lapic_timer_run(lapic, count);
}

void lapic_timer_write_lvt(struct lapic *lapic, u32 lvt)
{
	u32 old = lapic_get_reg(lapic, LAPIC_LVT_TIMER);
	u32 deadline = (u32)LAPIC_TIMER_DEADLINE << LAPIC_LVT_TIMER_MODE_SHIFT;

	/* A change to TSC-deadline mode or from it disarms the timer (SDM 3A 11.5.4.1). */
	if ((old ^ lvt) & deadline) {
		lapic_timer_stop(lapic);
		lapic_set_reg(lapic, LAPIC_TMICT, 0);
	}
	lapic_set_reg(lapic, LAPIC_LVT_TIMER, lvt);
}

u64 lapic_get_tsc_deadline(struct lapic *lapic)
{
	return READ_ONCE(lapic->timer.deadline);
}

/* Arm the hrtimer for the deadline, or raise the interrupt if the deadline has passed. */
static void lapic_arm_deadline(struct lapic *lapic)
{
	const struct fabric_ops *ops = lapic->fabric->ops;
	u64 deadline = lapic->timer.deadline;
	ktime_t now;
	u64 tsc, ns;

	/* Read the TSC first: a delay between the two makes the timer late, never early. */
	tsc = ops->guest_tsc(lapic->vcpu);
	now = ktime_get();
	if (deadline <= tsc) {
		lapic->timer.deadline = 0;
		lapic_deliver_lvt(lapic, LAPIC_LVT_TIMER);
		return;
	}
	ns = ops->tsc_to_ns(lapic->vcpu, deadline - tsc);
	lapic_timer_arm(lapic, ns > (u64)(KTIME_MAX - now) ? KTIME_MAX : ktime_add_ns(now, ns));
}

void lapic_set_tsc_deadline(struct lapic *lapic, u64 deadline)
{
	const struct fabric_ops *ops = lapic->fabric->ops;

	if (!lapic_enabled(lapic) || lapic_timer_mode(lapic) != LAPIC_TIMER_DEADLINE)
		return;
	lapic_timer_stop(lapic);
	if (!deadline)
		return;
	lapic->timer.deadline = deadline;
	/* A deadline that has passed fires at once, without an entry. */
	lapic->timer.held = ops->counts_deadline && ops->counts_deadline(lapic->vcpu) &&
			    deadline > ops->guest_tsc(lapic->vcpu);
	if (!lapic->timer.held)
		lapic_arm_deadline(lapic);
}

void lapic_deadline_due(struct lapic *lapic)
{
	if (!lapic->timer.held ||
	    lapic->timer.deadline > lapic->fabric->ops->guest_tsc(lapic->vcpu))
		return;
	lapic->timer.held = false;
	lapic_arm_deadline(lapic);
}

void lapic_timer_sleep(struct lapic *lapic)
{
	if (!lapic->timer.held)
		return;
	lapic->timer.held = false;
	lapic_arm_deadline(lapic);
}

void lapic_tsc_changed(struct lapic *lapic)
{
	u64 deadline;

	if (lapic_timer_mode(lapic) != LAPIC_TIMER_DEADLINE)
		return;
	/* Cancel first, or the timer might fire at the old deadline and again at the new one. */
	hrtimer_cancel(&lapic->timer.hrtimer);
	deadline = lapic_get_tsc_deadline(lapic);
	if (deadline)
		lapic_set_tsc_deadline(lapic, deadline);
}

void lapic_timer_restore(struct lapic *lapic, u32 count)
{
	u32 initial = lapic_get_reg(lapic, LAPIC_TMICT);
	u64 deadline;

	/* Cancel first, as in lapic_tsc_changed(). */
	hrtimer_cancel(&lapic->timer.hrtimer);
	deadline = lapic_get_tsc_deadline(lapic);
	lapic_timer_stop(lapic);
	lapic_timer_write_divide(lapic, lapic_get_reg(lapic, LAPIC_TDCR));
	/* A periodic count that was saved when it was 0 was about to be reloaded. */
	if (!count && lapic_timer_mode(lapic) == LAPIC_TIMER_PERIODIC)
		count = initial;
	if (lapic_timer_mode(lapic) == LAPIC_TIMER_DEADLINE)
		lapic_set_tsc_deadline(lapic, deadline);
	else if (initial && count)
		lapic_timer_run(lapic, min(count, initial));
}
