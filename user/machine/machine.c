// SPDX-License-Identifier: GPL-2.0-only
/* A virtual machine: it is set up through KVM's ABI, run, and taken down. */
#include "machine/machine.h"

#include "base/diag.h"
#include "base/event_loop.h"
#include "base/layout.h"
#include "base/stop.h"
#include "boot/acpi.h"
#include "boot/guest_cpuid.h"
#include "boot/load.h"
#include "boot/vcpu_boot.h"
#include "devices/bus.h"
#include "machine/console.h"
#include "machine/device_table.h"
#include "machine/node.h"
#include "machine/vcpu.h"
#include "machine/vcpu_dump.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/**
 * struct machine - one virtual machine
 * @node_fd: descriptor of the node (the system descriptor of KVM's ABI)
 * @vm_fd: descriptor of the VM
 * @memory: of the guest
 * @stop: the end of the run
 * @loop: the main thread's work while vCPUs run
 * @console: joins the serial port to standard input and output
 * @ports: port I/O
 * @mmio: memory-mapped I/O
 * @devices: one for each row of the table of devices
 * @progress_code: the guest's last progress code, for dumps
 * @cpus: number of vCPUs that have been created
 * @vcpus: array of @cpus vCPUs
 */
struct machine {
	int node_fd;
	int vm_fd;
	struct guest_memory memory;
	struct stop stop;
	struct event_loop loop;
	struct console console;
	struct bus ports;
	struct bus mmio;
	struct device_table *devices;
	atomic_uint progress_code;
	unsigned int cpus;
	struct vcpu *vcpus;
};

static int add_memslot(const struct machine *machine, uint32_t slot, uint64_t gpa, uint64_t offset,
		       uint64_t size)
{
	const struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)machine->memory.hva + offset,
	};

	if (ioctl(machine->vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		return diag_error("KVM_SET_USER_MEMORY_REGION slot %u: %s", slot, strerror(errno));
	return 0;
}

static int add_memory(const struct machine *machine)
{
	const struct guest_memory *memory = &machine->memory;
	uint64_t high_size = memory->size - memory->low_size;

	if (add_memslot(machine, 0, 0, 0, memory->low_size))
		return -1;
	return high_size ? add_memslot(machine, 1, LAYOUT_4G, memory->low_size, high_size) : 0;
}

/* Some Intel CPUs need pages for real mode. Nodes that need none lack the capabilities. */
static int set_hidden_pages(const struct machine *machine)
{
	uint64_t identity_map = LAYOUT_IDENTITY_MAP;

	if (ioctl(machine->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0 &&
	    ioctl(machine->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map))
		return diag_error("KVM_SET_IDENTITY_MAP_ADDR: %s", strerror(errno));
	if (ioctl(machine->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_TSS_ADDR) > 0 &&
	    ioctl(machine->vm_fd, KVM_SET_TSS_ADDR, (unsigned long)LAYOUT_TSS))
		return diag_error("KVM_SET_TSS_ADDR: %s", strerror(errno));
	return 0;
}

static int create_irqchip(const struct machine *machine)
{
	const struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	if (ioctl(machine->vm_fd, KVM_CREATE_IRQCHIP, 0))
		return diag_error("KVM_CREATE_IRQCHIP: %s", strerror(errno));
	if (ioctl(machine->vm_fd, KVM_CREATE_PIT2, &pit))
		return diag_error("KVM_CREATE_PIT2: %s", strerror(errno));
	return 0;
}

static int create_vm(struct machine *machine)
{
	machine->vm_fd = ioctl(machine->node_fd, KVM_CREATE_VM, 0);
	if (machine->vm_fd < 0)
		return diag_error("KVM_CREATE_VM: %s%s", strerror(errno),
				  errno == EBUSY ? "; type: oriel check" : "");
	if (!set_hidden_pages(machine) && !create_irqchip(machine) && !add_memory(machine))
		return 0;
	close(machine->vm_fd);
	return -1;
}

static void set_irq(void *context, unsigned int irq, bool level)
{
	const struct machine *machine = context;
	const struct kvm_irq_level line = { .irq = irq, .level = level };

	if (ioctl(machine->vm_fd, KVM_IRQ_LINE, &line))
		diag_error("KVM_IRQ_LINE %u: %s", irq, strerror(errno));
}

static int create_devices(struct machine *machine, uint32_t exit_port)
{
	const struct device_host host = {
		.ports = &machine->ports,
		.stop = &machine->stop,
		.loop = &machine->loop,
		.memory = &machine->memory,
		.set_irq = set_irq,
		.irq_context = machine,
		.serial_link = &machine->console.link,
		.progress_code = &machine->progress_code,
		.exit_port = exit_port,
	};

	bus_init(&machine->ports, "port", 0xffff);
	bus_init(&machine->mmio, "MMIO", UINT64_MAX);
	machine->devices = device_table_create(&host);
	return machine->devices ? 0 : -1;
}

static int load(const struct machine *machine, const struct machine_config *config,
		struct boot_state *boot)
{
	struct load_request request = {
		.kernel = config->kernel,
		.initrd = config->initrd,
		.cmdline = config->cmdline,
	};

	if (acpi_write(&machine->memory, config->cpus, &request.rsdp))
		return -1;
	return load_kernel(&machine->memory, &request, boot);
}

static void destroy_vcpus(struct machine *machine)
{
	while (machine->cpus)
		vcpu_destroy(&machine->vcpus[--machine->cpus]);
	free(machine->vcpus);
}

static int set_cpuid(const struct vcpu *vcpu, const struct kvm_cpuid2 *cpuid)
{
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		return diag_error("vCPU %u: KVM_SET_CPUID2: %s", vcpu->index, strerror(errno));
	return 0;
}

static int set_vcpu_state(const struct machine *machine, unsigned int cpus,
			  const struct boot_state *boot)
{
	bool tsc_deadline =
		ioctl(machine->node_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	struct kvm_cpuid2 *cpuid = guest_cpuid_supported(machine->node_fd);
	int result = 0;

	if (!cpuid)
		return -1;
	for (unsigned int i = 0; i < cpus && !result; i++) {
		guest_cpuid_adapt(cpuid, i, cpus, tsc_deadline);
		result = set_cpuid(&machine->vcpus[i], cpuid);
	}
	/* The other vCPUs are in their reset state and wait until the first one starts them. */
	if (!result)
		result = vcpu_boot_set_state(machine->vcpus[0].fd, &machine->memory, boot,
					     guest_cpuid_has_mtrr(cpuid));
	free(cpuid);
	return result;
}

static int create_vcpus(struct machine *machine, unsigned int cpus, const struct boot_state *boot)
{
	const struct vcpu_devices devices = {
		.ports = &machine->ports,
		.mmio = &machine->mmio,
		.stop = &machine->stop,
		.progress_code = &machine->progress_code,
	};

	machine->cpus = 0;
	machine->vcpus = calloc(cpus, sizeof(machine->vcpus[0]));
	if (!machine->vcpus)
		return diag_error("no memory for %u vCPUs", cpus);
	for (; machine->cpus < cpus; machine->cpus++) {
		if (vcpu_create(&machine->vcpus[machine->cpus], machine->node_fd, machine->vm_fd,
				machine->cpus, &devices))
			break;
	}
	if (machine->cpus == cpus && !set_vcpu_state(machine, cpus, boot))
		return 0;
	destroy_vcpus(machine);
	return -1;
}

/* SIGQUIT asks for the state of a guest that hangs. */
static void print_state(const struct machine *machine, unsigned int vcpus)
{
	for (unsigned int i = 0; i < vcpus; i++) {
		diag_note("vCPU %u:", i);
		vcpu_dump_state(&machine->vcpus[i]);
	}
}

/* Return: the exit status. */
static int run_vcpus(struct machine *machine)
{
	unsigned int started = 0;

	while (started < machine->cpus && !vcpu_start(&machine->vcpus[started]))
		started++;
	if (started == machine->cpus)
		console_run(&machine->console);
	else
		stop_request(&machine->stop, EXIT_STATUS_ERROR);
	for (unsigned int i = started; i; i--)
		vcpu_join(&machine->vcpus[i - 1]);
	if (stop_requested(&machine->stop) == EXIT_STATUS_SIGNAL + SIGQUIT)
		print_state(machine, started);
	return stop_requested(&machine->stop);
}

/* Return: the exit status. */
static int run_in_vm(struct machine *machine, const struct machine_config *config)
{
	int status = EXIT_STATUS_ERROR;
	struct boot_state boot;

	if (load(machine, config, &boot) || create_devices(machine, config->exit_port))
		return status;
	if (!create_vcpus(machine, config->cpus, &boot)) {
		status = run_vcpus(machine);
		destroy_vcpus(machine);
	}
	device_table_destroy(machine->devices);
	return status;
}

int machine_run(const struct machine_config *config)
{
	struct machine machine = { .cpus = 0 };
	int status = EXIT_STATUS_ERROR;

	if (stop_init(&machine.stop))
		return status;
	if (console_init(&machine.console, &machine.stop, &machine.loop))
		goto destroy_stop;
	machine.node_fd = node_open(config->device, config->cpus);
	if (machine.node_fd < 0)
		goto destroy_console;
	if (memory_create(&machine.memory, config->memory_size, config->huge))
		goto close_node;
	if (create_vm(&machine))
		goto destroy_memory;

	status = run_in_vm(&machine, config);

	close(machine.vm_fd);
destroy_memory:
	memory_destroy(&machine.memory);
close_node:
	close(machine.node_fd);
destroy_console:
	console_destroy(&machine.console);
destroy_stop:
	stop_destroy(&machine.stop);
	return status;
}
