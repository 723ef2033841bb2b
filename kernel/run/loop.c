// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN's loop: enter the guest, handle the exit, go round, until userspace or a signal is
 * due.
 *
 * Mode, request and kick
 *
 * Other threads and interrupt handlers have work for a vCPU: an event to inject, translations
 * to drop, a clock to publish. They set a bit in vcpu->requests and kick the vCPU. It must see
 * the bit before it executes another guest instruction, and no lock may stand in between.
 *
 *   1. vcpu->mode is VCPU_OUTSIDE or VCPU_IN_GUEST. Only the vCPU's own thread writes it.
 *   2. While the mode is VCPU_IN_GUEST, interrupts of the host are off on vcpu->cpu, from
 *      before the mode was written until after the exit.
 *   3. A requester writes the subject of its request, then the bit (vcpu_make_request()), then,
 *      after a full barrier, it reads the mode (vcpu_kick(), vm_flush_tlbs()).
 *   4. The vCPU writes VCPU_IN_GUEST, then, after a full barrier, it reads the requests
 *      (switch_world(), must_not_enter()).
 *   5. So one of the two sees the other's write: the vCPU sees the bit and does not enter, or
 *      the requester sees VCPU_IN_GUEST and interrupts vcpu->cpu. By 2 that interrupt stays
 *      pending until the guest runs, and then it ends the guest before its next instruction
 *      (SDM 3C 26.2, APM 2 15.13.1).
 *   6. The vCPU clears a bit before it does the work (vcpu_test_request()). A request that comes
 *      during the work sets the bit again.
 *   7. After an exit the mode becomes VCPU_OUTSIDE with release semantics. A thread that reads
 *      it with acquire semantics, as vm_flush_tlbs() does, knows that the vCPU uses no
 *      translation any more and will see the request before it makes new ones.
 *   8. A vCPU that sleeps is VCPU_OUTSIDE. vcpu_kick() wakes it first of all; rcuwait orders the
 *      wake-up against wake_due(), which looks at events only: other requests wait for
 *      the next entry.
 *   9. immediate_exit, signals and rescheduling are work of the thread, not requests. They are
 *      looked at with interrupts off as well, because they come with an interrupt: it ends
 *      the guest in the same way.
 *
 *                     run_once(): serve_requests(), with memslots and interrupts on
 *                          |
 *      +--------------> OUTSIDE <------------ wake-up, INIT, SIPI --------+
 *      |                   |  \                                           |
 *      |                   |   +-- block(): not runnable, HLT ------> sleeping
 *      | stay_outside():   |
 *      | a request, work   | switch_world(): interrupts off, mode written, then requests
 *      | of the thread, or | and thread_work_pending() read
 *      | a CPU that is not v
 *      | claimed        IN_GUEST ---- enter_guest() ----> the guest executes
 *      |                   |                                  |
 *      +-------------------+ <------- a VM exit --------------+
 *
 * Memslots (memory.srcu) are held while requests are served and an exit is handled, never while
 * the guest executes: a thread that changes memslots waits for handlers, not for guests.
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
#include "run/exits.h"
#include "run/exit_debug.h"
#include "run/inject.h"
#include "run/run.h"

/* A write of the guest must not go unlogged: wait until userspace has emptied the ring. */
static bool must_wait_for_ring(struct vcpu *vcpu)
{
	if (!vcpu_test_request(vcpu, REQ_DIRTY_RING_FULL) || !dirty_ring_nearly_full(vcpu))
		return false;
	vcpu_make_request(vcpu, REQ_DIRTY_RING_FULL);
	return true;
}

/* Serve one of REQS_EXIT; the others wait for the next KVM_RUN. */
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

/* Serve all requests but REQ_EVENT. */
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
	/* Before the flush: it may ask for one. */
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
 * Does the kernel want something of this thread before it goes on? A notification without work
 * (restartable sequences) is for the return to userspace and can wait for it.
 */
static bool thread_work_pending(void)
{
	return need_resched() || signal_pending(current) ||
	       (test_thread_flag(TIF_NOTIFY_RESUME) && task_work_pending(current));
}

/*
 * Every reason not to enter that has come up until interrupts went off. A later one comes with
 * an interrupt, which ends the guest at once.
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
	/* Writes of OSXSAVE and PKE exit, so these bits are right without a fetch. */
	fpu_enter_guest(&vcpu->fpu, vcpu->state.cr4);

	vendor_call(enter)(vcpu);
	oriel_note_guest_ran();

	fpu_leave_guest(&vcpu->fpu);
}

/*
 * On a kernel that preempts itself most threads lose their CPU here. The vCPU rests between two
 * instructions only if an interrupt of the host ended the guest: after any other exit the
 * module may hold an address that was translated for an instruction, and another vCPU must not
 * take this one's translations for flushed (steal_time.c).
 */
static void let_preempt(struct vcpu *vcpu)
{
	u64 info[2];

	/* The test that preempt_enable() makes, on the one word that it changes. */
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

	/* Userspace stepped over HLT: report the step before the sleep. */
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
		 * A kick that comes right now is served as well: after the barrier before the
		 * entry the guest sees the memory that the kick was about.
		 */
		WRITE_ONCE(vcpu->kicked, false);
		vcpu->stats.halt_wakeup++;
	}
	vcpu_make_request(vcpu, REQ_EVENT);
	/* Userspace waits to hear that the first INIT has come. */
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
 * Call a function that uses memslots. They are not held while the guest executes: a thread that
 * changes them would wait for an exit that may never come.
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
	/* On AMD no window opens at a shadow with IF clear: look again after each exit. */
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

	/* Run nothing: the client still looks at the exit of the KVM_RUN before. */
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
	if (fate == EXIT_ERROR && vcpu->error == -EINTR) {
		vcpu->stats.signal_exits++;
		vcpu->run->exit_reason = KVM_EXIT_INTR;
	}
	return fate;
}

int vcpu_run_loop(struct vcpu *vcpu)
{
	enum exit_fate fate;

	rcu_assign_pointer(vcpu->task, current);
	fate = run_until_due(vcpu);
	rcu_assign_pointer(vcpu->task, NULL);
	return fate == EXIT_USER ? 0 : vcpu->error;
}
