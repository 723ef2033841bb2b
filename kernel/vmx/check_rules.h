/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The form in which the rules of VM entry are written down: one row each.
 */
#ifndef ORIEL_VMX_CHECK_RULES_H
#define ORIEL_VMX_CHECK_RULES_H

#include <linux/kernel.h>

#include "x86/cpu_state.h"
#include "vmx/check.h"

/**
 * struct vmx_entry - what many rules ask for, read once
 * @source: the VMCS and what belongs to it
 * @caps: @source->caps
 * @controls: by enum vmx_word; secondary controls are 0 while not activated
 * @cr0: guest_cr0
 * @cr4: guest_cr4
 * @rflags: guest_rflags
 * @efer: guest_ia32_efer, 0 while entries do not load it
 * @event: entry_interruption_info, 0 while not valid
 * @ia32e: the guest will be in IA-32e mode
 * @v86: the guest will be in virtual-8086 mode
 * @unrestricted: it is an unrestricted guest
 */
struct vmx_entry {
	const struct vmx_check *source;
	const struct vmx_caps *caps;
	u32 controls[VMX_WORDS];
	u64 cr0;
	u64 cr4;
	u64 rflags;
	u64 efer;
	u32 event;
	bool ia32e;
	bool v86;
	bool unrestricted;
};

/**
 * struct vmx_rule - one rule about one field
 * @field: the field
 * @name: its name
 * @section: where the manual has the rule
 * @rule: the rule
 * @word: enum vmx_word of @control
 * @control: the rule holds, and the field exists, only with this control set; 0: always
 * @broken: whether @value, which the field has, breaks the rule
 * @argument: handed to @broken
 */
struct vmx_rule {
	enum vmcs_field field;
	const char *name;
	const char *section;
	const char *rule;
	u8 word;
	u32 control;
	bool (*broken)(const struct vmx_entry *entry, u64 value, u64 argument);
	u64 argument;
};

/* A row with a control as its condition, and one without. */
#define VMX_RULE_IF(word_, control_, field_, broken_, argument_, section_, rule_)           \
	{                                                                                   \
		.field = vmcs_##field_, .name = #field_, .section = "SDM 3C " section_,     \
		.rule = rule_, .word = (word_), .control = (control_), .broken = (broken_), \
		.argument = (argument_)                                                     \
	}
#define VMX_RULE(field_, broken_, argument_, section_, rule_) \
	VMX_RULE_IF(VMX_PIN, 0, field_, broken_, argument_, section_, rule_)

/* The fields of a segment register. */
enum vmx_segment_part { PART_SELECTOR, PART_BASE, PART_LIMIT, PART_RIGHTS, PART_COUNT };

/**
 * struct vmx_segment - a segment register of the guest
 * @seg: enum cpu_seg
 * @part: its fields, by enum vmx_segment_part
 * @usable: access rights bit 16 is clear
 * @cs_rights: access rights of CS
 * @cs_selector: selector of CS
 * @ss_rights: access rights of SS
 */
struct vmx_segment {
	u8 seg;
	u64 part[PART_COUNT];
	bool usable;
	u64 cs_rights;
	u64 cs_selector;
	u64 ss_rights;
};

/* When a rule about segments holds. */
enum vmx_segment_when {
	WHEN_ALWAYS,
	WHEN_V86, /* in virtual-8086 mode */
	WHEN_NOT_V86,
	WHEN_USABLE, /* in any mode */
	WHEN_LOADED, /* not virtual-8086; CS, TR, or any other that is usable */
};

/**
 * struct vmx_segment_rule - one rule about several segment registers
 * @segments: BIT(enum cpu_seg) of those it holds for
 * @part: enum vmx_segment_part that breaks it
 * @when: enum vmx_segment_when
 * @rule: the rule; all are in SDM 3C 27.3.1.2
 * @broken: whether @segment breaks it
 * @argument: handed to @broken
 */
struct vmx_segment_rule {
	u16 segments;
	u8 part;
	u8 when;
	const char *rule;
	bool (*broken)(const struct vmx_entry *entry, const struct vmx_segment *segment,
		       u64 argument);
	u64 argument;
};

/**
 * struct vmx_rules - the rules of one part of chapter 27
 * @rules: rows
 * @count: how many
 */
struct vmx_rules {
	const struct vmx_rule *rules;
	size_t count;
};

/* SDM 3C 27.2.1, 27.2.2 to 27.2.4, 27.3.1 less 27.3.1.2, and 27.3.1.2. */
extern const struct vmx_rules vmx_control_rules;
extern const struct vmx_rules vmx_host_rules;
extern const struct vmx_rules vmx_guest_rules;
extern const struct vmx_segment_rule vmx_segment_rules[];
extern const size_t vmx_segment_rule_count;

/* Names of the fields of segment registers, by enum vmx_segment_part and cpu_seg. */
extern const char *const vmx_segment_names[PART_COUNT][SEG_COUNT];

/**
 * vmx_check_segments() - check the guest's segment registers
 * @entry: the entry
 * @report: what is found is added to it
 */
void vmx_check_segments(const struct vmx_entry *entry, struct entry_report *report);

/* For @broken of rows that need no function of their own. */

/** vmx_bits_set() - a bit of @mask is 1 */
bool vmx_bits_set(const struct vmx_entry *entry, u64 value, u64 mask);
/** vmx_bits_clear() - not all bits of @mask are 1 */
bool vmx_bits_clear(const struct vmx_entry *entry, u64 value, u64 mask);
/** vmx_is_zero() - the field is 0 */
bool vmx_is_zero(const struct vmx_entry *entry, u64 value, u64 unused);
/** vmx_beyond_maxphyaddr() - a bit beyond the physical-address width is 1 */
bool vmx_beyond_maxphyaddr(const struct vmx_entry *entry, u64 value, u64 unused);
/** vmx_not_canonical() - no canonical address of the width that the CPU has */
bool vmx_not_canonical(const struct vmx_entry *entry, u64 value, u64 unused);
/** vmx_bad_pat() - a byte names no memory type that PAT can have */
bool vmx_bad_pat(const struct vmx_entry *entry, u64 value, u64 unused);
/** vmx_bad_perf_global_ctrl() - a reserved bit of IA32_PERF_GLOBAL_CTRL is 1 */
bool vmx_bad_perf_global_ctrl(const struct vmx_entry *entry, u64 value, u64 unused);

/* Bits that EFER has on a CPU with VMX: SCE, LME, LMA, NXE (SDM 3A 2.2.1). */
#define VMX_EFER_RESERVED (~(BIT_ULL(0) | BIT_ULL(8) | BIT_ULL(10) | BIT_ULL(11)))

/* CR4.CET, which cr.h has no use for. */
#define VMX_CR4_CET BIT_ULL(23)

#endif
