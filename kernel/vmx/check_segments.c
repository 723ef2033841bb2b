// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of VM entry about the guest's segment registers (SDM 3C 27.3.1.2). Pure.
 */
#include <linux/bits.h>

#include "x86/cr.h"
#include "vmx/check.h"

/* Bits of access rights (SDM 3C table 25-2). */
#define RIGHTS_TYPE GENMASK_ULL(3, 0)
#define TYPE_ACCESSED BIT_ULL(0)
#define TYPE_READABLE BIT_ULL(1)
#define TYPE_CODE BIT_ULL(3)
#define RIGHTS_S BIT_ULL(4)
#define RIGHTS_DPL GENMASK_ULL(6, 5)
#define RIGHTS_P BIT_ULL(7)
#define RIGHTS_RESERVED (GENMASK_ULL(11, 8) | GENMASK_ULL(31, 17))
#define RIGHTS_L BIT_ULL(13)
#define RIGHTS_DB BIT_ULL(14)
#define RIGHTS_G BIT_ULL(15)
#define RIGHTS_V86 0xf3

#define TYPE_DATA 3
#define TYPE_DATA_DOWN 7
#define TYPE_LDT 2
#define TYPE_TSS16_BUSY 3
#define TYPE_TSS_BUSY 11

#define SELECTOR_RPL GENMASK_ULL(1, 0)
#define SELECTOR_TI BIT_ULL(2)

#define ES BIT(SEG_ES)
#define CS BIT(SEG_CS)
#define SS BIT(SEG_SS)
#define DS BIT(SEG_DS)
#define FS BIT(SEG_FS)
#define GS BIT(SEG_GS)
#define LDTR BIT(SEG_LDTR)
#define TR BIT(SEG_TR)
#define DATA_SEGMENTS (DS | ES | FS | GS)
#define CODE_OR_DATA (CS | SS | DATA_SEGMENTS)
#define SYSTEM_SEGMENTS (LDTR | TR)

/**
 * struct vmx_segment - a segment register of the guest
 * @seg: enum cpu_seg
 * @part: its fields, by enum vmx_segment_part
 * @usable: access rights bit 16 is 0
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

/* Conditions under which a rule holds. */
enum segment_when {
	WHEN_ALWAYS,
	WHEN_V86, /* in virtual-8086 mode */
	WHEN_NOT_V86,
	WHEN_USABLE, /* the register is usable, in any mode */
	WHEN_LOADED, /* the register is CS, TR or usable, outside of virtual-8086 mode */
};

/* In the order of enum cpu_seg. */
const char *const vmx_segment_names[PART_COUNT][SEG_COUNT] = {
	[PART_SELECTOR] = { "guest_es_selector", "guest_cs_selector", "guest_ss_selector",
			    "guest_ds_selector", "guest_fs_selector", "guest_gs_selector",
			    "guest_ldtr_selector", "guest_tr_selector" },
	[PART_BASE] = { "guest_es_base", "guest_cs_base", "guest_ss_base", "guest_ds_base",
			"guest_fs_base", "guest_gs_base", "guest_ldtr_base", "guest_tr_base" },
	[PART_LIMIT] = { "guest_es_limit", "guest_cs_limit", "guest_ss_limit", "guest_ds_limit",
			 "guest_fs_limit", "guest_gs_limit", "guest_ldtr_limit", "guest_tr_limit" },
	[PART_RIGHTS] = { "guest_es_access_rights", "guest_cs_access_rights",
			  "guest_ss_access_rights", "guest_ds_access_rights",
			  "guest_fs_access_rights", "guest_gs_access_rights",
			  "guest_ldtr_access_rights", "guest_tr_access_rights" },
};

static const enum vmcs_field first_field[PART_COUNT] = {
	[PART_SELECTOR] = vmcs_guest_es_selector,
	[PART_BASE] = vmcs_guest_es_base,
	[PART_LIMIT] = vmcs_guest_es_limit,
	[PART_RIGHTS] = vmcs_guest_es_access_rights,
};

static u64 type_of(u64 rights)
{
	return rights & RIGHTS_TYPE;
}

static u64 dpl_of(u64 rights)
{
	return (rights & RIGHTS_DPL) >> 5;
}

static u64 rpl_of(const struct vmx_segment *segment)
{
	return segment->part[PART_SELECTOR] & SELECTOR_RPL;
}

/*
 * Predicates.
 */

static bool selector_in_ldt(const struct vmx_entry *entry, const struct vmx_segment *segment,
			    u64 unused)
{
	return segment->part[PART_SELECTOR] & SELECTOR_TI;
}

static bool rpl_not_of_cs(const struct vmx_entry *entry, const struct vmx_segment *segment,
			  u64 unused)
{
	return !entry->unrestricted && rpl_of(segment) != (segment->cs_selector & SELECTOR_RPL);
}

static bool base_not_of_selector(const struct vmx_entry *entry, const struct vmx_segment *segment,
				 u64 unused)
{
	return segment->part[PART_BASE] != segment->part[PART_SELECTOR] << 4;
}

static bool base_not_canonical(const struct vmx_entry *entry, const struct vmx_segment *segment,
			       u64 unused)
{
	return vmx_not_canonical(entry, segment->part[PART_BASE], 0);
}

static bool base_too_wide(const struct vmx_entry *entry, const struct vmx_segment *segment,
			  u64 unused)
{
	return segment->part[PART_BASE] >> 32;
}

static bool limit_not_64k(const struct vmx_entry *entry, const struct vmx_segment *segment,
			  u64 unused)
{
	return segment->part[PART_LIMIT] != 0xffff;
}

static bool rights_not_v86(const struct vmx_entry *entry, const struct vmx_segment *segment,
			   u64 unused)
{
	return segment->part[PART_RIGHTS] != RIGHTS_V86;
}

static bool rights_set(const struct vmx_entry *entry, const struct vmx_segment *segment, u64 mask)
{
	return segment->part[PART_RIGHTS] & mask;
}

static bool rights_clear(const struct vmx_entry *entry, const struct vmx_segment *segment, u64 mask)
{
	return !(segment->part[PART_RIGHTS] & mask);
}

static bool cs_bad_type(const struct vmx_entry *entry, const struct vmx_segment *segment,
			u64 unused)
{
	u64 type = type_of(segment->part[PART_RIGHTS]);
	bool code = type & TYPE_CODE && type & TYPE_ACCESSED;

	return !code && !(entry->unrestricted && type == TYPE_DATA);
}

static bool ss_bad_type(const struct vmx_entry *entry, const struct vmx_segment *segment,
			u64 unused)
{
	u64 type = type_of(segment->part[PART_RIGHTS]);

	return type != TYPE_DATA && type != TYPE_DATA_DOWN;
}

static bool not_accessed(const struct vmx_entry *entry, const struct vmx_segment *segment,
			 u64 unused)
{
	return !(segment->part[PART_RIGHTS] & TYPE_ACCESSED);
}

static bool code_not_readable(const struct vmx_entry *entry, const struct vmx_segment *segment,
			      u64 unused)
{
	u64 type = type_of(segment->part[PART_RIGHTS]);

	return type & TYPE_CODE && !(type & TYPE_READABLE);
}

static bool cs_data_not_dpl0(const struct vmx_entry *entry, const struct vmx_segment *segment,
			     u64 unused)
{
	return type_of(segment->cs_rights) == TYPE_DATA && dpl_of(segment->cs_rights);
}

static bool cs_dpl_not_of_ss(const struct vmx_entry *entry, const struct vmx_segment *segment,
			     u64 unused)
{
	u64 type = type_of(segment->cs_rights);

	return (type == 9 || type == 11) &&
	       dpl_of(segment->cs_rights) != dpl_of(segment->ss_rights);
}

static bool cs_dpl_above_ss(const struct vmx_entry *entry, const struct vmx_segment *segment,
			    u64 unused)
{
	u64 type = type_of(segment->cs_rights);

	return (type == 13 || type == 15) &&
	       dpl_of(segment->cs_rights) > dpl_of(segment->ss_rights);
}

static bool ss_dpl_not_rpl(const struct vmx_entry *entry, const struct vmx_segment *segment,
			   u64 unused)
{
	return !entry->unrestricted && dpl_of(segment->ss_rights) != rpl_of(segment);
}

static bool ss_dpl_not_0(const struct vmx_entry *entry, const struct vmx_segment *segment,
			 u64 unused)
{
	return dpl_of(segment->ss_rights) &&
	       (type_of(segment->cs_rights) == TYPE_DATA || !(entry->cr0 & CR0_PE));
}

static bool dpl_below_rpl(const struct vmx_entry *entry, const struct vmx_segment *segment,
			  u64 unused)
{
	u64 rights = segment->part[PART_RIGHTS];

	return !entry->unrestricted && type_of(rights) <= 11 && dpl_of(rights) < rpl_of(segment);
}

static bool l_with_d(const struct vmx_entry *entry, const struct vmx_segment *segment, u64 unused)
{
	const u64 both = RIGHTS_L | RIGHTS_DB;

	return entry->ia32e && (segment->part[PART_RIGHTS] & both) == both;
}

static bool granular_with_odd_limit(const struct vmx_entry *entry,
				    const struct vmx_segment *segment, u64 unused)
{
	return (segment->part[PART_LIMIT] & 0xfff) != 0xfff &&
	       segment->part[PART_RIGHTS] & RIGHTS_G;
}

static bool large_limit_not_granular(const struct vmx_entry *entry,
				     const struct vmx_segment *segment, u64 unused)
{
	return segment->part[PART_LIMIT] >> 20 && !(segment->part[PART_RIGHTS] & RIGHTS_G);
}

static bool tr_bad_type(const struct vmx_entry *entry, const struct vmx_segment *segment,
			u64 unused)
{
	u64 type = type_of(segment->part[PART_RIGHTS]);

	return type != TYPE_TSS_BUSY && (entry->ia32e || type != TYPE_TSS16_BUSY);
}

static bool ldtr_bad_type(const struct vmx_entry *entry, const struct vmx_segment *segment,
			  u64 unused)
{
	return type_of(segment->part[PART_RIGHTS]) != TYPE_LDT;
}

#define SEGMENT_RULE(segments_, part_, when_, broken_, argument_, rule_)                  \
	{                                                                                 \
		.segments = (segments_), .part = (part_), .when = (when_), .rule = rule_, \
		.broken = (broken_), .argument = (argument_)                              \
	}

const struct vmx_segment_rule vmx_segment_rules[] = {
	SEGMENT_RULE(TR, PART_SELECTOR, WHEN_ALWAYS, selector_in_ldt, 0, "TI (bit 2) must be 0"),
	SEGMENT_RULE(LDTR, PART_SELECTOR, WHEN_USABLE, selector_in_ldt, 0,
		     "TI (bit 2) must be 0 when LDTR is usable"),
	SEGMENT_RULE(SS, PART_SELECTOR, WHEN_NOT_V86, rpl_not_of_cs, 0,
		     "RPL must equal the RPL of CS unless it is an unrestricted guest"),

	SEGMENT_RULE(CODE_OR_DATA, PART_BASE, WHEN_V86, base_not_of_selector, 0,
		     "the base must be 16 times the selector in virtual-8086 mode"),
	SEGMENT_RULE(TR | FS | GS, PART_BASE, WHEN_ALWAYS, base_not_canonical, 0,
		     "the base must be canonical"),
	SEGMENT_RULE(LDTR, PART_BASE, WHEN_USABLE, base_not_canonical, 0,
		     "the base must be canonical when LDTR is usable"),
	SEGMENT_RULE(CS, PART_BASE, WHEN_ALWAYS, base_too_wide, 0, "bits 63:32 must be 0"),
	SEGMENT_RULE(SS | DS | ES, PART_BASE, WHEN_USABLE, base_too_wide, 0,
		     "bits 63:32 must be 0 when the register is usable"),

	SEGMENT_RULE(CODE_OR_DATA, PART_LIMIT, WHEN_V86, limit_not_64k, 0,
		     "the limit must be FFFFh in virtual-8086 mode"),
	SEGMENT_RULE(CODE_OR_DATA, PART_RIGHTS, WHEN_V86, rights_not_v86, 0,
		     "access rights must be F3h in virtual-8086 mode"),

	SEGMENT_RULE(CS, PART_RIGHTS, WHEN_LOADED, cs_bad_type, 0,
		     "the type must be accessed code, or 3 in an unrestricted guest"),
	SEGMENT_RULE(SS, PART_RIGHTS, WHEN_LOADED, ss_bad_type, 0,
		     "the type must be 3 or 7 (writable data, accessed)"),
	SEGMENT_RULE(DATA_SEGMENTS, PART_RIGHTS, WHEN_LOADED, not_accessed, 0,
		     "the type must be an accessed one"),
	SEGMENT_RULE(DATA_SEGMENTS, PART_RIGHTS, WHEN_LOADED, code_not_readable, 0,
		     "code must be readable"),
	SEGMENT_RULE(CODE_OR_DATA, PART_RIGHTS, WHEN_LOADED, rights_clear, RIGHTS_S,
		     "S must be 1 (code or data)"),
	SEGMENT_RULE(CS, PART_RIGHTS, WHEN_LOADED, cs_data_not_dpl0, 0,
		     "DPL must be 0 when the type is 3"),
	SEGMENT_RULE(CS, PART_RIGHTS, WHEN_LOADED, cs_dpl_not_of_ss, 0,
		     "DPL of non-conforming code must equal SS.DPL"),
	SEGMENT_RULE(CS, PART_RIGHTS, WHEN_LOADED, cs_dpl_above_ss, 0,
		     "DPL of conforming code must not exceed SS.DPL"),
	SEGMENT_RULE(SS, PART_RIGHTS, WHEN_NOT_V86, ss_dpl_not_rpl, 0,
		     "DPL must equal the selector's RPL unless it is an unrestricted guest"),
	SEGMENT_RULE(SS, PART_RIGHTS, WHEN_NOT_V86, ss_dpl_not_0, 0,
		     "DPL must be 0 when the type of CS is 3 or CR0.PE is 0"),
	SEGMENT_RULE(DATA_SEGMENTS, PART_RIGHTS, WHEN_LOADED, dpl_below_rpl, 0,
		     "DPL must not be below the selector's RPL unless it is an unrestricted guest"),
	SEGMENT_RULE(CODE_OR_DATA, PART_RIGHTS, WHEN_LOADED, rights_clear, RIGHTS_P, "P must be 1"),
	SEGMENT_RULE(CODE_OR_DATA | SYSTEM_SEGMENTS, PART_RIGHTS, WHEN_LOADED, rights_set,
		     RIGHTS_RESERVED, "reserved bits 31:17 and 11:8 must be 0"),
	SEGMENT_RULE(CS, PART_RIGHTS, WHEN_LOADED, l_with_d, 0,
		     "CS.D must be 0 when CS.L is 1 in IA-32e mode"),
	SEGMENT_RULE(CODE_OR_DATA | SYSTEM_SEGMENTS, PART_RIGHTS, WHEN_LOADED,
		     granular_with_odd_limit, 0,
		     "G must be 0 when any of bits 11:0 of the limit is 0"),
	SEGMENT_RULE(CODE_OR_DATA | SYSTEM_SEGMENTS, PART_RIGHTS, WHEN_LOADED,
		     large_limit_not_granular, 0,
		     "G must be 1 when any of bits 31:20 of the limit is 1"),

	SEGMENT_RULE(TR, PART_RIGHTS, WHEN_ALWAYS, tr_bad_type, 0,
		     "the type must be a busy TSS: 11, or outside of IA-32e mode 3 (16 bits)"),
	SEGMENT_RULE(TR, PART_RIGHTS, WHEN_ALWAYS, rights_set, ACCESS_RIGHTS_UNUSABLE,
		     "TR must be usable (bit 16 must be 0)"),
	SEGMENT_RULE(LDTR, PART_RIGHTS, WHEN_USABLE, ldtr_bad_type, 0,
		     "the type must be an LDT (2)"),
	SEGMENT_RULE(SYSTEM_SEGMENTS, PART_RIGHTS, WHEN_LOADED, rights_set, RIGHTS_S,
		     "S must be 0 (a system segment)"),
	SEGMENT_RULE(SYSTEM_SEGMENTS, PART_RIGHTS, WHEN_LOADED, rights_clear, RIGHTS_P,
		     "P must be 1"),
};

const size_t vmx_segment_rule_count = ARRAY_SIZE(vmx_segment_rules);

/*
 * The check.
 */

static u64 read_part(const struct vmx_entry *entry, enum vmx_segment_part part, enum cpu_seg seg)
{
	return vmx_entry_read(entry, VMCS_SEG(first_field[part], seg));
}

static void read_segment(const struct vmx_entry *entry, enum cpu_seg seg,
			 struct vmx_segment *segment)
{
	int part;

	segment->seg = seg;
	for (part = 0; part < PART_COUNT; part++)
		segment->part[part] = read_part(entry, part, seg);
	segment->usable = !(segment->part[PART_RIGHTS] & ACCESS_RIGHTS_UNUSABLE);
	segment->cs_rights = read_part(entry, PART_RIGHTS, SEG_CS);
	segment->cs_selector = read_part(entry, PART_SELECTOR, SEG_CS);
	segment->ss_rights = read_part(entry, PART_RIGHTS, SEG_SS);
}

static bool rule_holds(const struct vmx_entry *entry, const struct vmx_segment *segment,
		       const struct vmx_segment_rule *rule)
{
	switch (rule->when) {
	case WHEN_V86:
		return entry->v86;
	case WHEN_NOT_V86:
		return !entry->v86;
	case WHEN_USABLE:
		return segment->usable;
	case WHEN_LOADED:
		/* Virtual-8086 mode does not change LDTR and TR. */
		if (BIT(segment->seg) & SYSTEM_SEGMENTS)
			return segment->usable || segment->seg == SEG_TR;
		return !entry->v86 && (segment->usable || segment->seg == SEG_CS);
	default:
		return true;
	}
}

static void check_segment(const struct vmx_entry *entry, const struct vmx_segment *segment,
			  struct entry_report *report)
{
	size_t i;

	for (i = 0; i < vmx_segment_rule_count; i++) {
		const struct vmx_segment_rule *rule = &vmx_segment_rules[i];
		const struct entry_violation violation = {
			.rule = rule->rule,
			.section = "SDM 3C 27.3.1.2",
			.field = vmx_segment_names[rule->part][segment->seg],
			.value = segment->part[rule->part],
		};

		if (rule->segments & BIT(segment->seg) && rule_holds(entry, segment, rule) &&
		    rule->broken(entry, segment, rule->argument))
			entry_report_add(report, &violation);
	}
}

void vmx_check_segments(const struct vmx_entry *entry, struct entry_report *report)
{
	struct vmx_segment segment;
	int seg;

	for (seg = 0; seg < SEG_COUNT; seg++) {
		read_segment(entry, seg, &segment);
		check_segment(entry, &segment, report);
	}
}
