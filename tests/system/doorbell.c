// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells and interrupts in the raw KVM ABI, from end to end: a guest's write signals an
 * eventfd; an eventfd, userspace or a timer interrupts a guest. KTAP on stdout.
 *
 *	doorbell [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include <sys/eventfd.h>
#include <time.h>

#include "rawvm.h"

#define BELL 0x10000000UL
#define BELL_PORT 0x70

/* Writes of each length to (%ebx) or to port %dx, 16 bytes apart. */
GUEST_CODE(bell_code, "mov %al, (%ebx)\n"
		      "out %al, $0x50\n"
		      ".org bell_code + 16\n"
		      "mov %ax, (%ebx)\n"
		      "out %al, $0x50\n"
		      ".org bell_code + 32\n"
		      "mov %eax, (%ebx)\n"
		      "out %al, $0x50\n"
		      ".org bell_code + 48\n"
		      "movq %mm0, (%ebx)\n"
		      "out %al, $0x50\n"
		      ".org bell_code + 64\n"
		      "out %al, %dx\n"
		      "out %al, $0x50\n"
		      ".org bell_code + 80\n"
		      "out %ax, %dx\n"
		      "out %al, $0x50\n"
		      ".org bell_code + 96\n"
		      "out %eax, %dx\n"
		      "out %al, $0x50");

static const struct {
	uint32_t length;
	uint32_t code;
	bool port;
} writes[] = {
	{ 1, 0, false }, { 2, 16, false }, { 4, 32, false }, { 8, 48, false },
	{ 1, 64, true }, { 2, 80, true },  { 4, 96, true },
};

/*
 * A guest that waits for interrupts, from 0 with its local APIC enabled, from 128 with
 * the PIC and channel 0 of the PIT programmed. Handlers: 64 of a line, 96 of NMIs, 112 of
 * the PIT.
 */
GUEST_CODE(wait_code, "movl $0x1ff, 0xfee000f0\n"
		      "sti\n"
		      "1: nop\n"
		      "out %al, $0x50\n"
		      "jmp 1b\n"
		      ".org wait_code + 64\n"
		      "out %al, $0x51\n"
		      "movl $0, 0xfee000b0\n"
		      "out %al, $0x52\n"
		      "iret\n"
		      ".org wait_code + 96\n"
		      "out %al, $0x53\n"
		      "iret\n"
		      ".org wait_code + 112\n"
		      "mov $0x20, %al\n"
		      "out %al, $0x20\n"
		      "out %al, $0x54\n"
		      "iret\n"
		      ".org wait_code + 128\n"
		      "mov $0x11, %al\n"
		      "out %al, $0x20\n"
		      "mov $0x60, %al\n"
		      "out %al, $0x21\n"
		      "mov $0x04, %al\n"
		      "out %al, $0x21\n"
		      "mov $0x01, %al\n"
		      "out %al, $0x21\n"
		      "mov $0xfe, %al\n"
		      "out %al, $0x21\n"
		      "mov $0x34, %al\n"
		      "out %al, $0x43\n"
		      "mov %bl, %al\n"
		      "out %al, $0x40\n"
		      "mov %bh, %al\n"
		      "out %al, $0x40\n"
		      "out %al, $0x50\n"
		      "sti\n"
		      "1: nop\n"
		      "out %al, $0x50\n"
		      "jmp 1b");
#define LINE_HANDLER (CODE + 64)
#define NMI_HANDLER (CODE + 96)
#define TICK_HANDLER (CODE + 112)
#define TICK_CODE (CODE + 128)
#define PORT_IDLE 0x50
#define PORT_LINE 0x51
#define PORT_LINE_ENDED 0x52
#define PORT_NMI 0x53
#define PORT_TICK 0x54

#define LINE_VECTOR 0x51
#define TICK_VECTOR 0x60
/* A pin that the PIC does not have. */
#define GSI 20u
#define IOAPIC_LEVEL 0x8000u

/* The PIT at 20 Hz, slow enough that even a slow host misses no tick. */
#define TICK_COUNT 59659u
#define TICK_NS 49999915LL

#define MACHINE(irqchip, name) new_machine(1, irqchip, name##_code, name##_code_end)

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0)
		die("eventfd");
	return fd;
}

/* Return how often the eventfd was signalled since the last call. */
static uint64_t signals(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void expect_exit(const struct machine *m, unsigned int port, const char *what)
{
	expect_port(m, run(m, 0), port, what);
}

/* An interrupt may come late: run the guest until the exit for it. */
static void await_exit(const struct machine *m, unsigned int port)
{
	int reason;

	do
		reason = run(m, 0);
	while (reason == KVM_EXIT_IO && m->run[0]->io.port == PORT_IDLE);
	expect_port(m, reason, port, "the guest waits for an interrupt");
}

/* ---- ioeventfd ---- */

static void change_bell(const struct machine *m, int fd, uint32_t length, uint32_t flags,
			uint64_t value)
{
	struct kvm_ioeventfd bell = {
		.addr = flags & KVM_IOEVENTFD_FLAG_PIO ? BELL_PORT : BELL,
		.len = length,
		.fd = fd,
		.flags = flags,
		.datamatch = value,
	};

	MUST(m->vm, KVM_IOEVENTFD, &bell);
}

/*
 * Let the guest write. Return true if that signalled the eventfd and caused no exit to
 * userspace.
 */
static bool rings(const struct machine *m, int fd, size_t i, uint32_t value)
{
	struct kvm_regs regs = {
		.rip = CODE + writes[i].code, .rax = value, .rbx = BELL, .rdx = BELL_PORT
	};
	int reason;

	set_regs(m, 0, &regs);
	reason = run(m, 0);
	if (reason == KVM_EXIT_IO && m->run[0]->io.port == PORT_IDLE) {
		settle(m, 0);
		check_equal(signals(fd), 1, "signals");
		return true;
	}
	if (writes[i].port) {
		expect_port(m, reason, BELL_PORT, "a write to the port");
		check_equal(m->run[0]->io.size, writes[i].length, "its size");
	} else {
		check_equal(reason, KVM_EXIT_MMIO, "a write to memory");
		check_equal(m->run[0]->mmio.len, writes[i].length, "its length");
	}
	settle(m, 0);
	check_equal(signals(fd), 0, "signals");
	return false;
}

/* Only writes of a doorbell's length ring it. */
static void test_bells_of_one_length(void)
{
	struct machine m = MACHINE(false, bell);
	int fd = new_eventfd();
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		uint32_t flags = writes[i].port ? KVM_IOEVENTFD_FLAG_PIO : 0;

		change_bell(&m, fd, writes[i].length, flags, 0);
		for (j = 0; j < ARRAY_SIZE(writes); j++)
			check_equal(rings(&m, fd, j, 1), i == j, "a write rings");
		change_bell(&m, fd, writes[i].length, flags | KVM_IOEVENTFD_FLAG_DEASSIGN, 0);
		check(!rings(&m, fd, i, 1), "it rings after its removal");
	}
	close(fd);
	free_machine(&m);
}

static void test_bells_of_any_length(void)
{
	struct machine m;
	size_t i;
	int fd;

	if (!extension(KVM_CAP_IOEVENTFD_ANY_LENGTH)) {
		skipped = "no KVM_CAP_IOEVENTFD_ANY_LENGTH";
		return;
	}
	m = MACHINE(false, bell);
	fd = new_eventfd();
	change_bell(&m, fd, 0, 0, 0);
	for (i = 0; i < ARRAY_SIZE(writes); i++)
		check_equal(rings(&m, fd, i, 1), !writes[i].port, "a write to memory rings");
	change_bell(&m, fd, 0, KVM_IOEVENTFD_FLAG_DEASSIGN, 0);
	change_bell(&m, fd, 0, KVM_IOEVENTFD_FLAG_PIO, 0);
	for (i = 0; i < ARRAY_SIZE(writes); i++)
		check_equal(rings(&m, fd, i, 1), writes[i].port, "a write to the port rings");
	close(fd);
	free_machine(&m);
}

/* Two doorbells are at one address, and the value that is written selects one. */
static void test_bells_by_value(void)
{
	const uint32_t match = KVM_IOEVENTFD_FLAG_DATAMATCH;
	struct machine m = MACHINE(false, bell);
	int three = new_eventfd(), four = new_eventfd();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		uint32_t flags = match | (writes[i].port ? KVM_IOEVENTFD_FLAG_PIO : 0);

		/* MM0 holds 0. */
		if (writes[i].length == 8)
			continue;
		change_bell(&m, three, writes[i].length, flags, 3);
		change_bell(&m, four, writes[i].length, flags, 4);
		check(rings(&m, three, i, 3), "3 does not ring its own");
		check(rings(&m, four, i, 4), "4 does not ring its own");
		check_equal(signals(three), 0, "4 rings for 3");
		check(!rings(&m, three, i, 5), "5 rings for 3");
		check_equal(signals(four), 0, "5 rings for 4");
		change_bell(&m, three, writes[i].length, flags | KVM_IOEVENTFD_FLAG_DEASSIGN, 3);
		change_bell(&m, four, writes[i].length, flags | KVM_IOEVENTFD_FLAG_DEASSIGN, 4);
	}
	close(three);
	close(four);
	free_machine(&m);
}

/* ---- interrupts ---- */

static struct machine waiting_machine(bool irqchip)
{
	struct machine m = MACHINE(irqchip, wait);

	set_gate(&m, 2, NMI_HANDLER);
	set_gate(&m, LINE_VECTOR, LINE_HANDLER);
	set_gate(&m, TICK_VECTOR, TICK_HANDLER);
	return m;
}

static void program_ioapic(const struct machine *m, uint32_t entry)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	MUST(m->vm, KVM_GET_IRQCHIP, &chip);
	chip.chip.ioapic.redirtbl[GSI].bits = entry;
	MUST(m->vm, KVM_SET_IRQCHIP, &chip);
}

/* The line stays up until the guest has ended the interrupt. Then the resamplefd is signalled. */
static void test_level_by_irqfd(void)
{
	struct machine m = waiting_machine(true);
	struct kvm_irqfd irqfd = { .fd = new_eventfd(), .gsi = GSI };
	unsigned int i;

	irqfd.resamplefd = new_eventfd();
	irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
	program_ioapic(&m, LINE_VECTOR | IOAPIC_LEVEL);
	MUST(m.vm, KVM_IRQFD, &irqfd);
	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE });
	expect_exit(&m, PORT_IDLE, "nothing waits");
	for (i = 0; i < 3; i++) {
		if (eventfd_write(irqfd.fd, 1))
			die("eventfd_write");
		await_exit(&m, PORT_LINE);
		check_equal(signals(irqfd.resamplefd), 0, "resamples before the EOI");
		expect_exit(&m, PORT_LINE_ENDED, "the handler goes on");
		check_equal(signals(irqfd.resamplefd), 1, "resamples after the EOI");
		expect_exit(&m, PORT_IDLE, "the line is down");
	}
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	MUST(m.vm, KVM_IRQFD, &irqfd);
	if (eventfd_write(irqfd.fd, 1))
		die("eventfd_write");
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	expect_exit(&m, PORT_IDLE, "it raises no line any more");
	close(irqfd.resamplefd);
	close(irqfd.fd);
	free_machine(&m);
}

/* Of three NMIs that wait for a handler, two are delivered, one after the IRET of the other. */
static void test_nmi(void)
{
	struct machine m;
	unsigned int i;

	if (bochs_svm_cannot("Bochs' SVM: an injected NMI hangs"))
		return;
	m = waiting_machine(true);
	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE });
	expect_exit(&m, PORT_IDLE, "nothing waits");
	MUST(m.vcpu[0], KVM_NMI, 0);
	expect_exit(&m, PORT_NMI, "one NMI");
	expect_exit(&m, PORT_IDLE, "and no more");
	for (i = 0; i < 3; i++)
		MUST(m.vcpu[0], KVM_NMI, 0);
	expect_exit(&m, PORT_NMI, "the first of two");
	expect_exit(&m, PORT_NMI, "the second of two");
	expect_exit(&m, PORT_IDLE, "and no third");
	free_machine(&m);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/*
 * Make a guest with a PIT that has not run for a second. @start is the time from which ticks
 * count.
 */
static struct machine late_machine(bool reinject, int64_t *start)
{
	struct machine m = waiting_machine(true);
	struct kvm_reinject_control control = { .pit_reinject = reinject };

	MUST(m.vm, KVM_CREATE_PIT2, &(struct kvm_pit_config){ 0 });
	MUST(m.vm, KVM_REINJECT_CONTROL, &control);
	set_regs(&m, 0, &(struct kvm_regs){ .rip = TICK_CODE, .rbx = TICK_COUNT });
	/* Interrupts are off: the first tick may wait already. */
	expect_exit(&m, PORT_IDLE, "the PIT is programmed");
	/* Ticks count from here, because the PIT does not tick before, however long that takes. */
	*start = now_ns();
	nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	return m;
}

static void test_missed_ticks_are_made_up_for(void)
{
	int64_t start, ticks = 0;
	struct machine m = late_machine(true, &start);

	/* Without reinjection the twenty ticks of that second would be lost. */
	do {
		await_exit(&m, PORT_TICK);
		ticks++;
	} while (!failed && ticks < (now_ns() - start) / TICK_NS - 1);
	free_machine(&m);
}

static void test_missed_ticks_are_lost(void)
{
	int64_t start;
	struct machine m = late_machine(false, &start);
	unsigned int i;

	/* One tick waits. The others come at the PIT's rate. */
	for (i = 0; i < 5; i++)
		await_exit(&m, PORT_TICK);
	check(now_ns() - start >= 1000000000LL + 3 * TICK_NS, "ticks come too early");
	free_machine(&m);
}

static const struct test tests[] = {
	TEST(bells_of_one_length),
	TEST(bells_of_any_length),
	TEST(bells_by_value),
	TEST(level_by_irqfd),
	TEST(nmi),
	TEST(missed_ticks_are_made_up_for),
	TEST(missed_ticks_are_lost),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
