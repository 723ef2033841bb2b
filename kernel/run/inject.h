/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of a vCPU: exceptions, NMIs and interrupts on their way in.
 */
#ifndef ORIEL_EVENT_H
#define ORIEL_EVENT_H

#include <linux/types.h>

#include "x86/cpu_state.h"
#include "core/vcpu.h"

/**
 * vcpu_raise() - raise an exception at the current instruction
 * @vcpu: the vCPU, its mutex held
 * @fault: which; joined with one that is being delivered into a double fault or
 *	a shutdown as SDM 3A table 6-5 says
 */
void vcpu_raise(struct vcpu *vcpu, const struct cpu_exception *fault);

/** vcpu_raise_gp() - raise #GP(0); see vcpu_raise() */
void vcpu_raise_gp(struct vcpu *vcpu);

/** vcpu_raise_ud() - raise #UD; see vcpu_raise() */
void vcpu_raise_ud(struct vcpu *vcpu);

/**
 * vcpu_raise_db() - raise #DB as a trap
 * @vcpu: the vCPU, its mutex held
 * @dr6: bits to set in DR6 when it is delivered: what happened
 */
void vcpu_raise_db(struct vcpu *vcpu, u64 dr6);

/**
 * vcpu_settle_exception() - write to CR2 or DR6 what the exception that waits leaves there
 * @vcpu: the vCPU, its mutex held
 *
 * Its turn has come, or userspace reads the registers and does not know that there is
 * more to an exception. Nothing happens when none waits, and the second time.
 */
void vcpu_settle_exception(struct vcpu *vcpu);

/**
 * vcpu_requeue_event() - an exit cut a delivery short: deliver it again
 * @vcpu: the vCPU, its mutex held
 * @event: what was being delivered
 */
void vcpu_requeue_event(struct vcpu *vcpu, const struct vcpu_event *event);

/**
 * vcpu_keep_event() - the CPU refused an entry: what it was to inject is still to be
 *	delivered, unless userspace repairs the state by taking it back
 * @vcpu: the vCPU, its mutex held
 */
void vcpu_keep_event(struct vcpu *vcpu);

/**
 * vcpu_choose_event() - choose what the next entry injects, and ask for windows
 *	for what has to wait
 * @vcpu: the vCPU, its mutex held
 */
void vcpu_choose_event(struct vcpu *vcpu);

/**
 * vcpu_post_nmi() - an NMI arrived: at most one waits behind one in service
 * @vcpu: the vCPU, its mutex held
 */
void vcpu_post_nmi(struct vcpu *vcpu);

/**
 * vcpu_irq_allowed() - could an external interrupt be taken right now?
 * @vcpu: the vCPU, its mutex held
 */
bool vcpu_irq_allowed(struct vcpu *vcpu);

/**
 * vcpu_irq_pending() - does an interrupt wait that the local APIC lets pass?
 * @vcpu: the vCPU, its mutex held
 */
bool vcpu_irq_pending(struct vcpu *vcpu);

/**
 * vcpu_user_irq_room() - would KVM_INTERRUPT displace nothing, and be taken once
 *	interrupts are allowed?
 * @vcpu: the vCPU, its mutex held
 */
bool vcpu_user_irq_room(struct vcpu *vcpu);

/**
 * vcpu_window_wanted() - does userspace's PIC wait for its turn?
 * @vcpu: the vCPU, its mutex held
 */
bool vcpu_window_wanted(struct vcpu *vcpu);

/**
 * vcpu_has_wake_event() - would the next entry inject something?
 * @vcpu: the vCPU, its mutex held
 *
 * What ends HLT.
 */
bool vcpu_has_wake_event(struct vcpu *vcpu);

/** vcpu_clear_events() - forget all events, for a reset */
void vcpu_clear_events(struct vcpu *vcpu);

#endif
