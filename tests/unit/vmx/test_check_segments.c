// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the rules of VM entry about segment registers (kernel/vmx/check_segments.c): each
 * rule, for each register for which it holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "x86/cr.h"
#include "vmcs_fixture.h"

#define NOT_CANONICAL 0x0000800000000000

#define ES BIT(SEG_ES)
#define CS BIT(SEG_CS)
#define SS BIT(SEG_SS)
#define DS BIT(SEG_DS)
#define FS BIT(SEG_FS)
#define GS BIT(SEG_GS)
#define LDTR BIT(SEG_LDTR)
#define TR BIT(SEG_TR)
#define DATA (DS | ES | FS | GS)

/*
 * In @state, the test replaces @part of each of @segments: first by @good, which breaks no rule,
 * then by @bad, which breaks @rule.
 */
struct corruption {
	enum guest_state state;
	u16 segments;
	enum vmx_segment_part part;
	u64 good;
	u64 bad;
	const char *rule;
};

static const enum vmcs_field first_field[PART_COUNT] = {
	[PART_SELECTOR] = vmcs_guest_es_selector,
	[PART_BASE] = vmcs_guest_es_base,
	[PART_LIMIT] = vmcs_guest_es_limit,
	[PART_RIGHTS] = vmcs_guest_es_access_rights,
};

static const struct expectation nothing[1];
static struct vmcs_fixture fixture;

static void set_part(enum cpu_seg seg, enum vmx_segment_part part, u64 value)
{
	fixture.field[VMCS_SEG(first_field[part], seg)] = value;
}

static void check_clean(void)
{
	vmcs_check(&fixture);
	vmcs_expect(&fixture, nothing);
}

static void check_names(enum cpu_seg seg, enum vmx_segment_part part, const char *rule)
{
	const struct expectation expect[] = {
		{ vmx_segment_names[part][seg], "27.3.1.2", rule },
		{ 0 },
	};

	vmcs_check(&fixture);
	vmcs_expect(&fixture, expect);
}

static void run(const struct corruption *c)
{
	int seg;

	for (seg = 0; seg < SEG_COUNT; seg++) {
		if (!(c->segments & BIT(seg)))
			continue;
		vmcs_fixture_init(&fixture, c->state);
		set_part(seg, c->part, c->good);
		check_clean();
		set_part(seg, c->part, c->bad);
		check_names(seg, c->part, c->rule);
	}
}

/* The last element of the list has no segments. */
static void run_all(const struct corruption *corruptions)
{
	for (; corruptions->segments; corruptions++)
		run(corruptions);
}

static void test_selectors(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		{ LONG, TR, PART_SELECTOR, 0x43, 0x44, "TI" },
		{ LONG, LDTR, PART_SELECTOR, 0x40, 0x44, "TI" },
		{ 0 },
	};

	run_all(corruptions);

	/* RPL must equal SS.DPL too, so change both. */
	vmcs_fixture_init(&fixture, RESTRICTED);
	set_part(SEG_SS, PART_RIGHTS, 0xc0b3);
	set_part(SEG_SS, PART_SELECTOR, 0x11);
	set_part(SEG_CS, PART_RIGHTS, 0xc0bb);
	check_names(SEG_SS, PART_SELECTOR, "RPL must equal the RPL of CS");

	/* An unrestricted guest may have any RPL. */
	vmcs_fixture_init(&fixture, PROTECTED);
	set_part(SEG_SS, PART_SELECTOR, 0x13);
	check_clean();
}

static void test_bases(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		{ V86, DATA | CS | SS, PART_BASE, 0x10030, 0x10040, "16 times" },
		{ V86, DATA | CS | SS, PART_BASE, 0x10030, 0, "16 times" },
		{ LONG, TR | FS | GS | LDTR, PART_BASE, 0xffff800000000000, NOT_CANONICAL,
		  "canonical" },
		{ REAL, TR | FS | GS | LDTR, PART_BASE, ~0ull, BIT_ULL(63), "canonical" },
		{ LONG, CS | SS | DS | ES, PART_BASE, 0xffffffff, BIT_ULL(32), "63:32" },
		{ 0 },
	};

	run_all(corruptions);
}

static void test_limits_and_granularity(void **state __maybe_unused)
{
	static const struct corruption v86[] = {
		{ V86, DATA | CS | SS, PART_LIMIT, 0xffff, 0xfffff, "FFFFh" },
		{ V86, DATA | CS | SS, PART_LIMIT, 0xffff, 0, "FFFFh" },
		{ 0 },
	};
	static const struct {
		u64 good_limit;
		u64 bad_limit;
		u64 rights;
		const char *rule;
	} limits[] = {
		{ 0xffffffff, 0xfffffffe, BIT(15), "G must be 0" },
		{ 0xfff, 0, BIT(15), "G must be 0" },
		{ 0xfffff, 0x100000, 0, "G must be 1" },
		{ 0, 0x80000000, 0, "G must be 1" },
	};
	size_t i;
	int seg;

	run_all(v86);
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		for (seg = 0; seg < SEG_COUNT; seg++) {
			u64 *rights;

			vmcs_fixture_init(&fixture, PROTECTED);
			rights = &fixture.field[VMCS_SEG(vmcs_guest_es_access_rights, seg)];
			*rights = (*rights & ~BIT(15)) | limits[i].rights;
			set_part(seg, PART_LIMIT, limits[i].good_limit);
			check_clean();
			set_part(seg, PART_LIMIT, limits[i].bad_limit);
			check_names(seg, PART_RIGHTS, limits[i].rule);
		}
}

static void test_types(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		{ V86, DATA | CS | SS, PART_RIGHTS, 0xf3, 0xfb, "F3h" },
		{ V86, DATA | CS | SS, PART_RIGHTS, 0xf3, 0x93, "F3h" },
		{ PROTECTED, CS, PART_RIGHTS, 0xc099, 0xc098, "accessed code" },
		{ PROTECTED, CS, PART_RIGHTS, 0xc093, 0xc091, "accessed code" },
		{ RESTRICTED, CS, PART_RIGHTS, 0xc09d, 0xc093, "accessed code" },
		{ PROTECTED, SS, PART_RIGHTS, 0xc097, 0xc091, "3 or 7" },
		{ PROTECTED, SS, PART_RIGHTS, 0xc097, 0xc09b, "3 or 7" },
		{ PROTECTED, DATA, PART_RIGHTS, 0xc091, 0xc090, "an accessed one" },
		{ PROTECTED, DATA, PART_RIGHTS, 0xc09b, 0xc099, "readable" },
		{ PROTECTED, DATA | CS | SS, PART_RIGHTS, 0xc093, 0xc083, "S must be 1" },
		{ PROTECTED, TR, PART_RIGHTS, 0x83, 0x89, "busy" },
		{ LONG, TR, PART_RIGHTS, 0x8b, 0x83, "busy" },
		{ LONG, LDTR, PART_RIGHTS, 0x82, 0x8b, "an LDT" },
		{ LONG, LDTR, PART_RIGHTS, 0x82, 0x92, "S must be 0" },
		{ LONG, TR, PART_RIGHTS, 0x8b, 0x9b, "S must be 0" },
		{ 0 },
	};

	run_all(corruptions);
}

static void test_rights(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		{ PROTECTED, DATA | CS | SS, PART_RIGHTS, 0xc093, 0xc013, "P must be 1" },
		{ LONG, LDTR, PART_RIGHTS, 0x82, 0x02, "P must be 1" },
		{ LONG, TR, PART_RIGHTS, 0x8b, 0x0b, "P must be 1" },
		{ PROTECTED, DATA | CS | SS, PART_RIGHTS, 0xc093, 0xc193, "reserved" },
		{ PROTECTED, DATA | CS | SS, PART_RIGHTS, 0xc093, 0x8000c093, "reserved" },
		{ LONG, LDTR, PART_RIGHTS, 0x82, 0x882, "reserved" },
		{ LONG, TR, PART_RIGHTS, 0x8b, 0x2008b, "reserved" },
		{ LONG, TR, PART_RIGHTS, 0x8b, 0x1008b, "usable" },
		{ LONG, CS, PART_RIGHTS, 0xa09b, 0xe09b, "CS.D must be 0" },
		{ 0 },
	};

	run_all(corruptions);
}

/*
 * Privilege levels: rights of CS and SS belong together.
 */

static void set_rights(u64 cs, u64 ss)
{
	set_part(SEG_CS, PART_RIGHTS, cs);
	set_part(SEG_SS, PART_RIGHTS, ss);
}

static void test_dpl_of_cs(void **state __maybe_unused)
{
	vmcs_fixture_init(&fixture, PROTECTED);
	set_rights(0xc0fb, 0xc0f3);
	check_clean();
	set_rights(0xc0db, 0xc0f3);
	check_names(SEG_CS, PART_RIGHTS, "non-conforming");
	set_rights(0xc0f9, 0xc093);
	check_names(SEG_CS, PART_RIGHTS, "non-conforming");

	set_rights(0xc09d, 0xc0f3);
	check_clean();
	set_rights(0xc0fd, 0xc0d3);
	check_names(SEG_CS, PART_RIGHTS, "DPL of conforming");
	set_rights(0xc0bf, 0xc093);
	check_names(SEG_CS, PART_RIGHTS, "DPL of conforming");

	set_rights(0xc093, 0xc093);
	check_clean();
	set_rights(0xc0f3, 0xc093);
	check_names(SEG_CS, PART_RIGHTS, "DPL must be 0 when the type is 3");
}

static void test_dpl_of_ss(void **state __maybe_unused)
{
	/* The type of CS is 3. */
	vmcs_fixture_init(&fixture, PROTECTED);
	set_rights(0xc093, 0xc0f3);
	check_names(SEG_SS, PART_RIGHTS, "DPL must be 0");

	/* Real mode; conforming code lets only SS break a rule. */
	vmcs_fixture_init(&fixture, REAL);
	set_rights(0x9f, 0x93);
	check_clean();
	set_rights(0x9f, 0xf3);
	check_names(SEG_SS, PART_RIGHTS, "DPL must be 0");

	vmcs_fixture_init(&fixture, RESTRICTED);
	set_rights(0xc09f, 0xc093);
	check_clean();
	set_rights(0xc09f, 0xc0b3);
	check_names(SEG_SS, PART_RIGHTS, "DPL must equal the selector's RPL");
}

static void test_dpl_of_data(void **state __maybe_unused)
{
	static const struct corruption corruptions[] = {
		{ RESTRICTED, DATA, PART_RIGHTS, 0xc0f3, 0xc0b3, "must not be below" },
		{ RESTRICTED, DATA, PART_RIGHTS, 0xc09f, 0xc09b, "must not be below" },
		{ 0 },
	};
	const struct corruption *c;
	int seg;

	for (c = corruptions; c->segments; c++)
		for (seg = 0; seg < SEG_COUNT; seg++) {
			if (!(c->segments & BIT(seg)))
				continue;
			vmcs_fixture_init(&fixture, c->state);
			set_part(seg, PART_SELECTOR, 0x13);
			set_part(seg, PART_RIGHTS, c->good);
			check_clean();
			set_part(seg, PART_RIGHTS, c->bad);
			check_names(seg, PART_RIGHTS, c->rule);
		}
}

/* Few rules hold for a register that is not usable. */
static void test_unusable(void **state __maybe_unused)
{
	static const enum cpu_seg free_base[] = { SEG_ES, SEG_SS, SEG_DS };
	size_t i;
	int seg;

	vmcs_fixture_init(&fixture, LONG);
	for (seg = 0; seg < SEG_COUNT; seg++)
		if (seg != SEG_CS && seg != SEG_TR)
			set_part(seg, PART_RIGHTS, ACCESS_RIGHTS_UNUSABLE | 0xe0000f0c);
	/* The rules about SS.DPL hold nevertheless. */
	set_part(SEG_SS, PART_RIGHTS, ACCESS_RIGHTS_UNUSABLE | 0xe0000f0c);
	set_part(SEG_LDTR, PART_SELECTOR, 4);
	set_part(SEG_LDTR, PART_BASE, NOT_CANONICAL);
	for (i = 0; i < ARRAY_SIZE(free_base); i++)
		set_part(free_base[i], PART_BASE, BIT_ULL(63));
	check_clean();
	set_part(SEG_FS, PART_BASE, NOT_CANONICAL);
	check_names(SEG_FS, PART_BASE, "canonical");
}

/* Last: the tests before it must have reached every rule for every register. */
static void test_all_reached(void **state __maybe_unused)
{
	size_t i;
	int seg;

	for (i = 0; i < vmx_segment_rule_count; i++) {
		const struct vmx_segment_rule *rule = &vmx_segment_rules[i];

		for (seg = 0; seg < SEG_COUNT; seg++) {
			const char *field = vmx_segment_names[rule->part][seg];

			if (rule->segments & BIT(seg) && !vmcs_was_named(field, rule->rule))
				fail_msg("no test reaches %s: %s", field, rule->rule);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selectors),
		cmocka_unit_test(test_bases),
		cmocka_unit_test(test_limits_and_granularity),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_dpl_of_cs),
		cmocka_unit_test(test_dpl_of_ss),
		cmocka_unit_test(test_dpl_of_data),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_all_reached),
	};

	return cmocka_run_group_tests_name("entry_check_segments", tests, NULL, NULL);
}
