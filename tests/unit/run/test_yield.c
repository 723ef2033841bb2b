// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the directed yield (kernel/run/yield.c): which vCPU gets the CPU. The scheduler is the
 * test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "run/run.h"

#define VCPUS 4
#define NOBODY (-1)

static struct vcpu vcpu[VCPUS];
static struct vcpu *vcpus[VCPUS];
static struct task_struct task[VCPUS];
static struct vm vm;
static int chosen;
static int refuses;

int yield_to(struct task_struct *to, bool preempt)
{
	int i = to - task;

	assert_true(preempt);
	assert_int_equal(to->references, 1);
	if (i == refuses)
		return -ESRCH;
	chosen = i;
	return 1;
}

struct vcpu *vcpu_find(struct vm *of, u64 apic_id)
{
	assert_ptr_equal(of, &vm);
	return apic_id < VCPUS ? &vcpu[apic_id] : NULL;
}

/* Four vCPUs that wait for a CPU. */
static int set_up(void **state)
{
	(void)state;
	memset(vcpu, 0, sizeof(vcpu));
	memset(task, 0, sizeof(task));
	for (int i = 0; i < VCPUS; i++) {
		vcpu[i].vm = &vm;
		vcpu[i].mode = VCPU_OUTSIDE;
		vcpu[i].mp_state = KVM_MP_STATE_RUNNABLE;
		vcpu[i].task = &task[i];
		vcpus[i] = &vcpu[i];
	}
	vm = (struct vm){ .vcpus = vcpus, .vcpu_count = VCPUS };
	refuses = NOBODY;
	return 0;
}

static int yield_of(int i)
{
	chosen = NOBODY;
	vcpu_yield(&vcpu[i]);
	for (int j = 0; j < VCPUS; j++)
		assert_int_equal(task[j].references, 0);
	return chosen;
}

/* Each in turn, not the first one each time: it may spin as well. */
static void test_takes_turns(void **state)
{
	(void)state;
	assert_int_equal(yield_of(0), 1);
	assert_int_equal(yield_of(0), 2);
	assert_int_equal(yield_of(0), 3);
	assert_int_equal(yield_of(0), 1);
	assert_int_equal(yield_of(1), 2);
	assert_int_equal(yield_of(2), 3);
	assert_int_equal(yield_of(3), 0);
}

static void test_passes_over(void **state)
{
	(void)state;
	vcpu[1].mode = VCPU_IN_GUEST;
	assert_int_equal(yield_of(0), 2);
	vcpu[3].mp_state = KVM_MP_STATE_HALTED;
	assert_int_equal(yield_of(0), 2);
	vcpu[2].task = NULL;
	assert_int_equal(yield_of(0), NOBODY);
	vcpu[2].task = &task[2];
	refuses = 2;
	vcpu[3].mp_state = KVM_MP_STATE_RUNNABLE;
	assert_int_equal(yield_of(0), 3);
}

static void test_to_one(void **state)
{
	(void)state;
	chosen = NOBODY;
	vcpu_yield_to(&vcpu[0], 2);
	assert_int_equal(chosen, 2);
	/* It does not change whose turn is next. */
	assert_int_equal(yield_of(0), 1);
	chosen = NOBODY;
	vcpu_yield_to(&vcpu[0], 0);
	vcpu_yield_to(&vcpu[0], VCPUS);
	assert_int_equal(chosen, NOBODY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_takes_turns, set_up),
		cmocka_unit_test_setup(test_passes_over, set_up),
		cmocka_unit_test_setup(test_to_one, set_up),
	};

	return cmocka_run_group_tests_name("yield", tests, NULL, NULL);
}
