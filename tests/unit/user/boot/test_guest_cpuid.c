// SPDX-License-Identifier: GPL-2.0-only
/* CPUID as a guest sees it: the changes that the launcher makes for each vCPU. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "boot/guest_cpuid.h"

static struct kvm_cpuid2 *cpuid;

static const struct kvm_cpuid_entry2 given[] = {
	{ .function = 0, .eax = 0xd, .ebx = 0x68747541 },
	{ .function = 1, .ebx = 0x11223344, .ecx = 1, .edx = 1U << 12 },
	{ .function = 4, .index = 0, .eax = 0xffffc121 },
	{ .function = 4, .index = 3, .eax = 0xffffc163 },
	{ .function = 4, .index = 4 },
	{ .function = 0xb, .index = 0, .ecx = 0x55, .edx = 0x66 },
	{ .function = 0x40000001, .eax = 0x1234 },
	{ .function = 0x80000001, .ecx = 0x4 },
	{ .function = 0x80000008, .eax = 0x3028, .ecx = 0xffffffff },
	{ .function = 0x8000001e, .eax = 9, .ebx = 9, .ecx = 9 },
};

#define COUNT (sizeof(given) / sizeof(given[0]))

static int setup(void **state)
{
	(void)state;
	cpuid = calloc(1, sizeof(*cpuid) + sizeof(given) + GUEST_CPUID_EXTRA * sizeof(given[0]));
	cpuid->nent = COUNT;
	memcpy(cpuid->entries, given, sizeof(given));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(cpuid);
	return 0;
}

static const struct kvm_cpuid_entry2 *find(uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function == function && cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	}
	fail_msg("no leaf %#x.%u", function, index);
	return NULL;
}

static void test_one_cpu(void **state)
{
	(void)state;
	guest_cpuid_adapt(cpuid, 0, 1, false);
	assert_int_equal(find(1, 0)->ebx, 0x00013344);
	assert_int_equal(find(1, 0)->ecx, 0x80000001);
	assert_int_equal(find(1, 0)->edx, 1U << 12);
	assert_int_equal(find(0x80000001, 0)->ecx, 0x4);
	assert_int_equal(find(0x80000008, 0)->ecx, 0xffff0f00);
	assert_int_equal(find(0, 0)->ebx, 0x68747541);
	assert_int_equal(find(0x40000001, 0)->eax, 0x1234);
	assert_true(guest_cpuid_has_mtrr(cpuid));
}

static void test_third_of_three_cpus(void **state)
{
	(void)state;
	/* Adapting for a second vCPU must not add to the changes for the first. */
	guest_cpuid_adapt(cpuid, 0, 3, true);
	guest_cpuid_adapt(cpuid, 2, 3, true);
	assert_int_equal(find(1, 0)->ebx, 0x02043344);
	assert_int_equal(find(1, 0)->ecx, 0x81000001);
	assert_int_equal(find(1, 0)->edx, 1U << 28 | 1U << 12);
	assert_int_equal(find(4, 0)->eax, 0x0c000121);
	assert_int_equal(find(4, 3)->eax, 0x0c00c163);
	assert_int_equal(find(4, 4)->eax, 0);
	assert_int_equal(find(0x80000001, 0)->ecx, 0x6);
	assert_int_equal(find(0x80000008, 0)->ecx, 0xffff2f02);
	assert_int_equal(find(0x8000001e, 0)->eax, 2);
	assert_int_equal(find(0x8000001e, 0)->ebx, 2);
	assert_int_equal(find(0x8000001e, 0)->ecx, 0);
}

static void test_topology_levels(void **state)
{
	(void)state;
	guest_cpuid_adapt(cpuid, 1, 3, false);
	assert_int_equal(cpuid->nent, COUNT + GUEST_CPUID_EXTRA);
	assert_int_equal(find(0xb, 0)->eax, 0);
	assert_int_equal(find(0xb, 0)->ebx, 1);
	assert_int_equal(find(0xb, 0)->ecx, 0x100);
	assert_int_equal(find(0xb, 1)->eax, 2);
	assert_int_equal(find(0xb, 1)->ebx, 3);
	assert_int_equal(find(0xb, 1)->ecx, 0x201);
	assert_int_equal(find(0xb, 2)->ecx, 2);
	for (uint32_t i = 0; i <= GUEST_CPUID_EXTRA; i++)
		assert_int_equal(find(0xb, i)->edx, 1);
	guest_cpuid_adapt(cpuid, 2, 3, false);
	assert_int_equal(cpuid->nent, COUNT + GUEST_CPUID_EXTRA);
}

static void test_no_topology_leaf(void **state)
{
	(void)state;
	cpuid->entries[5].function = 0xa;
	guest_cpuid_adapt(cpuid, 0, 254, false);
	assert_int_equal(cpuid->nent, COUNT);
	assert_int_equal(find(1, 0)->ebx, 0x00ff3344);
	assert_int_equal(find(0x80000008, 0)->ecx & 0xf0ff, 0x80fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_cpu, setup, teardown),
		cmocka_unit_test_setup_teardown(test_third_of_three_cpus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_topology_levels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_topology_leaf, setup, teardown),
	};

	return cmocka_run_group_tests_name("guest_cpuid", tests, NULL, NULL);
}
