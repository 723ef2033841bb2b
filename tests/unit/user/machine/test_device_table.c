// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of devices: all of its rows together on one bus. The address sanitizer finds a
 * row with the size of another device.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "base/diag.h"
#include "devices/debug_ports.h"
#include "devices/serial.h"
#include "machine/device_table.h"

static struct bus ports;
static struct stop stop;
static struct event_loop loop;
static struct guest_memory memory = { .size = 64 << 20, .low_size = 64 << 20 };
static struct serial_link serial_link;
static atomic_uint progress_code;
static FILE *null;
static int free_descriptor;

static void set_irq(void *context, unsigned int irq, bool level)
{
	(void)context;
	(void)irq;
	(void)level;
}

static const struct device_host host = {
	.ports = &ports,
	.stop = &stop,
	.loop = &loop,
	.memory = &memory,
	.set_irq = set_irq,
	.serial_link = &serial_link,
	.progress_code = &progress_code,
	.exit_port = DEBUG_PORTS_NO_EXIT,
};

static int lowest_free_descriptor(void)
{
	int fd = dup(STDOUT_FILENO);

	close(fd);
	return fd;
}

static int setup(void **state)
{
	(void)state;
	null = fopen("/dev/null", "w");
	diag_set_stream(null);
	bus_init(&ports, "port", 0xffff);
	loop.count = 0;
	if (stop_init(&stop))
		return -1;
	free_descriptor = lowest_free_descriptor();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stop_destroy(&stop);
	diag_set_stream(NULL);
	fclose(null);
	return 0;
}

/* Write and read every port, as a guest that probes does. */
static void test_all_devices(void **state)
{
	struct device_table *table = device_table_create(&host);
	uint8_t byte = 0;

	(void)state;
	assert_non_null(table);
	assert_non_null(serial_link.serial);
	for (uint32_t port = 0; port <= 0xffff; port++) {
		if (port < 0x3f8 || port > 0x3ff) /* the console's end is not there */
			bus_write(&ports, port, &byte, 1);
		bus_read(&ports, port, &byte, 1);
	}
	device_table_destroy(table);
	assert_int_equal(lowest_free_descriptor(), free_descriptor);
}

/* When one device fails, those that were created before it are destroyed. */
static void test_failure(void **state)
{
	struct device_host other = host;

	(void)state;
	other.exit_port = 0x3f8; /* the serial port's */
	assert_null(device_table_create(&other));

	bus_init(&ports, "port", 0xffff);
	loop.count = EVENT_LOOP_MAX;
	assert_null(device_table_create(&host));
	assert_int_equal(lowest_free_descriptor(), free_descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
	};

	return cmocka_run_group_tests_name("device_table", tests, NULL, NULL);
}
