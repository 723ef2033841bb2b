/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The capabilities of this machine's VT-x, from its capability MSRs (SDM 3D appendix A). Pure:
 * also serves userspace tests.
 */
#ifndef ORIEL_VMX_CAPS_H
#define ORIEL_VMX_CAPS_H

#include <linux/bits.h>
#include <linux/types.h>

/* The words of VM-execution, VM-exit and VM-entry controls. */
enum vmx_word { VMX_PIN, VMX_PRIMARY, VMX_SECONDARY, VMX_EXIT, VMX_ENTRY, VMX_WORDS };

/* The settings that the CPU allows in a word of controls. */
struct vmx_allowed {
	u32 ones; /* bits that must be 1 (the "allowed 0-settings", SDM 3D A.2) */
	u32 may; /* bits that may be 1 (the "allowed 1-settings") */
};

struct vmx_caps {
	u64 basic; /* IA32_VMX_BASIC */
	u64 misc; /* IA32_VMX_MISC */
	u64 ept_vpid; /* IA32_VMX_EPT_VPID_CAP */
	u64 cr0_fixed0; /* bits of CR0 that must be 1 in VMX operation (SDM 3D A.7) */
	u64 cr0_fixed1; /* bits of CR0 that may be 1 */
	u64 cr4_fixed0; /* bits of CR4 that must be 1 (SDM 3D A.8) */
	u64 cr4_fixed1; /* bits of CR4 that may be 1 */
	struct vmx_allowed allowed[VMX_WORDS];
	/*
	 * The controls that must be 1, and those that Oriel wants and the CPU has. A vCPU's VMCS
	 * starts with these.
	 */
	u32 use[VMX_WORDS];
	u8 maxphyaddr; /* physical-address width, in bits */
};

/* basic (SDM 3D A.1) */
#define VMX_BASIC_REVISION GENMASK_ULL(30, 0)
#define VMX_BASIC_SIZE_SHIFT 32
#define VMX_BASIC_SIZE_MASK 0x1fff
#define VMX_BASIC_32BIT_ADDRESSES BIT_ULL(48)
#define VMX_BASIC_MEMTYPE_SHIFT 50
#define VMX_BASIC_MEMTYPE_MASK 0xf
#define VMX_BASIC_TRUE_CONTROLS BIT_ULL(55)
/* misc (SDM 3D A.6) */
#define VMX_MISC_PREEMPTION_TIMER_RATE GENMASK(4, 0)
#define VMX_MISC_ACTIVITY_HLT BIT(6)
#define VMX_MISC_ACTIVITY_SHUTDOWN BIT(7)
#define VMX_MISC_ACTIVITY_WAIT_FOR_SIPI BIT(8)
#define VMX_MISC_CR3_TARGETS_SHIFT 16
#define VMX_MISC_CR3_TARGETS_MASK 0x1ff
#define VMX_MISC_ZERO_INSTRUCTION_LENGTH BIT(30)
/* ept_vpid (SDM 3D A.10) */
#define VMX_EPT_EXECUTE_ONLY BIT_ULL(0)
#define VMX_EPT_WALK_LENGTH_4 BIT_ULL(6)
#define VMX_EPT_WALK_LENGTH_5 BIT_ULL(7)
#define VMX_EPT_MEMTYPE_UC BIT_ULL(8)
#define VMX_EPT_MEMTYPE_WB BIT_ULL(14)
#define VMX_EPT_2M BIT_ULL(16)
#define VMX_EPT_1G BIT_ULL(17)
#define VMX_EPT_INVEPT BIT_ULL(20)
#define VMX_EPT_ACCESSED_DIRTY BIT_ULL(21)
#define VMX_EPT_INVEPT_SINGLE BIT_ULL(25)
#define VMX_EPT_INVEPT_ALL BIT_ULL(26)
#define VMX_VPID_INVVPID BIT_ULL(32)
#define VMX_VPID_INVVPID_SINGLE BIT_ULL(41)
#define VMX_VPID_INVVPID_ALL BIT_ULL(42)

/**
 * vmx_timer_erratum() - return true if the VMX-preemption timer of a CPU counts at a rate that the
 * CPU does not report
 * @signature: CPUID 1 EAX
 */
static inline bool vmx_timer_erratum(u32 signature)
{
	u32 family = signature >> 8 & 0xf;
	u32 model = (signature >> 12 & 0xf0) | (signature >> 4 & 0xf);

	if (family != 6)
		return false;
	switch (model) {
	case 0x1a: /* Nehalem: AAK139 */
	case 0x1e:
	case 0x1f:
	case 0x2e:
	case 0x25: /* Westmere: BD59 */
	case 0x2c:
	case 0x2f:
		return true;
	case 0x3a: /* Ivy Bridge, of which only this stepping */
		return (signature & 0xf) == 8;
	default:
		return false;
	}
}

#endif
