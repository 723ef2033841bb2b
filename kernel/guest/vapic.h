/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Help for guests that access TPR often: the word in guest memory that stands for
 * it (KVM_SET_VAPIC_ADDR), and reports of accesses to userspace, which patches the
 * guest to use that word instead (KVM_TPR_ACCESS_REPORTING).
 */
#ifndef ORIEL_VAPIC_H
#define ORIEL_VAPIC_H

#include <linux/types.h>

struct kvm_tpr_access_ctl;
struct kvm_vapic_addr;
struct vcpu;

/**
 * vapic_set_addr() - KVM_SET_VAPIC_ADDR
 * @vcpu: the vCPU, its mutex and vm->memory.srcu held
 * @addr: of the word, 0 to do without it
 *
 * Return: 0; -EINVAL without a local APIC or when there is no memory.
 */
int vapic_set_addr(struct vcpu *vcpu, const struct kvm_vapic_addr *addr);

/**
 * vapic_set_reporting() - KVM_TPR_ACCESS_REPORTING
 * @vcpu: the vCPU, its mutex held
 * @control: as userspace gave it
 *
 * Return: 0; -EINVAL for flags.
 */
int vapic_set_reporting(struct vcpu *vcpu, const struct kvm_tpr_access_ctl *control);

/**
 * vapic_load() - after an exit: TPR as the guest left it in the word
 * @vcpu: the vCPU, which has a word; its mutex and vm->memory.srcu held, may sleep
 *
 * Memory that has gone away leaves TPR alone.
 */
void vapic_load(struct vcpu *vcpu);

/**
 * vapic_store() - before an entry: the word as the local APIC is
 * @vcpu: the vCPU, which has a word; its mutex and vm->memory.srcu held, may sleep
 */
void vapic_store(struct vcpu *vcpu);

/**
 * vapic_note_access() - the guest accessed the local APIC's page
 * @vcpu: the vCPU, which reports accesses; its mutex held
 * @gpa: where
 * @write: it was a write
 *
 * Sees to a KVM_EXIT_TPR_ACCESS after the instruction if it was TPR.
 */
void vapic_note_access(struct vcpu *vcpu, u64 gpa, bool write);

/**
 * vapic_exit_report() - KVM_EXIT_TPR_ACCESS, for REQ_TPR_ACCESS
 * @vcpu: the vCPU, its mutex held
 *
 * Return: EXIT_USER.
 */
enum exit_fate vapic_exit_report(struct vcpu *vcpu);

#endif
