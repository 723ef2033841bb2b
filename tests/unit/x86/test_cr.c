// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the rules for control, debug and extended registers: for each rule of the manuals a
 * value that passes and one that does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <linux/bits.h>
#include <linux/kernel.h>

#include "x86/cr.h"

/* A guest with all features that these rules know. */
static const struct cpuid_facts rich = {
	.cr4_reserved =
		~(u64)(CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE |
		       CR4_PGE | CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_UMIP | CR4_LA57 |
		       CR4_FSGSBASE | CR4_PCIDE | CR4_OSXSAVE | CR4_SMEP | CR4_SMAP | CR4_PKE),
	.efer_reserved = ~(u64)(CR_EFER_SCE | CR_EFER_LME | CR_EFER_LMA | CR_EFER_NX),
	.xcr0 = 0x2e7,
	.maxphyaddr = 40,
	.rtm = true,
};

/* A guest with nearly no features. */
static const struct cpuid_facts poor = {
	.cr4_reserved = ~(u64)(CR4_PSE | CR4_PAE | CR4_PGE),
	.efer_reserved = ~0ULL,
	.maxphyaddr = 36,
};

static const struct cpu_state real_mode = {
	.cr0 = CR0_ET | CR0_CD | CR0_NW,
};

static const struct cpu_state legacy_paging = {
	.cr0 = CR0_PE | CR0_ET | CR0_PG,
	.cr4 = CR4_PAE,
	.seg[SEG_CS].attrib = SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_DB,
};

static const struct cpu_state long_mode = {
	.cr0 = CR0_PE | CR0_ET | CR0_PG,
	.cr4 = CR4_PAE,
	.efer = CR_EFER_LME | CR_EFER_LMA,
	.seg[SEG_CS].attrib = SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_L,
};

static void test_cr0(void **state __maybe_unused)
{
	assert_true(cr0_valid(0));
	assert_true(cr0_valid(0x60000010));
	assert_true(cr0_valid(CR0_PE | CR0_PG));
	assert_true(cr0_valid(CR0_CD));
	/* Undefined bits below bit 32 are ignored. */
	assert_true(cr0_valid(BIT(6) | BIT(17) | BIT(28)));
	assert_false(cr0_valid(BIT_ULL(32)));
	assert_false(cr0_valid(BIT_ULL(63) | CR0_PE));
	assert_false(cr0_valid(CR0_PG));
	assert_false(cr0_valid(CR0_NW));
	assert_false(cr0_valid(CR0_NW | CR0_PE | CR0_PG));
}

static void test_cr0_effective(void **state __maybe_unused)
{
	assert_int_equal(cr0_effective(0), CR0_ET);
	assert_int_equal(cr0_effective(0xffffffff), 0xe005003f);
	assert_int_equal(cr0_effective(CR0_PE | BIT(6) | BIT(28)), CR0_PE | CR0_ET);
}

static void test_cr0_enters_long_mode(void **state __maybe_unused)
{
	struct cpu_state s = legacy_paging;

	s.cr0 = CR0_PE;
	assert_true(cr0_write_valid(&s, CR0_PE | CR0_PG));
	s.efer = CR_EFER_LME;
	assert_true(cr0_write_valid(&s, CR0_PE | CR0_PG));
	s.cr4 = 0;
	assert_false(cr0_write_valid(&s, CR0_PE | CR0_PG));
	s.cr4 = CR4_PAE;
	s.seg[SEG_CS].attrib |= SEG_ATTR_L;
	assert_false(cr0_write_valid(&s, CR0_PE | CR0_PG));
}

static void test_cr0_leaves_long_mode(void **state __maybe_unused)
{
	struct cpu_state s = long_mode;

	assert_true(cr0_write_valid(&s, s.cr0 | CR0_WP));
	assert_false(cr0_write_valid(&s, CR0_PE));
	/* Compatibility mode may leave long mode, */
	s.seg[SEG_CS].attrib &= ~SEG_ATTR_L;
	assert_true(cr0_write_valid(&s, CR0_PE));
	/* but not while PCIDs are on. */
	s.cr4 |= CR4_PCIDE;
	assert_false(cr0_write_valid(&s, CR0_PE));
	assert_true(cr0_write_valid(&s, CR0_PE | CR0_PG | CR0_TS));
	assert_false(cr0_write_valid(&s, CR0_PG));
}

static void test_cr4(void **state __maybe_unused)
{
	assert_true(cr4_valid(&rich, 0));
	assert_true(cr4_valid(&rich, CR4_PAE | CR4_SMAP | CR4_PKE));
	assert_true(cr4_valid(&poor, CR4_PAE));
	assert_false(cr4_valid(&poor, CR4_SMEP));
	assert_false(cr4_valid(&poor, CR4_OSXSAVE));
	/* VMXE, SMXE, bit 15, bit 19, CET and bits without a name */
	assert_false(cr4_valid(&rich, BIT(13)));
	assert_false(cr4_valid(&rich, BIT(14)));
	assert_false(cr4_valid(&rich, BIT(15)));
	assert_false(cr4_valid(&rich, BIT(19)));
	assert_false(cr4_valid(&rich, BIT(23)));
	assert_false(cr4_valid(&rich, BIT_ULL(32)));
}

static void test_cr4_in_long_mode(void **state __maybe_unused)
{
	struct cpu_state s = long_mode;

	assert_true(cr4_write_valid(&rich, &s, CR4_PAE | CR4_PGE));
	assert_false(cr4_write_valid(&rich, &s, CR4_PGE));
	assert_false(cr4_write_valid(&rich, &s, CR4_PAE | CR4_LA57));
	s.cr4 |= CR4_LA57;
	assert_true(cr4_write_valid(&rich, &s, CR4_PAE | CR4_LA57));
	assert_false(cr4_write_valid(&rich, &s, CR4_PAE));

	s = legacy_paging;
	assert_true(cr4_write_valid(&rich, &s, 0));
	assert_true(cr4_write_valid(&rich, &s, CR4_PAE | CR4_LA57));
}

static void test_cr4_pcide(void **state __maybe_unused)
{
	struct cpu_state s = long_mode;
	u64 pcide = CR4_PAE | CR4_PCIDE;

	assert_true(cr4_write_valid(&rich, &s, pcide));
	s.cr3 = 0x1001;
	assert_false(cr4_write_valid(&rich, &s, pcide));
	/* While PCIDE stays on, the PCID does not matter. */
	s.cr4 = pcide;
	assert_true(cr4_write_valid(&rich, &s, pcide | CR4_PGE));
	assert_true(cr4_write_valid(&rich, &s, CR4_PAE));
	assert_false(cr4_write_valid(&rich, &legacy_paging, pcide));
	assert_false(cr4_write_valid(&poor, &long_mode, pcide));
}

static void test_cr3(void **state __maybe_unused)
{
	struct cpu_state s = long_mode;

	assert_true(cr3_valid(&rich, &s, 0x1000));
	assert_true(cr3_valid(&rich, &s, BIT_ULL(39)));
	assert_false(cr3_valid(&rich, &s, BIT_ULL(40)));
	assert_false(cr3_valid(&rich, &s, BIT_ULL(63)));
	s.cr4 |= CR4_PCIDE;
	assert_true(cr3_valid(&rich, &s, BIT_ULL(63) | 0x1005));
	assert_false(cr3_valid(&rich, &s, BIT_ULL(62)));
	assert_true(cr3_valid(&poor, &legacy_paging, 0xffffffff));
}

static void test_cr8(void **state __maybe_unused)
{
	assert_true(cr8_valid(0));
	assert_true(cr8_valid(15));
	assert_false(cr8_valid(16));
	assert_false(cr8_valid(BIT_ULL(63)));
}

static void test_efer(void **state __maybe_unused)
{
	assert_true(efer_valid(&rich, CR_EFER_SCE | CR_EFER_LME | CR_EFER_LMA | CR_EFER_NX));
	assert_false(efer_valid(&rich, CR_EFER_SVME));
	assert_false(efer_valid(&rich, CR_EFER_FFXSR));
	assert_false(efer_valid(&rich, BIT(1)));
	assert_false(efer_valid(&rich, BIT_ULL(40)));
	assert_false(efer_valid(&poor, CR_EFER_NX));
	assert_false(efer_valid(&poor, CR_EFER_LME));
	/* Hardware sets LMA, so a write of it is no error of software. */
	assert_true(efer_valid(&poor, CR_EFER_LMA));
}

static void test_efer_write(void **state __maybe_unused)
{
	assert_true(efer_write_valid(&rich, &real_mode, CR_EFER_LME));
	assert_true(efer_write_valid(&rich, &long_mode, CR_EFER_LME | CR_EFER_NX));
	assert_true(efer_write_valid(&rich, &long_mode, CR_EFER_LME | CR_EFER_LMA));
	assert_false(efer_write_valid(&rich, &long_mode, CR_EFER_NX));
	assert_false(efer_write_valid(&rich, &legacy_paging, CR_EFER_LME));
	assert_false(efer_write_valid(&poor, &real_mode, CR_EFER_LME));
}

static void test_efer_effective(void **state __maybe_unused)
{
	u64 both = CR_EFER_LME | CR_EFER_LMA;

	assert_int_equal(efer_effective(CR_EFER_LME, CR0_PE | CR0_PG), both);
	assert_int_equal(efer_effective(both, CR0_PE), CR_EFER_LME);
	assert_int_equal(efer_effective(CR_EFER_LMA, CR0_PE | CR0_PG), 0);
	assert_int_equal(efer_effective(CR_EFER_NX, CR0_PE | CR0_PG), CR_EFER_NX);
}

static void test_xcr0(void **state __maybe_unused)
{
	assert_true(xcr0_valid(&rich, 0x1));
	assert_true(xcr0_valid(&rich, 0x3));
	assert_true(xcr0_valid(&rich, 0x7));
	assert_true(xcr0_valid(&rich, 0xe7));
	assert_true(xcr0_valid(&rich, 0x2e7));
	assert_true(xcr0_valid(&rich, 0x201));
	assert_false(xcr0_valid(&rich, 0x0));
	assert_false(xcr0_valid(&rich, 0x2));
	/* YMM needs XMM; AVX-512 needs all its parts and YMM. */
	assert_false(xcr0_valid(&rich, 0x5));
	assert_false(xcr0_valid(&rich, 0x67));
	assert_false(xcr0_valid(&rich, 0x27));
	assert_false(xcr0_valid(&rich, 0xe3));
	/* This guest has no MPX, PT, AMX and later components. */
	assert_false(xcr0_valid(&rich, 0x1f));
	assert_false(xcr0_valid(&rich, 0x103));
	assert_false(xcr0_valid(&rich, 0x60003));
	assert_false(xcr0_valid(&rich, BIT_ULL(63) | 3));
	assert_true(xcr0_valid(&poor, 0x1));
	assert_false(xcr0_valid(&poor, 0x3));
}

static void test_dr(void **state __maybe_unused)
{
	assert_true(dr6_valid(0xffffffff));
	assert_false(dr6_valid(BIT_ULL(32)));
	assert_true(dr7_valid(0xffffffff));
	assert_false(dr7_valid(BIT_ULL(32)));

	assert_int_equal(dr6_effective(&poor, 0), 0xffff0ff0);
	assert_int_equal(dr6_effective(&poor, 0xffffffff), 0xffffefff);
	assert_int_equal(dr6_effective(&rich, 0), 0xfffe0ff0);
	assert_int_equal(dr6_effective(&rich, BIT(16) | BIT(14)), 0xffff4ff0);

	assert_int_equal(dr6_after(&poor, 0xffff8ff3, DR6_BS), 0xffffcff0);
	assert_int_equal(dr6_after(&poor, 0xffff0ff0, BIT(12) | 2), 0xffff0ff2);
	assert_int_equal(dr6_after(&poor, 0xffff0ff0, BIT(16) | 1), 0xffff0ff1);
	assert_int_equal(dr6_after(&rich, 0xffff0ff0, BIT(16) | 1), 0xfffe0ff1);
	assert_int_equal(dr6_after(&rich, 0xfffe0ff0, 1), 0xffff0ff1);

	assert_int_equal(dr7_effective(&poor, 0), 0x400);
	assert_int_equal(dr7_effective(&poor, 0xffffffff), 0xffff27ff);
	assert_int_equal(dr7_effective(&rich, 0xffffffff), 0xffff2fff);
}

static void test_mode_agrees(void **state __maybe_unused)
{
	assert_true(cr_mode_valid(&rich, &rich, &real_mode));
	assert_true(cr_mode_valid(&rich, &rich, &legacy_paging));
	assert_true(cr_mode_valid(&rich, &rich, &long_mode));
	/* Userspace may enter long mode before it sets the CPUID bit for it. */
	assert_true(cr_mode_valid(&poor, &rich, &long_mode));
	assert_false(cr_mode_valid(&rich, &poor, &long_mode));
}

/* Long mode, with one register changed at a time. */
static void test_mode_disagrees(void **state __maybe_unused)
{
	struct cpu_state s = long_mode;

	s.efer = CR_EFER_LME;
	assert_false(cr_mode_valid(&rich, &rich, &s));
	s.efer = CR_EFER_LMA;
	assert_false(cr_mode_valid(&rich, &rich, &s));
	s = long_mode;
	s.cr4 = 0;
	assert_false(cr_mode_valid(&rich, &rich, &s));
	s = long_mode;
	s.seg[SEG_CS].attrib |= SEG_ATTR_DB;
	assert_false(cr_mode_valid(&rich, &rich, &s));
	s = long_mode;
	s.cr3 = BIT_ULL(40);
	assert_false(cr_mode_valid(&rich, &rich, &s));
	s = long_mode;
	s.cr0 = CR0_PG;
	assert_false(cr_mode_valid(&rich, &rich, &s));

	s = legacy_paging;
	s.seg[SEG_CS].attrib |= SEG_ATTR_L;
	assert_false(cr_mode_valid(&rich, &rich, &s));
	s = legacy_paging;
	/* KVM_SET_SREGS takes it; the CPU would refuse to enter (SDM 3C 27.3.1.1). */
	s.cr4 |= CR4_PCIDE;
	assert_true(cr_mode_valid(&rich, &rich, &s));
	s = legacy_paging;
	s.cr4 |= BIT(13);
	assert_false(cr_mode_valid(&rich, &rich, &s));
}

static void test_canonical(void **state __maybe_unused)
{
	struct cpu_state s = long_mode;

	assert_true(linear_canonical(&s, 0));
	assert_true(linear_canonical(&s, 0x00007fffffffffff));
	assert_true(linear_canonical(&s, 0xffff800000000000));
	assert_true(linear_canonical(&s, ~0ULL));
	assert_false(linear_canonical(&s, 0x0000800000000000));
	assert_false(linear_canonical(&s, 0xffff7fffffffffff));
	assert_false(linear_canonical(&s, BIT_ULL(63)));
	s.cr4 |= CR4_LA57;
	assert_true(linear_canonical(&s, 0x0000800000000000));
	assert_true(linear_canonical(&s, 0x00ffffffffffffff));
	assert_false(linear_canonical(&s, 0x0100000000000000));
	assert_true(linear_canonical(&s, 0xff00000000000000));
}

/* The breakpoints that accesses of all sizes meet: SDM 3B table 18-2 and more. */
static void test_data_breakpoints(void **state)
{
	/* DR0: 4 bytes written; DR1: 1 byte read or written; DR2: code; DR3: 8 bytes, off. */
	const u64 dr[4] = { 0xa0001, 0xa0002, 0xa0002, 0xa0008 };
	const u64 on = 0x2a, dr7 = on | 0xd << 16 | 0x3 << 20 | 0xbULL << 28;

	(void)state;
	assert_int_equal(dr_data_hits(dr, dr7, 0xa0001, 1, true), 1);
	assert_int_equal(dr_data_hits(dr, dr7, 0xa0001, 1, false), 0);
	assert_int_equal(dr_data_hits(dr, dr7, 0xa0002, 1, false), 2);
	assert_int_equal(dr_data_hits(dr, dr7, 0xa0001, 2, true), 3);
	/* A length of 2, 4 or 8 ignores the low one, two or three bits of the address. */
	assert_int_equal(dr_data_hits(dr, dr7, 0xa0000, 1, true), 1);
	assert_int_equal(dr_data_hits(dr, dr7, 0xa0003, 8, true), 1);
	assert_int_equal(dr_data_hits(dr, dr7, 0xa0004, 4, true), 0);
	assert_int_equal(dr_data_hits(dr, dr7, 0x9ffff, 1, true), 0);
	assert_int_equal(dr_data_hits(dr, dr7, 0x9fffd, 4, true), 1);
	assert_int_equal(dr_data_hits(dr, dr7, 0x9ffff, 4, false), 2);
	assert_int_equal(dr_data_hits(dr, dr7, 0xa0008, 8, true), 0);
	assert_int_equal(dr_data_hits(dr, dr7 | 0x40, 0xa000f, 1, false), 8);
	assert_int_equal(dr_data_hits(dr, dr7 | 0x40, 0xa0010, 1, false), 0);
	assert_int_equal(dr_data_hits(dr, 0, 0xa0001, 8, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data_breakpoints),
		cmocka_unit_test(test_cr0),
		cmocka_unit_test(test_cr0_effective),
		cmocka_unit_test(test_cr0_enters_long_mode),
		cmocka_unit_test(test_cr0_leaves_long_mode),
		cmocka_unit_test(test_cr4),
		cmocka_unit_test(test_cr4_in_long_mode),
		cmocka_unit_test(test_cr4_pcide),
		cmocka_unit_test(test_cr3),
		cmocka_unit_test(test_cr8),
		cmocka_unit_test(test_efer),
		cmocka_unit_test(test_efer_write),
		cmocka_unit_test(test_efer_effective),
		cmocka_unit_test(test_xcr0),
		cmocka_unit_test(test_dr),
		cmocka_unit_test(test_mode_agrees),
		cmocka_unit_test(test_mode_disagrees),
		cmocka_unit_test(test_canonical),
	};

	return cmocka_run_group_tests_name("cr", tests, NULL, NULL);
}
