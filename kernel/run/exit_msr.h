/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter that keeps MSRs for userspace, and userspace's answers.
 */
#ifndef ORIEL_EXIT_MSR_H
#define ORIEL_EXIT_MSR_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "core/vendor.h"

struct vcpu;
struct vm;

/* All that KVM_CAP_X86_USER_SPACE_MSR can ask for. */
#define MSR_EXIT_REASONS \
	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER)

/**
 * msr_filter_set() - KVM_X86_SET_MSR_FILTER
 * @vm: takes its lock; may sleep
 * @user: the filter, with pointers to its bitmaps
 *
 * Kicks every vCPU: each obeys the filter once it has left the guest.
 *
 * Return: 0, -EINVAL for flags, a bitmap that is too long, or a filter that denies everything;
 * -EFAULT, -ENOMEM.
 */
int msr_filter_set(struct vm *vm, const struct kvm_msr_filter *user);

/** msr_filter_destroy() - free the filter of a VM whose vCPUs are gone */
void msr_filter_destroy(struct vm *vm);

/**
 * msr_filter_denies() - is any MSR of a list filtered, be it for reads or writes?
 *
 * For the back end, which lets the guest access some MSRs by itself. memory.srcu is held.
 */
bool msr_filter_denies(const struct vcpu *vcpu, const u32 *list, u32 count);

/** msr_complete() - userspace has answered KVM_EXIT_X86_RDMSR or KVM_EXIT_X86_WRMSR */
enum exit_fate msr_complete(struct vcpu *vcpu);

#endif
