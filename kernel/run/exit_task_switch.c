// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exit of a task switch. This file settles the vCPU's events; emulate/task_switch.c switches
 * the task.
 */
#include "guest/paging.h"
#include "guest/raise.h"
#include "run/access.h"
#include "run/exits.h"

static bool set_cr3(struct emul *e, u64 cr3)
{
	struct vcpu *vcpu = container_of(e, struct vcpu, emul);
	u64 old = vcpu->state.cr3;

	vcpu->state.cr3 = cr3;
	if (!paging_load_pdptes(vcpu, &vcpu->state)) {
		vcpu->state.cr3 = old;
		return false;
	}
	vcpu_make_request(vcpu, REQ_TLB_FLUSH);
	return true;
}

static enum emul_result execute(struct vcpu *vcpu, struct task_switch *how)
{
	vcpu_need(vcpu, STATE_ALL);
	vcpu->emul.state = &vcpu->state;
	vcpu->emul.ops = &vcpu_emul_ops;
	access_reset(&vcpu->access);
	return emul_task_switch(&vcpu->emul, how);
}

/* After the switch or its fault: forget the event that used the gate, block or unblock NMIs. */
static void settle_event(struct vcpu *vcpu, enum task_switch_source source, bool fault)
{
	/* IRET unblocks NMIs, also if the NMI came through a task gate. */
	if (source == TASK_SWITCH_IRET)
		vendor_call(set_nmi_blocked)(vcpu, false);
	else if (vcpu->event.type == EVENT_NMI)
		vendor_call(set_nmi_blocked)(vcpu, true);
	/* vcpu_raise() combines a fault with the exception whose delivery has raised it. */
	if (!fault || vcpu->event.type != EVENT_EXCEPTION)
		vcpu->event.type = EVENT_NONE;
}

enum exit_fate exit_task_switch(struct vcpu *vcpu, u16 selector, enum task_switch_source source,
				bool external, u8 length)
{
	const struct vcpu_event *event = &vcpu->event;
	struct task_switch how = {
		.selector = selector,
		.source = source,
		.external = external,
		.has_error_code = event->type == EVENT_EXCEPTION && event->has_error_code,
		.error_code = event->error_code,
		.length = length,
		.load_cr3 = set_cr3,
	};
	enum emul_result result = execute(vcpu, &how);

	if (how.committed) {
		vcpu_touch(vcpu, STATE_ALL);
		vendor_call(set_shadow)(vcpu, 0);
		vcpu_make_request(vcpu, REQ_EVENT);
	}
	switch (result) {
	case EMUL_DONE:
		settle_event(vcpu, source, false);
		if (how.trap)
			vcpu_raise_db(vcpu, DR6_BT);
		return EXIT_RESUME;
	case EMUL_FAULT:
		settle_event(vcpu, source, true);
		vcpu_raise(vcpu, &vcpu->emul.fault);
		return EXIT_RESUME;
	case EMUL_AGAIN:
		/* CALL, JMP, IRET or INT n executes again, or the event is delivered again. */
		return EXIT_RESUME;
	default:
		return vcpu_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
	}
}
