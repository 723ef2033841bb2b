// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directed yield: give the CPU to another vCPU of the same VM.
 */
#include <linux/kvm.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "run/run.h"

/*
 * Return the thread, with a reference, of a vCPU that is in KVM_RUN, runnable and not in the guest;
 * else NULL.
 */
static struct task_struct *waiting_thread(struct vcpu *vcpu)
{
	struct task_struct *task = NULL;

	if (READ_ONCE(vcpu->mode) == VCPU_IN_GUEST ||
	    READ_ONCE(vcpu->mp_state) != KVM_MP_STATE_RUNNABLE)
		return NULL;
	rcu_read_lock();
	task = rcu_dereference(vcpu->task);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

/* Return true if the scheduler now prefers the vCPU's thread. */
static bool yield_to_vcpu(struct vcpu *other)
{
	struct task_struct *task = waiting_thread(other);
	bool yielded;

	if (!task)
		return false;
	yielded = yield_to(task, true) > 0;
	put_task_struct(task);
	return yielded;
}

void vcpu_yield_to(struct vcpu *vcpu, u64 apic_id)
{
	struct vcpu *other = vcpu_find(vcpu->vm, apic_id);

	if (other && other != vcpu)
		yield_to_vcpu(other);
}

void vcpu_yield(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	/* Pairs with vcpu_publish(). */
	u32 count = smp_load_acquire(&vm->vcpu_count);
	/* Go on behind the vCPU that was chosen last: it may be one that waits as well. */
	u32 next = READ_ONCE(vm->yielded_to);
	u32 i;

	for (i = 0; i < count; i++) {
		next = next + 1 < count ? next + 1 : 0;
		if (vm->vcpus[next] != vcpu && yield_to_vcpu(vm->vcpus[next])) {
			WRITE_ONCE(vm->yielded_to, next);
			return;
		}
	}
}
