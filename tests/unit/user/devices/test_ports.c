// SPDX-License-Identifier: GPL-2.0-only
/* The small devices on ports: power-off, reset, PCI, exit status, progress code. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>

#include "devices/acpi_pm.h"
#include "devices/bus.h"
#include "devices/debug_ports.h"
#include "base/diag.h"
#include "devices/i8042.h"
#include "devices/pci.h"
#include "base/stop.h"

static struct bus bus;
static struct stop stop;
static struct acpi_pm pm;
static struct i8042 keyboard;
static struct pci pci;
static struct debug_ports debug;
static atomic_uint code;
static FILE *null;

static const struct device_host host = {
	.ports = &bus,
	.stop = &stop,
	.progress_code = &code,
	.exit_port = 0xf4,
};

static int setup(void **state)
{
	(void)state;
	null = fopen("/dev/null", "w");
	diag_set_stream(null);
	bus_init(&bus, "port", 0xffff);
	return stop_init(&stop) || acpi_pm_create(&pm, &host) || i8042_create(&keyboard, &host) ||
	       pci_create(&pci, &host) || debug_ports_create(&debug, &host);
}

static int teardown(void **state)
{
	(void)state;
	stop_destroy(&stop);
	diag_set_stream(NULL);
	fclose(null);
	return 0;
}

static uint32_t in(uint16_t port, unsigned int len)
{
	uint8_t bytes[4] = { 0 };

	bus_read(&bus, port, bytes, len);
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static void out(uint16_t port, uint32_t value, unsigned int len)
{
	const uint8_t bytes[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
				   (uint8_t)(value >> 24) };

	bus_write(&bus, port, bytes, len);
}

static void test_power_off(void **state)
{
	(void)state;
	assert_int_equal(in(0x604, 2), 1);
	out(0x604, 5 << 10, 2);
	assert_int_equal(in(0x604, 2), 5 << 10 | 1);
	assert_int_equal(stop_requested(&stop), -1);
	/* There is no other sleeping state. */
	out(0x604, 1 << 10 | 1 << 13, 2);
	assert_int_equal(stop_requested(&stop), -1);
	assert_int_equal(in(0x604, 2), 1 << 10 | 1);
	out(0x604, 5 << 10 | 1 << 13, 2);
	assert_int_equal(stop_requested(&stop), EXIT_STATUS_POWER_OFF);
}

static void test_event_block(void **state)
{
	(void)state;
	assert_int_equal(in(0x600, 2), 0);
	out(0x602, 0x120, 2);
	assert_int_equal(in(0x602, 2), 0x120);
	assert_int_equal(in(0x600, 2), 0);
	out(0x600, 0xffff, 2);
	assert_int_equal(in(0x600, 2), 0);
	assert_int_equal(in(0x600, 4), 0x01200000);
}

static void test_reset_register(void **state)
{
	(void)state;
	out(0xcf9, 0x02, 1);
	assert_int_equal(stop_requested(&stop), -1);
	out(0xcf8, 0x06, 1);
	assert_int_equal(stop_requested(&stop), -1);
	/* An access of four bytes to the same ports is CONFIG_ADDRESS. */
	out(0xcf8, 0x80000600, 4);
	assert_int_equal(stop_requested(&stop), -1);
	out(0xcf9, 0x06, 1);
	assert_int_equal(stop_requested(&stop), EXIT_STATUS_RESET);
}

static void test_keyboard_reset(void **state)
{
	(void)state;
	out(0x64, 0x20, 1);
	assert_int_equal(stop_requested(&stop), -1);
	out(0x64, 0xfe, 1);
	assert_int_equal(stop_requested(&stop), EXIT_STATUS_RESET);
}

static void test_keyboard_is_absent_at_once(void **state)
{
	(void)state;
	assert_int_equal(in(0x64, 1) & 3, 0);
	out(0x64, 0xaa, 1);
	assert_int_equal(in(0x64, 1) & 3, 1);
	assert_int_equal(in(0x60, 1), 0x55);
	assert_int_equal(in(0x64, 1) & 3, 0);
	out(0x64, 0xab, 1);
	assert_int_not_equal(in(0x60, 1), 0);
	out(0x60, 0xff, 1);
	assert_int_equal(in(0x64, 1) & 1, 0);
}

static void test_pci_bus(void **state)
{
	(void)state;
	out(0xcf8, 0x80000000, 4);
	assert_int_equal(in(0xcf8, 4), 0x80000000);
	assert_int_not_equal(in(0xcfc, 4), UINT32_MAX);
	out(0xcf8, 0x80000008, 4);
	assert_int_equal(in(0xcfe, 2), 0x0600);
	assert_int_equal(in(0xcff, 1), 0x06);
	out(0xcf8, 0x80000010, 4);
	out(0xcfc, UINT32_MAX, 4);
	assert_int_equal(in(0xcfc, 4), 0);
	/* The AGP capability is found by way of the status, the pointer and its identity. */
	out(0xcf8, 0x80000004, 4);
	assert_int_equal(in(0xcfe, 2) & 0x10, 0x10);
	out(0xcf8, 0x80000034, 4);
	assert_int_equal(in(0xcfc, 1), 0x40);
	out(0xcf8, 0x80000040, 4);
	assert_int_equal(in(0xcfc, 2), 0x0002);
	/* There are no other functions, devices and buses. */
	for (uint32_t bdf = 1; bdf < 0x10000; bdf++) {
		out(0xcf8, 0x80000000 | bdf << 8, 4);
		assert_int_equal(in(0xcfc, 4), UINT32_MAX);
	}
	out(0xcf8, 0, 4);
	assert_int_equal(in(0xcfc, 4), UINT32_MAX);
}

static void test_exit_port(void **state)
{
	(void)state;
	out(0xf4, 0x1234, 2);
	assert_int_equal(stop_requested(&stop), 0x34);
}

static void test_exit_port_refuses_a_device(void **state)
{
	struct device_host other = host;

	(void)state;
	bus_init(&bus, "port", 0xffff);
	assert_int_equal(i8042_create(&keyboard, &other), 0);
	other.exit_port = 0x64;
	assert_int_equal(debug_ports_create(&debug, &other), -1);
	bus_init(&bus, "port", 0xffff);
	other.exit_port = 0x80;
	assert_int_equal(debug_ports_create(&debug, &other), -1);
	bus_init(&bus, "port", 0xffff);
	other.exit_port = DEBUG_PORTS_NO_EXIT;
	assert_int_equal(debug_ports_create(&debug, &other), 0);
	assert_int_equal(bus.count, 1);
}

static void test_progress_code(void **state)
{
	(void)state;
	assert_int_equal(atomic_load(&code), DEBUG_PORTS_NO_CODE);
	out(0x80, 0xa5, 1);
	assert_int_equal(atomic_load(&code), 0xa5);
	assert_int_equal(in(0x80, 1), 0xff);
}

static void test_first_reason_wins(void **state)
{
	struct pollfd event = { .fd = stop.eventfd, .events = POLLIN };

	(void)state;
	assert_int_equal(poll(&event, 1, 0), 0);
	stop_request(&stop, 7);
	stop_request(&stop, EXIT_STATUS_POWER_OFF);
	assert_int_equal(stop_requested(&stop), 7);
	assert_int_equal(poll(&event, 1, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_power_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_event_block, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset_register, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keyboard_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keyboard_is_absent_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pci_bus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exit_port, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exit_port_refuses_a_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_progress_code, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_reason_wins, setup, teardown),
	};

	return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
