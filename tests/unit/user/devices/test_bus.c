// SPDX-License-Identifier: GPL-2.0-only
/* The bus: look-up of devices, ranges that are refused, splitting of accesses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "devices/bus.h"
#include "base/diag.h"

#define MAX_CALLS 16

/* A device that records its accesses. The bytes that it returns count up from its seed. */
struct recorder {
	uint8_t seed;
	unsigned int calls;
	struct {
		uint64_t offset;
		uint64_t value;
		unsigned int len;
	} call[MAX_CALLS];
};

static void note(struct recorder *r, uint64_t offset, uint64_t value, unsigned int len)
{
	assert_true(r->calls < MAX_CALLS);
	r->call[r->calls].offset = offset;
	r->call[r->calls].value = value;
	r->call[r->calls].len = len;
	r->calls++;
}

static uint64_t recorder_read(void *device, uint64_t offset, unsigned int len)
{
	struct recorder *r = device;
	uint64_t value = 0;

	for (unsigned int i = 0; i < len; i++)
		value |= (uint64_t)(uint8_t)(r->seed + offset + i) << (8 * i);
	note(r, offset, value, len);
	/* The bits above the access are set: the bus must not pass them to the guest. */
	return len == 8 ? value : value | UINT64_MAX << (8 * len);
}

static void recorder_write(void *device, uint64_t offset, uint64_t value, unsigned int len)
{
	note(device, offset, value, len);
}

static struct bus_range range(struct recorder *r, uint64_t base, uint64_t size, unsigned int width)
{
	return (struct bus_range){
		.name = "recorder",
		.base = base,
		.size = size,
		.width = width,
		.read = recorder_read,
		.write = recorder_write,
		.device = r,
	};
}

static int add(struct bus *bus, struct recorder *r, uint64_t base, uint64_t size,
	       unsigned int width)
{
	struct bus_range it = range(r, base, size, width);

	return bus_register(bus, &it);
}

static struct bus bus;
static struct recorder a, b;
static FILE *null;

static int setup(void **state)
{
	(void)state;
	null = fopen("/dev/null", "w");
	diag_set_stream(null);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.seed = 0x10;
	b.seed = 0x80;
	bus_init(&bus, "test", 0xffff);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	diag_set_stream(NULL);
	fclose(null);
	return 0;
}

static void test_overlaps_are_refused(void **state)
{
	(void)state;
	assert_int_equal(add(&bus, &a, 0x100, 0x10, 1), 0);
	assert_int_equal(add(&bus, &b, 0x100, 0x10, 1), -1);
	assert_int_equal(add(&bus, &b, 0x10f, 1, 1), -1);
	assert_int_equal(add(&bus, &b, 0xff, 2, 1), -1);
	assert_int_equal(add(&bus, &b, 0x108, 0x100, 1), -1);
	assert_int_equal(add(&bus, &b, 0x104, 1, 1), -1);
	assert_int_equal(add(&bus, &b, 0, 0x10000, 1), -1);
	assert_int_equal(bus.count, 1);
	assert_int_equal(add(&bus, &b, 0xf0, 0x10, 1), 0);
	assert_int_equal(add(&bus, &b, 0x110, 0x10, 1), 0);
}

static void test_bad_ranges_are_refused(void **state)
{
	(void)state;
	assert_int_equal(add(&bus, &a, 0x100, 0, 1), -1);
	assert_int_equal(add(&bus, &a, 0xffff, 2, 1), -1);
	assert_int_equal(add(&bus, &a, 0x10000, 1, 1), -1);
	assert_int_equal(add(&bus, &a, 0x100, UINT64_MAX, 1), -1);
	assert_int_equal(add(&bus, &a, 0x100, 1, 0), -1);
	assert_int_equal(add(&bus, &a, 0x100, 1, 3), -1);
	assert_int_equal(add(&bus, &a, 0x100, 1, 16), -1);
	assert_int_equal(bus.count, 0);
	assert_int_equal(add(&bus, &a, 0xffff, 1, 1), 0);
}

static void test_full_bus_is_refused(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < BUS_MAX_RANGES; i++)
		assert_int_equal(add(&bus, &a, 0x1000 - i * 0x10, 0x10, 1), 0);
	assert_int_equal(add(&bus, &b, 0x2000, 1, 1), -1);
	for (unsigned int i = 1; i < BUS_MAX_RANGES; i++)
		assert_true(bus.ranges[i - 1].base < bus.ranges[i].base);
}

static void test_whole_address_space(void **state)
{
	uint8_t data[8];

	(void)state;
	bus_init(&bus, "test", UINT64_MAX);
	assert_int_equal(add(&bus, &a, UINT64_MAX - 3, 4, 4), 0);
	bus_read(&bus, UINT64_MAX - 3, data, 8);
	assert_int_equal(data[0], 0x10);
	assert_int_equal(data[3], 0x13);
	assert_int_equal(data[4], 0xff);
	assert_int_equal(data[7], 0xff);
}

static void test_unclaimed_reads_are_ones(void **state)
{
	uint8_t data[8] = { 0 };

	(void)state;
	bus_read(&bus, 0x55, data, 8);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(data[i], 0xff);
	bus_write(&bus, 0x55, data, 8);
}

static void test_write_only_device(void **state)
{
	struct bus_range it = range(&a, 0x80, 1, 1);
	uint8_t byte = 0;

	(void)state;
	it.read = NULL;
	assert_int_equal(bus_register(&bus, &it), 0);
	bus_read(&bus, 0x80, &byte, 1);
	assert_int_equal(byte, 0xff);
	it = range(&b, 0x81, 1, 1);
	it.write = NULL;
	assert_int_equal(bus_register(&bus, &it), 0);
	bus_write(&bus, 0x81, &byte, 1);
	assert_int_equal(b.calls, 0);
}

static void test_wide_access_is_one(void **state)
{
	const uint8_t out[4] = { 1, 2, 3, 4 };
	uint8_t in[4];

	(void)state;
	assert_int_equal(add(&bus, &a, 0xcf8, 8, 4), 0);
	bus_write(&bus, 0xcfc, out, 4);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.call[0].offset, 4);
	assert_int_equal(a.call[0].len, 4);
	assert_int_equal(a.call[0].value, 0x04030201);
	bus_read(&bus, 0xcf8, in, 4);
	assert_int_equal(a.calls, 2);
	assert_int_equal(in[0], 0x10);
	assert_int_equal(in[3], 0x13);
}

static void test_narrow_device_splits(void **state)
{
	const uint8_t out[4] = { 1, 2, 3, 4 };

	(void)state;
	assert_int_equal(add(&bus, &a, 0x3f8, 8, 1), 0);
	bus_write(&bus, 0x3fa, out, 4);
	assert_int_equal(a.calls, 4);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(a.call[i].offset, 2 + i);
		assert_int_equal(a.call[i].len, 1);
		assert_int_equal(a.call[i].value, i + 1);
	}
}

static void test_access_across_devices(void **state)
{
	uint8_t in[8];

	(void)state;
	assert_int_equal(add(&bus, &a, 0x10, 3, 4), 0);
	assert_int_equal(add(&bus, &b, 0x14, 2, 2), 0);
	bus_read(&bus, 0x0f, in, 8);
	assert_int_equal(in[0], 0xff);
	assert_int_equal(in[1], 0x10);
	assert_int_equal(in[2], 0x11);
	assert_int_equal(in[3], 0x12);
	assert_int_equal(in[4], 0xff);
	assert_int_equal(in[5], 0x80);
	assert_int_equal(in[6], 0x81);
	assert_int_equal(in[7], 0xff);
	/* Three bytes are read as a word and a byte, and not beyond the end of the device. */
	assert_int_equal(a.calls, 2);
	assert_int_equal(a.call[0].len, 2);
	assert_int_equal(a.call[1].len, 1);
	assert_int_equal(b.calls, 1);
}

static void test_last_port(void **state)
{
	uint8_t in[4];

	(void)state;
	assert_int_equal(add(&bus, &a, 0xffff, 1, 1), 0);
	bus_read(&bus, 0xfffe, in, 4);
	assert_int_equal(in[0], 0xff);
	assert_int_equal(in[1], 0x10);
	assert_int_equal(in[2], 0xff);
	assert_int_equal(a.calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_overlaps_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_ranges_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_bus_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whole_address_space, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unclaimed_reads_are_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_only_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wide_access_is_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_narrow_device_splits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_access_across_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last_port, setup, teardown),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
