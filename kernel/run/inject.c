// SPDX-License-Identifier: GPL-2.0-only
/*
 * Injection: choosing the one event that the next entry delivers, and windows for what has to
 * wait.
 *
 * The life of an event
 *
 *   1. An event waits in one place: an exception in vcpu->exception, NMIs in vcpu->nmi_pending
 *      (two at most, SDM 3A 6.7.1), interrupts in a local APIC's IRR, in the PIC, in
 *      vcpu->irq_queued (KVM_INTERRUPT without a local APIC) or in vcpu->extint (with one).
 *   2. A new event that another thread posts sets REQ_EVENT: nothing is chosen without it. Each
 *      emulated instruction sets it too, for it may have opened a way.
 *   3. vcpu->event is the event being delivered, from the choice until an exit shows that the
 *      delivery is over. While it is there nothing but an exception takes its place.
 *   4. An exception comes first: it is the instruction's own. If it displaces an interrupt or an
 *      NMI whose delivery caused it, that goes back to wait (take_exception()); two exceptions
 *      make a double fault or a shutdown by SDM 3A table 6-5 (vcpu_raise()).
 *   5. Then an NMI, if neither blocked nor in a shadow; then an interrupt, if IF is set and no
 *      shadow stands (choose()). The PIC's comes before the local APIC's (take_irq()).
 *   6. Taking an interrupt moves it: lapic_accept() makes it in service, fabric_pic_ack()
 *      acknowledges it. From then on only vcpu->event has it, and losing vcpu->event loses
 *      the interrupt.
 *   7. What still waits gets a window: an exit as soon as it can be taken (request_window()). A
 *      window is asked for anew at each choice, never assumed.
 *   8. After each exit the back end looks at what the CPU says it was delivering. Nothing: the
 *      event has arrived and vcpu->event is forgotten. Else vcpu_requeue_event() makes it
 *      vcpu->event again, with its error code. INT n, INT1, INT3 and INTO are not kept: RIP is
 *      still theirs and the guest executes them again; but INT3 and INTO that were injected are.
 *   9. After a refused entry nothing was delivered: vcpu_keep_event().
 *  10. What an exception leaves in CR2 or DR6 is written when its turn comes, not when it is
 *      raised (vcpu_settle_exception()).
 *
 *     raised or posted             vcpu_choose_event()              the back end's inject()
 *   exception, nmi_pending, --------> vcpu->event ---------> event field of VMCS or VMCB
 *   IRR, PIC, irq_queued, extint       ^   |  ^                         |
 *        ^                             |   |  | vcpu_requeue_event()    | VM entry and exit
 *        |  take_exception() displaces |   |  +---- delivery cut short -+
 *        +-----------------------------+   |                            |
 *                                          +---- arrived: forgotten <---+
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
	/* An INT n that userspace injects has changed RIP: it cannot be delivered again. */
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

/*
 * Take the interrupt that vcpu_irq_pending() saw. The PIC comes first: its INTR line does not
 * know the local APIC's priorities (SDM 3A 10.8.1).
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
 * Set RF, so that an instruction breakpoint on the faulting instruction does not fire twice
 * (SDM 3B 17.3.1.1). Not for #DB: where that is a fault, the CPU has set RF itself.
 */
static void take_exception(struct vcpu *vcpu)
{
	const struct cpu_exception *exception = &vcpu->exception;

	/* It cut the delivery of an interrupt or NMI short: that waits again. */
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
		/* Let the handler use the debug registers (SDM 3B 18.2.4). */
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

/*
 * Real mode has no error codes (SDM 3A 21.1.3). If the hardware is told to push one it does, or
 * it refuses the entry (SDM 3C 27.2.1.3).
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
 * #BP or #OF that userspace has seen first and raises now. If INT3 or INTO is at RIP, the handler
 * returns behind it, else to RIP.
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
	/* Without a local APIC only userspace knows which interrupts CR8 holds back. */
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
