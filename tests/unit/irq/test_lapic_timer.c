// SPDX-License-Identifier: GPL-2.0-only
/* The APIC timer: one-shot, periodic, TSC-deadline, divisors, saved state. */
#include "irq_fixture.h"

#define VECTOR 0x31
#define ONESHOT (0u << 17 | VECTOR)
#define PERIODIC (1u << 17 | VECTOR)
#define DEADLINE (2u << 17 | VECTOR)
#define DIVIDE_BY_1 0xb

static struct fixture *f;
static struct lapic *lapic;

static int setup(void **state)
{
	(void)state;
	fixture_counts = false;
	f = fixture_create(1);
	lapic = f->vcpu[0].lapic;
	enable_xapic(lapic);
	xwrite(lapic, LAPIC_TDCR, DIVIDE_BY_1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_destroy(f);
	return 0;
}

/* Return true if the vector was posted since the last call. */
static bool fired(void)
{
	if (take_vector(lapic) != VECTOR)
		return false;
	eoi(lapic);
	return true;
}

static void test_oneshot(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	xwrite(lapic, LAPIC_TMICT, 1000000);
	assert_int_equal(xread(lapic, LAPIC_TMICT), 1000000);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 1000000);
	shim_advance(1);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 999999);
	shim_advance(999998);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 1);
	assert_false(fired());
	shim_advance(1);
	assert_true(fired());
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 0);
	assert_int_equal(shim_timers_armed(), 0);
	shim_advance(5000000);
	assert_false(fired());
}

/* The interrupt is taken while the callback still runs on another CPU. */
static void test_oneshot_returning(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	xwrite(lapic, LAPIC_TMICT, 1000);
	shim_begin(&lapic->timer.hrtimer);
	assert_true(fired());
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 0);
	assert_int_equal(shim_timers_armed(), 0);
}

static void test_oneshot_stopped(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	xwrite(lapic, LAPIC_TMICT, 1000);
	xwrite(lapic, LAPIC_TMICT, 0);
	assert_int_equal(shim_timers_armed(), 0);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 0);
	/* A new count starts from the beginning. */
	xwrite(lapic, LAPIC_TMICT, 1000);
	shim_advance(900);
	xwrite(lapic, LAPIC_TMICT, 1000);
	shim_advance(900);
	assert_false(fired());
	shim_advance(100);
	assert_true(fired());
}

static void test_masked(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT | 1u << 16);
	xwrite(lapic, LAPIC_TMICT, 1000);
	shim_advance(500);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 500);
	shim_advance(500);
	assert_false(fired());
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 0);
	/* The mask at the time of expiry decides. */
	xwrite(lapic, LAPIC_TMICT, 1000);
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	shim_advance(1000);
	assert_true(fired());
}

static void test_divisors(void **state)
{
	static const struct {
		u32 tdcr, divisor;
	} divisors[] = { { 0, 2 },  { 1, 4 },  { 2, 8 },    { 3, 16 },
			 { 8, 32 }, { 9, 64 }, { 10, 128 }, { 11, 1 } };

	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	for (unsigned int i = 0; i < ARRAY_SIZE(divisors); i++) {
		xwrite(lapic, LAPIC_TDCR, divisors[i].tdcr);
		assert_int_equal(xread(lapic, LAPIC_TDCR), divisors[i].tdcr);
		xwrite(lapic, LAPIC_TMICT, 100);
		shim_advance(50 * divisors[i].divisor);
		assert_int_equal(xread(lapic, LAPIC_TMCCT), 50);
		shim_advance(50 * divisors[i].divisor - 1);
		assert_false(fired());
		shim_advance(1);
		assert_true(fired());
	}
}

static void test_divisor_changed_while_counting(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	xwrite(lapic, LAPIC_TMICT, 100);
	shim_advance(40);
	xwrite(lapic, LAPIC_TDCR, 3);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 60);
	shim_advance(60 * 16 - 1);
	assert_false(fired());
	shim_advance(1);
	assert_true(fired());
}

static void test_periodic(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, PERIODIC);
	xwrite(lapic, LAPIC_TMICT, 1000000);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(xread(lapic, LAPIC_TMCCT), 1000000);
		shim_advance(600000);
		assert_int_equal(xread(lapic, LAPIC_TMCCT), 400000);
		assert_false(fired());
		shim_advance(400000);
		assert_true(fired());
	}
	/* Interrupts coalesce with one that is still pending. */
	shim_advance(3000000);
	assert_true(fired());
	assert_false(fired());
	xwrite(lapic, LAPIC_TMICT, 0);
	shim_advance(3000000);
	assert_false(fired());
}

static void test_periodic_rate_is_limited(void **state)
{
	unsigned int kicks;

	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, PERIODIC);
	xwrite(lapic, LAPIC_TMICT, 1);
	kicks = f->vcpu[0].kicks;
	for (int i = 0; i < 1000; i++) {
		shim_advance(1000);
		while (fired())
			;
	}
	assert_int_equal(f->vcpu[0].kicks - kicks, 5);
	assert_in_range(xread(lapic, LAPIC_TMCCT), 0, 1);
}

static void test_mode_changes(void **state)
{
	(void)state;
	/* Between one-shot and periodic the count goes on. */
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	xwrite(lapic, LAPIC_TMICT, 300000);
	shim_advance(100000);
	xwrite(lapic, LAPIC_LVT_TIMER, PERIODIC);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 200000);
	shim_advance(200000);
	assert_true(fired());
	shim_advance(300000);
	assert_true(fired());
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	shim_advance(300000);
	assert_true(fired());
	shim_advance(300000);
	assert_false(fired());
	/* A change to TSC-deadline mode or from it disarms the timer. */
	xwrite(lapic, LAPIC_TMICT, 300000);
	xwrite(lapic, LAPIC_LVT_TIMER, DEADLINE);
	assert_int_equal(shim_timers_armed(), 0);
	xwrite(lapic, LAPIC_TMICT, 300000);
	assert_int_equal(xread(lapic, LAPIC_TMICT), 0);
	lapic_set_tsc_deadline(lapic, fixture_tsc(NULL) + 3000);
	assert_int_equal(shim_timers_armed(), 1);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 0);
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	assert_int_equal(shim_timers_armed(), 0);
	assert_int_equal(lapic_get_tsc_deadline(lapic), 0);
}

static void test_tsc_deadline(void **state)
{
	u64 now = fixture_tsc(NULL);

	(void)state;
	/* In other modes the MSR does nothing. */
	lapic_set_tsc_deadline(lapic, now + 300);
	assert_int_equal(lapic_get_tsc_deadline(lapic), 0);
	assert_int_equal(shim_timers_armed(), 0);

	xwrite(lapic, LAPIC_LVT_TIMER, DEADLINE);
	lapic_set_tsc_deadline(lapic, now + 301);
	assert_int_equal(lapic_get_tsc_deadline(lapic), now + 301);
	shim_advance(100);
	assert_false(fired()); /* only 300 of 301 ticks have passed */
	shim_advance(1);
	assert_true(fired());
	assert_int_equal(lapic_get_tsc_deadline(lapic), 0);
	shim_advance(1000);
	assert_false(fired());
}

static void test_tsc_deadline_edges(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, DEADLINE);
	/* A deadline in the past fires at once. */
	lapic_set_tsc_deadline(lapic, 1);
	assert_true(fired());
	assert_int_equal(lapic_get_tsc_deadline(lapic), 0);
	lapic_set_tsc_deadline(lapic, fixture_tsc(NULL));
	assert_true(fired());
	/* 0 disarms. */
	lapic_set_tsc_deadline(lapic, fixture_tsc(NULL) + 300);
	lapic_set_tsc_deadline(lapic, 0);
	assert_int_equal(shim_timers_armed(), 0);
	/* A second deadline replaces the first. */
	lapic_set_tsc_deadline(lapic, fixture_tsc(NULL) + 300);
	lapic_set_tsc_deadline(lapic, fixture_tsc(NULL) + 600);
	shim_advance(150);
	assert_false(fired());
	shim_advance(50);
	assert_true(fired());
	/* The greatest deadline does not wrap round. */
	lapic_set_tsc_deadline(lapic, ~0ull);
	assert_false(fired());
	shim_advance(1000000000);
	assert_false(fired());
	lapic_set_tsc_deadline(lapic, 0);
}

static void test_tsc_changed(void **state)
{
	u64 deadline = fixture_tsc(NULL) + 3000;

	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, DEADLINE);
	lapic_tsc_changed(lapic);
	assert_int_equal(shim_timers_armed(), 0);
	lapic_set_tsc_deadline(lapic, deadline);
	lapic_tsc_changed(lapic);
	assert_int_equal(lapic_get_tsc_deadline(lapic), deadline);
	/* The guest sets its TSC forward: the deadline comes earlier. */
	fixture_tsc_offset = 1500;
	lapic_tsc_changed(lapic);
	assert_int_equal(lapic_get_tsc_deadline(lapic), deadline);
	shim_advance(499);
	assert_false(fired());
	shim_advance(1);
	assert_true(fired());
	fixture_tsc_offset = 0;
}

/* The timer fires while the guest sets its TSC back: it must not fire once more. */
static void test_tsc_changed_too_late(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, DEADLINE);
	lapic_set_tsc_deadline(lapic, fixture_tsc(NULL) + 3000);
	shim_fire_at_cancel = true;
	shim_now += 1000;
	fixture_tsc_offset -= 3000;
	lapic_tsc_changed(lapic);
	shim_fire_at_cancel = false;
	fixture_tsc_offset = 0;
	assert_true(fired());
	assert_int_equal(lapic_get_tsc_deadline(lapic), 0);
	assert_int_equal(shim_timers_armed(), 0);
}

/* A write to the TSC does not stop a timer that does not depend on the TSC. */
static void test_tsc_changed_while_counting(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	xwrite(lapic, LAPIC_TMICT, 1000);
	lapic_tsc_changed(lapic);
	shim_advance(1000);
	assert_true(fired());
}

static void test_reset_stops(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, PERIODIC);
	xwrite(lapic, LAPIC_TMICT, 1000000);
	lapic_reset(lapic, true);
	assert_int_equal(shim_timers_armed(), 0);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 0);
	xwrite(lapic, LAPIC_SVR, 0x1ff);
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	xwrite(lapic, LAPIC_TMICT, 100); /* divide by 2 after reset */
	shim_advance(199);
	assert_false(fired());
	shim_advance(1);
	assert_true(fired());
	/* Disabling the APIC stops the timer, too. */
	xwrite(lapic, LAPIC_TMICT, 100);
	lapic_set_base(lapic, 0xfee00100, false);
	assert_int_equal(shim_timers_armed(), 0);
}

static void test_destroy_armed(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, PERIODIC);
	xwrite(lapic, LAPIC_TMICT, 1000000);
	/* teardown asserts that no timer is left */
}

static void test_state_oneshot(void **state)
{
	struct kvm_lapic_state page;

	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	xwrite(lapic, LAPIC_TMICT, 1000);
	shim_advance(300);
	lapic_get_state(lapic, &page);
	shim_advance(5000);
	assert_true(fired());
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 700);
	shim_advance(699);
	assert_false(fired());
	shim_advance(1);
	assert_true(fired());
	/* A count that has ended is not started by the restored state. */
	lapic_get_state(lapic, &page);
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	assert_int_equal(shim_timers_armed(), 0);
}

static void test_state_periodic(void **state)
{
	struct kvm_lapic_state page;

	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, PERIODIC);
	xwrite(lapic, LAPIC_TMICT, 1000000);
	shim_advance(400000);
	lapic_get_state(lapic, &page);
	lapic_reset(lapic, false);
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	shim_advance(600000);
	assert_true(fired());
	shim_advance(999999);
	assert_false(fired());
	shim_advance(1);
	assert_true(fired());
}

/* A periodic count that was saved at 0, before its reload, goes on. */
static void test_state_periodic_at_0(void **state)
{
	const u32 none = 0;
	struct kvm_lapic_state page;

	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, PERIODIC);
	xwrite(lapic, LAPIC_TMICT, 1000000);
	lapic_get_state(lapic, &page);
	memcpy(page.regs + LAPIC_TMCCT, &none, sizeof(none));
	lapic_reset(lapic, false);
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	assert_int_equal(xread(lapic, LAPIC_TMCCT), 1000000);
	for (int i = 0; i < 2; i++) {
		shim_advance(999999);
		assert_false(fired());
		shim_advance(1);
		assert_true(fired());
	}
}

static void test_state_deadline(void **state)
{
	struct kvm_lapic_state page;

	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, DEADLINE);
	lapic_set_tsc_deadline(lapic, fixture_tsc(NULL) + 3000);
	lapic_get_state(lapic, &page);
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	shim_advance(1000);
	assert_true(fired());
}

/* A restored state of another timer mode disarms the deadline. */
static void test_state_ends_deadline(void **state)
{
	struct kvm_lapic_state page;

	(void)state;
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	lapic_get_state(lapic, &page);
	xwrite(lapic, LAPIC_LVT_TIMER, DEADLINE);
	lapic_set_tsc_deadline(lapic, fixture_tsc(NULL) + 3000);
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	assert_int_equal(lapic_get_tsc_deadline(lapic), 0);
	assert_int_equal(shim_timers_armed(), 0);
}

static void hold(u64 ticks)
{
	fixture_counts = true;
	xwrite(lapic, LAPIC_LVT_TIMER, DEADLINE);
	lapic_set_tsc_deadline(lapic, fixture_tsc(NULL) + ticks);
}

static void test_held(void **state)
{
	(void)state;
	hold(3000);
	assert_int_equal(shim_timers_armed(), 0);
	assert_int_equal(lapic_held_deadline(lapic), fixture_tsc(NULL) + 3000);
	assert_int_equal(lapic_get_tsc_deadline(lapic), lapic_held_deadline(lapic));
	/* The CPU's timer is coarse and may call too early: nothing fires then. */
	shim_advance(999);
	lapic_deadline_due(lapic);
	assert_false(fired());
	assert_int_not_equal(lapic_held_deadline(lapic), 0);
	shim_advance(1);
	lapic_deadline_due(lapic);
	assert_true(fired());
	assert_int_equal(lapic_held_deadline(lapic), 0);
	assert_int_equal(lapic_get_tsc_deadline(lapic), 0);
	lapic_deadline_due(lapic);
	assert_false(fired());
}

static void test_held_asleep(void **state)
{
	(void)state;
	hold(3000);
	shim_advance(400);
	lapic_timer_sleep(lapic);
	assert_int_equal(lapic_held_deadline(lapic), 0);
	assert_int_equal(shim_timers_armed(), 1);
	shim_advance(599);
	assert_false(fired());
	shim_advance(1);
	assert_true(fired());
	/* Without a held deadline, sleeping arms no timer. */
	lapic_timer_sleep(lapic);
	assert_int_equal(shim_timers_armed(), 0);
}

static void test_held_late_and_stopped(void **state)
{
	(void)state;
	hold(300);
	shim_advance(5000);
	lapic_timer_sleep(lapic);
	assert_true(fired());
	hold(300);
	lapic_set_tsc_deadline(lapic, 0);
	assert_int_equal(lapic_held_deadline(lapic), 0);
	/* Another mode disarms it; a deadline that has passed is not held. */
	hold(300);
	xwrite(lapic, LAPIC_LVT_TIMER, ONESHOT);
	assert_int_equal(lapic_held_deadline(lapic), 0);
	hold(0);
	assert_int_equal(lapic_held_deadline(lapic), 0);
	assert_true(fired());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_oneshot),
		TEST(test_oneshot_returning),
		TEST(test_oneshot_stopped),
		TEST(test_masked),
		TEST(test_divisors),
		TEST(test_divisor_changed_while_counting),
		TEST(test_periodic),
		TEST(test_periodic_rate_is_limited),
		TEST(test_mode_changes),
		TEST(test_tsc_deadline),
		TEST(test_tsc_deadline_edges),
		TEST(test_tsc_changed),
		TEST(test_tsc_changed_too_late),
		TEST(test_tsc_changed_while_counting),
		TEST(test_reset_stops),
		TEST(test_destroy_armed),
		TEST(test_state_oneshot),
		TEST(test_state_periodic),
		TEST(test_state_periodic_at_0),
		TEST(test_state_deadline),
		TEST(test_state_ends_deadline),
		TEST(test_held),
		TEST(test_held_asleep),
		TEST(test_held_late_and_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
