/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtual machine: it is set up through KVM's ABI, run, and taken down. */
#ifndef ORIEL_MACHINE_H
#define ORIEL_MACHINE_H

#include <stdint.h>

#include "base/memory.h"
#include "boot/image.h"

#define MACHINE_MAX_CPUS 254

/* The options of a machine. */
struct machine_config {
	const char *device; /* node of the hypervisor, or NULL for the default */
	const struct image *kernel;
	const struct image *initrd; /* the initial RAM disk's file, or NULL */
	const char *cmdline;
	uint64_t memory_size; /* in bytes */
	enum huge_pages huge; /* kind of pages to back the memory with */
	unsigned int cpus;
	/*
	 * A byte that the guest writes to this port becomes the launcher's exit status. There is
	 * no such port if it is DEBUG_PORTS_NO_EXIT.
	 */
	uint32_t exit_port;
};

/* Make a machine, run its guest to the end and take the machine down. Return: the exit status. */
int machine_run(const struct machine_config *config);

#endif
