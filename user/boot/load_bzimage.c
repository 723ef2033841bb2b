// SPDX-License-Identifier: GPL-2.0-only
/* Loads a Linux bzImage by the 64-bit boot protocol (Documentation/x86/boot.rst). */
#include "boot/load.h"

#include "base/diag.h"
#include "base/layout.h"
#include "boot/linux_params.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define HEADER_OFFSET 0x1f1
#define HEADER_END_BYTE 0x201 /* a jump's displacement: bytes from 0x202 to the header's end */
#define MAGIC_OFFSET 0x202
#define MAGIC "HdrS"
#define SECTOR 512
#define ENTRY_64 0x200
#define FIRST_64BIT_VERSION 0x20c /* has xloadflags */
#define MAX_HEADER_END (HEADER_OFFSET + sizeof(struct setup_header))

bool load_bzimage_probe(const uint8_t *head, uint64_t size)
{
	return size >= MAGIC_OFFSET + 4 && !memcmp(head + MAGIC_OFFSET, MAGIC, 4);
}

/**
 * struct bzimage - a bzImage, after its setup header has been checked
 * @header: the setup header in the file
 * @offset: offset of the protected-mode kernel in the file
 * @size: size of the protected-mode kernel in the file
 * @room: bytes of memory that the kernel needs from its load address on
 */
struct bzimage {
	struct setup_header header;
	uint64_t offset;
	uint64_t size;
	uint64_t room;
};

static int read_header(const struct image *kernel, struct bzimage *bz)
{
	uint8_t displacement;
	uint64_t end;

	memset(bz, 0, sizeof(*bz));
	if (image_read(kernel, HEADER_END_BYTE, &displacement, 1, "the setup header's length"))
		return -1;
	end = MAGIC_OFFSET + displacement;
	if (end > MAX_HEADER_END)
		end = MAX_HEADER_END; /* fields behind it are newer than <asm/bootparam.h> */
	if (image_read(kernel, HEADER_OFFSET, &bz->header, end - HEADER_OFFSET, "the setup header"))
		return -1;
	if (end < HEADER_OFFSET + offsetof(struct setup_header, handover_offset))
		return diag_error("%s: offset 0x201: the setup header ends at %#" PRIx64
				  "; expected the fields of boot protocol 2.12 (Linux 3.8)",
				  kernel->path, end);
	if (bz->header.version < FIRST_64BIT_VERSION)
		return diag_error("%s: offset 0x206: boot protocol %u.%02u, expected 2.12 or newer "
				  "(Linux 3.8)",
				  kernel->path, bz->header.version >> 8, bz->header.version & 0xff);
	if (!(bz->header.xloadflags & XLF_KERNEL_64))
		return diag_error("%s: offset 0x236: a 32-bit kernel; expected one with the 64-bit "
				  "entry (CONFIG_X86_64)",
				  kernel->path);
	return 0;
}

static int check_payload(const struct image *kernel, struct bzimage *bz)
{
	unsigned int sectors = bz->header.setup_sects ? bz->header.setup_sects : 4;
	uint64_t present;

	bz->offset = (uint64_t)(sectors + 1) * SECTOR;
	bz->size = (uint64_t)bz->header.syssize * 16;
	if (bz->size <= ENTRY_64)
		return diag_error("%s: offset 0x1f4: a kernel of %" PRIu64 " bytes has no 64-bit "
				  "entry at %#x",
				  kernel->path, bz->size, ENTRY_64);
	/* syssize is rounded up to 16 bytes: up to 15 of them are not in the file. */
	if (image_check(kernel, bz->offset, bz->size - 15, "the protected-mode kernel"))
		return -1;
	present = kernel->size - bz->offset;
	if (present < bz->size)
		bz->size = present;
	bz->room = bz->header.init_size > bz->size ? bz->header.init_size : bz->size;
	return 0;
}

/*
 * Choose the kernel's load address: the one that it prefers or, if that is not free and the
 * kernel can be relocated, the lowest one.
 */
static int choose_address(const struct guest_memory *memory, const struct image *kernel,
			  const struct bzimage *bz, uint64_t *address)
{
	uint64_t align = bz->header.kernel_alignment, lowest;

	if (bz->header.relocatable_kernel && (!align || align & (align - 1)))
		return diag_error("%s: offset 0x230: kernel_alignment is %#" PRIx64
				  ", expected a power of two",
				  kernel->path, align);
	*address = bz->header.pref_address;
	if (load_is_free(*address, bz->room) && *address < LAYOUT_4G &&
	    memory_hva(memory, *address, bz->room))
		return 0;

	lowest = *address;
	if (bz->header.relocatable_kernel)
		lowest = (LAYOUT_HIGH_MEMORY + align - 1) & ~(align - 1);
	*address = lowest;
	if (load_is_free(lowest, bz->room) && memory_hva(memory, lowest, bz->room))
		return 0;
	if (!load_is_free(lowest, bz->room) || lowest >= LAYOUT_PCI_HOLE ||
	    bz->room > LAYOUT_PCI_HOLE - lowest)
		return diag_error("%s: offset 0x258: the kernel wants %#" PRIx64
				  " bytes at %#" PRIx64 ", where no guest has memory for it",
				  kernel->path, bz->room, lowest);
	return diag_error("%s: the kernel needs memory up to %#" PRIx64
			  "; type at least: -m %" PRIu64 "M",
			  kernel->path, lowest + bz->room, (lowest + bz->room + 0xfffff) >> 20);
}

int load_bzimage(const struct guest_memory *memory, const struct load_request *request,
		 struct boot_state *boot)
{
	const struct image *kernel = request->kernel;
	struct bzimage bz;
	struct span initrd;
	uint64_t address = 0;

	if (read_header(kernel, &bz) || check_payload(kernel, &bz) ||
	    choose_address(memory, kernel, &bz, &address))
		return -1;
	if (image_read(kernel, bz.offset, memory_hva(memory, address, bz.size), bz.size,
		       "the protected-mode kernel"))
		return -1;
	if (load_cmdline(memory, request, bz.header.cmdline_size) ||
	    load_initrd(memory, request, address + bz.room, bz.header.initrd_addr_max, &initrd))
		return -1;
	linux_params_write(memory, &bz.header, &initrd, request->rsdp, address + ENTRY_64, boot);
	return 0;
}
