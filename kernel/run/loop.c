// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN: enter the guest, handle the exit, go round, until userspace or a
 * signal is due.
 */
#include <linux/kvm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/task_work.h>
#include <linux/vtime.h>
#include <asm/processor-flags.h>

#include "core/vm.h"
#include "guest/clock.h"
#include "guest/cpuid_table.h"
#include "guest/dirty_ring.h"
#include "guest/fpu.h"
#include "guest/pv_eoi.h"
#include "guest/reset.h"
#include "guest/steal_time.h"
#include "guest/vapic.h"
#include "host/claim.h"
#include "host/compat.h"
#include "host/return_msr.h"
#include "irq/lapic.h"
#include "run/exit.h"
#include "run/exit_debug.h"
#include "run/inject.h"
#include "run/run.h"

/* No write of the guest goes unlogged: it waits for userspace to empty the ring. */
static bool must_wait_for_ring(struct vcpu *vcpu)
{
	if (!vcpu_test_request(vcpu, REQ_DIRTY_RING_FULL) || !dirty_ring_nearly_full(vcpu))
		return false;
	vcpu_make_request(vcpu, REQ_DIRTY_RING_FULL);
	return true;
}

/* One of REQS_EXIT; the others wait for the next KVM_RUN. */
static enum exit_fate serve_exit_request(struct vcpu *vcpu)
{
	if (vcpu_test_request(vcpu, REQ_DEBUG_STEP))
		return guest_debug_exit_step(vcpu);
	if (vcpu_test_request(vcpu, REQ_TRIPLE_FAULT))
		return exit_triple_fault(vcpu);
	if (vcpu_test_request(vcpu, REQ_TPR_ACCESS))
		return vapic_exit_report(vcpu);
	vcpu_test_request(vcpu, REQ_IOAPIC_EOI);
	vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	vcpu->run->eoi.vector = vcpu->eoi_vector;
	return EXIT_USER;
}

/* All but REQ_EVENT. Returns as serve_requests(). */
static enum exit_fate serve_rare_requests(struct vcpu *vcpu)
{
	if (must_wait_for_ring(vcpu)) {
		vcpu->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
		return EXIT_USER;
	}
	if (READ_ONCE(vcpu->requests) & REQS_EXIT)
		return serve_exit_request(vcpu);
	if (vcpu_test_request(vcpu, REQ_CLOCK_UPDATE))
		clock_update(vcpu);
	/* It may ask for the flush that comes next. */
	if (vcpu_test_request(vcpu, REQ_STEAL_TIME))
		steal_time_update(vcpu);
	if (vcpu_test_request(vcpu, REQ_TLB_FLUSH)) {
		vcpu->stats.tlb_flush++;
		vendor_call(flush_tlb)(vcpu);
	}
	if (vcpu_test_request(vcpu, REQ_MSR_FILTER))
		vendor_call(filter_msrs)(vcpu);
	return EXIT_RESUME;
}

/* Returns EXIT_RESUME, or what ends KVM_RUN. */
static enum exit_fate serve_requests(struct vcpu *vcpu)
{
	enum exit_fate fate = EXIT_RESUME;

	if (unlikely(READ_ONCE(vcpu->requests) & ~BIT(REQ_EVENT)))
		fate = serve_rare_requests(vcpu);
	if (fate != EXIT_RESUME)
		return fate;
	if (vcpu_test_request(vcpu, REQ_EVENT)) {
		if (vcpu->lapic)
			vcpu_take_lapic_events(vcpu);
		if (vcpu->mp_state == KVM_MP_STATE_RUNNABLE)
			vcpu_choose_event(vcpu);
		if (vcpu->vapic.gpa)
			vapic_store(vcpu);
	}
	return EXIT_RESUME;
}

/*
 * What the kernel wants of this thread before it goes on. A notification
 * without work is for the return to userspace (restartable sequences) and waits
 * for it.
 */
static bool thread_work_pending(void)
{
	return need_resched() || signal_pending(current) ||
	       (test_thread_flag(TIF_NOTIFY_RESUME) && task_work_pending(current));
}

/*
 * Every reason not to enter that may have come up to the moment interrupts
 * went off; what comes later sends an IPI, which ends the guest at once.
 */
static bool must_not_enter(struct vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests) || thread_work_pending();
}

static void enter_guest(struct vcpu *vcpu)
{
	if (unlikely(!vcpu->return_msrs_set)) {
		return_msr_set(RETURN_MSR_TSC_AUX, vcpu->msrs.tsc_aux);
		vcpu->return_msrs_set = true;
	}
	/* OSXSAVE and PKE are intercepted, so these are right without a fetch. */
	fpu_enter_guest(&vcpu->fpu, vcpu->state.cr4);

	vendor_call(enter)(vcpu);
	oriel_note_guest_ran();

	fpu_leave_guest(&vcpu->fpu);
}

/*
 * On a kernel that preempts itself most threads lose their CPU here. An interrupt of the
 * host ends the guest between two instructions; any other exit may have brought an address
 * that was translated for an instruction.
 */
static void let_preempt(struct vcpu *vcpu)
{
	u64 info[2];

	/* What preempt_enable() itself asks: in the one word that it changes. */
	if (likely(!should_resched(PREEMPT_DISABLE_OFFSET))) {
		preempt_enable();
		return;
	}
	vcpu->steal_time.resting = vendor_call(exit_code)(vcpu, info) == vendor->host_irq_exit;
	preempt_enable();
	vcpu->steal_time.resting = false;
}

/* Undo the announcement that the vCPU enters the guest. */
static void stay_outside(struct vcpu *vcpu)
{
	WRITE_ONCE(vcpu->mode, VCPU_OUTSIDE);
	local_irq_enable();
	preempt_enable();
}

/* Return true after a VM exit; false if the guest was not entered, and set @fate. */
static bool switch_world(struct vcpu *vcpu, enum exit_fate *fate)
{
	preempt_disable();
	if (vcpu->dirty) {
		vendor_call(commit)(vcpu, vcpu->dirty);
		vcpu->dirty = 0;
	}
	local_irq_disable();
	vcpu->cpu = smp_processor_id();
	/* Pairs with vcpu_kick(): either it sees the mode or we see its request. */
	smp_store_mb(vcpu->mode, VCPU_IN_GUEST);
	if (must_not_enter(vcpu)) {
		stay_outside(vcpu);
		*fate = EXIT_RESUME;
		return false;
	}
	if (unlikely(!cpu_claimed())) {
		stay_outside(vcpu);
		*fate = exit_error(vcpu, -EIO);
		return false;
	}
	enter_guest(vcpu);
	/* A thread that sees this mode knows that no translation is in use any more. */
	smp_store_release(&vcpu->mode, VCPU_OUTSIDE);
	/* The interrupt that ended the guest is taken here, as guest time. */
	local_irq_enable();
	/* STI alone lets none in before the next instruction (SDM 2B STI). */
	asm volatile("nop");
	local_irq_disable();
	vtime_account_guest_exit();
	local_irq_enable();
	let_preempt(vcpu);
	return true;
}

static bool halt_ends(struct vcpu *vcpu)
{
	return vcpu->mp_state == KVM_MP_STATE_HALTED &&
	       (READ_ONCE(vcpu->kicked) || vcpu_has_wake_event(vcpu));
}

/* What ends a sleep. */
static bool wake_due(struct vcpu *vcpu)
{
	if (vcpu->lapic && atomic_read(&vcpu->lapic->events))
		return true;
	return halt_ends(vcpu);
}

/* HLT, or a processor that waits for INIT and SIPI. */
static enum exit_fate block(struct vcpu *vcpu)
{
	bool uninitialized = vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED;
	int r;

	/* A step over HLT is done before the sleep. */
	if (vcpu_test_request(vcpu, REQ_DEBUG_STEP))
		return guest_debug_exit_step(vcpu);
	if (vcpu->lapic)
		lapic_timer_sleep(vcpu->lapic);
	vcpu->steal_time.resting = true;
	r = rcuwait_wait_event(&vcpu->wait, wake_due(vcpu), TASK_INTERRUPTIBLE);
	vcpu->steal_time.resting = false;
	if (r)
		return exit_error(vcpu, -EINTR);
	if (vcpu->lapic)
		vcpu_take_lapic_events(vcpu);
	if (halt_ends(vcpu)) {
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
		/*
		 * A kick that comes now is done with too: the barrier before the entry
		 * has the guest see what the kick was about.
		 */
		WRITE_ONCE(vcpu->kicked, false);
		vcpu->stats.halt_wakeup++;
	}
	vcpu_make_request(vcpu, REQ_EVENT);
	/* The first INIT takes a processor from userspace's hands, who hears of it. */
	return uninitialized ? exit_error(vcpu, -EAGAIN) : EXIT_RESUME;
}

/* Signals end KVM_RUN, as does work that is done on the way to userspace. */
static enum exit_fate do_thread_work(struct vcpu *vcpu)
{
	if (signal_pending(current) ||
	    (test_thread_flag(TIF_NOTIFY_RESUME) && task_work_pending(current)))
		return exit_error(vcpu, -EINTR);
	vcpu->steal_time.resting = true;
	cond_resched();
	vcpu->steal_time.resting = false;
	return EXIT_RESUME;
}

/*
 * Calls what works on memslots. They are not held while the guest executes: who
 * changes them would have to wait for an exit that may never come.
 */
static enum exit_fate with_slots(struct vcpu *vcpu, enum exit_fate (*work)(struct vcpu *vcpu))
{
	int srcu = srcu_read_lock(&vcpu->vm->memory.srcu);
	enum exit_fate fate = work(vcpu);

	srcu_read_unlock(&vcpu->vm->memory.srcu, srcu);
	return fate;
}

static enum exit_fate handle_exit(struct vcpu *vcpu)
{
	if (unlikely(vcpu->pv_eoi.offered))
		pv_eoi_take_back(vcpu);
	if (unlikely(vcpu->vapic.gpa))
		vapic_load(vcpu);
	return vendor_call(handle_exit)(vcpu);
}

/* One round: into the guest and out again. */
static enum exit_fate run_once(struct vcpu *vcpu)
{
	enum exit_fate fate;

	if (READ_ONCE(vcpu->requests)) {
		fate = with_slots(vcpu, serve_requests);
		if (fate != EXIT_RESUME || vcpu->mp_state != KVM_MP_STATE_RUNNABLE)
			return fate;
	}
	if (!switch_world(vcpu, &fate))
		return fate;
	vcpu->stats.exits++;
	vendor_call(recover)(vcpu);
	/* A shadow with IF clear opens no window on AMD: look again each time. */
	if (unlikely(vcpu->nmi_pending))
		vcpu_make_request(vcpu, REQ_EVENT);
	if (unlikely(vcpu->fpu.xcr0_changed)) {
		vcpu->fpu.xcr0_changed = false;
		cpuid_refresh_vcpu(vcpu);
	}
	return with_slots(vcpu, handle_exit);
}

/* The EOI bit was set for an entry that never happened: withdraw it. */
static enum exit_fate end_offer(struct vcpu *vcpu)
{
	pv_eoi_take_back(vcpu);
	return EXIT_RESUME;
}

static enum exit_fate run_until_due(struct vcpu *vcpu)
{
	enum exit_fate fate = with_slots(vcpu, vcpu_complete_access);

	/* Nothing runs: a client still looks at what ended the KVM_RUN before. */
	if (fate == EXIT_RESUME && READ_ONCE(*oriel_immediate_exit(vcpu->run)))
		return exit_error(vcpu, -EINTR);
	while (fate == EXIT_RESUME) {
		if (vcpu->mp_state == KVM_MP_STATE_RUNNABLE)
			fate = run_once(vcpu);
		else
			fate = block(vcpu);
		if (fate == EXIT_RESUME && thread_work_pending())
			fate = do_thread_work(vcpu);
	}
	if (unlikely(vcpu->pv_eoi.offered))
		with_slots(vcpu, end_offer);
	return fate;
}

int vcpu_run_loop(struct vcpu *vcpu)
{
	enum exit_fate fate;

	rcu_assign_pointer(vcpu->task, current);
	fate = run_until_due(vcpu);
	rcu_assign_pointer(vcpu->task, NULL);
	if (fate == EXIT_USER)
		return 0;
	if (vcpu->error == -EINTR) {
		vcpu->stats.signal_exits++;
		vcpu->run->exit_reason = KVM_EXIT_INTR;
	}
	return vcpu->error;
}
