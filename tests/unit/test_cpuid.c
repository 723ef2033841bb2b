// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the CPUID filter, table and digest (kernel/cpuid.c). The host is one
 * that claims every feature there is, so that what shall be hidden would show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/kvm_para.h>

#include "cpuid.h"
#include "cr.h"

#define ALL_FLAGS GENMASK(4, 0)
#define AVX512_XCR0 0x2e7ULL

/* Function 0xd of a Skylake server: component, size, offset. */
static const u32 layout[][3] = {
	{ 2, 256, 576 }, { 5, 64, 1088 }, { 6, 512, 1152 }, { 7, 1024, 1664 }, { 9, 8, 2688 },
};

static const char *host_vendor = "GenuineIntel";

static void set_vendor(struct cpuid_query *r)
{
	memcpy(&r->ebx, host_vendor, 4);
	memcpy(&r->edx, host_vendor + 4, 4);
	memcpy(&r->ecx, host_vendor + 8, 4);
}

static void read_xsave(u32 index, struct cpuid_query *r)
{
	size_t i;

	/* PT, CET and AMX components that a guest must not see */
	*r = (struct cpuid_query){ .eax = 8, .ebx = 4000, .ecx = ~0u, .edx = ~0u };
	if (index == 0)
		*r = (struct cpuid_query){ ~0u, 11008, 11008, ~0u };
	if (index == 1)
		*r = (struct cpuid_query){ ~0u, 5000, ~0u, ~0u };
	for (i = 0; i < ARRAY_SIZE(layout); i++)
		if (layout[i][0] == index)
			*r = (struct cpuid_query){ layout[i][1], layout[i][2], 0, 0 };
	/* one component that wants to be aligned in the compact format */
	if (index == 6)
		r->ecx = 2;
}

static void read_generous(const struct cpuid_host *host, struct cpuid_query *r)
{
	u32 function = r->eax;
	u32 index = r->ecx;

	(void)host;
	*r = (struct cpuid_query){ ~0u, ~0u, ~0u, ~0u };
	switch (function) {
	case 0x0:
		r->eax = 0x23;
		return set_vendor(r);
	case 0x2:
		r->eax = 0x00feff03;
		return;
	case 0x4:
	case 0x8000001d:
		r->eax = index < 3 ? 0x1c004121 + index : 0;
		return;
	case 0xd:
		return read_xsave(index, r);
	case 0x80000000:
		r->eax = 0x80000028;
		return;
	case 0x80000008:
		r->eax = 0x00303934; /* 57 linear, 52 physical bits */
		return;
	}
}

static struct cpuid_host generous = {
	.read = read_generous,
	.xcr0 = AVX512_XCR0,
	.flags = ALL_FLAGS,
};

static struct kvm_cpuid_entry2 entries[CPUID_MAX_ENTRIES];
static u32 count;

static void build(const struct cpuid_host *host)
{
	int ret = cpuid_supported(host, entries, CPUID_MAX_ENTRIES);

	assert_in_range(ret, 1, CPUID_MAX_ENTRIES);
	count = ret;
}

static const struct kvm_cpuid_entry2 *get(u32 function, u32 index)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(entries, count, function, index);

	assert_non_null(e);
	return e;
}

static void test_each_entry_once(void **state __maybe_unused)
{
	u32 i, j;

	build(&generous);
	for (i = 0; i < count; i++) {
		if (!(entries[i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX))
			assert_int_equal(entries[i].index, 0);
		for (j = 0; j < i; j++)
			assert_false(entries[i].function == entries[j].function &&
				     entries[i].index == entries[j].index);
	}
}

static void test_too_small(void **state __maybe_unused)
{
	struct kvm_cpuid_entry2 *few;
	u32 max;

	build(&generous);
	/* of the very size, so that writing past it is seen */
	for (max = 0; max < count; max++) {
		few = calloc(max, sizeof(*few));
		assert_int_equal(cpuid_supported(&generous, few, max), -E2BIG);
		free(few);
	}
	few = calloc(count, sizeof(*few));
	assert_int_equal(cpuid_supported(&generous, few, count), count);
	assert_memory_equal(few, entries, count * sizeof(*few));
	free(few);
}

static void test_ranges(void **state __maybe_unused)
{
	build(&generous);
	assert_int_equal(get(0x0, 0)->eax, 0x1f);
	assert_int_equal(get(0x80000000, 0)->eax, 0x80000021);
	assert_memory_equal(&get(0x0, 0)->ebx, "Genu", 4);
	assert_null(cpuid_find(entries, count, 0x20, 0));
	assert_null(cpuid_find(entries, count, 0x80000022, 0));
}

static void test_hypervisor(void **state __maybe_unused)
{
	const struct kvm_cpuid_entry2 *e;
	char name[12];

	build(&generous);
	e = get(0x40000000, 0);
	assert_int_equal(e->eax, 0x40000001);
	memcpy(name, &e->ebx, 4);
	memcpy(name + 4, &e->ecx, 4);
	memcpy(name + 8, &e->edx, 4);
	assert_memory_equal(name, "KVMKVMKVM\0\0\0", 12);
	e = get(0x40000001, 0);
	/* kvmclock in both forms, its stable flag, no need for I/O delays; no more */
	assert_int_equal(e->eax, BIT(0) | BIT(1) | BIT(3) | BIT(24));
	assert_int_equal(e->ebx | e->ecx | e->edx, 0);
}

static void test_basic_features(void **state __maybe_unused)
{
	const struct kvm_cpuid_entry2 *e;

	build(&generous);
	e = get(0x1, 0);
	/* no PSN, DS, ACPI, HTT, TM, PBE */
	assert_int_equal(e->edx & (BIT(18) | GENMASK(22, 21) | GENMASK(31, 28)), 0);
	assert_int_equal(e->edx & (BIT(9) | BIT(6) | BIT(26)), BIT(9) | BIT(6) | BIT(26));
	/* no DTES64, MONITOR, DS-CPL, VMX, SMX, EIST, TM2, PDCM, DCA; not OSXSAVE */
	assert_int_equal(e->ecx & (GENMASK(8, 2) | BIT(15) | BIT(18) | BIT(27)), 0);
	/* KVM's ABI: TSC-deadline is told by a capability */
	assert_int_equal(e->ecx & BIT(24), 0);
	assert_int_equal(e->ecx & (BIT(17) | BIT(26) | BIT(28)), BIT(17) | BIT(26) | BIT(28));
	/* no APIC id and no count of processors of the host's */
	assert_int_equal(e->ebx & ~0xff00u, 0);
}

static void test_made_features(void **state __maybe_unused)
{
	struct cpuid_host bare = generous;

	/* x2APIC, hypervisor, ARAT and TSC_ADJUST do not need the host */
	bare.xcr0 = 0;
	bare.flags = 0;
	build(&bare);
	assert_int_equal(get(0x1, 0)->ecx & (BIT(21) | BIT(31)), BIT(21) | BIT(31));
	assert_int_equal(get(0x6, 0)->eax, BIT(2));
	assert_int_equal(get(0x6, 0)->ebx | get(0x6, 0)->ecx | get(0x6, 0)->edx, 0);
	assert_int_equal(get(0x7, 0)->ebx & BIT(1), BIT(1));
}

static void test_structured_features(void **state __maybe_unused)
{
	const struct kvm_cpuid_entry2 *e;

	build(&generous);
	e = get(0x7, 0);
	assert_int_equal(e->eax, 1);
	/* no SGX, CQM, MPX, PQE, PT */
	assert_int_equal(e->ebx & (BIT(2) | BIT(12) | BIT(14) | BIT(15) | BIT(22) | BIT(25)), 0);
	/* no OSPKE, WAITPKG, CET, TME, KL, BUS_LOCK, ENQCMD, SGX_LC, PKS */
	assert_int_equal(e->ecx & (BIT(4) | BIT(5) | BIT(7) | BIT(13) | BIT(23) | BIT(24) |
				   GENMASK(31, 29)),
			 0);
	assert_int_equal(e->ecx & (BIT(2) | BIT(3) | BIT(16)), BIT(2) | BIT(3) | BIT(16));
	/* no UINTR, PCONFIG, LBR, CET, AMX, L1D_FLUSH, ARCH_CAPABILITIES, CORE_CAPABILITIES */
	assert_int_equal(e->edx & (BIT(5) | BIT(18) | BIT(19) | BIT(20) | BIT(22) | BIT(24) |
				   BIT(25) | GENMASK(30, 28)),
			 0);
	e = get(0x7, 1);
	/* no FRED, LAM, LASS, AMX */
	assert_int_equal(e->eax & (BIT(6) | BIT(17) | BIT(21) | BIT(26)), 0);
	assert_int_equal(e->ebx | e->ecx, 0);
	assert_null(cpuid_find(entries, count, 0x7, 2));
}

static void test_zero_functions(void **state __maybe_unused)
{
	static const u32 functions[] = {
		0x3,  0x5,	  0x8,	      0x9,	  0xa,	      0xb,	  0xf,
		0x10, 0x12,	  0x14,	      0x15,	  0x16,	      0x1d,	  0x1e,
		0x1f, 0x8000000a, 0x8000001b, 0x8000001c, 0x8000001e, 0x8000001f, 0x80000020,
	};
	size_t i;

	build(&generous);
	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		const struct kvm_cpuid_entry2 *e = get(functions[i], 0);

		assert_int_equal(e->eax | e->ebx | e->ecx | e->edx, 0);
	}
}

static void test_extended_features(void **state __maybe_unused)
{
	const struct kvm_cpuid_entry2 *e;

	build(&generous);
	e = get(0x80000001, 0);
	/* no SVM, EXTAPIC, CR8_LEGACY, OSVW, IBS, SKINIT, WDT, LWP, NODEID, PERFCTR, MWAITX */
	assert_int_equal(e->ecx & (GENMASK(4, 2) | GENMASK(10, 9) | GENMASK(15, 12) | BIT(19) |
				   GENMASK(31, 23)),
			 0);
	assert_int_equal(e->edx & (BIT(11) | BIT(20) | BIT(26) | BIT(27) | BIT(29)),
			 BIT(11) | BIT(20) | BIT(26) | BIT(27) | BIT(29));
	/* no MP, reserved bits */
	assert_int_equal(e->edx & (BIT(10) | BIT(18) | BIT(19) | BIT(21) | BIT(28)), 0);
	e = get(0x80000007, 0);
	assert_int_equal(e->eax | e->ebx | e->ecx, 0);
	assert_int_equal(e->edx, BIT(8));
	e = get(0x80000008, 0);
	assert_int_equal(e->ecx | e->edx, 0);
	assert_int_equal(e->eax, 0x3934);
	e = get(0x80000021, 0);
	assert_int_equal(e->eax, BIT(2) | BIT(6));
}

static void test_address_widths(void **state __maybe_unused)
{
	struct cpuid_host four_levels = generous;

	four_levels.flags &= ~CPUID_HOST_LA57;
	build(&four_levels);
	assert_int_equal(get(0x80000008, 0)->eax, 0x3030);
	assert_int_equal(get(0x7, 0)->ecx & BIT(16), 0);
}

static void test_vendor_flags(void **state __maybe_unused)
{
	static const struct {
		u32 flag;
		u32 function;
		size_t reg;
		u32 mask;
	} rows[] = {
#define ROW(flag, function, reg, mask) \
	{ flag, function, offsetof(struct kvm_cpuid_entry2, reg), mask }
		ROW(CPUID_HOST_SPEC_CTRL, 0x7, edx, BIT(26) | BIT(27) | BIT(31)),
		ROW(CPUID_HOST_SPEC_CTRL, 0x80000008, ebx, BIT(14) | BIT(15) | BIT(24) | BIT(28)),
		ROW(CPUID_HOST_PRED_CMD, 0x7, edx, BIT(26)),
		ROW(CPUID_HOST_PRED_CMD, 0x80000008, ebx, BIT(12)),
		ROW(CPUID_HOST_RDTSCP, 0x7, ecx, BIT(22)),
		ROW(CPUID_HOST_RDTSCP, 0x80000001, edx, BIT(27)),
		ROW(CPUID_HOST_INVPCID, 0x7, ebx, BIT(10)),
	};
	struct cpuid_host host = generous;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct kvm_cpuid_entry2 *e;

		host.flags = ALL_FLAGS;
		build(&host);
		e = get(rows[i].function, 0);
		assert_int_equal(*(u32 *)((char *)e + rows[i].reg) & rows[i].mask, rows[i].mask);
		host.flags = ALL_FLAGS & ~rows[i].flag;
		build(&host);
		assert_int_equal(*(u32 *)((char *)e + rows[i].reg) & rows[i].mask, 0);
	}
}

static void test_avx_needs_state(void **state __maybe_unused)
{
	struct cpuid_host host = generous;

	host.xcr0 = 0x7;
	build(&host);
	assert_int_equal(get(0x1, 0)->ecx & (BIT(26) | BIT(28)), BIT(26) | BIT(28));
	assert_int_equal(get(0x7, 0)->ebx & (BIT(5) | BIT(16) | BIT(31)), BIT(5));
	assert_int_equal(get(0x7, 1)->eax & (BIT(4) | BIT(5)), BIT(4));

	host.xcr0 = 0x3;
	build(&host);
	assert_int_equal(get(0x1, 0)->ecx & (BIT(12) | BIT(26) | BIT(28) | BIT(29)), BIT(26));
	assert_int_equal(get(0x7, 0)->ebx & (BIT(5) | BIT(16)), 0);
	assert_int_equal(get(0x7, 0)->ecx & (BIT(9) | BIT(10)), 0);
	assert_int_equal(get(0x80000001, 0)->ecx & (BIT(11) | BIT(16)), 0);

	host.xcr0 = 0;
	build(&host);
	assert_int_equal(get(0x1, 0)->ecx & (BIT(26) | BIT(28)), 0);
	assert_int_equal(get(0xd, 0)->eax | get(0xd, 0)->ebx | get(0xd, 0)->ecx, 0);
	assert_int_equal(get(0xd, 1)->eax, 0);
}

static void test_xsave(void **state __maybe_unused)
{
	size_t i;

	build(&generous);
	assert_int_equal(get(0xd, 0)->eax, AVX512_XCR0);
	assert_int_equal(get(0xd, 0)->edx, 0);
	assert_int_equal(get(0xd, 0)->ebx, 2696);
	assert_int_equal(get(0xd, 0)->ecx, 2696);
	/* XSAVEOPT, XSAVEC, XGETBV(1); no XSAVES, no XFD, no XSS */
	assert_int_equal(get(0xd, 1)->eax, 7);
	assert_int_equal(get(0xd, 1)->ecx | get(0xd, 1)->edx, 0);
	/* 576 + 256 + 64 = 896, which is aligned as component 6 wants it */
	assert_int_equal(get(0xd, 1)->ebx, 576 + 256 + 64 + 512 + 1024 + 8);
	for (i = 0; i < ARRAY_SIZE(layout); i++) {
		assert_int_equal(get(0xd, layout[i][0])->eax, layout[i][1]);
		assert_int_equal(get(0xd, layout[i][0])->ebx, layout[i][2]);
	}
	/* PT and AMX are not there */
	assert_null(cpuid_find(entries, count, 0xd, 8));
	assert_null(cpuid_find(entries, count, 0xd, 17));
	assert_null(cpuid_find(entries, count, 0xd, 18));
}

static void test_xsave_size(void **state __maybe_unused)
{
	build(&generous);
	assert_int_equal(cpuid_xsave_size(entries, count, 0), 576);
	assert_int_equal(cpuid_xsave_size(entries, count, 0x3), 576);
	assert_int_equal(cpuid_xsave_size(entries, count, 0x7), 832);
	assert_int_equal(cpuid_xsave_size(entries, count, 0xe7), 2688);
	assert_int_equal(cpuid_xsave_size(entries, count, 0x203), 2696);
	/* without a table nothing is known of the components */
	assert_int_equal(cpuid_xsave_size(NULL, 0, ~0ULL), 576);
}

static void test_caches(void **state __maybe_unused)
{
	u32 i;

	build(&generous);
	for (i = 0; i < 3; i++) {
		assert_int_equal(get(0x4, i)->eax, 0x1c004121 + i);
		assert_int_equal(get(0x4, i)->flags, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		assert_int_equal(get(0x8000001d, i)->eax, 0x1c004121 + i);
	}
	assert_int_equal(get(0x4, 3)->eax, 0);
	assert_null(cpuid_find(entries, count, 0x4, 4));
	assert_int_equal(get(0x2, 0)->eax & 0xff, 1);
}

static void test_facts(void **state __maybe_unused)
{
	struct cpuid_facts f;

	build(&generous);
	cpuid_make_facts(entries, count, &f);
	assert_true(f.intel && !f.amd);
	assert_true(f.lm && f.nx && f.gbpages && f.la57 && f.pcid && f.invpcid && f.xsave);
	assert_true(f.pku && f.x2apic && f.tsc_adjust && f.rdtscp && f.rdpid && f.rtm);
	assert_true(f.spec_ctrl && f.pred_cmd && f.mca && f.mtrr);
	assert_false(f.tsc_deadline || f.arch_capabilities);
	assert_int_equal(f.maxphyaddr, 52);
	assert_int_equal(f.xcr0, AVX512_XCR0);
	assert_true(cr4_valid(&f, CR4_LA57 | CR4_PKE | CR4_SMAP | CR4_UMIP | CR4_FSGSBASE));
	assert_false(cr4_valid(&f, BIT(13)));
	assert_true(efer_valid(&f, CR_EFER_NX | CR_EFER_LME | CR_EFER_FFXSR));
	assert_false(efer_valid(&f, CR_EFER_SVME));
}

static void test_facts_of_nothing(void **state __maybe_unused)
{
	struct cpuid_facts f;

	cpuid_make_facts(NULL, 0, &f);
	assert_int_equal(f.maxphyaddr, 36);
	assert_int_equal(f.xcr0, 0);
	assert_false(f.lm || f.nx || f.xsave || f.intel || f.amd || f.x2apic);
	/* what every CPU that can run this has is not refused */
	assert_true(cr4_valid(&f, CR4_PAE | CR4_PGE | CR4_OSFXSR));
	assert_false(cr4_valid(&f, CR4_OSXSAVE));
}

static void test_facts_of_vendors(void **state __maybe_unused)
{
	struct cpuid_facts f;

	host_vendor = "AuthenticAMD";
	build(&generous);
	cpuid_make_facts(entries, count, &f);
	assert_true(f.amd && !f.intel);
	host_vendor = "HygonGenuine";
	build(&generous);
	cpuid_make_facts(entries, count, &f);
	assert_true(f.amd && !f.intel);
	host_vendor = "GenuineIntel";
}

/* ---- a vCPU's table ---- */

static struct cpuid_facts host_facts;

static const struct cpuid_live live = { .apic_base = 0xfee00900, .xcr0 = 1 };

/* A copy that cpuid_replace() may take over. */
static struct kvm_cpuid_entry2 *copy(void)
{
	struct kvm_cpuid_entry2 *e = kcalloc(count, sizeof(*e), GFP_KERNEL);

	assert_non_null(e);
	memcpy(e, entries, count * sizeof(*e));
	return e;
}

static void give(struct cpuid_table *table)
{
	cpuid_make_facts(entries, count, &host_facts);
	assert_int_equal(cpuid_replace(table, copy(), count, &host_facts, &live), 0);
	assert_int_equal(table->count, count);
}

static void test_check(void **state __maybe_unused)
{
	struct kvm_cpuid_entry2 e = { .function = 0x80000008 };

	assert_int_equal(cpuid_check(NULL, 0), 0);
	assert_int_equal(cpuid_check(&e, 1), 0);
	e.eax = 0x3028;
	assert_int_equal(cpuid_check(&e, 1), 0);
	e.eax = 0x3928;
	assert_int_equal(cpuid_check(&e, 1), 0);
	e.eax = 0x2f28;
	assert_int_equal(cpuid_check(&e, 1), -EINVAL);
	assert_int_equal(cpuid_check(&e, CPUID_MAX_ENTRIES + 1), -E2BIG);
}

static void test_replace_limits(void **state __maybe_unused)
{
	struct cpuid_host weak = generous;
	struct cpuid_table table = { 0 };
	struct cpuid_facts limit;

	weak.xcr0 = 0x3;
	weak.flags = 0;
	build(&weak);
	cpuid_make_facts(entries, count, &limit);
	limit.maxphyaddr = 40;
	limit.cr4_reserved |= CR4_SMAP;
	build(&generous);
	assert_int_equal(cpuid_replace(&table, copy(), count, &limit, &live), 0);
	assert_int_equal(table.facts.xcr0, 0x3);
	assert_int_equal(table.facts.maxphyaddr, 40);
	assert_false(table.facts.la57 || table.facts.invpcid || table.facts.rdtscp);
	assert_false(table.facts.spec_ctrl || table.facts.pred_cmd);
	assert_false(cr4_valid(&table.facts, CR4_SMAP));
	cpuid_free(&table);
	assert_null(table.entries);
	cpuid_free(&table);
}

static void test_replace_frozen(void **state __maybe_unused)
{
	struct kvm_cpuid_entry2 *other;
	struct cpuid_table table = { 0 };
	struct cpuid_facts before;

	build(&generous);
	give(&table);
	give(&table);
	table.frozen = true;
	give(&table);
	before = table.facts;

	other = copy();
	other[1].eax ^= 1;
	assert_int_equal(cpuid_replace(&table, other, count, &host_facts, &live), -EINVAL);
	assert_int_equal(cpuid_replace(&table, other, count - 1, &host_facts, &live), -EINVAL);
	free(other);
	assert_memory_equal(&before, &table.facts, sizeof(before));
	assert_int_equal(table.count, count);
	cpuid_free(&table);
}

static struct cpuid_query ask(const struct cpuid_table *table, u32 function, u32 index)
{
	struct cpuid_query q = { .eax = function, .ecx = index, .ebx = ~0u, .edx = ~0u };

	cpuid_execute(table, &q);
	return q;
}

static void test_live_bits(void **state __maybe_unused)
{
	struct cpuid_table table = { 0 };
	struct cpuid_live now = live;

	build(&generous);
	give(&table);
	assert_int_equal(ask(&table, 0x1, 0).ecx & (BIT(3) | BIT(27)), 0);
	assert_int_equal(ask(&table, 0x1, 0).edx & BIT(9), BIT(9));
	assert_int_equal(ask(&table, 0x7, 0).ecx & BIT(4), 0);
	assert_int_equal(ask(&table, 0xd, 0).ebx, 576);
	assert_int_equal(ask(&table, 0xd, 1).ebx, 576);

	now.cr4 = CR4_OSXSAVE | CR4_PKE;
	now.xcr0 = 0x7;
	now.apic_base = 0;
	now.misc_enable = BIT(18);
	cpuid_refresh(&table, &now);
	assert_int_equal(ask(&table, 0x1, 0).ecx & (BIT(3) | BIT(27)), BIT(3) | BIT(27));
	assert_int_equal(ask(&table, 0x1, 0).edx & BIT(9), 0);
	assert_int_equal(ask(&table, 0x7, 0).ecx & BIT(4), BIT(4));
	assert_int_equal(ask(&table, 0xd, 0).ebx, 832);
	/* the greatest size does not move */
	assert_int_equal(ask(&table, 0xd, 0).ecx, 2696);
	cpuid_free(&table);
}

static void test_live_bits_of_amd(void **state __maybe_unused)
{
	struct cpuid_table table = { 0 };
	struct cpuid_live off = { 0 };

	host_vendor = "AuthenticAMD";
	build(&generous);
	give(&table);
	assert_int_equal(ask(&table, 0x80000001, 0).edx & BIT(9), BIT(9));
	cpuid_refresh(&table, &off);
	assert_int_equal(ask(&table, 0x80000001, 0).edx & BIT(9), 0);
	cpuid_free(&table);
	host_vendor = "GenuineIntel";
}

/* A guest without XSAVE or protection keys is not told that they are on. */
static void test_live_bits_of_missing_features(void **state __maybe_unused)
{
	struct kvm_cpuid_entry2 few[] = { { .function = 0x1 }, { .function = 0x7 } };
	struct cpuid_table table = { .entries = few, .count = 2 };
	struct cpuid_live now = { .cr4 = ~0ULL };

	cpuid_refresh(&table, &now);
	assert_int_equal(few[0].ecx, 0);
	assert_int_equal(few[1].ecx, 0);
}

static void assert_zero(struct cpuid_query q)
{
	assert_int_equal(q.eax | q.ebx | q.ecx | q.edx, 0);
}

static struct kvm_cpuid_entry2 small[] = {
	{ .function = 0x0, .eax = 0x7 },
	{ .function = 0x1, .eax = 0x600f20 },
	{ .function = 0x4, .index = 1, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 0x41 },
	{ .function = 0x7, .index = 0, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .ebx = 0x77 },
	{ .function = 0x40000000, .eax = 0x40000001 },
	{ .function = 0x80000000, .eax = 0x80000008 },
};

static void test_execute_in_range(void **state __maybe_unused)
{
	struct cpuid_table table = { .entries = small, .count = ARRAY_SIZE(small) };

	assert_int_equal(ask(&table, 0x1, 0).eax, 0x600f20);
	/* the index counts only where it is significant */
	assert_int_equal(ask(&table, 0x1, 99).eax, 0x600f20);
	assert_int_equal(ask(&table, 0x4, 1).eax, 0x41);
	assert_zero(ask(&table, 0x4, 0));
	assert_zero(ask(&table, 0x3, 0));
	assert_zero(ask(&table, 0x80000005, 0));
	assert_zero(ask(&table, 0x40000001, 0));
}

static void test_execute_out_of_range(void **state __maybe_unused)
{
	struct cpuid_table table = { .entries = small, .count = ARRAY_SIZE(small) };

	/* Intel: the highest basic function again, with the index that was asked for */
	assert_int_equal(ask(&table, 0x8, 0).ebx, 0x77);
	assert_zero(ask(&table, 0x8, 1));
	assert_int_equal(ask(&table, 0x40000002, 0).ebx, 0x77);
	assert_int_equal(ask(&table, 0x80000009, 0).ebx, 0x77);
	assert_int_equal(ask(&table, 0xffffffff, 0).ebx, 0x77);
	/* AMD: zeros */
	table.facts.amd = true;
	assert_zero(ask(&table, 0x8, 0));
	assert_zero(ask(&table, 0x40000002, 0));
	assert_zero(ask(&table, 0x80000009, 0));
}

static void test_execute_empty(void **state __maybe_unused)
{
	struct cpuid_table table = { 0 };

	assert_zero(ask(&table, 0x0, 0));
	assert_zero(ask(&table, 0x80000001, 0));
}

static void test_execute_topology(void **state __maybe_unused)
{
	struct kvm_cpuid_entry2 levels[] = {
		{ .function = 0x0, .eax = 0xb },
		{ .function = 0xb,
		  .index = 0,
		  .flags = 1,
		  .eax = 1,
		  .ebx = 2,
		  .ecx = 0x100,
		  .edx = 5 },
		{ .function = 0xb,
		  .index = 1,
		  .flags = 1,
		  .eax = 4,
		  .ebx = 8,
		  .ecx = 0x201,
		  .edx = 5 },
	};
	struct cpuid_table table = { .entries = levels, .count = ARRAY_SIZE(levels) };
	struct cpuid_query q = ask(&table, 0xb, 0x102);

	/* SDM 2A: past the last level ECX[7:0] and EDX still answer */
	assert_int_equal(q.eax | q.ebx, 0);
	assert_int_equal(q.ecx, 0x02);
	assert_int_equal(q.edx, 5);
	assert_int_equal(ask(&table, 0xb, 1).ebx, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_entry_once),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_hypervisor),
		cmocka_unit_test(test_basic_features),
		cmocka_unit_test(test_made_features),
		cmocka_unit_test(test_structured_features),
		cmocka_unit_test(test_zero_functions),
		cmocka_unit_test(test_extended_features),
		cmocka_unit_test(test_address_widths),
		cmocka_unit_test(test_vendor_flags),
		cmocka_unit_test(test_avx_needs_state),
		cmocka_unit_test(test_xsave),
		cmocka_unit_test(test_xsave_size),
		cmocka_unit_test(test_caches),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_facts_of_nothing),
		cmocka_unit_test(test_facts_of_vendors),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_replace_limits),
		cmocka_unit_test(test_replace_frozen),
		cmocka_unit_test(test_live_bits),
		cmocka_unit_test(test_live_bits_of_amd),
		cmocka_unit_test(test_live_bits_of_missing_features),
		cmocka_unit_test(test_execute_in_range),
		cmocka_unit_test(test_execute_out_of_range),
		cmocka_unit_test(test_execute_empty),
		cmocka_unit_test(test_execute_topology),
	};

	return cmocka_run_group_tests_name("cpuid", tests, NULL, NULL);
}
