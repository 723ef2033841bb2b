// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on AMD-V: injection, windows, NMI blocking without vNMI, and deliveries that an exit
 * cut short (APM 2 15.20, 15.21).
 */
#include <asm/processor-flags.h>

#include "core/vcpu_event.h"
#include "run/inject.h"
#include "svm/svm.h"

#define STEP_FLAGS ((u64)(X86_EFLAGS_TF | X86_EFLAGS_RF))

u32 svm_get_shadow(struct vcpu *vcpu)
{
	/* One bit stands for both kinds (APM 2 15.21.5). MOV SS blocks more events. */
	if (to_svm(vcpu)->vmcb->control.interrupt_shadow & INTERRUPT_SHADOW)
		return SHADOW_STI | SHADOW_MOV_SS;
	return 0;
}

void svm_set_shadow(struct vcpu *vcpu, u32 shadow)
{
	struct vmcb_control *control = &to_svm(vcpu)->vmcb->control;

	if (shadow)
		control->interrupt_shadow |= INTERRUPT_SHADOW;
	else
		control->interrupt_shadow &= ~(u64)INTERRUPT_SHADOW;
}

static void intercept(struct svm_vcpu *svm, u32 bit, bool on)
{
	struct vmcb_control *control = &svm->vmcb->control;
	u32 now = on ? control->intercept_misc1 | bit : control->intercept_misc1 & ~bit;

	if (now == control->intercept_misc1)
		return;
	control->intercept_misc1 = now;
	svm_dirty(svm, VMCB_CLEAN_I);
}

/*
 * Unblock NMIs if the intercepted IRET has finished, which a change of RIP shows. Without vNMI
 * the CPU only reports that an IRET is about to run.
 */
static void settle_iret(struct svm_vcpu *svm)
{
	if (!svm->in_iret || svm->vmcb->save.rip == svm->iret_rip)
		return;
	svm->in_iret = false;
	svm->nmi_blocked = false;
}

bool svm_nmi_blocked(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	settle_iret(svm);
	return svm->nmi_blocked;
}

static void set_stepping(struct svm_vcpu *svm, bool on)
{
	struct vmcb_control *control = &svm->vmcb->control;

	svm->stepping = on;
	if (on)
		control->intercept_exceptions |= SVM_STEP_EXCEPTIONS;
	else
		control->intercept_exceptions &= ~SVM_STEP_EXCEPTIONS;
	svm_dirty(svm, VMCB_CLEAN_I);
}

/* End or cancel the step over an IRET. The next entry writes RFLAGS without the step's bits. */
static void end_step(struct svm_vcpu *svm)
{
	if (!svm->stepping)
		return;
	vcpu_need(&svm->vcpu, STATE_RIP);
	set_stepping(svm, false);
	vcpu_touch(&svm->vcpu, STATE_RIP);
}

void svm_set_nmi_blocked(struct vcpu *vcpu, bool blocked)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	end_step(svm);
	svm->nmi_blocked = blocked;
	svm->in_iret = false;
	intercept(svm, INTERCEPT_IRET, blocked);
}

void svm_iret_intercepted(struct svm_vcpu *svm)
{
	svm->in_iret = true;
	svm->iret_rip = svm->vmcb->save.rip;
	intercept(svm, INTERCEPT_IRET, false);
}

/*
 * The delivery of a soft event pushes RIP, or with NRIPS the RIP of the next instruction (APM 2
 * 15.20): set both. Userspace's INT n has no length.
 */
static void step_over_trap(struct vcpu *vcpu)
{
	vcpu_need(vcpu, STATE_RIP);
	if (vcpu->event.length) {
		vcpu->state.rip += vcpu->event.length;
		vcpu->event.length = 0;
		vcpu_touch(vcpu, STATE_RIP);
	}
	to_svm(vcpu)->vmcb->control.nrip = vcpu->state.rip;
}

/* If an event comes before the IRET, cancel the step: the event must not push its TF. */
static void put_off_iret(struct svm_vcpu *svm)
{
	settle_iret(svm);
	if (svm->in_iret)
		svm_set_nmi_blocked(&svm->vcpu, true);
}

static noinline u64 inject_exception(struct vcpu *vcpu, u64 word)
{
	const struct vcpu_event *event = &vcpu->event;

	if (exception_is_soft(event->vector))
		step_over_trap(vcpu);
	if (event->has_error_code)
		word |= (u64)event->error_code << EVENTINJ_ERROR_CODE_SHIFT;
	return word;
}

void svm_inject(struct vcpu *vcpu)
{
	const struct vcpu_event *event = &vcpu->event;
	struct svm_vcpu *svm = to_svm(vcpu);
	u64 word;

	if (event->type != EVENT_NONE)
		put_off_iret(svm);
	if (event->type == EVENT_NMI)
		svm_set_nmi_blocked(vcpu, true);
	word = vcpu_event_to_word(event);
	if (event->type == EVENT_EXCEPTION)
		word = inject_exception(vcpu, word);
	else if (unlikely(event->type == EVENT_SOFT_INT))
		step_over_trap(vcpu);
	svm->injected = word;
	svm->vmcb->control.eventinj = word;
}

/*
 * Make a virtual interrupt pending that is never delivered: VMEXIT_VINTR comes as soon as the
 * guest could take it (APM 2 15.21.4). It has the highest priority and ignores TPR, because the
 * local APIC compares priorities, and writes of CR8 are intercepted.
 */
static void set_virtual_irq(struct svm_vcpu *svm, bool on)
{
	const u32 bits = V_IRQ | V_IGN_TPR | 0xf << V_INTR_PRIO_SHIFT;
	struct vmcb_control *control = &svm->vmcb->control;

	if (on == !!(control->v_intr & V_IRQ) && on == svm_window_wanted(svm))
		return;
	control->v_intr = on ? control->v_intr | bits : control->v_intr & ~bits;
	svm_dirty(svm, VMCB_CLEAN_TPR);
	intercept(svm, INTERCEPT_VINTR, on);
}

void svm_window_opened(struct svm_vcpu *svm)
{
	set_virtual_irq(svm, false);
}

/*
 * Single-step the IRET that is being executed, to get an exit right behind it. Exceptions that
 * the IRET raises instead are intercepted, because their delivery would push RFLAGS with the TF
 * of our step, for the guest to see.
 */
static void step_over_iret(struct svm_vcpu *svm)
{
	if (svm->stepping)
		return;
	vcpu_need(&svm->vcpu, STATE_RIP);
	svm->step_rflags = svm->vcpu.state.rflags & STEP_FLAGS;
	set_stepping(svm, true);
	vcpu_touch(&svm->vcpu, STATE_RIP);
}

u64 svm_hide_step(const struct svm_vcpu *svm, u64 rflags)
{
	/* Behind the IRET, RFLAGS are the ones that it has loaded. */
	if (svm->vmcb->save.rip != svm->iret_rip)
		return rflags;
	return (rflags & ~STEP_FLAGS) | svm->step_rflags;
}

u64 svm_show_step(struct svm_vcpu *svm, u64 rflags)
{
	if (svm->vmcb->save.rip == svm->iret_rip)
		return rflags | STEP_FLAGS;
	/* Userspace has changed RIP: there is nothing to step over. */
	set_stepping(svm, false);
	return rflags;
}

void svm_iret_faulted(struct svm_vcpu *svm)
{
	/* An IRET unblocks NMIs before it faults (SDM 3A 6.7.1). */
	svm_set_nmi_blocked(&svm->vcpu, false);
}

/*
 * Ask for an exit when NMIs are unblocked. Return true if they are not blocked: then at most a
 * shadow delays the NMI, and the interrupt window opens at its end.
 */
static bool request_nmi_window(struct svm_vcpu *svm)
{
	if (!svm_nmi_blocked(&svm->vcpu))
		return true;
	if (svm->in_iret)
		step_over_iret(svm);
	else
		intercept(svm, INTERCEPT_IRET, true);
	return false;
}

void svm_request_window(struct vcpu *vcpu, u32 windows)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control *control = &svm->vmcb->control;
	const u32 cr8 = INTERCEPT_WRITE(8);
	bool virtual_irq = windows & WINDOW_IRQ;
	u32 now;

	if (windows & WINDOW_NMI)
		virtual_irq |= request_nmi_window(svm);
	set_virtual_irq(svm, virtual_irq);
	/* QEMU's TCG aborts on a write of CR8 while V_IRQ is set, so intercept the write then. */
	now = control->intercept_cr & ~cr8;
	if (virtual_irq || windows & WINDOW_TPR)
		now |= cr8;
	if (now == control->intercept_cr)
		return;
	control->intercept_cr = now;
	svm_dirty(svm, VMCB_CLEAN_I);
}

bool svm_step_done(struct svm_vcpu *svm)
{
	struct vcpu *vcpu = &svm->vcpu;

	if (!svm->stepping)
		return false;
	settle_iret(svm);
	if (svm->in_iret)
		return false;
	end_step(svm);
	/* If the guest itself had TF set at the IRET, the #DB is the guest's too. */
	vcpu_need(vcpu, STATE_DR);
	if (svm->step_rflags & X86_EFLAGS_TF)
		return false;
	vcpu->state.dr6 &= ~(u64)DR6_BS;
	vcpu_touch(vcpu, STATE_DR);
	return true;
}

/* Deliver again an event whose delivery an exit cut short. Kept out of line: that is rare. */
static noinline void requeue(struct vcpu *vcpu, u64 info)
{
	struct vcpu_event event = vcpu_event_to_repeat(vcpu, info);

	vcpu->event.type = EVENT_NONE;
	if (event.type == EVENT_NONE)
		return;
	if (event.type == EVENT_NMI)
		svm_set_nmi_blocked(vcpu, false);
	event.error_code = info >> EVENTINJ_ERROR_CODE_SHIFT;
	vcpu_requeue_event(vcpu, &event);
}

void svm_recover(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	const struct vmcb_control *control = &svm->vmcb->control;

	if (unlikely(svm_entry_refused(svm))) {
		/* An NMI that was not delivered does not block others. */
		if (vcpu->event.type == EVENT_NMI)
			svm_set_nmi_blocked(vcpu, false);
		vcpu_keep_event(vcpu);
		return;
	}
	/*
	 * Bochs and QEMU's TCG may forget the window, which would never open then: request it after
	 * each exit.
	 */
	if (unlikely(svm_window_wanted(svm)))
		vcpu_make_request(vcpu, REQ_EVENT);
	if (unlikely(control->exitintinfo & EVENT_WORD_VALID))
		requeue(vcpu, control->exitintinfo);
	else
		vcpu->event.type = EVENT_NONE;
}
