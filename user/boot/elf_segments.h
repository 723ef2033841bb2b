/* SPDX-License-Identifier: GPL-2.0-only */
/* The segments of an ELF kernel: they are checked, then copied into guest memory. */
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

/* An opened ELF kernel. */
struct elf_kernel {
	const struct image *image;
	Elf *elf;
	bool is_64bit; /* the file's ELF class is 64 */
	/* The entry in the file's header: physical or virtual, see elf_kernel_address(). */
	uint64_t entry;
	uint64_t end; /* first gpa after all segments */
	unsigned int count; /* number of @segments */
	/* The loadable segments, in the file's order. */
	struct elf_segment segments[ELF_MAX_SEGMENTS];
};

/* Read and check the headers. If this fails there is nothing to close. */
int elf_kernel_open(struct elf_kernel *kernel, const struct image *image);

void elf_kernel_close(struct elf_kernel *kernel);

/*
 * Copy the segments to their physical addresses. @memory is filled with zeros. Fails if a segment
 * does not lie in the guest's memory, or overlaps another one.
 */
int elf_kernel_load(const struct elf_kernel *kernel, const struct guest_memory *memory);

/*
 * Find the gpa of an address. It is physical if a segment has it as a physical address, else
 * virtual. Return: true if a segment contains it.
 */
bool elf_kernel_address(const struct elf_kernel *kernel, uint64_t address, uint64_t *gpa);

#endif
