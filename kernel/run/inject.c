// SPDX-License-Identifier: GPL-2.0-only
/*
 * Injection: choose the one event that the next entry delivers, and ask for windows for the events
 * that have to wait.
 *
 * The life of an event
 *
 *   1. A waiting event is in one place: an exception in vcpu->exception; NMIs in vcpu->nmi_pending
 *      (at most two, SDM 3A 6.7.1); an interrupt in a local APIC's IRR, in the PIC, in vcpu->extint
 *      (from userspace's PIC, for a vCPU with a local APIC), or in vcpu->irq_queued (KVM_INTERRUPT
 *      without a local APIC, or a delivery that an exception cut short).
 *   2. An event is chosen only if REQ_EVENT is set. Code that raises or posts an event sets it. So
 *      does code after which a waiting event may become possible, such as the executor after each
 *      instruction.
 *   3. vcpu->event is the event that is being delivered, from the choice until an exit shows that
 *      the delivery has ended. Until then only an exception, a reset or userspace can replace it.
 *   4. A pending exception is chosen first, because the current instruction or delivery raised it.
 *      If the delivery of an interrupt or NMI raised it, that event waits again (take_exception()).
 *      If the delivery of an exception raised it, the two make a double fault or a shutdown, or the
 *      second replaces the first (vcpu_raise(), SDM 3A table 6-5).
 *   5. An NMI is chosen next, unless NMIs are blocked or a shadow is in force; then an interrupt,
 *      if IF is set and no shadow is in force (choose()). Interrupts come in the order irq_queued,
 *      PIC, local APIC (take_irq()). KVM_GUESTDBG_BLOCKIRQ makes NMIs and interrupts wait.
 *   6. When an interrupt is chosen, it leaves its place: lapic_accept() moves it from IRR to ISR,
 *      fabric_pic_ack() acknowledges it. From then on only vcpu->event has it: if vcpu->event is
 *      lost, the interrupt is lost.
 *   7. For an event that still waits, request_window() asks for a window: an exit as soon as the
 *      guest can take the event, or lowers the TPR that holds an interrupt back. Each choice asks
 *      anew, because an earlier window may be gone.
 *   8. After each exit the back end's recover() reads which event the CPU was delivering. If there
 *      is none, vcpu->event has arrived and is forgotten. Else vcpu_requeue_event() makes it
 *      vcpu->event again, with its error code. INT n, INT1, INT3 and INTO of the guest are
 *      forgotten: RIP is still at the instruction, and the guest executes it again. An injected
 *      #BP or #OF is delivered again, and so is an INT n of userspace (EVENT_SOFT_INT).
 *   9. If the CPU refused the entry, nothing was delivered: vcpu_keep_event().
 *  10. CR2 or DR6 gets the exception's value when the exception is chosen, not when it is raised
 *      (vcpu_settle_exception()).
 *
 *   exception, nmi_pending,       vcpu_choose_event()                inject()
 *   IRR, PIC, irq_queued, --------------> vcpu->event -----> event field of VMCS or VMCB
 *   extint                               |   |     ^                     |
 *        ^                               |   |     |                     | VM entry and exit
 *        |   an exception displaces it:  |   |     | vcpu_requeue_event(): delivery cut short
 *        +-------------------------------+   |     +---------------------+
 *             take_exception()               |                           |
 *                                            +--> forgotten <------------+ it has arrived
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

/* Does an interrupt wait that the local APIC lets pass? */
static bool irq_pending(struct vcpu *vcpu)
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

/*
 * Take the interrupt that irq_pending() has found. The PIC's comes before the local APIC's: it
 * is not subject to the local APIC's priorities (SDM 3A 11.8.1).
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

/*
 * Set RF for a fault, so that an instruction breakpoint on the faulting instruction does not fire
 * twice (SDM 3B 18.3.1.1). #DB needs no RF from here: if it is a fault, the CPU has set RF itself.
 */
static void take_exception(struct vcpu *vcpu)
{
	const struct cpu_exception *exception = &vcpu->exception;

	/* 4 above: the interrupt or NMI whose delivery raised the exception waits again. */
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
		/* Clear GD, as a CPU does, for the handler's accesses (SDM 3B 18.2.4). */
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
	} else if (irq_pending(vcpu) && vcpu_irq_allowed(vcpu)) {
		int vector = take_irq(vcpu);

		if (vector >= 0) {
			vcpu->stats.irq_injections++;
			vcpu->event = (struct vcpu_event){ .type = EVENT_IRQ, .vector = vector };
		}
	}
}

/*
 * Real mode has no error codes (SDM 3A 21.1.3). An AMD CPU pushes one all the same if the event has
 * it; an Intel CPU refuses the entry (SDM 3C 27.2.1.3).
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
 * Find the length for #BP or #OF, which userspace raises. If INT3 or INTO is at RIP, the guest's
 * handler must return to the next instruction; else it must return to RIP.
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
	if (irq_pending(vcpu) || vcpu_window_wanted(vcpu))
		windows |= WINDOW_IRQ;
	/* Without a local APIC, only userspace knows if CR8 holds an interrupt back. */
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
	return irq_pending(vcpu) && vcpu_irq_allowed(vcpu);
}
