// SPDX-License-Identifier: GPL-2.0-only
/* The ELF loader: PVH and 64-bit entries; truncated, oversized and hostile kernels. */
#include "loader_fixture.h"

#include <asm/bootparam.h>
#include <string.h>

#include "elf_file.h"
#include "base/layout.h"

#define PHYS32_ENTRY 18

static struct fixture *f;
static struct elf_file file;

static void make_pvh(void)
{
	const uint64_t entry = ELF_FILE_ADDRESS + 0x40;

	elf_file_make(&file);
	elf_file_note(&file, "Xen", PHYS32_ENTRY, &entry, 8);
}

static void set_kernel(void)
{
	fixture_kernel(f, file.bytes, sizeof(file.bytes));
}

static int load(void)
{
	set_kernel();
	return fixture_load(f);
}

static void refuse(const char *text)
{
	set_kernel();
	expect_refusal(f, text);
}

static int setup(void **state)
{
	(void)state;
	f = fixture_create();
	elf_file_make(&file);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_destroy(f);
	return 0;
}

static void check_segments(void)
{
	const uint8_t *data = memory_hva(&f->memory, ELF_FILE_DATA_ADDRESS, ELF_FILE_BSS_SIZE);

	assert_memory_equal(memory_hva(&f->memory, ELF_FILE_ADDRESS, ELF_FILE_CODE_SIZE),
			    file.bytes + ELF_FILE_CODE, ELF_FILE_CODE_SIZE);
	assert_memory_equal(data, file.bytes + ELF_FILE_DATA, ELF_FILE_DATA_SIZE);
	for (unsigned int i = ELF_FILE_DATA_SIZE; i < ELF_FILE_BSS_SIZE; i++)
		assert_int_equal(data[i], 0);
}

static void test_64bit_entry(void **state)
{
	const struct boot_params *params;

	(void)state;
	fixture_initrd(f, "initrd", 6);
	assert_int_equal(load(), 0);
	check_segments();
	assert_int_equal(f->boot.mode, BOOT_LONG);
	assert_int_equal(f->boot.rip, ELF_FILE_ADDRESS + 0x10);
	params = memory_hva(&f->memory, f->boot.rsi, sizeof(*params));
	assert_int_equal(params->hdr.header, 0x53726448);
	assert_int_equal(params->hdr.ramdisk_size, 6);
	assert_int_equal(params->acpi_rsdp_addr, FIXTURE_RSDP);
	assert_int_equal(params->e820_entries, 3);
}

static void test_virtual_entry(void **state)
{
	(void)state;
	file.ehdr->e_entry += ELF_FILE_OFFSET;
	assert_int_equal(load(), 0);
	assert_int_equal(f->boot.rip, ELF_FILE_ADDRESS + 0x10);
}

/* Read struct hvm_start_info as words, at the offsets of the PVH document. */
static void test_pvh_entry(void **state)
{
	const uint32_t *info, *map;
	const uint64_t *info64, *module;

	(void)state;
	make_pvh();
	fixture_initrd(f, "initrd", 6);
	assert_int_equal(load(), 0);
	check_segments();
	assert_int_equal(f->boot.mode, BOOT_PROTECTED);
	assert_int_equal(f->boot.rip, ELF_FILE_ADDRESS + 0x40);
	info = memory_hva(&f->memory, f->boot.rbx, 56);
	info64 = (const uint64_t *)info;
	assert_int_equal(info[0], 0x336ec578);
	assert_int_equal(info[1], 1);
	assert_int_equal(info[3], 1);
	assert_string_equal(memory_hva(&f->memory, info64[3], 64), "console=test");
	assert_int_equal(info64[4], FIXTURE_RSDP);
	assert_int_equal(info[12], 3);
	module = memory_hva(&f->memory, info64[2], 32);
	assert_int_equal(module[1], 6);
	assert_memory_equal(memory_hva(&f->memory, module[0], 6), "initrd", 6);
	map = memory_hva(&f->memory, info64[5], 72);
	assert_int_equal(map[4], 1);
	assert_int_equal(map[6 + 4], 2);
	assert_int_equal(map[12], 0x100000);
}

static void test_pvh_without_initrd(void **state)
{
	const uint32_t *info;

	(void)state;
	make_pvh();
	assert_int_equal(load(), 0);
	info = memory_hva(&f->memory, f->boot.rbx, 56);
	assert_int_equal(info[3], 0);
}

static void test_pvh_note_of_four_bytes(void **state)
{
	const uint32_t entry = ELF_FILE_ADDRESS + 0x80;

	(void)state;
	elf_file_note(&file, "Xen", PHYS32_ENTRY, &entry, 4);
	assert_int_equal(load(), 0);
	assert_int_equal(f->boot.rip, entry);
}

static void test_other_notes_are_passed_over(void **state)
{
	const uint64_t entry = ELF_FILE_ADDRESS + 0x40;

	(void)state;
	elf_file_note(&file, "Xen", 17, &entry, 8);
	assert_int_equal(load(), 0);
	assert_int_equal(f->boot.mode, BOOT_LONG);
	elf_file_note(&file, "GNU", PHYS32_ENTRY, &entry, 8);
	assert_int_equal(load(), 0);
	assert_int_equal(f->boot.mode, BOOT_LONG);
	elf_file_note(&file, "Xen", PHYS32_ENTRY, &entry, 2);
	assert_int_equal(load(), 0);
	assert_int_equal(f->boot.mode, BOOT_LONG);
}

/* A file that is cut off anywhere is refused with a message, never loaded in part. */
static void test_truncated_at_every_length(void **state)
{
	(void)state;
	make_pvh();
	for (size_t size = 0; size < ELF_FILE_NOTES + 24; size++) {
		fixture_kernel(f, file.bytes, size);
		expect_refusal(f, size < 4 ? "kernel" : "test-kernel");
	}
	fixture_kernel(f, file.bytes, 0x2100);
	expect_refusal(f, "truncated: expected a loadable segment (2048 bytes) at offset 0x2000, "
			  "but the file ends at 0x2100");
	fixture_kernel(f, file.bytes, 100);
	expect_refusal(f, "the program headers (168 bytes) at offset 0x40");
	fixture_kernel(f, file.bytes, 20);
	expect_refusal(f, "an ELF header");
}

static void test_hostile_headers(void **state)
{
	(void)state;
	file.ehdr->e_machine = EM_AARCH64;
	refuse("ELF machine 183");
	elf_file_make(&file);
	file.ehdr->e_ident[EI_DATA] = ELFDATA2MSB;
	refuse("test-kernel");
	elf_file_make(&file);
	file.ehdr->e_ident[EI_CLASS] = 7;
	refuse("test-kernel");
	elf_file_make(&file);
	file.ehdr->e_type = ET_REL;
	refuse("ELF type 1");
	elf_file_make(&file);
	file.ehdr->e_phnum = 0;
	refuse("no loadable segment");
	elf_file_make(&file);
	file.ehdr->e_phoff = UINT64_MAX - 8;
	refuse("truncated");
	elf_file_make(&file);
	file.ehdr->e_phentsize = 1;
	refuse("test-kernel");
	elf_file_make(&file);
	file.ehdr->e_phnum = 0xfffe;
	refuse("truncated");
}

static void test_hostile_sizes(void **state)
{
	static const uint64_t huge[] = { 1ULL << 32, 1ULL << 62, UINT64_MAX - ELF_FILE_ADDRESS,
					 UINT64_MAX };

	(void)state;
	for (unsigned int i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		elf_file_make(&file);
		file.phdr[0].p_memsz = huge[i];
		refuse("test-kernel");
		file.phdr[0].p_filesz = huge[i];
		refuse("truncated");
		elf_file_make(&file);
		file.phdr[0].p_offset = huge[i];
		refuse("truncated");
	}
	elf_file_make(&file);
	file.phdr[0].p_memsz = ELF_FILE_CODE_SIZE - 1;
	refuse("p_filesz 0x800 is larger than p_memsz 0x7ff");
}

static void test_hostile_addresses(void **state)
{
	static const uint64_t bad[] = { 0,
					0x500,
					LAYOUT_ZERO_PAGE,
					LAYOUT_BOOT_DATA_END - 1,
					LAYOUT_LOW_MEMORY_END - 1,
					0xe0000,
					0xff801,
					UINT64_MAX - 0x100 };
	static const uint64_t no_memory[] = { LAYOUT_PCI_HOLE, 0xfee00000, LAYOUT_4G - 0x100,
					      LAYOUT_4G, 1ULL << 52 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		file.phdr[0].p_paddr = bad[i];
		refuse("expected a place");
	}
	for (unsigned int i = 0; i < sizeof(no_memory) / sizeof(no_memory[0]); i++) {
		file.phdr[0].p_paddr = no_memory[i];
		refuse("a guest's memory is up to");
	}
	file.phdr[0].p_paddr = (64 << 20) - 0x7ff;
	refuse("type at least: -m 65M");
	file.phdr[0].p_paddr = LAYOUT_BOOT_DATA_END;
	file.ehdr->e_entry = LAYOUT_BOOT_DATA_END;
	set_kernel();
	assert_int_equal(fixture_load(f), 0);
}

static void test_overlapping_segments(void **state)
{
	static const uint64_t at[] = { ELF_FILE_ADDRESS, ELF_FILE_ADDRESS + ELF_FILE_CODE_SIZE - 1,
				       ELF_FILE_ADDRESS - ELF_FILE_BSS_SIZE + 1 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		file.phdr[1].p_paddr = at[i];
		refuse("overlap in memory");
	}
	file.phdr[1].p_paddr = ELF_FILE_ADDRESS + ELF_FILE_CODE_SIZE;
	assert_int_equal(load(), 0);
}

static void test_too_many_segments(void **state)
{
	(void)state;
	for (unsigned int i = 1; i < 40; i++) {
		file.phdr[i] = file.phdr[0];
		file.phdr[i].p_paddr = ELF_FILE_ADDRESS + i * 0x1000;
	}
	file.ehdr->e_phnum = 40;
	refuse("more than 32");
	file.ehdr->e_phnum = 32;
	assert_int_equal(load(), 0);
}

static void test_hostile_entries(void **state)
{
	const uint64_t bad[] = { 0, ELF_FILE_ADDRESS - 1, ELF_FILE_ADDRESS + ELF_FILE_CODE_SIZE,
				 UINT64_MAX };

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		elf_file_make(&file);
		file.ehdr->e_entry = bad[i];
		refuse("in no loadable segment");
		elf_file_make(&file);
		elf_file_note(&file, "Xen", PHYS32_ENTRY, &bad[i], 8);
		refuse("in no loadable segment");
	}
}

static void test_hostile_notes(void **state)
{
	uint32_t *note = (uint32_t *)(file.bytes + ELF_FILE_NOTES);
	const uint32_t huge[] = { 0x7fffffff, 0xfffffff0, 0xffffffff, 0x1000 };

	(void)state;
	/* A note that is longer than its segment is not taken for a note. */
	for (unsigned int i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		make_pvh();
		note[0] = huge[i];
		assert_int_equal(load(), 0);
		assert_int_equal(f->boot.mode, BOOT_LONG);
		make_pvh();
		note[1] = huge[i];
		assert_int_equal(load(), 0);
		assert_int_equal(f->boot.mode, BOOT_LONG);
	}
	make_pvh();
	file.phdr[2].p_offset = UINT64_MAX - 3;
	refuse("the notes");
	make_pvh();
	file.phdr[2].p_filesz = UINT64_MAX;
	refuse("the notes");
	make_pvh();
	file.phdr[2].p_filesz = 3;
	assert_int_equal(load(), 0);
	assert_int_equal(f->boot.mode, BOOT_LONG);
}

static void test_large_notes_are_refused(void **state)
{
	static uint8_t large[ELF_FILE_SIZE + 70000];

	(void)state;
	make_pvh();
	file.phdr[2].p_filesz = 70000;
	memcpy(large, file.bytes, sizeof(file.bytes));
	fixture_kernel(f, large, sizeof(large));
	expect_refusal(f, "70000 bytes of notes");
}

static void test_32bit_without_note(void **state)
{
	(void)state;
	elf_file_make32(&file);
	refuse("a 32-bit ELF file; expected a PVH note");
}

static void test_damaged_kernels(void **state)
{
	(void)state;
	make_pvh();
	fuzz_kernel(f, file.bytes, sizeof(file.bytes), sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr));
}

static void test_damaged_notes(void **state)
{
	uint8_t copy[sizeof(file.bytes)];

	(void)state;
	make_pvh();
	/* fuzz_kernel() damages the start of the file: put the notes there too. */
	memcpy(file.bytes + 0x100, file.bytes + ELF_FILE_NOTES, 0x20);
	file.phdr[2].p_offset = 0x100;
	file.phdr[2].p_filesz = 0x40;
	memcpy(copy, file.bytes, sizeof(copy));
	fuzz_kernel(f, copy, sizeof(copy), 0x140);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_64bit_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_virtual_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pvh_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pvh_without_initrd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pvh_note_of_four_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_notes_are_passed_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_truncated_at_every_length, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overlapping_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_entries, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_notes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_notes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_32bit_without_note, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_kernels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_notes, setup, teardown),
	};

	return cmocka_run_group_tests_name("load_elf", tests, NULL, NULL);
}
