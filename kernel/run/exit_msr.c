// SPDX-License-Identifier: GPL-2.0-only
/*
 * RDMSR and WRMSR of the guest, the filter by which userspace denies some of them, and the
 * accesses that userspace carries out.
 */
#include <linux/bitops.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "core/vm.h"
#include "guest/msr.h"
#include "guest/raise.h"
#include "irq/lapic.h"
#include "run/exits.h"
#include "run/exit_msr.h"
#include "run/insn.h"

/**
 * struct msr_range - MSRs that a filter names
 * @flags: KVM_MSR_FILTER_*: the accesses for which @bitmap is valid
 * @base: the first MSR
 * @count: of MSRs
 * @bitmap: a set bit allows the access
 */
struct msr_range {
	u32 flags;
	u32 base;
	u32 count;
	unsigned long *bitmap;
};

/**
 * struct msr_filter - the filter of a VM
 * @allow: allow an access that is in no range
 * @count: of ranges
 * @range: the first range that has the MSR and the access decides
 */
struct msr_filter {
	bool allow;
	u32 count;
	struct msr_range range[KVM_MSR_FILTER_MAX_RANGES];
};

/*
 * The filter.
 */

static void free_filter(struct msr_filter *filter)
{
	u32 i;

	if (!filter)
		return;
	for (i = 0; i < filter->count; i++)
		kfree(filter->range[i].bitmap);
	kfree(filter);
}

static bool allows(const struct msr_filter *filter, u32 index, u32 access)
{
	u32 i;

	/* MSRs of the local APIC are never filtered, because hardware may virtualize them. */
	if (index >= LAPIC_MSR_FIRST && index <= LAPIC_MSR_LAST)
		return true;
	for (i = 0; i < filter->count; i++) {
		const struct msr_range *range = &filter->range[i];
		u32 bit = index - range->base;

		if (bit < range->count && range->flags & access)
			return test_bit(array_index_nospec(bit, range->count), range->bitmap);
	}
	return filter->allow;
}

static int take_range(struct msr_filter *filter, const struct kvm_msr_filter_range *user)
{
	size_t size = BITS_TO_LONGS((size_t)user->nmsrs) * sizeof(long);
	unsigned long *bitmap;

	if (!user->nmsrs)
		return 0;
	if (!user->flags || user->flags & ~(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE) ||
	    size > KVM_MSR_FILTER_MAX_BITMAP_SIZE)
		return -EINVAL;
	bitmap = memdup_user((void __user *)user->bitmap, size);
	if (IS_ERR(bitmap))
		return PTR_ERR(bitmap);
	filter->range[filter->count++] = (struct msr_range){
		.flags = user->flags, .base = user->base, .count = user->nmsrs, .bitmap = bitmap
	};
	return 0;
}

static struct msr_filter *make_filter(const struct kvm_msr_filter *user)
{
	struct msr_filter *filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	int r = 0;
	u32 i;

	if (!filter)
		return ERR_PTR(-ENOMEM);
	filter->allow = !(user->flags & KVM_MSR_FILTER_DEFAULT_DENY);
	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES && !r; i++)
		r = take_range(filter, &user->ranges[i]);
	/* A filter that denies every access is a mistake. */
	if (!r && !filter->count && !filter->allow)
		r = -EINVAL;
	if (r) {
		free_filter(filter);
		return ERR_PTR(r);
	}
	return filter;
}

int msr_filter_set(struct vm *vm, const struct kvm_msr_filter *user)
{
	struct msr_filter *filter, *old;

	if (user->flags & ~KVM_MSR_FILTER_DEFAULT_DENY)
		return -EINVAL;
	filter = make_filter(user);
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	if (!filter->count) {
		free_filter(filter);
		filter = NULL;
	}
	mutex_lock(&vm->lock);
	old = rcu_replace_pointer(vm->msr_filter, filter, lockdep_is_held(&vm->lock));
	vm_make_request_all(vm, REQ_MSR_FILTER);
	synchronize_srcu(&vm->memory.srcu);
	mutex_unlock(&vm->lock);
	free_filter(old);
	return 0;
}

void msr_filter_destroy(struct vm *vm)
{
	free_filter(rcu_dereference_protected(vm->msr_filter, true));
}

static const struct msr_filter *filter_of(const struct vcpu *vcpu)
{
	return srcu_dereference(vcpu->vm->msr_filter, &vcpu->vm->memory.srcu);
}

bool msr_filter_denies(const struct vcpu *vcpu, const u32 *list, u32 count)
{
	const struct msr_filter *filter = filter_of(vcpu);
	u32 i;

	if (!filter)
		return false;
	for (i = 0; i < count; i++)
		if (!allows(filter, list[i], KVM_MSR_FILTER_READ) ||
		    !allows(filter, list[i], KVM_MSR_FILTER_WRITE))
			return true;
	return false;
}

/*
 * The exits.
 */

static bool filtered(const struct vcpu *vcpu, u32 index, u32 access)
{
	const struct msr_filter *filter = filter_of(vcpu);

	return unlikely(filter) && !allows(filter, index, access);
}

/* Raise #GP, or exit to userspace if it has asked for exits with this reason. */
static enum exit_fate refuse(struct vcpu *vcpu, bool write, u32 reason, u64 data)
{
	struct kvm_run *run = vcpu->run;

	if (!(READ_ONCE(vcpu->vm->msr_exits) & reason)) {
		vcpu_raise_gp(vcpu);
		return EXIT_RESUME;
	}
	vcpu_need(vcpu, STATE_GPRS | STATE_RIP);
	run->exit_reason = write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR;
	memset(&run->msr, 0, sizeof(run->msr));
	run->msr.reason = reason;
	run->msr.index = vcpu->state.gpr[GPR_RCX];
	run->msr.data = data;
	vcpu->access.pending = write ? ACCESS_WRMSR : ACCESS_RDMSR;
	vcpu->access.rip = vcpu->state.rip;
	return EXIT_USER;
}

static u32 exit_reason(int refusal)
{
	return refusal == MSR_UNKNOWN ? KVM_MSR_EXIT_REASON_UNKNOWN : KVM_MSR_EXIT_REASON_INVAL;
}

static void set_result(struct vcpu *vcpu, u64 data)
{
	vcpu->state.gpr[GPR_RAX] = (u32)data;
	vcpu->state.gpr[GPR_RDX] = data >> 32;
	vcpu_touch(vcpu, STATE_GPRS);
}

enum exit_fate exit_rdmsr(struct vcpu *vcpu)
{
	u32 index;
	u64 data;
	int r;

	vcpu_need(vcpu, STATE_GPRS);
	index = vcpu->state.gpr[GPR_RCX];
	if (filtered(vcpu, index, KVM_MSR_FILTER_READ))
		return refuse(vcpu, false, KVM_MSR_EXIT_REASON_FILTER, 0);
	r = msr_read(vcpu, index, false, &data);
	if (r)
		return refuse(vcpu, false, exit_reason(r), 0);
	set_result(vcpu, data);
	return vcpu_skip(vcpu);
}

enum exit_fate exit_wrmsr(struct vcpu *vcpu)
{
	const u64 *gpr = vcpu->state.gpr;
	u32 index;
	u64 data;
	int r;

	vcpu_need(vcpu, STATE_GPRS);
	index = gpr[GPR_RCX];
	data = (u32)gpr[GPR_RAX] | gpr[GPR_RDX] << 32;
	if (filtered(vcpu, index, KVM_MSR_FILTER_WRITE))
		return refuse(vcpu, true, KVM_MSR_EXIT_REASON_FILTER, data);
	r = msr_write(vcpu, index, false, data);
	if (r)
		return refuse(vcpu, true, exit_reason(r), data);
	return vcpu_skip(vcpu);
}

enum exit_fate msr_complete(struct vcpu *vcpu)
{
	bool read = vcpu->access.pending == ACCESS_RDMSR;

	vcpu->access.pending = ACCESS_NONE;
	if (READ_ONCE(vcpu->run->msr.error)) {
		vcpu_raise_gp(vcpu);
		return EXIT_RESUME;
	}
	vcpu_need(vcpu, STATE_GPRS);
	if (read)
		set_result(vcpu, READ_ONCE(vcpu->run->msr.data));
	return vcpu_skip(vcpu);
}
