// SPDX-License-Identifier: GPL-2.0-only
/* The zero page of the Linux/x86 boot protocol, and the CPU state that the protocol needs. */
#include "boot/linux_params.h"

#include "base/layout.h"

#include <string.h>

#define LOADER_UNDEFINED 0xff /* Documentation/x86/boot.rst, type_of_loader */
#define VIDEO_MODE_NORMAL 0xffff

#define PTE_PRESENT 0x1ULL
#define PTE_WRITABLE 0x2ULL
#define PTE_LARGE 0x80ULL
#define PAGE_DIRECTORIES 4 /* 1 GiB each */

static void write_u64(uint8_t *table, unsigned int index, uint64_t value)
{
	memcpy(table + 8 * index, &value, sizeof(value));
}

/*
 * The protocol needs an identity mapping of the kernel, the zero page and the command line. This
 * one maps 4 GiB with leaves of 2 MiB, which need no CPU feature (SDM 3A 4.5).
 */
static void write_page_tables(const struct guest_memory *memory)
{
	uint8_t *tables = memory_hva(memory, LAYOUT_PAGE_TABLES, (2 + PAGE_DIRECTORIES) * 4096);
	const uint64_t pdpt = LAYOUT_PAGE_TABLES + 4096, directories = pdpt + 4096;

	write_u64(tables, 0, pdpt | PTE_PRESENT | PTE_WRITABLE);
	for (unsigned int i = 0; i < PAGE_DIRECTORIES; i++)
		write_u64(tables + 4096, i, (directories + i * 4096) | PTE_PRESENT | PTE_WRITABLE);
	for (unsigned int i = 0; i < PAGE_DIRECTORIES * 512; i++)
		write_u64(tables + 2 * 4096, i,
			  ((uint64_t)i << 21) | PTE_LARGE | PTE_PRESENT | PTE_WRITABLE);
}

static void write_memory_map(const struct guest_memory *memory, struct boot_params *params)
{
	struct memory_region map[MEMORY_MAP_MAX];
	unsigned int count = memory_map(memory, map);

	for (unsigned int i = 0; i < count; i++)
		params->e820_table[i] = (struct boot_e820_entry){
			.addr = map[i].gpa,
			.size = map[i].size,
			.type = map[i].type,
		};
	params->e820_entries = (uint8_t)count;
}

void linux_params_write(const struct guest_memory *memory, const struct setup_header *header,
			const struct span *initrd, uint64_t rsdp, uint64_t entry,
			struct boot_state *boot)
{
	struct boot_params *params = memory_hva(memory, LAYOUT_ZERO_PAGE, sizeof(*params));

	params->hdr = *header;
	params->hdr.boot_flag = 0xaa55;
	params->hdr.header = 0x53726448; /* "HdrS" */
	params->hdr.type_of_loader = LOADER_UNDEFINED;
	params->hdr.vid_mode = VIDEO_MODE_NORMAL;
	params->hdr.cmd_line_ptr = LAYOUT_CMDLINE;
	params->hdr.ramdisk_image = (uint32_t)initrd->gpa;
	params->hdr.ramdisk_size = (uint32_t)initrd->size;
	params->acpi_rsdp_addr = rsdp;
	write_memory_map(memory, params);
	write_page_tables(memory);

	*boot = (struct boot_state){
		.mode = BOOT_LONG,
		.rip = entry,
		.rsi = LAYOUT_ZERO_PAGE,
	};
}
