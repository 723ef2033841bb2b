/* SPDX-License-Identifier: GPL-2.0-only */
/* The registers of the first vCPU at a kernel's entry, as firmware and boot loader leave them. */
#ifndef ORIEL_VCPU_BOOT_H
#define ORIEL_VCPU_BOOT_H

#include <stdbool.h>

#include "base/memory.h"
#include "boot/load.h"

/**
 * vcpu_boot_set_state() - set the registers with which a kernel is entered
 * @vcpu_fd: descriptor of a vCPU whose CPUID is set
 * @memory: the GDT is written into it
 * @boot: from the kernel's loader
 * @has_mtrr: set up memory type range registers as firmware does
 *
 * Return: 0, or -1 with the reason printed.
 */
int vcpu_boot_set_state(int vcpu_fd, const struct guest_memory *memory,
			const struct boot_state *boot, bool has_mtrr);

#endif
