// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions and NMIs, from where they arise to where they wait for the next entry.
 */
#include "core/vcpu.h"
#include "guest/raise.h"
#include "x86/cr.h"

enum exception_class {
	CLASS_BENIGN,
	CLASS_CONTRIBUTORY,
	CLASS_PAGE_FAULT,
	CLASS_DOUBLE_FAULT,
};

/* SDM 3A table 6-4 */
static enum exception_class exception_class(u8 vector)
{
	switch (vector) {
	case EXC_DE:
	case EXC_TS:
	case EXC_NP:
	case EXC_SS:
	case EXC_GP:
		return CLASS_CONTRIBUTORY;
	case EXC_PF:
		return CLASS_PAGE_FAULT;
	case EXC_DF:
		return CLASS_DOUBLE_FAULT;
	default:
		return CLASS_BENIGN;
	}
}

/* Do the two exceptions make a double fault? (SDM 3A table 6-5) */
static bool makes_double_fault(u8 first, u8 second)
{
	enum exception_class a = exception_class(first);
	enum exception_class b = exception_class(second);

	if (a == CLASS_CONTRIBUTORY)
		return b == CLASS_CONTRIBUTORY;
	return a == CLASS_PAGE_FAULT && (b == CLASS_CONTRIBUTORY || b == CLASS_PAGE_FAULT);
}

void vcpu_raise(struct vcpu *vcpu, const struct cpu_exception *fault)
{
	bool delivering = vcpu->event.type == EVENT_EXCEPTION;
	u8 first = delivering ? vcpu->event.vector : vcpu->exception.vector;

	vcpu_make_request(vcpu, REQ_EVENT);
	if (delivering || vcpu->exception_pending) {
		if (exception_class(first) == CLASS_DOUBLE_FAULT &&
		    exception_class(fault->vector) != CLASS_BENIGN) {
			vcpu_make_request(vcpu, REQ_TRIPLE_FAULT);
			return;
		}
		if (makes_double_fault(first, fault->vector)) {
			vcpu->event.type = EVENT_NONE;
			vcpu->exception =
				(struct cpu_exception){ .vector = EXC_DF, .has_error_code = true };
			vcpu->exception_pending = true;
			return;
		}
		/* The instruction runs again after the second, and raises the first anew. */
		if (delivering)
			vcpu->event.type = EVENT_NONE;
	}
	vcpu->exception = *fault;
	vcpu->exception_pending = true;
}

void vcpu_raise_gp(struct vcpu *vcpu)
{
	vcpu_raise(vcpu, &(struct cpu_exception){ .vector = EXC_GP, .has_error_code = true });
}

void vcpu_raise_ud(struct vcpu *vcpu)
{
	vcpu_raise(vcpu, &(struct cpu_exception){ .vector = EXC_UD });
}

void vcpu_raise_db(struct vcpu *vcpu, u64 dr6)
{
	vcpu_raise(vcpu, &(struct cpu_exception){ .vector = EXC_DB, .dr6 = dr6 });
}

void vcpu_settle_exception(struct vcpu *vcpu)
{
	struct cpu_exception *exception = &vcpu->exception;
	struct cpu_state *state = &vcpu->state;

	if (!vcpu->exception_pending || exception->settled)
		return;
	exception->settled = true;
	if (exception->vector == EXC_PF) {
		vcpu_need(vcpu, STATE_CR);
		state->cr2 = exception->address;
		vcpu_touch(vcpu, STATE_CR);
	} else if (exception->vector == EXC_DB) {
		vcpu_need(vcpu, STATE_DR);
		state->dr6 = dr6_after(&vcpu->cpuid.facts, state->dr6, exception->dr6);
		vcpu_touch(vcpu, STATE_DR);
	}
}

void vcpu_post_nmi(struct vcpu *vcpu)
{
	u8 room = vendor_call(nmi_blocked)(vcpu) || vcpu->event.type == EVENT_NMI ? 1 : 2;

	/* The CPU latches one NMI behind one in service (SDM 3A 6.7.1). */
	vcpu->nmi_pending = min_t(u8, vcpu->nmi_pending + 1, room);
	vcpu_make_request(vcpu, REQ_EVENT);
}

void vcpu_clear_events(struct vcpu *vcpu)
{
	vcpu->event.type = EVENT_NONE;
	vcpu->exception_pending = false;
	vcpu->nmi_pending = 0;
	vcpu->irq_queued = -1;
	vcpu->extint = -1;
	vcpu_make_request(vcpu, REQ_EVENT);
}
