// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_VCPU_EVENTS and KVM_SET_VCPU_EVENTS: events on their way into a guest,
 * between the ABI's structure and the vCPU.
 */
#include "compat.h"
#include "event.h"
#include "irq/lapic.h"
#include "regs.h"
#include "vm.h"

void events_get(struct vcpu *vcpu, struct kvm_vcpu_events *events)
{
	const struct vcpu_event *event = &vcpu->event;
	const struct cpu_exception *exception = &vcpu->exception;

	*events = (struct kvm_vcpu_events){
		.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW,
		.interrupt.shadow = vendor_call(get_shadow)(vcpu),
		.nmi.injected = event->type == EVENT_NMI,
		.nmi.pending = vcpu->nmi_pending,
		.nmi.masked = vendor_call(nmi_blocked)(vcpu),
	};
	if (event->type == EVENT_EXCEPTION) {
		events->exception.injected = 1;
		events->exception.nr = event->vector;
		events->exception.has_error_code = event->has_error_code;
		events->exception.error_code = event->error_code;
	} else if (vcpu->exception_pending) {
		/* Reported as injected, which is what it will be at the next entry. */
		events->exception.injected = 1;
		events->exception.nr = exception->vector;
		events->exception.has_error_code = exception->has_error_code;
		events->exception.error_code = exception->error_code;
	}
	if (event->type == EVENT_IRQ || event->type == EVENT_SOFT_INT) {
		events->interrupt.injected = 1;
		events->interrupt.nr = event->vector;
		events->interrupt.soft = event->type == EVENT_SOFT_INT;
	} else if (vcpu->irq_queued >= 0) {
		events->interrupt.injected = 1;
		events->interrupt.nr = vcpu->irq_queued;
	}
}

/* A pending #PF's address has to be in CR2 already: the ABI has no place for it. */
static void set_event(struct vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	vcpu->exception_pending = false;
	vcpu->irq_queued = -1;
	if (events->exception.injected) {
		vcpu->event = (struct vcpu_event){
			.type = EVENT_EXCEPTION,
			.vector = events->exception.nr,
			.has_error_code = events->exception.has_error_code,
			.error_code = events->exception.error_code,
		};
		if (events->interrupt.injected && !events->interrupt.soft)
			vcpu->irq_queued = events->interrupt.nr;
	} else if (events->nmi.injected) {
		vcpu->event = (struct vcpu_event){ .type = EVENT_NMI, .vector = EXC_NMI };
	} else if (events->interrupt.injected) {
		vcpu->event = (struct vcpu_event){
			.type = events->interrupt.soft ? EVENT_SOFT_INT : EVENT_IRQ,
			.vector = events->interrupt.nr,
		};
	} else {
		vcpu->event.type = EVENT_NONE;
	}
}

int events_set(struct vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	const u32 known = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
			  KVM_VCPUEVENT_VALID_SHADOW;

	if (events->flags & ~known)
		return -EINVAL;
	if (events->exception.injected &&
	    (events->exception.nr > 31 || events->exception.nr == EXC_NMI))
		return -EINVAL;
	set_event(vcpu, events);
	if (events->flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
		vcpu->nmi_pending = min_t(u8, events->nmi.pending, 2);
	vendor_call(set_nmi_blocked)(vcpu, events->nmi.masked);
	if (events->flags & KVM_VCPUEVENT_VALID_SHADOW)
		vendor_call(set_shadow)(vcpu, events->interrupt.shadow);
	if (events->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR && vcpu->lapic)
		vcpu->lapic->sipi_vector = events->sipi_vector;
	vcpu_make_request(vcpu, REQ_EVENT);
	return 0;
}
