/* SPDX-License-Identifier: GPL-2.0-only */
/* Loads a kernel of any known type into a guest's memory. */
#ifndef ORIEL_LOAD_H
#define ORIEL_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/image.h"
#include "base/memory.h"

/**
 * struct load_request - what to load and what to tell the kernel
 * @kernel: the kernel's file
 * @initrd: the initial RAM disk (multiboot: the first module), or NULL
 * @cmdline: the kernel command line
 * @rsdp: gpa of the ACPI RSDP
 */
struct load_request {
	const struct image *kernel;
	const struct image *initrd;
	const char *cmdline;
	uint64_t rsdp;
};

enum boot_mode {
	BOOT_PROTECTED, /* 32-bit protected mode, paging off */
	BOOT_LONG, /* 64-bit mode, the first 4 GiB mapped to themselves */
};

/**
 * struct boot_state - how the first vCPU starts
 * @mode: of the CPU
 * @rip: first instruction (gpa)
 * @rax: as the boot protocol wants it
 * @rbx: as the boot protocol wants it
 * @rsi: as the boot protocol wants it
 */
struct boot_state {
	enum boot_mode mode;
	uint64_t rip;
	uint64_t rax;
	uint64_t rbx;
	uint64_t rsi;
};

/**
 * struct span - bytes of guest memory
 * @gpa: first byte, 0 with @size 0 for none
 * @size: in bytes
 */
struct span {
	uint64_t gpa;
	uint64_t size;
};

/**
 * load_kernel() - find out the kernel's type and load it
 * @memory: zeroed memory of the guest
 * @request: files and strings
 * @boot: filled on success
 *
 * Return: 0, or -1 with file, offset and expectation printed.
 */
int load_kernel(const struct guest_memory *memory, const struct load_request *request,
		struct boot_state *boot);

/**
 * load_initrd() - put the initrd as high as it may lie
 * @memory: of the guest
 * @request: says which file; without one @initrd is empty
 * @kernel_end: first gpa after the kernel
 * @limit: last gpa that the kernel can reach for its initrd
 * @initrd: where it was put
 *
 * Return: 0, or -1 with how much memory would do printed.
 */
int load_initrd(const struct guest_memory *memory, const struct load_request *request,
		uint64_t kernel_end, uint64_t limit, struct span *initrd);

/**
 * load_cmdline() - put the command line where the boot protocols point to
 * @memory: of the guest
 * @request: says which
 * @limit: longest line that the kernel takes, in bytes without the final NUL
 *
 * Return: 0, or -1 with the reason printed.
 */
int load_cmdline(const struct guest_memory *memory, const struct load_request *request,
		 uint64_t limit);

/**
 * load_is_free() - may a kernel be loaded there
 * @gpa: first byte
 * @size: in bytes, any value
 *
 * Return: true when the range wraps nowhere and avoids the boot data, ACPI and
 * what a PC reserves below 1 MiB. Whether it is memory is not looked at.
 */
bool load_is_free(uint64_t gpa, uint64_t size);

/**
 * load_bzimage_probe() - is it a Linux bzImage
 * @head: the first bytes of the file
 * @size: how many
 *
 * Return: true when the setup header's magic is there.
 */
bool load_bzimage_probe(const uint8_t *head, uint64_t size);

/**
 * load_bzimage() - load a bzImage by the 64-bit boot protocol
 * @memory: zeroed memory of the guest
 * @request: files and strings
 * @boot: filled on success
 *
 * Return: 0, or -1 with the reason printed.
 */
int load_bzimage(const struct guest_memory *memory, const struct load_request *request,
		 struct boot_state *boot);

/**
 * load_elf() - load an ELF kernel: by its PVH note, else at its 64-bit entry
 * @memory: zeroed memory of the guest
 * @request: files and strings
 * @boot: filled on success
 *
 * Return: 0, or -1 with the reason printed.
 */
int load_elf(const struct guest_memory *memory, const struct load_request *request,
	     struct boot_state *boot);

/**
 * load_multiboot_probe() - is it a multiboot 1 kernel
 * @head: the first bytes of the file, aligned to 4
 * @size: how many
 *
 * Return: true when a multiboot header with a good checksum is in the first 8 KiB.
 */
bool load_multiboot_probe(const uint8_t *head, uint64_t size);

/**
 * load_multiboot() - load an ELF kernel with a multiboot 1 header
 * @memory: zeroed memory of the guest
 * @request: files and strings
 * @boot: filled on success
 *
 * Return: 0, or -1 with the reason printed.
 */
int load_multiboot(const struct guest_memory *memory, const struct load_request *request,
		   struct boot_state *boot);

#endif
