// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads an ELF kernel (vmlinux). It starts at the entry of its PVH note (the Xen x86/HVM direct
 * boot ABI) if it has one, otherwise at its 64-bit entry by the Linux boot protocol.
 */
#include "boot/load.h"

#include "base/diag.h"
#include "boot/elf_segments.h"
#include "base/layout.h"
#include "boot/linux_params.h"

#include <gelf.h>
#include <inttypes.h>
#include <string.h>

#define NOTE_NAME "Xen"
#define NOTE_PHYS32_ENTRY 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
#define MAX_NOTES_SIZE 65536

#define START_INFO_MAGIC 0x336ec578
#define PVH_LIMIT 0xffffffffULL /* the kernel reaches everything with 32-bit addresses */
#define LINUX_CMDLINE_LIMIT 2047 /* COMMAND_LINE_SIZE on x86, without the NUL */

/* struct hvm_start_info, version 1 */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules_gpa;
	uint64_t cmdline_gpa;
	uint64_t rsdp_gpa;
	uint64_t memmap_gpa;
	uint32_t memmap_count;
	uint32_t reserved;
};

/* struct hvm_modlist_entry */
struct start_module {
	uint64_t gpa;
	uint64_t size;
	uint64_t cmdline_gpa;
	uint64_t reserved;
};

/* struct hvm_memmap_table_entry */
struct start_memory {
	uint64_t gpa;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

/* The layout of guest memory at LAYOUT_START_INFO. */
struct start_page {
	struct start_info info;
	struct start_module module;
	struct start_memory map[MEMORY_MAP_MAX];
};

_Static_assert(sizeof(struct start_info) == 56, "the ABI fixes the layout");
_Static_assert(sizeof(struct start_page) <= LAYOUT_START_INFO_SIZE, "it fits its area");

/* Search the notes of one segment. libelf checks that each note lies within @data. */
static bool find_entry_note(Elf_Data *data, uint64_t *entry)
{
	const char *bytes = data->d_buf;
	size_t offset = 0, name, desc;
	GElf_Nhdr note;

	while ((offset = gelf_getnote(data, offset, &note, &name, &desc)) != 0) {
		if (note.n_type != NOTE_PHYS32_ENTRY || note.n_namesz != sizeof(NOTE_NAME) ||
		    memcmp(bytes + name, NOTE_NAME, sizeof(NOTE_NAME)))
			continue;
		if (note.n_descsz != 4 && note.n_descsz != 8)
			continue;
		*entry = 0;
		memcpy(entry, bytes + desc, note.n_descsz);
		return true;
	}
	return false;
}

/* Return: 1 and the entry; 0 if there is no PVH note; -1 if the file is bad. */
static int pvh_entry(const struct elf_kernel *kernel, uint64_t *entry)
{
	size_t count;

	if (elf_getphdrnum(kernel->elf, &count))
		return diag_error("%s: program headers: %s", kernel->image->path, elf_errmsg(-1));
	for (size_t i = 0; i < count; i++) {
		Elf_Data *data;
		GElf_Phdr phdr;

		if (!gelf_getphdr(kernel->elf, (int)i, &phdr) || phdr.p_type != PT_NOTE ||
		    !phdr.p_filesz)
			continue;
		if (image_check(kernel->image, phdr.p_offset, phdr.p_filesz, "the notes"))
			return -1;
		if (phdr.p_filesz > MAX_NOTES_SIZE)
			return diag_error("%s: program header %zu: %" PRIu64
					  " bytes of notes, expected at most %d",
					  kernel->image->path, i, phdr.p_filesz, MAX_NOTES_SIZE);
		data = elf_getdata_rawchunk(kernel->elf, (int64_t)phdr.p_offset, phdr.p_filesz,
					    phdr.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (data && find_entry_note(data, entry))
			return 1;
	}
	return 0;
}

static void write_start_info(const struct guest_memory *memory, const struct span *initrd,
			     uint64_t rsdp)
{
	struct start_page *page = memory_hva(memory, LAYOUT_START_INFO, sizeof(*page));
	struct memory_region map[MEMORY_MAP_MAX];
	const uint64_t gpa = LAYOUT_START_INFO;

	page->info = (struct start_info){
		.magic = START_INFO_MAGIC,
		.version = 1,
		.cmdline_gpa = LAYOUT_CMDLINE,
		.rsdp_gpa = rsdp,
		.memmap_gpa = gpa + offsetof(struct start_page, map),
		.memmap_count = memory_map(memory, map),
	};
	if (initrd->size) {
		page->info.module_count = 1;
		page->info.modules_gpa = gpa + offsetof(struct start_page, module);
		page->module = (struct start_module){ .gpa = initrd->gpa, .size = initrd->size };
	}
	for (unsigned int i = 0; i < page->info.memmap_count; i++)
		page->map[i] = (struct start_memory){
			.gpa = map[i].gpa,
			.size = map[i].size,
			.type = map[i].type,
		};
}

static int boot_pvh(const struct elf_kernel *kernel, const struct guest_memory *memory,
		    const struct load_request *request, uint64_t entry, struct boot_state *boot)
{
	struct span initrd;
	uint64_t gpa;

	if (entry > PVH_LIMIT || !elf_kernel_address(kernel, entry, &gpa) || gpa != entry)
		return diag_error("%s: the PVH note's entry %#" PRIx64 " is in no loadable segment",
				  kernel->image->path, entry);
	if (load_cmdline(memory, request, LAYOUT_CMDLINE_SIZE - 1) ||
	    load_initrd(memory, request, kernel->end, PVH_LIMIT, &initrd))
		return -1;
	write_start_info(memory, &initrd, request->rsdp);
	*boot = (struct boot_state){
		.mode = BOOT_PROTECTED,
		.rip = entry,
		.rbx = LAYOUT_START_INFO,
	};
	return 0;
}

static int boot_linux_64(const struct elf_kernel *kernel, const struct guest_memory *memory,
			 const struct load_request *request, struct boot_state *boot)
{
	struct setup_header header = { .version = 0x20f, .loadflags = LOADED_HIGH };
	struct span initrd;
	uint64_t entry;

	if (!kernel->is_64bit)
		return diag_error("%s: a 32-bit ELF file; expected a PVH note (Xen, type %d), a "
				  "multiboot header, or a 64-bit kernel",
				  kernel->image->path, NOTE_PHYS32_ENTRY);
	if (!elf_kernel_address(kernel, kernel->entry, &entry) || entry >= LAYOUT_4G)
		return diag_error("%s: offset 0x18: the entry %#" PRIx64
				  " is in no loadable segment below 4 GiB",
				  kernel->image->path, kernel->entry);
	if (load_cmdline(memory, request, LINUX_CMDLINE_LIMIT) ||
	    load_initrd(memory, request, kernel->end, INT32_MAX, &initrd))
		return -1;
	linux_params_write(memory, &header, &initrd, request->rsdp, entry, boot);
	return 0;
}

static int load_and_boot(const struct elf_kernel *kernel, const struct guest_memory *memory,
			 const struct load_request *request, struct boot_state *boot)
{
	uint64_t entry;

	if (elf_kernel_load(kernel, memory))
		return -1;
	switch (pvh_entry(kernel, &entry)) {
	case 1:
		return boot_pvh(kernel, memory, request, entry, boot);
	case 0:
		return boot_linux_64(kernel, memory, request, boot);
	default:
		return -1;
	}
}

int load_elf(const struct guest_memory *memory, const struct load_request *request,
	     struct boot_state *boot)
{
	struct elf_kernel kernel;
	int result;

	if (elf_kernel_open(&kernel, request->kernel))
		return -1;
	result = load_and_boot(&kernel, memory, request, boot);
	elf_kernel_close(&kernel);
	return result;
}
