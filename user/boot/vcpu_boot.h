/* SPDX-License-Identifier: GPL-2.0-only */
/* The state that firmware and boot loader leave in the first vCPU when a kernel starts. */
#ifndef ORIEL_VCPU_BOOT_H
#define ORIEL_VCPU_BOOT_H

#include <stdbool.h>

#include "base/memory.h"
#include "boot/load.h"

/*
 * Set the registers of a vCPU whose CPUID is set, and write the GDT into @memory. With @has_mtrr,
 * enable the memory type range registers too, as firmware does.
 */
int vcpu_boot_set_state(int vcpu_fd, const struct guest_memory *memory,
			const struct boot_state *boot, bool has_mtrr);

#endif
