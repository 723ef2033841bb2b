// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN's loop: enter the guest, handle the exit, and begin again, until userspace has to act or
 * a signal is pending.
 *
 * Mode, request and kick
 *
 * Other threads and interrupt handlers make work for a vCPU: an event to inject, translations to
 * drop, a clock to publish. They set a bit in vcpu->requests and kick the vCPU. The vCPU must see
 * the bit before it executes another guest instruction, without taking a lock.
 *
 *   1. vcpu->mode is VCPU_OUTSIDE or VCPU_IN_GUEST. Only the vCPU's own thread writes it.
 *   2. While the mode is VCPU_IN_GUEST, the host's interrupts are off on vcpu->cpu: the vCPU turns
 *      them off before it writes VCPU_IN_GUEST, and on after it has written VCPU_OUTSIDE.
 *   3. A requester writes the data that its request is about, then sets the bit
 *      (vcpu_make_request()), then, after a full barrier, reads the mode (vcpu_kick(),
 *      vm_flush_tlbs()).
 *   4. The vCPU writes VCPU_IN_GUEST and then, after a full barrier, reads the requests
 *      (switch_world(), must_not_enter()).
 *   5. So at least one of the two sees what the other wrote. Either the vCPU sees the bit and does
 *      not enter, or the requester sees VCPU_IN_GUEST and sends an interrupt to vcpu->cpu. By 2
 *      this interrupt stays pending until the guest runs; then it ends the guest before the guest's
 *      next instruction (SDM 3C 26.2, APM 2 15.13.1).
 *   6. The vCPU clears a bit before it does the work (vcpu_test_request()). If the same request
 *      comes during the work, the bit is set again and the vCPU does the work again. After the
 *      clear a full barrier stands before the reads of the request's data. It pairs with the write
 *      barrier before the bit is set (vcpu_make_request()): a vCPU that finds the bit finds the
 *      data.
 *   7. After an exit the vCPU writes VCPU_OUTSIDE with release semantics. A thread that reads this
 *      with acquire semantics, as vm_flush_tlbs() does, knows that the guest uses no cached
 *      translation any more, and that the vCPU will see the request before the guest can use one
 *      again.
 *   8. A vCPU that sleeps is VCPU_OUTSIDE. vcpu_kick() first wakes it up; rcuwait orders the
 *      wake-up against wake_due(). wake_due() tests for events, INIT, SIPI and KVM_HC_KICK_CPU, not
 *      for requests: the vCPU sleeps on if it has only other requests, and serves them before its
 *      next entry.
 *   9. Signals, rescheduling and task work concern the thread and are not requests. The vCPU tests
 *      for them, too, with interrupts off (thread_work_pending()): each comes with an interrupt to
 *      the thread's CPU, which ends the guest as in 5.
 *  10. immediate_exit is read when KVM_RUN begins, and by the executor between two iterations of a
 *      REP. No interrupt comes with it: a client that sets it later has to send a signal too.
 *
 *      OUTSIDE ----- block(): not runnable (HLT, or no INIT and SIPI yet) -----> asleep
 *      ^  ^  |  ^                                                                  |
 *      |  |  |  +--------------- wake_due() after a kick, or a signal -------------+
 *      |  |  |
 *      |  |  | switch_world(), after serve_requests(): interrupts off, mode written
 *      |  |  v
 *      |  | IN_GUEST
 *      |  |  |  |
 *      |  +--+  | stay_outside(): must_not_enter() has found a request or work of the
 *      |        | thread, or the CPU is not claimed
 *      |        |
 *      |        | enter_guest(): the guest executes until a VM exit
 *      |        |
 *      +--------+ switch_world(): mode written, interrupts on; then handle_exit()
 *
 * memory.srcu, which protects memslots, is held while the vCPU serves requests and handles an exit
 * (with_slots()), never while the guest executes or the vCPU sleeps: a thread that changes memslots
 * waits for handlers, not for guests.
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

/*
 * Return true while the dirty ring is nearly full. Each write of the guest must be logged, so the
 * request stays pending until userspace has made room.
 */
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
	if (READ_ONCE(vcpu->requests) & REQS_EXIT)
		return serve_exit_request(vcpu);
	if (must_wait_for_ring(vcpu)) {
		vcpu->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
		return EXIT_USER;
	}
	if (vcpu_test_request(vcpu, REQ_CLOCK_UPDATE))
		clock_update(vcpu);
	/* This may request the flush that follows. */
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
 * A signal ends KVM_RUN. So does task work: the kernel does it on the way to userspace.
 * TIF_NOTIFY_RESUME without task work (restartable sequences) can wait until the return.
 */
static bool must_return_to_user(void)
{
	return signal_pending(current) ||
	       (test_thread_flag(TIF_NOTIFY_RESUME) && task_work_pending(current));
}

static bool thread_work_pending(void)
{
	return need_resched() || must_return_to_user();
}

/* 4 and 9 above: interrupts are off, and the mode is VCPU_IN_GUEST. */
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
	/* A write of CR4.OSXSAVE or CR4.PKE exits, so these bits need no fetch. */
	fpu_enter_guest(&vcpu->fpu, vcpu->state.cr4);

	vendor_call(enter)(vcpu);
	oriel_note_guest_ran();

	fpu_leave_guest(&vcpu->fpu);
}

/*
 * On a preemptible kernel most threads lose their CPU here. Only if an interrupt of the host ended
 * the guest does the vCPU rest between two instructions. After any other exit the module may hold
 * an address that it has translated for the instruction that exited: then no other vCPU may take
 * this vCPU's translations for flushed (steal_time.c).
 */
static void let_preempt(struct vcpu *vcpu)
{
	u64 info[2];

	/* preempt_enable() will make the same test. */
	if (likely(!should_resched(PREEMPT_DISABLE_OFFSET))) {
		preempt_enable();
		return;
	}
	vcpu->steal_time.resting = vendor_call(exit_code)(vcpu, info) == vendor->host_irq_exit;
	preempt_enable();
	vcpu->steal_time.resting = false;
}

/* Take the mode VCPU_IN_GUEST back: the vCPU does not enter the guest. */
static void stay_outside(struct vcpu *vcpu)
{
	WRITE_ONCE(vcpu->mode, VCPU_OUTSIDE);
	local_irq_enable();
	preempt_enable();
}

/* Return true after a VM exit. If the guest was not entered, set @fate and return false. */
static bool switch_world(struct vcpu *vcpu, enum exit_fate *fate)
{
	preempt_disable();
	/* On a CPU that is not claimed there is no control structure: keep what is dirty. */
	if (vcpu->dirty && likely(cpu_claimed())) {
		vendor_call(commit)(vcpu, vcpu->dirty);
		vcpu->dirty = 0;
	}
	local_irq_disable();
	vcpu->cpu = smp_processor_id();
	/* Pairs with vcpu_kick() and vm_flush_tlbs(): 5 above. */
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
	/* Pairs with vm_flush_tlbs(): 7 above. */
	smp_store_release(&vcpu->mode, VCPU_OUTSIDE);
	/* Take the interrupt that ended the guest now: a timer tick then counts as guest time. */
	local_irq_enable();
	/* After STI, interrupts stay blocked for one more instruction (SDM 2B STI). */
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

/* Sleep, because of HLT or because the processor waits for INIT or SIPI. */
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
		 * If KVM_HC_KICK_CPU comes between the test and this write, it is not lost: the
		 * vCPU runs, and after the barrier before the entry the guest sees the memory that
		 * the kick is about.
		 */
		WRITE_ONCE(vcpu->kicked, false);
		vcpu->stats.halt_wakeup++;
	}
	vcpu_make_request(vcpu, REQ_EVENT);
	/* KVM_RUN fails with EAGAIN, as KVM's does, when the first INIT has come. */
	return uninitialized ? exit_error(vcpu, -EAGAIN) : EXIT_RESUME;
}

static enum exit_fate do_thread_work(struct vcpu *vcpu)
{
	if (must_return_to_user()) {
		/*
		 * Userspace cannot save a request of REQS_EXIT, so the exit for it comes first: the
		 * EOI of userspace's IOAPIC would be lost if the VM migrated from here.
		 */
		if (READ_ONCE(vcpu->requests) & REQS_EXIT &&
		    vcpu->mp_state == KVM_MP_STATE_RUNNABLE)
			return EXIT_RESUME;
		return exit_error(vcpu, -EINTR);
	}
	vcpu->steal_time.resting = true;
	cond_resched();
	vcpu->steal_time.resting = false;
	return EXIT_RESUME;
}

/* Call a function that uses memslots. */
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

/* Serve requests, enter the guest, handle the exit. */
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
	/* On AMD no window shows the end of a shadow while IF is clear: try again at each exit. */
	if (unlikely(vcpu->nmi_pending))
		vcpu_make_request(vcpu, REQ_EVENT);
	if (unlikely(vcpu->fpu.xcr0_changed)) {
		vcpu->fpu.xcr0_changed = false;
		cpuid_refresh_vcpu(vcpu);
	}
	return with_slots(vcpu, handle_exit);
}

/* The entry for which the EOI bit was set did not happen: withdraw the bit. */
static enum exit_fate end_offer(struct vcpu *vcpu)
{
	pv_eoi_take_back(vcpu);
	return EXIT_RESUME;
}

static enum exit_fate run_until_due(struct vcpu *vcpu)
{
	enum exit_fate fate = with_slots(vcpu, vcpu_complete_access);

	/* Leave exit_reason alone: the client may still look at the exit of the last KVM_RUN. */
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
