// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of VM entry about VM-execution, VM-exit and VM-entry controls
 * (SDM 3C 27.2.1). Pure.
 */
#include <linux/bits.h>

#include "x86/cr.h"
#include "vmx/check.h"

/* Size of an entry in an MSR area (SDM 3C table 25-15). */
#define MSR_ENTRY_BYTES 16

#define EPTP_MEMTYPE GENMASK_ULL(2, 0)
#define EPTP_WALK_LENGTH GENMASK_ULL(5, 3)
#define EPTP_RESERVED GENMASK_ULL(11, 7)
#define VM_FUNCTION_EPTP_SWITCHING BIT_ULL(0)
#define INTERRUPTION_RESERVED GENMASK(30, 12)

#define VECTORS_WITH_ERROR_CODE                                                              \
	(BIT(EXC_DF) | BIT(EXC_TS) | BIT(EXC_NP) | BIT(EXC_SS) | BIT(EXC_GP) | BIT(EXC_PF) | \
	 BIT(EXC_AC))

static bool not_allowed(const struct vmx_entry *entry, u64 value, u64 word)
{
	const struct vmx_allowed *allowed = &entry->caps->allowed[word];

	return (value & allowed->ones) != allowed->ones || value & ~(u64)allowed->may;
}

/* Return true if the row's control needs another one in this word, which is 0. */
static bool without_pin(const struct vmx_entry *entry, u64 value, u64 needed)
{
	return !(entry->controls[VMX_PIN] & needed);
}

static bool without_primary(const struct vmx_entry *entry, u64 value, u64 needed)
{
	return !(entry->controls[VMX_PRIMARY] & needed);
}

static bool without_secondary(const struct vmx_entry *entry, u64 value, u64 needed)
{
	return !(entry->controls[VMX_SECONDARY] & needed);
}

static bool without_exit(const struct vmx_entry *entry, u64 value, u64 needed)
{
	return !(entry->controls[VMX_EXIT] & needed);
}

static bool too_many_cr3_targets(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value >
	       (entry->caps->misc >> VMX_MISC_CR3_TARGETS_SHIFT & VMX_MISC_CR3_TARGETS_MASK);
}

static bool threshold_too_wide(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return !(entry->controls[VMX_SECONDARY] & SECONDARY_VIRTUAL_INTERRUPT_DELIVERY) &&
	       value & ~0xfull;
}

static bool threshold_above_vtpr(const struct vmx_entry *entry, u64 value, u64 unused)
{
	const u32 other = SECONDARY_VIRTUALIZE_APIC_ACCESSES | SECONDARY_VIRTUAL_INTERRUPT_DELIVERY;

	return !(entry->controls[VMX_SECONDARY] & other) &&
	       (value & 0xf) > entry->source->vtpr >> 4;
}

/*
 * The EPT pointer.
 */

static bool eptp_bad_memtype(const struct vmx_entry *entry, u64 value, u64 unused)
{
	switch (value & EPTP_MEMTYPE) {
	case 0:
		return !(entry->caps->ept_vpid & VMX_EPT_MEMTYPE_UC);
	case EPTP_MEMTYPE_WB:
		return !(entry->caps->ept_vpid & VMX_EPT_MEMTYPE_WB);
	default:
		return true;
	}
}

static bool eptp_bad_walk_length(const struct vmx_entry *entry, u64 value, u64 unused)
{
	switch ((value & EPTP_WALK_LENGTH) >> EPTP_WALK_LENGTH_SHIFT) {
	case 3:
		return !(entry->caps->ept_vpid & VMX_EPT_WALK_LENGTH_4);
	case 4:
		return !(entry->caps->ept_vpid & VMX_EPT_WALK_LENGTH_5);
	default:
		return true;
	}
}

static bool eptp_bad_accessed_dirty(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & EPTP_ACCESSED_DIRTY && !(entry->caps->ept_vpid & VMX_EPT_ACCESSED_DIRTY);
}

/*
 * MSR areas: a rule about the address of an area holds only if the area has entries.
 */

static bool area_misaligned(const struct vmx_entry *entry, u64 value, u64 count_field)
{
	return vmx_entry_read(entry, count_field) && value & (MSR_ENTRY_BYTES - 1);
}

static bool area_beyond_width(const struct vmx_entry *entry, u64 value, u64 count_field)
{
	return vmx_entry_read(entry, count_field) && vmx_beyond_width(entry, value, 0);
}

static bool area_end_beyond_width(const struct vmx_entry *entry, u64 value, u64 count_field)
{
	u64 count = vmx_entry_read(entry, count_field);

	return count && !vmx_beyond_width(entry, value, 0) &&
	       vmx_beyond_width(entry, value + count * MSR_ENTRY_BYTES - 1, 0);
}

/*
 * Event injection.
 */

static bool is_type(u64 event, u32 type)
{
	return event & EVENT_WORD_VALID && (event & EVENT_WORD_TYPE) == type;
}

static bool event_bad_type(const struct vmx_entry *entry, u64 value, u64 unused)
{
	/* This type is a pending MTF exit: reserved on CPUs without the monitor trap flag. */
	if (is_type(value, EVENT_WORD_OTHER_EVENT))
		return !(entry->caps->allowed[VMX_PRIMARY].may & PRIMARY_MONITOR_TRAP_FLAG);
	return is_type(value, 1 << 8);
}

static bool event_bad_vector(const struct vmx_entry *entry, u64 value, u64 unused)
{
	u8 vector = value & EVENT_WORD_VECTOR;

	return (is_type(value, EVENT_WORD_NMI) && vector != EXC_NMI) ||
	       (is_type(value, EVENT_WORD_EXCEPTION) && vector > 31) ||
	       (is_type(value, EVENT_WORD_OTHER_EVENT) && vector != 0);
}

/* Bit 56 of IA32_VMX_BASIC: an exception may have an error code or not, whatever its vector. */
#define BASIC_ANY_ERROR_CODE BIT_ULL(56)

static bool event_lacks_error_code(const struct vmx_entry *entry, u64 value, u64 unused)
{
	u8 vector = value & EVENT_WORD_VECTOR;

	return is_type(value, EVENT_WORD_EXCEPTION) && vector <= 31 &&
	       VECTORS_WITH_ERROR_CODE & BIT(vector) && !(value & EVENT_WORD_ERROR_CODE) &&
	       entry->cr0 & CR0_PE && !(entry->caps->basic & BASIC_ANY_ERROR_CODE);
}

static bool event_has_error_code(const struct vmx_entry *entry, u64 value, u64 unused)
{
	u8 vector = value & EVENT_WORD_VECTOR;

	if (!(value & EVENT_WORD_VALID) || !(value & EVENT_WORD_ERROR_CODE))
		return false;
	if (!is_type(value, EVENT_WORD_EXCEPTION) || !(entry->cr0 & CR0_PE))
		return true;
	return vector <= 31 && !(VECTORS_WITH_ERROR_CODE & BIT(vector)) &&
	       !(entry->caps->basic & BASIC_ANY_ERROR_CODE);
}

static bool event_reserved(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return value & EVENT_WORD_VALID && value & INTERRUPTION_RESERVED;
}

static bool error_code_too_wide(const struct vmx_entry *entry, u64 value, u64 unused)
{
	return entry->event & EVENT_WORD_ERROR_CODE && value >> 16;
}

static bool bad_instruction_length(const struct vmx_entry *entry, u64 value, u64 unused)
{
	if (!is_type(entry->event, EVENT_WORD_SOFT_INTERRUPT) &&
	    !is_type(entry->event, EVENT_WORD_PRIVILEGED_SOFT_EXCEPTION) &&
	    !is_type(entry->event, EVENT_WORD_SOFT_EXCEPTION))
		return false;
	return value > 15 || (!value && !(entry->caps->misc & VMX_MISC_ZERO_INSTRUCTION_LENGTH));
}

#define ALIGNED(word, control, field, mask, rule) \
	VMX_RULE_IF(word, control, field, vmx_bits_set, mask, "27.2.1.1", rule)
#define PAGE_ALIGNED(word, control, field) \
	ALIGNED(word, control, field, GENMASK_ULL(11, 0), "bits 11:0 of the address must be 0")
#define WITHIN_WIDTH(word, control, field)                                 \
	VMX_RULE_IF(word, control, field, vmx_beyond_width, 0, "27.2.1.1", \
		    "no bit of the address beyond the physical-address width may be 1")
#define NEEDS(word, control, field, without, needed, rule) \
	VMX_RULE_IF(word, control, field, without, needed, "27.2.1.1", rule)

#define AREA_ALIGNED(address, count, section)                     \
	VMX_RULE(address, area_misaligned, vmcs_##count, section, \
		 "bits 3:0 of the area's address must be 0")
#define AREA_WITHIN_WIDTH(address, count, section)                  \
	VMX_RULE(address, area_beyond_width, vmcs_##count, section, \
		 "no bit of the area's address beyond the physical-address width may be 1")
#define AREA_ENDS_WITHIN_WIDTH(address, count, section)                 \
	VMX_RULE(address, area_end_beyond_width, vmcs_##count, section, \
		 "the area's last byte must be within the physical-address width")

#define ALLOWED "the CPU must allow these controls: some it has only as 0 or only as 1"

static const struct vmx_rule rules[] = {
	/* VM-execution control fields */
	VMX_RULE(pin_based_controls, not_allowed, VMX_PIN, "27.2.1.1", ALLOWED),
	VMX_RULE(primary_controls, not_allowed, VMX_PRIMARY, "27.2.1.1", ALLOWED),
	VMX_RULE_IF(VMX_PRIMARY, PRIMARY_SECONDARY_CONTROLS, secondary_controls, not_allowed,
		    VMX_SECONDARY, "27.2.1.1", ALLOWED),
	VMX_RULE(cr3_target_count, too_many_cr3_targets, 0, "27.2.1.1",
		 "the count must not exceed the number of CR3-target values that the CPU has"),
	PAGE_ALIGNED(VMX_PRIMARY, PRIMARY_IO_BITMAPS, io_bitmap_a),
	WITHIN_WIDTH(VMX_PRIMARY, PRIMARY_IO_BITMAPS, io_bitmap_a),
	PAGE_ALIGNED(VMX_PRIMARY, PRIMARY_IO_BITMAPS, io_bitmap_b),
	WITHIN_WIDTH(VMX_PRIMARY, PRIMARY_IO_BITMAPS, io_bitmap_b),
	PAGE_ALIGNED(VMX_PRIMARY, PRIMARY_MSR_BITMAPS, msr_bitmap),
	WITHIN_WIDTH(VMX_PRIMARY, PRIMARY_MSR_BITMAPS, msr_bitmap),
	PAGE_ALIGNED(VMX_PRIMARY, PRIMARY_TPR_SHADOW, virtual_apic_address),
	WITHIN_WIDTH(VMX_PRIMARY, PRIMARY_TPR_SHADOW, virtual_apic_address),
	VMX_RULE_IF(VMX_PRIMARY, PRIMARY_TPR_SHADOW, tpr_threshold, threshold_too_wide, 0,
		    "27.2.1.1", "bits 31:4 must be 0 without virtual-interrupt delivery"),
	VMX_RULE_IF(VMX_PRIMARY, PRIMARY_TPR_SHADOW, tpr_threshold, threshold_above_vtpr, 0,
		    "27.2.1.1", "bits 3:0 must not exceed bits 7:4 of VTPR"),
	NEEDS(VMX_SECONDARY, SECONDARY_VIRTUALIZE_X2APIC, secondary_controls, without_primary,
	      PRIMARY_TPR_SHADOW, "\"virtualize x2APIC mode\" needs \"use TPR shadow\""),
	NEEDS(VMX_SECONDARY, SECONDARY_APIC_REGISTER_VIRTUALIZATION, secondary_controls,
	      without_primary, PRIMARY_TPR_SHADOW,
	      "\"APIC-register virtualization\" needs \"use TPR shadow\""),
	NEEDS(VMX_SECONDARY, SECONDARY_VIRTUAL_INTERRUPT_DELIVERY, secondary_controls,
	      without_primary, PRIMARY_TPR_SHADOW,
	      "\"virtual-interrupt delivery\" needs \"use TPR shadow\""),
	NEEDS(VMX_PIN, PIN_VIRTUAL_NMIS, pin_based_controls, without_pin, PIN_NMI_EXITING,
	      "\"virtual NMIs\" needs \"NMI exiting\""),
	NEEDS(VMX_PRIMARY, PRIMARY_NMI_WINDOW_EXITING, primary_controls, without_pin,
	      PIN_VIRTUAL_NMIS, "\"NMI-window exiting\" needs \"virtual NMIs\""),
	PAGE_ALIGNED(VMX_SECONDARY, SECONDARY_VIRTUALIZE_APIC_ACCESSES, apic_access_address),
	WITHIN_WIDTH(VMX_SECONDARY, SECONDARY_VIRTUALIZE_APIC_ACCESSES, apic_access_address),
	VMX_RULE_IF(VMX_SECONDARY, SECONDARY_VIRTUALIZE_X2APIC, secondary_controls, vmx_bits_set,
		    SECONDARY_VIRTUALIZE_APIC_ACCESSES, "27.2.1.1",
		    "\"virtualize APIC accesses\" must be 0 with \"virtualize x2APIC mode\""),
	NEEDS(VMX_SECONDARY, SECONDARY_VIRTUAL_INTERRUPT_DELIVERY, secondary_controls, without_pin,
	      PIN_EXTERNAL_INTERRUPT_EXITING,
	      "\"virtual-interrupt delivery\" needs \"external-interrupt exiting\""),
	NEEDS(VMX_PIN, PIN_POSTED_INTERRUPTS, pin_based_controls, without_secondary,
	      SECONDARY_VIRTUAL_INTERRUPT_DELIVERY,
	      "\"process posted interrupts\" needs \"virtual-interrupt delivery\""),
	NEEDS(VMX_PIN, PIN_POSTED_INTERRUPTS, pin_based_controls, without_exit,
	      EXIT_ACKNOWLEDGE_INTERRUPT,
	      "\"process posted interrupts\" needs \"acknowledge interrupt on exit\""),
	VMX_RULE_IF(VMX_PIN, PIN_POSTED_INTERRUPTS, posted_interrupt_notification_vector,
		    vmx_bits_set, GENMASK_ULL(15, 8), "27.2.1.1",
		    "bits 15:8 of the vector must be 0"),
	ALIGNED(VMX_PIN, PIN_POSTED_INTERRUPTS, posted_interrupt_descriptor, GENMASK_ULL(5, 0),
		"bits 5:0 of the address must be 0"),
	WITHIN_WIDTH(VMX_PIN, PIN_POSTED_INTERRUPTS, posted_interrupt_descriptor),
	VMX_RULE_IF(VMX_SECONDARY, SECONDARY_VPID, vpid, vmx_is_zero, 0, "27.2.1.1",
		    "the VPID must not be 0"),
	VMX_RULE_IF(VMX_SECONDARY, SECONDARY_EPT, ept_pointer, eptp_bad_memtype, 0, "27.2.1.1",
		    "bits 2:0 must be a memory type that the CPU takes for EPT structures"),
	VMX_RULE_IF(VMX_SECONDARY, SECONDARY_EPT, ept_pointer, eptp_bad_walk_length, 0, "27.2.1.1",
		    "bits 5:3 must be a page-walk length that the CPU has, less one"),
	VMX_RULE_IF(VMX_SECONDARY, SECONDARY_EPT, ept_pointer, eptp_bad_accessed_dirty, 0,
		    "27.2.1.1", "bit 6 must be 0 on a CPU without accessed and dirty flags in EPT"),
	VMX_RULE_IF(VMX_SECONDARY, SECONDARY_EPT, ept_pointer, vmx_bits_set, EPTP_RESERVED,
		    "27.2.1.1", "reserved bits 11:7 must be 0"),
	VMX_RULE_IF(VMX_SECONDARY, SECONDARY_EPT, ept_pointer, vmx_beyond_maxphyaddr, 0, "27.2.1.1",
		    "no bit beyond the physical-address width may be 1"),
	NEEDS(VMX_SECONDARY, SECONDARY_PML, secondary_controls, without_secondary, SECONDARY_EPT,
	      "\"enable PML\" needs \"enable EPT\""),
	PAGE_ALIGNED(VMX_SECONDARY, SECONDARY_PML, pml_address),
	WITHIN_WIDTH(VMX_SECONDARY, SECONDARY_PML, pml_address),
	NEEDS(VMX_SECONDARY, SECONDARY_UNRESTRICTED_GUEST, secondary_controls, without_secondary,
	      SECONDARY_EPT, "\"unrestricted guest\" needs \"enable EPT\""),
	NEEDS(VMX_SECONDARY, SECONDARY_MODE_BASED_EXECUTE, secondary_controls, without_secondary,
	      SECONDARY_EPT, "\"mode-based execute control for EPT\" needs \"enable EPT\""),
	NEEDS(VMX_SECONDARY, SECONDARY_SUB_PAGE_WRITE, secondary_controls, without_secondary,
	      SECONDARY_EPT, "\"sub-page write permissions for EPT\" needs \"enable EPT\""),
	VMX_RULE_IF(VMX_SECONDARY, SECONDARY_TSC_SCALING, tsc_multiplier, vmx_is_zero, 0,
		    "27.2.1.1", "the multiplier must not be 0"),

	/* VM-exit control fields */
	VMX_RULE(exit_controls, not_allowed, VMX_EXIT, "27.2.1.2", ALLOWED),
	VMX_RULE_IF(VMX_EXIT, EXIT_SAVE_PREEMPTION_TIMER, exit_controls, without_pin,
		    PIN_PREEMPTION_TIMER, "27.2.1.2",
		    "\"save VMX-preemption timer value\" needs \"activate VMX-preemption timer\""),
	AREA_ALIGNED(exit_msr_store_address, exit_msr_store_count, "27.2.1.2"),
	AREA_WITHIN_WIDTH(exit_msr_store_address, exit_msr_store_count, "27.2.1.2"),
	AREA_ENDS_WITHIN_WIDTH(exit_msr_store_address, exit_msr_store_count, "27.2.1.2"),
	AREA_ALIGNED(exit_msr_load_address, exit_msr_load_count, "27.2.1.2"),
	AREA_WITHIN_WIDTH(exit_msr_load_address, exit_msr_load_count, "27.2.1.2"),
	AREA_ENDS_WITHIN_WIDTH(exit_msr_load_address, exit_msr_load_count, "27.2.1.2"),

	/* VM-entry control fields */
	VMX_RULE(entry_controls, not_allowed, VMX_ENTRY, "27.2.1.3", ALLOWED),
	VMX_RULE(entry_interruption_info, event_bad_type, 0, "27.2.1.3",
		 "the interruption type must not be reserved"),
	VMX_RULE(entry_interruption_info, event_bad_vector, 0, "27.2.1.3",
		 "the vector must be 2 for an NMI, up to 31 for an exception, 0 for another event"),
	VMX_RULE(entry_interruption_info, event_lacks_error_code, 0, "27.2.1.3",
		 "this hardware exception must deliver an error code in protected mode"),
	VMX_RULE(entry_interruption_info, event_has_error_code, 0, "27.2.1.3",
		 "only a hardware exception that has an error code may deliver one"),
	VMX_RULE(entry_interruption_info, event_reserved, 0, "27.2.1.3",
		 "reserved bits 30:12 must be 0"),
	VMX_RULE(entry_exception_error_code, error_code_too_wide, 0, "27.2.1.3",
		 "bits 31:16 must be 0 when an error code is delivered"),
	VMX_RULE(entry_instruction_length, bad_instruction_length, 0, "27.2.1.3",
		 "a software interrupt or exception needs an instruction length up to 15"),
	AREA_ALIGNED(entry_msr_load_address, entry_msr_load_count, "27.2.1.3"),
	AREA_WITHIN_WIDTH(entry_msr_load_address, entry_msr_load_count, "27.2.1.3"),
	AREA_ENDS_WITHIN_WIDTH(entry_msr_load_address, entry_msr_load_count, "27.2.1.3"),
	VMX_RULE(entry_controls, vmx_bits_set, ENTRY_TO_SMM, "27.2.1.3",
		 "\"entry to SMM\" must be 0 outside of SMM"),
	VMX_RULE(entry_controls, vmx_bits_set, ENTRY_DEACTIVATE_DUAL_MONITOR, "27.2.1.3",
		 "\"deactivate dual-monitor treatment\" must be 0 outside of SMM"),
};

const struct vmx_rules vmx_control_rules = { rules, ARRAY_SIZE(rules) };
