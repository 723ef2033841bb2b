// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of RDMSR and WRMSR by rows (kernel/guest/msr.c), over a table of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <linux/kernel.h>
#include <linux/string.h>

#include "core/vcpu.h"
#include "guest/cpuid_table.h"
#include "guest/msr.h"
#include "guest/msr_table.h"

#define PLAIN 0x1fc
#define VALID 0x277
#define RUN 0x200
#define RUN_LENGTH (2 * MSR_MTRR_VARIABLE)
#define CALLS 0x800
#define CALLS_LENGTH 256
#define READ_ONLY 0xfe
#define WRITE_ONLY 0x49
#define FEATURE 0x345
#define FACT_INVALID 0xc0000103
#define FACT_UNKNOWN 0x3b
#define FACT_LIST 0x48
#define PV 0x4b564d03
#define PV_BIT BIT(5)

static struct vcpu vcpu;
static struct cpuid_facts host_facts;
static u64 written;

const struct cpuid_facts *cpuid_host_facts(void)
{
	return &host_facts;
}

static bool is_even(struct vcpu *v, u32 index, u64 data)
{
	assert_ptr_equal(v, &vcpu);
	assert_int_equal(index, VALID);
	return !(data & 1);
}

static int read_number(struct vcpu *v, u32 index, bool host, u64 *data)
{
	*data = index + (host ? 1000000 : 0);
	return v == &vcpu ? 0 : MSR_INVALID;
}

static int write_number(struct vcpu *v, u32 index, bool host, u64 data)
{
	written = data + index + (host ? 1000000 : 0);
	return v == &vcpu ? 0 : MSR_INVALID;
}

static bool feature_there;

static int read_feature(u64 *data)
{
	*data = 7;
	return feature_there ? 0 : MSR_UNKNOWN;
}

#define AT(member) .offset = offsetof(struct vcpu, member)
#define FACT(name) .fact = offsetof(struct cpuid_facts, name)

const struct msr_row msr_rows[] = {
	{ .count = 0 },
	{ PLAIN, 1, AT(msrs.power_ctl), .reserved = ~0xffull, .listed = MSR_LISTED },
	{ VALID, 1, AT(msrs.hwcr), .valid = is_even },
	{ RUN, RUN_LENGTH, AT(msrs.mtrr_variable) },
	{ CALLS, CALLS_LENGTH, .read = read_number, .write = write_number, .reserved = BIT(31) },
	{ READ_ONLY, 1, .read = read_number },
	{ WRITE_ONLY, 1, .write = write_number, FACT(pred_cmd), .without = MSR_INVALID },
	{ FEATURE, 1, .feature = read_feature },
	{ FACT_INVALID, 1, AT(msrs.tsc_aux), FACT(tsc_aux), .without = MSR_INVALID,
	  .listed = MSR_LISTED_IF_HOST },
	{ FACT_UNKNOWN, 1, AT(clock.tsc_adjust), FACT(tsc_adjust), .without = MSR_UNKNOWN },
	{ FACT_LIST, 1, AT(msrs.de_cfg), FACT(spec_ctrl), .listed = MSR_LISTED_IF_HOST },
	{ PV, 1, AT(steal_time.msr), .pv = PV_BIT, .without = MSR_INVALID,
	  .listed = MSR_LISTED_IF_HOST },
	/* All numbers but those above share the rest of the places. */
	{ 0xc0010000, 200, .read = read_number },
};

const u32 msr_row_count = ARRAY_SIZE(msr_rows);

static int setup(void **state __maybe_unused)
{
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&host_facts, 0, sizeof(host_facts));
	written = 0;
	msr_setup();
	return 0;
}

static const struct msr_row *row_of(u32 index)
{
	u32 i;

	for (i = 0; i < msr_row_count; i++)
		if (index - msr_rows[i].first < msr_rows[i].count)
			return &msr_rows[i];
	return NULL;
}

static void check_numbers(u32 first, u32 count)
{
	u32 index;
	u64 data;

	for (index = first; index != first + count; index++) {
		const struct msr_row *row = row_of(index);
		bool readable = row && (row->read || row->offset);

		assert_int_equal(msr_read(&vcpu, index, true, &data), readable ? 0 : MSR_UNKNOWN);
		if (!row)
			assert_int_equal(msr_write(&vcpu, index, true, 0), MSR_UNKNOWN);
	}
}

static void test_every_number_has_its_row(void **state __maybe_unused)
{
	check_numbers(0, 0x2000);
	check_numbers(0x4b564d00 - 0x100, 0x200);
	check_numbers(0xc0000000, 0x2000);
	check_numbers(0xc0010000, 0x2000);
	check_numbers(0xfffff000, 0x1000);
}

static void test_kept(void **state __maybe_unused)
{
	u64 data;

	assert_int_equal(msr_write(&vcpu, PLAIN, false, 0x55), 0);
	assert_int_equal(vcpu.msrs.power_ctl, 0x55);
	assert_int_equal(msr_write(&vcpu, PLAIN, false, 0x100), MSR_INVALID);
	assert_int_equal(msr_write(&vcpu, PLAIN, true, BIT_ULL(63)), MSR_INVALID);
	assert_int_equal(msr_read(&vcpu, PLAIN, false, &data), 0);
	assert_int_equal(data, 0x55);
	assert_int_equal(msr_write(&vcpu, VALID, false, 4), 0);
	assert_int_equal(msr_write(&vcpu, VALID, true, 5), MSR_INVALID);
	assert_int_equal(vcpu.msrs.hwcr, 4);
}

static void test_run(void **state __maybe_unused)
{
	u64 data;
	u32 i;

	for (i = 0; i < RUN_LENGTH; i++)
		assert_int_equal(msr_write(&vcpu, RUN + i, false, 100 + i), 0);
	for (i = 0; i < RUN_LENGTH; i++) {
		assert_int_equal(vcpu.msrs.mtrr_variable[i], 100 + i);
		assert_int_equal(msr_read(&vcpu, RUN + i, false, &data), 0);
		assert_int_equal(data, 100 + i);
	}
}

static void test_functions(void **state __maybe_unused)
{
	u64 data;

	assert_int_equal(msr_read(&vcpu, CALLS + 9, false, &data), 0);
	assert_int_equal(data, CALLS + 9);
	assert_int_equal(msr_read(&vcpu, CALLS, true, &data), 0);
	assert_int_equal(data, CALLS + 1000000);
	assert_int_equal(msr_write(&vcpu, CALLS + 255, true, 1), 0);
	assert_int_equal(written, CALLS + 255 + 1 + 1000000);
	assert_int_equal(msr_write(&vcpu, CALLS, false, BIT(31)), MSR_INVALID);
}

static void test_one_direction(void **state __maybe_unused)
{
	u64 data;

	assert_int_equal(msr_write(&vcpu, READ_ONLY, true, 0), MSR_UNKNOWN);
	assert_int_equal(msr_read(&vcpu, WRITE_ONLY, true, &data), MSR_UNKNOWN);
	/* Also without the fact. */
	assert_int_equal(msr_read(&vcpu, WRITE_ONLY, false, &data), MSR_UNKNOWN);
	assert_int_equal(msr_write(&vcpu, WRITE_ONLY, false, 1), MSR_INVALID);
	assert_int_equal(written, 0);
	assert_int_equal(msr_write(&vcpu, WRITE_ONLY, true, 1), 0);
	assert_int_equal(msr_read(&vcpu, FEATURE, true, &data), MSR_UNKNOWN);
	assert_int_equal(msr_write(&vcpu, FEATURE, true, 0), MSR_UNKNOWN);
}

static void check_access(u32 index, bool host, int result)
{
	u64 data;

	assert_int_equal(msr_read(&vcpu, index, host, &data), result);
	assert_int_equal(msr_write(&vcpu, index, host, 0), result);
}

static void test_facts(void **state __maybe_unused)
{
	check_access(FACT_INVALID, false, MSR_INVALID);
	check_access(FACT_INVALID, true, 0);
	check_access(FACT_UNKNOWN, false, MSR_UNKNOWN);
	check_access(FACT_UNKNOWN, true, 0);
	check_access(FACT_LIST, false, 0);
	vcpu.cpuid.facts.tsc_aux = true;
	vcpu.cpuid.facts.tsc_adjust = true;
	check_access(FACT_INVALID, false, 0);
	check_access(FACT_UNKNOWN, false, 0);
}

static void test_pv_features(void **state __maybe_unused)
{
	check_access(PV, false, 0);
	vcpu.pv_enforced = true;
	check_access(PV, false, MSR_INVALID);
	check_access(PV, true, MSR_INVALID);
	vcpu.cpuid.facts.pv_features = PV_BIT;
	check_access(PV, false, 0);
	check_access(PV, true, 0);
}

static void test_lists(void **state __maybe_unused)
{
	u32 list[MSR_LIST_MAX];
	u64 data;

	assert_int_equal(msr_list(list, false), 1);
	assert_int_equal(list[0], PLAIN);
	host_facts.spec_ctrl = true;
	host_facts.tsc_aux = true;
	host_facts.pv_features = PV_BIT;
	assert_int_equal(msr_list(list, false), 4);
	assert_int_equal(list[1], FACT_INVALID);
	assert_int_equal(list[2], FACT_LIST);
	assert_int_equal(list[3], PV);

	feature_there = false;
	assert_int_equal(msr_list(list, true), 0);
	assert_int_equal(msr_read_feature(FEATURE, &data), MSR_UNKNOWN);
	feature_there = true;
	assert_int_equal(msr_list(list, true), 1);
	assert_int_equal(list[0], FEATURE);
	assert_int_equal(msr_read_feature(FEATURE, &data), 0);
	assert_int_equal(data, 7);
	assert_int_equal(msr_read_feature(PLAIN, &data), MSR_UNKNOWN);
	assert_int_equal(msr_read_feature(0x1234, &data), MSR_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_number_has_its_row, setup),
		cmocka_unit_test_setup(test_kept, setup),
		cmocka_unit_test_setup(test_run, setup),
		cmocka_unit_test_setup(test_functions, setup),
		cmocka_unit_test_setup(test_one_direction, setup),
		cmocka_unit_test_setup(test_facts, setup),
		cmocka_unit_test_setup(test_pv_features, setup),
		cmocka_unit_test_setup(test_lists, setup),
	};

	return cmocka_run_group_tests_name("msr", tests, NULL, NULL);
}
