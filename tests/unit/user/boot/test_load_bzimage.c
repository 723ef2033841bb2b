// SPDX-License-Identifier: GPL-2.0-only
/* The bzImage loader: good, truncated, oversized and hostile kernels. */
#include "loader_fixture.h"

#include <asm/bootparam.h>
#include <stdlib.h>
#include <string.h>

#include "base/layout.h"

#define SETUP_SECTS 2
#define PAYLOAD 4096
#define KERNEL_SIZE ((SETUP_SECTS + 1) * 512 + PAYLOAD)
#define PREF_ADDRESS 0x1000000
#define INIT_SIZE 0x800000
#define HEADER_AT 0x1f1

static struct fixture *f;
static uint8_t kernel[KERNEL_SIZE];

static struct setup_header *header(void)
{
	return (struct setup_header *)(kernel + HEADER_AT);
}

static void make_kernel(void)
{
	memset(kernel, 0, sizeof(kernel));
	*header() = (struct setup_header){
		.setup_sects = SETUP_SECTS,
		.syssize = PAYLOAD / 16,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb,
		.header = 0x53726448,
		.version = 0x20f,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 2047,
		.pref_address = PREF_ADDRESS,
		.init_size = INIT_SIZE,
	};
	for (unsigned int i = 0; i < PAYLOAD; i++)
		kernel[(SETUP_SECTS + 1) * 512 + i] = (uint8_t)(i * 7 + (i >> 8));
	fixture_kernel(f, kernel, sizeof(kernel));
}

static int setup(void **state)
{
	(void)state;
	f = fixture_create();
	make_kernel();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_destroy(f);
	return 0;
}

static void refuse(const char *text)
{
	fixture_kernel(f, kernel, sizeof(kernel));
	expect_refusal(f, text);
}

static const struct boot_params *zero_page(void)
{
	return memory_hva(&f->memory, f->boot.rsi, sizeof(struct boot_params));
}

static void test_good_kernel(void **state)
{
	const struct boot_params *params;

	(void)state;
	assert_int_equal(fixture_load(f), 0);
	assert_int_equal(f->boot.mode, BOOT_LONG);
	assert_int_equal(f->boot.rip, PREF_ADDRESS + 0x200);
	assert_memory_equal(memory_hva(&f->memory, PREF_ADDRESS, PAYLOAD),
			    kernel + (SETUP_SECTS + 1) * 512, PAYLOAD);
	params = zero_page();
	assert_int_equal(params->hdr.header, 0x53726448);
	assert_int_equal(params->hdr.type_of_loader, 0xff);
	assert_int_equal(params->hdr.init_size, INIT_SIZE);
	assert_int_equal(params->hdr.ramdisk_size, 0);
	assert_int_equal(params->acpi_rsdp_addr, FIXTURE_RSDP);
	assert_string_equal(memory_hva(&f->memory, params->hdr.cmd_line_ptr, 64), "console=test");
}

static void test_memory_map(void **state)
{
	const struct boot_params *params;

	(void)state;
	assert_int_equal(fixture_load(f), 0);
	params = zero_page();
	assert_int_equal(params->e820_entries, 3);
	assert_int_equal(params->e820_table[0].addr, 0);
	assert_int_equal(params->e820_table[0].size, LAYOUT_LOW_MEMORY_END);
	assert_int_equal(params->e820_table[1].type, 2);
	assert_int_equal(params->e820_table[2].addr, 0x100000);
	assert_int_equal(params->e820_table[2].size, (63 << 20));
}

static void test_memory_above_4g(void **state)
{
	const struct boot_params *params;

	(void)state;
	fixture_resize(f, 5ULL << 30);
	assert_int_equal(fixture_load(f), 0);
	params = zero_page();
	assert_int_equal(params->e820_entries, 4);
	assert_int_equal(params->e820_table[2].size, LAYOUT_PCI_HOLE - 0x100000);
	assert_int_equal(params->e820_table[3].addr, LAYOUT_4G);
	assert_int_equal(params->e820_table[3].size, (5ULL << 30) - LAYOUT_PCI_HOLE);
}

/* The page tables map every address below 4 GiB to itself. */
static void test_page_tables(void **state)
{
	const uint64_t *pml4, *pdpt, *directory;

	(void)state;
	assert_int_equal(fixture_load(f), 0);
	pml4 = memory_hva(&f->memory, LAYOUT_PAGE_TABLES, 4096);
	assert_int_equal(pml4[0] & 0xfff, 3);
	pdpt = memory_hva(&f->memory, pml4[0] & ~0xfffULL, 4096);
	for (uint64_t gpa = 0; gpa < LAYOUT_4G; gpa += 0x200000) {
		directory = memory_hva(&f->memory, pdpt[gpa >> 30] & ~0xfffULL, 4096);
		assert_int_equal(directory[gpa >> 21 & 511], gpa | 0x83);
	}
	assert_int_equal(pdpt[4], 0);
	assert_int_equal(pml4[1], 0);
}

static void test_no_setup_sects_means_four(void **state)
{
	uint8_t *large = calloc(1, 5 * 512 + PAYLOAD);

	(void)state;
	header()->setup_sects = 0;
	memcpy(large, kernel, 1024);
	large[5 * 512] = 0x5a;
	fixture_kernel(f, large, 5 * 512 + PAYLOAD);
	assert_int_equal(fixture_load(f), 0);
	assert_int_equal(*(uint8_t *)memory_hva(&f->memory, PREF_ADDRESS, 1), 0x5a);
	free(large);
}

/*
 * A file that is cut off anywhere is refused with a message. Only the padding of the last 16 bytes
 * may be missing.
 */
static void test_truncated_at_every_length(void **state)
{
	(void)state;
	for (size_t size = 0; size < KERNEL_SIZE; size++) {
		fixture_kernel(f, kernel, size);
		if (size >= KERNEL_SIZE - 15)
			assert_int_equal(fixture_load(f), 0);
		else
			expect_refusal(f, size >= 0x206 ? "truncated" : "kernel");
		assert_true(size >= KERNEL_SIZE - 15 || strstr(fixture_messages(), "test-kernel"));
	}
}

static void test_truncated_says_where(void **state)
{
	(void)state;
	fixture_kernel(f, kernel, 2000);
	expect_refusal(f, "test-kernel: truncated: expected the protected-mode kernel");
	expect_refusal(f, "at offset 0x600, but the file ends at 0x7d0");
}

static void test_appended_signature_is_not_loaded(void **state)
{
	uint8_t *large = malloc(KERNEL_SIZE + 512);

	(void)state;
	memcpy(large, kernel, KERNEL_SIZE);
	memset(large + KERNEL_SIZE, 0xee, 512);
	fixture_kernel(f, large, KERNEL_SIZE + 512);
	assert_int_equal(fixture_load(f), 0);
	assert_int_equal(*(uint8_t *)memory_hva(&f->memory, PREF_ADDRESS + PAYLOAD, 1), 0);
	free(large);
}

static void test_hostile_headers(void **state)
{
	(void)state;
	header()->setup_sects = 255;
	refuse("truncated");
	make_kernel();
	header()->syssize = 0;
	refuse("0x1f4");
	make_kernel();
	header()->syssize = 0x20;
	refuse("no 64-bit entry");
	make_kernel();
	header()->syssize = UINT32_MAX;
	refuse("truncated");
	make_kernel();
	header()->version = 0x20b;
	refuse("boot protocol 2.11, expected 2.12");
	make_kernel();
	header()->xloadflags = 0;
	refuse("32-bit kernel");
	make_kernel();
	kernel[0x201] = 0;
	refuse("0x201");
}

static void test_hostile_addresses(void **state)
{
	static const uint64_t bad[] = {
		0,	   0x1000,     0xe0000,	   LAYOUT_PCI_HOLE,	      0xfee00000,
		LAYOUT_4G, 1ULL << 40, UINT64_MAX, UINT64_MAX - INIT_SIZE + 1
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_kernel();
		header()->relocatable_kernel = 0;
		header()->pref_address = bad[i];
		refuse("where no guest has memory");
		/* A relocatable kernel goes to the lowest address instead. */
		header()->relocatable_kernel = 1;
		fixture_kernel(f, kernel, sizeof(kernel));
		assert_int_equal(fixture_load(f), 0);
		assert_int_equal(f->boot.rip, 0x200200);
	}
}

static void test_hostile_alignment(void **state)
{
	static const uint32_t bad[] = { 0, 3, 0x300000, UINT32_MAX };

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		header()->kernel_alignment = bad[i];
		refuse("kernel_alignment");
	}
	header()->kernel_alignment = 0x80000000;
	header()->pref_address = 0;
	refuse("test-kernel");
}

static void test_too_little_memory(void **state)
{
	(void)state;
	header()->init_size = 100 << 20;
	refuse("type at least: -m 102M");
	fixture_resize(f, 101 << 20);
	refuse("type at least: -m 102M");
	fixture_resize(f, 102 << 20);
	fixture_kernel(f, kernel, sizeof(kernel));
	assert_int_equal(fixture_load(f), 0);
	header()->init_size = UINT32_MAX;
	refuse("where no guest has memory");
}

static void test_initrd_is_high(void **state)
{
	const uint8_t initrd[5000] = { [0] = 0x11, [4999] = 0x22 };
	const struct boot_params *params;
	const uint8_t *loaded;

	(void)state;
	fixture_initrd(f, initrd, sizeof(initrd));
	assert_int_equal(fixture_load(f), 0);
	params = zero_page();
	assert_int_equal(params->hdr.ramdisk_image, (64 << 20) - 0x2000);
	assert_int_equal(params->hdr.ramdisk_size, 5000);
	loaded = memory_hva(&f->memory, params->hdr.ramdisk_image, 5000);
	assert_memory_equal(loaded, initrd, sizeof(initrd));

	header()->initrd_addr_max = 0x2ffffff;
	fixture_kernel(f, kernel, sizeof(kernel));
	assert_int_equal(fixture_load(f), 0);
	assert_int_equal(zero_page()->hdr.ramdisk_image, 0x3000000 - 0x2000);
}

static void test_initrd_that_does_not_fit(void **state)
{
	(void)state;
	/* The kernel ends at 24 MiB. */
	fixture_initrd(f, NULL, (40 << 20) + 1);
	expect_refusal(f, "test-initrd: an initrd of 40960K does not fit");
	expect_refusal(f, "type at least: -m 65M");
	fixture_resize(f, 65 << 20);
	assert_int_equal(fixture_load(f), 0);
	fixture_initrd(f, NULL, 4ULL << 30);
	expect_refusal(f, "too large for any -m");
	fixture_initrd(f, NULL, 1ULL << 62);
	expect_refusal(f, "too large for any -m");
	header()->initrd_addr_max = 0x1ffffff;
	fixture_kernel(f, kernel, sizeof(kernel));
	fixture_initrd(f, NULL, 16 << 20);
	expect_refusal(f, "it must lie from 0x1800000 to 0x1ffffff");
	header()->initrd_addr_max = 0;
	fixture_kernel(f, kernel, sizeof(kernel));
	expect_refusal(f, "too large for any -m");
}

static void test_command_line_limit(void **state)
{
	char line[2050];

	(void)state;
	memset(line, 'x', sizeof(line));
	line[2047] = 0;
	f->request.cmdline = line;
	assert_int_equal(fixture_load(f), 0);
	line[2047] = 'x';
	line[2048] = 0;
	expect_refusal(f, "2048 characters are too many");
}

static void test_damaged_kernels(void **state)
{
	(void)state;
	fixture_initrd(f, "initrd", 6);
	fuzz_kernel(f, kernel, sizeof(kernel), 0x270);
}

static void test_not_a_kernel(void **state)
{
	(void)state;
	fixture_kernel(f, "#!/bin/sh\n", 10);
	expect_refusal(f, "test-kernel: not a kernel: at offset 0 is 23 21 2f 62");
	fixture_kernel(f, "", 0);
	expect_refusal(f, "empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_map, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_above_4g, setup, teardown),
		cmocka_unit_test_setup_teardown(test_page_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_setup_sects_means_four, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated_at_every_length, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated_says_where, setup, teardown),
		cmocka_unit_test_setup_teardown(test_appended_signature_is_not_loaded, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_hostile_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_alignment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_little_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_initrd_is_high, setup, teardown),
		cmocka_unit_test_setup_teardown(test_initrd_that_does_not_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_command_line_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_kernels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_a_kernel, setup, teardown),
	};

	return cmocka_run_group_tests_name("load_bzimage", tests, NULL, NULL);
}
