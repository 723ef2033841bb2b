/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of ports and guest-physical addresses, in which a binary search finds the target of a
 * guest's write. Ports come first, then addresses, each in ascending order. An entry begins with
 * its struct io_address.
 */
#ifndef ORIEL_IRQ_BY_ADDRESS_H
#define ORIEL_IRQ_BY_ADDRESS_H

#include <linux/string.h>
#include <linux/types.h>

struct io_address {
	u64 addr; /* a port if @pio, else a guest-physical address */
	bool pio;
};

/* Return how many of @nr entries, of @size bytes each, are at or before @at. */
static inline u32 by_address_upto(const void *table, u32 nr, size_t size, struct io_address at)
{
	u32 low = 0, high = nr;

	while (low < high) {
		u32 middle = low + (high - low) / 2;
		const struct io_address *entry = table + middle * size;

		if (entry->pio != at.pio ? entry->pio : entry->addr <= at.addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Copy the @nr entries of @from to @to, and insert @new behind those that have its address. */
static inline void by_address_insert(void *to, const void *from, u32 nr, size_t size,
				     const void *new)
{
	size_t before = by_address_upto(from, nr, size, *(const struct io_address *)new) * size;

	memcpy(to + before, new, size);
	if (nr) {
		memcpy(to, from, before);
		memcpy(to + before + size, from + before, nr * size - before);
	}
}

#endif
