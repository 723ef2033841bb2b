// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of VM entry about the guest-state area, without those about segment registers
 * (SDM 3C 27.3.1). Pure.
 */
#include <linux/bits.h>

#include "x86/cr.h"
#include "vmx/check.h"

/* Bits that no CPU has (SDM 3B 18.4.1). */
#define DEBUGCTL_RESERVED (GENMASK_ULL(5, 3) | GENMASK_ULL(63, 16))
#define DEBUGCTL_BTF BIT_ULL(1)

#define BNDCFGS_RESERVED GENMASK_ULL(11, 2)
#define BNDCFGS_FLAGS GENMASK_ULL(11, 0)

#define RFLAGS_TF BIT_ULL(8)
#define RFLAGS_IF BIT_ULL(9)
#define RFLAGS_VM BIT_ULL(17)
#define RFLAGS_FIXED BIT_ULL(1)
#define RFLAGS_RESERVED (BIT_ULL(3) | BIT_ULL(5) | BIT_ULL(15) | GENMASK_ULL(63, 22))

#define RIGHTS_DPL GENMASK_ULL(6, 5)
#define RIGHTS_L BIT_ULL(13)

#define INTERRUPTIBILITY_RESERVED GENMASK_ULL(31, 5)
/* Without bit 11, which reports a bus lock on CPUs that detect them. */
#define PENDING_DEBUG_RESERVED \
	(GENMASK_ULL(10, 4) | BIT_ULL(13) | BIT_ULL(15) | GENMASK_ULL(63, 17))
/* Bits that must be 0 if RTM is 1. */
#define PENDING_DEBUG_NOT_RTM (GENMASK_ULL(11, 0) | GENMASK_ULL(15, 13) | GENMASK_ULL(63, 17))

#define NO_VMCS (~0ull)

#define PDPTE_PRESENT BIT_ULL(0)
#define PDPTE_RESERVED (GENMASK_ULL(2, 1) | GENMASK_ULL(8, 5))

static bool injects(const struct vmx_entry *entry, u32 type)
{
	return entry->event && (entry->event & EVENT_WORD_TYPE) == type;
}

/*
 * Control registers, debug registers and MSRs.
 */

static bool cr0_unsupported(const struct vmx_entry *entry, u64 value, u64 unused)
{
	const struct vmx_caps *caps = entry->caps;
	u64 ones = caps->cr0_fixed0;

	if (entry->unrestricted)
		ones &= ~(u64)(CR0_PE | CR0_PG);
	return (value & ones) != ones || value & ~caps->cr0_fixed1;
}

static bool paging_unprotected(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & CR0_PG && !(value & CR0_PE);
}

static bool cet_without_wp(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & VMX_CR4_CET && !(entry->cr0 & CR0_WP);
}

static bool pcide_outside_ia32e(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & CR4_PCIDE && !entry->ia32e;
}

static bool lma_not_of_mode(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return !!(value & CR_EFER_LMA) != entry->ia32e;
}

static bool lma_not_lme(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return entry->cr0 & CR0_PG && !(value & CR_EFER_LMA) != !(value & CR_EFER_LME);
}

static bool bndcfgs_not_canonical(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return vmx_not_canonical(entry, value & ~BNDCFGS_FLAGS, 0);
}

/*
 * RIP and RFLAGS.
 */

static bool in_64bit_code(const struct vmx_entry *entry)
{
	return entry->ia32e && vmx_entry_read(entry, vmcs_guest_cs_access_rights) & RIGHTS_L;
}

static bool rip_too_wide(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return !in_64bit_code(entry) && value >> 32;
}

/* An entry accepts RIP right behind the last canonical address: the guest gets #GP then. */
static bool rip_mixed(const struct vmx_entry *entry, u64 value, u64 unused)
{
	u64 upper = value >> entry->source->linear_width;

	return in_64bit_code(entry) && upper && upper != ~0ull >> entry->source->linear_width;
}

static bool v86_in_ia32e(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & RFLAGS_VM && entry->ia32e;
}

static bool v86_unprotected(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & RFLAGS_VM && !(entry->cr0 & CR0_PE);
}

static bool interrupt_without_if(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return injects(entry, EVENT_WORD_INTERRUPT) && !(value & RFLAGS_IF);
}

/*
 * Activity and interruptibility.
 */

static bool activity_unsupported(const struct vmx_entry *entry, u64 value, u64 unused)
{
	switch (value) {
	case ACTIVITY_ACTIVE:
		return false;
	case ACTIVITY_HLT:
		return !(entry->caps->misc & VMX_MISC_ACTIVITY_HLT);
	case ACTIVITY_SHUTDOWN:
		return !(entry->caps->misc & VMX_MISC_ACTIVITY_SHUTDOWN);
	case ACTIVITY_WAIT_FOR_SIPI:
		return !(entry->caps->misc & VMX_MISC_ACTIVITY_WAIT_FOR_SIPI);
	default:
		return true;
	}
}

static bool halted_user(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value == ACTIVITY_HLT &&
	       vmx_entry_read(entry, vmcs_guest_ss_access_rights) & RIGHTS_DPL;
}

static bool inactive_in_shadow(const struct vmx_entry *entry, u64 value, u64 unused)
{
	u64 state = vmx_entry_read(entry, vmcs_guest_interruptibility_state);

	return value != ACTIVITY_ACTIVE && state & BLOCKING_SHADOW;
}

/* Return true if the event can be injected into a halted guest. */
static bool ends_hlt(const struct vmx_entry *entry)
{
	u8 vector = entry->event & EVENT_WORD_VECTOR;

	switch (entry->event & EVENT_WORD_TYPE) {
	case EVENT_WORD_INTERRUPT:
	case EVENT_WORD_NMI:
		return true;
	case EVENT_WORD_EXCEPTION:
		return vector == EXC_DB || vector == EXC_MC;
	case EVENT_WORD_OTHER_EVENT:
		return vector == 0;
	default:
		return false;
	}
}

static bool event_blocked_by_activity(const struct vmx_entry *entry, u64 value, u64 unused)
{
	if (!entry->event)
		return false;
	switch (value) {
	case ACTIVITY_HLT:
		return !ends_hlt(entry);
	case ACTIVITY_SHUTDOWN:
		return !injects(entry, EVENT_WORD_NMI) &&
		       !(injects(entry, EVENT_WORD_EXCEPTION) &&
			 (entry->event & EVENT_WORD_VECTOR) == EXC_MC);
	default:
		return value == ACTIVITY_WAIT_FOR_SIPI;
	}
}

static bool two_shadows(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & BLOCKING_BY_STI && value & BLOCKING_BY_MOV_SS;
}

static bool sti_without_if(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & BLOCKING_BY_STI && !(entry->rflags & RFLAGS_IF);
}

static bool interrupt_blocked(const struct vmx_entry *entry, u64 value, u64 blocking)
{
	return injects(entry, EVENT_WORD_INTERRUPT) && value & blocking;
}

static bool nmi_blocked(const struct vmx_entry *entry, u64 value, u64 blocking)
{
	return injects(entry, EVENT_WORD_NMI) && value & blocking;
}

static bool enclave_after_mov_ss(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & ENCLAVE_INTERRUPTION && value & BLOCKING_BY_MOV_SS;
}

static bool enclave_without_sgx(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & ENCLAVE_INTERRUPTION && !entry->source->sgx;
}

/*
 * Pending debug exceptions.
 */

/*
 * In a shadow or HLT, the #DB of a single step must be pending if the guest steps, and must not
 * be pending if it does not.
 */
static bool step_held_back(const struct vmx_entry *entry)
{
	return vmx_entry_read(entry, vmcs_guest_activity_state) == ACTIVITY_HLT ||
	       vmx_entry_read(entry, vmcs_guest_interruptibility_state) & BLOCKING_SHADOW;
}

static bool steps(const struct vmx_entry *entry)
{
	return entry->rflags & RFLAGS_TF &&
	       !(vmx_entry_read(entry, vmcs_guest_ia32_debugctl) & DEBUGCTL_BTF);
}

static bool step_lost(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return step_held_back(entry) && steps(entry) && !(value & PENDING_DEBUG_BS);
}

static bool step_invented(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return step_held_back(entry) && !steps(entry) && value & PENDING_DEBUG_BS;
}

static bool rtm_not_alone(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & PENDING_DEBUG_RTM &&
	       (value & PENDING_DEBUG_NOT_RTM || !(value & PENDING_DEBUG_ENABLED));
}

static bool rtm_without_rtm(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & PENDING_DEBUG_RTM && !entry->source->rtm;
}

static bool rtm_after_mov_ss(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & PENDING_DEBUG_RTM &&
	       vmx_entry_read(entry, vmcs_guest_interruptibility_state) & BLOCKING_BY_MOV_SS;
}

/*
 * The VMCS link pointer and PDPTEs.
 */

static bool link_misaligned(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value != NO_VMCS && value & GENMASK_ULL(11, 0);
}

static bool link_beyond_width(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value != NO_VMCS && vmx_beyond_width(entry, value, 0);
}

static bool pdpte_reserved(const struct vmx_entry *entry, u64 value, u64 unused)
{
	if (!(entry->cr0 & CR0_PG) || !(entry->cr4 & CR4_PAE) || entry->ia32e)
		return false;
	return value & PDPTE_PRESENT &&
	       (value & PDPTE_RESERVED || vmx_beyond_maxphyaddr(entry, value, 0));
}

#define PDPTE(field)                                                                    \
	VMX_RULE_IF(VMX_SECONDARY, SECONDARY_EPT, field, pdpte_reserved, 0, "27.3.1.6", \
		    "with PAE paging, reserved bits of an entry that is present must be 0")

#define ACTIVITY(broken, rule) VMX_RULE(guest_activity_state, broken, 0, "27.3.1.5", rule)
#define BLOCKING(broken, argument, rule) \
	VMX_RULE(guest_interruptibility_state, broken, argument, "27.3.1.5", rule)
#define PENDING(broken, argument, rule) \
	VMX_RULE(guest_pending_debug_exceptions, broken, argument, "27.3.1.5", rule)

static const struct vmx_rule rules[] = {
	/* Control registers, debug registers and MSRs */
	VMX_RULE(guest_cr0, cr0_unsupported, 0, "27.3.1.1",
		 "every bit must have a value that IA32_VMX_CR0_FIXED0 and 1 allow"),
	VMX_RULE(guest_cr0, paging_unprotected, 0, "27.3.1.1", "CR0.PG needs CR0.PE"),
	VMX_RULE(guest_cr4, vmx_bad_cr4, 0, "27.3.1.1",
		 "every bit must have a value that IA32_VMX_CR4_FIXED0 and 1 allow"),
	VMX_RULE(guest_cr4, cet_without_wp, 0, "27.3.1.1", "CR4.CET needs CR0.WP"),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_LOAD_DEBUG_CONTROLS, guest_ia32_debugctl, vmx_bits_set,
		    DEBUGCTL_RESERVED, "27.3.1.1", "reserved bits must be 0"),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_IA32E_MODE_GUEST, guest_cr0, vmx_bits_clear, CR0_PG,
		    "27.3.1.1", "CR0.PG must be 1 in IA-32e mode"),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_IA32E_MODE_GUEST, guest_cr4, vmx_bits_clear, CR4_PAE,
		    "27.3.1.1", "CR4.PAE must be 1 in IA-32e mode"),
	VMX_RULE(guest_cr4, pcide_outside_ia32e, 0, "27.3.1.1",
		 "CR4.PCIDE must be 0 outside of IA-32e mode"),
	VMX_RULE(guest_cr3, vmx_beyond_maxphyaddr, 0, "27.3.1.1",
		 "no bit beyond the physical-address width may be 1"),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_LOAD_DEBUG_CONTROLS, guest_dr7, vmx_bits_set,
		    GENMASK_ULL(63, 32), "27.3.1.1", "bits 63:32 must be 0"),
	VMX_RULE_CANONICAL(guest_ia32_sysenter_esp, "27.3.1.1"),
	VMX_RULE_CANONICAL(guest_ia32_sysenter_eip, "27.3.1.1"),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_LOAD_PERF_GLOBAL_CTRL, guest_ia32_perf_global_ctrl,
		    vmx_bad_perf_global_ctrl, 0, "27.3.1.1", "reserved bits must be 0"),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_LOAD_PAT, guest_ia32_pat, vmx_bad_pat, 0, "27.3.1.1",
		    "each byte must be a memory type: 0, 1, 4, 5, 6 or 7"),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_LOAD_EFER, guest_ia32_efer, vmx_bits_set, VMX_EFER_RESERVED,
		    "27.3.1.1", "reserved bits must be 0"),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_LOAD_EFER, guest_ia32_efer, lma_not_of_mode, 0, "27.3.1.1",
		    "LMA must equal \"IA-32e mode guest\""),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_LOAD_EFER, guest_ia32_efer, lma_not_lme, 0, "27.3.1.1",
		    "LMA must equal LME when CR0.PG is 1"),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_LOAD_BNDCFGS, guest_ia32_bndcfgs, vmx_bits_set,
		    BNDCFGS_RESERVED, "27.3.1.1", "reserved bits 11:2 must be 0"),
	VMX_RULE_IF(VMX_ENTRY, ENTRY_LOAD_BNDCFGS, guest_ia32_bndcfgs, bndcfgs_not_canonical, 0,
		    "27.3.1.1", "the address in bits 63:12 must be canonical"),

	/* Descriptor-table registers */
	VMX_RULE_CANONICAL(guest_gdtr_base, "27.3.1.3"),
	VMX_RULE_CANONICAL(guest_idtr_base, "27.3.1.3"),
	VMX_RULE(guest_gdtr_limit, vmx_bits_set, GENMASK_ULL(31, 16), "27.3.1.3",
		 "bits 31:16 must be 0"),
	VMX_RULE(guest_idtr_limit, vmx_bits_set, GENMASK_ULL(31, 16), "27.3.1.3",
		 "bits 31:16 must be 0"),

	/* RIP and RFLAGS */
	VMX_RULE(guest_rip, rip_too_wide, 0, "27.3.1.4",
		 "bits 63:32 must be 0 outside of 64-bit mode"),
	VMX_RULE(guest_rip, rip_mixed, 0, "27.3.1.4",
		 "bits from the linear-address width up must all be equal in 64-bit mode"),
	VMX_RULE(guest_rflags, vmx_bits_set, RFLAGS_RESERVED, "27.3.1.4",
		 "reserved bits 63:22, 15, 5 and 3 must be 0"),
	VMX_RULE(guest_rflags, vmx_bits_clear, RFLAGS_FIXED, "27.3.1.4", "bit 1 must be 1"),
	VMX_RULE(guest_rflags, v86_in_ia32e, 0, "27.3.1.4", "VM must be 0 in IA-32e mode"),
	VMX_RULE(guest_rflags, v86_unprotected, 0, "27.3.1.4", "VM must be 0 when CR0.PE is 0"),
	VMX_RULE(guest_rflags, interrupt_without_if, 0, "27.3.1.4",
		 "IF must be 1 when an external interrupt is injected"),

	/* Non-register state */
	ACTIVITY(activity_unsupported, "it must be a state that the CPU supports"),
	ACTIVITY(halted_user, "HLT needs privilege level 0 (SS.DPL)"),
	ACTIVITY(inactive_in_shadow, "it must be active under blocking by STI or MOV SS"),
	ACTIVITY(event_blocked_by_activity,
		 "the event that is injected must be one that ends this state"),
	BLOCKING(vmx_bits_set, INTERRUPTIBILITY_RESERVED, "reserved bits 31:5 must be 0"),
	BLOCKING(two_shadows, 0, "blocking by STI and blocking by MOV SS exclude each other"),
	BLOCKING(sti_without_if, 0, "blocking by STI needs RFLAGS.IF"),
	BLOCKING(interrupt_blocked, BLOCKING_SHADOW,
		 "an external interrupt cannot be injected under blocking by STI or MOV SS"),
	BLOCKING(nmi_blocked, BLOCKING_BY_MOV_SS,
		 "an NMI cannot be injected under blocking by MOV SS"),
	BLOCKING(nmi_blocked, BLOCKING_BY_STI,
		 "some CPUs do not inject an NMI under blocking by STI"),
	BLOCKING(vmx_bits_set, BLOCKING_BY_SMI, "blocking by SMI must be 0 outside of SMM"),
	VMX_RULE_IF(VMX_PIN, PIN_VIRTUAL_NMIS, guest_interruptibility_state, nmi_blocked,
		    BLOCKING_BY_NMI, "27.3.1.5",
		    "with \"virtual NMIs\", an NMI cannot be injected under blocking by NMI"),
	BLOCKING(enclave_after_mov_ss, 0, "an enclave interruption excludes blocking by MOV SS"),
	BLOCKING(enclave_without_sgx, 0, "an enclave interruption needs a CPU with SGX"),
	PENDING(vmx_bits_set, PENDING_DEBUG_RESERVED,
		"reserved bits 63:17, 15, 13 and 10:4 must be 0"),
	PENDING(step_lost, 0,
		"BS must be 1 in a shadow or HLT while RFLAGS.TF is 1 and DEBUGCTL.BTF is 0"),
	PENDING(step_invented, 0,
		"BS must be 0 in a shadow or HLT while RFLAGS.TF is 0 or DEBUGCTL.BTF is 1"),
	PENDING(rtm_not_alone, 0, "beside RTM, bit 12 must be 1 and all others 0"),
	PENDING(rtm_without_rtm, 0, "RTM needs a CPU with RTM"),
	PENDING(rtm_after_mov_ss, 0, "RTM excludes blocking by MOV SS"),
	VMX_RULE(vmcs_link_pointer, link_misaligned, 0, "27.3.1.5",
		 "bits 11:0 must be 0 unless all bits are 1"),
	VMX_RULE(vmcs_link_pointer, link_beyond_width, 0, "27.3.1.5",
		 "no bit beyond the physical-address width may be 1 unless all are"),

	/* Page-directory-pointer-table entries */
	PDPTE(guest_pdpte0),
	PDPTE(guest_pdpte1),
	PDPTE(guest_pdpte2),
	PDPTE(guest_pdpte3),
};

const struct vmx_rules vmx_guest_rules = { rules, ARRAY_SIZE(rules) };
