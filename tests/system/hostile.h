/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers for tests that try what nobody would think of: the same each time, and among
 * them more of those where code goes wrong than chance would give.
 */
#ifndef ORIEL_HOSTILE_H
#define ORIEL_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rawvm.h"

/* Not 0. A thread has its own. */
static __thread uint32_t random_state = 1;

/* Marsaglia's xorshift32 */
static inline uint32_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* A sequence of its own for each of three numbers. */
static inline void start_numbers(uint32_t a, uint32_t b, uint32_t c)
{
	random_state = a * 2654435761u + b * 40503u + c * 2246822519u;
	random_state = random_state ? random_state : 1;
	/* Neighbours are alike at first. */
	for (a = 0; a < 8; a++)
		random_number();
}

static inline uint32_t below(uint32_t limit)
{
	return random_number() % limit;
}

static inline bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* Edges of types, of address spaces and of what KVM counts; ports, MSRs, addresses. */
static inline uint64_t edge_number(void)
{
	static const uint64_t edges[] = {
		0,	     1,		 2,	     3,		 4,
		8,	     0xf,	 0x10,	     0x1f,	 0x20,
		0x21,	     0x3f,	 0x40,	     0x60,	 0x7f,
		0x80,	     0xff,	 0x100,	     0x101,	 0x3ff,
		0x400,	     0xfff,	 0x1000,     0x1001,	 0x7fff,
		0x8000,	     0xffff,	 0x10000,    0x200000,	 0x7fffffff,
		0x80000000,  0xfec00000, 0xfee00000, 0xfee00900, 0xfee00c00,
		0xfffffffe,  0xffffffff, 1ull << 32, 1ull << 36, (1ull << 47) - 1,
		1ull << 47,  1ull << 51, 1ull << 52, 1ull << 62, 1ull << 63,
		-1ull << 47, -4096ull,	 -1ull,	     0x10,	 0x1b,
		0x3a,	     0x174,	 0x1a0,	     0x277,	 0x2ff,
		0x400,	     0x6e0,	 0x802,	     0x830,	 0x4b564d01,
		0xc0000080,  0xc0000082, 0xc0000102, 0xc0000103, 0xc0010114,
		0xc0010117,
	};

	return edges[below(ARRAY_SIZE(edges))];
}

static inline uint64_t odd_number(void)
{
	switch (below(4)) {
	case 0:
		return (uint64_t)random_number() << 32 | random_number();
	case 1:
		return 1ull << below(64);
	default:
		return edge_number();
	}
}

/* One number in it becomes another, or one bit. */
static inline void spoil_once(void *memory, size_t size)
{
	size_t width = 1u << below(4);
	size_t at = below(size) & ~(width - 1);
	uint64_t number = 0;

	if (at + width > size)
		return;
	if (one_in(3)) {
		memcpy(&number, (uint8_t *)memory + at, width);
		number ^= 1ull << below(8 * width);
	} else {
		number = odd_number();
	}
	memcpy((uint8_t *)memory + at, &number, width);
}

static inline void spoil(void *memory, size_t size)
{
	uint32_t times = 1 + below(4);

	while (times--)
		spoil_once(memory, size);
}

static inline void fill_randomly(void *memory, size_t size)
{
	uint8_t *byte = memory;

	while (size--)
		*byte++ = random_number();
}

#endif
