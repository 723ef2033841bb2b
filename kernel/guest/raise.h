/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions and NMIs of a vCPU from where they arise to where they wait. Its mutex is held.
 */
#ifndef ORIEL_RAISE_H
#define ORIEL_RAISE_H

#include <linux/types.h>

struct cpu_exception;
struct vcpu;

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
 * vcpu_post_nmi() - an NMI arrived: at most one waits behind one in service
 * @vcpu: the vCPU, its mutex held
 */
void vcpu_post_nmi(struct vcpu *vcpu);

/** vcpu_clear_events() - forget all events, for a reset */
void vcpu_clear_events(struct vcpu *vcpu);

#endif
