// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locked instructions that the module executes: each size, on anonymous memory and on the memory
 * of a PCI device, which has no struct page. KTAP on stdout.
 *
 *	locked [-d /dev/oriel]
 *
 * The guest's page tables are in ROM, with no accessed bit set. The CPU cannot set the bits
 * there, so the module executes each instruction.
 */
#include <dirent.h>

#include "longmode.h"

#define PORT_MARK 0x50
#define ROM_TABLES 0x100000UL
#define OPERAND 0x200000UL
#define PTE_P_W 3u
#define PTE_LARGE 0x80u

/* 64-bit: compares and exchanges 1, 2, 4, 8 and 16 bytes at %rdi. */
GUEST_CODE(locked_code, ".code64\n"
			"lock cmpxchg %cl, (%rdi)\n"
			"out %al, $0x50\n"
			".org locked_code + 16\n"
			"lock cmpxchg %cx, (%rdi)\n"
			"out %al, $0x50\n"
			".org locked_code + 32\n"
			"lock cmpxchg %ecx, (%rdi)\n"
			"out %al, $0x50\n"
			".org locked_code + 48\n"
			"lock cmpxchg %rcx, (%rdi)\n"
			"out %al, $0x50\n"
			".org locked_code + 64\n"
			"lock cmpxchg16b (%rdi)\n"
			"out %al, $0x50");

/* A page of the BAR of QEMU's ivshmem, which is RAM; NULL if the host does not have the device. */
static void *map_device(void)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;
	void *page = NULL;

	while (dir && !page && (entry = readdir(dir))) {
		char path[300], id[16] = "";
		FILE *file;
		int fd;

		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(id, sizeof(id), file) && !strcmp(id, "0x1110\n")) {
			snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource2",
				 entry->d_name);
			fd = open(path, O_RDWR | O_CLOEXEC);
			page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			if (page == MAP_FAILED)
				die(path);
			close(fd);
		}
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return page;
}

/* Long mode with tables in ROM, without accessed bits, that map the first GiB. */
static uint64_t *set_rom_tables(const struct machine *m)
{
	uint64_t *rom = map_memory(3 * PAGE);
	size_t i;

	rom[0] = (ROM_TABLES + PAGE) | PTE_P_W;
	rom[PAGE / 8] = (ROM_TABLES + 2 * PAGE) | PTE_P_W;
	for (i = 0; i < PAGE / 8; i++)
		rom[2 * PAGE / 8 + i] = i << 21 | PTE_LARGE | PTE_P_W;
	must_set_slot(m, 1, KVM_MEM_READONLY, ROM_TABLES, 3 * PAGE, rom);
	set_cpuid(m, 0);
	set_long_mode(m, 0, ROM_TABLES);
	return rom;
}

/* The operand, in memory or in registers: the part of each that an instruction uses. */
struct value {
	uint64_t low, high;
};

static const struct value before = { 0x1111111111111111, 0x2222222222222222 };
static const struct value stored = { 0x3333333333333333, 0x4444444444444444 };

static uint64_t part(uint64_t from, uint64_t old, unsigned int size)
{
	uint64_t mask = size >= 8 ? ~0ull : (1ull << 8 * size) - 1;

	return (from & mask) | (old & ~mask);
}

/* Execute one instruction. Its comparand is what memory holds, or it is not. */
static void try_size(const struct machine *m, volatile struct value *operand, unsigned int size,
		     bool equal)
{
	struct kvm_regs regs = {
		.rip = CODE + 16 * (unsigned int)__builtin_ctz(size),
		.rax = equal ? before.low : before.low + 1,
		.rdx = before.high,
		.rbx = stored.low,
		.rcx = size == 16 ? stored.high : stored.low,
		.rdi = OPERAND,
	};
	bool high = equal && size == 16;

	operand->low = before.low;
	operand->high = before.high;
	set_regs(m, 0, &regs);
	expect_port(m, run(m, 0), PORT_MARK, "a locked instruction");
	check_equal(operand->low, equal ? part(stored.low, before.low, size) : before.low,
		    "memory");
	check_equal(operand->high, high ? stored.high : before.high, "its upper half");
	check_equal(!!(get_regs(m, 0).rflags & 0x40), equal, "ZF");
	settle(m, 0);
}

static void try_all(void *page)
{
	struct machine m = new_machine(1, false, locked_code, locked_code_end);
	uint64_t *rom = set_rom_tables(&m);
	uint64_t dirty = 0;

	must_set_slot(&m, 2, KVM_MEM_LOG_DIRTY_PAGES, OPERAND, PAGE, page);
	for (unsigned int size = 1; size <= 16 && !failed; size *= 2) {
		struct kvm_dirty_log log = { .slot = 2, .dirty_bitmap = &dirty };

		try_size(&m, page, size, false);
		try_size(&m, page, size, true);
		MUST(m.vm, KVM_GET_DIRTY_LOG, &log);
		check_equal(dirty, 1, "the log after a store");
	}
	free_machine(&m);
	munmap(rom, 3 * PAGE);
	munmap(page, PAGE);
}

static bool cannot_run(void)
{
	if (!on_oriel())
		skipped = "KVM takes the table's address for that of the data";
	/* Bochs' VT-x sets the bits in ROM (limits.rst), and executes the instructions itself. */
	return skipped;
}

static void test_memory(void)
{
	if (!cannot_run())
		try_all(map_memory(PAGE));
}

static void test_device_memory(void)
{
	void *page = map_device();

	if (!page)
		skipped = "no PCI device of the host has memory";
	else if (!cannot_run())
		try_all(page);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		TEST(memory),
		TEST(device_memory),
	};

	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
