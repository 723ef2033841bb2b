// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_VCPU_EVENTS and KVM_SET_VCPU_EVENTS: conversions between the ABI's structure and the
 * events in struct vcpu.
 */
#include "abi/abi.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/raise.h"
#include "guest/reset.h"
#include "irq/lapic.h"

static bool has_payload(const struct cpu_exception *exception)
{
	return !exception->settled && (exception->vector == EXC_PF || exception->vector == EXC_DB);
}

void events_settle(struct vcpu *vcpu)
{
	if (!vcpu->vm->exception_payload)
		vcpu_settle_exception(vcpu);
}

static void get_pending(struct vcpu *vcpu, struct kvm_vcpu_events *events)
{
	const struct cpu_exception *exception = &vcpu->exception;

	events_settle(vcpu);
	/* To a client that does not know pending exceptions, report it as injected. */
	events->exception.injected = !vcpu->vm->exception_payload;
	events->exception.pending = vcpu->vm->exception_payload;
	events->exception.nr = exception->vector;
	events->exception.has_error_code = exception->has_error_code;
	events->exception.error_code = exception->error_code;
	if (!has_payload(exception))
		return;
	events->exception_has_payload = 1;
	events->exception_payload = exception->vector == EXC_PF ? exception->address :
								  exception->dr6;
}

void events_get(struct vcpu *vcpu, struct kvm_vcpu_events *events)
{
	const struct vcpu_event *event = &vcpu->event;

	/* Userspace cannot save an NMI that waits in the local APIC otherwise. */
	vcpu_take_nmis(vcpu);
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
		get_pending(vcpu, events);
	}
	if (event->type == EVENT_IRQ || event->type == EVENT_SOFT_INT) {
		events->interrupt.injected = 1;
		events->interrupt.nr = event->vector;
		events->interrupt.soft = event->type == EVENT_SOFT_INT;
	} else if (vcpu->irq_queued >= 0) {
		events->interrupt.injected = 1;
		events->interrupt.nr = vcpu->irq_queued;
	}
	if (vcpu->vm->exception_payload)
		events->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	if (vcpu->vm->triple_fault_event) {
		events->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
		events->triple_fault.pending = test_bit(REQ_TRIPLE_FAULT, &vcpu->requests);
	}
}

/* If userspace gives no payload, it has already set CR2 or DR6 for the #PF or #DB. */
static void set_pending(struct vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	vcpu->exception = (struct cpu_exception){
		.vector = events->exception.nr,
		.has_error_code = events->exception.has_error_code,
		.error_code = events->exception.error_code,
		.address = events->exception_payload,
		.dr6 = events->exception_payload,
		.settled = !events->exception_has_payload,
	};
	vcpu->exception_pending = true;
}

static void set_event(struct vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	vcpu->irq_queued = -1;
	if (events->exception.injected) {
		vcpu->event = (struct vcpu_event){
			.type = EVENT_EXCEPTION,
			.vector = events->exception.nr,
			.has_error_code = events->exception.has_error_code,
			.error_code = events->exception.error_code,
			.soft = exception_is_soft(events->exception.nr),
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

static bool flags_valid(const struct vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	const struct vm *vm = vcpu->vm;
	const u32 known = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
			  KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM |
			  (vm->exception_payload ? KVM_VCPUEVENT_VALID_PAYLOAD : 0) |
			  (vm->triple_fault_event ? KVM_VCPUEVENT_VALID_TRIPLE_FAULT : 0);

	if (events->flags & ~known)
		return false;
	/* Oriel has no SMM: a guest is never in it, and no event waits for its end. */
	return !(events->flags & KVM_VCPUEVENT_VALID_SMM) ||
	       !(events->smi.smm || events->smi.pending || events->smi.smm_inside_nmi ||
		 events->smi.latched_init);
}

/* Clear the members that the flags do not declare valid. */
static struct kvm_vcpu_events normalize(const struct kvm_vcpu_events *events)
{
	struct kvm_vcpu_events e = *events;

	if (!(e.flags & KVM_VCPUEVENT_VALID_PAYLOAD))
		e.exception.pending = 0;
	if (e.exception.pending)
		e.exception.injected = 0;
	else
		e.exception_has_payload = 0;
	return e;
}

static void set_triple_fault(struct vcpu *vcpu, bool pending)
{
	if (pending)
		vcpu_make_request(vcpu, REQ_TRIPLE_FAULT);
	else
		clear_bit(REQ_TRIPLE_FAULT, &vcpu->requests);
}

int events_set(struct vcpu *vcpu, const struct kvm_vcpu_events *user)
{
	struct kvm_vcpu_events events = normalize(user);

	if (!flags_valid(vcpu, user))
		return -EINVAL;
	if ((events.exception.injected || events.exception.pending) &&
	    (events.exception.nr > 31 || events.exception.nr == EXC_NMI))
		return -EINVAL;
	/* These NMIs came before this ioctl, which may replace their number. */
	vcpu_take_nmis(vcpu);
	set_event(vcpu, &events);
	vcpu->exception_pending = false;
	if (events.exception.pending)
		set_pending(vcpu, &events);
	if (events.flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
		vcpu->nmi_pending = min_t(u8, events.nmi.pending, 2);
	vendor_call(set_nmi_blocked)(vcpu, events.nmi.masked);
	if (events.flags & KVM_VCPUEVENT_VALID_SHADOW)
		vendor_call(set_shadow)(vcpu, events.interrupt.shadow);
	if (events.flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR && vcpu->lapic)
		vcpu->lapic->sipi_vector = events.sipi_vector;
	if (events.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT)
		set_triple_fault(vcpu, events.triple_fault.pending);
	vcpu_make_request(vcpu, REQ_EVENT);
	return 0;
}
