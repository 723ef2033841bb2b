// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's TSC and kvmclock (kernel/guest/clock.c) over host clocks that the test sets: suspends
 * that reset the TSC, changes of the clock source, and the pair in guest memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <linux/clocksource.h>
#include <linux/irq_work.h>
#include <linux/kvm.h>
#include <linux/pvclock_gtod.h>
#include <linux/string.h>
#include <linux/syscore_ops.h>
#include <linux/timekeeper_internal.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/clock.h"

#define KHZ 2000000u
#define SECOND (KHZ * 1000ull)
#define VMS 2
#define VCPUS 3
#define PAIR 0x1000u /* the guest-physical address of vCPU 0's pair; others follow */
#define PAIR_STEP 64u
#define ENABLE 1u

/* ---- the host ---- */

unsigned int tsc_khz = KHZ;

static u64 host_tsc;
static s64 host_raw;
static struct clocksource tsc_source = { VDSO_CLOCKMODE_TSC };
static struct clocksource other_source = { VDSO_CLOCKMODE_NONE };
static struct timekeeper timekeeper;
static struct notifier_block *listener;
static struct syscore_ops *syscore;
static struct irq_work *queued;

u64 rdtsc_ordered(void)
{
	return host_tsc;
}

int check_tsc_unstable(void)
{
	return 0;
}

void ktime_get_snapshot(struct system_time_snapshot *snapshot)
{
	*snapshot = (struct system_time_snapshot){
		.cycles = timekeeper.tkr_mono.clock == &tsc_source ? host_tsc : 12345,
		.raw = host_raw,
		.real = host_raw,
		.cs_was_changed_seq = timekeeper.cs_was_changed_seq,
	};
}

static void update_timekeeper(void)
{
	listener->notifier_call(listener, 0, &timekeeper);
}

int pvclock_gtod_register_notifier(struct notifier_block *nb)
{
	listener = nb;
	update_timekeeper();
	return 0;
}

int pvclock_gtod_unregister_notifier(struct notifier_block *nb)
{
	assert_ptr_equal(nb, listener);
	return 0;
}

void oriel_register_syscore(struct syscore_ops *ops)
{
	syscore = ops;
}

void oriel_unregister_syscore(struct syscore_ops *ops)
{
	assert_ptr_equal(ops, syscore);
}

void irq_work_queue(struct irq_work *work)
{
	queued = work;
}

void irq_work_sync(struct irq_work *work)
{
	(void)work;
	queued = NULL;
}

static void run_irq_work(void)
{
	if (queued)
		queued->func(queued);
	queued = NULL;
}

static void pass(u64 ticks)
{
	host_tsc += ticks;
	host_raw += ticks * 1000000 / KHZ;
}

/* The host sleeps. Its timekeeper finds @slept ns, and its TSC is @tsc then. */
static void suspend(s64 slept, u64 tsc)
{
	timekeeper.offs_boot += slept;
	host_tsc = tsc;
	update_timekeeper();
	syscore->resume();
}

static void change_source(struct clocksource *source)
{
	timekeeper.tkr_mono.clock = source;
	timekeeper.cs_was_changed_seq++;
	update_timekeeper();
}

/* ---- the module ---- */

static struct vm vms[VMS];
static struct vcpu vcpus[VMS][VCPUS];
static struct vcpu *lists[VMS][VCPUS];
static u64 loaded_offset[VMS][VCPUS]; /* in the control structure */
static u8 ram[PAIR + VCPUS * PAIR_STEP];
static bool ram_away;
static unsigned int writes_left;

void vendor_set_tsc_offset(struct vcpu *vcpu, u64 offset)
{
	loaded_offset[vcpu->vm - vms][vcpu->id] = offset;
}

void lapic_tsc_changed(struct lapic *lapic)
{
	(void)lapic;
}

void vcpu_kick(struct vcpu *vcpu)
{
	(void)vcpu;
}

void vm_make_request_all(struct vm *vm, unsigned int request)
{
	for (u32 i = 0; i < vm->vcpu_count; i++)
		vcpu_make_request(vm->vcpus[i], request);
}

int memory_read(const struct memory *memory, gpa_t gpa, void *buf, size_t len)
{
	(void)memory;
	assert_true(gpa + len <= sizeof(ram));
	if (ram_away)
		return -ENXIO;
	memcpy(buf, ram + gpa, len);
	return 0;
}

int memory_write(struct memory *memory, gpa_t gpa, const void *buf, size_t len)
{
	(void)memory;
	assert_true(gpa + len <= sizeof(ram));
	if (ram_away || !writes_left)
		return -ENXIO;
	writes_left--;
	memcpy(ram + gpa, buf, len);
	return 0;
}

static struct pvclock_vcpu_time_info *pair(unsigned int i)
{
	return (void *)(ram + PAIR + i * PAIR_STEP);
}

static void create_vcpu(unsigned int v, unsigned int i)
{
	struct vcpu *vcpu = &vcpus[v][i];

	vcpu->vm = &vms[v];
	vcpu->id = i;
	clock_load(vcpu, true);
	clock_vcpu_init(vcpu);
	clock_put(vcpu);
	lists[v][i] = vcpu;
	vms[v].vcpu_count++;
}

static int setup(void **state)
{
	(void)state;
	memset(vms, 0, sizeof(vms));
	memset(vcpus, 0, sizeof(vcpus));
	memset(ram, 0, sizeof(ram));
	timekeeper.tkr_mono.clock = &tsc_source;
	host_tsc = 1000 * SECOND;
	ram_away = false;
	writes_left = 1000;
	assert_int_equal(clock_setup(), 0);
	run_irq_work();
	shim_run_work();
	for (unsigned int v = 0; v < VMS; v++) {
		vms[v].vcpus = lists[v];
		clock_vm_init(&vms[v]);
		create_vcpu(v, 0);
		create_vcpu(v, 1);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < VMS; v++)
		clock_vm_destroy(&vms[v]);
	clock_teardown();
	return 0;
}

static bool wants_update(unsigned int v, unsigned int i)
{
	return test_bit(REQ_CLOCK_UPDATE, &vcpus[v][i].requests);
}

/* Serve the requests of a vCPU of the first VM, as its thread would before an entry. */
static void serve(unsigned int i)
{
	if (vcpu_test_request(&vcpus[0][i], REQ_CLOCK_UPDATE))
		clock_update(&vcpus[0][i]);
}

/* A vCPU of the first VM runs for some ticks. Return the guest's TSC at the end. */
static u64 run_vcpu(unsigned int i, u64 ticks)
{
	struct vcpu *vcpu = &vcpus[0][i];
	u64 tsc;

	clock_load(vcpu, false);
	serve(i);
	pass(ticks);
	assert_int_equal(loaded_offset[0][i], vcpu->clock.tsc_offset);
	tsc = clock_guest_tsc(vcpu);
	clock_put(vcpu);
	return tsc;
}

static void enable_kvmclock(unsigned int i)
{
	clock_write_system_time(&vcpus[0][i], 0, false, (PAIR + i * PAIR_STEP) | ENABLE);
	serve(i);
}

/* ---- suspends ---- */

static void check_in_step(void)
{
	for (u32 i = 1; i < vms[0].vcpu_count; i++)
		assert_int_equal(vcpus[0][i].clock.tsc_offset, vcpus[0][0].clock.tsc_offset);
}

/* The vCPUs stop at different times before the suspend, and run again at different times. */
static void check_reset(s64 slept, u64 late)
{
	u64 first, last;

	first = run_vcpu(0, SECOND);
	pass(60 * SECOND);
	last = run_vcpu(1, SECOND);
	suspend(slept, 5 * SECOND);
	assert_true(run_vcpu(0, 10) >= last);
	/* The last vCPU comes when the new TSC has long passed the old one, or soon. */
	pass(late);
	assert_true(run_vcpu(1, 10) > last);
	assert_true(run_vcpu(0, 10) > first);
	check_in_step();
}

static void test_suspend_resets_tsc(void **state)
{
	(void)state;
	check_reset(3600ll * NSEC_PER_SEC, 1000);
	/* Once more, later than all that has been. */
	check_reset(3600ll * NSEC_PER_SEC, 100000 * SECOND);
}

/* The timekeeper may find that no time has passed. */
static void test_short_suspend_resets_tsc(void **state)
{
	(void)state;
	check_reset(0, 1000);
	check_reset(0, 100000 * SECOND);
}

static void test_suspend_keeps_tsc(void **state)
{
	u64 before, after;

	(void)state;
	before = run_vcpu(0, SECOND);
	suspend(NSEC_PER_SEC, host_tsc + SECOND);
	after = run_vcpu(0, 0);
	assert_int_equal(after - before, SECOND);
	run_vcpu(1, 0);
	check_in_step();
}

/* Suspend to idle calls no callback of ours; the time slept shows it. */
static void test_suspend_to_idle(void **state)
{
	u64 before;

	(void)state;
	run_vcpu(0, SECOND);
	before = run_vcpu(1, SECOND);
	timekeeper.offs_boot += NSEC_PER_SEC;
	host_tsc = SECOND;
	update_timekeeper();
	assert_true(run_vcpu(0, 0) >= before);
	run_vcpu(1, 0);
	check_in_step();
}

/* A vCPU that is added, or reset by a write of 0, joins the others. */
static void test_new_vcpu_after_suspend(void **state)
{
	u64 before = run_vcpu(0, SECOND);

	(void)state;
	suspend(NSEC_PER_SEC, SECOND);
	create_vcpu(0, 2);
	assert_true(run_vcpu(2, 0) >= before);
	run_vcpu(0, 0);
	run_vcpu(1, 0);
	check_in_step();
	clock_load(&vcpus[0][1], false);
	clock_write_tsc(&vcpus[0][1], 0, true, 0);
	clock_put(&vcpus[0][1]);
	check_in_step();
}

/* All vCPUs still share one clock, which has counted the time asleep. */
static void test_kvmclock_after_suspend(void **state)
{
	struct kvm_clock_data before, after;

	(void)state;
	enable_kvmclock(0);
	enable_kvmclock(1);
	run_vcpu(0, SECOND);
	clock_get(&vms[0], &before);
	suspend(7ll * NSEC_PER_SEC, SECOND);
	run_vcpu(0, 0);
	run_vcpu(1, 0);
	clock_get(&vms[0], &after);
	assert_true(after.flags & KVM_CLOCK_TSC_STABLE);
	assert_in_range(after.clock - before.clock, 7ll * NSEC_PER_SEC, 7ll * NSEC_PER_SEC + 10);
	assert_int_equal(pair(0)->tsc_timestamp, pair(1)->tsc_timestamp);
	assert_int_equal(pair(0)->system_time, pair(1)->system_time);
}

/* A CPU whose TSC is behind concerns the vCPU that comes to it, and no other. */
static void test_cpu_is_behind(void **state)
{
	u64 other = vcpus[0][1].clock.tsc_offset;
	u64 before = run_vcpu(0, SECOND);

	(void)state;
	host_tsc -= SECOND / 2;
	assert_true(run_vcpu(0, 0) >= before);
	assert_int_equal(vcpus[0][1].clock.tsc_offset, other);
}

/* ---- the clock source ---- */

/* vCPUs that are never loaded again hear of it, in each VM. */
static void test_source_changes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		enable_kvmclock(i);
		assert_true(pair(i)->flags & PVCLOCK_TSC_STABLE_BIT);
	}
	for (unsigned int v = 0; v < VMS; v++)
		for (unsigned int i = 0; i < 2; i++)
			vcpus[v][i].requests = 0;
	/* An update of the timekeeper without a change says nothing. */
	update_timekeeper();
	assert_null(queued);
	change_source(&other_source);
	/* While the timekeeper is being written, nothing may run that reads it. */
	assert_false(wants_update(0, 0));
	run_irq_work();
	assert_int_equal(shim_run_work(), 1);
	for (unsigned int v = 0; v < VMS; v++)
		for (unsigned int i = 0; i < 2; i++)
			assert_true(wants_update(v, i));
	serve(0);
	serve(1);
	for (unsigned int i = 0; i < 2; i++)
		assert_false(pair(i)->flags & PVCLOCK_TSC_STABLE_BIT);
}

static void test_source_changes_at_unload(void **state)
{
	(void)state;
	change_source(&other_source);
	run_irq_work();
	clock_teardown();
	assert_int_equal(shim_run_work(), 0);
	assert_int_equal(clock_setup(), 0);
}

/* ---- the pair ---- */

static void test_version_grows(void **state)
{
	(void)state;
	pair(0)->version = 1000;
	enable_kvmclock(0);
	assert_int_equal(pair(0)->version, 1002);
	/* The source of a migration was stopped in the middle of an update. */
	pair(0)->version = 41;
	vcpu_make_request(&vcpus[0][0], REQ_CLOCK_UPDATE);
	serve(0);
	assert_true(pair(0)->version > 41 && !(pair(0)->version & 1));
	pair(0)->version = 0xfffffffe;
	vcpu_make_request(&vcpus[0][0], REQ_CLOCK_UPDATE);
	serve(0);
	assert_int_equal(pair(0)->version & 1, 0);
	assert_int_not_equal(pair(0)->version, 0xfffffffe);
}

static void test_guest_stopped(void **state)
{
	(void)state;
	assert_int_equal(clock_stopped(&vcpus[0][0]), -EINVAL);
	enable_kvmclock(0);
	assert_int_equal(clock_stopped(&vcpus[0][0]), 0);
	serve(0);
	assert_true(pair(0)->flags & PVCLOCK_GUEST_STOPPED);
	clock_update(&vcpus[0][0]);
	assert_true(pair(0)->flags & PVCLOCK_GUEST_STOPPED);
	pair(0)->flags &= ~PVCLOCK_GUEST_STOPPED;
	clock_update(&vcpus[0][0]);
	assert_false(pair(0)->flags & PVCLOCK_GUEST_STOPPED);
}

/* A pair that found no memory is written when there is some. */
static void test_memory_comes_back(void **state)
{
	(void)state;
	enable_kvmclock(0);
	run_vcpu(0, 0);
	assert_false(wants_update(0, 0));
	clock_slots_changed(&vms[0]);
	assert_false(wants_update(0, 0));

	ram_away = true;
	pair(0)->system_time = 0;
	assert_int_equal(clock_set(&vms[0], &(struct kvm_clock_data){ .clock = SECOND }), 0);
	serve(0);
	assert_false(wants_update(0, 0));
	assert_int_equal(pair(0)->system_time, 0);
	ram_away = false;
	clock_slots_changed(&vms[0]);
	assert_true(wants_update(0, 0));
	serve(0);
	assert_true(pair(0)->system_time >= SECOND);
	clock_slots_changed(&vms[0]);
	assert_false(wants_update(0, 0));
}

/* The client may map the memory without a change of slots: the next load tries again. */
static void test_next_load_tries_again(void **state)
{
	(void)state;
	enable_kvmclock(0);
	/* The first of three writes succeeds, so that the version is odd. */
	writes_left = 1;
	vcpu_make_request(&vcpus[0][0], REQ_CLOCK_UPDATE);
	serve(0);
	assert_int_equal(pair(0)->version & 1, 1);
	writes_left = 1000;
	run_vcpu(0, 0);
	assert_int_equal(pair(0)->version & 1, 0);
	/* Nothing is left to be done. */
	clock_load(&vcpus[0][0], false);
	assert_false(wants_update(0, 0));
	clock_put(&vcpus[0][0]);
	/* A guest that has turned kvmclock off again has no pair. */
	ram_away = true;
	clock_write_system_time(&vcpus[0][0], 0, false, PAIR);
	run_vcpu(0, 0);
	clock_load(&vcpus[0][0], false);
	assert_false(wants_update(0, 0));
	clock_put(&vcpus[0][0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_suspend_resets_tsc),
		TEST(test_short_suspend_resets_tsc),
		TEST(test_suspend_keeps_tsc),
		TEST(test_suspend_to_idle),
		TEST(test_new_vcpu_after_suspend),
		TEST(test_kvmclock_after_suspend),
		TEST(test_cpu_is_behind),
		TEST(test_source_changes),
		TEST(test_source_changes_at_unload),
		TEST(test_version_grows),
		TEST(test_guest_stopped),
		TEST(test_memory_comes_back),
		TEST(test_next_load_tries_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
