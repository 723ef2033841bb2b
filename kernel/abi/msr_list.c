// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs for userspace: the lists of those that exist, KVM_GET_MSRS and KVM_SET_MSRS.
 */
#include <linux/kvm_para.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/msr.h>

#include "abi/abi.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/cpuid_table.h"
#include "guest/msr.h"

/* DE_CFG: LFENCE is dispatch serializing (APM 2 3.2.2). */
#define DE_CFG_LFENCE_SERIALIZE BIT_ULL(1)

/* KVM_GET_MSR_INDEX_LIST: the MSRs that a migration has to copy. */
static const u32 state_msrs[] = {
	MSR_IA32_SYSENTER_CS,
	MSR_IA32_SYSENTER_ESP,
	MSR_IA32_SYSENTER_EIP,
	MSR_STAR,
	MSR_CSTAR,
	MSR_KERNEL_GS_BASE,
	MSR_SYSCALL_MASK,
	MSR_LSTAR,
	MSR_IA32_TSC,
	MSR_IA32_CR_PAT,
	MSR_TSC_AUX,
	MSR_IA32_TSC_ADJUST,
	MSR_IA32_TSC_DEADLINE,
	MSR_IA32_MISC_ENABLE,
	MSR_IA32_MCG_STATUS,
	MSR_IA32_MCG_CTL,
	MSR_IA32_SPEC_CTRL,
	MSR_IA32_ARCH_CAPABILITIES,
	MSR_IA32_UCODE_REV,
	MSR_IA32_POWER_CTL,
	MSR_PLATFORM_INFO,
	MSR_MISC_FEATURES_ENABLES,
	MSR_K7_HWCR,
	MSR_KVM_SYSTEM_TIME,
	MSR_KVM_SYSTEM_TIME_NEW,
	MSR_KVM_WALL_CLOCK,
	MSR_KVM_WALL_CLOCK_NEW,
	MSR_KVM_STEAL_TIME,
	MSR_KVM_PV_EOI_EN,
	MSR_KVM_POLL_CONTROL,
};

/* KVM_GET_MSR_FEATURE_INDEX_LIST: MSRs whose value shows features that a guest can have. */
static const u32 feature_msrs[] = {
	MSR_AMD64_DE_CFG,
	MSR_IA32_UCODE_REV,
	MSR_IA32_ARCH_CAPABILITIES,
	MSR_IA32_PERF_CAPABILITIES,
};

#define LIST_MAX ARRAY_SIZE(state_msrs)

static int feature_read(u32 index, u64 *data)
{
	switch (index) {
	case MSR_AMD64_DE_CFG:
		*data = boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? DE_CFG_LFENCE_SERIALIZE : 0;
		return 0;
	case MSR_IA32_UCODE_REV:
		return rdmsrl_safe(index, data) ? 1 : 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*data = msr_arch_capabilities();
		return 0;
	case MSR_IA32_PERF_CAPABILITIES:
		/* A guest has no performance counters (SDM 3B 19.8). */
		*data = 0;
		return 0;
	default:
		return 1;
	}
}

/* Return true if this host supports an MSR of the lists above. */
static bool exists(u32 index, bool features)
{
	const struct cpuid_facts *facts = cpuid_host_facts();
	u64 data;

	if (features)
		return !feature_read(index, &data);
	switch (index) {
	case MSR_TSC_AUX:
		return facts->rdtscp || facts->rdpid;
	case MSR_IA32_SPEC_CTRL:
		return facts->spec_ctrl;
	case MSR_KVM_STEAL_TIME:
		return facts->pv_features & BIT(KVM_FEATURE_STEAL_TIME);
	default:
		return true;
	}
}

int msr_ioctl_list(struct kvm_msr_list __user *user, bool features)
{
	const u32 *all = features ? feature_msrs : state_msrs;
	u32 count = features ? ARRAY_SIZE(feature_msrs) : ARRAY_SIZE(state_msrs);
	u32 list[LIST_MAX];
	u32 i, room, n = 0;

	for (i = 0; i < count; i++)
		if (exists(all[i], features))
			list[n++] = all[i];
	if (get_user(room, &user->nmsrs) || put_user(n, &user->nmsrs))
		return -EFAULT;
	if (room < n)
		return -E2BIG;
	return copy_to_user(user->indices, list, n * sizeof(*list)) ? -EFAULT : 0;
}

/* One call must have fewer MSRs than this. */
#define MSRS_MAX 256

/* A list of at most this many MSRs is not allocated. Most have one. */
#define MSRS_FEW 4

/* Read or write one MSR. Return 0, or another value if this is refused and the list ends here. */
static int transfer(struct vcpu *vcpu, struct kvm_msr_entry *entry, bool write)
{
	u64 data;
	int r;

	if (write)
		return msr_write(vcpu, entry->index, true, entry->data);
	r = vcpu ? msr_read(vcpu, entry->index, true, &data) : feature_read(entry->index, &data);
	if (!r)
		entry->data = data;
	return r;
}

/* Stop at the first entry that is refused, and return the number of entries before it. */
static u32 transfer_all(struct vcpu *vcpu, struct kvm_msr_entry *entries, u32 count, bool write)
{
	u32 done = 0;

	while (done < count && !transfer(vcpu, &entries[done], write))
		done++;
	return done;
}

/* Hold srcu, because some MSRs have an address of guest memory. */
static u32 transfer_on(struct vcpu *vcpu, struct kvm_msr_entry *entries, u32 count, bool write)
{
	int srcu = srcu_read_lock(&vcpu->vm->memory.srcu);
	u32 done = transfer_all(vcpu, entries, count, write);

	srcu_read_unlock(&vcpu->vm->memory.srcu, srcu);
	return done;
}

/* Copy the whole list in before the first MSR is written. */
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
