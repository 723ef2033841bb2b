// SPDX-License-Identifier: GPL-2.0-only
/* Loads an ELF kernel with a multiboot 1 header (Multiboot Specification 0.6.96). */
#include "boot/load.h"

#include "base/diag.h"
#include "boot/elf_segments.h"
#include "base/layout.h"

#include <inttypes.h>
#include <string.h>

#define HEADER_MAGIC 0x1badb002
#define HEADER_SEARCH 8192
#define LOADER_MAGIC 0x2badb002
#define LOADER_NAME "oriel"
#define LIMIT 0xffffffffULL /* the kernel has 32-bit addresses */

/* Header flags (3.1.2) that a loader must honour or refuse. */
#define FLAG_PAGE_ALIGN 0x00000001U
#define FLAG_MEMORY_INFO 0x00000002U
#define FLAG_VIDEO_MODE 0x00000004U
#define FLAGS_MANDATORY 0x0000ffffU
#define FLAGS_KNOWN (FLAG_PAGE_ALIGN | FLAG_MEMORY_INFO)
#define FLAG_ADDRESSES 0x00010000U

/* Information flags (3.3). */
#define INFO_MEMORY 0x001U
#define INFO_CMDLINE 0x004U
#define INFO_MODULES 0x008U
#define INFO_MEMORY_MAP 0x040U
#define INFO_LOADER_NAME 0x200U

struct multiboot_header {
	uint32_t magic;
	uint32_t flags;
	uint32_t checksum;
};

struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower; /* KiB from 0 */
	uint32_t mem_upper; /* KiB from 1 MiB */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count;
	uint32_t mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length;
	uint32_t mmap_addr;
	uint32_t drives_length;
	uint32_t drives_addr;
	uint32_t config_table;
	uint32_t boot_loader_name;
};

struct multiboot_module {
	uint32_t start;
	uint32_t end;
	uint32_t string;
	uint32_t reserved;
};

struct multiboot_memory {
	uint32_t size; /* of the rest of the entry */
	uint64_t gpa;
	uint64_t length;
	uint32_t type;
} __attribute__((packed));

/* The layout of guest memory at LAYOUT_START_INFO. */
struct multiboot_page {
	struct multiboot_info info;
	struct multiboot_module module;
	struct multiboot_memory map[MEMORY_MAP_MAX];
	char loader_name[sizeof(LOADER_NAME)];
	char module_string[1];
};

_Static_assert(sizeof(struct multiboot_page) <= LAYOUT_START_INFO_SIZE, "it fits its area");

static bool find_header(const uint8_t *head, uint64_t size, struct multiboot_header *header,
			uint64_t *offset)
{
	if (size > HEADER_SEARCH)
		size = HEADER_SEARCH;
	for (*offset = 0; *offset + sizeof(*header) <= size; *offset += 4) {
		memcpy(header, head + *offset, sizeof(*header));
		if (header->magic == HEADER_MAGIC &&
		    !(uint32_t)(header->magic + header->flags + header->checksum))
			return true;
	}
	return false;
}

bool load_multiboot_probe(const uint8_t *head, uint64_t size)
{
	struct multiboot_header header;
	uint64_t offset;

	return find_header(head, size, &header, &offset);
}

static int check_header(const struct image *kernel)
{
	uint8_t head[HEADER_SEARCH];
	uint64_t size = kernel->size < sizeof(head) ? kernel->size : sizeof(head), offset;
	struct multiboot_header header;

	if (image_read(kernel, 0, head, size, "a multiboot kernel"))
		return -1;
	if (!find_header(head, size, &header, &offset))
		return diag_error("%s: no multiboot header in the first %d bytes", kernel->path,
				  HEADER_SEARCH);
	if (header.flags & FLAGS_MANDATORY & ~FLAGS_KNOWN)
		return diag_error("%s: offset %#" PRIx64 ": multiboot flags %#x; expected none "
				  "of %#x%s",
				  kernel->path, offset + 4, header.flags,
				  FLAGS_MANDATORY & ~FLAGS_KNOWN,
				  header.flags & FLAG_VIDEO_MODE ? " (there is no video)" : "");
	if (header.flags & FLAG_ADDRESSES)
		return diag_error("%s: offset %#" PRIx64
				  ": multiboot flag %#x asks for the header's "
				  "own addresses; expected an ELF kernel without it",
				  kernel->path, offset + 4, FLAG_ADDRESSES);
	return 0;
}

static void write_memory_map(const struct guest_memory *memory, struct multiboot_page *page)
{
	struct memory_region map[MEMORY_MAP_MAX];
	unsigned int count = memory_map(memory, map);

	for (unsigned int i = 0; i < count; i++)
		page->map[i] = (struct multiboot_memory){
			.size = sizeof(page->map[0]) - sizeof(page->map[0].size),
			.gpa = map[i].gpa,
			.length = map[i].size,
			.type = map[i].type,
		};
	page->info.mmap_length = count * (uint32_t)sizeof(page->map[0]);
}

static void write_info(const struct guest_memory *memory, const struct span *initrd)
{
	struct multiboot_page *page = memory_hva(memory, LAYOUT_START_INFO, sizeof(*page));
	const uint32_t gpa = LAYOUT_START_INFO;

	page->info = (struct multiboot_info){
		.flags = INFO_MEMORY | INFO_CMDLINE | INFO_MEMORY_MAP | INFO_LOADER_NAME,
		.mem_lower = LAYOUT_LOW_MEMORY_END >> 10,
		.mem_upper = (uint32_t)((memory->low_size - LAYOUT_HIGH_MEMORY) >> 10),
		.cmdline = LAYOUT_CMDLINE,
		.mmap_addr = gpa + (uint32_t)offsetof(struct multiboot_page, map),
		.boot_loader_name = gpa + (uint32_t)offsetof(struct multiboot_page, loader_name),
	};
	memcpy(page->loader_name, LOADER_NAME, sizeof(LOADER_NAME));
	write_memory_map(memory, page);
	if (!initrd->size)
		return;
	page->info.flags |= INFO_MODULES;
	page->info.mods_count = 1;
	page->info.mods_addr = gpa + (uint32_t)offsetof(struct multiboot_page, module);
	page->module = (struct multiboot_module){
		.start = (uint32_t)initrd->gpa,
		.end = (uint32_t)(initrd->gpa + initrd->size),
		.string = gpa + (uint32_t)offsetof(struct multiboot_page, module_string),
	};
}

static int load_and_boot(const struct elf_kernel *kernel, const struct guest_memory *memory,
			 const struct load_request *request, struct boot_state *boot)
{
	struct span initrd;
	uint64_t entry;

	if (!elf_kernel_address(kernel, kernel->entry, &entry) || entry > LIMIT)
		return diag_error("%s: offset 0x18: the entry %#" PRIx64
				  " is in no loadable segment below 4 GiB",
				  kernel->image->path, kernel->entry);
	if (elf_kernel_load(kernel, memory) ||
	    load_cmdline(memory, request, LAYOUT_CMDLINE_SIZE - 1) ||
	    load_initrd(memory, request, kernel->end, LIMIT, &initrd))
		return -1;
	write_info(memory, &initrd);
	*boot = (struct boot_state){
		.mode = BOOT_PROTECTED,
		.rip = entry,
		.rax = LOADER_MAGIC,
		.rbx = LAYOUT_START_INFO,
	};
	return 0;
}

int load_multiboot(const struct guest_memory *memory, const struct load_request *request,
		   struct boot_state *boot)
{
	struct elf_kernel kernel;
	int result;

	if (check_header(request->kernel) || elf_kernel_open(&kernel, request->kernel))
		return -1;
	result = load_and_boot(&kernel, memory, request, boot);
	elf_kernel_close(&kernel);
	return result;
}
