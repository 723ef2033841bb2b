/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's memory: mapped into this process, and placed around the PCI hole. */
#ifndef ORIEL_MEMORY_H
#define ORIEL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum huge_pages {
	HUGE_PAGES_NONE,
	HUGE_PAGES_THP,
	HUGE_PAGES_2M,
	HUGE_PAGES_1G,
};

/* All memory of one guest. */
struct guest_memory {
	uint8_t *hva; /* address in this process of the byte at gpa 0 */
	uint64_t size;
	uint64_t low_size; /* bytes from gpa 0 on; the rest lies from 4 GiB on */
	int fd; /* the memfd, or -1 for anonymous memory */
	void *reservation; /* address space reserved for @hva, its alignment and its guard pages */
	size_t reservation_size; /* in bytes */
};

enum memory_type {
	MEMORY_USABLE = 1, /* the numbers are the same in e820, multiboot and PVH maps */
	MEMORY_RESERVED = 2,
};

struct memory_region {
	uint64_t gpa;
	uint64_t size;
	enum memory_type type;
};

#define MEMORY_MAP_MAX 6

/*
 * Read a size as a person writes it: digits and K, M, G or T; a number alone is in MiB.
 * Return: true if @text is a size of at most 64 bits; then @size is set, in bytes.
 */
bool memory_parse_size(const char *text, uint64_t *size);

/* Read the argument of --hugepages. Return: true when @text is none, thp, 2M or 1G. */
bool memory_parse_huge_pages(const char *text, enum huge_pages *huge);

/* Make a guest's memory, filled with zeros. An error also says what to type. */
int memory_create(struct guest_memory *memory, uint64_t size, enum huge_pages huge);

/* Call this when no vCPU runs any more. */
void memory_destroy(struct guest_memory *memory);

/* Return: the address in this process of @len bytes at @gpa, or NULL if not all are memory. */
void *memory_hva(const struct guest_memory *memory, uint64_t gpa, uint64_t len);

/*
 * Fill @map with the memory map that firmware would report, in ascending order.
 * Return: the number of regions.
 */
unsigned int memory_map(const struct guest_memory *memory,
			struct memory_region map[MEMORY_MAP_MAX]);

#endif
