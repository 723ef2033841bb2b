// SPDX-License-Identifier: GPL-2.0-only
/*
 * A keyboard controller without a keyboard: a guest can reset the machine through it.
 *
 * According to the ACPI tables there is no controller, so kernels do not probe it. A guest that
 * probes it all the same need not wait: the input buffer is always empty, the controller passes
 * its self test, both ports fail theirs, and no device ever sends a byte.
 */
#include "devices/i8042.h"

#include "base/diag.h"

#define STATUS_OUTPUT_FULL 0x01U
#define STATUS_SYSTEM 0x04U
#define COMMAND_READ_CONFIG 0x20
#define COMMAND_TEST_PORT_2 0xa9
#define COMMAND_SELF_TEST 0xaa
#define COMMAND_TEST_PORT_1 0xab
#define COMMAND_READ_OUTPUT 0xd0
#define COMMAND_RESET 0xfe
#define CONFIG_PORTS_DISABLED 0x34
#define SELF_TEST_PASSED 0x55
#define PORT_CLOCK_STUCK 0x01
#define OUTPUT_A20_NO_RESET 0x03

/* The bit of @state that is set until the guest reads the output byte. */
#define STATE_FULL 0x100U

static void answer(struct i8042 *i8042, uint8_t byte)
{
	atomic_store(&i8042->state, STATE_FULL | byte);
}

static void command(struct i8042 *i8042, uint8_t code)
{
	switch (code) {
	case COMMAND_READ_CONFIG:
		answer(i8042, CONFIG_PORTS_DISABLED);
		break;
	case COMMAND_SELF_TEST:
		answer(i8042, SELF_TEST_PASSED);
		break;
	case COMMAND_TEST_PORT_1:
	case COMMAND_TEST_PORT_2:
		answer(i8042, PORT_CLOCK_STUCK);
		break;
	case COMMAND_READ_OUTPUT:
		answer(i8042, OUTPUT_A20_NO_RESET);
		break;
	case COMMAND_RESET:
		diag_note("the guest reset itself (keyboard controller)");
		stop_request(i8042->stop, EXIT_STATUS_RESET);
		break;
	default:
		break; /* settings of devices that do not exist */
	}
}

static uint64_t read_data(void *device, uint64_t offset, unsigned int len)
{
	struct i8042 *i8042 = device;

	(void)offset;
	(void)len;
	return atomic_fetch_and(&i8042->state, ~STATE_FULL) & 0xff;
}

static uint64_t read_status(void *device, uint64_t offset, unsigned int len)
{
	struct i8042 *i8042 = device;

	(void)offset;
	(void)len;
	return STATUS_SYSTEM | (atomic_load(&i8042->state) & STATE_FULL ? STATUS_OUTPUT_FULL : 0);
}

static void write_command(void *device, uint64_t offset, uint64_t value, unsigned int len)
{
	(void)offset;
	(void)len;
	command(device, (uint8_t)value);
}

int i8042_create(void *device, const struct device_host *host)
{
	struct i8042 *i8042 = device;
	const struct bus_range data = {
		.name = "keyboard data",
		.base = 0x60,
		.size = 1,
		.width = 1,
		.read = read_data,
		.device = i8042,
	};
	const struct bus_range control = {
		.name = "keyboard control",
		.base = 0x64,
		.size = 1,
		.width = 1,
		.read = read_status,
		.write = write_command,
		.device = i8042,
	};

	i8042->stop = host->stop;
	atomic_init(&i8042->state, 0);
	return bus_register(host->ports, &data) || bus_register(host->ports, &control) ? -1 : 0;
}
