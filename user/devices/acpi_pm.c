// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI power management registers: PM1a event and control, with power-off (ACPI 6.5
 * 4.8.3). The machine has no fixed events, so the SCI stays low.
 */
#include "devices/acpi_pm.h"

#include "base/layout.h"

#define EVENT_STATUS 0
#define EVENT_ENABLE 2
#define CONTROL_SCI_ENABLED (1U << 0) /* always set: without SMIs there is only ACPI mode */
#define CONTROL_SLEEP_TYPE(value) ((value) >> 10 & 7)
#define CONTROL_SLEEP_ENABLE (1U << 13) /* write only */

static uint64_t read_event(void *device, uint64_t offset, unsigned int len)
{
	struct acpi_pm *pm = device;
	uint32_t both = atomic_load(&pm->enable) << (8 * EVENT_ENABLE);

	(void)len;
	return both >> (8 * offset);
}

static void write_event(void *device, uint64_t offset, uint64_t value, unsigned int len)
{
	struct acpi_pm *pm = device;

	if (offset == EVENT_ENABLE && len == 2)
		atomic_store(&pm->enable, (unsigned int)value);
}

static uint64_t read_control(void *device, uint64_t offset, unsigned int len)
{
	struct acpi_pm *pm = device;

	(void)len;
	return (atomic_load(&pm->control) | CONTROL_SCI_ENABLED) >> (8 * offset);
}

static void write_control(void *device, uint64_t offset, uint64_t value, unsigned int len)
{
	struct acpi_pm *pm = device;

	if (offset || len != 2)
		return;
	atomic_store(&pm->control, (unsigned int)value & ~CONTROL_SLEEP_ENABLE);
	if (value & CONTROL_SLEEP_ENABLE && CONTROL_SLEEP_TYPE(value) == LAYOUT_SLEEP_TYPE_S5)
		stop_request(pm->stop, EXIT_STATUS_POWER_OFF);
}

int acpi_pm_create(void *device, const struct device_host *host)
{
	struct acpi_pm *pm = device;
	const struct bus_range event = {
		.name = "ACPI PM1a event",
		.base = LAYOUT_PM1A_EVENT,
		.size = 4,
		.width = 2,
		.read = read_event,
		.write = write_event,
		.device = pm,
	};
	const struct bus_range control = {
		.name = "ACPI PM1a control",
		.base = LAYOUT_PM1A_CONTROL,
		.size = 2,
		.width = 2,
		.read = read_control,
		.write = write_control,
		.device = pm,
	};

	pm->stop = host->stop;
	atomic_init(&pm->enable, 0);
	atomic_init(&pm->control, 0);
	return bus_register(host->ports, &event) || bus_register(host->ports, &control) ? -1 : 0;
}
