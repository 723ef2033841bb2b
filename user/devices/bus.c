// SPDX-License-Identifier: GPL-2.0-only
/* An I/O bus (port I/O or MMIO): it finds the device at an address. */
#include "devices/bus.h"

#include "base/diag.h"

#include <inttypes.h>
#include <string.h>

void bus_init(struct bus *bus, const char *name, uint64_t limit)
{
	memset(bus, 0, sizeof(*bus));
	bus->name = name;
	bus->limit = limit;
}

static bool valid_width(unsigned int width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

/* Return: the index of the first range that ends at or after @addr, or the count. */
static unsigned int bus_search(const struct bus *bus, uint64_t addr)
{
	unsigned int low = 0, high = bus->count;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;
		const struct bus_range *range = &bus->ranges[mid];

		if (range->base + (range->size - 1) < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int bus_register(struct bus *bus, const struct bus_range *range)
{
	uint64_t last = range->base + (range->size - 1);
	unsigned int at;

	if (!range->size || last < range->base || last > bus->limit)
		return diag_error("%s: bad %s range %#" PRIx64 "+%#" PRIx64, range->name, bus->name,
				  range->base, range->size);
	if (!valid_width(range->width))
		return diag_error("%s: bad access width %u", range->name, range->width);

	at = bus_search(bus, range->base);
	if (at < bus->count && bus->ranges[at].base <= last)
		return diag_error("%s: %s range %#" PRIx64 "-%#" PRIx64 " overlaps %s at %#" PRIx64
				  "-%#" PRIx64,
				  range->name, bus->name, range->base, last, bus->ranges[at].name,
				  bus->ranges[at].base,
				  bus->ranges[at].base + (bus->ranges[at].size - 1));
	if (bus->count == BUS_MAX_RANGES)
		return diag_error("%s: the %s bus is full (%u devices)", range->name, bus->name,
				  bus->count);

	memmove(&bus->ranges[at + 1], &bus->ranges[at], (bus->count - at) * sizeof(bus->ranges[0]));
	bus->ranges[at] = *range;
	bus->count++;
	return 0;
}

/*
 * Return: the range at @addr, or NULL. @chunk becomes the number of bytes, out of @len, that its
 * device takes in one access: a power of two, at most its width. Without a device it becomes 1,
 * because the next byte may be a device's.
 */
static const struct bus_range *bus_find(const struct bus *bus, uint64_t addr, unsigned int len,
					unsigned int *chunk)
{
	unsigned int at = bus_search(bus, addr);
	const struct bus_range *range;
	uint64_t room;

	*chunk = 1;
	if (at == bus->count || bus->ranges[at].base > addr)
		return NULL;

	range = &bus->ranges[at];
	room = range->size - (addr - range->base);
	while (*chunk * 2 <= len && *chunk * 2 <= range->width && *chunk * 2 <= room)
		*chunk *= 2;
	return range;
}

void bus_read(const struct bus *bus, uint64_t addr, uint8_t *data, unsigned int len)
{
	unsigned int done = 0, chunk;

	memset(data, 0xff, len);
	for (; done < len; done += chunk) {
		const struct bus_range *range = bus_find(bus, addr + done, len - done, &chunk);
		uint64_t value;

		if (!range || !range->read)
			continue;
		value = range->read(range->device, addr + done - range->base, chunk);
		for (unsigned int i = 0; i < chunk; i++)
			data[done + i] = (uint8_t)(value >> (8 * i));
	}
}

void bus_write(const struct bus *bus, uint64_t addr, const uint8_t *data, unsigned int len)
{
	unsigned int done = 0, chunk;

	for (; done < len; done += chunk) {
		const struct bus_range *range = bus_find(bus, addr + done, len - done, &chunk);
		uint64_t value = 0;

		if (!range || !range->write)
			continue;
		for (unsigned int i = 0; i < chunk; i++)
			value |= (uint64_t)data[done + i] << (8 * i);
		range->write(range->device, addr + done - range->base, value, chunk);
	}
}
