/* SPDX-License-Identifier: GPL-2.0-only */
/* One vCPU: its first state, its thread, and what to do at each exit to here. */
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
 * struct vcpu_devices - what a vCPU's exits reach
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
 * @fd: the KVM ABI's vCPU descriptor
 * @run: the page shared with the kernel
 * @run_size: of @run, in bytes
 * @explains_entries: ORIEL_GET_ENTRY_REPORT works
 * @devices: what its exits reach
 * @thread: runs it, once started
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

/**
 * vcpu_create() - make a vCPU in its reset state
 * @vcpu: storage of the caller
 * @node_fd: the KVM ABI's system descriptor
 * @vm_fd: of the VM
 * @index: number and APIC ID
 * @devices: copied
 *
 * Return: 0, or -1 with the reason printed.
 */
int vcpu_create(struct vcpu *vcpu, int node_fd, int vm_fd, unsigned int index,
		const struct vcpu_devices *devices);

/**
 * vcpu_destroy() - close a vCPU whose thread has ended
 * @vcpu: as created
 */
void vcpu_destroy(struct vcpu *vcpu);

/**
 * vcpu_start() - run it in a thread of its own
 * @vcpu: with its state set
 *
 * Return: 0, or -1 with the reason printed.
 */
int vcpu_start(struct vcpu *vcpu);

/**
 * vcpu_join() - wait for the end of its thread
 * @vcpu: started; the run has ended by stop_request()
 */
void vcpu_join(struct vcpu *vcpu);

#endif
