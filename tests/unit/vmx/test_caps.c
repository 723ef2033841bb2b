// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what VT-x says of itself where it may not be believed: the rate of the preemption timer
 * (kernel/vmx/caps.h), and the fields of an exit (kernel/vmx/vmcs.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vmx/caps.h"
#include "vmx/vmcs.h"

static void test_timer_errata(void **state)
{
	(void)state;
	/* Nehalem, Westmere; Ivy Bridge, of which one stepping; Haswell, Skylake. */
	assert_true(vmx_timer_erratum(0x106a5));
	assert_true(vmx_timer_erratum(0x206c2));
	assert_true(vmx_timer_erratum(0x306a8));
	assert_false(vmx_timer_erratum(0x306a9));
	assert_false(vmx_timer_erratum(0x306c3));
	assert_false(vmx_timer_erratum(0x506e3));
	/* Another family with such a model. */
	assert_false(vmx_timer_erratum(0x10fa5));
}

static void test_exit_has_event(void **state)
{
	(void)state;
	assert_true(vmx_exit_has_event(0));
	/* A VMfail, and an entry that failed in other ways: 33, 34 and 41. */
	assert_false(vmx_exit_has_event(0x80000000));
	assert_false(vmx_exit_has_event(0x80000021));
	assert_false(vmx_exit_has_event(0x80000029));
	/* An external interrupt, CPUID. */
	assert_false(vmx_exit_has_event(1));
	assert_false(vmx_exit_has_event(10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timer_errata),
		cmocka_unit_test(test_exit_has_event),
	};

	return cmocka_run_group_tests_name("vmx_caps", tests, NULL, NULL);
}
