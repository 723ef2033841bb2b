// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do the guest's clocks keep time? kvmclock, the TSC and the timers of a busy guest
 * against the host's CLOCK_MONOTONIC_RAW. KTAP on stdout.
 *
 *	drift [-d /dev/oriel]
 *
 * ORIEL_DRIFT_SECONDS is how long, by the guest's kvmclock (60). All the while a busy
 * thread holds each CPU of the host, and the vCPUs are moved between them. A clock
 * is read between two readings of the host's, so what is compared is clocks, not
 * speeds, and how far a reading may be off is known. It passes on the in-tree KVM as well.
 */
#include <pthread.h>
#include <time.h>

#include "longmode.h"
#include "pvclock.h"

#define NS_PER_MS 1000000ll
#define NS_PER_SECOND 1000000000ll

/* The drift that is allowed: 0.1 %. */
#define LIMIT(ns) ((ns) / 1000)

/* ---- the guest ---- */

/* The guest's timers. The PIT's period is 11932 of its ticks, at 1193182 Hz. */
#define APIC_PERIOD_NS (20 * NS_PER_MS)
#define PIT_COUNT 11932
#define PIT_HZ 1193182
#define DEADLINE_MS 10
#define SAMPLE_NS (50 * NS_PER_MS)

#define PORT_BEFORE 0x50
#define PORT_AFTER 0x51

#define VECTOR_PIT 0x20
#define VECTOR_APIC 0x40
#define VECTOR_DEADLINE 0x41
#define VECTOR_SPURIOUS 0x7f

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_SYSTEM_TIME 0x4b564d01
#define X2APIC_EOI 0x80b
#define X2APIC_SVR 0x80f
#define X2APIC_LVT_TIMER 0x832
#define X2APIC_LINT0 0x835
#define X2APIC_INITIAL 0x838
#define X2APIC_CURRENT 0x839
#define X2APIC_DIVIDE 0x83e

#define STABLE 1u

/* The clocks that a guest reads at one moment. */
struct reading {
	uint64_t tsc;
	uint64_t kvmclock;
	uint64_t apic_count;
	uint64_t apic_ticks;
	uint64_t apic_may_miss;
	uint64_t pit_ticks;
	uint64_t deadline_ticks;
};

struct guest_vcpu {
	volatile struct time_info info;
	struct reading now;
	uint64_t last_tsc;
	uint64_t last_kvmclock;
	uint64_t next_sample;
	uint64_t deadline;
	uint64_t tsc_back;
	uint64_t kvmclock_back;
	uint64_t kvmclock_back_ns;
	uint64_t deadline_early;
	uint64_t unstable;
} __attribute__((aligned(64)));

/* At DATA. The interrupt handlers count in the first five members. */
struct guest {
	uint64_t pit_ticks;
	uint64_t apic_ticks;
	uint64_t deadline_due;
	uint64_t spurious;
	uint64_t shadow_broken;
	uint64_t tsc_khz;
	uint64_t newest_kvmclock;
	struct guest_vcpu vcpu[2];
};

_Static_assert(sizeof(struct guest) <= PAGE, "the guest's data are one page");

/*
 * The guest's code runs at the address it is copied to, so it refers to nothing outside of
 * itself. It may have a red zone below its stack, so interrupts are on only in assembly.
 */
#define GUEST __attribute__((section("guest_text"), target("general-regs-only"), used))
#define LABEL(name) extern const uint8_t name[]
LABEL(__start_guest_text);
LABEL(__stop_guest_text);
LABEL(guest_entry);
LABEL(irq_pit);
LABEL(irq_apic);
LABEL(irq_deadline);
LABEL(irq_spurious);

/*
 * If an interrupt came between STI and HLT, the vCPU would sleep for ever. The shadow of STI
 * prevents that, but QEMU's TCG forgets the shadow at an exit in between, under any hypervisor:
 * then HLT is skipped.
 */
__asm__(".pushsection guest_text, \"ax\"\n"
	"guest_entry: call guest_main\n"
	"guest_irqs: .balign 16\n"
	"irq_pit: incq 0x2000\n"
	"push %rax\n"
	"mov $0x20, %al\n"
	"out %al, $0x20\n"
	"pop %rax\n"
	"iretq\n"
	".balign 16\n"
	"irq_apic: incq 0x2008\n"
	"jmp irq_eoi\n"
	".balign 16\n"
	"irq_deadline: incq 0x2010\n"
	"push %rax\n"
	"lea guest_hlt(%rip), %rax\n"
	"cmp %rax, 8(%rsp)\n"
	"pop %rax\n"
	"jne irq_eoi\n"
	"incq (%rsp)\n"
	"incq 0x2020\n"
	"jmp irq_eoi\n"
	".balign 16\n"
	"irq_spurious: incq 0x2018\n"
	"iretq\n"
	"irq_eoi: push %rax\n"
	"push %rcx\n"
	"push %rdx\n"
	"mov $0x80b, %ecx\n"
	"xor %eax, %eax\n"
	"xor %edx, %edx\n"
	"wrmsr\n"
	"pop %rdx\n"
	"pop %rcx\n"
	"pop %rax\n"
	"iretq\n"
	"guest_wait: sti\n"
	"guest_hlt: hlt\n"
	"cli\n"
	"ret\n"
	"guest_window: sti\n"
	"nop\n"
	"cli\n"
	"ret\n"
	".popsection");

/* Sleep until an interrupt has come. */
GUEST static inline void guest_halt(void)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n"
			 "call guest_wait\n"
			 "lea 128(%%rsp), %%rsp"
			 :
			 :
			 : "memory", "cc");
}

/* Take an interrupt that is pending. */
GUEST static inline void guest_let_in(void)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n"
			 "call guest_window\n"
			 "lea 128(%%rsp), %%rsp"
			 :
			 :
			 : "memory", "cc");
}

GUEST static inline void guest_out(uint16_t port, uint8_t value)
{
	__asm__ volatile("out %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

GUEST static inline void guest_wrmsr(uint32_t index, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

GUEST static inline uint64_t guest_rdmsr(uint32_t index)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index) : "memory");
	return low | (uint64_t)high << 32;
}

GUEST static inline uint64_t guest_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence\nrdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (uint64_t)high << 32;
}

/* Read kvmclock, and the TSC that it was computed from. */
GUEST static uint64_t guest_kvmclock(struct guest_vcpu *v, uint64_t *tsc)
{
	uint32_t version;
	uint64_t ticks, time;

	do {
		version = v->info.version;
		*tsc = guest_tsc();
		ticks = *tsc - v->info.tsc_timestamp;
		if (v->info.tsc_shift < 0)
			ticks >>= -v->info.tsc_shift;
		else
			ticks <<= v->info.tsc_shift;
		time = (__uint128_t)ticks * v->info.tsc_to_system_mul >> 32;
		time += v->info.system_time;
	} while (version & 1 || version != v->info.version);
	return time;
}

/*
 * Read the clocks and check that none goes back: on one vCPU never, and between vCPUs not if
 * kvmclock is said to be one for all of them.
 */
GUEST static uint64_t guest_look(struct guest *g, struct guest_vcpu *v)
{
	uint64_t newest = __atomic_load_n(&g->newest_kvmclock, __ATOMIC_ACQUIRE);
	uint64_t tsc, now = guest_kvmclock(v, &tsc), floor = v->last_kvmclock;

	if (!(v->info.flags & STABLE))
		v->unstable++;
	else if (newest > floor)
		floor = newest;
	if (tsc < v->last_tsc)
		v->tsc_back++;
	if (now < floor) {
		v->kvmclock_back++;
		if (floor - now > v->kvmclock_back_ns)
			v->kvmclock_back_ns = floor - now;
	}
	/*
	 * At least one of the ticks that were due since the last look is delivered, in the
	 * window between; the local APIC keeps no more than one.
	 */
	if (v->last_kvmclock && now > v->last_kvmclock)
		v->now.apic_may_miss += (now - v->last_kvmclock) / APIC_PERIOD_NS;
	v->last_tsc = tsc;
	v->last_kvmclock = now;
	while (newest < now && !__atomic_compare_exchange_n(&g->newest_kvmclock, &newest, now, true,
							    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
	return now;
}

/* Take the readings between two exits. */
GUEST static void guest_sample(struct guest *g, struct guest_vcpu *v)
{
	guest_out(PORT_BEFORE, 0);
	v->now.kvmclock = guest_kvmclock(v, &v->now.tsc);
	v->now.apic_count = guest_rdmsr(X2APIC_CURRENT);
	v->now.apic_ticks = g->apic_ticks;
	v->now.pit_ticks = g->pit_ticks;
	guest_out(PORT_AFTER, 0);
}

GUEST static void guest_start_pit(void)
{
	guest_out(0x20, 0x11);
	guest_out(0x21, VECTOR_PIT);
	guest_out(0x21, 4);
	guest_out(0x21, 1);
	guest_out(0x21, 0xfe);
	guest_wrmsr(X2APIC_LINT0, 0x700);
	guest_out(0x43, 0x34);
	guest_out(0x40, PIT_COUNT & 0xff);
	guest_out(0x40, PIT_COUNT >> 8);
}

/* The vCPU that is always busy, with a periodic APIC timer and the PIT. */
GUEST static void guest_spin(struct guest *g, struct guest_vcpu *v)
{
	guest_start_pit();
	guest_wrmsr(X2APIC_LVT_TIMER, 1 << 17 | VECTOR_APIC);
	guest_wrmsr(X2APIC_DIVIDE, 0xb);
	guest_wrmsr(X2APIC_INITIAL, APIC_PERIOD_NS);
	for (;;) {
		uint64_t ticks = g->pit_ticks;

		guest_let_in();
		/* Take a sample only if no tick is late because the vCPU was held up. */
		if (guest_look(g, v) < v->next_sample || g->pit_ticks != ticks)
			continue;
		v->next_sample += SAMPLE_NS;
		guest_sample(g, v);
	}
}

/* The vCPU that sleeps. Each deadline wakes it, and it sets the next one, late or not. */
GUEST static void guest_sleep(struct guest *g, struct guest_vcpu *v)
{
	uint64_t step = g->tsc_khz * DEADLINE_MS;

	guest_wrmsr(X2APIC_LVT_TIMER, 2 << 17 | VECTOR_DEADLINE);
	v->deadline = guest_tsc() + step;
	guest_wrmsr(MSR_TSC_DEADLINE, v->deadline);
	for (;;) {
		guest_halt();
		if (g->deadline_due == v->now.deadline_ticks)
			continue;
		v->now.deadline_ticks = g->deadline_due;
		if (guest_tsc() < v->deadline)
			v->deadline_early++;
		v->deadline += step;
		guest_wrmsr(MSR_TSC_DEADLINE, v->deadline);
		/* Take a sample only if the deadline is not late; the busy vCPU does the same. */
		if (guest_look(g, v) < v->next_sample || guest_tsc() >= v->deadline)
			continue;
		v->next_sample += SAMPLE_NS;
		guest_sample(g, v);
	}
}

GUEST __attribute__((noreturn)) void guest_main(struct guest *g, uint64_t index)
{
	struct guest_vcpu *v = &g->vcpu[index];

	guest_wrmsr(MSR_APIC_BASE, guest_rdmsr(MSR_APIC_BASE) | 0xc00);
	guest_wrmsr(X2APIC_SVR, 0x100 | VECTOR_SPURIOUS);
	guest_wrmsr(MSR_SYSTEM_TIME, (uintptr_t)&v->info | 1);
	if (index)
		guest_sleep(g, v);
	else
		guest_spin(g, v);
	__builtin_unreachable();
}

/* ---- the host's side ---- */

#define PAGE_TABLES 0xa000UL
#define MAX_SAMPLES 2400u
#define SAMPLES_PER_SECOND (NS_PER_SECOND / SAMPLE_NS)

/* A reading of the guest's clocks, taken between two readings of the host's. */
struct sample {
	int64_t before;
	int64_t after;
	int64_t clock_before;
	int64_t clock_after;
	uint64_t tsc_before;
	uint64_t tsc_after;
	int64_t apic_ns;
	struct reading guest;
};

struct runner {
	struct machine *m;
	unsigned int index;
	pthread_t thread;
	int64_t begun;
	unsigned int count;
	bool ready;
	struct sample samples[MAX_SAMPLES];
};

static struct machine machine;
static struct runner runners[2];
static int64_t wanted_ns = 60 * NS_PER_SECOND;
static unsigned int moves;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static bool done, tcg_ended_it;

static struct guest *guest_data(void)
{
	return (struct guest *)(machine.ram + DATA);
}

static bool is_done(void)
{
	return __atomic_load_n(&done, __ATOMIC_RELAXED);
}

static int64_t host_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * NS_PER_SECOND + ts.tv_nsec;
}

static uint64_t host_tsc(void)
{
	__asm__ volatile("lfence" : : : "memory");
	return __builtin_ia32_rdtsc();
}

static int64_t vm_clock(void)
{
	struct kvm_clock_data data = { 0 };

	MUST(machine.vm, KVM_GET_CLOCK, &data);
	return data.clock;
}

/* Return the guest's address of @label in the section. */
static uint64_t guest_address(const uint8_t *label)
{
	return CODE + ((uintptr_t)label - (uintptr_t)__start_guest_text);
}

static void set_tables(const struct machine *m)
{
	uint64_t *table = (uint64_t *)(m->ram + PAGE_TABLES);

	/* Map the first 2 MiB by one large page. */
	table[0] = (PAGE_TABLES + PAGE) | 3;
	table[512] = (PAGE_TABLES + 2 * PAGE) | 3;
	table[1024] = 0x83;
	set_gate64(m, VECTOR_PIT, guest_address(irq_pit));
	set_gate64(m, VECTOR_APIC, guest_address(irq_apic));
	set_gate64(m, VECTOR_DEADLINE, guest_address(irq_deadline));
	set_gate64(m, VECTOR_SPURIOUS, guest_address(irq_spurious));
}

static void build_machine(void)
{
	struct kvm_pit_config pit = { 0 };
	struct kvm_regs regs = { .rip = guest_address(guest_entry), .rdi = DATA };
	int khz;

	machine = new_machine(0, true, __start_guest_text, __stop_guest_text);
	MUST(machine.vm, KVM_CREATE_PIT2, &pit);
	set_tables(&machine);
	while (machine.vcpus < 2) {
		unsigned int i = machine.vcpus;

		add_vcpu(&machine);
		set_cpuid(&machine, i);
		set_long_mode(&machine, i, PAGE_TABLES);
		regs.rsi = i;
		set_regs(&machine, i, &regs);
	}
	/* Without INIT and SIPI, the second vCPU starts as the first does. */
	MUST(machine.vcpu[1], KVM_SET_MP_STATE,
	     &(struct kvm_mp_state){ .mp_state = KVM_MP_STATE_RUNNABLE });
	khz = ioctl(machine.vcpu[0], KVM_GET_TSC_KHZ, 0);
	if (khz <= 0)
		die("KVM_GET_TSC_KHZ");
	guest_data()->tsc_khz = khz;
}

static int take_sample(struct runner *r, struct sample *s)
{
	int reason;

	s->clock_before = vm_clock();
	s->before = host_now();
	s->tsc_before = host_tsc();
	reason = run(r->m, r->index);
	s->tsc_after = host_tsc();
	s->after = host_now();
	s->clock_after = vm_clock();
	s->guest = guest_data()->vcpu[r->index].now;
	return reason;
}

/* Print where the guest was when it ended: its registers and the top of its stack. */
static void show_guest(const struct machine *m, unsigned int i)
{
	struct kvm_regs regs = get_regs(m, i);
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	uint64_t at;

	if (m->run[i]->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		for (at = 0; at < m->run[i]->internal.ndata; at++)
			printf("# suberror %u data[%llu] %#llx\n", m->run[i]->internal.suberror,
			       (unsigned long long)at, m->run[i]->internal.data[at]);
	MUST(m->vcpu[i], KVM_GET_SREGS, &sregs);
	MUST(m->vcpu[i], KVM_GET_VCPU_EVENTS, &events);
	printf("# rip %#llx (from the section's start: %#llx) rsp %#llx rflags %#llx cr2 %#llx\n",
	       regs.rip, regs.rip - CODE, regs.rsp, regs.rflags, sregs.cr2);
	printf("# rax %#llx rbx %#llx rcx %#llx rdx %#llx rsi %#llx rdi %#llx rbp %#llx\n",
	       regs.rax, regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi, regs.rbp);
	printf("# cs %#x ss %#x cr0 %#llx cr3 %#llx cr4 %#llx efer %#llx\n", sregs.cs.selector,
	       sregs.ss.selector, sregs.cr0, sregs.cr3, sregs.cr4, sregs.efer);
	printf("# exception %u injected %u, interrupt %u injected %u shadow %u\n",
	       events.exception.nr, events.exception.injected, events.interrupt.nr,
	       events.interrupt.injected, events.interrupt.shadow);
	for (at = (regs.rsp & ~7ull) - 0x80; at < (regs.rsp & ~7ull) + 0x80; at += 8)
		if (at < RAM_SIZE)
			printf("# [%#llx] %#llx\n", (unsigned long long)at,
			       (unsigned long long)*(uint64_t *)(m->ram + at));
}

/*
 * QEMU's TCG sometimes ends a guest whose vCPUs move between busy CPUs: in 2 of 17 runs on
 * Oriel, in 1 of 7 on the in-tree KVM.
 */
static void run_ended(const struct runner *r, unsigned int reason)
{
	show_guest(r->m, r->index);
	if (on_tcg() && (reason == KVM_EXIT_SHUTDOWN || reason == KVM_EXIT_INTERNAL_ERROR)) {
		printf("# vCPU %u: exit reason %u\n", r->index, reason);
		__atomic_store_n(&tcg_ended_it, true, __ATOMIC_RELAXED);
	} else {
		complain("vCPU %u: exit reason %u", r->index, reason);
	}
}

static int64_t middle(const struct sample *s)
{
	return s->before + (s->after - s->before) / 2;
}

static int64_t width(const struct sample *s)
{
	return s->after - s->before;
}

/* A sample that is wider than that is too inexact. */
static bool is_narrow(const struct sample *s)
{
	return width(s) <= LIMIT(wanted_ns) / 4;
}

/*
 * Return true if the guest's last second was like others. It was not if the host was held up in
 * it: its samples are late and wide, or many at once, and there are ticks to make up for.
 */
static bool was_steady(const struct runner *r)
{
	unsigned int i, narrow = 0;
	int64_t took;

	if (r->count <= SAMPLES_PER_SECOND)
		return false;
	took = r->samples[r->count - 1].after - r->samples[r->count - 1 - SAMPLES_PER_SECOND].after;
	for (i = r->count - SAMPLES_PER_SECOND; i < r->count; i++)
		narrow += is_narrow(&r->samples[i]);
	return narrow >= SAMPLES_PER_SECOND / 4 && llabs(took - NS_PER_SECOND) < NS_PER_SECOND / 8;
}

/*
 * Count a sample that was taken. The test compares the first second with the last one, so both
 * have to be steady on both vCPUs. It spends up to a minute on the first, and all room for
 * samples on the last.
 */
static void count_sample(struct runner *r)
{
	const struct sample *s = &r->samples[r->count];
	int64_t elapsed = s->guest.kvmclock - r->samples[0].guest.kvmclock;
	bool steady;

	pthread_mutex_lock(&counting);
	if (!done) {
		r->count++;
		steady = was_steady(r);
		r->ready = steady && elapsed >= wanted_ns;
		if (r->count == SAMPLES_PER_SECOND + 1 && !steady &&
		    s->after - r->begun < 60 * NS_PER_SECOND)
			r->count = 0;
		if (runners[0].ready && runners[1].ready)
			__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&counting);
}

static void *run_vcpu(void *arg)
{
	struct runner *r = arg;
	struct kvm_run *state = r->m->run[r->index];

	r->begun = host_now();
	while (!is_done() && r->count < MAX_SAMPLES) {
		struct sample *s = &r->samples[r->count];

		if (run(r->m, r->index) != KVM_EXIT_IO || state->io.port != PORT_BEFORE ||
		    take_sample(r, s) != KVM_EXIT_IO || state->io.port != PORT_AFTER) {
			run_ended(r, state->exit_reason);
			break;
		}
		count_sample(r);
	}
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	return NULL;
}

static void *be_busy(void *arg)
{
	while (!is_done())
		__asm__ volatile("pause" : : : "memory");
	return arg;
}

static void move_to(pthread_t thread, unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(thread, sizeof(set), &set))
		die("pthread_setaffinity_np");
}

static void *must_start(pthread_t *thread, void *(*start)(void *), void *arg)
{
	if (pthread_create(thread, NULL, start, arg))
		die("pthread_create");
	return NULL;
}

/* Move each vCPU between CPUs until both are done. */
static void move_vcpus(unsigned int cpus)
{
	unsigned int i;

	while (!is_done()) {
		usleep(20000);
		if (cpus < 2)
			continue;
		moves++;
		for (i = 0; i < 2; i++)
			move_to(runners[i].thread, (moves + i) % cpus);
	}
}

static void run_machine(void)
{
	unsigned int cpus = sysconf(_SC_NPROCESSORS_ONLN), i;
	pthread_t busy[64];

	if (cpus > ARRAY_SIZE(busy))
		cpus = ARRAY_SIZE(busy);
	for (i = 0; i < cpus; i++) {
		must_start(&busy[i], be_busy, NULL);
		move_to(busy[i], i);
	}
	for (i = 0; i < 2; i++) {
		runners[i].m = &machine;
		runners[i].index = i;
		must_start(&runners[i].thread, run_vcpu, &runners[i]);
	}
	move_vcpus(cpus);
	for (i = 0; i < 2; i++)
		pthread_join(runners[i].thread, NULL);
	for (i = 0; i < cpus; i++)
		pthread_join(busy[i], NULL);
	if (cpus > 1)
		check(moves > wanted_ns / NS_PER_SECOND, "the vCPUs were moved");
}

/* ---- the comparison ---- */

#define NOT_KNOWN INT64_MIN

struct clock {
	const char *name;
	unsigned int vcpu;
	int64_t (*ns)(const struct sample *s);
	/* The step of a clock that counts ticks: it is at times behind, and never ahead. */
	int64_t step;
};

/* Return true if @s is better than @found: narrower, or, if the clock counts ticks, less behind. */
static bool says_more(const struct clock *c, const struct sample *s, const struct sample *found)
{
	if (c->step)
		return c->ns(s) - middle(s) > c->ns(found) - middle(found);
	return width(s) < width(found);
}

/* Return the best sample of the first or last second, or NULL if all are too wide. */
static const struct sample *best(const struct clock *c, bool last)
{
	const struct runner *r = &runners[c->vcpu];
	const struct sample *edge = &r->samples[last ? r->count - 1 : 0], *s, *found = NULL;

	for (s = r->samples; s < r->samples + r->count; s++) {
		if (llabs(middle(s) - middle(edge)) > NS_PER_SECOND || !is_narrow(s) ||
		    c->ns(s) == NOT_KNOWN)
			continue;
		if (!found || says_more(c, s, found))
			found = s;
	}
	if (found)
		return found;
	complain("%s was not read closely", c->name);
	return edge;
}

/* Return by how many ns the clock runs ahead, and in @allowed how many it may, either way. */
static int64_t measure_drift(const struct clock *c, int64_t *allowed)
{
	const struct sample *first = best(c, false), *last = best(c, true);
	int64_t elapsed = middle(last) - middle(first);
	int64_t drift = c->ns(last) - c->ns(first) - elapsed;
	int64_t doubt = (width(first) + width(last)) / 2;

	printf("# %s: %+lld us in %lld ms (%+.1f ppm), read to %lld us\n", c->name,
	       (long long)drift / 1000, (long long)(elapsed / NS_PER_MS),
	       elapsed ? drift * 1e6 / elapsed : 0, (long long)doubt / 1000);
	*allowed = LIMIT(elapsed) + c->step;
	return drift;
}

static void check_drift(const struct clock *c)
{
	int64_t allowed, drift = measure_drift(c, &allowed);

	if (drift > allowed || -drift > allowed)
		complain("%s: more than 0.1 %%", c->name);
}

/* A clock that is right at the end must have been right all the time. */
static void check_path(const struct clock *c)
{
	const struct runner *r = &runners[c->vcpu];
	const struct sample *first = best(c, false), *s;
	int64_t offset = c->ns(first) - middle(first), worst = 0, out;

	for (s = r->samples; s < r->samples + r->count; s++) {
		out = c->ns(s) - offset > s->after ? c->ns(s) - offset - s->after : 0;
		if (c->ns(s) - offset < s->before)
			out = s->before - (c->ns(s) - offset);
		if (out > worst)
			worst = out;
		if (out > LIMIT(middle(s) - r->samples[0].before) + width(first))
			complain("%s: off by %lld us after %lld ms", c->name, (long long)out / 1000,
				 (long long)((middle(s) - middle(first)) / NS_PER_MS));
	}
	printf("# %s: at worst %lld us off\n", c->name, (long long)worst / 1000);
}

static int64_t kvmclock_ns(const struct sample *s)
{
	return s->guest.kvmclock;
}

static int64_t ticks_to_ns(__int128_t ticks)
{
	return ticks * 1000000 / (int64_t)guest_data()->tsc_khz;
}

static int64_t tsc_ns(const struct sample *s)
{
	return ticks_to_ns(s->guest.tsc);
}

static int64_t host_tsc_ns(const struct sample *s)
{
	return ticks_to_ns(s->tsc_before + (s->tsc_after - s->tsc_before) / 2);
}

/* The host's clock, and the lead of the guest's TSC over the host's. */
static int64_t tsc_by_tsc_ns(const struct sample *s)
{
	return middle(s) + tsc_ns(s) - host_tsc_ns(s);
}

static int64_t apic_ns(const struct sample *s)
{
	return s->apic_ns;
}

static int64_t apic_tick_ns(const struct sample *s)
{
	return s->guest.apic_ticks * APIC_PERIOD_NS;
}

static int64_t apic_due_ns(const struct sample *s)
{
	return (s->guest.apic_ticks + s->guest.apic_may_miss) * APIC_PERIOD_NS;
}

static int64_t pit_tick_ns(const struct sample *s)
{
	return (__uint128_t)s->guest.pit_ticks * PIT_COUNT * NS_PER_SECOND / PIT_HZ;
}

static int64_t deadline_tick_ns(const struct sample *s)
{
	return s->guest.deadline_ticks * DEADLINE_MS * NS_PER_MS;
}

/* ---- the tests ---- */

static bool ended_by_tcg(void)
{
	build_machine();
	run_machine();
	return tcg_ended_it;
}

static void forget_run(void)
{
	unsigned int i;

	free_machine(&machine);
	for (i = 0; i < 2; i++) {
		runners[i].count = 0;
		runners[i].ready = false;
	}
	done = false;
	tcg_ended_it = false;
}

static void test_run_under_load(void)
{
	unsigned int i;

	for (i = 0; ended_by_tcg(); i++) {
		/* After the last try, the samples that were taken before the guest ended count. */
		if (i == 4) {
			skipped = "QEMU's TCG ended the guest each time, as it does with KVM";
			break;
		}
		forget_run();
		alarm(HUNG_SECONDS);
	}
	for (i = 0; i < 2; i++) {
		const struct guest_vcpu *v = &guest_data()->vcpu[i];

		if (runners[i].count < 2) {
			printf("Bail out! vCPU %u does not run\n", i);
			exit(1);
		}
		printf("# vCPU %u: %u samples, %u moves, kvmclock %s\n", i, runners[i].count, moves,
		       v->unstable ? "not stable" : "stable");
	}
	if (guest_data()->shadow_broken)
		printf("# %llu interrupts came between STI and HLT\n",
		       (unsigned long long)guest_data()->shadow_broken);
}

/*
 * kvmclock without the flag "stable" is renewed at each move to another CPU. The guest itself
 * keeps it from going back.
 */
static void test_no_clock_goes_back(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		const struct guest_vcpu *v = &guest_data()->vcpu[i];

		check_equal(v->tsc_back, 0, "the TSC went back");
		if (!v->unstable)
			check_equal(v->kvmclock_back, 0, "kvmclock went back");
		if (v->kvmclock_back)
			printf("# vCPU %u: kvmclock went back %llu times, by up to %llu ns\n", i,
			       (unsigned long long)v->kvmclock_back,
			       (unsigned long long)v->kvmclock_back_ns);
	}
}

/*
 * Return true if the host's kernel knows its TSC frequency. A guest's clock that counts the TSC
 * is no better than that frequency, which may be far off in an emulated, busy machine.
 */
static bool host_knows_its_tsc(void)
{
	const struct clock c = { "the host's own TSC", 0, host_tsc_ns, 0 };
	int64_t allowed;

	if (llabs(measure_drift(&c, &allowed)) <= allowed / 2)
		return true;
	skipped = "this host's kernel is wrong about the frequency of its TSC";
	return false;
}

static void test_kvmclock(void)
{
	unsigned int i;

	if (!host_knows_its_tsc())
		return;
	for (i = 0; i < 2; i++) {
		const struct clock c = { "kvmclock", i, kvmclock_ns, 0 };

		check_drift(&c);
		check_path(&c);
	}
}

static void test_tsc(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		const struct clock c = { "the TSC by the host's", i, tsc_by_tsc_ns, 0 };

		check_drift(&c);
		check_path(&c);
	}
}

static void test_tsc_frequency(void)
{
	const struct clock c = { "the TSC", 0, tsc_ns, 0 };

	if (host_knows_its_tsc())
		check_drift(&c);
}

/* KVM_GET_CLOCK returns the time that the vCPUs see. */
static void test_get_clock(void)
{
	const struct sample *s;
	unsigned int i;

	if (!host_knows_its_tsc())
		return;
	for (i = 0; i < 2; i++) {
		int64_t worst = 0;

		for (s = runners[i].samples; s < runners[i].samples + runners[i].count; s++) {
			if (s->clock_before - kvmclock_ns(s) > worst)
				worst = s->clock_before - kvmclock_ns(s);
			if (kvmclock_ns(s) - s->clock_after > worst)
				worst = kvmclock_ns(s) - s->clock_after;
		}
		printf("# vCPU %u: kvmclock is at most %lld us apart\n", i,
		       (long long)worst / 1000);
		check(worst <= LIMIT(wanted_ns), "KVM_GET_CLOCK and kvmclock part");
	}
}

/* Return by how much @later is later in the timer's period, by half a period at most. */
static int64_t phase_shift(int64_t earlier, int64_t later)
{
	int64_t shift = (later - earlier) % APIC_PERIOD_NS;

	if (shift > APIC_PERIOD_NS / 2)
		shift -= APIC_PERIOD_NS;
	if (shift < -APIC_PERIOD_NS / 2)
		shift += APIC_PERIOD_NS;
	return shift;
}

/*
 * The count shows when the timer is due next. That point keeps its place in the period; if it
 * does not, the shifts add up. At the end of its period the count waits for an interrupt that is
 * late, and shows nothing.
 */
static void test_apic_timer_count(void)
{
	const struct clock c = { "the APIC timer", 0, apic_ns, 0 };
	struct runner *r = &runners[0];
	int64_t due, last = NOT_KNOWN, shift = 0;
	struct sample *s;

	for (s = r->samples; s < r->samples + r->count; s++) {
		s->apic_ns = NOT_KNOWN;
		if (s->guest.apic_count < 2 || width(s) > APIC_PERIOD_NS / 4)
			continue;
		due = middle(s) + (int64_t)s->guest.apic_count;
		if (last != NOT_KNOWN)
			shift += phase_shift(last, due);
		last = due;
		s->apic_ns = middle(s) - shift;
	}
	check_drift(&c);
}

/*
 * There are never more ticks than are due. Fewer may be only by those that came while the vCPU
 * did not run.
 */
static void test_apic_timer_ticks(void)
{
	const struct clock ticks = { "the APIC timer's ticks", 0, apic_tick_ns, APIC_PERIOD_NS };
	const struct clock due = { "with what may be missing", 0, apic_due_ns, APIC_PERIOD_NS };
	int64_t allowed;

	check(measure_drift(&ticks, &allowed) <= allowed, "too many");
	check(-measure_drift(&due, &allowed) <= allowed, "too few");
}

static void test_pit_ticks(void)
{
	const struct clock c = { "the PIT's ticks", 0, pit_tick_ns,
				 PIT_COUNT * NS_PER_SECOND / PIT_HZ };

	check_drift(&c);
}

static void test_tsc_deadlines(void)
{
	const struct clock c = { "the TSC deadlines", 1, deadline_tick_ns,
				 DEADLINE_MS * NS_PER_MS };

	if (!host_knows_its_tsc())
		return;
	check_drift(&c);
	check_equal(guest_data()->vcpu[1].deadline_early, 0, "deadlines that came early");
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		TEST(run_under_load),	TEST(no_clock_goes_back),
		TEST(kvmclock),		TEST(tsc),
		TEST(tsc_frequency),	TEST(get_clock),
		TEST(apic_timer_count), TEST(apic_timer_ticks),
		TEST(pit_ticks),	TEST(tsc_deadlines),
	};
	const char *seconds = getenv("ORIEL_DRIFT_SECONDS");

	if (seconds)
		wanted_ns = strtoul(seconds, NULL, 10) * NS_PER_SECOND;
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
