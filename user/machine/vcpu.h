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

/* The parts of the machine that a vCPU's exits use. */
struct vcpu_devices {
	const struct bus *ports;
	const struct bus *mmio;
	struct stop *stop;
	const atomic_uint *progress_code; /* the guest's last progress code, for dumps */
};

struct vcpu {
	unsigned int index; /* its number and APIC ID */
	int fd;
	struct kvm_run *run; /* the kvm_run structure and what follows it, shared with the kernel */
	size_t run_size; /* size of the mapping at @run in bytes */
	bool explains_entries; /* the node has ORIEL_GET_ENTRY_REPORT */
	struct vcpu_devices devices;
	pthread_t thread; /* valid once the vCPU has been started */
};

/* Make a vCPU in its reset state, with a copy of @devices. */
int vcpu_create(struct vcpu *vcpu, int node_fd, int vm_fd, unsigned int index,
		const struct vcpu_devices *devices);

/* Call this when the vCPU's thread has ended. */
void vcpu_destroy(struct vcpu *vcpu);

/* Run the vCPU in a thread of its own. */
int vcpu_start(struct vcpu *vcpu);

/* Wait for the end of the thread, after stop_request(). */
void vcpu_join(struct vcpu *vcpu);

#endif
