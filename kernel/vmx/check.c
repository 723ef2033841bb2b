// SPDX-License-Identifier: GPL-2.0-only
/*
 * Try the rules of VM entry one by one and report those that the VMCS breaks. Pure.
 */
#include <linux/bits.h>

#include "x86/cr.h"
#include "vmx/check.h"

#define RFLAGS_VM BIT(17)

/*
 * Conditions of rules in more than one file.
 */

bool vmx_bits_set(const struct vmx_entry *entry, u64 value, u64 mask)
{
	return value & mask;
}

bool vmx_bits_clear(const struct vmx_entry *entry, u64 value, u64 mask)
{
	return (value & mask) != mask;
}

bool vmx_is_zero(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return !value;
}

bool vmx_beyond_maxphyaddr(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value >> entry->caps->maxphyaddr;
}

bool vmx_beyond_width(const struct vmx_entry *entry, u64 value, u64 unused)
{
	if (entry->caps->basic & VMX_BASIC_32BIT_ADDRESSES)
		return value >> 32;
	return vmx_beyond_maxphyaddr(entry, value, 0);
}

bool vmx_not_canonical(const struct vmx_entry *entry, u64 value, u64 unused)
{
	u64 sign = value >> (entry->source->linear_width - 1);

	return sign && sign != ~0ull >> (entry->source->linear_width - 1);
}

/* PAT has the memory types UC, WC, WT, WP, WB and UC- (SDM 3A table 12-10). */
bool vmx_bad_pat(const struct vmx_entry *entry, u64 value, u64 unused)
{
	int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = value >> i;

		if (type > 7 || type == 2 || type == 3)
			return true;
	}
	return false;
}

bool vmx_bad_perf_global_ctrl(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & ~entry->source->perf_global_ctrl;
}

bool vmx_bad_cr4(const struct vmx_entry *entry, u64 value, u64 unused)
{
	const struct vmx_caps *caps = entry->caps;

	return (value & caps->cr4_fixed0) != caps->cr4_fixed0 || value & ~caps->cr4_fixed1;
}

/*
 * The check.
 */

static void read_entry(struct vmx_entry *entry)
{
	u32 *controls = entry->controls;

	controls[VMX_PIN] = vmx_entry_read(entry, vmcs_pin_based_controls);
	controls[VMX_PRIMARY] = vmx_entry_read(entry, vmcs_primary_controls);
	if (controls[VMX_PRIMARY] & PRIMARY_SECONDARY_CONTROLS)
		controls[VMX_SECONDARY] = vmx_entry_read(entry, vmcs_secondary_controls);
	controls[VMX_EXIT] = vmx_entry_read(entry, vmcs_exit_controls);
	controls[VMX_ENTRY] = vmx_entry_read(entry, vmcs_entry_controls);
	entry->cr0 = vmx_entry_read(entry, vmcs_guest_cr0);
	entry->cr4 = vmx_entry_read(entry, vmcs_guest_cr4);
	entry->rflags = vmx_entry_read(entry, vmcs_guest_rflags);
	if (controls[VMX_ENTRY] & ENTRY_LOAD_EFER)
		entry->efer = vmx_entry_read(entry, vmcs_guest_ia32_efer);
	entry->event = vmx_entry_read(entry, vmcs_entry_interruption_info);
	if (!(entry->event & EVENT_WORD_VALID))
		entry->event = 0;
	entry->ia32e = controls[VMX_ENTRY] & ENTRY_IA32E_MODE_GUEST;
	entry->unrestricted = controls[VMX_SECONDARY] & SECONDARY_UNRESTRICTED_GUEST;
	entry->v86 = entry->rflags & RFLAGS_VM;
}

static void check_rule(const struct vmx_entry *entry, const struct vmx_rule *rule,
		       struct entry_report *report)
{
	struct entry_violation violation = {
		.rule = rule->rule,
		.section = rule->section,
		.field = rule->name,
	};

	if (rule->control && !(entry->controls[rule->word] & rule->control))
		return;
	violation.value = vmx_entry_read(entry, rule->field);
	if (rule->broken(entry, violation.value, rule->argument))
		entry_report_add(report, &violation);
}

static void check_rules(const struct vmx_entry *entry, const struct vmx_rules *rules,
			struct entry_report *report)
{
	size_t i;

	for (i = 0; i < rules->count; i++)
		check_rule(entry, &rules->rules[i], report);
}

void vmx_check_entry(const struct vmx_check *source, struct entry_report *report)
{
	struct vmx_entry entry = { .source = source, .caps = source->caps };

	read_entry(&entry);
	check_rules(&entry, &vmx_control_rules, report);
	check_rules(&entry, &vmx_host_rules, report);
	check_rules(&entry, &vmx_guest_rules, report);
	vmx_check_segments(&entry, report);
}
