/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions and NMIs of a vCPU, from where they arise to where they wait for an entry. Its mutex
 * is held.
 */
#ifndef ORIEL_RAISE_H
#define ORIEL_RAISE_H

#include <linux/types.h>

struct cpu_exception;
struct vcpu;

/**
 * vcpu_raise() - raise an exception at the current instruction. If another exception waits or is
 * being delivered, the two make a double fault or a shutdown, as SDM 3A table 6-5 says.
 */
void vcpu_raise(struct vcpu *vcpu, const struct cpu_exception *fault);
void vcpu_raise_gp(struct vcpu *vcpu); /* with error code 0 */
void vcpu_raise_ud(struct vcpu *vcpu);
/** vcpu_raise_db() - raise #DB as a trap; its delivery sets the bits @dr6 in DR6 */
void vcpu_raise_db(struct vcpu *vcpu, u64 dr6);
/**
 * vcpu_settle_exception() - write the waiting exception's address or bits to CR2 or DR6. Called
 * when its turn has come, and when userspace without KVM_CAP_EXCEPTION_PAYLOAD reads the registers.
 * Do nothing if no exception waits, and the second time.
 */
void vcpu_settle_exception(struct vcpu *vcpu);
/** vcpu_post_nmi() - an NMI arrived; at most one waits behind one in service */
void vcpu_post_nmi(struct vcpu *vcpu);
/** vcpu_clear_events() - forget all events, for a reset */
void vcpu_clear_events(struct vcpu *vcpu);

#endif
