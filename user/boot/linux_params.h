/* SPDX-License-Identifier: GPL-2.0-only */
/* The zero page of the Linux/x86 boot protocol, and the CPU state that the protocol needs. */
#ifndef ORIEL_LINUX_PARAMS_H
#define ORIEL_LINUX_PARAMS_H

#include <asm/bootparam.h>

#include "boot/load.h"

/*
 * Write struct boot_params and the first page tables, and fill @boot. @header is the setup
 * header of the kernel's file; a vmlinux has none, and its caller makes one up. @entry is the
 * gpa of the 64-bit entry. load_cmdline() writes the command line.
 */
void linux_params_write(const struct guest_memory *memory, const struct setup_header *header,
			const struct span *initrd, uint64_t rsdp, uint64_t entry,
			struct boot_state *boot);

#endif
