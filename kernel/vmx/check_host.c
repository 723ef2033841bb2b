// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of VM entry about the host-state area (SDM 3C 27.2.2 to 27.2.4). Pure.
 */
#include <linux/bits.h>

#include "x86/cr.h"
#include "vmx/check.h"

#define SELECTOR_RPL_TI GENMASK_ULL(2, 0)

static bool host_is_64bit(const struct vmx_entry *entry)
{
	return entry->controls[VMX_EXIT] & EXIT_HOST_ADDRESS_SPACE_SIZE;
}

static bool cr0_unsupported(const struct vmx_entry *entry, u64 value, u64 unused)
{
	const struct vmx_caps *caps = entry->caps;

	return (value & caps->cr0_fixed0) != caps->cr0_fixed0 || value & ~caps->cr0_fixed1;
}

static bool cet_without_wp(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & VMX_CR4_CET && !(vmx_entry_read(entry, vmcs_host_cr0) & CR0_WP);
}

static bool efer_not_of_size(const struct vmx_entry *entry, u64 value, u64 bit)
{
	return !!(value & bit) != host_is_64bit(entry);
}

static bool null_in_32bit_host(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return !host_is_64bit(entry) && !value;
}

static bool size_not_of_cpu(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return host_is_64bit(entry) != entry->source->host_ia32e;
}

static bool guest_wider_than_host(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return entry->ia32e && !host_is_64bit(entry);
}

static bool pcide_in_32bit_host(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return !host_is_64bit(entry) && value & CR4_PCIDE;
}

static bool rip_beyond_32bit_host(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return !host_is_64bit(entry) && value >> 32;
}

static bool no_pae_in_64bit_host(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return host_is_64bit(entry) && !(value & CR4_PAE);
}

static bool rip_not_canonical(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return host_is_64bit(entry) && vmx_not_canonical(entry, value, 0);
}

#define SELECTOR(field)                                          \
	VMX_RULE(field, vmx_bits_set, SELECTOR_RPL_TI, "27.2.3", \
		 "RPL and TI (bits 2:0) of the selector must be 0")

static const struct vmx_rule rules[] = {
	/* Control registers and MSRs */
	VMX_RULE(host_cr0, cr0_unsupported, 0, "27.2.2",
		 "every bit must have a value that IA32_VMX_CR0_FIXED0 and 1 allow"),
	VMX_RULE(host_cr4, vmx_bad_cr4, 0, "27.2.2",
		 "every bit must have a value that IA32_VMX_CR4_FIXED0 and 1 allow"),
	VMX_RULE(host_cr4, cet_without_wp, 0, "27.2.2", "CR4.CET needs CR0.WP"),
	VMX_RULE(host_cr3, vmx_beyond_maxphyaddr, 0, "27.2.2",
		 "no bit beyond the physical-address width may be 1"),
	VMX_RULE_CANONICAL(host_ia32_sysenter_esp, "27.2.2"),
	VMX_RULE_CANONICAL(host_ia32_sysenter_eip, "27.2.2"),
	VMX_RULE_IF(VMX_EXIT, EXIT_LOAD_PERF_GLOBAL_CTRL, host_ia32_perf_global_ctrl,
		    vmx_bad_perf_global_ctrl, 0, "27.2.2", "reserved bits must be 0"),
	VMX_RULE_IF(VMX_EXIT, EXIT_LOAD_PAT, host_ia32_pat, vmx_bad_pat, 0, "27.2.2",
		    "each byte must be a memory type: 0, 1, 4, 5, 6 or 7"),
	VMX_RULE_IF(VMX_EXIT, EXIT_LOAD_EFER, host_ia32_efer, vmx_bits_set, VMX_EFER_RESERVED,
		    "27.2.2", "reserved bits must be 0"),
	VMX_RULE_IF(VMX_EXIT, EXIT_LOAD_EFER, host_ia32_efer, efer_not_of_size, CR_EFER_LMA,
		    "27.2.2", "LMA must equal \"host address-space size\""),
	VMX_RULE_IF(VMX_EXIT, EXIT_LOAD_EFER, host_ia32_efer, efer_not_of_size, CR_EFER_LME,
		    "27.2.2", "LME must equal \"host address-space size\""),

	/* Segment and descriptor-table registers */
	SELECTOR(host_es_selector),
	SELECTOR(host_cs_selector),
	SELECTOR(host_ss_selector),
	SELECTOR(host_ds_selector),
	SELECTOR(host_fs_selector),
	SELECTOR(host_gs_selector),
	SELECTOR(host_tr_selector),
	VMX_RULE(host_cs_selector, vmx_is_zero, 0, "27.2.3", "the selector must not be 0"),
	VMX_RULE(host_tr_selector, vmx_is_zero, 0, "27.2.3", "the selector must not be 0"),
	VMX_RULE(host_ss_selector, null_in_32bit_host, 0, "27.2.3",
		 "the selector must not be 0 unless \"host address-space size\" is 1"),
	VMX_RULE_CANONICAL(host_fs_base, "27.2.3"),
	VMX_RULE_CANONICAL(host_gs_base, "27.2.3"),
	VMX_RULE_CANONICAL(host_gdtr_base, "27.2.3"),
	VMX_RULE_CANONICAL(host_idtr_base, "27.2.3"),
	VMX_RULE_CANONICAL(host_tr_base, "27.2.3"),

	/* Address-space size */
	VMX_RULE(exit_controls, size_not_of_cpu, 0, "27.2.4",
		 "\"host address-space size\" must be EFER.LMA of the CPU that enters"),
	VMX_RULE(entry_controls, guest_wider_than_host, 0, "27.2.4",
		 "\"IA-32e mode guest\" needs \"host address-space size\""),
	VMX_RULE(host_cr4, pcide_in_32bit_host, 0, "27.2.4",
		 "CR4.PCIDE needs \"host address-space size\""),
	VMX_RULE(host_rip, rip_beyond_32bit_host, 0, "27.2.4",
		 "bits 63:32 must be 0 unless \"host address-space size\" is 1"),
	VMX_RULE(host_cr4, no_pae_in_64bit_host, 0, "27.2.4",
		 "CR4.PAE must be 1 with \"host address-space size\""),
	VMX_RULE(host_rip, rip_not_canonical, 0, "27.2.4",
		 "the address must be canonical with \"host address-space size\""),
};

const struct vmx_rules vmx_host_rules = { rules, ARRAY_SIZE(rules) };
