// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU that waits for an interrupt window does not cost the host an interrupt of its timer.
 * KTAP on stdout.
 *
 *	hosttick [-d /dev/oriel]
 *
 * QEMU's TCG loses such an interrupt at VMRUN now and then, under any hypervisor that uses V_IRQ.
 * That CPU's clock then stands still until another interrupt comes. Oriel makes TCG look for the
 * lost one (find_lost_interrupt()). The in-tree KVM does not, and fails this test.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "rawvm.h"

#define PORT_MARK 0x50

/* Periods of the timers on CPU 0 and on the vCPU's CPU: the shorter, the more can be lost. */
#define BEAT_NS 1000000
#define VCPU_BEAT_NS 250000
#define BEATS 20000u
#define STANDS_STILL 3000u

/* Exits to the module at each turn, with IF clear, until 4(%ebp) is set. */
GUEST_CODE(closed_code, "1: cpuid\n"
			"cmpl $0, 4(%ebp)\n"
			"je 1b\n"
			"out %al, $0x50");

struct vcpu_cpu {
	struct machine m;
	pthread_barrier_t ready;
	uint32_t beats;
	uint32_t stop;
	int reason;
};

static void move_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void sleep_beat(long ns)
{
	const struct timespec beat = { .tv_nsec = ns };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &beat, NULL);
}

static void *run_vcpu(void *data)
{
	struct vcpu_cpu *other = data;

	move_to(1);
	pthread_barrier_wait(&other->ready);
	other->reason = run(&other->m, 0);
	return NULL;
}

static void *count_beats(void *data)
{
	struct vcpu_cpu *other = data;

	move_to(1);
	pthread_barrier_wait(&other->ready);
	while (!peek(&other->stop)) {
		sleep_beat(VCPU_BEAT_NS);
		poke(&other->beats, other->beats + 1);
	}
	return NULL;
}

/* Watch from CPU 0, which has its own timer. A move to the other CPU wakes that CPU. */
static void watch(struct vcpu_cpu *other)
{
	uint32_t last = 0, stood = 0;

	for (uint32_t i = 0; i < BEATS && !failed; i++) {
		uint32_t now = peek(&other->beats);

		sleep_beat(BEAT_NS);
		stood = now == last ? stood + 1 : 0;
		last = now;
		if (stood < STANDS_STILL)
			continue;
		complain("the vCPU's CPU has had no timer interrupt after %u beats of it", now);
		move_to(1);
		move_to(0);
	}
}

static void test_timer_of_a_closed_window(void)
{
	struct vcpu_cpu other = { 0 };
	struct kvm_regs regs = { .rip = CODE, .rbp = DATA };
	pthread_t vcpu, beats;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		skipped = "it needs two CPUs";
		return;
	}
	other.m = new_machine(1, false, closed_code, closed_code_end);
	set_regs(&other.m, 0, &regs);
	other.m.run[0]->request_interrupt_window = 1;
	pthread_barrier_init(&other.ready, NULL, 3);
	pthread_create(&vcpu, NULL, run_vcpu, &other);
	pthread_create(&beats, NULL, count_beats, &other);
	move_to(0);
	pthread_barrier_wait(&other.ready);
	watch(&other);
	poke(&other.stop, 1);
	poke(ram_u32(&other.m, DATA + 4), 1);
	pthread_join(vcpu, NULL);
	pthread_join(beats, NULL);
	expect_port(&other.m, other.reason, PORT_MARK, "the end of the guest");
	pthread_barrier_destroy(&other.ready);
	free_machine(&other.m);
}

static const struct test all_tests[] = {
	TEST(timer_of_a_closed_window),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, all_tests, ARRAY_SIZE(all_tests));
}
