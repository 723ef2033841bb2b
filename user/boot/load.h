/* SPDX-License-Identifier: GPL-2.0-only */
/* Loads a kernel of any known type into a guest's memory. */
#ifndef ORIEL_LOAD_H
#define ORIEL_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/image.h"
#include "base/memory.h"

/* The files to load, and the data for their kernel. */
struct load_request {
	const struct image *kernel;
	/* The initial RAM disk (multiboot: the first module), or NULL. */
	const struct image *initrd;
	const char *cmdline;
	uint64_t rsdp; /* gpa of the ACPI RSDP */
};

enum boot_mode {
	BOOT_PROTECTED, /* 32-bit protected mode, paging off */
	BOOT_LONG, /* 64-bit mode, the first 4 GiB identity-mapped */
};

/* The state in which the first vCPU enters the kernel. */
struct boot_state {
	enum boot_mode mode;
	uint64_t rip; /* gpa of the first instruction */
	uint64_t rax; /* value for the boot protocol */
	uint64_t rbx; /* value for the boot protocol */
	uint64_t rsi; /* value for the boot protocol */
};

/* A range of guest memory; @size is 0 if there is none. */
struct span {
	uint64_t gpa;
	uint64_t size;
};

/*
 * Find out the kernel's type, load it into @memory, which is filled with zeros, and fill @boot.
 * Each error of a loader names the file, the offset and the data that was expected there.
 */
int load_kernel(const struct guest_memory *memory, const struct load_request *request,
		struct boot_state *boot);

/* For the loaders of the kernel types: */

/*
 * Load the initrd as high in memory as possible: above @kernel_end, the first gpa after the
 * kernel, and up to @limit, the last gpa that the kernel can reach. Without an initrd @initrd
 * is empty. If memory is too small, the error names a size that is enough.
 */
int load_initrd(const struct guest_memory *memory, const struct load_request *request,
		uint64_t kernel_end, uint64_t limit, struct span *initrd);

/*
 * Write the command line to LAYOUT_CMDLINE. The kernel takes at most @limit bytes, without
 * the NUL at the end.
 */
int load_cmdline(const struct guest_memory *memory, const struct load_request *request,
		 uint64_t limit);

/*
 * Return: true if a kernel may lie in this range: it does not wrap round, and avoids the boot
 * data, the ACPI tables and the reserved areas below 1 MiB. It need not be memory.
 */
bool load_is_free(uint64_t gpa, uint64_t size);

/*
 * Return: true if @head, the first @size bytes of a file, has the magic of a bzImage's
 * setup header.
 */
bool load_bzimage_probe(const uint8_t *head, uint64_t size);

/* Load a bzImage by the 64-bit boot protocol. */
int load_bzimage(const struct guest_memory *memory, const struct load_request *request,
		 struct boot_state *boot);

/* Load an ELF kernel that starts at the entry of its PVH note or else at its 64-bit entry. */
int load_elf(const struct guest_memory *memory, const struct load_request *request,
	     struct boot_state *boot);

/*
 * Return: true if a multiboot header with a good checksum is in the first 8 KiB. @head, the
 * first @size bytes of the file, is aligned to 4.
 */
bool load_multiboot_probe(const uint8_t *head, uint64_t size);

/* Load an ELF kernel with a multiboot 1 header. */
int load_multiboot(const struct guest_memory *memory, const struct load_request *request,
		   struct boot_state *boot);

#endif
