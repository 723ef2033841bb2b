// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities: one row each, for KVM_CHECK_EXTENSION and KVM_ENABLE_CAP. A capability that does
 * not work completely has no row.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <asm/cpufeature.h>

#include "abi/abi.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/dirty_ring.h"
#include "guest/fpu.h"
#include "run/exit_debug.h"
#include "run/exit_msr.h"
#include "uapi/oriel.h"

#define X2APIC_API_FLAGS (KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

/*
 * Quirks: ways in which KVM differs from a processor. Old clients rely on them; a client can turn
 * them off. Oriel does not have KVM's other quirks.
 */
#define QUIRKS                                                                   \
	(KVM_X86_QUIRK_LINT0_REENABLED | KVM_X86_QUIRK_OUT_7E_INC_RIP |          \
	 KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | KVM_X86_QUIRK_FIX_HYPERCALL_INSN | \
	 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

/*
 * Values that depend on the host.
 */

/*
 * Return the KVM_X86_DISABLE_EXITS_* that this host allows. The guest may execute MWAIT only if the
 * host's local APIC timer counts during MWAIT (ARAT), because that timer has to end it.
 */
static int exits_that_can_go(void)
{
	int exits = KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE;

	if (boot_cpu_has(X86_FEATURE_MWAIT) && boot_cpu_has(X86_FEATURE_ARAT) &&
	    !boot_cpu_has_bug(X86_BUG_MONITOR))
		exits |= KVM_X86_DISABLE_EXITS_MWAIT;
	return exits;
}

static int has_xsave(void)
{
	return fpu_host.xcr0 ? 1 : 0;
}

static int xsave_size(void)
{
	return fpu_host.xcr0 ? fpu_xsave_size() : 0;
}

static int recommended_vcpus(void)
{
	return min_t(u32, num_online_cpus(), VM_MAX_VCPUS);
}

/*
 * KVM_ENABLE_CAP on a VM, whose lock is held. These functions return 0 or the errno in the
 * capability's documentation.
 */

static int enable_x2apic_api(struct vm *vm, u64 flags)
{
	if (flags & ~X2APIC_API_FLAGS)
		return -EINVAL;
	/* A flag cannot be turned off again. */
	if (flags & KVM_X2APIC_API_USE_32BIT_IDS)
		vm->fabric.ids32 = true;
	if (flags & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		vm->fabric.no_x2apic_broadcast = true;
	return 0;
}

/* Userspace can set the limit once. It is valid for vCPUs that are created later. */
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

static int enable_exception_payload(struct vm *vm, u64 on)
{
	vm->exception_payload = on;
	return 0;
}

static int enable_triple_fault_event(struct vm *vm, u64 on)
{
	vm->triple_fault_event = on;
	return 0;
}

static int exit_on_unknown_insns(struct vm *vm, u64 on)
{
	if (on > 1)
		return -EINVAL;
	vm->unknown_insns_exit = on;
	return 0;
}

static int set_manual_dirty_log(struct vm *vm, u64 flags)
{
	return dirty_log_set_manual(&vm->memory, flags);
}

static int disable_quirks(struct vm *vm, u64 off)
{
	WRITE_ONCE(vm->quirks_off, off);
	vm->fabric.lint0_masked = off & KVM_X86_QUIRK_LINT0_REENABLED;
	return 0;
}

static int disable_quirks2(struct vm *vm, u64 off)
{
	return off & ~(u64)QUIRKS ? -EINVAL : disable_quirks(vm, off);
}

static int exit_on_msrs(struct vm *vm, u64 reasons)
{
	if (reasons & ~(u64)MSR_EXIT_REASONS)
		return -EINVAL;
	WRITE_ONCE(vm->msr_exits, reasons);
	return 0;
}

static int show_platform_info(struct vm *vm, u64 show)
{
	WRITE_ONCE(vm->platform_info_hidden, !show);
	return 0;
}

/*
 * KVM_ENABLE_CAP on a vCPU, whose mutex is held.
 */

static int enforce_pv(struct vcpu *vcpu, u64 on)
{
	vcpu->pv_enforced = on;
	return 0;
}

/**
 * struct capability - one capability
 * @value: the result of KVM_CHECK_EXTENSION
 * @check: computes this result; NULL if it is @value
 * @enable: enables it for a VM, with the first argument of KVM_ENABLE_CAP
 * @enable_vcpu: enables it for a vCPU
 */
struct capability {
	int value;
	int (*check)(void);
	int (*enable)(struct vm *vm, u64 arg);
	int (*enable_vcpu)(struct vcpu *vcpu, u64 arg);
};

static const struct capability capabilities[] = {
	/* The VM, its memory and its vCPUs. */
	[KVM_CAP_USER_MEMORY] = { .value = 1 },
	[KVM_CAP_DESTROY_MEMORY_REGION_WORKS] = { .value = 1 },
	[KVM_CAP_JOIN_MEMORY_REGIONS_WORKS] = { .value = 1 },
	[KVM_CAP_SYNC_MMU] = { .value = 1 },
	[KVM_CAP_READONLY_MEM] = { .value = 1 },
	[KVM_CAP_NR_MEMSLOTS] = { .value = MEMSLOT_MAX },
	[KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2] = { .value = DIRTY_LOG_MANUAL_FLAGS,
						.enable = set_manual_dirty_log },
	[KVM_CAP_DIRTY_LOG_RING] = { .value = DIRTY_RING_MAX_SIZE, .enable = dirty_ring_enable },
	[KVM_CAP_DIRTY_LOG_RING_ACQ_REL] = { .value = DIRTY_RING_MAX_SIZE,
					     .enable = dirty_ring_enable },
	[KVM_CAP_SET_TSS_ADDR] = { .value = 1 },
	[KVM_CAP_SET_IDENTITY_MAP_ADDR] = { .value = 1 },
	[KVM_CAP_NR_VCPUS] = { .check = recommended_vcpus },
	[KVM_CAP_MAX_VCPUS] = { .value = VM_MAX_VCPUS },
	[KVM_CAP_MAX_VCPU_ID] = { .value = VM_MAX_VCPU_ID, .enable = limit_vcpu_ids },
	[KVM_CAP_SET_BOOT_CPU_ID] = { .value = 1 },
	[KVM_CAP_DEVICE_CTRL] = { .value = 1 },

	/* Registers, CPUID, MSRs, events. */
	[KVM_CAP_EXT_CPUID] = { .value = 1 },
	[KVM_CAP_MP_STATE] = { .value = 1 },
	[KVM_CAP_VCPU_EVENTS] = { .value = 1 },
	[KVM_CAP_DEBUGREGS] = { .value = 1 },
	[KVM_CAP_SREGS2] = { .value = 1 },
	[KVM_CAP_SYNC_REGS] = { .value = KVM_SYNC_X86_VALID_FIELDS },
	[KVM_CAP_XSAVE] = { .check = has_xsave },
	[KVM_CAP_XSAVE2] = { .check = xsave_size },
	[KVM_CAP_XCRS] = { .check = has_xsave },
	[KVM_CAP_GET_MSR_FEATURES] = { .value = 1 },
	[KVM_CAP_MSR_PLATFORM_INFO] = { .value = 1, .enable = show_platform_info },
	[KVM_CAP_X86_MSR_FILTER] = { .value = 1 },
	[KVM_CAP_X86_USER_SPACE_MSR] = { .value = 1, .enable = exit_on_msrs },
	[KVM_CAP_EXCEPTION_PAYLOAD] = { .value = 1, .enable = enable_exception_payload },
	[KVM_CAP_X86_TRIPLE_FAULT_EVENT] = { .value = 1, .enable = enable_triple_fault_event },
	[KVM_CAP_MCE] = { .value = MC_BANKS },
	[KVM_CAP_SYS_ATTRIBUTES] = { .value = 1 },
	[KVM_CAP_VCPU_ATTRIBUTES] = { .value = 1 },

	/* Interrupt chips and doorbells. */
	[KVM_CAP_IRQCHIP] = { .value = 1 },
	[KVM_CAP_SPLIT_IRQCHIP] = { .value = 1, .enable = split_irqchip },
	[KVM_CAP_IRQ_ROUTING] = { .value = FABRIC_MAX_GSI },
	[KVM_CAP_IRQ_INJECT_STATUS] = { .value = 1 },
	[KVM_CAP_SIGNAL_MSI] = { .value = 1 },
	[KVM_CAP_IRQFD] = { .value = 1 },
	[KVM_CAP_IRQFD_RESAMPLE] = { .value = 1 },
	[KVM_CAP_IOEVENTFD] = { .value = 1 },
	[KVM_CAP_IOEVENTFD_NO_LENGTH] = { .value = 1 },
	[KVM_CAP_IOEVENTFD_ANY_LENGTH] = { .value = 1 },
	[KVM_CAP_COALESCED_MMIO] = { .value = COALESCED_PAGE_OFFSET },
	[KVM_CAP_COALESCED_PIO] = { .value = 1 },
	[KVM_CAP_PIT2] = { .value = 1 },
	[KVM_CAP_PIT_STATE2] = { .value = 1 },
	[KVM_CAP_REINJECT_CONTROL] = { .value = 1 },
	[KVM_CAP_USER_NMI] = { .value = 1 },
	[KVM_CAP_VAPIC] = { .value = 1 },
	[KVM_CAP_X2APIC_API] = { .value = X2APIC_API_FLAGS, .enable = enable_x2apic_api },

	/* Time, and features for a guest that knows KVM. */
	[KVM_CAP_CLOCKSOURCE] = { .value = 1 },
	[KVM_CAP_ADJUST_CLOCK] = { .value = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME |
					    KVM_CLOCK_HOST_TSC },
	[KVM_CAP_KVMCLOCK_CTRL] = { .value = 1 },
	[KVM_CAP_GET_TSC_KHZ] = { .value = 1 },
	[KVM_CAP_TSC_DEADLINE_TIMER] = { .value = 1 },
	[KVM_CAP_ENFORCE_PV_FEATURE_CPUID] = { .value = 1, .enable_vcpu = enforce_pv },

	/* Running, debugging, and the rest. */
	[KVM_CAP_HLT] = { .value = 1 },
	[KVM_CAP_NOP_IO_DELAY] = { .value = 1 },
	[KVM_CAP_IMMEDIATE_EXIT] = { .value = 1 },
	[KVM_CAP_X86_DISABLE_EXITS] = { .check = exits_that_can_go, .enable = disable_exits },
	[KVM_CAP_SET_GUEST_DEBUG] = { .value = 1 },
	[KVM_CAP_SET_GUEST_DEBUG2] = { .value = GUEST_DEBUG_CONTROLS },
	[KVM_CAP_X86_ROBUST_SINGLESTEP] = { .value = 1 },
	[KVM_CAP_INTERNAL_ERROR_DATA] = { .value = 1 },
	[KVM_CAP_EXIT_ON_EMULATION_FAILURE] = { .value = 1, .enable = exit_on_unknown_insns },
	[KVM_CAP_LAST_CPU] = { .value = 1 },
	[KVM_CAP_DISABLE_QUIRKS] = { .value = 1, .enable = disable_quirks },
	[KVM_CAP_DISABLE_QUIRKS2] = { .value = QUIRKS, .enable = disable_quirks2 },
	[KVM_CAP_BINARY_STATS_FD] = { .value = 1 },
	[KVM_CAP_CHECK_EXTENSION_VM] = { .value = 1 },
	[KVM_CAP_ENABLE_CAP] = { .value = 1 },
	[KVM_CAP_ENABLE_CAP_VM] = { .value = 1 },
};

/* Return the row of a capability number from userspace, or a row of zeros if there is none. */
static const struct capability *find(u64 cap)
{
	static const struct capability absent;

	if (cap >= ARRAY_SIZE(capabilities))
		return &absent;
	return &capabilities[array_index_nospec(cap, ARRAY_SIZE(capabilities))];
}

int capability_check(unsigned long cap)
{
	const struct capability *row = find(cap);

	return row->check ? row->check() : row->value;
}

int capability_check_own(unsigned long cap)
{
	return cap == ORIEL_CAP_ENTRY_REPORT;
}

int capability_enable_vm(struct vm *vm, const struct kvm_enable_cap *cap)
{
	const struct capability *row = find(cap->cap);
	int r;

	if (cap->flags || !row->enable)
		return -EINVAL;
	mutex_lock(&vm->lock);
	r = row->enable(vm, cap->args[0]);
	mutex_unlock(&vm->lock);
	return r;
}

int capability_enable_vcpu(struct vcpu *vcpu, const struct kvm_enable_cap *cap)
{
	const struct capability *row = find(cap->cap);

	if (cap->flags || !row->enable_vcpu)
		return -EINVAL;
	return row->enable_vcpu(vcpu, cap->args[0]);
}
