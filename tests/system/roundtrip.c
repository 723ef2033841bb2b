// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of a round trip: a 64-bit guest without a kernel does one operation in a loop and
 * notes the TSC each time. KTAP on stdout.
 *
 *	roundtrip [-d /dev/oriel]
 *
 * Run as a test, it checks that each operation is done in the kernel or by userspace, as it should.
 * With ORIEL_ROUND_TRIPS=N it does each operation N times and prints the median of the TSC's
 * steps, less that of an empty loop. On a counting host a tick is an instruction, so these are
 * instructions. It passes on the in-tree KVM as well.
 */
#include <sys/eventfd.h>

#include "longmode.h"
#include "roundtrip_guest.h"

/* The number of rounds before counting begins, and of those counted if nobody asks for more. */
#define WARM_UP 50u
#define FEW 10u
#define MOST 10000ul

#define PML4 0x5000UL
#define PDPT 0x6000UL
/* Four page directories. */
#define PD 0x9000UL
#define HANDLER (CODE + 0x800)
#define INTERRUPTS DATA

/* Slots 1 and 2: the TSC values that the guest notes, and pages that it never touched. */
#define STAMPS 0x400000UL
#define FRESH 0x1000000UL
#define FRESH_OPERATIONS 2u

#define RFLAGS_IF (1 << 9)
#define VECTOR 0x51
#define GSI 24
#define PIN 4
#define PORT_DONE 0x10
#define PORT_KICK 0x11
#define PORT_USER 0x1e0
#define PORT_EVENT 0x1e8
#define PORT_PIC_MASK 0x21
#define MMIO_USER 0xd0000000UL
#define MMIO_EVENT 0xd0001000UL
#define MMIO_MATCH 0xd0001010UL

#define APIC 0xfee00000UL
#define APIC_TPR (APIC + 0x80)
#define APIC_TMICT (APIC + 0x380)
#define X2APIC_TPR 0x808
#define X2APIC_EOI 0x80b
#define MSR_APIC_BASE 0x1b
#define MSR_TSC_ADJUST 0x3b
#define MSR_EFER 0xc0000080u

enum irqchip { NONE, XAPIC, X2APIC };

static const char *const irqchip_names[] = { "none", "xAPIC", "x2APIC" };

/* Either a loop of the guest or an ioctl of userspace. */
struct operation {
	enum irqchip irqchip;
	const char *name;
	const uint8_t *loop;
	const uint8_t *loop_end;
	uint64_t operand;
	/* The guest uses a page of slot 2 that it has not touched before. */
	bool fresh;
	/* The operation exits to userspace, which sends an interrupt if @send is set. */
	bool user;
	void (*send)(void);
	/* The file descriptor of the ioctl(). */
	const int *fd;
	unsigned long request;
	uintptr_t argument;
};

static struct machine machine;
static int irqfd;
static unsigned int rounds = FEW;
static bool wanted;
static uint64_t *stamps;
static uint64_t fresh;

/* ---- interrupts that userspace sends ---- */

static void send_vector(void)
{
	MUST(machine.vcpu[0], KVM_INTERRUPT, &(struct kvm_interrupt){ .irq = VECTOR });
}

static void send_irqfd(void)
{
	if (eventfd_write(irqfd, 1))
		die("a write to an irqfd");
}

static void send_msi(void)
{
	struct kvm_msi msi = { .address_lo = APIC, .data = VECTOR };

	MUST(machine.vm, KVM_SIGNAL_MSI, &msi);
}

/* ---- the table ---- */

#define GUEST(mode, what, code, ...)                                                             \
	{                                                                                        \
		.irqchip = mode, .name = what, .loop = code##_loop, .loop_end = code##_loop_end, \
		__VA_ARGS__                                                                      \
	}
#define CALL(mode, what, file, code, arg)                                   \
	{                                                                   \
		.irqchip = mode, .name = what, .fd = file, .request = code, \
		.argument = (uintptr_t)(arg)                                \
	}

/* A KVM_SET gets the data that the KVM_GET before it returned. */
static struct kvm_regs regs;
static struct kvm_sregs sregs;
static struct kvm_fpu fpu;
static union {
	struct kvm_msrs list;
	uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
} one_msr = { .list.nmsrs = 1 };
static struct kvm_irq_level low = { .irq = PIN };

static const struct operation operations[] = {
	GUEST(NONE, "cpuid", cpuid),
	GUEST(NONE, "hypercall", hypercall),
	GUEST(NONE, "pio_out_user", out, .operand = PORT_USER, .user = true),
	GUEST(NONE, "pio_in_user", in, .operand = PORT_USER, .user = true),
	GUEST(NONE, "pio_rep_outsb64_user", rep_outsb, .operand = PORT_USER, .user = true),
	GUEST(NONE, "pio_rep_insb64_user", rep_insb, .operand = PORT_USER, .user = true),
	GUEST(NONE, "mmio_read_user", read, .operand = MMIO_USER, .user = true),
	GUEST(NONE, "mmio_write_user", write, .operand = MMIO_USER, .user = true),
	GUEST(NONE, "rdmsr_tsc_adjust", rdmsr, .operand = MSR_TSC_ADJUST),
	GUEST(NONE, "wrmsr_tsc_adjust", wrmsr, .operand = MSR_TSC_ADJUST),
	GUEST(NONE, "rdmsr_efer", rdmsr, .operand = MSR_EFER),
	GUEST(NONE, "rdmsr_apic_base", rdmsr, .operand = MSR_APIC_BASE),
	GUEST(NONE, "cr0_ts_toggle", toggle_cr0),
	GUEST(NONE, "mov_to_cr3", to_cr3),
	GUEST(NONE, "cr4_pge_toggle", toggle_cr4),
	GUEST(NONE, "mov_to_dr7", to_dr7),
	GUEST(NONE, "wbinvd", wbinvd),
	GUEST(NONE, "npf_write_4k", write_page, .fresh = true),
	GUEST(NONE, "npf_read_4k", read_page, .fresh = true),
	GUEST(NONE, "ioeventfd_pio", out, .operand = PORT_EVENT),
	GUEST(NONE, "ioeventfd_mmio", write, .operand = MMIO_EVENT),
	GUEST(NONE, "ioeventfd_mmio_match", write, .operand = MMIO_MATCH),
	CALL(NONE, "ioctl_get_regs", machine.vcpu, KVM_GET_REGS, &regs),
	CALL(NONE, "ioctl_set_regs", machine.vcpu, KVM_SET_REGS, &regs),
	CALL(NONE, "ioctl_get_sregs", machine.vcpu, KVM_GET_SREGS, &sregs),
	CALL(NONE, "ioctl_set_sregs", machine.vcpu, KVM_SET_SREGS, &sregs),
	CALL(NONE, "ioctl_get_fpu", machine.vcpu, KVM_GET_FPU, &fpu),
	CALL(NONE, "ioctl_get_msrs1", machine.vcpu, KVM_GET_MSRS, &one_msr),
	CALL(NONE, "ioctl_check_extension", &kvm, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY),
	CALL(NONE, "run_immediate_exit", machine.vcpu, KVM_RUN, 0),
	GUEST(NONE, "hlt_user", hlt, .user = true),
	GUEST(NONE, "kvm_interrupt+out", kick, .user = true, .send = send_vector),
	GUEST(XAPIC, "pio_in_kernel_pic", in, .operand = PORT_PIC_MASK),
	GUEST(XAPIC, "apic_tpr_mmio_write", write, .operand = APIC_TPR),
	GUEST(XAPIC, "apic_tpr_mmio_read", read, .operand = APIC_TPR),
	GUEST(XAPIC, "apic_timer_mmio_write", timer_count, .operand = APIC_TMICT),
	GUEST(XAPIC, "apic_selfipi+eoi_mmio", self_ipi_mmio, .operand = APIC),
	GUEST(XAPIC, "irqfd_msi+out+eoi", kick, .user = true, .send = send_irqfd),
	GUEST(XAPIC, "signal_msi+out+eoi", kick, .user = true, .send = send_msi),
	CALL(XAPIC, "ioctl_irq_line", &machine.vm, KVM_IRQ_LINE, &low),
	GUEST(X2APIC, "x2apic_tpr_write", wrmsr, .operand = X2APIC_TPR),
	GUEST(X2APIC, "x2apic_tpr_read", rdmsr, .operand = X2APIC_TPR),
	GUEST(X2APIC, "mov_to_cr8", to_cr8),
	GUEST(X2APIC, "x2apic_eoi_write", wrmsr, .operand = X2APIC_EOI),
	GUEST(X2APIC, "tsc_deadline_write", tsc_deadline),
	GUEST(X2APIC, "x2apic_selfipi+eoi", self_ipi_msr),
	GUEST(X2APIC, "irqfd_msi+out+eoi", kick, .user = true, .send = send_irqfd),
	GUEST(X2APIC, "signal_msi+out+eoi", kick, .user = true, .send = send_msi),
};

static const struct operation nothing = GUEST(NONE, "the empty loop", empty);
static const struct operation enable_apic[] = {
	[XAPIC] = GUEST(XAPIC, "enabling the APIC", enable_xapic, .operand = APIC),
	[X2APIC] = GUEST(X2APIC, "enabling the APIC", enable_x2apic),
};

/* ---- counting ---- */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

static void enter_loop(const struct operation *op, unsigned int times)
{
	struct kvm_regs at_start = {
		.rip = CODE,
		.rflags = RFLAGS_IF,
		.rbp = on_intel(),
		.r12 = times,
		.r13 = STAMPS,
		.r14 = op->operand,
		.r15 = *ram_u32(&machine, INTERRUPTS),
	};

	if (op->fresh) {
		at_start.r14 = FRESH + fresh;
		fresh += times * PAGE;
	}
	memcpy(machine.ram + CODE, op->loop, op->loop_end - op->loop);
	set_regs(&machine, 0, &at_start);
}

/* Run until the guest has finished. Return false if it cannot finish. */
static bool run_loop(const struct operation *op, unsigned int times)
{
	const struct kvm_run *r = machine.run[0];
	unsigned int exits = 0;
	int reason;

	enter_loop(op, times);
	for (;; exits++) {
		reason = run(&machine, 0);
		if (reason == KVM_EXIT_IO && r->io.port == PORT_DONE)
			break;
		if (reason == KVM_EXIT_IO && r->io.port == PORT_KICK) {
			op->send();
		} else if (!op->user || (reason != KVM_EXIT_IO && reason != KVM_EXIT_MMIO &&
					 reason != KVM_EXIT_HLT)) {
			complain("%s: KVM_RUN gives %d", op->name, reason);
			return false;
		}
	}
	if (op->user && exits < times)
		complain("%s: %u exits to userspace, expected %u", op->name, exits, times);
	return true;
}

/* Return the cost of an operation of the guest, with the loop around it. */
static uint64_t cost_of_loop(const struct operation *op)
{
	unsigned int i;

	if (!run_loop(op, WARM_UP) || !run_loop(op, rounds))
		return 0;
	for (i = 0; i < rounds; i++)
		stamps[i] = stamps[i + 1] - stamps[i];
	return median(stamps, rounds);
}

static uint64_t cost_of_call(const struct operation *op)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < WARM_UP + rounds; i++) {
		uint64_t start = __builtin_ia32_rdtsc();

		r = ioctl(*op->fd, op->request, op->argument);
		stamps[i % rounds] = __builtin_ia32_rdtsc() - start;
	}
	if (r < 0 && (op->request != KVM_RUN || errno != EINTR))
		complain("%s: %s", op->name, strerror(errno));
	return median(stamps, rounds);
}

static void count_operations(enum irqchip irqchip)
{
	uint64_t empty = cost_of_loop(&nothing);
	const struct operation *op;
	uint64_t cost;

	for (op = operations; op < operations + ARRAY_SIZE(operations); op++) {
		if (op->irqchip != irqchip)
			continue;
		machine.run[0]->immediate_exit = !op->loop;
		cost = op->loop ? cost_of_loop(op) - empty : cost_of_call(op);
		if (wanted)
			printf("# %s %s %lld\n", irqchip_names[irqchip], op->name, (long long)cost);
	}
	machine.run[0]->immediate_exit = 0;
}

/* ---- the machine ---- */

/* Map the lower 4 GiB to themselves, all entries accessed and dirty. */
static void set_page_tables(void)
{
	uint64_t *pml4 = (uint64_t *)(machine.ram + PML4);
	uint64_t *pdpt = (uint64_t *)(machine.ram + PDPT);
	uint64_t *pd = (uint64_t *)(machine.ram + PD);
	unsigned int i;

	pml4[0] = PDPT | 0x23;
	for (i = 0; i < 4; i++)
		pdpt[i] = (PD + i * PAGE) | 0x23;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = (uint64_t)i << 21 | 0xe3;
}

static void set_handler(const uint8_t *code, const uint8_t *end)
{
	memcpy(machine.ram + HANDLER, code, end - code);
	set_gate64(&machine, VECTOR, HANDLER);
}

/* Its pages are present and small, so that only the guest's own faults are counted. */
static void *add_slot(uint32_t slot, uint64_t gpa, size_t size)
{
	uint8_t *memory = map_memory(size);

	if (madvise(memory, size, MADV_NOHUGEPAGE))
		die("madvise");
	memset(memory, 1, size);
	must_set_slot(&machine, slot, 0, gpa, size, memory);
	return memory;
}

static size_t stamps_size(void)
{
	return ((rounds > WARM_UP ? rounds : WARM_UP) * sizeof(uint64_t) / PAGE + 1) * PAGE;
}

static size_t fresh_size(void)
{
	return FRESH_OPERATIONS * (WARM_UP + rounds) * PAGE;
}

static void build_machine(enum irqchip irqchip)
{
	one_msr.list.entries[0].index = MSR_EFER;
	machine = new_machine(1, irqchip != NONE, empty_loop, empty_loop_end);
	set_page_tables();
	set_cpuid(&machine, 0);
	set_long_mode(&machine, 0, PML4);
	stamps = add_slot(1, STAMPS, stamps_size());
	if (irqchip == NONE)
		set_handler(take_irq, take_irq_end);
	else if (irqchip == XAPIC)
		set_handler(take_irq_xapic, take_irq_xapic_end);
	else
		set_handler(take_irq_x2apic, take_irq_x2apic_end);
	if (irqchip != NONE)
		run_loop(&enable_apic[irqchip], 1);
}

static void drop_machine(void)
{
	free_machine(&machine);
	munmap(stamps, stamps_size());
}

/* ---- the tests ---- */

static void expect_signals(int fd, const char *what)
{
	eventfd_t count = 0;

	if (eventfd_read(fd, &count))
		die("a read from an eventfd");
	check_equal(count, WARM_UP + rounds, what);
	close(fd);
}

static int add_ioeventfd(uint64_t address, uint32_t length, uint32_t flags)
{
	struct kvm_ioeventfd event = {
		.addr = address,
		.len = length,
		.fd = eventfd(0, EFD_NONBLOCK),
		.flags = flags,
	};

	MUST(machine.vm, KVM_IOEVENTFD, &event);
	return event.fd;
}

static void test_without_irqchip(void)
{
	int pio, mmio, match;
	void *pages;

	build_machine(NONE);
	pages = add_slot(2, FRESH, fresh_size());
	fresh = 0;
	pio = add_ioeventfd(PORT_EVENT, 1, KVM_IOEVENTFD_FLAG_PIO);
	mmio = add_ioeventfd(MMIO_EVENT, 4, 0);
	match = add_ioeventfd(MMIO_MATCH, 4, KVM_IOEVENTFD_FLAG_DATAMATCH);
	count_operations(NONE);
	expect_signals(pio, "ioeventfd_pio");
	expect_signals(mmio, "ioeventfd_mmio");
	expect_signals(match, "ioeventfd_mmio_match");
	drop_machine();
	munmap(pages, fresh_size());
}

/* Add GSIs for an MSI and for a pin of the I/O APIC. */
static void add_routes(void)
{
	union {
		struct kvm_irq_routing table;
		uint8_t room[sizeof(struct kvm_irq_routing) +
			     2 * sizeof(struct kvm_irq_routing_entry)];
	} routes = { .table.nr = 2 };
	struct kvm_irq_routing_entry *entry = routes.table.entries;

	entry[0].gsi = GSI;
	entry[0].type = KVM_IRQ_ROUTING_MSI;
	entry[0].u.msi.address_lo = APIC;
	entry[0].u.msi.data = VECTOR;
	entry[1].gsi = PIN;
	entry[1].type = KVM_IRQ_ROUTING_IRQCHIP;
	entry[1].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
	entry[1].u.irqchip.pin = PIN;
	MUST(machine.vm, KVM_SET_GSI_ROUTING, &routes);
}

static void add_irqfd(void)
{
	struct kvm_irqfd request = { .gsi = GSI };

	irqfd = eventfd(0, EFD_NONBLOCK);
	request.fd = irqfd;
	MUST(machine.vm, KVM_IRQFD, &request);
}

static void with_apic(enum irqchip irqchip)
{
	build_machine(irqchip);
	add_routes();
	add_irqfd();
	count_operations(irqchip);
	drop_machine();
	close(irqfd);
}

static void test_xapic(void)
{
	with_apic(XAPIC);
}

static void test_x2apic(void)
{
	with_apic(X2APIC);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		TEST(without_irqchip),
		TEST(xapic),
		TEST(x2apic),
	};
	const char *count = getenv("ORIEL_ROUND_TRIPS");

	if (count) {
		unsigned long number = strtoul(count, NULL, 10);

		if (!number || number > MOST) {
			fprintf(stderr, "ORIEL_ROUND_TRIPS is from 1 to %lu\n", MOST);
			return 2;
		}
		rounds = number;
		wanted = true;
	}
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
