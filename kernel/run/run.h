/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running a vCPU, for abi/: its thread loads it, runs the loop, and puts it.
 */
#ifndef ORIEL_RUN_H
#define ORIEL_RUN_H

#include <linux/types.h>

struct vcpu;

/** vcpu_load_init() - a new vCPU is on no CPU */
void vcpu_load_init(struct vcpu *vcpu);

/**
 * vcpu_load() - the current thread works on the vCPU's hardware state
 *
 * The vCPU's mutex is held. Until vcpu_put() the back end is told of each change of CPU.
 */
void vcpu_load(struct vcpu *vcpu);

/** vcpu_put() - undo vcpu_load() */
void vcpu_put(struct vcpu *vcpu);

/**
 * vcpu_run_loop() - enter the guest and handle exits until userspace or a signal is due
 *
 * The vCPU is loaded, between fpu_begin_run() and fpu_end_run(). May sleep.
 *
 * Return: 0 with vcpu->run filled in; -EINTR; -EAGAIN after a processor's first INIT; or
 * another errno.
 */
int vcpu_run_loop(struct vcpu *vcpu);

/** vcpu_yield() - let a vCPU of the same VM run that wants to and does not; may sleep */
void vcpu_yield(struct vcpu *vcpu);

/** vcpu_yield_to() - the same for the vCPU with an APIC id that the guest names; may sleep */
void vcpu_yield_to(struct vcpu *vcpu, u64 apic_id);

#endif
