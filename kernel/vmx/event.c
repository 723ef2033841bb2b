// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on VT-x: injection, windows, NMI blocking by virtual NMIs, and deliveries that an
 * exit cut short (SDM 3C 25.8.3, 25.9.3, 27.6).
 */
#include <asm/processor-flags.h>

#include "core/vcpu_event.h"
#include "irq/lapic.h"
#include "run/inject.h"
#include "vmx/vmx.h"

u32 vmx_get_shadow(struct vcpu *vcpu)
{
	u32 state = vmcs_read(vmcs_guest_interruptibility_state);

	return (state & BLOCKING_BY_STI ? SHADOW_STI : 0) |
	       (state & BLOCKING_BY_MOV_SS ? SHADOW_MOV_SS : 0);
}

/*
 * Under a shadow, an entry with TF set needs a pending single step (BS), and an entry with TF
 * clear must not have one (SDM 3C 27.3.1.5).
 *
 * If userspace's debugger steps, its step begins with this entry: end the shadow, and clear BS.
 * A BS that is set now belongs to the step before, which software has finished. (Bochs leaves BS
 * set at any exit.)
 */
void vmx_settle_step(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 state = vmcs_read(vmcs_guest_interruptibility_state);
	u64 pending;

	if (!(state & BLOCKING_SHADOW) && !vcpu->debug.stepping) {
		vmx->step_pending = false;
		return;
	}
	pending = vmcs_read(vmcs_guest_pending_debug_exceptions) & ~(u64)PENDING_DEBUG_BS;
	vcpu_need(vcpu, STATE_RIP);
	if (vcpu->debug.stepping)
		vmcs_write(vmcs_guest_interruptibility_state, state & ~BLOCKING_SHADOW);
	else if (vcpu->state.rflags & X86_EFLAGS_TF)
		pending |= PENDING_DEBUG_BS;
	vmx->step_pending = pending & PENDING_DEBUG_BS;
	vmcs_write(vmcs_guest_pending_debug_exceptions, pending);
}

void vmx_set_shadow(struct vcpu *vcpu, u32 shadow)
{
	u32 old = vmcs_read(vmcs_guest_interruptibility_state);
	u32 now = old & ~BLOCKING_SHADOW;

	/* The CPU cannot have both at once. MOV SS blocks more events. */
	if (shadow & SHADOW_MOV_SS)
		now |= BLOCKING_BY_MOV_SS;
	else if (shadow & SHADOW_STI)
		now |= BLOCKING_BY_STI;
	if (now == old)
		return;
	vmcs_write(vmcs_guest_interruptibility_state, now);
	if (shadow) {
		vmx_leave_hlt(to_vmx(vcpu));
		vmx_settle_step(vcpu);
	}
}

bool vmx_nmi_blocked(struct vcpu *vcpu)
{
	return vmcs_read(vmcs_guest_interruptibility_state) & BLOCKING_BY_NMI;
}

void vmx_set_nmi_blocked(struct vcpu *vcpu, bool blocked)
{
	u32 state = vmcs_read(vmcs_guest_interruptibility_state) & ~BLOCKING_BY_NMI;

	vmcs_write(vmcs_guest_interruptibility_state, blocked ? state | BLOCKING_BY_NMI : state);
}

/* Let the VMCS have RIP, or RIP - 1 (@moved). Software always sees RIP: vmx_fetch(). */
static noinline void move_rip(struct vcpu *vcpu, bool moved)
{
	vcpu_need(vcpu, STATE_RIP);
	to_vmx(vcpu)->rip_moved = moved;
	vcpu_touch(vcpu, STATE_RIP);
}

/*
 * INT n from userspace: there is no such instruction at RIP, so the CPU must push RIP as it is.
 * A CPU that refuses length 0 gets length 1, and an RIP that is smaller by one.
 */
static void inject_soft_interrupt(struct vcpu *vcpu)
{
	u32 length = 0;

	if (!(vmx_caps.misc & VMX_MISC_ZERO_INSTRUCTION_LENGTH)) {
		move_rip(vcpu, true);
		length = 1;
	}
	vmcs_write(vmcs_entry_instruction_length, length);
}

/* Write the fields for error code and instruction length. Return the interruption information. */
static noinline u32 inject_exception(struct vcpu *vcpu, u32 word)
{
	const struct vcpu_event *event = &vcpu->event;

	if (event->has_error_code)
		vmcs_write(vmcs_entry_exception_error_code, event->error_code);
	if (event->type == EVENT_SOFT_INT)
		inject_soft_interrupt(vcpu);
	/* Without a length #BP and #OF are faults: the CPU pushes RIP as it is. */
	if (event->type == EVENT_EXCEPTION && event->length) {
		word = (word & ~EVENT_WORD_TYPE) | EVENT_WORD_SOFT_EXCEPTION;
		vmcs_write(vmcs_entry_instruction_length, event->length);
	}
	return word;
}

void vmx_inject(struct vcpu *vcpu)
{
	const struct vcpu_event *event = &vcpu->event;
	u32 word = vcpu_event_to_word(event);

	/* The last injection may have been one for which the guest was not entered. */
	if (unlikely(to_vmx(vcpu)->rip_moved))
		move_rip(vcpu, false);
	if (event->type != EVENT_NONE)
		vmx_leave_hlt(to_vmx(vcpu));
	if (event->type == EVENT_EXCEPTION || event->type == EVENT_SOFT_INT)
		word = inject_exception(vcpu, word);
	vmcs_write(vmcs_entry_interruption_info, word);
}

/*
 * With a local APIC: ask for an exit when the TPR falls below its present value, because an
 * interrupt that waits now may then pass.
 */
static void request_tpr_exit(struct vmx_vcpu *vmx, bool on)
{
	u32 threshold = 0;

	if (!(vmx->control[VMX_PRIMARY] & PRIMARY_TPR_SHADOW))
		return;
	if (on)
		threshold = lapic_get_cr8(vmx->vcpu.lapic);
	if (threshold == vmx->tpr_threshold)
		return;
	vmx->tpr_threshold = threshold;
	vmcs_write(vmcs_tpr_threshold, threshold);
}

void vmx_request_window(struct vcpu *vcpu, u32 windows)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	/*
	 * Behind STI the NMI window may be open, but an NMI cannot be injected. Wait for the
	 * interrupt window, which opens one instruction later (SDM 3C 26.4.2).
	 */
	if (windows & WINDOW_NMI && vmx_get_shadow(vcpu) & SHADOW_STI)
		windows = (windows & ~WINDOW_NMI) | WINDOW_IRQ;
	vmx_control(vmx, VMX_PRIMARY, PRIMARY_INTERRUPT_WINDOW_EXITING, windows & WINDOW_IRQ);
	vmx_control(vmx, VMX_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, windows & WINDOW_NMI);
	request_tpr_exit(vmx, windows & WINDOW_TPR);
}

/* Deliver again an event whose delivery an exit cut short. Kept out of line: that is rare. */
static noinline void requeue(struct vcpu *vcpu, u32 word)
{
	struct vcpu_event event = vcpu_event_to_repeat(vcpu, word);

	vcpu->event.type = EVENT_NONE;
	if (event.type == EVENT_NONE)
		return;
	if (event.type == EVENT_NMI)
		vmx_set_nmi_blocked(vcpu, false);
	if (event.has_error_code)
		event.error_code = vmcs_read(vmcs_idt_vectoring_error_code);
	if ((word & EVENT_WORD_TYPE) == EVENT_WORD_SOFT_EXCEPTION)
		event.length = vmcs_read(vmcs_exit_instruction_length);
	vcpu_requeue_event(vcpu, &event);
}

/* An INT n was injected with a smaller RIP. If it has been delivered, RIP is the handler's. */
static noinline void restore_rip(struct vcpu *vcpu, bool refused, u32 word)
{
	const u32 mask = EVENT_WORD_VALID | EVENT_WORD_TYPE | EVENT_WORD_VECTOR;

	if (refused || (word & mask) == vcpu_event_to_word(&vcpu->event))
		move_rip(vcpu, false);
	else
		to_vmx(vcpu)->rip_moved = false;
}

void vmx_recover(struct vcpu *vcpu)
{
	u32 word = vmcs_read(vmcs_idt_vectoring_info);
	bool refused = to_vmx(vcpu)->exit_reason & EXIT_REASON_ENTRY_FAILURE;

	if (unlikely(to_vmx(vcpu)->rip_moved))
		restore_rip(vcpu, refused, word);
	/* A refused entry has delivered nothing, and the word is that of an earlier exit. */
	if (unlikely(refused))
		vcpu_keep_event(vcpu);
	else if (unlikely(word & EVENT_WORD_VALID))
		requeue(vcpu, word);
	else
		vcpu->event.type = EVENT_NONE;
}
