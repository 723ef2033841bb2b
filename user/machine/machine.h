/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtual machine: it is set up through KVM's ABI, run, and taken down. */
#ifndef ORIEL_MACHINE_H
#define ORIEL_MACHINE_H

#include <stdint.h>

#include "base/memory.h"
#include "boot/image.h"

#define MACHINE_MAX_CPUS 254

/**
 * struct machine_config - the options of a machine
 * @device: node of the hypervisor, or NULL for the default
 * @kernel: the kernel's file
 * @initrd: the initial RAM disk's file, or NULL
 * @cmdline: the kernel command line
 * @memory_size: in bytes
 * @huge: kind of pages to back the memory with
 * @cpus: number of vCPUs
 * @exit_port: a byte that the guest writes to this port is the launcher's exit status;
 *	DEBUG_PORTS_NO_EXIT: there is no such port
 */
struct machine_config {
	const char *device;
	const struct image *kernel;
	const struct image *initrd;
	const char *cmdline;
	uint64_t memory_size;
	enum huge_pages huge;
	unsigned int cpus;
	uint32_t exit_port;
};

/* Make a machine, run its guest to the end and take the machine down. Return: exit status. */
int machine_run(const struct machine_config *config);

#endif
