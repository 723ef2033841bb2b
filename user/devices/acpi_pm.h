/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI power management registers: PM1a event and control, with power-off. */
#ifndef ORIEL_ACPI_PM_H
#define ORIEL_ACPI_PM_H

#include <stdatomic.h>

#include "devices/bus.h"
#include "base/stop.h"

/**
 * struct acpi_pm - the registers; any vCPU may use them at once
 * @stop: told when the guest powers off
 * @enable: PM1a enable, which the guest reads back
 * @control: PM1a control less what reads as fixed
 */
struct acpi_pm {
	struct stop *stop;
	atomic_uint enable;
	atomic_uint control;
};

/**
 * acpi_pm_register() - power on and answer the PM1a ports
 * @pm: storage of the caller; stays where it is
 * @bus: of ports
 * @stop: told when the guest powers off
 *
 * Return: 0, or -1 with the reason printed.
 */
int acpi_pm_register(struct acpi_pm *pm, struct bus *bus, struct stop *stop);

#endif
