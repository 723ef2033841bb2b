// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's state on the physical CPU of its thread. The thread loads it for an ioctl; a preempt
 * notifier takes it away and loads it again when the thread loses its CPU and gets one back.
 */
#include <linux/kvm_para.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/clock.h"
#include "guest/dma.h"
#include "guest/steal_time.h"
#include "run/run.h"

static void load_here(struct vcpu *vcpu)
{
	int cpu = smp_processor_id();
	bool moved = vcpu->last_cpu != cpu;

	vcpu->last_cpu = cpu;
	vcpu->return_msrs_set = false;
	vcpu->secrets_cached = true;
	this_cpu_write(loaded_vcpu, vcpu);
	vendor_call(vcpu_load)(vcpu);
	clock_load(vcpu, moved);
	if (unlikely(vcpu->steal_time.msr & KVM_MSR_ENABLED))
		vcpu_make_request(vcpu, REQ_STEAL_TIME);
}

static void on_sched_in(struct preempt_notifier *notifier, int cpu)
{
	load_here(container_of(notifier, struct vcpu, preempt));
}

static void leave_here(struct vcpu *vcpu)
{
	static_call_cond(vendor_vcpu_put)(vcpu);
	clock_put(vcpu);
	if (unlikely(vcpu->steal_time.msr & KVM_MSR_ENABLED) && vcpu->steal_time.resting)
		steal_time_stopped(vcpu);
	dma_note_leaving(&vcpu->vm->dma);
	this_cpu_write(loaded_vcpu, NULL);
}

static void on_sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	leave_here(container_of(notifier, struct vcpu, preempt));
}

static struct preempt_ops preempt_ops = {
	.sched_in = on_sched_in,
	.sched_out = on_sched_out,
};

void vcpu_load(struct vcpu *vcpu)
{
	preempt_disable();
	preempt_notifier_register(&vcpu->preempt);
	load_here(vcpu);
	preempt_enable();
}

void vcpu_put(struct vcpu *vcpu)
{
	preempt_disable();
	leave_here(vcpu);
	preempt_notifier_unregister(&vcpu->preempt);
	preempt_enable();
}

void vcpu_load_init(struct vcpu *vcpu)
{
	vcpu->last_cpu = -1;
	preempt_notifier_init(&vcpu->preempt, &preempt_ops);
}
