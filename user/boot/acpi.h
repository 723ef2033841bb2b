/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI tables, in which a stock kernel finds CPUs, interrupts, power-off and reset. */
#ifndef ORIEL_ACPI_H
#define ORIEL_ACPI_H

#include <stdint.h>

#include "base/memory.h"

/*
 * Write RSDP, XSDT, FADT, FACS, DSDT and MADT for vCPUs with the APIC IDs 0 to @cpus - 1, and
 * set @rsdp to the gpa of the RSDP. Fails if there are too many vCPUs for the tables.
 */
int acpi_write(const struct guest_memory *memory, unsigned int cpus, uint64_t *rsdp);

#endif
