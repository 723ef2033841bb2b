// SPDX-License-Identifier: GPL-2.0-only
/* Time: the TSC, kvmclock's page and its wall clock, and their agreement. */
#include "guest.h"

#define MSR_WALL_CLOCK 0x4b564d00
#define MSR_SYSTEM_TIME 0x4b564d01
#define NS_PER_S 1000000000ULL

/* Documentation/virt/kvm/x86/msr.rst */
struct time_info {
	u32 version;
	u32 pad0;
	u64 tsc_timestamp;
	u64 system_time;
	u32 tsc_to_system_mul;
	signed char tsc_shift;
	u8 flags;
	u8 pad[2];
} __attribute__((packed));

struct wall_clock {
	u32 version;
	u32 sec;
	u32 nsec;
} __attribute__((packed));

static live struct time_info info __attribute__((aligned(64)));
static live struct wall_clock wall __attribute__((aligned(64)));

static u64 scale(u64 ticks)
{
	unsigned __int128 product;

	if (info.tsc_shift < 0)
		ticks >>= -info.tsc_shift;
	else
		ticks <<= info.tsc_shift;
	product = (unsigned __int128)ticks * info.tsc_to_system_mul;
	return product >> 32;
}

static u64 now(void)
{
	u32 version;
	u64 time;

	do {
		version = info.version;
		time = info.system_time + scale(read_tsc() - info.tsc_timestamp);
	} while (version & 1 || version != info.version);
	return time;
}

static void tsc(void)
{
	u64 last = read_tsc(), next;
	unsigned int back = 0;

	for (unsigned int i = 0; i < 20000; i++) {
		next = read_tsc();
		back += next <= last;
		last = next;
	}
	report_eq(back, 0, "the TSC only rises");
	back = 0;
	for (unsigned int i = 0; i < 500; i++) {
		in8(i & 1 ? SERIAL_PORT + 7 : PIC1 + 1);
		next = i & 2 ? rdmsr(MSR_TSC) : read_tsc();
		back += next <= last;
		last = next;
	}
	report_eq(back, 0, "it rises over exits, by RDTSC and RDMSR");
	if (cpuid(0x80000001, 0).edx & BIT(27)) {
		u32 low, high;

		asm volatile("rdtscp" : "=a"(low), "=d"(high) : : "rcx");
		report((low | (u64)high << 32) > last, "RDTSCP too");
	}
}

/*
 * Return how often the time steps back in @times readings, with an exit between two of them if
 * @leave is set. Without the stable flag a new pair may be behind the old one: the guest has to
 * keep such clocks in order.
 */
static unsigned int steps_back(unsigned int times, bool leave)
{
	u32 version = info.version;
	unsigned int back = 0;
	u64 last = 0, next;

	while (times--) {
		if (leave)
			in8(SERIAL_PORT + 7);
		next = now();
		back += next < last && (info.flags & 1 || info.version == version);
		version = info.version;
		last = next;
	}
	return back;
}

static void test_page(void)
{
	wrmsr(MSR_SYSTEM_TIME, (u64)&info | 1);
	report(info.version && !(info.version & 1), "the page's version is even and not 0");
	report(info.tsc_to_system_mul != 0, "multiplier 0x%x, shift %d", info.tsc_to_system_mul,
	       info.tsc_shift);
	report_eq(rdmsr(MSR_SYSTEM_TIME), (u64)&info | 1, "the MSR reads back");
	report_eq(steps_back(5000, false), 0, "the time only rises");
	report_eq(steps_back(200, true), 0, "it rises over exits");
	report(read_tsc() >= info.tsc_timestamp, "its TSC stamp is not in the future");
}

/*
 * Measure a sleep of 50 ms by the PIT with kvmclock. It is never shorter. As hosts may be busy,
 * only the shortest of many is compared from above.
 */
static void pit_agrees(void)
{
	u64 before, took, least = ~0ULL;

	for (unsigned int i = 0; i < 100 && least >= NS_PER_S; i++) {
		before = now();
		pit_set(2, 0, 59659);
		while (!(in8(0x61) & 0x20))
			cpu_relax();
		took = now() - before;
		if (took < least)
			least = took;
	}
	report(least >= 49000000, "50 ms of the PIT are not less: %lu us", least / 1000);
	report(least < NS_PER_S, "nor more than a second");
}

/* The TSC moves by much more than the time for which a busy host may stop the guest. */
static void tsc_follows(void)
{
	u64 before = now(), written, after;

	written = read_tsc() + (1ULL << 44);
	wrmsr(MSR_TSC, written);
	in8(SERIAL_PORT + 7);
	after = now();
	report_known(after >= before && after - before < 1000 * NS_PER_S, true,
		     kvm_fault("KVM does not renew the page"),
		     "writing the TSC does not move the time");
	report(read_tsc() >= written, "and moves the TSC");
}

static void wall_time(void)
{
	u64 seconds;

	wrmsr(MSR_WALL_CLOCK, (u64)&wall);
	report(wall.version && !(wall.version & 1), "the wall clock's version");
	seconds = wall.sec + now() / 1000000000;
	report(seconds > 1577836800, "the wall clock is later than 2020: %lu", seconds);
	report(wall.nsec < 1000000000, "its nanoseconds");
}

static void refused(void)
{
	u64 stable = info.flags & 1;

	report_eq(stable, !!(kvm_features() & BIT(24)) && stable, "the stable flag is offered");
	wrmsr(MSR_SYSTEM_TIME, 0);
	report_eq(rdmsr(MSR_SYSTEM_TIME), 0, "turned off");
}

/* The old numbers are offered with bit 0 of the features. */
static void old_msrs(void)
{
	u64 value;

	if (!(kvm_features() & BIT(0))) {
		report_eq(rdmsr_safe(0x12, &value), VEC_GP, "no old MSRs: #GP");
		return;
	}
	info.version = 0;
	wrmsr(0x12, (u64)&info | 1);
	in8(SERIAL_PORT + 7);
	report(info.version != 0, "the old MSR fills the page too");
	wrmsr(0x12, 0);
}

void guest_main(void)
{
	tsc();
	if (!(kvm_features() & BIT(3))) {
		report_skip("no kvmclock", "kvmclock");
		return;
	}
	out8(0x61, (in8(0x61) & ~2) | 1);
	test_page();
	pit_agrees();
	wall_time();
	tsc_follows();
	refused();
	old_msrs();
}
