/* SPDX-License-Identifier: GPL-2.0-only */
/* A vCPU: its thread, and the handling of each exit to the launcher. */
#ifndef ORIEL_VCPU_H
#define ORIEL_VCPU_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stddef.h>

#include "devices/bus.h"
#include "base/stop.h"

/**
 * struct vcpu_devices - the parts of the machine that a vCPU's exits use
 * @ports: port I/O
 * @mmio: memory-mapped I/O
 * @stop: the end of the run
 * @progress_code: the guest's last progress code, for dumps
 */
struct vcpu_devices {
	const struct bus *ports;
	const struct bus *mmio;
	struct stop *stop;
	const atomic_uint *progress_code;
};

/**
 * struct vcpu - one virtual CPU
 * @index: its number and APIC ID
 * @fd: its descriptor
 * @run: the kvm_run structure and what follows it, shared with the kernel
 * @run_size: size of the mapping at @run in bytes
 * @explains_entries: the node has ORIEL_GET_ENTRY_REPORT
 * @devices: the parts of the machine that its exits use
 * @thread: valid once the vCPU has been started
 */
struct vcpu {
	unsigned int index;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	bool explains_entries;
	struct vcpu_devices devices;
	pthread_t thread;
};

/* Make a vCPU in its reset state, with a copy of @devices. */
int vcpu_create(struct vcpu *vcpu, int node_fd, int vm_fd, unsigned int index,
		const struct vcpu_devices *devices);

/* The vCPU's thread has ended. */
void vcpu_destroy(struct vcpu *vcpu);

/* Run the vCPU in a thread of its own. */
int vcpu_start(struct vcpu *vcpu);

/* Wait for the end of the thread. stop_request() has been called. */
void vcpu_join(struct vcpu *vcpu);

#endif
