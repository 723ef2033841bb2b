// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on VT-x: injection, windows, NMI blocking by virtual NMIs, and what an
 * exit cut short (SDM 3C 25.8.3, 25.9.3, 27.6).
 */
#include <asm/processor-flags.h>

#include "irq/lapic.h"
#include "run/inject.h"
#include "vmx/vmx.h"

#define BLOCKING_SHADOW (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)

u32 vmx_get_shadow(struct vcpu *vcpu)
{
	u32 state = vmcs_read(vmcs_guest_interruptibility_state);

	return (state & BLOCKING_BY_STI ? SHADOW_STI : 0) |
	       (state & BLOCKING_BY_MOV_SS ? SHADOW_MOV_SS : 0);
}

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

	/* Both at once is no state of the CPU; MOV SS is the stricter. */
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

/*
 * INT n from userspace, at whose RIP no instruction is. A CPU that does not take
 * length 0 adds one to the RIP that it pushes.
 */
static void inject_soft_interrupt(struct vcpu *vcpu)
{
	u32 length = 0;

	if (!(vmx_caps.misc & VMX_MISC_ZERO_INSTRUCTION_LENGTH)) {
		vcpu_need(vcpu, STATE_RIP);
		vcpu->state.rip--;
		vcpu_touch(vcpu, STATE_RIP);
		length = 1;
	}
	vmcs_write(vmcs_entry_instruction_length, length);
}

void vmx_inject(struct vcpu *vcpu)
{
	const struct vcpu_event *event = &vcpu->event;
	u32 info = event->vector | INTERRUPTION_VALID;

	switch (event->type) {
	case EVENT_NONE:
		info = 0;
		break;
	case EVENT_IRQ:
		info |= INTERRUPTION_EXTERNAL;
		break;
	case EVENT_NMI:
		info |= INTERRUPTION_NMI;
		break;
	case EVENT_EXCEPTION:
		if (event->length) {
			info |= INTERRUPTION_SOFT_EXCEPTION;
			vmcs_write(vmcs_entry_instruction_length, event->length);
			break;
		}
		/* #BP and #OF without their instruction are faults: RIP is what is pushed. */
		info |= INTERRUPTION_HARDWARE_EXCEPTION;
		break;
	case EVENT_SOFT_INT:
		info |= INTERRUPTION_SOFT_INTERRUPT;
		inject_soft_interrupt(vcpu);
		break;
	}
	if (event->has_error_code) {
		info |= INTERRUPTION_ERROR_CODE;
		vmcs_write(vmcs_entry_exception_error_code, event->error_code);
	}
	if (info)
		vmx_leave_hlt(to_vmx(vcpu));
	vmcs_write(vmcs_entry_interruption_info, info);
}

/* With a local APIC: below which TPR an interrupt could pass that now waits. */
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

	/* STI need not close the NMI window, but no NMI is injected behind it: there
	 * the interrupt window opens one instruction later (SDM 3C 26.4.2).
	 */
	if (windows & WINDOW_NMI && vmx_get_shadow(vcpu) & SHADOW_STI)
		windows = (windows & ~WINDOW_NMI) | WINDOW_IRQ;
	vmx_control(vmx, VMX_PRIMARY, PRIMARY_INTERRUPT_WINDOW_EXITING, windows & WINDOW_IRQ);
	vmx_control(vmx, VMX_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, windows & WINDOW_NMI);
	request_tpr_exit(vmx, windows & WINDOW_TPR);
}

void vmx_recover(struct vcpu *vcpu)
{
	u32 info = vmcs_read(vmcs_idt_vectoring_info);
	enum event_type sent = vcpu->event.type;
	struct vcpu_event event = {
		.vector = info & INTERRUPTION_VECTOR,
		.has_error_code = info & INTERRUPTION_ERROR_CODE,
	};

	/* A refused entry delivered nothing, and its words are of an earlier exit. */
	if (unlikely(to_vmx(vcpu)->exit_reason & EXIT_REASON_ENTRY_FAILURE)) {
		vcpu_keep_event(vcpu);
		return;
	}
	vcpu->event.type = EVENT_NONE;
	if (likely(!(info & INTERRUPTION_VALID)))
		return;
	switch (info & INTERRUPTION_TYPE) {
	case INTERRUPTION_EXTERNAL:
		event.type = EVENT_IRQ;
		break;
	case INTERRUPTION_NMI:
		event.type = EVENT_NMI;
		vmx_set_nmi_blocked(vcpu, false);
		break;
	case INTERRUPTION_HARDWARE_EXCEPTION:
		event.type = EVENT_EXCEPTION;
		if (event.has_error_code)
			event.error_code = vmcs_read(vmcs_idt_vectoring_error_code);
		break;
	case INTERRUPTION_SOFT_EXCEPTION:
		/* INT3 and INTO run again by themselves; one that was injected has exited
		 * already.
		 */
		if (sent != EVENT_EXCEPTION || vcpu->event.vector != event.vector)
			return;
		event.type = EVENT_EXCEPTION;
		event.length = vmcs_read(vmcs_exit_instruction_length);
		break;
	default:
		/* INT n and INT1 as well: RIP is still theirs. */
		return;
	}
	vcpu_requeue_event(vcpu, &event);
}
