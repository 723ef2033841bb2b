/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of a vCPU: exceptions, NMIs and interrupts on their way in.
 */
#ifndef ORIEL_INJECT_H
#define ORIEL_INJECT_H

#include <linux/types.h>

struct vcpu;
struct vcpu_event;

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

#endif
