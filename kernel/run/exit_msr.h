/* SPDX-License-Identifier: GPL-2.0-only */
/* The filter by which userspace denies accesses to MSRs, and the accesses that it carries out. */
#ifndef ORIEL_EXIT_MSR_H
#define ORIEL_EXIT_MSR_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "core/vendor.h"

struct vcpu;
struct vm;

/* The values of KVM_CAP_X86_USER_SPACE_MSR. */
#define MSR_EXIT_REASONS \
	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER)

/**
 * msr_filter_set() - KVM_X86_SET_MSR_FILTER; the bitmaps of @user are pointers to userspace. Kicks
 * every vCPU; each obeys the filter after its next exit. Takes @vm->lock; may sleep. Return 0;
 * -EINVAL for unknown flags, a bitmap that is too long, or a filter that denies every access;
 * -EFAULT; -ENOMEM.
 */
int msr_filter_set(struct vm *vm, const struct kvm_msr_filter *user);
/** msr_filter_destroy() - free the filter of a VM that has no vCPUs any more */
void msr_filter_destroy(struct vm *vm);
/**
 * msr_filter_denies() - return true if the filter denies a read or a write of an MSR of @list. For
 * the back end, which lets the guest access some MSRs without an exit. memory.srcu is held.
 */
bool msr_filter_denies(const struct vcpu *vcpu, const u32 *list, u32 count);
/** msr_complete() - finish the RDMSR or WRMSR that userspace has carried out */
enum exit_fate msr_complete(struct vcpu *vcpu);

#endif
