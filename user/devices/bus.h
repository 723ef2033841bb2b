/* SPDX-License-Identifier: GPL-2.0-only */
/* An I/O bus (port I/O or MMIO): it finds the device at an address. */
#ifndef ORIEL_BUS_H
#define ORIEL_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_MAX_RANGES 32

/*
 * Registers of a device. Any vCPU thread calls @read and @write, several at once.
 */
struct bus_range {
	const char *name; /* for messages */
	uint64_t base; /* first address */
	uint64_t size; /* in bytes */
	/*
	 * Widest access that the device takes, in bytes (1, 2, 4 or 8); the bus splits wider
	 * accesses.
	 */
	unsigned int width;
	/*
	 * Returns the value of the register at @base + offset. The length is at most @width, and
	 * the access lies within the range. NULL: reads are all ones.
	 */
	uint64_t (*read)(void *device, uint64_t offset, unsigned int len);
	/* Writes a register, with the same bounds. NULL: writes are ignored. */
	void (*write)(void *device, uint64_t offset, uint64_t value, unsigned int len);
	void *device; /* argument of @read and @write */
};

/*
 * An address space of devices.
 * The bus is filled before the vCPUs run and constant from then on, so look-ups take no lock.
 */
struct bus {
	const char *name; /* "port" or "MMIO", for messages */
	uint64_t limit; /* last valid address, 0xffff for ports */
	unsigned int count;
	struct bus_range ranges[BUS_MAX_RANGES]; /* sorted by base; no two overlap */
};

void bus_init(struct bus *bus, const char *name, uint64_t limit);

/*
 * Add a copy of @range. Fails if the range is empty, overlaps another one or ends after the bus, if
 * the width is not 1, 2, 4 or 8, and if the bus is full.
 */
int bus_register(struct bus *bus, const struct bus_range *range);

/*
 * Read or write 1 to 8 bytes, little endian, for a guest. Any vCPU thread. An access that
 * crosses from one device to another is split. An address without a device reads as all ones, and
 * writes to it are lost.
 */
void bus_read(const struct bus *bus, uint64_t addr, uint8_t *data, unsigned int len);
void bus_write(const struct bus *bus, uint64_t addr, const uint8_t *data, unsigned int len);

#endif
