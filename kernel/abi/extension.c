// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CHECK_EXTENSION and ORIEL_CHECK_EXTENSION: a capability stands here when the
 * whole of it works.
 */
#include <linux/cpumask.h>
#include <linux/kvm.h>
#include <linux/minmax.h>

#include "abi/enable.h"
#include "abi/extension.h"
#include "abi/quirk.h"
#include "core/vm.h"
#include "guest/dirty_ring.h"
#include "guest/fpu.h"
#include "run/exit_debug.h"
#include "uapi/oriel.h"

int extension_check(unsigned long cap)
{
	switch (cap) {
	case KVM_CAP_IRQCHIP:
	case KVM_CAP_HLT:
	case KVM_CAP_USER_MEMORY:
	case KVM_CAP_DESTROY_MEMORY_REGION_WORKS:
	case KVM_CAP_JOIN_MEMORY_REGIONS_WORKS:
	case KVM_CAP_SYNC_MMU:
	case KVM_CAP_READONLY_MEM:
	case KVM_CAP_SET_TSS_ADDR:
	case KVM_CAP_SET_IDENTITY_MAP_ADDR:
	case KVM_CAP_SET_BOOT_CPU_ID:
	case KVM_CAP_EXT_CPUID:
	case KVM_CAP_CLOCKSOURCE:
	case KVM_CAP_NOP_IO_DELAY:
	case KVM_CAP_MP_STATE:
	case KVM_CAP_VCPU_EVENTS:
	case KVM_CAP_DEBUGREGS:
	case KVM_CAP_SREGS2:
	case KVM_CAP_SET_GUEST_DEBUG:
	case KVM_CAP_X86_ROBUST_SINGLESTEP:
	case KVM_CAP_EXCEPTION_PAYLOAD:
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
	case KVM_CAP_USER_NMI:
	case KVM_CAP_PIT2:
	case KVM_CAP_PIT_STATE2:
	case KVM_CAP_REINJECT_CONTROL:
	case KVM_CAP_IRQ_INJECT_STATUS:
	case KVM_CAP_SIGNAL_MSI:
	case KVM_CAP_SPLIT_IRQCHIP:
	case KVM_CAP_IRQFD:
	case KVM_CAP_IRQFD_RESAMPLE:
	case KVM_CAP_IOEVENTFD:
	case KVM_CAP_IOEVENTFD_NO_LENGTH:
	case KVM_CAP_IOEVENTFD_ANY_LENGTH:
	case KVM_CAP_COALESCED_PIO:
	case KVM_CAP_GET_TSC_KHZ:
	case KVM_CAP_KVMCLOCK_CTRL:
	case KVM_CAP_TSC_DEADLINE_TIMER:
	case KVM_CAP_VAPIC:
	case KVM_CAP_CHECK_EXTENSION_VM:
	case KVM_CAP_DEVICE_CTRL:
	case KVM_CAP_ENABLE_CAP:
	case KVM_CAP_ENABLE_CAP_VM:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_GET_MSR_FEATURES:
	case KVM_CAP_DISABLE_QUIRKS:
	case KVM_CAP_BINARY_STATS_FD:
	case KVM_CAP_SYS_ATTRIBUTES:
	case KVM_CAP_VCPU_ATTRIBUTES:
	case KVM_CAP_MSR_PLATFORM_INFO:
	case KVM_CAP_X86_MSR_FILTER:
	case KVM_CAP_X86_USER_SPACE_MSR:
	case KVM_CAP_ENFORCE_PV_FEATURE_CPUID:
	case KVM_CAP_INTERNAL_ERROR_DATA:
	case KVM_CAP_LAST_CPU:
	case KVM_CAP_EXIT_ON_EMULATION_FAILURE:
		return 1;
	case KVM_CAP_SYNC_REGS:
		return KVM_SYNC_X86_VALID_FIELDS;
	case KVM_CAP_SET_GUEST_DEBUG2:
		return GUEST_DEBUG_CONTROLS;
	case KVM_CAP_XSAVE:
	case KVM_CAP_XCRS:
		return fpu_host.xcr0 ? 1 : 0;
	case KVM_CAP_XSAVE2:
		return fpu_host.xcr0 ? fpu_xsave_size() : 0;
	case KVM_CAP_ADJUST_CLOCK:
		return KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
	case KVM_CAP_DISABLE_QUIRKS2:
		return QUIRKS;
	case KVM_CAP_X86_DISABLE_EXITS:
		return exits_that_can_go();
	case KVM_CAP_MCE:
		return MC_BANKS;
	case KVM_CAP_IRQ_ROUTING:
		return FABRIC_MAX_GSI;
	case KVM_CAP_COALESCED_MMIO:
		return COALESCED_PAGE_OFFSET;
	case KVM_CAP_NR_MEMSLOTS:
		return MEMSLOT_MAX;
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return DIRTY_LOG_MANUAL_FLAGS;
	case KVM_CAP_DIRTY_LOG_RING:
	case KVM_CAP_DIRTY_LOG_RING_ACQ_REL:
		return DIRTY_RING_MAX_SIZE;
	case KVM_CAP_NR_VCPUS:
		return min_t(u32, num_online_cpus(), VM_MAX_VCPUS);
	case KVM_CAP_MAX_VCPUS:
		return VM_MAX_VCPUS;
	case KVM_CAP_MAX_VCPU_ID:
		return VM_MAX_VCPU_ID;
	case KVM_CAP_X2APIC_API:
		return KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
	default:
		return 0;
	}
}

int extension_check_own(unsigned long cap)
{
	return cap == ORIEL_CAP_ENTRY_REPORT;
}
