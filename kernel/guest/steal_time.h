/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steal time: a structure in guest memory that tells the guest how long a vCPU that
 * wanted to run did not, and the other vCPUs that it does not run now
 * (MSR_KVM_STEAL_TIME).
 */
#ifndef ORIEL_STEAL_TIME_H
#define ORIEL_STEAL_TIME_H

#include <linux/types.h>

struct task_struct;
struct vcpu;

/* A row of guest/msr_table.c. With an address outside of memory nothing is ever written. */
int steal_time_write(struct vcpu *vcpu, u32 index, bool host, u64 data);

/**
 * steal_time_update() - for REQ_STEAL_TIME: the vCPU is about to run
 * @vcpu: the vCPU, its mutex and vm->memory.srcu held, inside KVM_RUN; may sleep
 *
 * Adds what the thread has waited, and takes back what steal_time_stopped() said. If
 * another vCPU asked for a flush meanwhile, REQ_TLB_FLUSH is made.
 */
void steal_time_update(struct vcpu *vcpu);

/**
 * steal_time_stopped() - the thread leaves its CPU while the vCPU rests
 * @vcpu: the vCPU, whose steal time is enabled
 *
 * In the midst of a context switch: neither sleeps nor faults.
 * What cannot be written then is not. No guest instruction of the vCPU may be
 * executed from here on before steal_time_update().
 */
void steal_time_stopped(struct vcpu *vcpu);

#endif
