// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN around its loop: what struct kvm_run brings and takes away, and the signals that
 * are let through.
 */
#include <linux/kvm.h>
#include <linux/sched/signal.h>
#include <asm/processor-flags.h>

#include "abi/abi.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/fpu.h"
#include "guest/paging.h"
#include "irq/lapic.h"
#include "run/inject.h"
#include "run/run.h"
#include "x86/cr.h"

/* Whether KVM_INTERRUPT would neither wait nor displace anything. */
static bool irq_acceptable(struct vcpu *vcpu)
{
	return vcpu_user_irq_room(vcpu) && vcpu->irq_queued < 0 && !vcpu->exception_pending &&
	       vcpu->event.type == EVENT_NONE && vcpu_irq_allowed(vcpu);
}

/* The fields of kvm_run that are valid on each return. */
static void fill_run(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	vcpu_need(vcpu, STATE_RIP);
	run->if_flag = !!(vcpu->state.rflags & X86_EFLAGS_IF);
	run->cr8 = paging_cr8(vcpu);
	run->apic_base = vcpu->lapic ? lapic_get_base(vcpu->lapic) : vcpu->apic_base;
	run->ready_for_interrupt_injection = fabric_has_irqchip(&vcpu->vm->fabric) ||
					     irq_acceptable(vcpu);
	run->flags = 0;
}

/* Only a userspace interrupt controller knows the task priority better. */
static int take_cr8(struct vcpu *vcpu)
{
	u64 cr8 = READ_ONCE(vcpu->run->cr8);

	if (vcpu->lapic)
		return 0;
	if (!cr8_valid(cr8))
		return -EINVAL;
	vcpu->cr8 = cr8;
	return 0;
}

/* What kvm_run brings. */
static int take_run(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	if (unlikely(run->kvm_dirty_regs || run->kvm_valid_regs)) {
		int r = sync_regs_load(vcpu);

		if (r)
			return r;
	}
	if (vcpu_window_wanted(vcpu))
		vcpu_make_request(vcpu, REQ_EVENT);
	return take_cr8(vcpu);
}

/*
 * The kernel looks at real_blocked too when it decides what a signal does as it is
 * sent: one that is blocked outside KVM_RUN waits for the thread, and does not kill
 * it there and then for want of a handler.
 */
static void set_signals(struct vcpu *vcpu)
{
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &current->real_blocked);
}

static void restore_signals(struct vcpu *vcpu)
{
	if (!vcpu->sigset_active)
		return;
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

int vcpu_run(struct vcpu *vcpu)
{
	int r;

	set_signals(vcpu);
	vcpu_load(vcpu);
	fpu_begin_run(vcpu);

	r = take_run(vcpu);
	if (!r)
		r = vcpu_run_loop(vcpu);

	if (unlikely(vcpu->run->kvm_valid_regs))
		sync_regs_store(vcpu);
	fill_run(vcpu);
	fpu_end_run(vcpu);
	vcpu_put(vcpu);
	restore_signals(vcpu);
	return r;
}
