// SPDX-License-Identifier: GPL-2.0-only
/* A guest's memory: parsing of sizes, bounds around the PCI hole, sizes that are refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/layout.h"
#include "base/memory.h"

static struct guest_memory memory;

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
	} good[] = { { "512", 512ULL << 20 }, { "512M", 512ULL << 20 }, { "2g", 2ULL << 30 },
		     { "1T", 1ULL << 40 },    { "2048K", 2ULL << 20 },	{ "0", 0 } };
	static const char *const bad[] = { "",
					   "M",
					   "-1",
					   "+5",
					   " 5",
					   "5MB",
					   "5X",
					   "1.5G",
					   "0x10",
					   "99999999999999999999",
					   "17592186044416M",
					   "16777216T" };
	uint64_t size;

	(void)state;
	for (unsigned int i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(memory_parse_size(good[i].text, &size));
		assert_int_equal(size, good[i].size);
	}
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(memory_parse_size(bad[i], &size));
}

static void test_huge_page_names(void **state)
{
	enum huge_pages huge;

	(void)state;
	assert_true(memory_parse_huge_pages("none", &huge));
	assert_int_equal(huge, HUGE_PAGES_NONE);
	assert_true(memory_parse_huge_pages("1g", &huge));
	assert_int_equal(huge, HUGE_PAGES_1G);
	assert_false(memory_parse_huge_pages("4M", &huge));
	assert_false(memory_parse_huge_pages("", &huge));
}

static void test_bounds(void **state)
{
	(void)state;
	assert_int_equal(memory_create(&memory, 64 << 20, HUGE_PAGES_NONE), 0);
	assert_ptr_equal(memory_hva(&memory, 0, 64 << 20), memory.hva);
	assert_non_null(memory_hva(&memory, (64 << 20) - 1, 1));
	assert_null(memory_hva(&memory, (64 << 20) - 1, 2));
	assert_null(memory_hva(&memory, 64 << 20, 0));
	assert_null(memory_hva(&memory, 0, (64 << 20) + 1));
	assert_null(memory_hva(&memory, 0x1000, UINT64_MAX));
	assert_null(memory_hva(&memory, UINT64_MAX, 2));
	assert_null(memory_hva(&memory, LAYOUT_4G, 1));
	memory_destroy(&memory);
}

static void test_hole(void **state)
{
	(void)state;
	assert_int_equal(memory_create(&memory, 5ULL << 30, HUGE_PAGES_NONE), 0);
	assert_ptr_equal(memory_hva(&memory, LAYOUT_PCI_HOLE - 1, 1),
			 memory.hva + LAYOUT_PCI_HOLE - 1);
	assert_null(memory_hva(&memory, LAYOUT_PCI_HOLE - 1, 2));
	assert_null(memory_hva(&memory, LAYOUT_PCI_HOLE, 1));
	assert_null(memory_hva(&memory, LAYOUT_4G - 1, 1));
	assert_ptr_equal(memory_hva(&memory, LAYOUT_4G, 2ULL << 30), memory.hva + LAYOUT_PCI_HOLE);
	assert_null(memory_hva(&memory, LAYOUT_4G, (2ULL << 30) + 1));
	/* A large leaf needs the same alignment in both address spaces. */
	assert_int_equal((uintptr_t)memory.hva % 4096, 0);
	memory_destroy(&memory);
	assert_int_equal(memory_create(&memory, 64 << 20, HUGE_PAGES_THP), 0);
	assert_int_equal((uintptr_t)memory.hva % 0x200000, 0);
	memory_destroy(&memory);
}

static void test_map(void **state)
{
	struct memory_region map[MEMORY_MAP_MAX];
	unsigned int count;

	(void)state;
	assert_int_equal(memory_create(&memory, 2 << 20, HUGE_PAGES_NONE), 0);
	count = memory_map(&memory, map);
	assert_int_equal(count, 3);
	for (unsigned int i = 1; i < count; i++)
		assert_int_equal(map[i].gpa, map[i - 1].gpa + map[i - 1].size);
	assert_int_equal(map[2].gpa + map[2].size, 2 << 20);
	memory_destroy(&memory);
}

static void test_refused_sizes(void **state)
{
	static const uint64_t bad[] = {
		0, 4096, 1 << 20, (2 << 20) + 1, (1ULL << 40) + 4096, UINT64_MAX
	};
	FILE *null = fopen("/dev/null", "w");

	(void)state;
	diag_set_stream(null);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(memory_create(&memory, bad[i], HUGE_PAGES_NONE), -1);
	assert_int_equal(memory_create(&memory, 3 << 20, HUGE_PAGES_2M), -1);
	assert_int_equal(memory_create(&memory, 512 << 20, HUGE_PAGES_1G), -1);
	diag_set_stream(NULL);
	fclose(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),  cmocka_unit_test(test_huge_page_names),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_hole),
		cmocka_unit_test(test_map),    cmocka_unit_test(test_refused_sizes),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
