/* SPDX-License-Identifier: GPL-2.0-only */
/* The zero page of the Linux/x86 boot protocol and the CPU state that goes with it. */
#ifndef ORIEL_LINUX_PARAMS_H
#define ORIEL_LINUX_PARAMS_H

#include <asm/bootparam.h>

#include "boot/load.h"

/**
 * linux_params_write() - fill boot_params and the first page tables
 * @memory: of the guest; its command line is written already
 * @header: setup header of the kernel's file, or zeros when it has none
 * @initrd: where the initrd lies
 * @rsdp: gpa of the ACPI RSDP
 * @entry: gpa of the kernel's 64-bit entry
 * @boot: filled
 */
void linux_params_write(const struct guest_memory *memory, const struct setup_header *header,
			const struct span *initrd, uint64_t rsdp, uint64_t entry,
			struct boot_state *boot);

#endif
