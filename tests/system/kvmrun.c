// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN and the events around it: signals, interrupts from other threads, exits and their
 * completion, closing, and state moved to another VM. KTAP on stdout.
 *
 *	kvmrun [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>

#include "rawvm.h"

#define TIMES 2000u
#define PORT_MARK 0x50
#define PORT_OTHER 0x51
#define MMIO_BASE 0x10000000UL

/*
 * Counts in (%ebp) while it runs; 4(%ebp) makes it stop. Code that spins has IF set, because in
 * Bochs' VMX no interrupt of the host ends a guest that has IF clear.
 */
GUEST_CODE(spin_code, "sti\n"
		      "1: incl (%ebp)\n"
		      "cmpl $0, 4(%ebp)\n"
		      "je 1b\n"
		      "out %al, $0x50\n"
		      "jmp 1b");

/* When 4(%ebp) is set, counts the calls of KVM_RUN. */
GUEST_CODE(count_code, "sti\n"
		       "1: cmpl $0, 4(%ebp)\n"
		       "je 1b\n"
		       "inc %eax\n"
		       "out %al, $0x50\n"
		       "jmp 1b");

GUEST_CODE(halt_code, "1: hlt\n"
		      "out %al, $0x50\n"
		      "jmp 1b");

/* Spins at 0, halts at 64; then handlers with a local APIC and without one. */
GUEST_CODE(irq_code, "movl $0x1ff, 0xfee000f0\n"
		     "incl 0x2008\n"
		     "sti\n"
		     "1: jmp 1b\n"
		     ".org irq_code + 64\n"
		     "movl $0x1ff, 0xfee000f0\n"
		     "incl 0x2008\n"
		     "sti\n"
		     "1: hlt\n"
		     "jmp 1b\n"
		     ".org irq_code + 128\n"
		     "incl 0x2000\n"
		     "movl $0, 0xfee000b0\n"
		     "iret\n"
		     ".org irq_code + 192\n"
		     "1: cli\n"
		     "out %al, $0x50\n"
		     "sti\n"
		     "nop\n"
		     "nop\n"
		     "jmp 1b\n"
		     ".org irq_code + 224\n"
		     "out %al, $0x51\n"
		     "iret");

/* Port accesses, 16 bytes each. */
GUEST_CODE(port_code, "in $0x40, %al\n"
		      ".org port_code + 16\n"
		      "in $0x40, %ax\n"
		      ".org port_code + 32\n"
		      "in $0x40, %eax\n"
		      ".org port_code + 48\n"
		      "out %al, $0x40\n"
		      ".org port_code + 64\n"
		      "out %ax, $0x40\n"
		      ".org port_code + 80\n"
		      "out %eax, $0x40\n"
		      ".org port_code + 96\n"
		      "rep insb\n"
		      "out %al, $0x50\n"
		      ".org port_code + 112\n"
		      "rep insw\n"
		      "out %al, $0x50\n"
		      ".org port_code + 128\n"
		      "rep insl\n"
		      "out %al, $0x50\n"
		      ".org port_code + 144\n"
		      "rep outsb\n"
		      "out %al, $0x50\n"
		      ".org port_code + 160\n"
		      "rep outsw\n"
		      "out %al, $0x50\n"
		      ".org port_code + 176\n"
		      "rep outsl\n"
		      "out %al, $0x50\n"
		      ".org port_code + 192\n"
		      "out %al, $0x51");
#define OTHER_CODE (CODE + 192)

/* Moves data to and from a device at %ebx. */
GUEST_CODE(mmio_code, "mov (%ebx), %eax\n"
		      "mov %ax, 8(%ebx)\n"
		      "mov %al, 16(%ebx)\n"
		      "mov %eax, 0xffe(%ebx)\n"
		      "movzbl 1(%ebx), %ecx\n"
		      "mov %ecx, 24(%ebx)\n"
		      "addl $5, 32(%ebx)\n"
		      "lea 64(%ebx), %edi\n"
		      "mov $0x2000, %esi\n"
		      "mov $4, %ecx\n"
		      "rep movsl\n"
		      "lea 64(%ebx), %esi\n"
		      "mov $0x2100, %edi\n"
		      "mov $4, %ecx\n"
		      "rep movsl\n"
		      "mov 0xffe(%ebx), %edx\n"
		      "out %al, $0x50\n"
		      ".org mmio_code + 128\n"
		      "mov (%ebx), %eax\n"
		      "out %al, $0x50\n"
		      ".org mmio_code + 144\n"
		      "mov %eax, (%ebx)\n"
		      "out %al, $0x50");

GUEST_CODE(crash_code, "ud2\n"
		       ".org crash_code + 16\n"
		       "out %al, $0x50");

/* Accesses a port, a device and RAM in turn, and halts. */
GUEST_CODE(mixed_code, "1: in $0x40, %eax\n"
		       "mov %eax, (%ebx)\n"
		       "mov 4(%ebx), %ecx\n"
		       "incl (%ebp)\n"
		       "hlt\n"
		       "out %al, $0x50\n"
		       "jmp 1b");

/* Counts in a register, in memory and in an SSE register until 4(%ebp) is set. */
GUEST_CODE(counter_code, "sti\n"
			 "movd %ecx, %xmm1\n"
			 "pxor %xmm0, %xmm0\n"
			 "1: inc %eax\n"
			 "mov %eax, (%ebp)\n"
			 "paddd %xmm1, %xmm0\n"
			 "cmpl $0, 4(%ebp)\n"
			 "je 1b\n"
			 "out %al, $0x50");

#define MACHINE(irqchip, name) new_machine(1, irqchip, name##_code, name##_code_end)

static uint32_t random_state = 1;

/* Marsaglia's xorshift32: the same numbers each time. */
static uint32_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static void random_delay(void)
{
	volatile uint32_t left = random_number() % 20000;

	while (left)
		left--;
}

static void start_at(const struct machine *m, uint64_t rip)
{
	struct kvm_regs regs = { .rip = rip, .rbp = DATA, .rbx = MMIO_BASE };

	set_regs(m, 0, &regs);
}

/* ---- a vCPU in a thread ---- */

struct worker {
	pthread_t thread;
	const struct machine *m;
	/* The number of kicks, and the result if it ended early. */
	uint32_t acks;
	uint32_t quit;
	uint32_t done;
	int end;
};

static void start(struct worker *w, const struct machine *m, void *(*body)(void *arg))
{
	*w = (struct worker){ .m = m };
	if (pthread_create(&w->thread, NULL, body, w))
		die("pthread_create");
}

static void wait_for(const struct worker *w, const uint32_t *number, uint32_t value)
{
	while (peek(number) != value && !peek(&w->done))
		sched_yield();
}

static void wait_grown(const struct worker *w, const uint32_t *number)
{
	uint32_t was = peek(number);

	while (peek(number) == was && !peek(&w->done))
		sched_yield();
}

/* One KVM_RUN. */
static void *run_to_exit(void *arg)
{
	struct worker *w = arg;

	w->end = run(w->m, 0);
	poke(&w->done, 1);
	return NULL;
}

/* Call KVM_RUN until told to quit. */
static void *run_until_quit(void *arg)
{
	struct worker *w = arg;

	while (!peek(&w->quit)) {
		w->end = run_once(w->m, 0);
		if (w->end != -EINTR)
			break;
	}
	poke(&w->done, 1);
	return NULL;
}

static void quit(struct worker *w)
{
	poke(&w->quit, 1);
	w->m->run[0]->immediate_exit = 1;
	pthread_kill(w->thread, SIGUSR1);
	pthread_join(w->thread, NULL);
	w->m->run[0]->immediate_exit = 0;
	check_equal(-w->end, EINTR, "the end of a vCPU");
}

/* ---- signals ---- */

static __thread struct kvm_run *kicked_run;

static void on_kick(int signal)
{
	(void)signal;
	if (kicked_run)
		kicked_run->immediate_exit = 1;
}

static void set_signal_mask(const struct machine *m, const uint64_t *set)
{
	union {
		struct kvm_signal_mask mask;
		uint8_t room[sizeof(struct kvm_signal_mask) + sizeof(*set)];
	} u = { .mask.len = sizeof(*set) };

	if (set)
		memcpy(u.mask.sigset, set, sizeof(*set));
	MUST(m->vcpu[0], KVM_SET_SIGNAL_MASK, set ? &u : NULL);
}

static sigset_t only_usr1(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return set;
}

static bool take_usr1(void)
{
	const struct timespec now = { 0 };
	sigset_t set = only_usr1();

	return sigtimedwait(&set, NULL, &now) == SIGUSR1;
}

static void test_immediate_exit(void)
{
	struct machine m = MACHINE(false, spin);
	struct kvm_regs regs;

	poke(ram_u32(&m, DATA + 4), 1);
	start_at(&m, CODE);
	m.run[0]->immediate_exit = 1;
	m.run[0]->exit_reason = KVM_EXIT_UNKNOWN;
	check_equal(-run_once(&m, 0), EINTR, "immediate_exit");
	check_equal(m.run[0]->exit_reason, KVM_EXIT_UNKNOWN, "exit reason");
	regs = get_regs(&m, 0);
	check_equal(regs.rip, CODE, "RIP");
	check_equal(peek(ram_u32(&m, DATA)), 0, "what the guest did");
	m.run[0]->immediate_exit = 0;
	expect_port(&m, run(&m, 0), PORT_MARK, "without it");
	free_machine(&m);
}

static void test_signal_mask(void)
{
	static const uint64_t none, all = ~0ull;
	struct machine m = MACHINE(false, spin);
	sigset_t set = only_usr1();

	poke(ram_u32(&m, DATA + 4), 1);
	start_at(&m, CODE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	expect_port(&m, run_once(&m, 0), PORT_MARK, "the thread blocks it");
	set_signal_mask(&m, &none);
	check_equal(-run_once(&m, 0), EINTR, "the vCPU does not block it");
	check_equal(m.run[0]->exit_reason, KVM_EXIT_INTR, "exit reason");
	set_signal_mask(&m, &all);
	expect_port(&m, run_once(&m, 0), PORT_MARK, "the vCPU blocks it");
	set_signal_mask(&m, NULL);
	expect_port(&m, run_once(&m, 0), PORT_MARK, "without a mask the thread blocks it");
	check(take_usr1(), "the signal is gone");
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	free_machine(&m);
}

/* The signal is blocked outside KVM_RUN. */
static void *kicked_by_mask(void *arg)
{
	struct worker *w = arg;

	while (w->acks < TIMES) {
		w->end = run_once(w->m, 0);
		if (w->end != -EINTR)
			break;
		if (take_usr1())
			poke(&w->acks, w->acks + 1);
	}
	poke(&w->done, 1);
	return NULL;
}

/* The signal's handler sets immediate_exit. */
static void *kicked_by_handler(void *arg)
{
	struct worker *w = arg;
	sigset_t set = only_usr1();

	kicked_run = w->m->run[0];
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	while (w->acks < TIMES) {
		w->end = run_once(w->m, 0);
		if (w->end != -EINTR)
			break;
		if (kicked_run->immediate_exit) {
			kicked_run->immediate_exit = 0;
			poke(&w->acks, w->acks + 1);
		}
	}
	poke(&w->done, 1);
	return NULL;
}

static void kick_often(const struct machine *m, void *(*body)(void *arg))
{
	sigset_t set = only_usr1();
	struct worker w;
	uint32_t i;

	start_at(m, CODE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	start(&w, m, body);
	for (i = 0; i < TIMES && !peek(&w.done); i++) {
		random_delay();
		pthread_kill(w.thread, SIGUSR1);
		wait_for(&w, &w.acks, i + 1);
	}
	pthread_join(w.thread, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	check_equal(w.acks, TIMES, "kicks that came");
	check_equal(-w.end, EINTR, "what KVM_RUN gives");
}

static void test_kick_spinning(void)
{
	static const uint64_t none;
	struct machine m = MACHINE(false, spin);

	kick_often(&m, kicked_by_handler);
	set_signal_mask(&m, &none);
	kick_often(&m, kicked_by_mask);
	check(peek(ram_u32(&m, DATA)), "the guest did not run");
	free_machine(&m);
}

/* A signal that is blocked outside KVM_RUN does no harm without a handler. */
static void test_kick_without_handler(void)
{
	static const uint64_t none;
	struct sigaction no_handler = { .sa_handler = SIG_DFL }, handler;
	struct machine m = MACHINE(false, spin);

	set_signal_mask(&m, &none);
	sigaction(SIGUSR1, &no_handler, &handler);
	kick_often(&m, kicked_by_mask);
	sigaction(SIGUSR1, &handler, NULL);
	free_machine(&m);
}

static void test_kick_halted(void)
{
	static const uint64_t none;
	struct machine m = MACHINE(true, halt);

	kick_often(&m, kicked_by_handler);
	set_signal_mask(&m, &none);
	kick_often(&m, kicked_by_mask);
	free_machine(&m);
}

/* ---- interrupts ---- */

#define VECTOR 0x40
#define PIN_LINE 20
#define PIN_EVENT 21

/* Set up pins that the PIC does not have: edge-triggered, to the first CPU. */
static void set_pins(const struct machine *m)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	MUST(m->vm, KVM_GET_IRQCHIP, &chip);
	chip.chip.ioapic.redirtbl[PIN_LINE].bits = VECTOR;
	chip.chip.ioapic.redirtbl[PIN_EVENT].bits = VECTOR;
	MUST(m->vm, KVM_SET_IRQCHIP, &chip);
}

static void send_line(const struct machine *m, int event)
{
	struct kvm_irq_level line = { .irq = PIN_LINE, .level = 1 };

	(void)event;
	MUST(m->vm, KVM_IRQ_LINE, &line);
	line.level = 0;
	MUST(m->vm, KVM_IRQ_LINE, &line);
}

static void send_msi(const struct machine *m, int event)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };

	(void)event;
	MUST(m->vm, KVM_SIGNAL_MSI, &msi);
}

static void send_event(const struct machine *m, int event)
{
	(void)m;
	if (eventfd_write(event, 1))
		die("eventfd_write");
}

static void send_often(const struct machine *m, const struct worker *w, int event, uint32_t *count)
{
	static void (*const ways[])(const struct machine *m, int event) = {
		send_line,
		send_msi,
		send_event,
	};
	uint32_t sent = 0;
	size_t way;

	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		uint32_t i;

		for (i = 0; i < TIMES; i++) {
			if (i & 1)
				random_delay();
			ways[way](m, event);
			wait_for(w, count, ++sent);
		}
	}
	check_equal(peek(count), sent, "interrupts that came");
}

static void interrupt_often(uint64_t entry)
{
	struct kvm_irqfd irqfd = { .gsi = PIN_EVENT, .fd = eventfd(0, EFD_CLOEXEC) };
	struct machine m = MACHINE(true, irq);
	struct worker w;

	set_gate(&m, VECTOR, CODE + 128);
	set_pins(&m);
	MUST(m.vm, KVM_IRQFD, &irqfd);
	start_at(&m, entry);
	start(&w, &m, run_until_quit);
	wait_for(&w, ram_u32(&m, DATA + 8), 1);
	send_often(&m, &w, irqfd.fd, ram_u32(&m, DATA));
	quit(&w);
	free_machine(&m);
	close(irqfd.fd);
}

static void test_interrupt_spinning(void)
{
	interrupt_often(CODE);
}

static void test_interrupt_halted(void)
{
	interrupt_often(CODE + 64);
}

static void test_interrupt_window(void)
{
	struct kvm_interrupt irq = { .irq = VECTOR };
	struct kvm_run *r;
	struct machine m;
	unsigned int i;

	if (bochs_svm_cannot("Bochs' SVM forgets an interrupt window now and then"))
		return;
	m = MACHINE(false, irq);
	r = m.run[0];
	set_gate(&m, VECTOR, CODE + 224);
	start_at(&m, CODE + 192);
	for (i = 0; i < 100; i++) {
		r->request_interrupt_window = 0;
		expect_port(&m, run(&m, 0), PORT_MARK, "interrupts off");
		check_equal(r->if_flag, 0, "if_flag");
		check_equal(r->ready_for_interrupt_injection, 0, "ready");
		r->request_interrupt_window = 1;
		check_equal(run(&m, 0), KVM_EXIT_IRQ_WINDOW_OPEN, "window");
		check_equal(r->if_flag, 1, "if_flag");
		check_equal(r->ready_for_interrupt_injection, 1, "ready");
		MUST(m.vcpu[0], KVM_INTERRUPT, &irq);
		r->request_interrupt_window = 0;
		expect_port(&m, run(&m, 0), PORT_OTHER, "the handler");
	}
	/* An interrupt that is queued while interrupts are off waits. */
	expect_port(&m, run(&m, 0), PORT_MARK, "interrupts off");
	MUST(m.vcpu[0], KVM_INTERRUPT, &irq);
	expect_port(&m, run(&m, 0), PORT_OTHER, "once they are on");
	expect_port(&m, run(&m, 0), PORT_MARK, "only once");
	free_machine(&m);
}

/* ---- threads and descriptors ---- */

static void pin(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(thread, sizeof(set), &set))
		die("pthread_setaffinity_np");
}

static void test_moving_between_cpus(void)
{
	struct machine m = MACHINE(false, spin);
	struct worker w;
	unsigned int i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		skipped = "only one CPU";
		free_machine(&m);
		return;
	}
	start_at(&m, CODE);
	start(&w, &m, run_to_exit);
	for (i = 0; i < 100 && !peek(&w.done); i++) {
		pin(w.thread, i & 1);
		wait_grown(&w, ram_u32(&m, DATA));
	}
	poke(ram_u32(&m, DATA + 4), 1);
	pthread_join(w.thread, NULL);
	expect_port(&m, w.end, PORT_MARK, "the end");
	free_machine(&m);
}

static void test_two_threads(void)
{
	struct machine m = MACHINE(false, count);
	struct kvm_regs regs;
	struct worker w[2];
	unsigned int i;

	for (i = 0; i < 200; i++) {
		poke(ram_u32(&m, DATA + 4), 0);
		start_at(&m, CODE);
		start(&w[0], &m, run_to_exit);
		start(&w[1], &m, run_to_exit);
		random_delay();
		poke(ram_u32(&m, DATA + 4), 1);
		pthread_join(w[0].thread, NULL);
		pthread_join(w[1].thread, NULL);
		check_equal(w[0].end, KVM_EXIT_IO, "first thread");
		check_equal(w[1].end, KVM_EXIT_IO, "second thread");
		regs = get_regs(&m, 0);
		check_equal(regs.rax, 2, "runs of the guest");
		settle(&m, 0);
	}
	free_machine(&m);
}

/* Close or unmap the VM, the vCPU and the mapping. @order has two bits for each turn. */
static void close_in_order(unsigned int order)
{
	struct machine m = MACHINE(true, spin);
	bool mapped = true;
	unsigned int i;

	poke(ram_u32(&m, DATA + 4), 1);
	start_at(&m, CODE);
	expect_port(&m, run(&m, 0), PORT_MARK, "before");
	for (i = 0; i < 3; i++, order >>= 2) {
		if ((order & 3) == 0) {
			close(m.vm);
		} else if ((order & 3) == 1) {
			/* The vCPU works without the VM's descriptor. */
			expect_port(&m, mapped ? run(&m, 0) : KVM_EXIT_IO, PORT_MARK, "still open");
			close(m.vcpu[0]);
		} else {
			munmap(m.run[0], m.run_size);
			m.run[0] = map_memory(m.run_size);
			m.run[0]->io.port = PORT_MARK;
			mapped = false;
		}
		memset(m.run[0], mapped ? i : 0, sizeof(*m.run[0]));
		m.run[0]->immediate_exit = 0;
		m.run[0]->cr8 = 0;
		m.run[0]->request_interrupt_window = 0;
		m.run[0]->kvm_valid_regs = 0;
		m.run[0]->kvm_dirty_regs = 0;
		m.run[0]->io.port = PORT_MARK;
	}
	munmap(m.run[0], m.run_size);
	munmap(m.ram, RAM_SIZE);
}

static void test_closing(void)
{
	static const unsigned int orders[] = { 0x24, 0x18, 0x21, 0x09, 0x12, 0x06 };
	size_t i;

	for (i = 0; i < 5 * ARRAY_SIZE(orders); i++)
		close_in_order(orders[i % ARRAY_SIZE(orders)]);
}

/* All descriptors are closed while KVM_RUN is under way. */
static void test_closing_while_running(void)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		struct machine m = MACHINE(true, spin);
		struct worker w;

		start_at(&m, CODE);
		start(&w, &m, run_to_exit);
		wait_grown(&w, ram_u32(&m, DATA));
		close(m.vm);
		close(m.vcpu[0]);
		poke(ram_u32(&m, DATA + 4), 1);
		pthread_join(w.thread, NULL);
		/* After a signal the thread may use a descriptor that is closed. */
		if (w.end != -EBADF)
			expect_port(&m, w.end, PORT_MARK, "the end");
		munmap(m.run[0], m.run_size);
		munmap(m.ram, RAM_SIZE);
	}
}

static void *live_and_die(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < 5; i++) {
		struct machine m = MACHINE(true, spin);

		poke(ram_u32(&m, DATA + 4), 1);
		start_at(&m, CODE);
		expect_port(&m, run(&m, 0), PORT_MARK, "one of many");
		free_machine(&m);
	}
	return NULL;
}

static void test_many_vms(void)
{
	pthread_t threads[20];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		if (pthread_create(&threads[i], NULL, live_and_die, NULL))
			die("pthread_create");
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

/* ---- exits and their completion ---- */

static void port_access(const struct machine *m, unsigned int index)
{
	static const unsigned int lengths[] = { 2, 3, 2 };
	unsigned int size = 1u << index % 3;
	uint64_t mask = (1ull << 8 * size) - 1;
	bool in = index < 3;
	struct kvm_regs regs = { .rip = CODE + 16 * index, .rax = 0x11223344 };
	uint64_t value = 0;

	set_regs(m, 0, &regs);
	expect_port(m, run(m, 0), 0x40, "port access");
	check_equal(m->run[0]->io.direction, in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT, "direction");
	check_equal(m->run[0]->io.size, size, "size");
	check_equal(m->run[0]->io.count, 1, "count");
	memcpy(&value, port_data(m, 0), size);
	if (!in)
		check_equal(value, 0x11223344 & mask, "what the guest wrote");
	memcpy(port_data(m, 0), "\xd4\xc3\xb2\xa1", 4);
	/* Userspace may change other registers before the access is completed. */
	regs = get_regs(m, 0);
	check_equal(regs.rax, 0x11223344, "RAX before completion");
	regs.rdx = 0x5566;
	set_regs(m, 0, &regs);
	settle(m, 0);
	regs = get_regs(m, 0);
	check_equal(regs.rax, in ? (0x11223344 & ~mask) | (0xa1b2c3d4 & mask) : 0x11223344,
		    "RAX after completion");
	check_equal(regs.rdx, 0x5566, "RDX, which was set in between");
	check_equal(regs.rip, CODE + 16 * index + lengths[index % 3], "RIP after completion");
}

static void test_port_access(void)
{
	struct machine m = MACHINE(false, port);
	struct kvm_regs regs = { .rip = OTHER_CODE, .rax = 0x77 };
	unsigned int i;

	for (i = 0; i < 6; i++)
		port_access(&m, i);
	/* If userspace sends the vCPU elsewhere, the access is given up. */
	start_at(&m, CODE);
	expect_port(&m, run(&m, 0), 0x40, "to be given up");
	*(uint8_t *)port_data(&m, 0) = 0xee;
	set_regs(&m, 0, &regs);
	expect_port(&m, run(&m, 0), PORT_OTHER, "elsewhere");
	check_equal(*(uint8_t *)port_data(&m, 0), 0x77, "AL elsewhere");
	free_machine(&m);
}

/* Serve a string of five items at most, into or out of @bytes. Return the number of bytes. */
static unsigned int serve_string(const struct machine *m, uint8_t *bytes, unsigned int size)
{
	const struct kvm_run *r = m->run[0];
	unsigned int at = 0;

	while (run(m, 0) == KVM_EXIT_IO && r->io.port == 0x40) {
		unsigned int length = r->io.size * r->io.count;

		check_equal(r->io.size, size, "size of a string");
		if (at + length > 5 * size)
			break;
		if (r->io.direction == KVM_EXIT_IO_IN)
			memcpy(port_data(m, 0), bytes + at, length);
		else
			memcpy(bytes + at, port_data(m, 0), length);
		at += length;
	}
	expect_port(m, r->exit_reason, PORT_MARK, "after a string");
	return at;
}

static void port_string(const struct machine *m, unsigned int index)
{
	unsigned int size = 1u << index % 3;
	struct kvm_regs regs = {
		.rip = CODE + 16 * (6 + index),
		.rcx = 5,
		.rdx = 0x40,
		.rsi = DATA,
		.rdi = DATA,
	};
	uint8_t bytes[20] = { 0 };
	uint8_t *ram = m->ram + DATA;
	unsigned int i;

	memset(ram, 0, 64);
	for (i = 0; i < 5 * size; i++)
		(index < 3 ? bytes : ram)[i] = i + 1;
	set_regs(m, 0, &regs);
	check_equal(serve_string(m, bytes, size), 5 * size, "bytes of a string");
	check(!memcmp(bytes, ram, 5 * size), "contents of a string");
	check_equal(ram[5 * size], 0, "behind a string");
	regs = get_regs(m, 0);
	check_equal(regs.rcx, 0, "RCX after a string");
	check_equal(index < 3 ? regs.rdi : regs.rsi, DATA + 5 * size, "RDI or RSI after a string");
}

static void test_port_strings(void)
{
	struct machine m = MACHINE(false, port);
	unsigned int i;

	for (i = 0; i < 6; i++)
		port_string(&m, i);
	free_machine(&m);
}

/* Serve a device that keeps the data written to it. */
static void serve_device(const struct machine *m, uint8_t *device, size_t size)
{
	struct kvm_run *r = m->run[0];

	while (run(m, 0) == KVM_EXIT_MMIO) {
		uint64_t at = r->mmio.phys_addr - MMIO_BASE;

		if (r->mmio.len > 8 || at + r->mmio.len > size) {
			complain("%u bytes at %#llx", r->mmio.len, r->mmio.phys_addr);
			return;
		}
		if (r->mmio.is_write)
			memcpy(device + at, r->mmio.data, r->mmio.len);
		else
			memcpy(r->mmio.data, device + at, r->mmio.len);
	}
	expect_port(m, r->exit_reason, PORT_MARK, "after the device");
}

static void check_u32(const uint8_t *p, uint32_t want, const char *what)
{
	uint32_t got;

	memcpy(&got, p, sizeof(got));
	check_equal(got, want, what);
}

static void test_mmio(void)
{
	static const uint8_t text[] = "fifteen letters";
	uint8_t device[2 * PAGE] = { 0xd4, 0xc3, 0xb2, 0xa1 };
	struct machine m = MACHINE(false, mmio);

	memcpy(m.ram + DATA, text, sizeof(text));
	device[32] = 0xff;
	start_at(&m, CODE);
	serve_device(&m, device, sizeof(device));
	check_u32(device + 8, 0xc3d4, "2 bytes");
	check_u32(device + 16, 0xd4, "1 byte");
	check_u32(device + 0xffe, 0xa1b2c3d4, "4 bytes in two pages");
	check_u32(device + 24, 0xc3, "movzbl");
	check_u32(device + 32, 0x104, "addl");
	check(!memcmp(device + 64, text, sizeof(text)), "string to the device");
	check(!memcmp(m.ram + DATA + 0x100, text, sizeof(text)), "string from the device");
	check_equal(get_regs(&m, 0).rdx, 0xa1b2c3d4, "4 bytes from two pages");
	free_machine(&m);
}

static void mmio_read(const struct machine *m)
{
	start_at(m, CODE + 128);
	check_equal(run(m, 0), KVM_EXIT_MMIO, "read");
	memcpy(m->run[0]->mmio.data, "\xd4\xc3\xb2\xa1", 4);
	check_equal(get_regs(m, 0).rax, 0, "RAX before completion");
	settle(m, 0);
	check_equal(get_regs(m, 0).rax, 0xa1b2c3d4, "RAX after completion");
	expect_port(m, run(m, 0), PORT_MARK, "after a read");
}

/* The in-tree KVM forgets the data of a read if registers are set before completion. */
static void mmio_write(const struct machine *m)
{
	struct kvm_regs regs;

	start_at(m, CODE + 144);
	check_equal(run(m, 0), KVM_EXIT_MMIO, "write");
	regs = get_regs(m, 0);
	regs.rdx = 0x5566;
	set_regs(m, 0, &regs);
	settle(m, 0);
	check_equal(get_regs(m, 0).rdx, 0x5566, "RDX, which was set in between");
	expect_port(m, run(m, 0), PORT_MARK, "after a write");
}

static void test_mmio_completion(void)
{
	struct machine m = MACHINE(false, mmio);

	mmio_read(&m);
	settle(&m, 0);
	mmio_write(&m);
	free_machine(&m);
}

static void test_hlt(void)
{
	struct machine m = MACHINE(false, halt);
	unsigned int i;

	start_at(&m, CODE);
	for (i = 0; i < 10; i++) {
		check_equal(run(&m, 0), KVM_EXIT_HLT, "HLT");
		expect_port(&m, run(&m, 0), PORT_MARK, "after HLT");
	}
	free_machine(&m);
}

static void test_shutdown(void)
{
	struct kvm_sregs sregs;
	struct machine m;
	unsigned int i;

	if (bochs_svm_cannot("Bochs' SVM panics at a guest's shutdown, with KVM too"))
		return;
	m = MACHINE(false, crash);
	for (i = 0; i < 3; i++) {
		MUST(m.vcpu[0], KVM_GET_SREGS, &sregs);
		sregs.idt.limit = 0;
		MUST(m.vcpu[0], KVM_SET_SREGS, &sregs);
		start_at(&m, CODE);
		check_equal(run(&m, 0), KVM_EXIT_SHUTDOWN, "triple fault");
		/* AMD-V leaves no defined state, so the state is that of INIT (APM 2 15.14.3). */
		check_equal(get_regs(&m, 0).rip, on_intel() ? CODE : 0xfff0, "RIP");
		set_flat(&m, 0);
		start_at(&m, CODE + 16);
		expect_port(&m, run(&m, 0), PORT_MARK, "set up again");
		settle(&m, 0);
	}
	free_machine(&m);
}

/* ---- kvm_run under attack ---- */

struct scribbler {
	pthread_t thread;
	uint8_t *from;
	size_t size;
	uint8_t *data;
	uint32_t quit;
};

static void *scribble(void *arg)
{
	struct scribbler *s = arg;
	uint32_t number = 1;

	while (!peek(&s->quit)) {
		number = number * 1664525 + 1013904223;
		((volatile uint8_t *)s->from)[(number >> 8) % s->size] = number >> 24;
		((volatile uint8_t *)s->data)[(number >> 8) % PAGE] = number >> 16;
	}
	return NULL;
}

static void test_scribbled_run(void)
{
	struct machine m = MACHINE(false, mixed);
	struct scribbler s = { .from = (uint8_t *)m.run[0], .size = 2 * PAGE };
	unsigned int i;

	s.data = s.from + PAGE;
	/* Leave out the fields that ask for registers: these may change the guest. */
	if (extension(KVM_CAP_SYNC_REGS) > 0)
		s.size = offsetof(struct kvm_run, kvm_valid_regs);
	start_at(&m, CODE);
	if (pthread_create(&s.thread, NULL, scribble, &s))
		die("pthread_create");
	for (i = 0; i < 20000; i++) {
		/* With other values in these fields the guest would never run. */
		m.run[0]->immediate_exit = 0;
		m.run[0]->cr8 = 0;
		run_once(&m, 0);
	}
	poke(&s.quit, 1);
	pthread_join(s.thread, NULL);
	memset(m.run[0], 0, 2 * PAGE);
	settle(&m, 0);
	check(peek(ram_u32(&m, DATA)), "the guest did not run");
	start_at(&m, CODE);
	expect_port(&m, run(&m, 0), 0x40, "the guest afterwards");
	free_machine(&m);
}

/* ---- state ---- */

static void give_cpuid(const struct machine *m)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));

	cpuid->nent = 256;
	MUST(kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	MUST(m->vcpu[0], KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

static void copy_msrs(const struct machine *from, const struct machine *to)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + 1024 * sizeof(list->indices[0]));
	union {
		struct kvm_msrs msrs;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} u;
	uint32_t i;

	list->nmsrs = 1024;
	MUST(kvm, KVM_GET_MSR_INDEX_LIST, list);
	for (i = 0; i < list->nmsrs; i++) {
		memset(&u, 0, sizeof(u));
		u.msrs.nmsrs = 1;
		u.msrs.entries[0].index = list->indices[i];
		/* Some MSRs of the list depend on the guest's CPUID. */
		if (ioctl(from->vcpu[0], KVM_GET_MSRS, &u) == 1)
			ioctl(to->vcpu[0], KVM_SET_MSRS, &u);
	}
	free(list);
}

#define COPY(type, get, set)                      \
	do {                                      \
		static type state;                \
		MUST(from->vcpu[0], get, &state); \
		MUST(to->vcpu[0], set, &state);   \
	} while (0)

static void copy_state(const struct machine *from, const struct machine *to)
{
	memcpy(to->ram, from->ram, RAM_SIZE);
	COPY(struct kvm_sregs, KVM_GET_SREGS, KVM_SET_SREGS);
	COPY(struct kvm_regs, KVM_GET_REGS, KVM_SET_REGS);
	if (extension(KVM_CAP_XCRS) > 0)
		COPY(struct kvm_xcrs, KVM_GET_XCRS, KVM_SET_XCRS);
	if (extension(KVM_CAP_XSAVE) > 0)
		COPY(struct kvm_xsave, KVM_GET_XSAVE, KVM_SET_XSAVE);
	else
		COPY(struct kvm_fpu, KVM_GET_FPU, KVM_SET_FPU);
	copy_msrs(from, to);
	COPY(struct kvm_lapic_state, KVM_GET_LAPIC, KVM_SET_LAPIC);
	COPY(struct kvm_debugregs, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS);
	COPY(struct kvm_vcpu_events, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS);
	COPY(struct kvm_mp_state, KVM_GET_MP_STATE, KVM_SET_MP_STATE);
}

static uint32_t xmm0(const struct machine *m)
{
	struct kvm_fpu fpu;
	uint32_t value;

	MUST(m->vcpu[0], KVM_GET_FPU, &fpu);
	memcpy(&value, fpu.xmm[0], sizeof(value));
	return value;
}

static struct machine new_counter(void)
{
	struct machine m = MACHINE(true, counter);

	give_cpuid(&m);
	return m;
}

/* Let the guest count for a while. */
static void count_on(const struct machine *m)
{
	struct worker w;

	start(&w, m, run_until_quit);
	wait_grown(&w, ram_u32(m, DATA));
	random_delay();
	quit(&w);
}

static void test_state_round_trip(void)
{
	struct machine m = new_counter();
	uint32_t last = 0;
	unsigned int i;

	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE, .rbp = DATA, .rcx = 1 });
	for (i = 0; i < 20; i++) {
		struct machine next = new_counter();

		count_on(&m);
		copy_state(&m, &next);
		free_machine(&m);
		m = next;
		check(peek(ram_u32(&m, DATA)) > last, "the counter did not go on");
		last = peek(ram_u32(&m, DATA));
	}
	poke(ram_u32(&m, DATA + 4), 1);
	expect_port(&m, run(&m, 0), PORT_MARK, "the end");
	check(peek(ram_u32(&m, DATA)) >= last, "the counter fell back");
	check_equal(get_regs(&m, 0).rax, peek(ram_u32(&m, DATA)), "the register");
	check_equal(xmm0(&m), peek(ram_u32(&m, DATA)), "the SSE register");
	free_machine(&m);
}

static const struct test tests[] = {
	TEST(immediate_exit),
	TEST(signal_mask),
	TEST(kick_spinning),
	TEST(kick_without_handler),
	TEST(kick_halted),
	TEST(interrupt_spinning),
	TEST(interrupt_halted),
	TEST(interrupt_window),
	TEST(two_threads),
	TEST(closing),
	TEST(closing_while_running),
	TEST(many_vms),
	TEST(port_access),
	TEST(port_strings),
	TEST(mmio),
	TEST(mmio_completion),
	TEST(hlt),
	TEST(shutdown),
	TEST(scribbled_run),
	TEST(state_round_trip),
	TEST(moving_between_cpus),
};

int main(int argc, char **argv)
{
	struct sigaction kick = { .sa_handler = on_kick };

	signal(SIGALRM, on_hang);
	sigaction(SIGUSR1, &kick, NULL);
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
