/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Help for guests that access TPR often: a word in guest memory that stands for TPR
 * (KVM_SET_VAPIC_ADDR), and reports of accesses to userspace, which patches the guest to use the
 * word instead (KVM_TPR_ACCESS_REPORTING). The vCPU's mutex and vm->memory.srcu are held.
 */
#ifndef ORIEL_VAPIC_H
#define ORIEL_VAPIC_H

#include <linux/types.h>

struct kvm_tpr_access_ctl;
struct kvm_vapic_addr;
struct vcpu;

/** vapic_set_addr() - KVM_SET_VAPIC_ADDR; -EINVAL without a local APIC, or for no memory */
int vapic_set_addr(struct vcpu *vcpu, const struct kvm_vapic_addr *addr);
/** vapic_set_reporting() - KVM_TPR_ACCESS_REPORTING; -EINVAL for flags */
int vapic_set_reporting(struct vcpu *vcpu, const struct kvm_tpr_access_ctl *control);
/**
 * vapic_load() - after an exit, set TPR as the guest left it in the word that the vCPU has. If the
 * word cannot be read, TPR stays as it is. May sleep.
 */
void vapic_load(struct vcpu *vcpu);
/** vapic_store() - before an entry, write the local APIC's state to the word; as vapic_load() */
void vapic_store(struct vcpu *vcpu);
/**
 * vapic_note_access() - the guest of a vCPU that reports accesses accessed the local APIC's page at
 * @gpa. If it was TPR, a KVM_EXIT_TPR_ACCESS follows after the instruction.
 */
void vapic_note_access(struct vcpu *vcpu, u64 gpa, bool write);
/** vapic_exit_report() - KVM_EXIT_TPR_ACCESS, for REQ_TPR_ACCESS */
enum exit_fate vapic_exit_report(struct vcpu *vcpu);

#endif
