// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the software copy of VMRUN's checks (kernel/svm/check.c): states that the CPU accepts
 * break no rule, and for each rule a change of one field makes the check name this rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "x86/cr.h"
#include "svm/check.h"

#define CR4_CET BIT_ULL(23)
#define BEYOND_WIDTH BIT_ULL(40)
#define PAT_RESET 0x0007040600070406
#define EVENT(type, vector) (EVENT_WORD_VALID | (type) | (vector))

enum guest_state { REAL, PROTECTED, PAE, V86, LONG, COMPATIBILITY, GUEST_STATES };

static const struct svm_check rich = {
	.cr4_reserved = ~0x00f507ffull,
	.efer_reserved = ~(u64)(CR_EFER_SCE | CR_EFER_LME | CR_EFER_LMA | CR_EFER_NX |
				CR_EFER_SVME | CR_EFER_FFXSR),
	.maxphyaddr = 40,
	.long_mode = true,
	.shadow_stacks = true,
};

static struct vmcb vmcb;
static struct svm_check facts;
static struct entry_report report;
static bool *reached;

static void enter_long_mode(u16 cs_attrib)
{
	vmcb.save.cr0 |= CR0_PE | CR0_PG | CR0_WP;
	vmcb.save.cr4 = CR4_PAE;
	vmcb.save.efer |= CR_EFER_LME | CR_EFER_LMA | CR_EFER_NX;
	vmcb.save.cs.attrib = cs_attrib;
	vmcb.save.rip = 0xffffffff81000000;
}

static void init(enum guest_state state)
{
	facts = rich;
	memset(&vmcb, 0, sizeof(vmcb));
	vmcb.control.intercept_misc2 = INTERCEPT_VMRUN | INTERCEPT_VMMCALL;
	vmcb.control.iopm_base_pa = 0xffffffd000;
	vmcb.control.msrpm_base_pa = 0xffffffe000;
	vmcb.control.guest_asid = 1;
	vmcb.control.np_enable = 1;
	vmcb.control.n_cr3 = 0xfffffff000;
	vmcb.save.g_pat = PAT_RESET;
	vmcb.save.efer = CR_EFER_SVME;
	vmcb.save.cr0 = CR0_ET | CR0_CD | CR0_NW;
	vmcb.save.dr6 = DR6_RESET;
	vmcb.save.dr7 = DR7_RESET;
	vmcb.save.rflags = 2;
	vmcb.save.cs.attrib = 0x09b;
	switch (state) {
	case PAE:
		vmcb.save.cr4 = CR4_PAE;
		vmcb.save.cr3 = 0xffffffe0;
		fallthrough;
	case V86:
		vmcb.save.cr0 |= CR0_PG;
		fallthrough;
	case PROTECTED:
		vmcb.save.cr0 |= CR0_PE;
		vmcb.save.cs.attrib = 0xc9b;
		break;
	case LONG:
		enter_long_mode(0xa9b);
		break;
	case COMPATIBILITY:
		enter_long_mode(0xc9b);
		break;
	default:
		break;
	}
	if (state == V86)
		vmcb.save.rflags |= BIT(17);
}

static void check(void)
{
	u32 i;

	memset(&report, 0, sizeof(report));
	svm_check_entry(&vmcb, &facts, &report);
	for (i = 0; i < entry_report_kept(&report); i++) {
		size_t j;

		for (j = 0; j < svm_rule_count; j++)
			if (!strcmp(svm_rules[j].field, report.violations[i].field) &&
			    !strcmp(svm_rules[j].rule, report.violations[i].rule))
				reached[j] = true;
	}
}

static void expect_nothing(void)
{
	check();
	if (report.count)
		fail_msg("%s: %s", report.violations[0].field, report.violations[0].rule);
}

/* @rule is a part of the rule's text. */
static void expect(const char *field, const char *section, const char *rule, u64 value)
{
	const struct entry_violation *v = &report.violations[0];

	check();
	assert_int_equal(report.count, 1);
	assert_string_equal(v->field, field);
	assert_string_equal(v->section, section);
	assert_non_null(strstr(v->rule, rule));
	assert_int_equal(v->value, value);
}

static void test_clean(void **state __maybe_unused)
{
	int i;

	for (i = 0; i < GUEST_STATES; i++) {
		init(i);
		expect_nothing();
	}
}

#define S155 "APM 2 15.5.1"

/* In a state, the test gives a field a value that breaks a rule. */
#define BAD_IN(state, member, name, new_value, section, rule) \
	do {                                                  \
		u64 value_ = (new_value);                     \
		init(state);                                  \
		expect_nothing();                             \
		vmcb.member = value_;                         \
		expect(name, section, rule, value_);          \
	} while (0)
#define BAD(state, member, name, new_value, rule) BAD_IN(state, member, name, new_value, S155, rule)

static void test_control_registers(void **state __maybe_unused)
{
	BAD(REAL, save.cr0, "cr0", CR0_NW, "CR0.NW");
	BAD(LONG, save.cr0, "cr0", CR0_PE | CR0_PG | CR0_WP | BIT_ULL(32), "63:32");
	BAD(LONG, save.cr0, "cr0", CR0_PG | CR0_WP, "CR0.PE");
	BAD(LONG, save.cr3, "cr3", BEYOND_WIDTH, "width");
	BAD(PROTECTED, save.cr3, "cr3", BIT_ULL(63), "width");
	BAD(LONG, save.cr4, "cr4", CR4_PAE | BIT(15), "does not have");
	BAD(LONG, save.cr4, "cr4", 0, "CR4.PAE");
	BAD(PROTECTED, save.cr4, "cr4", CR4_CET, "CR4.CET");
}

static void test_debug_registers(void **state __maybe_unused)
{
	BAD(REAL, save.dr6, "dr6", BIT_ULL(32), "63:32");
	BAD(REAL, save.dr7, "dr7", BIT_ULL(63) | DR7_RESET, "63:32");
}

static void test_efer(void **state __maybe_unused)
{
	BAD(REAL, save.efer, "efer", 0, "EFER.SVME");
	BAD(REAL, save.efer, "efer", CR_EFER_SVME | CR_EFER_LMSLE, "does not have");
	BAD(REAL, save.efer, "efer", CR_EFER_SVME | BIT_ULL(63), "does not have");

	init(LONG);
	facts.long_mode = false;
	expect("efer", S155, "without long mode", vmcb.save.efer);
	/* The CPU accepts LME alone, before paging is on. */
	init(PROTECTED);
	vmcb.save.efer |= CR_EFER_LME;
	expect_nothing();
}

static void test_code_segment(void **state __maybe_unused)
{
	BAD(LONG, save.cs.attrib, "cs.attrib", 0xe9b, "CS.D");
	/* Outside of long mode the two bits have no meaning. */
	init(PAE);
	vmcb.save.cs.attrib = 0xe9b;
	expect_nothing();
}

static void test_control_area(void **state __maybe_unused)
{
	BAD(LONG, control.intercept_misc2, "intercept_misc2", INTERCEPT_VMMCALL, "VMRUN");
	BAD(LONG, control.iopm_base_pa, "iopm_base_pa", 0xffffffe000, "I/O permission map");
	BAD(LONG, control.iopm_base_pa, "iopm_base_pa", ~0ull, "I/O permission map");
	BAD(LONG, control.msrpm_base_pa, "msrpm_base_pa", 0xfffffff000, "MSR permission map");
	BAD(LONG, control.msrpm_base_pa, "msrpm_base_pa", BEYOND_WIDTH, "MSR permission map");
	BAD(LONG, control.guest_asid, "guest_asid", 0, "ASID");
}

static void test_event(void **state __maybe_unused)
{
	static const u8 exceptions[] = { 0,  1,	 3,  4,	 5,  6,	 7,  8,	 10, 11, 12,
					 13, 14, 16, 17, 18, 19, 21, 28, 29, 30 };
	static const u8 others[] = { 2, 9, 15, 20, 22, 27, 31, 32, 255 };
	size_t i;

	for (i = 0; i < 8; i++) {
		init(LONG);
		vmcb.control.eventinj = EVENT(i << 8, 13);
		if (i == 0 || i == 2 || i == 3 || i == 4)
			expect_nothing();
		else
			expect("eventinj", "APM 2 15.20", "must not be reserved",
			       vmcb.control.eventinj);
	}
	for (i = 0; i < ARRAY_SIZE(exceptions); i++) {
		init(LONG);
		vmcb.control.eventinj = EVENT(EVENT_WORD_EXCEPTION, exceptions[i]);
		expect_nothing();
	}
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		init(LONG);
		vmcb.control.eventinj = EVENT(EVENT_WORD_EXCEPTION, others[i]);
		expect("eventinj", "APM 2 15.20", "that of an exception", vmcb.control.eventinj);
		/* An event that is not valid is not injected. */
		vmcb.control.eventinj &= ~EVENT_WORD_VALID;
		expect_nothing();
	}
}

static void test_shadow_stacks(void **state __maybe_unused)
{
	BAD(LONG, save.s_cet, "s_cet", BIT(2), "63:2");
	/* A CPU without shadow stacks ignores the field. */
	facts.shadow_stacks = false;
	expect_nothing();
}

static void test_nested_paging(void **state __maybe_unused)
{
#define S1525 "APM 2 15.25.4"
	BAD_IN(LONG, control.n_cr3, "n_cr3", BEYOND_WIDTH, S1525, "width");
	vmcb.control.np_enable = 0;
	expect_nothing();
	BAD_IN(LONG, save.g_pat, "g_pat", PAT_RESET | BIT_ULL(63), S1525, "memory type");
	BAD_IN(LONG, save.g_pat, "g_pat", 3, S1525, "memory type");
	vmcb.control.np_enable = 0;
	expect_nothing();
}

/* Several rules are named, in the manual's order. */
static void test_several(void **state __maybe_unused)
{
	init(LONG);
	vmcb.save.cr4 = 0;
	vmcb.control.guest_asid = 0;
	vmcb.save.efer &= ~(u64)CR_EFER_SVME;
	check();
	assert_int_equal(report.count, 3);
	assert_string_equal(report.violations[0].field, "efer");
	assert_string_equal(report.violations[1].field, "cr4");
	assert_string_equal(report.violations[2].field, "guest_asid");
}

/* Last: the tests before it must have reached every rule. */
static void test_all_reached(void **state __maybe_unused)
{
	size_t i;

	for (i = 0; i < svm_rule_count; i++)
		if (!reached[i])
			fail_msg("no test reaches %s: %s", svm_rules[i].field, svm_rules[i].rule);
}

static int setup(void **state __maybe_unused)
{
	reached = calloc(svm_rule_count, sizeof(*reached));
	return reached ? 0 : -1;
}

static int teardown(void **state __maybe_unused)
{
	free(reached);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),		cmocka_unit_test(test_control_registers),
		cmocka_unit_test(test_debug_registers), cmocka_unit_test(test_efer),
		cmocka_unit_test(test_code_segment),	cmocka_unit_test(test_control_area),
		cmocka_unit_test(test_event),		cmocka_unit_test(test_shadow_stacks),
		cmocka_unit_test(test_nested_paging),	cmocka_unit_test(test_several),
		cmocka_unit_test(test_all_reached),
	};

	return cmocka_run_group_tests_name("entry_check_svm", tests, setup, teardown);
}
