/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of a vCPU on their way into the guest; inject.c has their life. The vCPU's mutex is
 * held, and the vCPU is loaded.
 */
#ifndef ORIEL_INJECT_H
#define ORIEL_INJECT_H

#include <linux/types.h>

struct vcpu;
struct vcpu_event;

/** vcpu_requeue_event() - an exit cut the delivery of @event short: deliver it again */
void vcpu_requeue_event(struct vcpu *vcpu, const struct vcpu_event *event);

/**
 * vcpu_keep_event() - the CPU refused an entry, so the event is still to be delivered
 *
 * Unless userspace repairs the state by taking it back.
 */
void vcpu_keep_event(struct vcpu *vcpu);

/** vcpu_choose_event() - choose the event of the next entry, and ask for windows for the rest */
void vcpu_choose_event(struct vcpu *vcpu);

/** vcpu_irq_allowed() - could an external interrupt be taken right now? */
bool vcpu_irq_allowed(struct vcpu *vcpu);

/** vcpu_irq_pending() - does an interrupt wait that the local APIC lets pass? */
bool vcpu_irq_pending(struct vcpu *vcpu);

/**
 * vcpu_user_irq_room() - is there room for KVM_INTERRUPT?
 *
 * Return: true if it would displace nothing, and be taken once interrupts are allowed.
 */
bool vcpu_user_irq_room(struct vcpu *vcpu);

/** vcpu_window_wanted() - does userspace's PIC wait for its turn? */
bool vcpu_window_wanted(struct vcpu *vcpu);

/** vcpu_has_wake_event() - would the next entry inject something? That ends HLT */
bool vcpu_has_wake_event(struct vcpu *vcpu);

#endif
