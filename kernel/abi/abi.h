/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the files of abi/ alone: the descriptors and the ioctls behind them. Functions on
 * a vCPU run with its mutex held and the vCPU loaded, unless they say otherwise; all may
 * sleep.
 */
#ifndef ORIEL_ABI_H
#define ORIEL_ABI_H

#include <linux/kvm.h>
#include <linux/types.h>

struct vcpu;
struct vm;

/*
 * vm_file.c and vcpu_file.c
 */

/** vm_create() - KVM_CREATE_VM; a descriptor, -ENOMEM or -EMFILE */
int vm_create(void);

/**
 * vcpu_create() - KVM_CREATE_VCPU
 * @vm: its lock held
 *
 * Return: a descriptor, or -EINVAL, -EEXIST, -ENOMEM, -EMFILE.
 */
int vcpu_create(struct vm *vm, u32 id);

/** vcpu_destroy() - free a vCPU that nobody can reach any more */
void vcpu_destroy(struct vcpu *vcpu);

/*
 * kvm_run.c
 */

/**
 * vcpu_run() - KVM_RUN; the vCPU is not yet loaded
 *
 * Return: 0 with vcpu->run filled in, -EINTR, -EAGAIN after a processor's first INIT, or
 * another errno.
 */
int vcpu_run(struct vcpu *vcpu);

/*
 * stats.c
 */

/** stats_open_vm() - KVM_GET_STATS_FD of a VM; a descriptor, -ENOMEM or -EMFILE */
int stats_open_vm(struct vm *vm);
/** stats_open_vcpu() - KVM_GET_STATS_FD of a vCPU */
int stats_open_vcpu(struct vcpu *vcpu);

#endif
