// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of VMRUN, one row each (APM 2 15.5.1, 15.20 and 15.25.4), and the check that tries
 * them one by one. Pure.
 */
#include <linux/bits.h>
#include <linux/string.h>

#include "x86/cr.h"
#include "svm/check.h"

/* Sizes of the permission maps (APM 2 15.10.1 and 15.11). */
#define IOPM_BYTES 0x3000
#define MSRPM_BYTES 0x2000
#define PAGE_OFFSET_BITS GENMASK_ULL(11, 0)

#define NP_ENABLE BIT(0)
#define CR4_CET BIT_ULL(23)
/* S_CET has SH_STK_EN and WR_SHSTK_EN, and no other bit (APM 2 18.11). */
#define S_CET_RESERVED (~GENMASK_ULL(1, 0))

/* Vectors of exceptions (APM 2 table 8-1): 21 is #CP, 28 to 30 are #HV, #VC and #SX. */
#define EXCEPTION_VECTORS                                                                          \
	(BIT(EXC_DE) | BIT(EXC_DB) | BIT(EXC_BP) | BIT(EXC_OF) | BIT(EXC_BR) | BIT(EXC_UD) |       \
	 BIT(EXC_NM) | BIT(EXC_DF) | BIT(EXC_TS) | BIT(EXC_NP) | BIT(EXC_SS) | BIT(EXC_GP) |       \
	 BIT(EXC_PF) | BIT(EXC_MF) | BIT(EXC_AC) | BIT(EXC_MC) | BIT(EXC_XM) | BIT(21) | BIT(28) | \
	 BIT(29) | BIT(30))

static bool bits_set(const struct vmcb *vmcb, const struct svm_check *facts, u64 value, u64 mask)
{
	return value & mask;
}

static bool bits_clear(const struct vmcb *vmcb, const struct svm_check *facts, u64 value, u64 mask)
{
	return !(value & mask);
}

static bool is_zero(const struct vmcb *vmcb, const struct svm_check *facts, u64 value, u64 unused)
{
	return !value;
}

static bool nw_without_cd(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
			  u64 unused)
{
	return value & CR0_NW && !(value & CR0_CD);
}

static bool beyond_maxphyaddr(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
			      u64 unused)
{
	return value >> facts->maxphyaddr;
}

static bool cr4_reserved(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
			 u64 unused)
{
	return value & facts->cr4_reserved;
}

static bool efer_reserved(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
			  u64 unused)
{
	return value & facts->efer_reserved;
}

static bool long_mode_missing(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
			      u64 unused)
{
	return value & (CR_EFER_LMA | CR_EFER_LME) && !facts->long_mode;
}

/* Return true if the guest will be in long mode: EFER.LME and CR0.PG enable it. */
static bool enters_long_mode(const struct vmcb *vmcb)
{
	return vmcb->save.efer & CR_EFER_LME && vmcb->save.cr0 & CR0_PG;
}

static bool long_mode_without_pae(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
				  u64 unused)
{
	return enters_long_mode(vmcb) && !(value & CR4_PAE);
}

static bool long_mode_without_pe(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
				 u64 unused)
{
	return enters_long_mode(vmcb) && !(value & CR0_PE);
}

static bool l_with_d(const struct vmcb *vmcb, const struct svm_check *facts, u64 value, u64 unused)
{
	const u64 both = SEG_ATTR_L | SEG_ATTR_DB;

	return enters_long_mode(vmcb) && vmcb->save.cr4 & CR4_PAE && (value & both) == both;
}

static bool map_beyond_maxphyaddr(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
				  u64 bytes)
{
	value &= ~PAGE_OFFSET_BITS;
	return value >> facts->maxphyaddr || (value + bytes - 1) >> facts->maxphyaddr;
}

static bool event_bad_type(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
			   u64 unused)
{
	if (!(value & EVENT_WORD_VALID))
		return false;
	switch (value & EVENT_WORD_TYPE) {
	case EVENT_WORD_INTERRUPT:
	case EVENT_WORD_NMI:
	case EVENT_WORD_EXCEPTION:
	case EVENT_WORD_SOFT_INTERRUPT:
		return false;
	default:
		return true;
	}
}

static bool event_no_exception(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
			       u64 unused)
{
	u8 vector = value & EVENT_WORD_VECTOR;

	return value & EVENT_WORD_VALID && (value & EVENT_WORD_TYPE) == EVENT_WORD_EXCEPTION &&
	       (vector > 31 || !(EXCEPTION_VECTORS & BIT(vector)));
}

static bool s_cet_reserved(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
			   u64 unused)
{
	return facts->shadow_stacks && value & S_CET_RESERVED;
}

static bool cet_without_wp(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
			   u64 unused)
{
	return value & CR4_CET && !(vmcb->save.cr0 & CR0_WP);
}

static bool nested_paging(const struct vmcb *vmcb)
{
	return vmcb->control.np_enable & NP_ENABLE;
}

static bool n_cr3_beyond_maxphyaddr(const struct vmcb *vmcb, const struct svm_check *facts,
				    u64 value, u64 unused)
{
	return nested_paging(vmcb) && value >> facts->maxphyaddr;
}

/* PAT has the memory types UC, WC, WT, WP, WB and UC- (APM 2 7.8.1). */
static bool g_pat_bad(const struct vmcb *vmcb, const struct svm_check *facts, u64 value, u64 unused)
{
	int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = value >> i;

		if (type > 7 || type == 2 || type == 3)
			return nested_paging(vmcb);
	}
	return false;
}

#define RULE_IN(section_, area, member, size_, broken_, argument_, rule_)                        \
	{                                                                                        \
		.field = #member, .offset = offsetof(struct vmcb, area.member), .size = (size_), \
		.section = "APM 2 " section_, .rule = rule_, .broken = (broken_),                \
		.argument = (argument_)                                                          \
	}
#define RULE(area, member, broken_, argument_, rule_) \
	RULE_IN("15.5.1", area, member, sizeof(u64), broken_, argument_, rule_)
#define RULE32(area, member, broken_, argument_, rule_) \
	RULE_IN("15.5.1", area, member, sizeof(u32), broken_, argument_, rule_)

const struct svm_rule svm_rules[] = {
	RULE(save, efer, bits_clear, CR_EFER_SVME, "EFER.SVME must be 1"),
	RULE(save, cr0, nw_without_cd, 0, "CR0.NW needs CR0.CD"),
	RULE(save, cr0, bits_set, GENMASK_ULL(63, 32), "bits 63:32 must be 0"),
	RULE(save, cr3, beyond_maxphyaddr, 0, "no bit beyond the physical-address width may be 1"),
	RULE(save, cr4, cr4_reserved, 0, "bits that the CPU does not have must be 0"),
	RULE(save, dr6, bits_set, GENMASK_ULL(63, 32), "bits 63:32 must be 0"),
	RULE(save, dr7, bits_set, GENMASK_ULL(63, 32), "bits 63:32 must be 0"),
	RULE(save, efer, efer_reserved, 0, "bits that the CPU does not have must be 0"),
	RULE(save, efer, long_mode_missing, 0, "LMA and LME must be 0 on a CPU without long mode"),
	RULE(save, cr4, long_mode_without_pae, 0,
	     "CR4.PAE must be 1 when EFER.LME and CR0.PG are 1"),
	RULE(save, cr0, long_mode_without_pe, 0, "CR0.PE must be 1 when EFER.LME and CR0.PG are 1"),
	RULE_IN("15.5.1", save, cs.attrib, sizeof(u16), l_with_d, 0,
		"CS.D must be 0 when CS.L is 1 in long mode"),
	RULE32(control, intercept_misc2, bits_clear, INTERCEPT_VMRUN,
	       "VMRUN must be intercepted (bit 0)"),
	RULE(control, iopm_base_pa, map_beyond_maxphyaddr, IOPM_BYTES,
	     "the I/O permission map must be within the physical-address width"),
	RULE(control, msrpm_base_pa, map_beyond_maxphyaddr, MSRPM_BYTES,
	     "the MSR permission map must be within the physical-address width"),
	RULE_IN("15.20", control, eventinj, sizeof(u64), event_bad_type, 0,
		"the type of the event must not be reserved"),
	RULE_IN("15.20", control, eventinj, sizeof(u64), event_no_exception, 0,
		"the vector of an exception must be that of an exception"),
	RULE32(control, guest_asid, is_zero, 0, "the ASID must not be 0, which is the host's"),
	RULE(save, s_cet, s_cet_reserved, 0, "reserved bits 63:2 must be 0"),
	RULE(save, cr4, cet_without_wp, 0, "CR4.CET needs CR0.WP"),
	RULE_IN("15.25.4", control, n_cr3, sizeof(u64), n_cr3_beyond_maxphyaddr, 0,
		"no bit beyond the physical-address width may be 1"),
	RULE_IN("15.25.4", save, g_pat, sizeof(u64), g_pat_bad, 0,
		"each byte must be a memory type: 0, 1, 4, 5, 6 or 7"),
};

const size_t svm_rule_count = ARRAY_SIZE(svm_rules);

void svm_check_entry(const struct vmcb *vmcb, const struct svm_check *facts,
		     struct entry_report *report)
{
	size_t i;

	for (i = 0; i < svm_rule_count; i++) {
		const struct svm_rule *rule = &svm_rules[i];
		struct entry_violation violation = {
			.rule = rule->rule,
			.section = rule->section,
			.field = rule->field,
		};

		/* A short field fills the low bytes: x86 and the VMCB are little-endian. */
		memcpy(&violation.value, (const u8 *)vmcb + rule->offset, rule->size);
		if (rule->broken(vmcb, facts, violation.value, rule->argument))
			entry_report_add(report, &violation);
	}
}
