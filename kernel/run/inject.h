/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of a vCPU on their way into the guest; inject.c describes them. The vCPU's mutex is
 * held, and the vCPU is loaded.
 */
#ifndef ORIEL_INJECT_H
#define ORIEL_INJECT_H

#include <linux/types.h>

struct vcpu;
struct vcpu_event;

/** vcpu_requeue_event() - deliver @event again, because an exit cut its delivery short */
void vcpu_requeue_event(struct vcpu *vcpu, const struct vcpu_event *event);
/**
 * vcpu_keep_event() - keep vcpu->event after the CPU refused an entry. It is delivered later,
 * unless userspace takes it back to repair the state.
 */
void vcpu_keep_event(struct vcpu *vcpu);
/** vcpu_choose_event() - choose the event of the next entry, and ask for windows for the rest */
void vcpu_choose_event(struct vcpu *vcpu);
/** vcpu_irq_allowed() - return true if the guest can take an external interrupt now */
bool vcpu_irq_allowed(struct vcpu *vcpu);
/**
 * vcpu_user_irq_room() - return true if there is room for an interrupt of KVM_INTERRUPT: it would
 * displace no other, and the guest would take it as soon as interrupts are allowed
 */
bool vcpu_user_irq_room(struct vcpu *vcpu);
/** vcpu_window_wanted() - return true if userspace waits for a chance to use KVM_INTERRUPT */
bool vcpu_window_wanted(struct vcpu *vcpu);
/** vcpu_has_wake_event() - return true if an entry would inject an event, which ends HLT */
bool vcpu_has_wake_event(struct vcpu *vcpu);

#endif
