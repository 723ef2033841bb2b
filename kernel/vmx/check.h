/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checks of VM entry (SDM 3C chapter 27) in software: they name the rule that made the CPU
 * refuse an entry. Each rule is a row of a table. Pure: also serves userspace tests.
 */
#ifndef ORIEL_VMX_CHECK_H
#define ORIEL_VMX_CHECK_H

#include <linux/kernel.h>
#include <linux/types.h>

#include "vmx/caps.h"
#include "vmx/vmcs.h"
#include "x86/cpu_state.h"
#include "x86/entry_check.h"

/* A VMCS, and the facts about CPU and vCPU on which its rules depend. */
struct vmx_check {
	const struct vmx_caps *caps;
	/* Reads a field of the VMCS; called only for fields that this CPU has. */
	u64 (*read)(void *context, enum vmcs_field field);
	void *context; /* argument of @read */
	u64 perf_global_ctrl; /* bits that IA32_PERF_GLOBAL_CTRL has on this CPU */
	u8 linear_width; /* linear-address width of the CPU, in bits */
	u8 vtpr; /* byte 80h of the virtual-APIC page; unused without the TPR shadow */
	bool host_ia32e; /* EFER.LMA of the CPU at the entry */
	bool rtm; /* the CPU has RTM */
	bool sgx; /* the CPU has SGX */
};

/**
 * vmx_check_entry() - find every rule of VM entry that a VMCS breaks, and add it to @report; none
 * if the CPU accepts the VMCS. Any context in which @source->read works. Structures in memory to
 * which the VMCS points, and MSRs that an entry loads from an area (SDM 3C 27.4), are not checked.
 */
void vmx_check_entry(const struct vmx_check *source, struct entry_report *report);

/* The rest is for the files with rules, check*.c, and their tests. */

/* An entry, with the fields of the guest on which many rules depend. */
struct vmx_entry {
	const struct vmx_check *source;
	const struct vmx_caps *caps; /* @source->caps */
	u32 controls[VMX_WORDS]; /* secondary controls are 0 if they are not activated */
	u64 cr0;
	u64 cr4;
	u64 rflags;
	u64 efer; /* 0 if the entry does not load it */
	u32 event; /* entry_interruption_info; 0 if it is not valid */
	bool ia32e; /* the guest will be in IA-32e mode */
	bool v86; /* the guest will be in virtual-8086 mode */
	bool unrestricted; /* "unrestricted guest" is 1 */
};

static inline u64 vmx_entry_read(const struct vmx_entry *entry, enum vmcs_field field)
{
	return entry->source->read(entry->source->context, field);
}

struct vmx_rule {
	enum vmcs_field field;
	const char *name; /* of the field */
	const char *section; /* manual and section that has the rule */
	const char *rule; /* the rule in words */
	u8 word; /* enum vmx_word of @control */
	u32 control; /* the rule holds, and the field exists, only if this is 1; 0 for always */
	/* Returns true if @value of the field breaks the rule. */
	bool (*broken)(const struct vmx_entry *entry, u64 value, u64 argument);
	u64 argument; /* of @broken */
};

/* A row for a rule that needs a control, and one for a rule that always holds. */
#define VMX_RULE_IF(word_, control_, field_, broken_, argument_, section_, rule_)           \
	{                                                                                   \
		.field = vmcs_##field_, .name = #field_, .section = "SDM 3C " section_,     \
		.rule = rule_, .word = (word_), .control = (control_), .broken = (broken_), \
		.argument = (argument_)                                                     \
	}
#define VMX_RULE(field_, broken_, argument_, section_, rule_) \
	VMX_RULE_IF(VMX_PIN, 0, field_, broken_, argument_, section_, rule_)
#define VMX_RULE_CANONICAL(field, section) \
	VMX_RULE(field, vmx_not_canonical, 0, section, "the address must be canonical")

/* The rules of one part of chapter 27. */
struct vmx_rules {
	const struct vmx_rule *rules;
	size_t count;
};

extern const struct vmx_rules vmx_control_rules; /* SDM 3C 27.2.1 */
extern const struct vmx_rules vmx_host_rules; /* SDM 3C 27.2.2 to 27.2.4 */
extern const struct vmx_rules vmx_guest_rules; /* SDM 3C 27.3.1 without 27.3.1.2 */

/* Functions for @broken of rows in more than one file. vmx_bits_*(): one bit of @mask is enough. */
bool vmx_bits_set(const struct vmx_entry *entry, u64 value, u64 mask);
bool vmx_bits_clear(const struct vmx_entry *entry, u64 value, u64 mask);
bool vmx_is_zero(const struct vmx_entry *entry, u64 value, u64 unused);
bool vmx_beyond_maxphyaddr(const struct vmx_entry *entry, u64 value, u64 unused);
/* The address has a bit that IA32_VMX_BASIC forbids for a structure (SDM 3D A.1). */
bool vmx_beyond_width(const struct vmx_entry *entry, u64 value, u64 unused);
bool vmx_not_canonical(const struct vmx_entry *entry, u64 value, u64 unused);
bool vmx_bad_pat(const struct vmx_entry *entry, u64 value, u64 unused);
bool vmx_bad_perf_global_ctrl(const struct vmx_entry *entry, u64 value, u64 unused);
/* CR4 lacks a bit that VMX operation requires, or has one that it forbids. */
bool vmx_bad_cr4(const struct vmx_entry *entry, u64 value, u64 unused);

/* All bits but SCE, LME, LMA and NXE, which EFER has on a CPU with VMX (SDM 3A 2.2.1). */
#define VMX_EFER_RESERVED (~(BIT_ULL(0) | BIT_ULL(8) | BIT_ULL(10) | BIT_ULL(11)))

/* CR4.CET, which cr.h does not need. */
#define VMX_CR4_CET BIT_ULL(23)

/* Fields of a guest's segment register (SDM 3C 27.3.1.2). A rule holds for several registers. */
enum vmx_segment_part { PART_SELECTOR, PART_BASE, PART_LIMIT, PART_RIGHTS, PART_COUNT };

struct vmx_segment;

/* This is a rule about several segment registers. */
struct vmx_segment_rule {
	u16 segments; /* BIT(enum cpu_seg) of these registers */
	u8 part; /* enum vmx_segment_part of the field that is reported */
	u8 when; /* enum segment_when: the condition under which the rule holds */
	const char *rule; /* the rule in words */
	/* Returns true if @segment breaks the rule. */
	bool (*broken)(const struct vmx_entry *entry, const struct vmx_segment *segment,
		       u64 argument);
	u64 argument; /* of @broken */
};

extern const struct vmx_segment_rule vmx_segment_rules[];
extern const size_t vmx_segment_rule_count;
/* Names of the fields, by enum vmx_segment_part and enum cpu_seg. */
extern const char *const vmx_segment_names[PART_COUNT][SEG_COUNT];

void vmx_check_segments(const struct vmx_entry *entry, struct entry_report *report);

#endif
