/* SPDX-License-Identifier: GPL-2.0-only */
/* The segments of an ELF kernel: checked, then copied into guest memory. */
#ifndef ORIEL_ELF_SEGMENTS_H
#define ORIEL_ELF_SEGMENTS_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

#include "boot/image.h"
#include "base/memory.h"

#define ELF_MAX_SEGMENTS 32

struct elf_segment {
	uint64_t gpa;
	uint64_t gva;
	uint64_t offset;
	uint64_t file_size;
	uint64_t memory_size;
};

/**
 * struct elf_kernel - an opened ELF kernel
 * @image: its file
 * @elf: libelf's handle
 * @is_64bit: ELF class
 * @entry: as the header says it
 * @end: first gpa after all segments
 * @count: segments in use
 * @segments: the loadable ones, in the file's order
 */
struct elf_kernel {
	const struct image *image;
	Elf *elf;
	bool is_64bit;
	uint64_t entry;
	uint64_t end;
	unsigned int count;
	struct elf_segment segments[ELF_MAX_SEGMENTS];
};

/**
 * elf_kernel_open() - read and check the headers of an ELF kernel
 * @kernel: storage of the caller
 * @image: its file
 *
 * Return: 0, or -1 with file, offset and expectation printed; then there is
 * nothing to close.
 */
int elf_kernel_open(struct elf_kernel *kernel, const struct image *image);

/**
 * elf_kernel_close() - forget the file's headers
 * @kernel: as opened
 */
void elf_kernel_close(struct elf_kernel *kernel);

/**
 * elf_kernel_load() - copy the segments to their physical addresses
 * @kernel: as opened
 * @memory: zeroed memory of the guest
 *
 * Return: 0, or -1 with the reason printed: a segment that is no memory, lies
 * where a PC has none, or overlaps another.
 */
int elf_kernel_load(const struct elf_kernel *kernel, const struct guest_memory *memory);

/**
 * elf_kernel_address() - where an address of the kernel lies in memory
 * @kernel: as opened
 * @address: physical, or else virtual by its segment
 * @gpa: set on success
 *
 * Return: true when a segment holds it.
 */
bool elf_kernel_address(const struct elf_kernel *kernel, uint64_t address, uint64_t *gpa);

#endif
