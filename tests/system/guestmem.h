/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the programs that watch a guest's memory: a guest that does one
 * access at a time, and one that writes to all of slot 1 in a thread of its own.
 */
#ifndef ORIEL_GUESTMEM_H
#define ORIEL_GUESTMEM_H

#include <pthread.h>

#include "rawvm.h"

/* The usual address of slot 1, aligned for large pages. */
#define AREA 0x400000UL
#define PAGES 16u
#define AREA_SIZE (PAGES * PAGE)

#define RFLAGS_IF (1 << 9)
#define PORT_DONE 0x10
#define PORT_BAD 0x11

/* One access to (%ebx), told by port PORT_DONE: read at 0, write at 16. */
GUEST_CODE(access_code, "mov (%ebx), %eax\n"
			"out %eax, $0x10\n"
			".org access_code + 16\n"
			"mov %eax, (%ebx)\n"
			"out %eax, $0x10");
#define READ_CODE CODE
#define WRITE_CODE (CODE + 16)

/*
 * Adds one to the first word of each page from %esi to %edx, round after round,
 * which (%ebp) counts, until 4(%ebp) is set.
 */
GUEST_CODE(hammer_code, "1: mov %esi, %edi\n"
			"2: lock incl (%edi)\n"
			"add $4096, %edi\n"
			"cmp %edx, %edi\n"
			"jb 2b\n"
			"incl (%ebp)\n"
			"cmpl $0, 4(%ebp)\n"
			"je 1b\n"
			"out %al, $0x10");

#define MACHINE(vcpus, name) new_machine(vcpus, false, name##_code, name##_code_end)

/* ---- one access at a time ---- */

static inline struct machine new_accessor(uint8_t **area)
{
	struct machine m = MACHINE(1, access);

	if (area) {
		*area = map_memory(AREA_SIZE);
		must_set_slot(&m, 1, 0, AREA, AREA_SIZE, *area);
	}
	return m;
}

/* Go on with an access; what KVM_RUN says of it and, if it is done, its value. */
static inline int go_on(const struct machine *m, uint32_t *value)
{
	int reason = run(m, 0);

	if (reason == KVM_EXIT_IO)
		memcpy(value, port_data(m, 0), sizeof(*value));
	if (reason == KVM_EXIT_IO || reason == KVM_EXIT_MMIO)
		settle(m, 0);
	return reason;
}

static inline int guest_read(const struct machine *m, uint64_t gpa, uint32_t *value)
{
	struct kvm_regs regs = { .rip = READ_CODE, .rbx = gpa };

	set_regs(m, 0, &regs);
	return go_on(m, value);
}

static inline int guest_write(const struct machine *m, uint64_t gpa, uint32_t value)
{
	struct kvm_regs regs = { .rip = WRITE_CODE, .rbx = gpa, .rax = value };

	set_regs(m, 0, &regs);
	return go_on(m, &value);
}

static inline void expect_read(const struct machine *m, uint64_t gpa, uint32_t want,
			       const char *what)
{
	uint32_t value = 0;
	int reason = guest_read(m, gpa, &value);

	if (reason != KVM_EXIT_IO)
		complain("%s: reading %#lx gives %d", what, (unsigned long)gpa, reason);
	else if (value != want)
		complain("%s: at %#lx is %#x, expected %#x", what, (unsigned long)gpa, value, want);
}

static inline void expect_write(const struct machine *m, uint64_t gpa, uint32_t value,
				const char *what)
{
	int reason = guest_write(m, gpa, value);

	if (reason != KVM_EXIT_IO)
		complain("%s: writing %#lx gives %d", what, (unsigned long)gpa, reason);
}

/* There is no memory for this access. */
static inline void expect_mmio(const struct machine *m, uint64_t gpa, bool write, const char *what)
{
	const struct kvm_run *run = m->run[0];
	uint32_t value = 0;
	int reason = write ? guest_write(m, gpa, 0x12345678) : guest_read(m, gpa, &value);

	if (reason != KVM_EXIT_MMIO) {
		complain("%s: %#lx gives %d, expected MMIO", what, (unsigned long)gpa, reason);
		return;
	}
	check_equal(run->mmio.phys_addr, gpa, what);
	check_equal(run->mmio.len, 4, what);
	check_equal(run->mmio.is_write, write, what);
	memcpy(&value, run->mmio.data, sizeof(value));
	if (write)
		check_equal(value, 0x12345678, what);
}

/* The launcher has nothing there; when it has, the same access succeeds. */
static inline void expect_efault(const struct machine *m, uint64_t gpa, bool write,
				 const char *what)
{
	uint32_t value = 0;
	int reason = write ? guest_write(m, gpa, 0xfa17) : guest_read(m, gpa, &value);

	check_equal(-reason, EFAULT, what);
	check_equal(-go_on(m, &value), EFAULT, "the same once more");
}

static inline void expect_going_on(const struct machine *m, uint32_t want, const char *what)
{
	uint32_t value = 0;
	int reason = go_on(m, &value);

	if (reason != KVM_EXIT_IO)
		complain("%s: %d", what, reason);
	check_equal(value, want, what);
}

static inline uint32_t *word(uint8_t *area, unsigned int page)
{
	return (uint32_t *)(area + page * PAGE);
}

static inline uint64_t page_gpa(unsigned int page)
{
	return AREA + page * PAGE;
}

static inline uint64_t dirty_log(const struct machine *m)
{
	uint64_t bits = 0;
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = &bits };

	MUST(m->vm, KVM_GET_DIRTY_LOG, &log);
	return bits;
}

/* ---- vCPUs in threads ---- */

struct worker {
	pthread_t thread;
	const struct machine *m;
	unsigned int vcpu;
	uint32_t mmio;
	uint32_t done;
	int end;
};

/* Runs the vCPU; what is MMIO reads as zeroes and drops writes. */
static inline void *work(void *arg)
{
	struct worker *w = arg;
	struct kvm_run *r = w->m->run[w->vcpu];

	for (;;) {
		w->end = run(w->m, w->vcpu);
		/* Somebody else empties it. */
		if (w->end == KVM_EXIT_DIRTY_RING_FULL) {
			sched_yield();
			continue;
		}
		if (w->end != KVM_EXIT_MMIO)
			break;
		memset(r->mmio.data, 0, sizeof(r->mmio.data));
		poke(&w->mmio, w->mmio + 1);
	}
	if (w->end == KVM_EXIT_IO)
		w->end = -r->io.port;
	poke(&w->done, 1);
	return NULL;
}

/* The worker's numbers in RAM: rounds, the wish to stop, what is bad to read. */
static inline uint32_t *numbers(const struct worker *w)
{
	return ram_u32(w->m, DATA + 64 * w->vcpu);
}

/* The vCPU's code goes over the first pages of slot 1. */
static inline void start_over(struct worker *w, const struct machine *m, unsigned int vcpu,
			      unsigned int pages)
{
	/* With IF clear no interrupt of the host would end the guest in Bochs' VMX. */
	struct kvm_regs regs = {
		.rip = CODE,
		.rflags = RFLAGS_IF,
		.rsi = AREA,
		.rdx = AREA + pages * PAGE,
		.rbp = DATA + 64 * vcpu,
	};

	*w = (struct worker){ .m = m, .vcpu = vcpu };
	poke(numbers(w) + 2, 0xdeadffff);
	set_regs(m, vcpu, &regs);
	if (pthread_create(&w->thread, NULL, work, w))
		die("pthread_create");
}

static inline void start(struct worker *w, const struct machine *m, unsigned int vcpu)
{
	start_over(w, m, vcpu, PAGES);
}

static inline void stop(struct worker *w)
{
	poke(numbers(w) + 1, 1);
	pthread_join(w->thread, NULL);
	check_equal(-w->end, PORT_DONE, "the end of a vCPU");
}

/* Until the number has grown by more than what was under way. */
static inline void wait_grown(const struct worker *w, const uint32_t *number)
{
	uint32_t was = peek(number);

	while (peek(number) - was < 2 && !peek(&w->done))
		sched_yield();
}

#endif
