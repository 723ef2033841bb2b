/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steal time: a structure in guest memory that tells the guest how long a vCPU wanted to run and
 * did not, and tells the other vCPUs that this one does not run now (MSR_KVM_STEAL_TIME).
 */
#ifndef ORIEL_STEAL_TIME_H
#define ORIEL_STEAL_TIME_H

#include <linux/types.h>

struct vcpu;

/* A row of guest/msr_table.c. With an address outside of memory nothing is ever written. */
int steal_time_write(struct vcpu *vcpu, u32 index, bool host, u64 data);
/**
 * steal_time_update() - for REQ_STEAL_TIME: the vCPU is about to run. Add the time that the thread
 * has waited, and clear the mark of steal_time_stopped(). If another vCPU asked for a flush
 * meanwhile, make REQ_TLB_FLUSH. Inside KVM_RUN, the vCPU's mutex and vm->memory.srcu held; may
 * sleep.
 */
void steal_time_update(struct vcpu *vcpu);
/**
 * steal_time_stopped() - the thread leaves its CPU while the vCPU rests and has steal time enabled.
 * In the middle of a context switch: neither sleep nor fault. If the structure cannot be written
 * so, it stays as it is. Until steal_time_update(), no guest instruction of the vCPU may be
 * executed.
 */
void steal_time_stopped(struct vcpu *vcpu);

#endif
