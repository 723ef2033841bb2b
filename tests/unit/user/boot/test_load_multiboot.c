// SPDX-License-Identifier: GPL-2.0-only
/* The multiboot loader: good, truncated, oversized and hostile kernels. */
#include "loader_fixture.h"

#include <string.h>

#include "elf_file.h"
#include "base/layout.h"

#define MAGIC 0x1badb002U
#define HEADER_AT 0x400

static struct fixture *f;
static struct elf_file file;

static void put_header(size_t at, uint32_t flags)
{
	const uint32_t words[] = { MAGIC, flags, -(MAGIC + flags) };

	memcpy(file.bytes + at, words, sizeof(words));
}

static void make(uint32_t flags)
{
	elf_file_make32(&file);
	put_header(HEADER_AT, flags);
}

static int load(void)
{
	fixture_kernel(f, file.bytes, sizeof(file.bytes));
	return fixture_load(f);
}

static void refuse(const char *text)
{
	fixture_kernel(f, file.bytes, sizeof(file.bytes));
	expect_refusal(f, text);
}

static int setup(void **state)
{
	(void)state;
	f = fixture_create();
	make(3);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_destroy(f);
	return 0;
}

static const uint32_t *info(void)
{
	return memory_hva(&f->memory, f->boot.rbx, 88);
}

static void test_good_kernel(void **state)
{
	(void)state;
	assert_int_equal(load(), 0);
	assert_int_equal(f->boot.mode, BOOT_PROTECTED);
	assert_int_equal(f->boot.rax, 0x2badb002);
	assert_int_equal(f->boot.rip, ELF_FILE_ADDRESS + 0x10);
	assert_memory_equal(memory_hva(&f->memory, ELF_FILE_ADDRESS, ELF_FILE_CODE_SIZE),
			    file.bytes + ELF_FILE_CODE, ELF_FILE_CODE_SIZE);
	assert_int_equal(info()[0], 0x245);
	assert_int_equal(info()[1], LAYOUT_LOW_MEMORY_END / 1024);
	assert_int_equal(info()[2], 63 * 1024);
	assert_string_equal(memory_hva(&f->memory, info()[4], 64), "console=test");
	assert_string_equal(memory_hva(&f->memory, info()[16], 8), "oriel");
}

static void test_memory_map(void **state)
{
	uint64_t gpa, length;
	uint32_t entry[6];
	const uint8_t *map;

	(void)state;
	fixture_resize(f, 4ULL << 30);
	assert_int_equal(load(), 0);
	assert_int_equal(info()[11], 4 * 24);
	map = memory_hva(&f->memory, info()[12], 4 * 24);
	for (unsigned int i = 0; i < 4; i++) {
		memcpy(entry, map + 24 * i, sizeof(entry));
		assert_int_equal(entry[0], 20);
		assert_int_equal(entry[5], i == 1 ? 2 : 1);
	}
	memcpy(&gpa, map + 3 * 24 + 4, 8);
	memcpy(&length, map + 3 * 24 + 12, 8);
	assert_int_equal(gpa, LAYOUT_4G);
	assert_int_equal(length, LAYOUT_4G - LAYOUT_PCI_HOLE);
}

static void test_module(void **state)
{
	const uint32_t *module;

	(void)state;
	fixture_initrd(f, "module!", 7);
	assert_int_equal(load(), 0);
	assert_int_equal(info()[0] & 8, 8);
	assert_int_equal(info()[5], 1);
	module = memory_hva(&f->memory, info()[6], 16);
	assert_int_equal(module[0] % 4096, 0);
	assert_int_equal(module[1] - module[0], 7);
	assert_memory_equal(memory_hva(&f->memory, module[0], 7), "module!", 7);
	assert_string_equal(memory_hva(&f->memory, module[2], 1), "");
	fixture_initrd(f, NULL, 64 << 20);
	expect_refusal(f, "type at least: -m 81M");
}

static void test_64bit_elf(void **state)
{
	(void)state;
	elf_file_make(&file);
	put_header(HEADER_AT, 0);
	assert_int_equal(load(), 0);
	assert_int_equal(f->boot.mode, BOOT_PROTECTED);
}

/* The header may lie anywhere in the first 8192 bytes, aligned to 4, and nowhere else. */
static void test_header_position(void **state)
{
	(void)state;
	elf_file_make32(&file);
	put_header(8192 - 12, 0);
	assert_int_equal(load(), 0);
	elf_file_make32(&file);
	put_header(8192 - 8, 0);
	refuse("a 32-bit ELF file");
	elf_file_make32(&file);
	put_header(HEADER_AT + 2, 0);
	refuse("a 32-bit ELF file");
}

static void test_bad_checksum_is_no_header(void **state)
{
	(void)state;
	file.bytes[HEADER_AT + 8] ^= 1;
	refuse("a 32-bit ELF file");
}

static void test_flags_that_are_refused(void **state)
{
	(void)state;
	make(4);
	refuse("there is no video");
	make(0x8000);
	refuse("offset 0x404: multiboot flags 0x8000");
	make(0x10000);
	refuse("asks for the header's own addresses");
	/* From bit 16 on, a flag that the loader does not know is a request that it may ignore. */
	make(0x80000000);
	assert_int_equal(load(), 0);
}

static void test_not_elf(void **state)
{
	(void)state;
	file.bytes[0] = 0;
	refuse("test-kernel: offset 0");
}

static void test_truncated_at_every_length(void **state)
{
	(void)state;
	for (size_t size = 0; size < ELF_FILE_CODE + ELF_FILE_CODE_SIZE; size++) {
		fixture_kernel(f, file.bytes, size);
		expect_refusal(f, "test-kernel");
	}
	fixture_kernel(f, file.bytes, ELF_FILE_CODE + ELF_FILE_CODE_SIZE);
	assert_int_equal(fixture_load(f), 0);
}

static void test_hostile_segments(void **state)
{
	(void)state;
	file.phdr32[0].p_paddr = UINT32_MAX - 0x100;
	refuse("a guest's memory is up to");
	make(3);
	file.phdr32[0].p_memsz = UINT32_MAX;
	refuse("a guest's memory is up to");
	make(3);
	file.phdr32[0].p_paddr = 0x7c00;
	refuse("expected a place");
	make(3);
	file.phdr32[0].p_filesz = UINT32_MAX;
	refuse("larger than p_memsz");
	file.phdr32[0].p_memsz = UINT32_MAX;
	refuse("truncated");
	make(3);
	file.ehdr32->e_entry = 0;
	refuse("the entry 0 is in no loadable segment");
}

static void test_damaged_kernels(void **state)
{
	(void)state;
	fuzz_kernel(f, file.bytes, sizeof(file.bytes), sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_map, setup, teardown),
		cmocka_unit_test_setup_teardown(test_module, setup, teardown),
		cmocka_unit_test_setup_teardown(test_64bit_elf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_header_position, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_checksum_is_no_header, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flags_that_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_elf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated_at_every_length, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_kernels, setup, teardown),
	};

	return cmocka_run_group_tests_name("load_multiboot", tests, NULL, NULL);
}
