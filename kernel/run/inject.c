// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of a vCPU: exceptions, NMIs and interrupts, from where they arise to
 * the one that the next entry injects.
 */
#include <linux/kvm_para.h>
#include <asm/processor-flags.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/debug.h"
#include "guest/pv_eoi.h"
#include "guest/raise.h"
#include "irq/lapic.h"
#include "run/inject.h"
#include "run/insn.h"

void vcpu_requeue_event(struct vcpu *vcpu, const struct vcpu_event *event)
{
	vcpu->event = *event;
	vcpu_make_request(vcpu, REQ_EVENT);
}

void vcpu_keep_event(struct vcpu *vcpu)
{
	/* What userspace injects as INT n has changed RIP, so it cannot be done again. */
	if (vcpu->event.type == EVENT_SOFT_INT)
		vcpu->event.type = EVENT_NONE;
	if (vcpu->event.type != EVENT_NONE)
		vcpu_make_request(vcpu, REQ_EVENT);
}

bool vcpu_irq_allowed(struct vcpu *vcpu)
{
	vcpu_need(vcpu, STATE_RIP);
	return vcpu->state.rflags & X86_EFLAGS_IF && !vendor_call(get_shadow)(vcpu);
}

static bool extint_pending(struct vcpu *vcpu)
{
	return vcpu->lapic && (vcpu->extint >= 0 || fabric_pic_pending(&vcpu->vm->fabric)) &&
	       lapic_accepts_extint(vcpu->lapic);
}

bool vcpu_user_irq_room(struct vcpu *vcpu)
{
	if (!vcpu->lapic)
		return vcpu->irq_queued < 0;
	return vcpu->extint < 0 && lapic_accepts_extint(vcpu->lapic);
}

bool vcpu_window_wanted(struct vcpu *vcpu)
{
	return !fabric_has_irqchip(&vcpu->vm->fabric) && vcpu->run->request_interrupt_window &&
	       vcpu_user_irq_room(vcpu);
}

bool vcpu_irq_pending(struct vcpu *vcpu)
{
	if (vcpu->irq_queued >= 0 || extint_pending(vcpu))
		return true;
	return vcpu->lapic && lapic_pending(vcpu->lapic) >= 0;
}

static int take_extint(struct vcpu *vcpu)
{
	int vector = vcpu->extint;

	if (vector < 0)
		return fabric_pic_ack(&vcpu->vm->fabric);
	vcpu->extint = -1;
	return vector;
}

/* Takes the interrupt that vcpu_irq_pending() saw. The PIC comes first: its
 * INTR line does not know the local APIC's priorities (SDM 3A 10.8.1).
 */
static int take_irq(struct vcpu *vcpu)
{
	int vector = vcpu->irq_queued;

	if (vector >= 0) {
		vcpu->irq_queued = -1;
		return vector;
	}
	if (extint_pending(vcpu))
		return take_extint(vcpu);
	vector = lapic_pending(vcpu->lapic);
	if (vector >= 0)
		lapic_accept(vcpu->lapic, vector);
	return vector;
}

/* RF keeps a fault's instruction breakpoint from firing twice (SDM 3B 17.3.1.1);
 * #DB is set aside: where it is a fault the CPU set RF itself.
 */
static void take_exception(struct vcpu *vcpu)
{
	const struct cpu_exception *exception = &vcpu->exception;

	/* An interrupt or NMI whose delivery it cut short has to wait. */
	if (vcpu->event.type == EVENT_IRQ)
		vcpu->irq_queued = vcpu->event.vector;
	else if (vcpu->event.type == EVENT_NMI)
		vcpu->nmi_pending++;

	vcpu->event = (struct vcpu_event){
		.type = EVENT_EXCEPTION,
		.vector = exception->vector,
		.has_error_code = exception->has_error_code,
		.error_code = exception->error_code,
		.soft = exception_is_soft(exception->vector),
	};
	vcpu_settle_exception(vcpu);
	vcpu->exception_pending = false;
	if (exception->vector == EXC_DB) {
		/* So that the handler can use the registers (SDM 3B 18.2.4). */
		vcpu_need(vcpu, STATE_DR);
		vcpu->state.dr7 &= ~(u64)DR7_GD;
		vcpu_touch(vcpu, STATE_DR);
	}
	if (exception->vector != EXC_DB && !exception_is_soft(exception->vector)) {
		vcpu_need(vcpu, STATE_RIP);
		vcpu->state.rflags |= X86_EFLAGS_RF;
		vcpu_touch(vcpu, STATE_RIP);
	}
}

static bool nmi_allowed(struct vcpu *vcpu)
{
	return !vendor_call(nmi_blocked)(vcpu) && !vendor_call(get_shadow)(vcpu);
}

static void choose(struct vcpu *vcpu)
{
	if (vcpu->exception_pending) {
		take_exception(vcpu);
		return;
	}
	if (vcpu->event.type != EVENT_NONE || guest_debug_blocks(&vcpu->debug))
		return;
	if (vcpu->nmi_pending && nmi_allowed(vcpu)) {
		vcpu->nmi_pending--;
		vcpu->stats.nmi_injections++;
		vcpu->event = (struct vcpu_event){ .type = EVENT_NMI, .vector = EXC_NMI };
	} else if (vcpu_irq_pending(vcpu) && vcpu_irq_allowed(vcpu)) {
		int vector = take_irq(vcpu);

		if (vector >= 0) {
			vcpu->stats.irq_injections++;
			vcpu->event = (struct vcpu_event){ .type = EVENT_IRQ, .vector = vector };
		}
	}
}

/* Real mode has no error codes (SDM 3A 21.1.3): hardware that is told one pushes it,
 * or refuses the entry (SDM 3C 27.2.1.3).
 */
static void drop_error_code(struct vcpu *vcpu)
{
	if (!vcpu->event.has_error_code)
		return;
	vcpu_need(vcpu, STATE_CR);
	if (!(vcpu->state.cr0 & X86_CR0_PE))
		vcpu->event.has_error_code = false;
}

/*
 * The #BP or #OF of an instruction that userspace has looked at first: the handler
 * returns behind it. Where there is none, to RIP.
 */
static void find_length(struct vcpu *vcpu)
{
	struct vcpu_event *event = &vcpu->event;

	event->soft = false;
	event->length = vcpu_trap_length(vcpu, event->vector);
}

void vcpu_choose_event(struct vcpu *vcpu)
{
	u32 windows = 0;

	if (unlikely(vcpu->pv_eoi.offered))
		pv_eoi_take_back(vcpu);
	choose(vcpu);
	if (vcpu->pv_eoi.msr & KVM_MSR_ENABLED && !vcpu->pv_eoi.offered)
		pv_eoi_offer(vcpu);
	drop_error_code(vcpu);
	if (unlikely(vcpu->event.type == EVENT_EXCEPTION && vcpu->event.soft))
		find_length(vcpu);
	vendor_call(inject)(vcpu);

	if (guest_debug_blocks(&vcpu->debug)) {
		vendor_call(request_window)(vcpu, 0);
		return;
	}
	if (vcpu->nmi_pending)
		windows |= WINDOW_NMI;
	if (vcpu_irq_pending(vcpu) || vcpu_window_wanted(vcpu))
		windows |= WINDOW_IRQ;
	/* A userspace interrupt controller alone knows what CR8 holds back. */
	if (!vcpu->lapic || lapic_highest_irr(vcpu->lapic) >= 0)
		windows |= WINDOW_TPR;
	vendor_call(request_window)(vcpu, windows);
}

bool vcpu_has_wake_event(struct vcpu *vcpu)
{
	if (vcpu->exception_pending || vcpu->event.type != EVENT_NONE)
		return true;
	if (vcpu->nmi_pending && nmi_allowed(vcpu))
		return true;
	return vcpu_irq_pending(vcpu) && vcpu_irq_allowed(vcpu);
}
