/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI tables by which a stock kernel finds CPUs, interrupts, power-off and reset. */
#ifndef ORIEL_ACPI_H
#define ORIEL_ACPI_H

#include <stdint.h>

#include "base/memory.h"

/**
 * acpi_write() - write RSDP, XSDT, FADT, FACS, DSDT and MADT
 * @memory: of the guest
 * @cpus: number of vCPUs; their APIC IDs are 0 to @cpus - 1
 * @rsdp: gpa of the RSDP, on success
 *
 * Return: 0, or -1 with the reason printed when so many CPUs do not fit.
 */
int acpi_write(const struct guest_memory *memory, unsigned int cpus, uint64_t *rsdp);

#endif
