// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of asking the host's CPU about a value of an MSR (kernel/host/try_msr.h). The MSR is the
 * test's own: IA32_SPEC_CTRL of CPUs with different bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/kernel.h>

#include "host/try_msr.h"

#define SPEC_CTRL 0x48
#define IBRS 1ull
#define STIBP 2ull
#define SSBD 4ull
#define PSFD BIT_ULL(7)

static u64 known;
static u64 value;
static bool exists;

int shim_rdmsr(u32 index, u64 *data)
{
	assert_int_equal(index, SPEC_CTRL);
	assert_true(irqs_disabled());
	*data = value;
	return exists ? 0 : -EIO;
}

int shim_wrmsr(u32 index, u64 data)
{
	assert_int_equal(index, SPEC_CTRL);
	assert_true(irqs_disabled());
	if (!exists || data & ~known)
		return -EIO;
	value = data;
	return 0;
}

static void expect(u64 data, bool accepts)
{
	u64 before = value;

	assert_int_equal(host_accepts_msr(SPEC_CTRL, data), accepts);
	assert_int_equal(value, before);
	assert_false(irqs_disabled());
}

/* Every bit that the guest can set by itself is one that userspace can restore. */
static void test_what_the_cpu_knows(void **state)
{
	(void)state;
	exists = true;
	value = IBRS;
	known = IBRS | STIBP | SSBD | PSFD;
	expect(0, true);
	expect(PSFD, true);
	expect(known, true);
	expect(BIT_ULL(3), false);
	known &= ~PSFD;
	expect(PSFD, false);
	expect(SSBD | PSFD, false);
	expect(SSBD, true);
}

static void test_no_such_msr(void **state)
{
	(void)state;
	exists = false;
	expect(0, false);
	expect(IBRS, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_cpu_knows),
		cmocka_unit_test(test_no_such_msr),
	};

	return cmocka_run_group_tests_name("try_msr", tests, NULL, NULL);
}
