// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID of a guest, as pure logic: the filter that makes it from the host's, the table of one vCPU,
 * and a digest of the facts that the module asks for.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/kvm_para.h>

#include "x86/cpuid.h"
#include "x86/cr.h"

#define BASIC_BASE 0x0u
#define HYPERVISOR_BASE 0x40000000u
#define HYPERVISOR_END 0x40010000u
#define EXTENDED_BASE 0x80000000u

/* The highest functions that a guest gets. */
#define BASIC_MAX 0x1fu
#define EXTENDED_MAX 0x80000021u

/* Bits that the code needs by name (SDM 2A table 3-8, APM 3 appendix E). */
#define F1_ECX_MONITOR BIT(3)
#define F1_ECX_PCID BIT(17)
#define F1_ECX_X2APIC BIT(21)
#define F1_ECX_TSC_DEADLINE BIT(24)
#define F1_ECX_XSAVE BIT(26)
#define F1_ECX_OSXSAVE BIT(27)
#define F1_ECX_HYPERVISOR BIT(31)
#define F1_EDX_MCA BIT(14)
#define F1_EDX_MTRR BIT(12)
#define F1_EDX_APIC BIT(9)
#define F6_EAX_ARAT BIT(2)
#define F7_EBX_FSGSBASE BIT(0)
#define F7_EBX_TSC_ADJUST BIT(1)
#define F7_EBX_SMEP BIT(7)
#define F7_EBX_INVPCID BIT(10)
#define F7_EBX_RTM BIT(11)
#define F7_EBX_SMAP BIT(20)
#define F7_ECX_UMIP BIT(2)
#define F7_ECX_PKU BIT(3)
#define F7_ECX_OSPKE BIT(4)
#define F7_ECX_LA57 BIT(16)
#define F7_ECX_RDPID BIT(22)
#define F7_EDX_SPEC_CTRL BIT(26)
#define F7_EDX_STIBP BIT(27)
#define F7_EDX_ARCH_CAPABILITIES BIT(29)
#define F7_EDX_SSBD BIT(31)
#define FD_EAX_XSAVEC BIT(1)
#define FD_EAX_XSAVES BIT(3)
#define FD_ECX_ALIGNED BIT(1)
#define F81_EDX_APIC BIT(9)
#define F81_EDX_NX BIT(20)
#define F81_EDX_FFXSR BIT(25)
#define F81_EDX_GBPAGES BIT(26)
#define F81_EDX_RDTSCP BIT(27)
#define F81_EDX_LM BIT(29)
#define F88_EBX_IBPB BIT(12)
#define F88_EBX_IBRS BIT(14)
#define F88_EBX_STIBP BIT(15)
#define F88_EBX_SSBD BIT(24)
#define F88_EBX_PSFD BIT(28)

#define XCR0_YMM BIT(2)
#define XCR0_AVX512 GENMASK(7, 5)

#define XSAVE_LEGACY_AND_HEADER 576u

#define APIC_BASE_ENABLE BIT(11)
#define MISC_ENABLE_MONITOR BIT(18)

enum reg {
	EAX,
	EBX,
	ECX,
	EDX,
};

/**
 * struct feature_word - one register of feature bits
 * @function: CPUID EAX
 * @index: CPUID ECX
 * @reg: the register
 * @native: bits that work in a guest if the host has them
 * @made: bits that Oriel provides on any host
 * @avx: bits of @native that need the YMM state
 * @avx512: bits of @native that need the AVX-512 state
 */
struct feature_word {
	u32 function;
	u32 index;
	enum reg reg;
	u32 native;
	u32 made;
	u32 avx;
	u32 avx512;
};

/*
 * Features that are not here are hidden: either Oriel does not virtualize them (VMX, SVM, MONITOR,
 * performance counters and all that reports through them, processor trace, SGX, AMX, CET, XSAVES,
 * bus-lock detection, WAITPKG, OSVW, LOCK MOV CR0 for CR8), or they describe only the host
 * (thermal, topology). TSC-deadline is hidden because KVM's ABI says so: it depends on the irqchip,
 * and KVM_CAP_TSC_DEADLINE_TIMER announces it.
 */
static const struct feature_word feature_words[] = {
	/* FPU .. CX8, APIC, SEP .. PSE36, CLFLUSH, MMX .. SSE2, self-snoop */
	{ 0x1, 0, EDX, .native = 0x0f8bfbff },
	{ 0x1, 0, ECX,
	  /* SSE3, PCLMUL, SSSE3, FMA, CX16, PCID, SSE4, MOVBE .. RDRAND */
	  .native = BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | F1_ECX_PCID | GENMASK(20, 19) |
		    BIT(22) | BIT(23) | BIT(25) | F1_ECX_XSAVE | GENMASK(30, 28),
	  .made = F1_ECX_X2APIC | F1_ECX_HYPERVISOR, .avx = BIT(12) | BIT(28) | BIT(29) },
	{ 0x6, 0, EAX, .made = F6_EAX_ARAT },
	{ 0x7, 0, EBX,
	  .native = F7_EBX_FSGSBASE | GENMASK(11, 3) | BIT(13) | GENMASK(21, 16) | BIT(23) |
		    BIT(24) | GENMASK(31, 26),
	  .made = F7_EBX_TSC_ADJUST, .avx = BIT(5),
	  .avx512 = BIT(16) | BIT(17) | BIT(21) | GENMASK(28, 26) | GENMASK(31, 30) },
	{ 0x7, 0, ECX,
	  .native = BIT(1) | F7_ECX_UMIP | F7_ECX_PKU | BIT(6) | GENMASK(12, 8) | BIT(14) |
		    F7_ECX_LA57 | F7_ECX_RDPID | BIT(25) | BIT(27) | BIT(28),
	  .avx = BIT(9) | BIT(10), .avx512 = BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14) },
	{ 0x7, 0, EDX,
	  .native = GENMASK(4, 2) | BIT(8) | BIT(10) | BIT(14) | BIT(16) | BIT(23) |
		    F7_EDX_SPEC_CTRL | F7_EDX_STIBP | F7_EDX_SSBD,
	  .made = F7_EDX_ARCH_CAPABILITIES, .avx512 = BIT(2) | BIT(3) | BIT(8) | BIT(23) },
	{ 0x7, 1, EAX, .native = BIT(4) | BIT(5) | GENMASK(12, 10) | BIT(23),
	  .avx = BIT(4) | BIT(23), .avx512 = BIT(5) },
	{ 0x7, 1, EDX, .native = BIT(4) | BIT(5) | BIT(14), .avx = BIT(4) | BIT(5) },
	/* XSAVEOPT, XSAVEC, XGETBV with ECX 1 */
	{ 0xd, 1, EAX, .native = GENMASK(2, 0) },
	/* copies of function 1 (AMD), SYSCALL, NX .. 3DNOW */
	{ 0x80000001, 0, EDX,
	  .native = 0x0183fbff | F81_EDX_NX | BIT(22) | GENMASK(27, 25) | GENMASK(31, 29) },
	{ 0x80000001, 0, ECX,
	  .native = BIT(0) | BIT(1) | GENMASK(8, 5) | BIT(11) | BIT(16) | BIT(21) | BIT(22),
	  .avx = BIT(11) | BIT(16) },
	/* invariant TSC */
	{ 0x80000007, 0, EDX, .native = BIT(8) },
	/* CLZERO, XSAVEERPTR, WBNOINVD, speculation control, SSB_NO */
	{ 0x80000008, 0, EBX,
	  .native = BIT(0) | BIT(2) | BIT(9) | F88_EBX_IBPB | F88_EBX_IBRS | F88_EBX_STIBP |
		    F88_EBX_SSBD | BIT(26) | F88_EBX_PSFD },
	/* LFENCE serializes, a null selector clears the base */
	{ 0x80000021, 0, EAX, .native = BIT(2) | BIT(6) },
};

/**
 * struct vendor_feature - a feature that depends on a CPUID_HOST_* flag too
 * @flag: without it the feature is hidden
 * @function: CPUID EAX
 * @reg: the register
 * @mask: the bits
 */
struct vendor_feature {
	u32 flag;
	u32 function;
	enum reg reg;
	u32 mask;
};

static const struct vendor_feature vendor_features[] = {
	{ CPUID_HOST_SPEC_CTRL, 0x7, EDX, F7_EDX_SPEC_CTRL | F7_EDX_STIBP | F7_EDX_SSBD },
	{ CPUID_HOST_SPEC_CTRL, 0x80000008, EBX,
	  F88_EBX_IBRS | F88_EBX_STIBP | F88_EBX_SSBD | F88_EBX_PSFD },
	{ CPUID_HOST_PRED_CMD, 0x80000008, EBX, F88_EBX_IBPB },
	/* On Intel one bit promises both MSRs. */
	{ CPUID_HOST_PRED_CMD, 0x7, EDX, F7_EDX_SPEC_CTRL },
	{ CPUID_HOST_LA57, 0x7, ECX, F7_ECX_LA57 },
	{ CPUID_HOST_RDTSCP, 0x7, ECX, F7_ECX_RDPID },
	{ CPUID_HOST_RDTSCP, 0x80000001, EDX, F81_EDX_RDTSCP },
	{ CPUID_HOST_INVPCID, 0x7, EBX, F7_EBX_INVPCID },
};

/**
 * struct builder - a table under construction
 * @host: source
 * @out: destination
 * @max: room in @out, in entries
 * @count: entries so far; entries beyond @max are only counted
 */
struct builder {
	const struct cpuid_host *host;
	struct kvm_cpuid_entry2 *out;
	u32 max;
	u32 count;
};

static u32 *entry_reg(struct kvm_cpuid_entry2 *entry, enum reg reg)
{
	switch (reg) {
	case EAX:
		return &entry->eax;
	case EBX:
		return &entry->ebx;
	case ECX:
		return &entry->ecx;
	default:
		return &entry->edx;
	}
}

static void read_host(const struct cpuid_host *host, u32 function, u32 index,
		      struct kvm_cpuid_entry2 *entry)
{
	struct cpuid_query regs = { .eax = function, .ecx = index };

	host->read(host, &regs);
	memset(entry, 0, sizeof(*entry));
	entry->function = function;
	entry->index = index;
	entry->eax = regs.eax;
	entry->ebx = regs.ebx;
	entry->ecx = regs.ecx;
	entry->edx = regs.edx;
}

static void add_entry(struct builder *b, const struct kvm_cpuid_entry2 *entry)
{
	if (b->count < b->max)
		b->out[b->count] = *entry;
	b->count++;
}

/* The bits of a feature word that the guest may have, from the host's bits @native. */
static u32 filter_word(const struct cpuid_host *host, const struct feature_word *word, u32 native)
{
	u32 value = native & word->native;
	u32 i;

	if (!(host->xcr0 & XCR0_YMM))
		value &= ~(word->avx | word->avx512);
	if ((host->xcr0 & XCR0_AVX512) != XCR0_AVX512)
		value &= ~word->avx512;
	for (i = 0; i < ARRAY_SIZE(vendor_features); i++) {
		const struct vendor_feature *f = &vendor_features[i];

		if (f->function == word->function && f->reg == word->reg && word->index == 0 &&
		    !(host->flags & f->flag))
			value &= ~f->mask;
	}
	return value | word->made;
}

/* Reduce the feature bits in @entry to those that the guest may have. */
static void filter_features(const struct cpuid_host *host, struct kvm_cpuid_entry2 *entry)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(feature_words); i++) {
		const struct feature_word *word = &feature_words[i];

		if (word->function == entry->function && word->index == entry->index) {
			u32 *reg = entry_reg(entry, word->reg);

			*reg = filter_word(host, word, *reg);
		}
	}
}

static void keep(struct kvm_cpuid_entry2 *entry, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	entry->eax &= eax;
	entry->ebx &= ebx;
	entry->ecx &= ecx;
	entry->edx &= edx;
}

/* Function 4 and 0x8000001d: caches, one index each, up to the first of type 0. */
static void add_caches(struct builder *b, u32 function)
{
	struct kvm_cpuid_entry2 entry;
	u32 index = 0;

	do {
		read_host(b->host, function, index, &entry);
		entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		add_entry(b, &entry);
	} while ((entry.eax & GENMASK(4, 0)) && ++index < 32);
}

static void add_structured_features(struct builder *b)
{
	struct kvm_cpuid_entry2 entry;
	u32 last, index;

	read_host(b->host, 0x7, 0, &entry);
	last = min(entry.eax, 1u);
	for (index = 0; index <= last; index++) {
		read_host(b->host, 0x7, index, &entry);
		entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		if (index == 0)
			entry.eax = last;
		else
			keep(&entry, ~0u, 0, 0, ~0u);
		filter_features(b->host, &entry);
		add_entry(b, &entry);
	}
}

const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid_entry2 *entries, u32 count,
					  u32 function, u32 index)
{
	u32 i;

	for (i = 0; i < count; i++) {
		const struct kvm_cpuid_entry2 *e = &entries[i];

		if (e->function == function &&
		    (e->index == index || !(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return e;
	}
	return NULL;
}

static struct kvm_cpuid_entry2 *find_to_change(struct kvm_cpuid_entry2 *entries, u32 count,
					       u32 function, u32 index)
{
	return (struct kvm_cpuid_entry2 *)cpuid_find(entries, count, function, index);
}

/* SDM 1 13.4.3: each component follows the last one, aligned to 64 bytes if it asks for that. */
static u32 compact_size(const struct kvm_cpuid_entry2 *entries, u32 count, u64 components)
{
	u32 size = XSAVE_LEGACY_AND_HEADER;
	u32 i;

	for (i = 2; i < 63; i++) {
		const struct kvm_cpuid_entry2 *e;

		if (!(components & BIT_ULL(i)))
			continue;
		e = cpuid_find(entries, count, 0xd, i);
		if (!e)
			continue;
		if (e->ecx & FD_ECX_ALIGNED)
			size = (size + 63) & ~63u;
		size += e->eax;
	}
	return size;
}

static void set_xsave_sizes(struct kvm_cpuid_entry2 *entries, u32 count, u64 xcr0)
{
	struct kvm_cpuid_entry2 *e = find_to_change(entries, count, 0xd, 0);

	if (!e)
		return;
	e->ebx = cpuid_xsave_size(entries, count, xcr0);
	e = find_to_change(entries, count, 0xd, 1);
	if (e && (e->eax & (FD_EAX_XSAVEC | FD_EAX_XSAVES)))
		e->ebx = compact_size(entries, count, xcr0);
}

static void add_xsave(struct builder *b)
{
	u64 xcr0 = b->host->xcr0;
	struct kvm_cpuid_entry2 entry;
	u32 first = b->count;
	u32 index, size;

	for (index = 0; index < 63; index++) {
		if (index >= 2 && !(xcr0 & BIT_ULL(index)))
			continue;
		read_host(b->host, 0xd, index, &entry);
		entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		if (index == 0)
			keep(&entry, xcr0, 0, 0, xcr0 >> 32);
		else if (index == 1)
			keep(&entry, xcr0 ? ~0u : 0, 0, 0, 0);
		else
			keep(&entry, ~0u, ~0u, FD_ECX_ALIGNED, 0);
		filter_features(b->host, &entry);
		add_entry(b, &entry);
	}
	if (b->count > b->max || !xcr0)
		return;
	size = cpuid_xsave_size(b->out + first, b->count - first, xcr0);
	set_xsave_sizes(b->out + first, b->count - first, xcr0);
	b->out[first].ecx = size;
}

/*
 * The second-level tables limit the width of a guest-physical address: four levels translate 48
 * bits (APM 2 15.25.3, SDM 3C 28.3.2).
 */
static void limit_address_widths(const struct cpuid_host *host, struct kvm_cpuid_entry2 *entry)
{
	u32 physical = entry->eax & 0xff;
	u32 linear = (entry->eax >> 8) & 0xff;

	if (!(host->flags & CPUID_HOST_LA57)) {
		physical = min(physical, 48u);
		linear = min(linear, 48u);
	}
	entry->eax = physical | linear << 8;
}

static void add_basic(struct builder *b, u32 function)
{
	struct kvm_cpuid_entry2 entry;

	read_host(b->host, function, 0, &entry);
	switch (function) {
	case 0x0:
		entry.eax = min(entry.eax, BASIC_MAX);
		break;
	case 0x1:
		/* Userspace fills in the APIC id and the topology. */
		keep(&entry, ~0u, 0xff00, ~0u, ~0u);
		filter_features(b->host, &entry);
		if (!b->host->xcr0)
			entry.ecx &= ~F1_ECX_XSAVE;
		break;
	case 0x2:
		/* One CPUID returns it all (SDM 2A CPUID, "INPUT EAX = 02H"). */
		if (entry.eax)
			entry.eax = (entry.eax & ~0xffu) | 1;
		break;
	case 0x4:
		return add_caches(b, function);
	case 0x6:
		keep(&entry, 0, 0, 0, 0);
		filter_features(b->host, &entry);
		break;
	case 0x7:
		return add_structured_features(b);
	case 0xd:
		return add_xsave(b);
	case 0xb:
	case 0x12:
	case 0x14:
	case 0x17:
	case 0x18:
	case 0x1d:
	case 0x1e:
	case 0x1f:
		entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		fallthrough;
	default:
		keep(&entry, 0, 0, 0, 0);
	}
	add_entry(b, &entry);
}

static void add_extended(struct builder *b, u32 function)
{
	struct kvm_cpuid_entry2 entry;

	read_host(b->host, function, 0, &entry);
	switch (function) {
	case 0x80000000:
		entry.eax = min(entry.eax, EXTENDED_MAX);
		break;
	case 0x80000001:
		/* EBX names only the package. */
		keep(&entry, ~0u, 0xf0000000, ~0u, ~0u);
		filter_features(b->host, &entry);
		break;
	case 0x80000002 ... 0x80000006:
	case 0x80000019:
	case 0x8000001a:
		break;
	case 0x80000007:
		keep(&entry, 0, 0, 0, ~0u);
		filter_features(b->host, &entry);
		break;
	case 0x80000008:
		keep(&entry, ~0u, ~0u, 0, 0);
		limit_address_widths(b->host, &entry);
		filter_features(b->host, &entry);
		break;
	case 0x8000001d:
		return add_caches(b, function);
	case 0x80000021:
		keep(&entry, ~0u, 0, 0, 0);
		filter_features(b->host, &entry);
		break;
	default:
		keep(&entry, 0, 0, 0, 0);
	}
	add_entry(b, &entry);
}

/*
 * The ABI is KVM's, so the guest must find KVM's signature: without it, it does not use kvmclock.
 * CLOCKSOURCE_STABLE_BIT means that the guest can trust the flag of that name in the clock's
 * structure; it does not mean that the flag is set.
 */
static void add_hypervisor(struct builder *b)
{
	struct kvm_cpuid_entry2 entry = { .function = KVM_CPUID_SIGNATURE };
	u32 name[3];

	memcpy(name, KVM_SIGNATURE, sizeof(name));
	entry.eax = KVM_CPUID_FEATURES;
	entry.ebx = name[0];
	entry.ecx = name[1];
	entry.edx = name[2];
	add_entry(b, &entry);

	memset(&entry, 0, sizeof(entry));
	entry.function = KVM_CPUID_FEATURES;
	entry.eax = BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) |
		    BIT(KVM_FEATURE_CLOCKSOURCE2) | BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT) |
		    BIT(KVM_FEATURE_PV_EOI) | BIT(KVM_FEATURE_PV_UNHALT) |
		    BIT(KVM_FEATURE_PV_SEND_IPI) | BIT(KVM_FEATURE_PV_SCHED_YIELD) |
		    BIT(KVM_FEATURE_POLL_CONTROL);
	if (b->host->flags & CPUID_HOST_STEAL_TIME)
		entry.eax |= BIT(KVM_FEATURE_STEAL_TIME) | BIT(KVM_FEATURE_PV_TLB_FLUSH);
	add_entry(b, &entry);
}

int cpuid_supported(const struct cpuid_host *host, struct kvm_cpuid_entry2 *out, u32 max)
{
	struct builder b = { .host = host, .out = out, .max = max };
	struct kvm_cpuid_entry2 entry;
	u32 function, last;

	read_host(host, BASIC_BASE, 0, &entry);
	last = min(entry.eax, BASIC_MAX);
	for (function = BASIC_BASE; function <= last; function++)
		add_basic(&b, function);

	add_hypervisor(&b);

	read_host(host, EXTENDED_BASE, 0, &entry);
	last = min(entry.eax, EXTENDED_MAX);
	for (function = EXTENDED_BASE; function <= last; function++)
		add_extended(&b, function);

	return b.count <= max ? (int)b.count : -E2BIG;
}

/* There are always the legacy region and the header. @entries have function 0xd. */
u32 cpuid_xsave_size(const struct kvm_cpuid_entry2 *entries, u32 count, u64 xcr0)
{
	u32 size = XSAVE_LEGACY_AND_HEADER;
	u32 i;

	for (i = 2; i < 63; i++) {
		const struct kvm_cpuid_entry2 *e;

		if (!(xcr0 & BIT_ULL(i)))
			continue;
		e = cpuid_find(entries, count, 0xd, i);
		if (e)
			size = max(size, e->eax + e->ebx);
	}
	return size;
}

static bool vendor_is(const struct kvm_cpuid_entry2 *leaf0, const char *name)
{
	return leaf0 && !memcmp(&leaf0->ebx, name, 4) && !memcmp(&leaf0->edx, name + 4, 4) &&
	       !memcmp(&leaf0->ecx, name + 8, 4);
}

/* Older CR4 bits, which each CPU that can run this has, are never refused. */
static u64 cr4_reserved(const struct cpuid_facts *facts, u32 f7_ebx, u32 f7_ecx)
{
	u64 allowed = CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE |
		      CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (facts->xsave)
		allowed |= CR4_OSXSAVE;
	if (facts->pcid)
		allowed |= CR4_PCIDE;
	if (facts->la57)
		allowed |= CR4_LA57;
	if (facts->pku)
		allowed |= CR4_PKE;
	if (f7_ebx & F7_EBX_FSGSBASE)
		allowed |= CR4_FSGSBASE;
	if (f7_ebx & F7_EBX_SMEP)
		allowed |= CR4_SMEP;
	if (f7_ebx & F7_EBX_SMAP)
		allowed |= CR4_SMAP;
	if (f7_ecx & F7_ECX_UMIP)
		allowed |= CR4_UMIP;
	return ~allowed;
}

static u64 efer_reserved(const struct cpuid_facts *facts, u32 f81_edx)
{
	u64 allowed = CR_EFER_SCE;

	if (facts->lm)
		allowed |= CR_EFER_LME | CR_EFER_LMA;
	if (facts->nx)
		allowed |= CR_EFER_NX;
	if (f81_edx & F81_EDX_FFXSR)
		allowed |= CR_EFER_FFXSR;
	return ~allowed;
}

static struct kvm_cpuid_entry2 leaf(const struct kvm_cpuid_entry2 *entries, u32 count, u32 function,
				    u32 index)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(entries, count, function, index);
	struct kvm_cpuid_entry2 none = { .function = function };

	return e ? *e : none;
}

/* The function after KVM's signature, which moves up if another hypervisor's is at the base. */
static u32 pv_function(const struct kvm_cpuid_entry2 *entries, u32 count)
{
	u32 base;

	for (base = HYPERVISOR_BASE; base < HYPERVISOR_END; base += 0x100) {
		struct kvm_cpuid_entry2 e = leaf(entries, count, base, 0);
		u32 name[3] = { e.ebx, e.ecx, e.edx };

		if (!memcmp(name, KVM_SIGNATURE, sizeof(name)))
			return base | KVM_CPUID_FEATURES;
	}
	return 0;
}

static u32 pv_features(const struct kvm_cpuid_entry2 *entries, u32 count)
{
	u32 function = pv_function(entries, count);

	return function ? leaf(entries, count, function, 0).eax : 0;
}

/* A CPU without the function has 36 bits (SDM 3A 4.1.4). */
static u8 max_physical_width(const struct kvm_cpuid_entry2 *entries, u32 count)
{
	u32 width = 0;

	if (leaf(entries, count, EXTENDED_BASE, 0).eax >= 0x80000008)
		width = leaf(entries, count, 0x80000008, 0).eax & 0xff;
	return width ? min(width, 52u) : 36;
}

void cpuid_make_facts(const struct kvm_cpuid_entry2 *entries, u32 count, struct cpuid_facts *facts)
{
	struct kvm_cpuid_entry2 f0 = leaf(entries, count, 0x0, 0);
	struct kvm_cpuid_entry2 f1 = leaf(entries, count, 0x1, 0);
	struct kvm_cpuid_entry2 f7 = leaf(entries, count, 0x7, 0);
	struct kvm_cpuid_entry2 fd = leaf(entries, count, 0xd, 0);
	struct kvm_cpuid_entry2 f81 = leaf(entries, count, 0x80000001, 0);
	struct kvm_cpuid_entry2 f88 = leaf(entries, count, 0x80000008, 0);

	*facts = (struct cpuid_facts){
		.maxphyaddr = max_physical_width(entries, count),
		.intel = vendor_is(&f0, "GenuineIntel") || vendor_is(&f0, "CentaurHauls"),
		.amd = vendor_is(&f0, "AuthenticAMD") || vendor_is(&f0, "HygonGenuine"),
		.lm = f81.edx & F81_EDX_LM,
		.nx = f81.edx & F81_EDX_NX,
		.gbpages = f81.edx & F81_EDX_GBPAGES,
		.la57 = f7.ecx & F7_ECX_LA57,
		.pcid = f1.ecx & F1_ECX_PCID,
		.invpcid = f7.ebx & F7_EBX_INVPCID,
		.xsave = f1.ecx & F1_ECX_XSAVE,
		.pku = f7.ecx & F7_ECX_PKU,
		.x2apic = f1.ecx & F1_ECX_X2APIC,
		.tsc_deadline = f1.ecx & F1_ECX_TSC_DEADLINE,
		.tsc_adjust = f7.ebx & F7_EBX_TSC_ADJUST,
		.rdtscp = f81.edx & F81_EDX_RDTSCP,
		.rdpid = f7.ecx & F7_ECX_RDPID,
		.rtm = f7.ebx & F7_EBX_RTM,
		.spec_ctrl = (f7.edx & (F7_EDX_SPEC_CTRL | F7_EDX_STIBP | F7_EDX_SSBD)) ||
			     (f88.ebx & (F88_EBX_IBRS | F88_EBX_STIBP | F88_EBX_SSBD)),
		.pred_cmd = (f7.edx & F7_EDX_SPEC_CTRL) || (f88.ebx & F88_EBX_IBPB),
		.arch_capabilities = f7.edx & F7_EDX_ARCH_CAPABILITIES,
		.mca = f1.edx & F1_EDX_MCA,
		.mtrr = f1.edx & F1_EDX_MTRR,
	};
	facts->tsc_aux = facts->rdtscp || facts->rdpid;
	facts->pv_features = pv_features(entries, count);
	facts->xcr0 = facts->xsave ? fd.eax | (u64)fd.edx << 32 : 0;
	facts->cr4_reserved = cr4_reserved(facts, f7.ebx, f7.ecx);
	facts->efer_reserved = efer_reserved(facts, f81.edx);
}

/* Userspace may promise more than the host has, but the hardware would not do it. */
static void limit_facts(struct cpuid_facts *facts, const struct cpuid_facts *limit)
{
	facts->cr4_reserved |= limit->cr4_reserved;
	facts->efer_reserved |= limit->efer_reserved;
	facts->xcr0 &= limit->xcr0;
	facts->maxphyaddr = min(facts->maxphyaddr, limit->maxphyaddr);
	facts->lm &= limit->lm;
	facts->nx &= limit->nx;
	facts->gbpages &= limit->gbpages;
	facts->la57 &= limit->la57;
	facts->pcid &= limit->pcid;
	facts->invpcid &= limit->invpcid;
	facts->xsave &= limit->xsave;
	facts->pku &= limit->pku;
	facts->rdtscp &= limit->rdtscp;
	facts->rdpid &= limit->rdpid;
	facts->tsc_aux = facts->rdtscp || facts->rdpid;
	facts->rtm &= limit->rtm;
	facts->spec_ctrl &= limit->spec_ctrl;
	facts->pred_cmd &= limit->pred_cmd;
	facts->arch_capabilities &= limit->arch_capabilities;
}

/*
 * -E2BIG: too many entries. -EINVAL: a virtual-address width that no CPU has (CPUID 0x80000008
 * EAX[15:8] other than 0, 48 or 57).
 */
int cpuid_check(const struct kvm_cpuid_entry2 *entries, u32 count)
{
	u32 width;

	if (count > CPUID_MAX_ENTRIES)
		return -E2BIG;
	width = (leaf(entries, count, 0x80000008, 0).eax >> 8) & 0xff;
	return width == 0 || width == 48 || width == 57 ? 0 : -EINVAL;
}

static void assign_bits(u32 *word, u32 mask, bool on)
{
	*word = on ? *word | mask : *word & ~mask;
}

static void show_live(struct kvm_cpuid_entry2 *entries, u32 count, const struct cpuid_live *live)
{
	const struct kvm_cpuid_entry2 *f0 = cpuid_find(entries, count, 0x0, 0);
	struct kvm_cpuid_entry2 *e = find_to_change(entries, count, 0x1, 0);
	bool apic = live->apic_base & APIC_BASE_ENABLE;
	u32 pv;

	if (e) {
		if (e->ecx & F1_ECX_XSAVE)
			assign_bits(&e->ecx, F1_ECX_OSXSAVE, live->cr4 & CR4_OSXSAVE);
		if (live->monitor_follows)
			assign_bits(&e->ecx, F1_ECX_MONITOR,
				    live->misc_enable & MISC_ENABLE_MONITOR);
		assign_bits(&e->edx, F1_EDX_APIC, apic);
	}

	e = find_to_change(entries, count, 0x80000001, 0);
	if (e && (vendor_is(f0, "AuthenticAMD") || vendor_is(f0, "HygonGenuine")))
		assign_bits(&e->edx, F81_EDX_APIC, apic);

	e = find_to_change(entries, count, 0x7, 0);
	if (e && (e->ecx & F7_ECX_PKU))
		assign_bits(&e->ecx, F7_ECX_OSPKE, live->cr4 & CR4_PKE);

	pv = live->no_unhalt ? pv_function(entries, count) : 0;
	e = pv ? find_to_change(entries, count, pv, 0) : NULL;
	if (e)
		assign_bits(&e->eax, BIT(KVM_FEATURE_PV_UNHALT), false);

	set_xsave_sizes(entries, count, live->xcr0);
}

void cpuid_refresh(struct cpuid_table *table, const struct cpuid_live *live)
{
	show_live(table->entries, table->count, live);
}

static bool same_entries(const struct cpuid_table *table, const struct kvm_cpuid_entry2 *entries,
			 u32 count)
{
	u32 i;

	if (table->count != count)
		return false;
	for (i = 0; i < count; i++) {
		const struct kvm_cpuid_entry2 *a = &table->entries[i];
		const struct kvm_cpuid_entry2 *b = &entries[i];

		if (a->function != b->function || a->index != b->index || a->flags != b->flags ||
		    a->eax != b->eax || a->ebx != b->ebx || a->ecx != b->ecx || a->edx != b->edx)
			return false;
	}
	return true;
}

int cpuid_replace(struct cpuid_table *table, struct kvm_cpuid_entry2 *entries, u32 count,
		  const struct cpuid_facts *limit, const struct cpuid_live *live)
{
	int ret = cpuid_check(entries, count);

	if (ret)
		return ret;
	show_live(entries, count, live);
	if (table->frozen && !same_entries(table, entries, count))
		return -EINVAL;
	kfree(table->entries);
	table->entries = entries;
	table->count = count;
	cpuid_make_facts(entries, count, &table->facts);
	limit_facts(&table->facts, limit);
	return 0;
}

void cpuid_free(struct cpuid_table *table)
{
	kfree(table->entries);
	table->entries = NULL;
	table->count = 0;
}

static u32 range_base(u32 function)
{
	if (function >= EXTENDED_BASE)
		return EXTENDED_BASE;
	if (function >= HYPERVISOR_BASE)
		return HYPERVISOR_BASE;
	return BASIC_BASE;
}

/*
 * SDM 2A CPUID: a function beyond the last one of its range answers as the highest basic function.
 * AMD answers zeros.
 */
static const struct kvm_cpuid_entry2 *find_or_wrap(const struct cpuid_table *table, u32 function,
						   u32 index)
{
	const struct kvm_cpuid_entry2 *f0, *range, *e;

	e = cpuid_find(table->entries, table->count, function, index);
	if (e)
		return e;
	f0 = cpuid_find(table->entries, table->count, BASIC_BASE, 0);
	if (!f0 || table->facts.amd)
		return NULL;
	range = cpuid_find(table->entries, table->count, range_base(function), 0);
	if (range && function <= range->eax)
		return NULL;
	return cpuid_find(table->entries, table->count, f0->eax, index);
}

/*
 * SDM 2A CPUID, functions 0BH and 1FH: with an index past the last level, ECX still has the index
 * and EDX the x2APIC id.
 */
static bool past_topology(const struct cpuid_table *table, struct cpuid_query *regs)
{
	const struct kvm_cpuid_entry2 *level;

	if (regs->eax != 0xb && regs->eax != 0x1f)
		return false;
	level = cpuid_find(table->entries, table->count, regs->eax, 1);
	if (!level)
		return false;
	*regs = (struct cpuid_query){ .ecx = regs->ecx & 0xff, .edx = level->edx };
	return true;
}

/*
 * Functions out of range follow the vendor's rule: SDM 2A CPUID (the highest basic function again),
 * APM 3 CPUID (zeros).
 */
void cpuid_execute(const struct cpuid_table *table, struct cpuid_query *regs)
{
	const struct kvm_cpuid_entry2 *e = find_or_wrap(table, regs->eax, regs->ecx);

	if (e)
		*regs = (struct cpuid_query){
			.eax = e->eax, .ebx = e->ebx, .ecx = e->ecx, .edx = e->edx
		};
	else if (!past_topology(table, regs))
		*regs = (struct cpuid_query){ 0 };
}
