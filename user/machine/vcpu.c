// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU: its thread, and the handling of each exit to the launcher. */
#include "machine/vcpu.h"

#include "uapi/oriel.h"
#include "base/diag.h"
#include "machine/vcpu_dump.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE (256 * 1024)
#define KICK_SIGNAL SIGRTMIN
#define KICK_INTERVAL_NS 100000000L

int vcpu_create(struct vcpu *vcpu, int node_fd, int vm_fd, unsigned int index,
		const struct vcpu_devices *devices)
{
	int size = ioctl(node_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (size < (int)sizeof(struct kvm_run))
		return diag_error("KVM_GET_VCPU_MMAP_SIZE: %s",
				  size < 0 ? strerror(errno) : "smaller than struct kvm_run");
	vcpu->index = index;
	vcpu->devices = *devices;
	vcpu->run_size = (size_t)size;
	vcpu->explains_entries = ioctl(node_fd, ORIEL_CHECK_EXTENSION, ORIEL_CAP_ENTRY_REPORT) > 0;
	vcpu->fd = ioctl(vm_fd, KVM_CREATE_VCPU, index);
	if (vcpu->fd < 0)
		return diag_error("KVM_CREATE_VCPU %u: %s", index, strerror(errno));
	vcpu->run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run != MAP_FAILED)
		return 0;
	close(vcpu->fd);
	return diag_error("vCPU %u: cannot map its run page: %s", index, strerror(errno));
}

void vcpu_destroy(struct vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->run_size);
	close(vcpu->fd);
}

static void handle_io(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	/* The exit of a string instruction brings all its elements, for the same port. */
	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			bus_write(vcpu->devices.ports, run->io.port, data, run->io.size);
		else
			bus_read(vcpu->devices.ports, run->io.port, data, run->io.size);
	}
}

static void handle_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->mmio.is_write)
		bus_write(vcpu->devices.mmio, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
	else
		bus_read(vcpu->devices.mmio, run->mmio.phys_addr, run->mmio.data, run->mmio.len);
}

static void handle_system_event(struct vcpu *vcpu)
{
	uint32_t type = vcpu->run->system_event.type;

	switch (type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		stop_request(vcpu->devices.stop, EXIT_STATUS_POWER_OFF);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		diag_note("the guest reset itself (hypercall)");
		stop_request(vcpu->devices.stop, EXIT_STATUS_RESET);
		break;
	default:
		diag_error("vCPU %u: the guest reported a crash (system event %u)", vcpu->index,
			   type);
		stop_request(vcpu->devices.stop, EXIT_STATUS_CRASH);
		break;
	}
}

static void handle_exit(struct vcpu *vcpu)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(vcpu);
		break;
	case KVM_EXIT_MMIO:
		handle_mmio(vcpu);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break; /* nothing is left to do */
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(vcpu);
		break;
	default:
		vcpu_dump_exit(vcpu);
		stop_request(vcpu->devices.stop, EXIT_STATUS_CRASH);
		break;
	}
}

static void *vcpu_thread(void *argument)
{
	struct vcpu *vcpu = argument;

	while (stop_requested(vcpu->devices.stop) < 0) {
		if (!ioctl(vcpu->fd, KVM_RUN, 0)) {
			handle_exit(vcpu);
		} else if (errno != EINTR && errno != EAGAIN) {
			diag_error("vCPU %u: KVM_RUN: %s", vcpu->index, strerror(errno));
			vcpu_dump_state(vcpu);
			stop_request(vcpu->devices.stop, EXIT_STATUS_CRASH);
		}
	}
	return NULL;
}

static void ignore_kick(int number)
{
	(void)number;
}

int vcpu_start(struct vcpu *vcpu)
{
	const struct sigaction action = { .sa_handler = ignore_kick };
	pthread_attr_t attr;
	int error;

	sigaction(KICK_SIGNAL, &action, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	error = pthread_create(&vcpu->thread, &attr, vcpu_thread, vcpu);
	pthread_attr_destroy(&attr);
	if (error)
		return diag_error("vCPU %u: cannot start its thread: %s", vcpu->index,
				  strerror(error));
	return 0;
}

void vcpu_join(struct vcpu *vcpu)
{
	struct timespec until;

	/* If the signal comes before KVM_RUN, this stops the entry. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	do {
		/* Repeat it: the signal may come just before a write to the terminal blocks. */
		pthread_kill(vcpu->thread, KICK_SIGNAL);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += KICK_INTERVAL_NS;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
	} while (pthread_timedjoin_np(vcpu->thread, NULL, &until) == ETIMEDOUT);
}
