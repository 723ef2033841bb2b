/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's memory: mapped here and laid out around the PCI hole. */
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

/**
 * struct guest_memory - all memory of one guest
 * @hva: where this process sees byte 0
 * @size: in bytes
 * @low_size: bytes at gpa 0; what is more lies from 4 GiB on
 * @fd: the memfd, or -1 for anonymous memory
 * @reservation: address space taken for @hva with its alignment and guards
 * @reservation_size: in bytes
 */
struct guest_memory {
	uint8_t *hva;
	uint64_t size;
	uint64_t low_size;
	int fd;
	void *reservation;
	size_t reservation_size;
};

enum memory_type {
	MEMORY_USABLE = 1, /* the numbers of e820, multiboot and PVH maps alike */
	MEMORY_RESERVED = 2,
};

struct memory_region {
	uint64_t gpa;
	uint64_t size;
	enum memory_type type;
};

#define MEMORY_MAP_MAX 6

/**
 * memory_parse_size() - read a size as a person writes it
 * @text: digits and K, M, G or T; a bare number is in MiB
 * @size: in bytes, on success
 *
 * Return: true when @text is a size that fits 64 bits.
 */
bool memory_parse_size(const char *text, uint64_t *size);

/**
 * memory_parse_huge_pages() - read the argument of --hugepages
 * @text: none, thp, 2M or 1G
 * @huge: set on success
 *
 * Return: true when @text is one of them.
 */
bool memory_parse_huge_pages(const char *text, enum huge_pages *huge);

/**
 * memory_create() - make a guest's memory, all zeros
 * @memory: storage of the caller
 * @size: in bytes
 * @huge: pages to ask the kernel for
 *
 * Return: 0, or -1 with the reason and what to type printed.
 */
int memory_create(struct guest_memory *memory, uint64_t size, enum huge_pages huge);

/**
 * memory_destroy() - give the memory back
 * @memory: as created; no vCPU runs any more
 */
void memory_destroy(struct guest_memory *memory);

/**
 * memory_hva() - a guest's bytes as seen from here
 * @memory: as created
 * @gpa: first byte
 * @len: in bytes
 *
 * Return: where they are, or NULL when not all of them are memory.
 */
void *memory_hva(const struct guest_memory *memory, uint64_t gpa, uint64_t len);

/**
 * memory_map() - what a firmware would say is where
 * @memory: as created
 * @map: room for MEMORY_MAP_MAX regions, filled in ascending order
 *
 * Return: how many regions were filled.
 */
unsigned int memory_map(const struct guest_memory *memory,
			struct memory_region map[MEMORY_MAP_MAX]);

#endif
