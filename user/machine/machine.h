/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtual machine: set up through the KVM ABI, run, and taken down. */
#ifndef ORIEL_MACHINE_H
#define ORIEL_MACHINE_H

#include <stdint.h>

#include "devices/acpi_pm.h"
#include "devices/bus.h"
#include "machine/console.h"
#include "devices/debug_ports.h"
#include "devices/i8042.h"
#include "boot/image.h"
#include "base/memory.h"
#include "devices/pci.h"
#include "devices/rtc.h"
#include "devices/serial.h"
#include "base/stop.h"
#include "machine/vcpu.h"

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
 * struct machine_pin - an input of the guest's interrupt controllers
 * @vm_fd: the KVM ABI's VM descriptor
 * @irq: its number
 */
struct machine_pin {
	int vm_fd;
	uint32_t irq;
};

/**
 * struct machine - one virtual machine and its devices
 * @node_fd: the KVM ABI's system descriptor
 * @vm_fd: the KVM ABI's VM descriptor
 * @memory: of the guest
 * @stop: the end of the run
 * @console: the guest's terminal
 * @ports: port I/O
 * @mmio: memory-mapped I/O
 * @serial: the guest's end of its terminal
 * @serial_pin: its interrupt
 * @rtc: real-time clock
 * @rtc_pin: its interrupt
 * @i8042: keyboard controller
 * @acpi_pm: power-off
 * @pci: PCI configuration ports
 * @debug: exit port and progress code
 * @cpus: number of vCPUs created
 * @vcpus: they
 */
struct machine {
	int node_fd;
	int vm_fd;
	struct guest_memory memory;
	struct stop stop;
	struct console console;
	struct bus ports;
	struct bus mmio;
	struct serial serial;
	struct machine_pin serial_pin;
	struct rtc rtc;
	struct machine_pin rtc_pin;
	struct i8042 i8042;
	struct acpi_pm acpi_pm;
	struct pci pci;
	struct debug_ports debug;
	unsigned int cpus;
	struct vcpu *vcpus;
};

/**
 * machine_run() - make a machine, run its guest to the end, take it down
 * @config: what is wanted
 *
 * Return: the launcher's exit status.
 */
int machine_run(const struct machine_config *config);

#endif
