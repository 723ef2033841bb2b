// SPDX-License-Identifier: GPL-2.0-only
/* Loads a kernel of any known type into a guest's memory. */
#include "boot/load.h"

#include "base/diag.h"
#include "base/layout.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#define HEAD_SIZE 8192 /* a multiboot header lies within these bytes (multiboot 0.6.96 3.1) */
#define PAGE_MASK 0xfffULL

bool load_is_free(uint64_t gpa, uint64_t size)
{
	uint64_t end = gpa + size;

	if (end < gpa || gpa < LAYOUT_BOOT_DATA_END)
		return false;
	return end <= LAYOUT_LOW_MEMORY_END || gpa >= LAYOUT_HIGH_MEMORY;
}

int load_cmdline(const struct guest_memory *memory, const struct load_request *request,
		 uint64_t limit)
{
	size_t len = strlen(request->cmdline);
	void *to = memory_hva(memory, LAYOUT_CMDLINE, LAYOUT_CMDLINE_SIZE);

	if (limit > LAYOUT_CMDLINE_SIZE - 1)
		limit = LAYOUT_CMDLINE_SIZE - 1;
	if (len > limit)
		return diag_error("--append: %zu characters are too many: %s takes %" PRIu64, len,
				  request->kernel->path, limit);
	memcpy(to, request->cmdline, len + 1);
	return 0;
}

static int initrd_too_large(const struct guest_memory *memory, const struct image *initrd,
			    uint64_t kernel_end, uint64_t limit)
{
	uint64_t need = kernel_end + ((initrd->size + PAGE_MASK) & ~PAGE_MASK);

	if (initrd->size < LAYOUT_4G && need <= LAYOUT_PCI_HOLE && need - 1 <= limit)
		return diag_error("%s: an initrd of %" PRIu64
				  "K does not fit above the kernel in %" PRIu64
				  "M of memory; type at least: -m %" PRIu64 "M",
				  initrd->path, initrd->size >> 10, memory->size >> 20,
				  (need + 0xfffff) >> 20);
	return diag_error("%s: an initrd of %" PRIu64
			  "K is too large for any -m: it must lie from %#" PRIx64 " to %#" PRIx64,
			  initrd->path, initrd->size >> 10, kernel_end,
			  limit < LAYOUT_PCI_HOLE ? limit : LAYOUT_PCI_HOLE - 1);
}

int load_initrd(const struct guest_memory *memory, const struct load_request *request,
		uint64_t kernel_end, uint64_t limit, struct span *initrd)
{
	const struct image *image = request->initrd;
	uint64_t top = memory->low_size;

	*initrd = (struct span){ 0, 0 };
	if (!image || !image->size)
		return 0;
	kernel_end = (kernel_end + PAGE_MASK) & ~PAGE_MASK;
	if (kernel_end < LAYOUT_HIGH_MEMORY)
		kernel_end = LAYOUT_HIGH_MEMORY;
	if (top - 1 > limit)
		top = limit + 1;
	if (image->size > top || kernel_end > ((top - image->size) & ~PAGE_MASK))
		return initrd_too_large(memory, image, kernel_end, limit);

	initrd->gpa = (top - image->size) & ~PAGE_MASK;
	initrd->size = image->size;
	return image_read(image, 0, memory_hva(memory, initrd->gpa, initrd->size), initrd->size,
			  "the initrd");
}

static int unknown_kernel(const struct image *kernel, const uint8_t *head, uint64_t size)
{
	char bytes[3 * 4 + 1] = "";

	if (!size)
		return diag_error("%s: the file is empty; expected a kernel", kernel->path);
	for (unsigned int i = 0; i < 4 && i < size; i++)
		snprintf(bytes + 3 * i, sizeof(bytes) - 3 * i, " %02x", head[i]);
	return diag_error("%s: not a kernel: at offset 0 is%s, expected the 7f 45 4c 46 of an ELF "
			  "file; at offset 0x202 \"HdrS\" of a Linux bzImage is missing too",
			  kernel->path, bytes);
}

int load_kernel(const struct guest_memory *memory, const struct load_request *request,
		struct boot_state *boot)
{
	_Alignas(4) uint8_t head[HEAD_SIZE];
	uint64_t size = request->kernel->size < HEAD_SIZE ? request->kernel->size : HEAD_SIZE;

	if (image_read(request->kernel, 0, head, size, "the start of a kernel"))
		return -1;
	if (load_bzimage_probe(head, size))
		return load_bzimage(memory, request, boot);
	if (load_multiboot_probe(head, size))
		return load_multiboot(memory, request, boot);
	if (size >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG))
		return load_elf(memory, request, boot);
	return unknown_kernel(request->kernel, head, size);
}
