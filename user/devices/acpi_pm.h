/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI power management registers: PM1a event and control, with power-off. */
#ifndef ORIEL_ACPI_PM_H
#define ORIEL_ACPI_PM_H

#include "devices/device.h"

struct acpi_pm {
	struct stop *stop;
	atomic_uint enable; /* PM1a enable */
	atomic_uint control; /* PM1a control, without the bits that read as constants */
};

int acpi_pm_create(void *device, const struct device_host *host);

#endif
