/* SPDX-License-Identifier: GPL-2.0-only */
/* Running a vCPU: its thread loads it, runs the loop, and puts it. */
#ifndef ORIEL_RUN_H
#define ORIEL_RUN_H

#include <linux/types.h>

struct vcpu;

void vcpu_load_init(struct vcpu *vcpu); /* of a new vCPU, which is on no CPU yet */
/**
 * vcpu_load() - let the current thread use the vCPU's hardware state, until vcpu_put(). The vCPU's
 * mutex is held. Whenever the thread changes CPU, the back end's vcpu_put() and vcpu_load() are
 * called too.
 */
void vcpu_load(struct vcpu *vcpu);
void vcpu_put(struct vcpu *vcpu);
/**
 * vcpu_run_loop() - enter the guest and handle exits until userspace or a signal is due. The vCPU
 * is loaded, and fpu_begin_run() was called. May sleep. Return 0 with vcpu->run filled in; -EINTR
 * for a signal or immediate_exit; -EAGAIN after the first INIT; or another errno.
 */
int vcpu_run_loop(struct vcpu *vcpu);
/** vcpu_yield() - give the CPU to another vCPU of the VM that waits for one; may sleep */
void vcpu_yield(struct vcpu *vcpu);
/** vcpu_yield_to() - give the CPU to the vCPU with this APIC id, if it waits; may sleep */
void vcpu_yield_to(struct vcpu *vcpu, u64 apic_id);

#endif
