// SPDX-License-Identifier: GPL-2.0-only
/* A virtual machine: set up through the KVM ABI, run, and taken down. */
#include "machine/machine.h"

#include "boot/acpi.h"
#include "boot/guest_cpuid.h"
#include "base/diag.h"
#include "base/layout.h"
#include "boot/load.h"
#include "boot/vcpu_boot.h"
#include "machine/node.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

/* Pages that some Intel CPUs need for real mode; a node that does not says so. */
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

static void set_pin(void *context, bool level)
{
	const struct machine_pin *pin = context;
	const struct kvm_irq_level line = { .irq = pin->irq, .level = level };

	if (ioctl(pin->vm_fd, KVM_IRQ_LINE, &line))
		diag_error("KVM_IRQ_LINE %u: %s", pin->irq, strerror(errno));
}

static struct irq_line connect_pin(const struct machine *machine, struct machine_pin *pin,
				   uint32_t irq)
{
	pin->vm_fd = machine->vm_fd;
	pin->irq = irq;
	return (struct irq_line){ .set = set_pin, .context = pin };
}

static int init_rtc(struct machine *machine)
{
	const struct irq_line irq = connect_pin(machine, &machine->rtc_pin, LAYOUT_RTC_IRQ);
	const struct guest_memory *memory = &machine->memory;

	return rtc_init(&machine->rtc, memory->low_size, memory->size - memory->low_size, &irq,
			NULL);
}

static void init_serial(struct machine *machine)
{
	struct serial_host host = {
		.irq = connect_pin(machine, &machine->serial_pin, LAYOUT_SERIAL_IRQ),
	};

	console_host(&machine->console, &host);
	serial_init(&machine->serial, &host);
}

static int register_devices(struct machine *machine, uint32_t exit_port)
{
	struct bus *ports = &machine->ports;

	bus_init(ports, "port", 0xffff);
	bus_init(&machine->mmio, "MMIO", UINT64_MAX);
	if (serial_register(&machine->serial, ports, LAYOUT_SERIAL) ||
	    rtc_register(&machine->rtc, ports) ||
	    i8042_register(&machine->i8042, ports, &machine->stop) ||
	    acpi_pm_register(&machine->acpi_pm, ports, &machine->stop) ||
	    pci_register(&machine->pci, ports, &machine->stop) ||
	    debug_ports_register(&machine->debug, ports, &machine->stop, exit_port))
		return -1;
	return 0;
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
	/* The others wait for the first to start them, in their reset state. */
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
		.debug = &machine->debug,
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

static void tick_rtc(void *context)
{
	rtc_tick(context);
}

/* Return: the exit status. */
static int run_vcpus(struct machine *machine)
{
	const struct console_watch watch = {
		.fd = machine->rtc.timer_fd,
		.ready = tick_rtc,
		.context = &machine->rtc,
	};
	unsigned int started = 0;

	while (started < machine->cpus && !vcpu_start(&machine->vcpus[started]))
		started++;
	if (started == machine->cpus)
		console_run(&machine->console, &machine->serial, &watch);
	else
		stop_request(&machine->stop, EXIT_STATUS_ERROR);
	while (started)
		vcpu_join(&machine->vcpus[--started]);
	return stop_requested(&machine->stop);
}

/* Return: the exit status. */
static int run_in_vm(struct machine *machine, const struct machine_config *config)
{
	struct boot_state boot;
	int status;

	if (load(machine, config, &boot) || register_devices(machine, config->exit_port) ||
	    create_vcpus(machine, config->cpus, &boot))
		return EXIT_STATUS_ERROR;
	status = run_vcpus(machine);
	destroy_vcpus(machine);
	return status;
}

int machine_run(const struct machine_config *config)
{
	struct machine machine = { .cpus = 0 };
	int status = EXIT_STATUS_ERROR;

	if (stop_init(&machine.stop))
		return status;
	if (console_init(&machine.console, &machine.stop))
		goto destroy_stop;
	machine.node_fd = node_open(config->device, config->cpus);
	if (machine.node_fd < 0)
		goto destroy_console;
	if (memory_create(&machine.memory, config->memory_size, config->huge))
		goto close_node;
	if (create_vm(&machine))
		goto destroy_memory;

	if (init_rtc(&machine))
		goto close_vm;
	init_serial(&machine);

	status = run_in_vm(&machine, config);

	rtc_destroy(&machine.rtc);
close_vm:
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
