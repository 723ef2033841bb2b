// SPDX-License-Identifier: GPL-2.0-only
/* The table of devices, and one machine's devices: one for each row. */
#include "machine/device_table.h"

#include "base/diag.h"
#include "devices/acpi_pm.h"
#include "devices/debug_ports.h"
#include "devices/i8042.h"
#include "devices/pci.h"
#include "devices/rtc.h"
#include "devices/serial.h"

#include <stdlib.h>

/* To add a device, write its file in devices/ and its row here. */
static const struct device_class devices[] = {
	{ "serial port", sizeof(struct serial), serial_create, NULL },
	{ "real-time clock", sizeof(struct rtc), rtc_create, rtc_destroy },
	{ "keyboard controller", sizeof(struct i8042), i8042_create, NULL },
	{ "ACPI power management", sizeof(struct acpi_pm), acpi_pm_create, NULL },
	{ "PCI host bridge", sizeof(struct pci), pci_create, NULL },
	/* The last row: if the exit port is a device's, the error is about the exit port. */
	{ "debug ports", sizeof(struct debug_ports), debug_ports_create, NULL },
};

#define DEVICE_COUNT (sizeof(devices) / sizeof(devices[0]))

/**
 * struct device_table - the devices of one machine
 * @created: number of devices created so far
 * @device: the struct of each row's device
 */
struct device_table {
	unsigned int created;
	void *device[DEVICE_COUNT];
};

static void *create_device(const struct device_class *class, const struct device_host *host)
{
	void *device = calloc(1, class->size);

	if (!device)
		diag_error("%s: no memory", class->name);
	else if (!class->create(device, host))
		return device;
	free(device);
	return NULL;
}

static void destroy_device(const struct device_class *class, void *device)
{
	if (class->destroy)
		class->destroy(device);
	free(device);
}

struct device_table *device_table_create(const struct device_host *host)
{
	struct device_table *table = calloc(1, sizeof(*table));

	if (!table) {
		diag_error("no memory for the devices");
		return NULL;
	}
	for (; table->created < DEVICE_COUNT; table->created++) {
		void *device = create_device(&devices[table->created], host);

		if (!device) {
			device_table_destroy(table);
			return NULL;
		}
		table->device[table->created] = device;
	}
	return table;
}

void device_table_destroy(struct device_table *table)
{
	while (table->created--)
		destroy_device(&devices[table->created], table->device[table->created]);
	free(table);
}
