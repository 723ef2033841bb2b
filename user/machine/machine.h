/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtual machine: set up through the KVM ABI, run, and taken down. */
#ifndef ORIEL_MACHINE_H
#define ORIEL_MACHINE_H

#include <stdint.h>

#include "base/memory.h"
#include "boot/image.h"

#define MACHINE_MAX_CPUS 254

/**
 * struct machine_config - what machine is wanted
 * @device: node of the hypervisor, or NULL for the default
 * @kernel: file to run
 * @initrd: file for the kernel, or NULL
 * @cmdline: of the kernel
 * @memory_size: in bytes
 * @huge: pages to back it with
 * @cpus: number of vCPUs
 * @exit_port: whose byte ends the launcher, or DEBUG_PORTS_NO_EXIT
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

/**
 * machine_run() - make a machine, run its guest to the end, take it down
 * @config: what is wanted
 *
 * Return: the launcher's exit status.
 */
int machine_run(const struct machine_config *config);

#endif
