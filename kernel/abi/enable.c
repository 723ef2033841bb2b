// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_ENABLE_CAP: checks the arguments and hands each capability to whom it
 * concerns.
 */
#include <linux/errno.h>
#include <asm/cpufeature.h>

#include "abi/enable.h"
#include "abi/quirk.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/dirty_ring.h"
#include "run/exit_msr.h"

#define X2APIC_API_FLAGS (KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

/*
 * A MWAIT in which the local APIC's timer stops would not end when the host's next
 * timer is due.
 */
u32 exits_that_can_go(void)
{
	u32 exits = KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE;

	if (boot_cpu_has(X86_FEATURE_MWAIT) && boot_cpu_has(X86_FEATURE_ARAT) &&
	    !boot_cpu_has_bug(X86_BUG_MONITOR))
		exits |= KVM_X86_DISABLE_EXITS_MWAIT;
	return exits;
}

static int enable_x2apic_api(struct vm *vm, u64 flags)
{
	if (flags & ~X2APIC_API_FLAGS)
		return -EINVAL;
	/* What was turned on stays on. */
	if (flags & KVM_X2APIC_API_USE_32BIT_IDS)
		vm->fabric.ids32 = true;
	if (flags & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		vm->fabric.no_x2apic_broadcast = true;
	return 0;
}

/* Once, and before the vCPUs that it limits. */
static int limit_vcpu_ids(struct vm *vm, u64 limit)
{
	if (limit > VM_MAX_VCPU_ID || (vm->vcpu_id_limit && limit != vm->vcpu_id_limit))
		return -EINVAL;
	vm->vcpu_id_limit = limit;
	return 0;
}

static int split_irqchip(struct vm *vm, u64 user_pins)
{
	if (user_pins <= FABRIC_MAX_GSI && vm->vcpu_count)
		return -EEXIST;
	return fabric_split_irqchip(&vm->fabric, user_pins);
}

static int disable_exits(struct vm *vm, u64 exits)
{
	if (exits & ~(u64)exits_that_can_go() || vm->vcpu_count)
		return -EINVAL;
	vm->exits_off |= exits;
	return 0;
}

static int enable_vm_cap_locked(struct vm *vm, const struct kvm_enable_cap *cap)
{
	switch (cap->cap) {
	case KVM_CAP_X2APIC_API:
		return enable_x2apic_api(vm, cap->args[0]);
	case KVM_CAP_SPLIT_IRQCHIP:
		return split_irqchip(vm, cap->args[0]);
	case KVM_CAP_X86_DISABLE_EXITS:
		return disable_exits(vm, cap->args[0]);
	case KVM_CAP_EXCEPTION_PAYLOAD:
		vm->exception_payload = cap->args[0];
		return 0;
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
		vm->triple_fault_event = cap->args[0];
		return 0;
	case KVM_CAP_MAX_VCPU_ID:
		return limit_vcpu_ids(vm, cap->args[0]);
	case KVM_CAP_EXIT_ON_EMULATION_FAILURE:
		if (cap->args[0] > 1)
			return -EINVAL;
		vm->unknown_insns_exit = cap->args[0];
		return 0;
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return dirty_log_set_manual(&vm->memory, cap->args[0]);
	case KVM_CAP_DISABLE_QUIRKS2:
		if (cap->args[0] & ~(u64)QUIRKS)
			return -EINVAL;
		fallthrough;
	case KVM_CAP_DISABLE_QUIRKS:
		quirks_disable(vm, cap->args[0]);
		return 0;
	case KVM_CAP_X86_USER_SPACE_MSR:
		if (cap->args[0] & ~(u64)MSR_EXIT_REASONS)
			return -EINVAL;
		WRITE_ONCE(vm->msr_exits, cap->args[0]);
		return 0;
	case KVM_CAP_MSR_PLATFORM_INFO:
		WRITE_ONCE(vm->platform_info_hidden, !cap->args[0]);
		return 0;
	case KVM_CAP_DIRTY_LOG_RING:
	case KVM_CAP_DIRTY_LOG_RING_ACQ_REL:
		return dirty_ring_enable(vm, cap->args[0]);
	default:
		return -EINVAL;
	}
}

int enable_vm_cap(struct vm *vm, const struct kvm_enable_cap *cap)
{
	int r;

	if (cap->flags)
		return -EINVAL;
	mutex_lock(&vm->lock);
	r = enable_vm_cap_locked(vm, cap);
	mutex_unlock(&vm->lock);
	return r;
}

int enable_vcpu_cap(struct vcpu *vcpu, const struct kvm_enable_cap *cap)
{
	if (cap->flags)
		return -EINVAL;
	switch (cap->cap) {
	case KVM_CAP_ENFORCE_PV_FEATURE_CPUID:
		vcpu->pv_enforced = cap->args[0];
		return 0;
	default:
		return -EINVAL;
	}
}
