// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt chips and I/O in the raw KVM ABI: the kernel's and userspace's half of each, and the
 * exits in between. KTAP on stdout.
 *
 *	irqabi [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#include "longmode.h"

#define VECTOR 0x51
#define VAPIC (DATA + 0x100)
#define PORT_MARK 0x50
#define PORT_OTHER 0x51
#define LAPIC_TPR "0xfee00080"

/* Accesses in turn the word at VAPIC and the registers that it stands for. */
GUEST_CODE(vapic_code, "movl $0x1ff, 0xfee000f0\n"
		       "movb $0x30, 0x2100\n"
		       "movl $0x40051, 0xfee00300\n"
		       "out %al, $0x50\n"
		       "movb $0x60, 0x2100\n"
		       "mov " LAPIC_TPR ", %eax\n"
		       "out %al, $0x50\n"
		       "sti\n"
		       "nop\n"
		       "out %al, $0x50\n"
		       "movb $0, 0x2100\n"
		       "out %al, $0x50\n"
		       "1: hlt\n"
		       "jmp 1b\n"
		       ".org vapic_code + 96\n"
		       "out %al, $0x51\n"
		       "movl $0, 0xfee000b0\n"
		       "out %al, $0x50");

GUEST_CODE(tpr_code, "nop\n"
		     "movl $0x20, " LAPIC_TPR "\n"
		     "mov " LAPIC_TPR ", %eax\n"
		     "out %al, $0x50\n"
		     "movl $0x10, " LAPIC_TPR "\n"
		     "out %al, $0x50");
#define TPR_WRITE_LENGTH 10

/* Writes to a device at %ebx and to ports, then stops; strings at 64. */
GUEST_CODE(coalesced_code, "1: mov %eax, (%ebx)\n"
			   "mov %ax, 4(%ebx)\n"
			   "mov %al, 15(%ebx)\n"
			   "out %al, $0x40\n"
			   "out %ax, $0x42\n"
			   "out %al, $0x50\n"
			   "mov %eax, 14(%ebx)\n"
			   "out %eax, $0x42\n"
			   "mov (%ebx), %eax\n"
			   "out %al, $0x50\n"
			   ".org coalesced_code + 64\n"
			   "rep movsl\n"
			   "out %al, $0x50\n"
			   "mov $0x40, %dx\n"
			   "mov $0x2000, %esi\n"
			   "mov $4, %ecx\n"
			   "rep outsb\n"
			   "out %al, $0x50\n"
			   ".org coalesced_code + 128\n"
			   "1: mov %eax, (%ebx)\n"
			   "inc %eax\n"
			   "jmp 1b");
#define MMIO_BASE 0x10000000UL
#define ZONE_SIZE 16
#define RING_MAX \
	((PAGE - sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio))

/* A vCPU with a split irqchip: it enables its APIC, then waits for the test's interrupts. */
GUEST_CODE(split_code, "movl $0x1ff, 0xfee000f0\n"
		       "out %al, $0x50\n"
		       "sti\n"
		       "1: nop\n"
		       "out %al, $0x50\n"
		       "jmp 1b\n"
		       ".org split_code + 32\n"
		       "1: cli\n"
		       "out %al, $0x50\n"
		       "sti\n"
		       "nop\n"
		       "nop\n"
		       "jmp 1b\n"
		       /* ExtINT needs no EOI of the local APIC. */
		       ".org split_code + 64\n"
		       "out %al, $0x51\n"
		       "iret\n"
		       ".org split_code + 80\n"
		       "movl $0, 0xfee000b0\n"
		       "out %al, $0x52\n"
		       "iret\n"
		       ".org split_code + 112\n"
		       "movl $0x1ff, 0xfee000f0\n"
		       "movl $0x10700, 0xfee00350\n"
		       "out %al, $0x50\n"
		       "cli\n"
		       "movl $0x700, 0xfee00350\n"
		       "out %al, $0x50\n"
		       "sti\n"
		       "nop\n"
		       "jmp split_code + 32");
#define WINDOW_CODE (CODE + 32)
#define EXTINT_HANDLER (CODE + 64)
#define APIC_HANDLER (CODE + 80)
#define MASK_CODE (CODE + 112)
#define PORT_APIC 0x52

/* 64-bit: raises CR8, lowers it, and reads the value that userspace has set. */
GUEST_CODE(cr8_code, ".code64\n"
		     "mov $5, %eax\n"
		     "mov %rax, %cr8\n"
		     "out %al, $0x50\n"
		     "mov $2, %eax\n"
		     "mov %rax, %cr8\n"
		     "mov %cr8, %rcx\n"
		     "out %al, $0x50\n"
		     "mov %cr8, %rcx\n"
		     "out %al, $0x50");
#define PML4 0x5000UL
#define PDPT 0x6000UL
#define PD 0x7000UL

#define MACHINE(irqchip, name) new_machine(1, irqchip, name##_code, name##_code_end)

static void start(const struct machine *m)
{
	set_regs(m, 0, &(struct kvm_regs){ .rip = CODE });
}

/* ---- TPR in guest memory, TPR accesses ---- */

static int set_vapic(const struct machine *m, uint64_t gpa)
{
	struct kvm_vapic_addr addr = { .vapic_addr = gpa };

	return ioctl(m->vcpu[0], KVM_SET_VAPIC_ADDR, &addr) ? -errno : 0;
}

static void expect_vapic(const struct machine *m, uint32_t word, const char *what)
{
	check_equal(*ram_u32(m, VAPIC), word, what);
}

static void test_vapic_address(void)
{
	struct machine with = MACHINE(true, vapic), without = MACHINE(false, vapic);

	check_equal(-set_vapic(&without, VAPIC), EINVAL, "without a local APIC");
	check_equal(-set_vapic(&without, 0), EINVAL, "without a local APIC, none");
	check_equal(set_vapic(&with, 0), 0, "none");
	check_equal(set_vapic(&with, VAPIC), 0, "in memory");
	check_equal(-set_vapic(&with, RAM_SIZE), EINVAL, "in no memory");
	check_equal(-set_vapic(&with, ~0ull), EINVAL, "beyond all memory");
	check_equal(set_vapic(&with, 0), 0, "taken away");
	free_machine(&with);
	free_machine(&without);
}

static void test_vapic_word(void)
{
	struct machine m = MACHINE(true, vapic);

	set_gate(&m, VECTOR, CODE + 96);
	start(&m);
	check_equal(set_vapic(&m, VAPIC), 0, "KVM_SET_VAPIC_ADDR");
	expect_port(&m, run(&m, 0), PORT_MARK, "the first stop");
	expect_vapic(&m, VECTOR << 24 | 0x30, "TPR and a pending vector");
	expect_port(&m, run(&m, 0), PORT_MARK, "the second stop");
	check_equal(get_regs(&m, 0).rax, 0x60, "TPR as written to the word");
	expect_port(&m, run(&m, 0), PORT_MARK, "held back by it");
	expect_port(&m, run(&m, 0), PORT_MARK, "lowered, not seen yet");
	expect_port(&m, run(&m, 0), PORT_OTHER, "the handler");
	expect_vapic(&m, (VECTOR & 0xf0) << 8, "a vector in service");
	expect_port(&m, run(&m, 0), PORT_MARK, "EOI");
	expect_vapic(&m, 0, "idle");
	free_machine(&m);
}

static void expect_tpr_access(const struct machine *m, uint64_t rip, unsigned int write)
{
	check_equal(run(m, 0), KVM_EXIT_TPR_ACCESS, "exit reason");
	check_equal(m->run[0]->tpr_access.rip, rip, "rip");
	check_equal(m->run[0]->tpr_access.is_write, write, "is_write");
}

static void test_tpr_access(void)
{
	struct kvm_tpr_access_ctl control = { .enabled = 1, .flags = 1 };
	struct machine m = MACHINE(true, tpr);

	start(&m);
	check_equal(ioctl(m.vcpu[0], KVM_TPR_ACCESS_REPORTING, &control) ? errno : 0, EINVAL,
		    "flags");
	control.flags = 0;
	MUST(m.vcpu[0], KVM_TPR_ACCESS_REPORTING, &control);
	expect_tpr_access(&m, CODE + 1, 1);
	expect_tpr_access(&m, CODE + 1 + TPR_WRITE_LENGTH, 0);
	expect_port(&m, run(&m, 0), PORT_MARK, "after both");
	check_equal(get_regs(&m, 0).rax, 0x20, "what was read");
	control.enabled = 0;
	MUST(m.vcpu[0], KVM_TPR_ACCESS_REPORTING, &control);
	expect_port(&m, run(&m, 0), PORT_MARK, "no report any more");
	free_machine(&m);
}

/* ---- coalesced writes ---- */

static struct kvm_coalesced_mmio_ring *ring_of(const struct machine *m)
{
	return (void *)((uint8_t *)m->run[0] + extension(KVM_CAP_COALESCED_MMIO) * PAGE);
}

static int change_zone(const struct machine *m, unsigned long request, uint64_t addr, uint32_t size,
		       uint32_t pio)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = addr, .size = size, .pio = pio };

	return ioctl(m->vm, request, &zone) ? -errno : 0;
}

static int add_zone(const struct machine *m, uint64_t addr, uint32_t size, uint32_t pio)
{
	return change_zone(m, KVM_REGISTER_COALESCED_MMIO, addr, size, pio);
}

static int remove_zone(const struct machine *m, uint64_t addr, uint32_t size, uint32_t pio)
{
	return change_zone(m, KVM_UNREGISTER_COALESCED_MMIO, addr, size, pio);
}

/* Take the oldest entry out of the ring, and check it. */
static void expect_entry(const struct machine *m, uint64_t addr, uint32_t len, uint32_t pio,
			 uint64_t data)
{
	struct kvm_coalesced_mmio_ring *ring = ring_of(m);
	const struct kvm_coalesced_mmio *entry = &ring->coalesced_mmio[ring->first];
	uint64_t got = 0;

	if (ring->first == ring->last) {
		complain("the ring is empty");
		return;
	}
	check_equal(entry->phys_addr, addr, "address");
	check_equal(entry->len, len, "length");
	check_equal(entry->pio, pio, "port");
	memcpy(&got, entry->data, len);
	check_equal(got, data, "data");
	ring->first = (ring->first + 1) % RING_MAX;
}

static void expect_empty(const struct machine *m)
{
	check_equal(ring_of(m)->last, ring_of(m)->first, "the ring's end");
}

static struct machine new_coalesced(void)
{
	struct machine m = MACHINE(false, coalesced);

	check_equal(add_zone(&m, MMIO_BASE, ZONE_SIZE, 0), 0, "addresses");
	check_equal(add_zone(&m, 0x40, 4, 1), 0, "ports");
	return m;
}

static void test_coalesced_zones(void)
{
	struct machine m = MACHINE(false, coalesced);
	unsigned int i;
	int r = 0;

	check_equal(extension(KVM_CAP_COALESCED_MMIO), 2, "KVM_CAP_COALESCED_MMIO");
	check_equal(extension(KVM_CAP_COALESCED_PIO), 1, "KVM_CAP_COALESCED_PIO");
	check(m.run_size >= 3 * PAGE, "the mapping has no place for the ring");
	check_equal(-add_zone(&m, 0, 1, 2), EINVAL, "neither memory nor port");
	check_equal(-remove_zone(&m, 0, 1, 2), EINVAL, "neither memory nor port, removal");
	check_equal(remove_zone(&m, MMIO_BASE, 4, 0), 0, "what is not there");
	for (i = 0; i < 2000 && !r; i++)
		r = add_zone(&m, MMIO_BASE + i * PAGE, ZONE_SIZE, 0);
	check_equal(-r, ENOSPC, "very many");
	check(i > 100, "not even a hundred");
	free_machine(&m);
}

static void test_coalesced_writes(void)
{
	struct machine m = new_coalesced();

	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE, .rbx = MMIO_BASE, .rax = 0x12345678 });
	expect_port(&m, run(&m, 0), PORT_MARK, "after the writes");
	expect_entry(&m, MMIO_BASE, 4, 0, 0x12345678);
	expect_entry(&m, MMIO_BASE + 4, 2, 0, 0x5678);
	expect_entry(&m, MMIO_BASE + 15, 1, 0, 0x78);
	expect_entry(&m, 0x40, 1, 1, 0x78);
	expect_entry(&m, 0x42, 2, 1, 0x5678);
	expect_empty(&m);
	/* An access that goes beyond a zone, and a read, exit. */
	check_equal(run(&m, 0), KVM_EXIT_MMIO, "across the end");
	check_equal(m.run[0]->mmio.phys_addr, MMIO_BASE + 14, "its address");
	expect_port(&m, run(&m, 0), 0x42, "across the last port");
	check_equal(run(&m, 0), KVM_EXIT_MMIO, "a read");
	check_equal(m.run[0]->mmio.is_write, 0, "is_write");
	expect_port(&m, run(&m, 0), PORT_MARK, "the end");
	expect_empty(&m);
	free_machine(&m);
}

static void test_coalesced_removal(void)
{
	struct machine m = new_coalesced();

	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE, .rbx = MMIO_BASE, .rax = 0x12345678 });
	check_equal(remove_zone(&m, MMIO_BASE, ZONE_SIZE + 1, 0), 0, "a larger one");
	check_equal(remove_zone(&m, 0x40, 4, 1), 0, "the ports");
	expect_port(&m, run(&m, 0), 0x40, "a port that is none any more");
	check_equal(ring_of(&m)->last - ring_of(&m)->first, 3, "entries");
	check_equal(remove_zone(&m, MMIO_BASE, ZONE_SIZE, 0), 0, "the addresses");
	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE, .rbx = MMIO_BASE });
	check_equal(run(&m, 0), KVM_EXIT_MMIO, "an address that is none any more");
	free_machine(&m);
}

static void test_coalesced_strings(void)
{
	struct machine m = new_coalesced();
	unsigned int i;

	for (i = 0; i < 4; i++)
		*ram_u32(&m, DATA + 4 * i) = 0x01010101 * (i + 1);
	set_regs(&m, 0,
		 &(struct kvm_regs){ .rip = CODE + 64, .rsi = DATA, .rdi = MMIO_BASE, .rcx = 4 });
	expect_port(&m, run(&m, 0), PORT_MARK, "after the moves");
	for (i = 0; i < 4; i++)
		expect_entry(&m, MMIO_BASE + 4 * i, 4, 0, 0x01010101 * (i + 1));
	expect_port(&m, run(&m, 0), PORT_MARK, "after the outputs");
	for (i = 0; i < 4; i++)
		expect_entry(&m, 0x40, 1, 1, 1);
	expect_empty(&m);
	free_machine(&m);
}

/* At any number of entries, no write is lost and none comes twice. */
static void test_coalesced_full(void)
{
	struct machine m = new_coalesced();
	struct kvm_coalesced_mmio_ring *ring = ring_of(&m);
	uint64_t value = 1;
	unsigned int i;

	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE + 128, .rbx = MMIO_BASE, .rax = 1 });
	for (i = 0; i < 3; i++) {
		check_equal(run(&m, 0), KVM_EXIT_MMIO, "a full ring");
		/* The in-tree KVM reports the ring full when half of it is. */
		check(ring->last >= RING_MAX / 2 && ring->last < RING_MAX, "its end");
		while (ring->first != ring->last)
			expect_entry(&m, MMIO_BASE, 4, 0, value++);
		check_equal(*(uint32_t *)m.run[0]->mmio.data, value++, "the write that exits");
		ring->first = 0;
		ring->last = 0;
	}
	free_machine(&m);
}

/* ---- no irqchip ---- */

/* Map the first 2 MiB to themselves. */
static void set_tables(const struct machine *m)
{
	*(uint64_t *)(m->ram + PML4) = PDPT | 3;
	*(uint64_t *)(m->ram + PDPT) = PD | 3;
	*(uint64_t *)(m->ram + PD) = 0x83;
}

/* An APIC in userspace must see an exit when the guest lowers TPR, and sets TPR itself. */
static void test_cr8_without_apic(void)
{
	struct machine m = MACHINE(false, cr8);
	struct kvm_run *r = m.run[0];

	set_tables(&m);
	set_cpuid(&m, 0);
	set_long_mode(&m, 0, PML4);
	start(&m);
	r->cr8 = 16;
	check_equal(-run_once(&m, 0), EINVAL, "a CR8 that is none");
	r->cr8 = 0;
	expect_port(&m, run(&m, 0), PORT_MARK, "TPR raised");
	check_equal(r->cr8, 5, "cr8");
	check_equal(run(&m, 0), KVM_EXIT_SET_TPR, "TPR lowered");
	check_equal(r->cr8, 2, "cr8");
	expect_port(&m, run(&m, 0), PORT_MARK, "after it");
	check_equal(get_regs(&m, 0).rcx, 2, "CR8 in the guest");
	r->cr8 = 7;
	expect_port(&m, run(&m, 0), PORT_MARK, "as userspace says");
	check_equal(get_regs(&m, 0).rcx, 7, "CR8 in the guest");
	free_machine(&m);
}

/* ---- the split irqchip ---- */

#define PINS 24u
#define LEVEL_PIN 5u
#define EDGE_PIN 6u
#define LEVEL_VECTOR 0x61
#define EDGE_VECTOR 0x62
#define PLAIN_GSI 30u
#define PLAIN_VECTOR 0x63
#define LAPIC_ISR 0x100
#define LAPIC_IRR 0x200
#define SIGNAL_ROUNDS 1000
#define SIGNAL_SPAN_NS 500000
#define MSI_LEVEL 0x8000
#define MSI_ASSERT 0x4000

static int enable_split(int vm, uint64_t pins)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { pins } };

	return ioctl(vm, KVM_ENABLE_CAP, &cap) ? -errno : 0;
}

static struct machine new_split(void)
{
	struct machine m = new_machine(0, false, split_code, split_code_end);

	check_equal(enable_split(m.vm, PINS), 0, "KVM_CAP_SPLIT_IRQCHIP");
	add_vcpu(&m);
	set_gate(&m, VECTOR, EXTINT_HANDLER);
	set_gate(&m, LEVEL_VECTOR, APIC_HANDLER);
	set_gate(&m, EDGE_VECTOR, APIC_HANDLER);
	set_gate(&m, PLAIN_VECTOR, APIC_HANDLER);
	return m;
}

static int interrupt(const struct machine *m, uint32_t vector)
{
	struct kvm_interrupt irq = { .irq = vector };

	return ioctl(m->vcpu[0], KVM_INTERRUPT, &irq) ? -errno : 0;
}

static int set_line(const struct machine *m, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	return ioctl(m->vm, KVM_IRQ_LINE_STATUS, &line) ? -errno : (int)line.status;
}

/* Set MSI routes to the first vCPU, or, with @chip, routes to the pins of a chip. */
static int set_routes(const struct machine *m, bool chip)
{
	static const struct {
		uint32_t gsi, data;
	} routes[] = {
		{ LEVEL_PIN, LEVEL_VECTOR | MSI_LEVEL | MSI_ASSERT },
		{ EDGE_PIN, EDGE_VECTOR },
		{ PLAIN_GSI, PLAIN_VECTOR | MSI_LEVEL | MSI_ASSERT },
	};
	struct kvm_irq_routing *table;
	size_t i;
	int r;

	table = calloc(1, sizeof(*table) + ARRAY_SIZE(routes) * sizeof(table->entries[0]));
	if (!table)
		die("calloc");
	table->nr = ARRAY_SIZE(routes);
	for (i = 0; i < ARRAY_SIZE(routes); i++) {
		table->entries[i].gsi = routes[i].gsi;
		table->entries[i].type = chip ? KVM_IRQ_ROUTING_IRQCHIP : KVM_IRQ_ROUTING_MSI;
		if (chip)
			continue;
		table->entries[i].u.msi.address_lo = 0xfee00000;
		table->entries[i].u.msi.data = routes[i].data;
	}
	r = ioctl(m->vm, KVM_SET_GSI_ROUTING, table) ? -errno : 0;
	free(table);
	return r;
}

static void test_split_creation(void)
{
	struct machine m = MACHINE(false, split);
	int vm = ioctl(kvm, KVM_CREATE_VM, 0), irqchip = ioctl(kvm, KVM_CREATE_VM, 0);

	if (vm < 0 || irqchip < 0)
		die("KVM_CREATE_VM");
	check_equal(extension(KVM_CAP_SPLIT_IRQCHIP), 1, "KVM_CAP_SPLIT_IRQCHIP");
	check_equal(-enable_split(m.vm, PINS), EEXIST, "with a vCPU");
	check_equal(-enable_split(vm, extension(KVM_CAP_IRQ_ROUTING) + 1), EINVAL, "many pins");
	check_equal(enable_split(vm, PINS), 0, "an empty VM");
	check_equal(-enable_split(vm, PINS), EEXIST, "again");
	check_equal(ioctl(vm, KVM_CREATE_IRQCHIP, 0) ? errno : 0, EEXIST, "chips besides");
	MUST(irqchip, KVM_CREATE_IRQCHIP, 0);
	check_equal(-enable_split(irqchip, PINS), EEXIST, "with an irqchip");
	close(vm);
	close(irqchip);
	free_machine(&m);
}

static int add_irqfd(const struct machine *m, uint32_t gsi, uint32_t flags)
{
	struct kvm_irqfd irqfd = { .gsi = gsi, .flags = flags };
	int r;

	irqfd.fd = eventfd(0, 0);
	irqfd.resamplefd = eventfd(0, 0);
	r = ioctl(m->vm, KVM_IRQFD, &irqfd) ? -errno : 0;
	close(irqfd.fd);
	close(irqfd.resamplefd);
	return r;
}

static void test_split_ioctls(void)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct machine m = new_split();
	struct kvm_lapic_state lapic;

	check_equal(ioctl(m.vm, KVM_GET_IRQCHIP, &chip) ? errno : 0, ENXIO, "KVM_GET_IRQCHIP");
	check_equal(ioctl(m.vm, KVM_SET_IRQCHIP, &chip) ? errno : 0, ENXIO, "KVM_SET_IRQCHIP");
	check_equal(-set_routes(&m, true), EINVAL, "routes to a chip");
	check_equal(-set_line(&m, LEVEL_PIN, 1), 1, "a line without a route");
	check_equal(set_routes(&m, false), 0, "routes to MSIs");
	check_equal(-add_irqfd(&m, LEVEL_PIN, KVM_IRQFD_FLAG_RESAMPLE), EINVAL, "a resamplefd");
	check_equal(add_irqfd(&m, LEVEL_PIN, 0), 0, "an irqfd");
	MUST(m.vcpu[0], KVM_GET_LAPIC, &lapic);
	MUST(m.vcpu[0], KVM_SET_LAPIC, &lapic);
	free_machine(&m);
}

/* An MSI may have a device id, which has no meaning here; other flags are refused. */
static void test_msi_device_id(void)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };
	struct {
		struct kvm_irq_routing table;
		struct kvm_irq_routing_entry entry;
	} r = { .table.nr = 1 };
	struct machine m = new_split();

	r.entry =
		(struct kvm_irq_routing_entry){ .gsi = 1,
						.type = KVM_IRQ_ROUTING_MSI,
						.flags = KVM_MSI_VALID_DEVID,
						.u.msi = { .address_lo = 0xfee00000, .devid = 5 } };
	check_equal(ioctl(m.vm, KVM_SET_GSI_ROUTING, &r) ? errno : 0, 0, "in a route");
	/* The message is valid, but no enabled APIC takes it. */
	msi.flags = KVM_MSI_VALID_DEVID;
	check_equal(ioctl(m.vm, KVM_SIGNAL_MSI, &msi), 0, "in a message");
	msi.flags |= 2;
	check_equal(ioctl(m.vm, KVM_SIGNAL_MSI, &msi) ? errno : 0, EINVAL, "another flag");
	free_machine(&m);
}

static void test_split_extint(void)
{
	struct machine m = new_split();
	struct kvm_run *r = m.run[0];
	unsigned int i;

	set_regs(&m, 0, &(struct kvm_regs){ .rip = WINDOW_CODE });
	for (i = 0; i < 20; i++) {
		r->request_interrupt_window = 0;
		expect_port(&m, run(&m, 0), PORT_MARK, "interrupts off");
		check_equal(r->ready_for_interrupt_injection, 0, "ready while off");
		r->request_interrupt_window = 1;
		check_equal(run(&m, 0), KVM_EXIT_IRQ_WINDOW_OPEN, "window");
		check_equal(r->ready_for_interrupt_injection, 1, "ready");
		check_equal(interrupt(&m, VECTOR), 0, "KVM_INTERRUPT");
		check_equal(-interrupt(&m, VECTOR), EEXIST, "another one");
		r->request_interrupt_window = 0;
		expect_port(&m, run(&m, 0), PORT_OTHER, "the handler");
	}
	expect_port(&m, run(&m, 0), PORT_MARK, "interrupts off");
	check_equal(interrupt(&m, VECTOR), 0, "early");
	expect_port(&m, run(&m, 0), PORT_OTHER, "once they are on");
	expect_port(&m, run(&m, 0), PORT_MARK, "only once");
	free_machine(&m);
}

/* A masked LINT0 blocks interrupts of userspace's PIC. */
static void test_split_lint0(void)
{
	struct machine m = new_split();
	struct kvm_run *r = m.run[0];
	struct kvm_regs regs;

	set_regs(&m, 0, &(struct kvm_regs){ .rip = MASK_CODE, .rflags = 0x200 });
	expect_port(&m, run(&m, 0), PORT_MARK, "LINT0 masked");
	check_equal(r->if_flag, 1, "if_flag");
	check_equal(r->ready_for_interrupt_injection, 0, "ready");
	check_equal(interrupt(&m, VECTOR), 0, "KVM_INTERRUPT");
	expect_port(&m, run(&m, 0), PORT_MARK, "held back");
	/* The in-tree KVM does not look at LINT0 again by itself. */
	regs = get_regs(&m, 0);
	set_regs(&m, 0, &regs);
	expect_port(&m, run(&m, 0), PORT_OTHER, "the handler, once LINT0 is not masked");
	expect_port(&m, run(&m, 0), PORT_MARK, "back");
	free_machine(&m);
}

static void expect_eoi(const struct machine *m, uint8_t vector)
{
	check_equal(run(m, 0), KVM_EXIT_IOAPIC_EOI, "exit reason");
	check_equal(m->run[0]->eoi.vector, vector, "vector");
}

static void test_split_eoi(void)
{
	struct machine m = new_split();
	unsigned int i;

	check_equal(set_routes(&m, false), 0, "routes");
	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE });
	expect_port(&m, run(&m, 0), PORT_MARK, "the APIC is enabled");
	for (i = 0; i < 10; i++) {
		check_equal(set_line(&m, LEVEL_PIN, 1), 1, "a level");
		expect_eoi(&m, LEVEL_VECTOR);
		expect_port(&m, run(&m, 0), PORT_APIC, "after the EOI");
		expect_port(&m, run(&m, 0), PORT_MARK, "back");
		check_equal(set_line(&m, EDGE_PIN, 1), 1, "an edge");
		expect_port(&m, run(&m, 0), PORT_APIC, "no exit for its EOI");
		expect_port(&m, run(&m, 0), PORT_MARK, "back");
		check_equal(set_line(&m, PLAIN_GSI, 1), 1, "a level that is no pin's");
		expect_port(&m, run(&m, 0), PORT_APIC, "no exit for its EOI either");
		expect_port(&m, run(&m, 0), PORT_MARK, "back");
	}
	free_machine(&m);
}

static bool has_vector(const struct machine *m, unsigned int offset, unsigned int vector)
{
	struct kvm_lapic_state lapic;

	MUST(m->vcpu[0], KVM_GET_LAPIC, &lapic);
	return lapic.regs[offset + vector / 32 * 16 + vector % 32 / 8] & 1 << vector % 8;
}

static void on_timer(int signal)
{
	(void)signal;
}

/* Return a timer that sends a signal. */
static timer_t new_timer(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct sigaction action = { .sa_handler = on_timer };
	timer_t timer;

	if (sigaction(SIGUSR1, &action, NULL) || timer_create(CLOCK_MONOTONIC, &event, &timer))
		die("timer_create");
	return timer;
}

/*
 * Run until the EOI is reported. A signal may end KVM_RUN before the EOI, but not between the EOI
 * and the report, which userspace could not save.
 */
static void expect_eoi_before_signal(const struct machine *m)
{
	int reason;

	while ((reason = run_once(m, 0)) == -EINTR) {
		if (has_vector(m, LAPIC_IRR, LEVEL_VECTOR) ||
		    has_vector(m, LAPIC_ISR, LEVEL_VECTOR))
			continue;
		complain("an EOI that only the next KVM_RUN reports");
	}
	check_equal(reason, KVM_EXIT_IOAPIC_EOI, "exit reason");
}

/* The signal comes at another moment in each round. */
static void test_split_eoi_before_signal(void)
{
	struct machine m = new_split();
	timer_t timer = new_timer();
	unsigned int i;

	if (!on_oriel()) {
		skipped = "the in-tree KVM reports such an EOI at the next KVM_RUN";
		goto out;
	}
	check_equal(set_routes(&m, false), 0, "routes");
	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE });
	expect_port(&m, run(&m, 0), PORT_MARK, "the APIC is enabled");
	for (i = 0; i < SIGNAL_ROUNDS && !failed; i++) {
		struct itimerspec soon = { .it_value.tv_nsec = 1 + i * 7919 % SIGNAL_SPAN_NS };

		if (timer_settime(timer, 0, &soon, NULL))
			die("timer_settime");
		check_equal(set_line(&m, LEVEL_PIN, 1), 1, "a level");
		expect_eoi_before_signal(&m);
		expect_port(&m, run(&m, 0), PORT_APIC, "after the EOI");
		expect_port(&m, run(&m, 0), PORT_MARK, "back");
	}
out:
	timer_delete(timer);
	free_machine(&m);
}

#define LAPIC_SVR 0xf0
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_INITIAL 0x380
#define LAPIC_CURRENT 0x390
#define TIMER_PERIODIC (1u << 17)

static uint32_t *lapic_register(struct kvm_lapic_state *lapic, unsigned int offset)
{
	return (uint32_t *)(lapic->regs + offset);
}

/* A periodic timer that was saved with count 0 begins a new period. */
static void test_lapic_timer_at_0(void)
{
	struct machine m = new_machine(1, true, split_code, split_code_end);
	struct kvm_lapic_state lapic;
	uint32_t current = 0;
	int i;

	/* The in-tree KVM knows the timer's modes only after KVM_SET_CPUID2. */
	set_cpuid(&m, 0);
	MUST(m.vcpu[0], KVM_GET_LAPIC, &lapic);
	*lapic_register(&lapic, LAPIC_SVR) = 0x1ff;
	*lapic_register(&lapic, LAPIC_LVT_TIMER) = TIMER_PERIODIC | VECTOR;
	*lapic_register(&lapic, LAPIC_INITIAL) = 1000000000;
	*lapic_register(&lapic, LAPIC_CURRENT) = 0;
	MUST(m.vcpu[0], KVM_SET_LAPIC, &lapic);
	/* The count is 0 for a moment between two periods. */
	for (i = 0; i < 2 && !current; i++) {
		MUST(m.vcpu[0], KVM_GET_LAPIC, &lapic);
		current = *lapic_register(&lapic, LAPIC_CURRENT);
	}
	check(current, "it does not count");
	free_machine(&m);
}

#define PIC_PIN 5

/* Return the master PIC's IRR. */
static unsigned int pic_irr(const struct machine *m)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };

	MUST(m->vm, KVM_GET_IRQCHIP, &chip);
	return chip.chip.pic.irr;
}

/* A vCPU's descriptor keeps the VM, but its irqfds end with the VM's own descriptor. */
static void test_irqfd_after_close(void)
{
	struct machine old = MACHINE(true, tpr), new = MACHINE(true, tpr);
	struct kvm_irqfd irqfd = { .gsi = PIC_PIN };
	uint64_t count = 1;
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (event < 0)
		die("eventfd");
	irqfd.fd = event;
	MUST(old.vm, KVM_IRQFD, &irqfd);
	MUST(new.vm, KVM_IRQFD, &irqfd);
	close(old.vm);
	old.vm = -1;
	if (write(event, &count, sizeof(count)) != sizeof(count))
		die("write to an eventfd");
	check_equal(pic_irr(&new), 1 << PIC_PIN, "IRR of the other VM");
	check(read(event, &count, sizeof(count)) < 0, "the event was not taken");

	/* Without an irqfd, the event stays for who reads it. */
	close(new.vm);
	new.vm = -1;
	if (write(event, &count, sizeof(count)) != sizeof(count))
		die("write to an eventfd");
	check(read(event, &count, sizeof(count)) == sizeof(count), "a dead VM takes the event");
	close(event);
	free_machine(&old);
	free_machine(&new);
}

static const struct test tests[] = {
	TEST(vapic_address),	 TEST(vapic_word),
	TEST(tpr_access),	 TEST(coalesced_zones),
	TEST(coalesced_writes),	 TEST(coalesced_removal),
	TEST(coalesced_strings), TEST(coalesced_full),
	TEST(cr8_without_apic),	 TEST(split_creation),
	TEST(split_ioctls),	 TEST(msi_device_id),
	TEST(split_extint),	 TEST(split_lint0),
	TEST(split_eoi),	 TEST(split_eoi_before_signal),
	TEST(lapic_timer_at_0),	 TEST(irqfd_after_close),
};

int main(int argc, char **argv)
{
	signal(SIGALRM, on_hang);
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
