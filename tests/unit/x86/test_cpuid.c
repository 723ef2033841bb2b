// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the CPUID filter, table and digest. The host claims all features, so that a test sees
 * a feature that the filter should hide.
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

#include "x86/cpuid.h"
#include "x86/cr.h"

#define ALL_FLAGS GENMASK(5, 0)
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
	/* one component that must be aligned in the compact format */
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
	/* The array has exactly @max entries, so that ASan sees a write past it. */
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
	struct cpuid_host uncounted = generous;
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
	/*
	 * kvmclock in both forms, its stable flag, no need for I/O delays, steal time, EOIs, kicks
	 * out of HLT, TLB flushes and IPIs by Oriel, control of polling, yields; nothing else
	 */
	assert_int_equal(e->eax, BIT(0) | BIT(1) | BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(9) |
					 BIT(11) | BIT(12) | BIT(13) | BIT(24));
	assert_int_equal(e->ebx | e->ecx | e->edx, 0);
	/* Without steal time in the kernel, it and the features built on it are absent. */
	uncounted.flags &= ~CPUID_HOST_STEAL_TIME;
	build(&uncounted);
	assert_int_equal(get(0x40000001, 0)->eax & (BIT(5) | BIT(9) | BIT(11)), BIT(11));
}

/* ---- every feature that a guest may have, by its name in the manuals ---- */

enum needs {
	HOST, /* the feature of the host */
	ORIEL, /* none: Oriel makes the feature */
	AVX,
	AVX512,
};

#define EAX offsetof(struct kvm_cpuid_entry2, eax)
#define EBX offsetof(struct kvm_cpuid_entry2, ebx)
#define ECX offsetof(struct kvm_cpuid_entry2, ecx)
#define EDX offsetof(struct kvm_cpuid_entry2, edx)

static const struct feature {
	u32 function;
	u32 index;
	size_t reg;
	u8 bit;
	enum needs needs;
	const char *name;
} features[] = {
	{ 0x1, 0, EDX, 0, HOST, "FPU" },
	{ 0x1, 0, EDX, 1, HOST, "VME" },
	{ 0x1, 0, EDX, 2, HOST, "DE" },
	{ 0x1, 0, EDX, 3, HOST, "PSE" },
	{ 0x1, 0, EDX, 4, HOST, "TSC" },
	{ 0x1, 0, EDX, 5, HOST, "MSR" },
	{ 0x1, 0, EDX, 6, HOST, "PAE" },
	{ 0x1, 0, EDX, 7, HOST, "MCE" },
	{ 0x1, 0, EDX, 8, HOST, "CX8" },
	{ 0x1, 0, EDX, 9, HOST, "APIC" },
	{ 0x1, 0, EDX, 11, HOST, "SEP" },
	{ 0x1, 0, EDX, 12, HOST, "MTRR" },
	{ 0x1, 0, EDX, 13, HOST, "PGE" },
	{ 0x1, 0, EDX, 14, HOST, "MCA" },
	{ 0x1, 0, EDX, 15, HOST, "CMOV" },
	{ 0x1, 0, EDX, 16, HOST, "PAT" },
	{ 0x1, 0, EDX, 17, HOST, "PSE-36" },
	{ 0x1, 0, EDX, 19, HOST, "CLFSH" },
	{ 0x1, 0, EDX, 23, HOST, "MMX" },
	{ 0x1, 0, EDX, 24, HOST, "FXSR" },
	{ 0x1, 0, EDX, 25, HOST, "SSE" },
	{ 0x1, 0, EDX, 26, HOST, "SSE2" },
	{ 0x1, 0, EDX, 27, HOST, "SS" },
	{ 0x1, 0, ECX, 0, HOST, "SSE3" },
	{ 0x1, 0, ECX, 1, HOST, "PCLMULQDQ" },
	{ 0x1, 0, ECX, 9, HOST, "SSSE3" },
	{ 0x1, 0, ECX, 12, AVX, "FMA" },
	{ 0x1, 0, ECX, 13, HOST, "CMPXCHG16B" },
	{ 0x1, 0, ECX, 17, HOST, "PCID" },
	{ 0x1, 0, ECX, 19, HOST, "SSE4.1" },
	{ 0x1, 0, ECX, 20, HOST, "SSE4.2" },
	{ 0x1, 0, ECX, 21, ORIEL, "x2APIC" },
	{ 0x1, 0, ECX, 22, HOST, "MOVBE" },
	{ 0x1, 0, ECX, 23, HOST, "POPCNT" },
	{ 0x1, 0, ECX, 25, HOST, "AESNI" },
	{ 0x1, 0, ECX, 26, HOST, "XSAVE" },
	{ 0x1, 0, ECX, 28, AVX, "AVX" },
	{ 0x1, 0, ECX, 29, AVX, "F16C" },
	{ 0x1, 0, ECX, 30, HOST, "RDRAND" },
	{ 0x1, 0, ECX, 31, ORIEL, "hypervisor" },
	{ 0x6, 0, EAX, 2, ORIEL, "ARAT" },
	{ 0x7, 0, EBX, 0, HOST, "FSGSBASE" },
	{ 0x7, 0, EBX, 1, ORIEL, "IA32_TSC_ADJUST" },
	{ 0x7, 0, EBX, 3, HOST, "BMI1" },
	{ 0x7, 0, EBX, 4, HOST, "HLE" },
	{ 0x7, 0, EBX, 5, AVX, "AVX2" },
	{ 0x7, 0, EBX, 6, HOST, "FDP_EXCPTN_ONLY" },
	{ 0x7, 0, EBX, 7, HOST, "SMEP" },
	{ 0x7, 0, EBX, 8, HOST, "BMI2" },
	{ 0x7, 0, EBX, 9, HOST, "ERMS" },
	{ 0x7, 0, EBX, 10, HOST, "INVPCID" },
	{ 0x7, 0, EBX, 11, HOST, "RTM" },
	{ 0x7, 0, EBX, 13, HOST, "no FPU CS and DS" },
	{ 0x7, 0, EBX, 16, AVX512, "AVX512F" },
	{ 0x7, 0, EBX, 17, AVX512, "AVX512DQ" },
	{ 0x7, 0, EBX, 18, HOST, "RDSEED" },
	{ 0x7, 0, EBX, 19, HOST, "ADX" },
	{ 0x7, 0, EBX, 20, HOST, "SMAP" },
	{ 0x7, 0, EBX, 21, AVX512, "AVX512_IFMA" },
	{ 0x7, 0, EBX, 23, HOST, "CLFLUSHOPT" },
	{ 0x7, 0, EBX, 24, HOST, "CLWB" },
	{ 0x7, 0, EBX, 26, AVX512, "AVX512PF" },
	{ 0x7, 0, EBX, 27, AVX512, "AVX512ER" },
	{ 0x7, 0, EBX, 28, AVX512, "AVX512CD" },
	{ 0x7, 0, EBX, 29, HOST, "SHA" },
	{ 0x7, 0, EBX, 30, AVX512, "AVX512BW" },
	{ 0x7, 0, EBX, 31, AVX512, "AVX512VL" },
	{ 0x7, 0, ECX, 1, AVX512, "AVX512_VBMI" },
	{ 0x7, 0, ECX, 2, HOST, "UMIP" },
	{ 0x7, 0, ECX, 3, HOST, "PKU" },
	{ 0x7, 0, ECX, 6, AVX512, "AVX512_VBMI2" },
	{ 0x7, 0, ECX, 8, HOST, "GFNI" },
	{ 0x7, 0, ECX, 9, AVX, "VAES" },
	{ 0x7, 0, ECX, 10, AVX, "VPCLMULQDQ" },
	{ 0x7, 0, ECX, 11, AVX512, "AVX512_VNNI" },
	{ 0x7, 0, ECX, 12, AVX512, "AVX512_BITALG" },
	{ 0x7, 0, ECX, 14, AVX512, "AVX512_VPOPCNTDQ" },
	{ 0x7, 0, ECX, 16, HOST, "LA57" },
	{ 0x7, 0, ECX, 22, HOST, "RDPID" },
	{ 0x7, 0, ECX, 25, HOST, "CLDEMOTE" },
	{ 0x7, 0, ECX, 27, HOST, "MOVDIRI" },
	{ 0x7, 0, ECX, 28, HOST, "MOVDIR64B" },
	{ 0x7, 0, EDX, 2, AVX512, "AVX512_4VNNIW" },
	{ 0x7, 0, EDX, 3, AVX512, "AVX512_4FMAPS" },
	{ 0x7, 0, EDX, 4, HOST, "FSRM" },
	{ 0x7, 0, EDX, 8, AVX512, "AVX512_VP2INTERSECT" },
	{ 0x7, 0, EDX, 10, HOST, "MD_CLEAR" },
	{ 0x7, 0, EDX, 14, HOST, "SERIALIZE" },
	{ 0x7, 0, EDX, 16, HOST, "TSXLDTRK" },
	{ 0x7, 0, EDX, 23, AVX512, "AVX512_FP16" },
	{ 0x7, 0, EDX, 26, HOST, "IBRS and IBPB" },
	{ 0x7, 0, EDX, 27, HOST, "STIBP" },
	{ 0x7, 0, EDX, 29, ORIEL, "IA32_ARCH_CAPABILITIES" },
	{ 0x7, 0, EDX, 31, HOST, "SSBD" },
	{ 0x7, 1, EAX, 4, AVX, "AVX_VNNI" },
	{ 0x7, 1, EAX, 5, AVX512, "AVX512_BF16" },
	{ 0x7, 1, EAX, 10, HOST, "FZRM" },
	{ 0x7, 1, EAX, 11, HOST, "FSRS" },
	{ 0x7, 1, EAX, 12, HOST, "FSRCS" },
	{ 0x7, 1, EAX, 23, AVX, "AVX_IFMA" },
	{ 0x7, 1, EDX, 4, AVX, "AVX_VNNI_INT8" },
	{ 0x7, 1, EDX, 5, AVX, "AVX_NE_CONVERT" },
	{ 0x7, 1, EDX, 14, HOST, "PREFETCHITI" },
	{ 0xd, 1, EAX, 0, HOST, "XSAVEOPT" },
	{ 0xd, 1, EAX, 1, HOST, "XSAVEC" },
	{ 0xd, 1, EAX, 2, HOST, "XGETBV with ECX 1" },
	{ 0x80000001, 0, EDX, 0, HOST, "FPU" },
	{ 0x80000001, 0, EDX, 1, HOST, "VME" },
	{ 0x80000001, 0, EDX, 2, HOST, "DE" },
	{ 0x80000001, 0, EDX, 3, HOST, "PSE" },
	{ 0x80000001, 0, EDX, 4, HOST, "TSC" },
	{ 0x80000001, 0, EDX, 5, HOST, "MSR" },
	{ 0x80000001, 0, EDX, 6, HOST, "PAE" },
	{ 0x80000001, 0, EDX, 7, HOST, "MCE" },
	{ 0x80000001, 0, EDX, 8, HOST, "CMPXCHG8B" },
	{ 0x80000001, 0, EDX, 9, HOST, "APIC" },
	{ 0x80000001, 0, EDX, 11, HOST, "SYSCALL" },
	{ 0x80000001, 0, EDX, 12, HOST, "MTRR" },
	{ 0x80000001, 0, EDX, 13, HOST, "PGE" },
	{ 0x80000001, 0, EDX, 14, HOST, "MCA" },
	{ 0x80000001, 0, EDX, 15, HOST, "CMOV" },
	{ 0x80000001, 0, EDX, 16, HOST, "PAT" },
	{ 0x80000001, 0, EDX, 17, HOST, "PSE36" },
	{ 0x80000001, 0, EDX, 20, HOST, "NX" },
	{ 0x80000001, 0, EDX, 22, HOST, "MmxExt" },
	{ 0x80000001, 0, EDX, 23, HOST, "MMX" },
	{ 0x80000001, 0, EDX, 24, HOST, "FXSR" },
	{ 0x80000001, 0, EDX, 25, HOST, "FFXSR" },
	{ 0x80000001, 0, EDX, 26, HOST, "Page1GB" },
	{ 0x80000001, 0, EDX, 27, HOST, "RDTSCP" },
	{ 0x80000001, 0, EDX, 29, HOST, "LM" },
	{ 0x80000001, 0, EDX, 30, HOST, "3DNowExt" },
	{ 0x80000001, 0, EDX, 31, HOST, "3DNow" },
	{ 0x80000001, 0, ECX, 0, HOST, "LahfSahf" },
	{ 0x80000001, 0, ECX, 1, HOST, "CmpLegacy" },
	{ 0x80000001, 0, ECX, 5, HOST, "ABM" },
	{ 0x80000001, 0, ECX, 6, HOST, "SSE4A" },
	{ 0x80000001, 0, ECX, 7, HOST, "MisAlignSse" },
	{ 0x80000001, 0, ECX, 8, HOST, "3DNowPrefetch" },
	{ 0x80000001, 0, ECX, 11, AVX, "XOP" },
	{ 0x80000001, 0, ECX, 16, AVX, "FMA4" },
	{ 0x80000001, 0, ECX, 21, HOST, "TBM" },
	{ 0x80000001, 0, ECX, 22, HOST, "TopologyExtensions" },
	{ 0x80000007, 0, EDX, 8, HOST, "TscInvariant" },
	{ 0x80000008, 0, EBX, 0, HOST, "CLZERO" },
	{ 0x80000008, 0, EBX, 2, HOST, "RstrFpErrPtrs" },
	{ 0x80000008, 0, EBX, 9, HOST, "WBNOINVD" },
	{ 0x80000008, 0, EBX, 12, HOST, "IBPB" },
	{ 0x80000008, 0, EBX, 14, HOST, "IBRS" },
	{ 0x80000008, 0, EBX, 15, HOST, "STIBP" },
	{ 0x80000008, 0, EBX, 24, HOST, "SSBD" },
	{ 0x80000008, 0, EBX, 26, HOST, "SsbdNotRequired" },
	{ 0x80000008, 0, EBX, 28, HOST, "PSFD" },
	{ 0x80000021, 0, EAX, 2, HOST, "LFenceAlwaysSerializing" },
	{ 0x80000021, 0, EAX, 6, HOST, "NullSelectorClearsBase" },
};

static bool expected(const struct feature *f, const struct cpuid_host *host)
{
	switch (f->needs) {
	case AVX:
		return host->xcr0 & BIT(2);
	case AVX512:
		return (host->xcr0 & 0xe4) == 0xe4;
	default:
		return true;
	}
}

/* Check that the register that holds @f has the expected bits and no others. */
static void check_register(const struct feature *f, const struct cpuid_host *host)
{
	u32 want = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *g = &features[i];

		if (g->function == f->function && g->index == f->index && g->reg == f->reg &&
		    expected(g, host))
			want |= BIT(g->bit);
	}
	assert_int_equal(*(u32 *)((char *)get(f->function, f->index) + f->reg), want);
}

static void test_every_feature(void **state __maybe_unused)
{
	static const u64 xcr0[] = { AVX512_XCR0, 0xa7, 0x67, 0x7, 0xe3, 0x3 };
	struct cpuid_host host = generous;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(xcr0); i++) {
		host.xcr0 = xcr0[i];
		build(&host);
		for (j = 0; j < ARRAY_SIZE(features); j++)
			check_register(&features[j], &host);
	}
}

static void read_nothing(const struct cpuid_host *host __maybe_unused, struct cpuid_query *r)
{
	u32 function = r->eax;

	*r = (struct cpuid_query){ 0 };
	if (function == 0x0)
		r->eax = 0x1f;
	if (function == 0x7)
		r->eax = r->ecx == 0;
	if (function == 0x80000000)
		r->eax = 0x80000021;
}

/* A feature that Oriel does not make must come from the host. */
static void test_no_feature(void **state __maybe_unused)
{
	struct cpuid_host nothing = { .read = read_nothing, .xcr0 = 0x7, .flags = ALL_FLAGS };
	size_t i;

	build(&nothing);
	for (i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];
		u32 value = *(u32 *)((char *)get(f->function, f->index) + f->reg);

		assert_int_equal(!!(value & BIT(f->bit)), f->needs == ORIEL);
	}
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
	/* KVM's ABI announces TSC-deadline by a capability */
	assert_int_equal(e->ecx & BIT(24), 0);
	assert_int_equal(e->ecx & (BIT(17) | BIT(26) | BIT(28)), BIT(17) | BIT(26) | BIT(28));
	/* the host's APIC id and count of processors are hidden */
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
	/* no UINTR, PCONFIG, LBR, CET, AMX, L1D_FLUSH, CORE_CAPABILITIES */
	assert_int_equal(e->edx & (BIT(5) | BIT(18) | BIT(19) | BIT(20) | BIT(22) | BIT(24) |
				   BIT(25) | BIT(28) | BIT(30)),
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
	/* 576 + 256 + 64 = 896, which is aligned as component 6 needs it */
	assert_int_equal(get(0xd, 1)->ebx, 576 + 256 + 64 + 512 + 1024 + 8);
	for (i = 0; i < ARRAY_SIZE(layout); i++) {
		assert_int_equal(get(0xd, layout[i][0])->eax, layout[i][1]);
		assert_int_equal(get(0xd, layout[i][0])->ebx, layout[i][2]);
	}
	/* PT and AMX are absent */
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
	/* bit 63 is no component */
	assert_int_equal(cpuid_xsave_size(entries, count, 1ULL << 63), 576);
	/* without a table the components are unknown */
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
	assert_true(f.arch_capabilities);
	assert_false(f.tsc_deadline);
	assert_int_equal(f.pv_features, get(KVM_CPUID_FEATURES, 0)->eax);
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
	/* features that every CPU for this module has are accepted */
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

/* Set one bit of CPUID at a time, and check the fact and the CR4 or EFER bit that follow. */
static void test_facts_one_by_one(void **state __maybe_unused)
{
	static const struct {
		u32 function;
		size_t reg;
		u8 bit;
		size_t fact; /* offset in struct cpuid_facts, 0 for none */
		u64 cr4;
		u64 efer;
	} table[] = {
#define FACT(f) offsetof(struct cpuid_facts, f)
		{ 0x1, ECX, 17, FACT(pcid), CR4_PCIDE, 0 },
		{ 0x1, ECX, 21, FACT(x2apic), 0, 0 },
		{ 0x1, ECX, 24, FACT(tsc_deadline), 0, 0 },
		{ 0x1, ECX, 26, FACT(xsave), CR4_OSXSAVE, 0 },
		{ 0x1, EDX, 12, FACT(mtrr), 0, 0 },
		{ 0x1, EDX, 14, FACT(mca), 0, 0 },
		{ 0x7, EBX, 0, 0, CR4_FSGSBASE, 0 },
		{ 0x7, EBX, 1, FACT(tsc_adjust), 0, 0 },
		{ 0x7, EBX, 7, 0, CR4_SMEP, 0 },
		{ 0x7, EBX, 10, FACT(invpcid), 0, 0 },
		{ 0x7, EBX, 11, FACT(rtm), 0, 0 },
		{ 0x7, EBX, 20, 0, CR4_SMAP, 0 },
		{ 0x7, ECX, 2, 0, CR4_UMIP, 0 },
		{ 0x7, ECX, 3, FACT(pku), CR4_PKE, 0 },
		{ 0x7, ECX, 16, FACT(la57), CR4_LA57, 0 },
		{ 0x7, ECX, 22, FACT(rdpid), 0, 0 },
		{ 0x7, EDX, 27, FACT(spec_ctrl), 0, 0 },
		{ 0x7, EDX, 29, FACT(arch_capabilities), 0, 0 },
		{ 0x7, EDX, 31, FACT(spec_ctrl), 0, 0 },
		{ 0x80000001, EDX, 20, FACT(nx), 0, CR_EFER_NX },
		{ 0x80000001, EDX, 25, 0, 0, CR_EFER_FFXSR },
		{ 0x80000001, EDX, 26, FACT(gbpages), 0, 0 },
		{ 0x80000001, EDX, 27, FACT(rdtscp), 0, 0 },
		{ 0x80000001, EDX, 29, FACT(lm), 0, CR_EFER_LME | CR_EFER_LMA },
		{ 0x80000008, EBX, 12, FACT(pred_cmd), 0, 0 },
		{ 0x80000008, EBX, 14, FACT(spec_ctrl), 0, 0 },
		{ 0x80000008, EBX, 15, FACT(spec_ctrl), 0, 0 },
		{ 0x80000008, EBX, 24, FACT(spec_ctrl), 0, 0 },
	};
	struct cpuid_facts none, f;
	size_t i;

	cpuid_make_facts(NULL, 0, &none);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct kvm_cpuid_entry2 e = { .function = table[i].function };
		struct cpuid_facts want = none;

		*(u32 *)((char *)&e + table[i].reg) = BIT(table[i].bit);
		if (table[i].fact)
			*(bool *)((char *)&want + table[i].fact) = true;
		want.tsc_aux = want.rdtscp || want.rdpid;
		want.cr4_reserved &= ~table[i].cr4;
		want.efer_reserved &= ~table[i].efer;
		cpuid_make_facts(&e, 1, &f);
		/* up to the last member: padding has no value */
		assert_memory_equal(&f, &want, offsetof(struct cpuid_facts, mtrr) + 1);
	}
}

static void test_facts_spec_ctrl_of_intel(void **state __maybe_unused)
{
	struct kvm_cpuid_entry2 e = { .function = 0x7, .edx = BIT(26) };
	struct cpuid_facts f;

	/* one bit for both MSRs */
	cpuid_make_facts(&e, 1, &f);
	assert_true(f.spec_ctrl && f.pred_cmd);
}

static void test_facts_width(void **state __maybe_unused)
{
	struct kvm_cpuid_entry2 e[] = {
		{ .function = 0x80000000, .eax = 0x80000008 },
		{ .function = 0x80000008, .eax = 0x3028 },
	};
	struct cpuid_facts f;

	cpuid_make_facts(e, 2, &f);
	assert_int_equal(f.maxphyaddr, 40);
	e[0].eax = 0x80000007;
	cpuid_make_facts(e, 2, &f);
	assert_int_equal(f.maxphyaddr, 36);
	e[0].eax = 0x8000001f;
	/* no CPU translates more than 52 bits, even if userspace says so */
	e[1].eax = 0x30ff;
	cpuid_make_facts(e, 2, &f);
	assert_int_equal(f.maxphyaddr, 52);
	e[1].eax = 0x3000;
	cpuid_make_facts(e, 2, &f);
	assert_int_equal(f.maxphyaddr, 36);
}

/* A name that matches in part is another name. */
static void test_facts_of_other_vendors(void **state __maybe_unused)
{
	static const char *const names[] = { "GenuXXXXXXXX", "XXXXineIXXXX", "XXXXXXXXntel",
					     "AuthXXXXXXXX", "XXXXenticAMD", "AuthenticXXX" };
	struct kvm_cpuid_entry2 e = { 0 };
	struct cpuid_facts f;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		memcpy(&e.ebx, names[i], 4);
		memcpy(&e.edx, names[i] + 4, 4);
		memcpy(&e.ecx, names[i] + 8, 4);
		cpuid_make_facts(&e, 1, &f);
		assert_false(f.intel || f.amd);
	}
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
	assert_int_equal(cpuid_check(entries, CPUID_MAX_ENTRIES), 0);
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
	limit.efer_reserved |= CR_EFER_NX;
	build(&generous);
	assert_int_equal(cpuid_replace(&table, copy(), count, &limit, &live), 0);
	assert_int_equal(table.facts.xcr0, 0x3);
	assert_int_equal(table.facts.maxphyaddr, 40);
	assert_false(table.facts.la57 || table.facts.invpcid || table.facts.rdtscp);
	assert_false(table.facts.spec_ctrl || table.facts.pred_cmd);
	assert_false(cr4_valid(&table.facts, CR4_SMAP));
	assert_false(efer_valid(&table.facts, CR_EFER_NX));
	assert_false(efer_valid(&table.facts, CR_EFER_SVME));
	cpuid_free(&table);
	assert_null(table.entries);
	cpuid_free(&table);
}

static void test_replace_frozen(void **state __maybe_unused)
{
	static const size_t fields[] = {
		offsetof(struct kvm_cpuid_entry2, function),
		offsetof(struct kvm_cpuid_entry2, index),
		offsetof(struct kvm_cpuid_entry2, flags),
		EAX,
		EBX,
		ECX,
		EDX,
	};
	struct kvm_cpuid_entry2 *other;
	struct cpuid_table table = { 0 };
	struct cpuid_facts before;
	size_t i;

	build(&generous);
	give(&table);
	give(&table);
	table.frozen = true;
	give(&table);
	before = table.facts;

	other = copy();
	assert_int_equal(cpuid_replace(&table, other, count - 1, &host_facts, &live), -EINVAL);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		u32 *field = (u32 *)((char *)&other[2] + fields[i]);

		*field ^= 0x100;
		assert_int_equal(cpuid_replace(&table, other, count, &host_facts, &live), -EINVAL);
		*field ^= 0x100;
	}
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
	assert_int_equal(ask(&table, 0x1, 0).ecx & (BIT(3) | BIT(27)), BIT(27));
	now.monitor_follows = true;
	cpuid_refresh(&table, &now);
	assert_int_equal(ask(&table, 0x1, 0).ecx & (BIT(3) | BIT(27)), BIT(3) | BIT(27));
	assert_int_equal(ask(&table, 0x1, 0).edx & BIT(9), 0);
	assert_int_equal(ask(&table, 0x7, 0).ecx & BIT(4), BIT(4));
	assert_int_equal(ask(&table, 0xd, 0).ebx, 832);
	/* the greatest size does not change */
	assert_int_equal(ask(&table, 0xd, 0).ecx, 2696);
	cpuid_free(&table);
}

/* A guest that halts without an exit cannot be kicked out of it, so CPUID does not offer that. */
static void test_no_unhalt(void **state __maybe_unused)
{
	struct cpuid_table table = { 0 };
	struct cpuid_live native = live;
	u32 all;

	build(&generous);
	all = get(KVM_CPUID_FEATURES, 0)->eax;
	give(&table);
	assert_int_equal(ask(&table, KVM_CPUID_FEATURES, 0).eax, all);
	native.no_unhalt = true;
	assert_int_equal(cpuid_replace(&table, copy(), count, &host_facts, &native), 0);
	assert_int_equal(ask(&table, KVM_CPUID_FEATURES, 0).eax, all & ~BIT(7));
	assert_int_equal(table.facts.pv_features, all & ~BIT(7));
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

/* A guest without XSAVE or protection keys never sees that they are enabled. */
static void test_live_bits_of_missing_features(void **state __maybe_unused)
{
	struct kvm_cpuid_entry2 few[] = { { .function = 0x1 }, { .function = 0x7 } };
	struct cpuid_table table = { .entries = few, .count = 2 };
	struct cpuid_live now = { .cr4 = ~0ULL };

	cpuid_refresh(&table, &now);
	assert_int_equal(few[0].ecx, 0);
	assert_int_equal(few[1].ecx, 0);
}

/* The compact size exists with XSAVEC, and changes with XCR0. */
static void test_compact_size(void **state __maybe_unused)
{
	struct kvm_cpuid_entry2 e[] = {
		{ .function = 0xd, .index = 0, .flags = 1, .eax = 7 },
		{ .function = 0xd, .index = 1, .flags = 1, .eax = 2 },
		{ .function = 0xd, .index = 2, .flags = 1, .eax = 8, .ebx = 576 },
		{ .function = 0xd, .index = 5, .flags = 1, .eax = 16, .ebx = 640, .ecx = 2 },
	};
	struct cpuid_table table = { .entries = e, .count = ARRAY_SIZE(e) };
	struct cpuid_live now = { .xcr0 = 0x27 };

	cpuid_refresh(&table, &now);
	assert_int_equal(e[0].ebx, 656);
	assert_int_equal(e[1].ebx, 640 + 16);
	e[3].ecx = 0;
	cpuid_refresh(&table, &now);
	assert_int_equal(e[1].ebx, 584 + 16);
	e[1].eax = 8;
	now.xcr0 = 0x7;
	cpuid_refresh(&table, &now);
	assert_int_equal(e[1].ebx, 584);
	/* Without XSAVEC and XSAVES the size is not written, because nobody reads it. */
	e[1].eax = 5;
	e[1].ebx = 0;
	cpuid_refresh(&table, &now);
	assert_int_equal(e[1].ebx, 0);
	/* The table has no index 1. */
	table.count = 1;
	cpuid_refresh(&table, &now);
	assert_int_equal(e[0].ebx, 576);
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
	/* The index is compared only if it is significant. */
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

	/* Intel: the highest basic function, with the index of the query. */
	assert_int_equal(ask(&table, 0x8, 0).ebx, 0x77);
	assert_zero(ask(&table, 0x8, 1));
	assert_int_equal(ask(&table, 0x40000002, 0).ebx, 0x77);
	assert_int_equal(ask(&table, 0x80000009, 0).ebx, 0x77);
	assert_int_equal(ask(&table, 0xffffffff, 0).ebx, 0x77);
	/* All functions of an absent range are out of range. */
	table.count = 4;
	assert_int_equal(ask(&table, 0x40000000, 0).ebx, 0x77);
	assert_int_equal(ask(&table, 0x80000000, 0).ebx, 0x77);
	table.count = ARRAY_SIZE(small);
	/* AMD: zeros. */
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

	/* Past the last level ECX[7:0] and EDX are still valid (SDM 2A). */
	assert_int_equal(q.eax | q.ebx, 0);
	assert_int_equal(q.ecx, 0x02);
	assert_int_equal(q.edx, 5);
	assert_int_equal(ask(&table, 0xb, 1).ebx, 8);
	/* Other functions have no levels. */
	levels[2].function = 0x4;
	assert_zero(ask(&table, 0x4, 2));
	levels[0].eax = 0x1f;
	levels[2].function = 0x1f;
	assert_int_equal(ask(&table, 0x1f, 7).ecx, 7);
	assert_int_equal(ask(&table, 0x1f, 7).edx, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_entry_once),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_hypervisor),
		cmocka_unit_test(test_every_feature),
		cmocka_unit_test(test_no_feature),
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
		cmocka_unit_test(test_facts_one_by_one),
		cmocka_unit_test(test_facts_spec_ctrl_of_intel),
		cmocka_unit_test(test_facts_width),
		cmocka_unit_test(test_facts_of_other_vendors),
		cmocka_unit_test(test_facts_of_nothing),
		cmocka_unit_test(test_facts_of_vendors),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_replace_limits),
		cmocka_unit_test(test_replace_frozen),
		cmocka_unit_test(test_live_bits),
		cmocka_unit_test(test_no_unhalt),
		cmocka_unit_test(test_live_bits_of_amd),
		cmocka_unit_test(test_live_bits_of_missing_features),
		cmocka_unit_test(test_compact_size),
		cmocka_unit_test(test_execute_in_range),
		cmocka_unit_test(test_execute_out_of_range),
		cmocka_unit_test(test_execute_empty),
		cmocka_unit_test(test_execute_topology),
	};

	return cmocka_run_group_tests_name("cpuid", tests, NULL, NULL);
}
