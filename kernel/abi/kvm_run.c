// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN before and after its loop: fields and registers (KVM_CAP_SYNC_REGS) in struct kvm_run,
 * and the signal mask.
 */
#include <linux/kvm.h>
#include <linux/sched/signal.h>
#include <asm/processor-flags.h>

#include "abi/abi.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/fpu.h"
#include "guest/msr.h"
#include "guest/paging.h"
#include "host/claim.h"
#include "run/inject.h"
#include "run/run.h"
#include "x86/cr.h"

/*
 * KVM_CAP_SYNC_REGS. Userspace can change the shared page at any time, so each structure is
 * copied before it is used.
 */

static int load_regs(struct vcpu *vcpu)
{
	struct kvm_regs regs = vcpu->run->s.regs.regs;

	regs_set(vcpu, &regs);
	return 0;
}

static int load_sregs(struct vcpu *vcpu)
{
	struct kvm_sregs sregs = vcpu->run->s.regs.sregs;
	int srcu = srcu_read_lock(&vcpu->vm->memory.srcu);
	int r = sregs_set(vcpu, &sregs);

	srcu_read_unlock(&vcpu->vm->memory.srcu, srcu);
	return r;
}

static int load_events(struct vcpu *vcpu)
{
	struct kvm_vcpu_events events = vcpu->run->s.regs.events;

	return events_set(vcpu, &events);
}

static const struct {
	u64 bit;
	int (*load)(struct vcpu *vcpu);
} sync_groups[] = {
	{ KVM_SYNC_X86_REGS, load_regs },
	{ KVM_SYNC_X86_SREGS, load_sregs },
	{ KVM_SYNC_X86_EVENTS, load_events },
};

/*
 * Load the groups that userspace has marked as dirty. Return -EINVAL for unknown bits, or the error
 * of the group's ioctl.
 */
static noinline int sync_regs_load(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 dirty = READ_ONCE(run->kvm_dirty_regs);
	int i, r;

	if ((dirty | READ_ONCE(run->kvm_valid_regs)) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	for (i = 0; dirty && i < ARRAY_SIZE(sync_groups); i++) {
		if (!(dirty & sync_groups[i].bit))
			continue;
		r = sync_groups[i].load(vcpu);
		if (r)
			return r;
		run->kvm_dirty_regs &= ~sync_groups[i].bit;
	}
	return 0;
}

/* Store the groups that userspace wants. */
static noinline void sync_regs_store(struct vcpu *vcpu)
{
	struct kvm_sync_regs *to = &vcpu->run->s.regs;
	u64 valid = READ_ONCE(vcpu->run->kvm_valid_regs);

	if (valid & KVM_SYNC_X86_REGS)
		regs_get(vcpu, &to->regs);
	if (valid & KVM_SYNC_X86_SREGS)
		sregs_get(vcpu, &to->sregs);
	if (valid & KVM_SYNC_X86_EVENTS)
		events_get(vcpu, &to->events);
}

/*
 * The other fields of struct kvm_run.
 */

/* Return true if the guest would take an interrupt of KVM_INTERRUPT at once. */
static bool irq_acceptable(struct vcpu *vcpu)
{
	return vcpu_user_irq_room(vcpu) && vcpu->irq_queued < 0 && !vcpu->exception_pending &&
	       vcpu->event.type == EVENT_NONE && vcpu_irq_allowed(vcpu);
}

/* Fill in the fields of kvm_run that are valid on each return. */
static void fill_run(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	vcpu_need(vcpu, STATE_RIP);
	run->if_flag = !!(vcpu->state.rflags & X86_EFLAGS_IF);
	run->cr8 = paging_cr8(vcpu);
	run->apic_base = msr_apic_base(vcpu);
	run->ready_for_interrupt_injection = fabric_has_irqchip(&vcpu->vm->fabric) ||
					     irq_acceptable(vcpu);
	run->flags = 0;
}

/* If userspace has the interrupt controller, it also sets the task priority. */
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
 * Signals.
 */

/*
 * KVM_RUN runs with the mask of KVM_SET_SIGNAL_MASK in blocked, and real_blocked keeps the thread's
 * own mask. The kernel kills the process for a fatal signal at once, unless the signal is in one of
 * the two. So a signal that only the thread's own mask blocks ends KVM_RUN and then stays pending.
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

	r = likely(cpu_claimed()) ? take_run(vcpu) : -EIO;
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
