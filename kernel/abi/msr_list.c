// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of MSRs: KVM_GET_MSR_INDEX_LIST, KVM_GET_MSRS and KVM_SET_MSRS. The MSRs themselves are in
 * guest/msr_table.c.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "abi/abi.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/msr.h"

int msr_ioctl_list(struct kvm_msr_list __user *user, bool features)
{
	u32 list[MSR_LIST_MAX];
	u32 n = msr_list(list, features);
	u32 room;

	if (get_user(room, &user->nmsrs) || put_user(n, &user->nmsrs))
		return -EFAULT;
	if (room < n)
		return -E2BIG;
	return copy_to_user(user->indices, list, n * sizeof(*list)) ? -EFAULT : 0;
}

/* A call with this many MSRs fails, as with KVM: the list of all MSRs is far shorter. */
#define MSRS_MAX 256

/* A list of so many, most often of one, needs no allocation. */
#define MSRS_FEW 4

/* Returns 0, or nonzero if the MSR refuses, which ends the list. */
static int transfer(struct vcpu *vcpu, struct kvm_msr_entry *entry, bool write)
{
	u64 data;
	int r;

	if (write)
		return msr_write(vcpu, entry->index, true, entry->data);
	r = vcpu ? msr_read(vcpu, entry->index, true, &data) :
		   msr_read_feature(entry->index, &data);
	if (!r)
		entry->data = data;
	return r;
}

/* Stop at the first entry that fails; returns the number of entries before it. */
static u32 transfer_all(struct vcpu *vcpu, struct kvm_msr_entry *entries, u32 count, bool write)
{
	u32 done = 0;

	while (done < count && !transfer(vcpu, &entries[done], write))
		done++;
	return done;
}

/* The same with the memslots held: some MSRs have the address of guest memory. */
static u32 transfer_on(struct vcpu *vcpu, struct kvm_msr_entry *entries, u32 count, bool write)
{
	int srcu = srcu_read_lock(&vcpu->vm->memory.srcu);
	u32 done = transfer_all(vcpu, entries, count, write);

	srcu_read_unlock(&vcpu->vm->memory.srcu, srcu);
	return done;
}

/* Read the whole list from userspace before the first MSR is written. */
static int transfer_list(struct vcpu *vcpu, struct kvm_msrs __user *user,
			 struct kvm_msr_entry *entries, u32 count, bool write)
{
	size_t size = count * sizeof(*entries);
	u32 done;

	if (copy_from_user(entries, user->entries, size))
		return -EFAULT;
	done = vcpu ? transfer_on(vcpu, entries, count, write) :
		      transfer_all(NULL, entries, count, write);
	if (!write && copy_to_user(user->entries, entries, size))
		return -EFAULT;
	return done;
}

static int ioctl_msrs(struct vcpu *vcpu, struct kvm_msrs __user *user, bool write)
{
	struct kvm_msr_entry few[MSRS_FEW], *entries;
	u32 count;
	int r;

	if (get_user(count, &user->nmsrs))
		return -EFAULT;
	if (count >= MSRS_MAX)
		return -E2BIG;
	if (count <= MSRS_FEW)
		return transfer_list(vcpu, user, few, count, write);
	entries = kmalloc_array(count, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	r = transfer_list(vcpu, user, entries, count, write);
	kfree(entries);
	return r;
}

int msr_ioctl_get(struct vcpu *vcpu, struct kvm_msrs __user *user)
{
	return ioctl_msrs(vcpu, user, false);
}

int msr_ioctl_set(struct vcpu *vcpu, struct kvm_msrs __user *user)
{
	return ioctl_msrs(vcpu, user, true);
}
