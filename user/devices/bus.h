/* SPDX-License-Identifier: GPL-2.0-only */
/* An I/O bus (port I/O or MMIO): which device answers an address. */
#ifndef ORIEL_BUS_H
#define ORIEL_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_MAX_RANGES 32

/**
 * struct bus_range - the registers of one device
 * @name: of the device, for messages
 * @base: first address
 * @size: in bytes
 * @width: widest access the device takes, in bytes (1, 2, 4 or 8); the bus
 *	splits wider ones
 * @read: returns the value of the register at @base + offset; @len is at most
 *	@width and the access lies within the range. NULL: reads are all ones
 * @write: stores to a register; NULL: writes are ignored
 * @device: handed to @read and @write
 */
struct bus_range {
	const char *name;
	uint64_t base;
	uint64_t size;
	unsigned int width;
	uint64_t (*read)(void *device, uint64_t offset, unsigned int len);
	void (*write)(void *device, uint64_t offset, uint64_t value, unsigned int len);
	void *device;
};

/**
 * struct bus - an address space of devices
 * @name: "port" or "MMIO", for messages
 * @limit: last valid address
 * @count: ranges in use
 * @ranges: sorted by base, disjoint
 *
 * Filled before the vCPUs run and constant from then on, so look-ups take no
 * lock.
 */
struct bus {
	const char *name;
	uint64_t limit;
	unsigned int count;
	struct bus_range ranges[BUS_MAX_RANGES];
};

/**
 * bus_init() - make an empty bus
 * @bus: storage of the caller
 * @name: for messages; not copied
 * @limit: last valid address (0xffff for ports)
 */
void bus_init(struct bus *bus, const char *name, uint64_t limit);

/**
 * bus_register() - let a device answer a range
 * @bus: as initialised; no vCPU runs yet
 * @range: copied
 *
 * Return: 0, or -1 with the reason printed: an empty range, one beyond the bus,
 * one that overlaps another device, a bad width, or a full bus.
 */
int bus_register(struct bus *bus, const struct bus_range *range);

/**
 * bus_read() - read as a guest does
 * @bus: as filled
 * @addr: address of the first byte
 * @data: where the bytes go, little endian; what no device claims is all ones
 * @len: in bytes, 1 to 8
 *
 * Any vCPU thread. An access that crosses from one device to another is split.
 */
void bus_read(const struct bus *bus, uint64_t addr, uint8_t *data, unsigned int len);

/**
 * bus_write() - write as a guest does
 * @bus: as filled
 * @addr: address of the first byte
 * @data: the bytes, little endian; what no device claims is lost
 * @len: in bytes, 1 to 8
 *
 * Any vCPU thread.
 */
void bus_write(const struct bus *bus, uint64_t addr, const uint8_t *data, unsigned int len);

#endif
