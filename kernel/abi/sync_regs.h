/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_CAP_SYNC_REGS: registers and events that travel in struct kvm_run, which saves
 * their ioctls.
 */
#ifndef ORIEL_SYNC_REGS_H
#define ORIEL_SYNC_REGS_H

struct vcpu;

/**
 * sync_regs_load() - take what userspace has marked dirty, before the guest runs
 * @vcpu: the vCPU, its mutex held, loaded; may sleep
 *
 * Return: 0; -EINVAL for unknown bits of kvm_valid_regs or kvm_dirty_regs, and for
 * registers that their ioctl refuses.
 */
int sync_regs_load(struct vcpu *vcpu);

/**
 * sync_regs_store() - show what userspace has asked for, when KVM_RUN returns
 * @vcpu: the vCPU, its mutex held, loaded; may sleep
 */
void sync_regs_store(struct vcpu *vcpu);

#endif
