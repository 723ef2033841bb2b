// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the memory types in second-level entries (kernel/vmx/ept_entry.h and
 * kernel/svm/npt_entry.h): the type that results from them and from the guest's PAT. No emulated
 * host has caches that show it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/kernel.h>

#include "svm/npt_entry.h"
#include "vmx/ept_entry.h"

/* Types of an entry of IA32_PAT (SDM 3A table 12-10). */
enum pat { UC = 0, WC = 1, WT = 4, WP = 5, WB = 6, UC_MINUS = 7 };

/* IA32_PAT as Linux sets it. */
#define LINUX_PAT 0x0407050600070106ULL

static const u64 ept_memtypes[SL_MEMTYPES] = EPT_MEMTYPES;
static const u64 npt_memtypes[SL_MEMTYPES] = NPT_MEMTYPES;

/* The effective type of an MTRR's type and of the PAT's (SDM 3A table 12-7). */
static enum pat combine(enum pat mtrr, enum pat guest)
{
	if (guest == UC || guest == WC)
		return guest;
	if (guest == UC_MINUS)
		return mtrr == WC ? WC : UC;
	return mtrr == WB ? guest : mtrr;
}

static enum pat by_ept(enum sl_memtype type, enum pat guest)
{
	enum pat mtrr = (enum pat)(ept_memtypes[type] >> EPT_MEMTYPE_SHIFT & 7);

	return ept_memtypes[type] & EPT_IGNORE_PAT ? mtrr : combine(mtrr, guest);
}

static enum pat host_pat(enum sl_memtype type)
{
	return (enum pat)(LINUX_PAT >> (npt_memtypes[type] >> 3 & 3) * 8 & 7);
}

static enum pat by_npt(enum sl_memtype type, enum pat guest)
{
	enum pat host = host_pat(type);

	return combine(host == UC_MINUS ? UC : host, guest);
}

/* A driver in the guest gets write combining, and never a cache. */
static void test_device_memory(void **state)
{
	static const enum pat cached[] = { WB, WT, WP };
	size_t i;

	(void)state;
	assert_int_equal(by_ept(SL_UC, WC), WC);
	assert_int_equal(by_ept(SL_UC, UC), UC);
	assert_int_equal(by_ept(SL_UC, UC_MINUS), UC);
	assert_int_equal(by_npt(SL_UC, WC), WC);
	assert_int_equal(by_npt(SL_UC, UC), UC);
	/* The host's own mapping of the registers is UC-. */
	assert_int_equal(host_pat(SL_UC), UC_MINUS);
	for (i = 0; i < ARRAY_SIZE(cached); i++) {
		assert_int_equal(by_ept(SL_UC, cached[i]), UC);
		assert_int_equal(by_ept(SL_WC, cached[i]), WC);
		assert_int_equal(by_npt(SL_UC, cached[i]), UC);
		assert_int_equal(by_npt(SL_WC, cached[i]), WC);
	}
	assert_int_equal(by_ept(SL_WC, UC), UC);
	assert_int_equal(by_npt(SL_WC, UC), UC);
}

static void test_memory(void **state)
{
	static const enum pat all[] = { UC, WC, WT, WP, WB, UC_MINUS };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(by_ept(SL_WB, all[i]), WB);
	assert_int_equal(by_ept(SL_GUEST, WC), WC);
	assert_int_equal(by_ept(SL_GUEST, WB), WB);
	assert_int_equal(host_pat(SL_WB), WB);
	assert_int_equal(host_pat(SL_GUEST), WB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_memory),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests_name("memtype", tests, NULL, NULL);
}
