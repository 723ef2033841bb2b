// SPDX-License-Identifier: GPL-2.0-only
/* Tests of the arithmetic of guest time, against exact 128-bit computation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/limits.h>

#include "x86/clock_scale.h"

/* Frequencies in kHz from absurdly slow to the largest that fits, with odd ones. */
static const u32 frequencies[] = {
	1,	 2,	  999,	    1000,      32768,	    500000,  999999,  1000000,
	1000001, 1999999, 2000000,  2000001,   2596122,	    2599998, 3500000, 4000000,
	4000001, 5799999, 15999999, 100000001, U32_MAX - 1, U32_MAX,
};

static const u64 ticks[] = { 0, 1, 2, 999, 1000000, 2596122000, 1ULL << 40, (1ULL << 50) + 12345 };

static unsigned __int128 exact_ns(u32 khz, u64 t)
{
	return (unsigned __int128)t * 1000000 / khz;
}

static void test_scale_shape(void **state __maybe_unused)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(frequencies); i++) {
		struct tsc_scale s = tsc_scale_from_khz(frequencies[i]);

		/* With the top bit set no precision is lost. */
		assert_true(s.mul & BIT(31));
		assert_in_range(s.shift + 32, 0, 64);
	}
}

static void test_scale_known(void **state __maybe_unused)
{
	struct tsc_scale s = tsc_scale_from_khz(1000000);

	/* 1 GHz: ns = (ticks << 1) / 2 */
	assert_int_equal(s.shift, 1);
	assert_int_equal(s.mul, 0x80000000);
	s = tsc_scale_from_khz(2000000);
	assert_int_equal(s.shift, 0);
	assert_int_equal(s.mul, 0x80000000);
	s = tsc_scale_from_khz(4000000);
	assert_int_equal(s.shift, -1);
	assert_int_equal(s.mul, 0x80000000);
}

/*
 * The multiplier is rounded down in the last of its 32 bits, and a shift to the right loses bits.
 */
static void test_scale_error(void **state __maybe_unused)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(frequencies); i++) {
		u32 khz = frequencies[i];
		struct tsc_scale s = tsc_scale_from_khz(khz);

		for (j = 0; j < ARRAY_SIZE(ticks); j++) {
			unsigned __int128 exact = exact_ns(khz, ticks[j]);
			u64 got;

			/* pvclock shifts 64 bits */
			if (s.shift > 0 && ticks[j] >> (64 - s.shift))
				continue;
			got = tsc_scale_ns(s, ticks[j]);
			assert_true(got <= exact);
			assert_true(exact - got <= (exact >> 31) + 2);
		}
	}
}

static void test_scale_monotonic(void **state __maybe_unused)
{
	struct tsc_scale s = tsc_scale_from_khz(2596122);
	u64 last = 0;
	u64 t;

	for (t = 0; t < 100000; t++) {
		u64 now = tsc_scale_ns(s, t);

		assert_true(now >= last);
		last = now;
	}
}

static void test_ticks_to_ns(void **state __maybe_unused)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(frequencies); i++) {
		for (j = 0; j < ARRAY_SIZE(ticks); j++) {
			u32 khz = frequencies[i];
			unsigned __int128 up =
				((unsigned __int128)ticks[j] * 1000000 + khz - 1) / khz;
			u64 want = up > S64_MAX ? S64_MAX : up;

			assert_true(tsc_ticks_to_ns(khz, ticks[j]) == want);
		}
	}
}

static void test_ticks_to_ns_saturates(void **state __maybe_unused)
{
	assert_true(tsc_ticks_to_ns(1, ~0ULL) == S64_MAX);
	assert_true(tsc_ticks_to_ns(1000000, ~0ULL) == S64_MAX);
	assert_true(tsc_ticks_to_ns(2000000, ~0ULL) == S64_MAX);
	assert_true(tsc_ticks_to_ns(4000000, ~0ULL) < S64_MAX);
}

static void test_ns_to_ticks(void **state __maybe_unused)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(frequencies); i++)
		for (j = 0; j < ARRAY_SIZE(ticks); j++)
			assert_true(tsc_ns_to_ticks(frequencies[i], ticks[j]) ==
				    (u64)((unsigned __int128)ticks[j] * frequencies[i] / 1000000));
}

static void test_write_matches(void **state __maybe_unused)
{
	const u32 khz = 2000000;
	const u64 second = khz * 1000ULL;
	const u64 ms = 1000000;

	/* The same value is written a moment later. */
	assert_true(tsc_write_matches(khz, 0, 5 * ms, 0));
	assert_true(tsc_write_matches(khz, 1000 * second, 5 * ms, 1000 * second));
	/* 10 s later, the other TSC's value matches, and those within a second of it. */
	assert_true(tsc_write_matches(khz, 0, 10000 * ms, 10 * second));
	assert_true(tsc_write_matches(khz, 0, 10000 * ms, 11 * second - 1));
	assert_true(tsc_write_matches(khz, 0, 10000 * ms, 9 * second + 1));
	assert_false(tsc_write_matches(khz, 0, 10000 * ms, 11 * second));
	assert_false(tsc_write_matches(khz, 0, 10000 * ms, 9 * second));
	assert_false(tsc_write_matches(khz, 0, 10000 * ms, 0));
	/* Both values may lie around the wrap. */
	assert_true(tsc_write_matches(khz, -100ULL, 0, 100));
	assert_true(tsc_write_matches(khz, 100, 0, -100ULL));
}

static void test_tolerance(void **state __maybe_unused)
{
	assert_true(tsc_khz_tolerated(2000000, 2000000));
	assert_true(tsc_khz_tolerated(2000000, 2000500));
	assert_true(tsc_khz_tolerated(2000000, 1999500));
	assert_false(tsc_khz_tolerated(2000000, 2000501));
	assert_false(tsc_khz_tolerated(2000000, 1999499));
	assert_false(tsc_khz_tolerated(2000000, 0));
	assert_false(tsc_khz_tolerated(2000000, U32_MAX));
	assert_true(tsc_khz_tolerated(U32_MAX, U32_MAX));
}

/* Read a clock between two readings of the TSC, @width ticks apart from @before on. */
static bool reading(struct tsc_bracket *bracket, u64 before, u64 width)
{
	return tsc_bracket_narrows(bracket, before, before + width);
}

static void test_bracket(void **state __maybe_unused)
{
	struct tsc_bracket bracket = { 0 };
	const u32 khz = 1000000;

	/* The CPU was stopped for 15 ms in between, so another reading is needed. */
	assert_true(reading(&bracket, 1000000, 15000000));
	assert_int_equal(bracket.tsc, 8500000);
	assert_false(tsc_bracket_done(&bracket, khz));
	assert_false(reading(&bracket, 20000000, 15000000));
	assert_int_equal(bracket.tsc, 8500000);
	assert_true(reading(&bracket, 50000000, 20001));
	assert_false(tsc_bracket_done(&bracket, khz));
	/* This is as close as clocks are. */
	assert_true(reading(&bracket, 60000000, 20000));
	assert_int_equal(bracket.tsc, 60010000);
	assert_true(tsc_bracket_done(&bracket, khz));
	/* The limit is in ticks of this TSC. */
	assert_false(tsc_bracket_done(&bracket, khz - 1));
}

/* The tries are limited if a clock takes long to read. */
static void test_bracket_is_bounded(void **state __maybe_unused)
{
	struct tsc_bracket bracket = { 0 };
	u64 before = (u64)-50000000, width = 900000;
	int i;

	for (i = 1; i <= 100; i++, before += width + 100) {
		reading(&bracket, before, i == 3 ? width / 2 : width);
		if (tsc_bracket_done(&bracket, 1000000))
			break;
	}
	assert_in_range(i, 4, 16);
	assert_int_equal(bracket.width, width / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scale_shape),
		cmocka_unit_test(test_scale_known),
		cmocka_unit_test(test_scale_error),
		cmocka_unit_test(test_scale_monotonic),
		cmocka_unit_test(test_ticks_to_ns),
		cmocka_unit_test(test_ticks_to_ns_saturates),
		cmocka_unit_test(test_ns_to_ticks),
		cmocka_unit_test(test_write_matches),
		cmocka_unit_test(test_tolerance),
		cmocka_unit_test(test_bracket),
		cmocka_unit_test(test_bracket_is_bounded),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
