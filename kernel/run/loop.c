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

#include "host/claim.h"
#include "host/compat.h"
#include "x86/cr.h"
#include "run/inject.h"
#include "run/exit.h"
#include "irq/lapic.h"
#include "abi/regs.h"
#include "host/return_msr.h"
#include "abi/sync_regs.h"
#include "core/vm.h"

/* Posted INIT, SIPI and NMI (SDM 3A 8.4.2, 10.4.7). */
void vcpu_take_lapic_events(struct vcpu *vcpu)
{
	u32 events;

	if (!lapic_has_work(vcpu->lapic))
		return;
	events = lapic_take_events(vcpu->lapic);
	if (events & LAPIC_EVENT_INIT) {
		vcpu_reset(vcpu, true);
		lapic_reset(vcpu->lapic, true);
		vcpu->mp_state = vcpu->id == vcpu->vm->bsp_id ? KVM_MP_STATE_RUNNABLE :
								KVM_MP_STATE_INIT_RECEIVED;
	}
	if (events & LAPIC_EVENT_SIPI && vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED) {
		u8 page = vcpu->lapic->sipi_vector;

		vcpu_need(vcpu, STATE_ALL);
		vcpu->state.seg[SEG_CS].selector = page << 8;
		vcpu->state.seg[SEG_CS].base = page << 12;
		vcpu->state.rip = 0;
		vcpu_touch(vcpu, STATE_SEGS | STATE_RIP);
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	}
	if (events & LAPIC_EVENT_NMI)
		vcpu_post_nmi(vcpu);
}

/* No write of the guest goes unlogged: it waits for userspace to empty the ring. */
static bool must_wait_for_ring(struct vcpu *vcpu)
{
	if (!vcpu_test_request(vcpu, REQ_DIRTY_RING_FULL) || !dirty_ring_nearly_full(vcpu))
		return false;
	vcpu_make_request(vcpu, REQ_DIRTY_RING_FULL);
	return true;
}

/* One of REQS_EXIT; the others wait for the next KVM_RUN. */
static int serve_exit_request(struct vcpu *vcpu)
{
	if (vcpu_test_request(vcpu, REQ_DEBUG_STEP))
		return guest_debug_exit_step(vcpu);
	if (vcpu_test_request(vcpu, REQ_TRIPLE_FAULT))
		return vcpu_exit_triple_fault(vcpu);
	if (vcpu_test_request(vcpu, REQ_TPR_ACCESS))
		return vapic_exit_report(vcpu);
	vcpu_test_request(vcpu, REQ_IOAPIC_EOI);
	vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	vcpu->run->eoi.vector = vcpu->eoi_vector;
	return EXIT_USER;
}

/* All but REQ_EVENT. Returns as serve_requests(). */
static int serve_rare_requests(struct vcpu *vcpu)
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
static int serve_requests(struct vcpu *vcpu)
{
	int r = EXIT_RESUME;

	if (unlikely(READ_ONCE(vcpu->requests) & ~BIT(REQ_EVENT)))
		r = serve_rare_requests(vcpu);
	if (r != EXIT_RESUME)
		return r;
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

/* Returns 0 after a VM exit, EXIT_RESUME if the entry must wait, or -EIO. */
static int switch_world(struct vcpu *vcpu)
{
	preempt_disable();
	if (vcpu->dirty) {
		vendor_call(commit)(vcpu, vcpu->dirty);
		vcpu->dirty = 0;
	}
	local_irq_disable();
	vcpu->cpu = smp_processor_id();
	/* Pairs with vcpu_kick(): either it sees the mode or we its request. */
	smp_store_mb(vcpu->mode, VCPU_IN_GUEST);
	if (must_not_enter(vcpu)) {
		WRITE_ONCE(vcpu->mode, VCPU_OUTSIDE);
		local_irq_enable();
		preempt_enable();
		return EXIT_RESUME;
	}
	if (unlikely(!cpu_claimed())) {
		WRITE_ONCE(vcpu->mode, VCPU_OUTSIDE);
		local_irq_enable();
		preempt_enable();
		return -EIO;
	}
	enter_guest(vcpu);
	/* Who sees this knows that no translation is in use any more. */
	smp_store_release(&vcpu->mode, VCPU_OUTSIDE);
	/* The interrupt that ended the guest is taken here, as guest time. */
	local_irq_enable();
	/* STI alone lets none in before the next instruction (SDM 2B STI). */
	asm volatile("nop");
	local_irq_disable();
	vtime_account_guest_exit();
	local_irq_enable();
	let_preempt(vcpu);
	return 0;
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
static int block(struct vcpu *vcpu)
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
		return -EINTR;
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
	return uninitialized ? -EAGAIN : EXIT_RESUME;
}

/* Signals end KVM_RUN, as does work that is done on the way to userspace. */
static int do_thread_work(struct vcpu *vcpu)
{
	if (signal_pending(current) ||
	    (test_thread_flag(TIF_NOTIFY_RESUME) && task_work_pending(current)))
		return -EINTR;
	vcpu->steal_time.resting = true;
	cond_resched();
	vcpu->steal_time.resting = false;
	return EXIT_RESUME;
}

/*
 * Calls what works on memslots. They are not held while the guest executes: who
 * changes them would have to wait for an exit that may never come.
 */
static int with_slots(struct vcpu *vcpu, int (*work)(struct vcpu *vcpu))
{
	int srcu = srcu_read_lock(&vcpu->vm->srcu);
	int r = work(vcpu);

	srcu_read_unlock(&vcpu->vm->srcu, srcu);
	return r;
}

static int handle_exit(struct vcpu *vcpu)
{
	if (unlikely(vcpu->pv_eoi.offered))
		pv_eoi_take_back(vcpu);
	if (unlikely(vcpu->vapic.gpa))
		vapic_load(vcpu);
	return vendor_call(handle_exit)(vcpu);
}

/* One round: into the guest and out again. */
static int run_once(struct vcpu *vcpu)
{
	int r;

	if (READ_ONCE(vcpu->requests)) {
		r = with_slots(vcpu, serve_requests);
		if (r != EXIT_RESUME || vcpu->mp_state != KVM_MP_STATE_RUNNABLE)
			return r;
	}
	r = switch_world(vcpu);
	if (r)
		return r;
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

/* An offer that no entry has shown to the guest. */
static int end_offer(struct vcpu *vcpu)
{
	pv_eoi_take_back(vcpu);
	return 0;
}

static int run_loop(struct vcpu *vcpu)
{
	int r = with_slots(vcpu, vcpu_complete_access);

	/* Nothing runs: a client still looks at what ended the KVM_RUN before. */
	if (r == EXIT_RESUME && READ_ONCE(*oriel_immediate_exit(vcpu->run)))
		return -EINTR;
	while (r == EXIT_RESUME) {
		if (vcpu->mp_state == KVM_MP_STATE_RUNNABLE)
			r = run_once(vcpu);
		else
			r = block(vcpu);
		if (r == EXIT_RESUME && thread_work_pending())
			r = do_thread_work(vcpu);
	}
	if (unlikely(vcpu->pv_eoi.offered))
		with_slots(vcpu, end_offer);
	if (r == -EINTR) {
		vcpu->stats.signal_exits++;
		vcpu->run->exit_reason = KVM_EXIT_INTR;
	}
	return r;
}

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
	run->cr8 = regs_cr8(vcpu);
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

/* The thread of a vCPU that could run and is not in the guest, with a reference. */
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

/* Returns whether it runs now. */
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
	/* Who sees the count sees the vCPUs: pairs with vcpu_publish(). */
	u32 count = smp_load_acquire(&vm->vcpu_count);
	bool yielded = false;
	u32 i;

	for (i = 0; i < count && !yielded; i++)
		if (vm->vcpus[i] != vcpu)
			yielded = yield_to_vcpu(vm->vcpus[i]);
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
	if (!r) {
		rcu_assign_pointer(vcpu->task, current);
		r = run_loop(vcpu);
		rcu_assign_pointer(vcpu->task, NULL);
	}

	if (unlikely(vcpu->run->kvm_valid_regs))
		sync_regs_store(vcpu);
	fill_run(vcpu);
	fpu_end_run(vcpu);
	vcpu_put(vcpu);
	restore_signals(vcpu);
	return r;
}
