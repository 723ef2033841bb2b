// SPDX-License-Identifier: GPL-2.0-only
/*
 * The manuals' rules for values of control, debug and extended registers. Pure.
 */
#include <linux/bits.h>
#include <linux/types.h>

#include "x86/cr.h"

/* CR0's bits below 32 that are not defined are ignored and read as 0. */
#define CR0_DEFINED                                                                                \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)

#define CR3_NO_FLUSH BIT_ULL(63)
#define CR3_PCID GENMASK_ULL(11, 0)

#define XCR0_X87 BIT_ULL(0)
#define XCR0_SSE BIT_ULL(1)
#define XCR0_YMM BIT_ULL(2)
#define XCR0_AVX512 GENMASK_ULL(7, 5)

/* B0 to B3, BD, BS, BT; the other bits are hard-wired (SDM 3B 18.2.3). */
#define DR6_WRITABLE (GENMASK_ULL(3, 0) | GENMASK_ULL(15, 13))
#define DR6_BREAKPOINTS GENMASK_ULL(3, 0)
#define DR6_RTM BIT_ULL(16)

/* Four bits for each breakpoint: the accesses it is for, and its length (SDM 3B 18.2.4). */
#define DR7_RW_SHIFT 16
#define DR7_RW_WRITE 1
#define DR7_RW_ACCESS 3

/* L and G bits, LE, GE, GD, R/W and LEN fields (SDM 3B 18.2.4). */
#define DR7_WRITABLE (GENMASK_ULL(9, 0) | BIT_ULL(13) | GENMASK_ULL(31, 16))
#define DR7_RTM BIT_ULL(11)

static bool in_long_mode(const struct cpu_state *state)
{
	return state->efer & CR_EFER_LMA;
}

bool cr_pae_paging(const struct cpu_state *state)
{
	return state->cr0 & CR0_PG && state->cr4 & CR4_PAE && !in_long_mode(state);
}

/*
 * Return false for bits 63:32 set, PG without PE, NW without CD (SDM 3A 2.5 and 6.15, #GP
 * conditions of MOV CR).
 */
bool cr0_valid(u64 cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & CR0_PG) && !(cr0 & CR0_PE))
		return false;
	return (cr0 & CR0_CD) || !(cr0 & CR0_NW);
}

bool cr0_write_valid(const struct cpu_state *state, u64 cr0)
{
	bool code64 = state->seg[SEG_CS].attrib & SEG_ATTR_L;
	bool was_paging = state->cr0 & CR0_PG;
	bool paging = cr0 & CR0_PG;

	if (!cr0_valid(cr0))
		return false;
	/* Long mode begins here, from 32-bit code (SDM 3A 10.8.5, APM 2 14.6.1) ... */
	if (paging && !was_paging && (state->efer & CR_EFER_LME))
		return (state->cr4 & CR4_PAE) && !code64;
	/* ... and ends in compatibility mode, without PCIDs (SDM 3A 4.10.1). */
	if (!paging && was_paging)
		return !(state->cr4 & CR4_PCIDE) && !(in_long_mode(state) && code64);
	return true;
}

u64 cr0_effective(u64 cr0)
{
	return (cr0 & CR0_DEFINED) | CR0_ET;
}

bool cr4_valid(const struct cpuid_facts *facts, u64 cr4)
{
	return !(cr4 & facts->cr4_reserved);
}

bool cr4_write_valid(const struct cpuid_facts *facts, const struct cpu_state *state, u64 cr4)
{
	u64 changed = state->cr4 ^ cr4;

	if (!cr4_valid(facts, cr4))
		return false;
	/* The paging mode cannot change in IA-32e mode (SDM 3A 4.1.2). */
	if (in_long_mode(state) && (!(cr4 & CR4_PAE) || (changed & CR4_LA57)))
		return false;
	/* SDM 3A 4.10.1 */
	if ((changed & cr4 & CR4_PCIDE) && (!in_long_mode(state) || (state->cr3 & CR3_PCID)))
		return false;
	return true;
}

static bool physical_valid(const struct cpuid_facts *facts, u64 gpa)
{
	return !(gpa >> facts->maxphyaddr);
}

/*
 * Return false for a bit at or above MAXPHYADDR in long mode. With CR4.PCIDE bit 63 is a hint that
 * is not stored.
 */
bool cr3_valid(const struct cpuid_facts *facts, const struct cpu_state *state, u64 cr3)
{
	/* Outside long mode, the source of the MOV has 32 bits. */
	if (!in_long_mode(state))
		return true;
	if (state->cr4 & CR4_PCIDE)
		cr3 &= ~CR3_NO_FLUSH;
	return physical_valid(facts, cr3);
}

/* The value has no bit above 3 (SDM 3A 11.8.6.1). */
bool cr8_valid(u64 cr8)
{
	return cr8 <= 15;
}

bool efer_valid(const struct cpuid_facts *facts, u64 efer)
{
	return !(efer & facts->efer_reserved & ~CR_EFER_LMA);
}

/* LME must not change under paging (APM 2 14.6.1). */
bool efer_write_valid(const struct cpuid_facts *facts, const struct cpu_state *state, u64 efer)
{
	if (!efer_valid(facts, efer))
		return false;
	return !(state->cr0 & CR0_PG) || !((state->efer ^ efer) & CR_EFER_LME);
}

u64 efer_effective(u64 efer, u64 cr0)
{
	if ((efer & CR_EFER_LME) && (cr0 & CR0_PG))
		return efer | CR_EFER_LMA;
	return efer & ~CR_EFER_LMA;
}

/*
 * Return false if x87 is clear, a component lacks its base, or the guest does not have a component
 * (SDM 1 13.3).
 */
bool xcr0_valid(const struct cpuid_facts *facts, u64 xcr0)
{
	u64 avx512 = xcr0 & XCR0_AVX512;

	/* x87 is always there, even before the guest has a CPUID. */
	if (!(xcr0 & XCR0_X87) || (xcr0 & ~(facts->xcr0 | XCR0_X87)))
		return false;
	if ((xcr0 & XCR0_YMM) && !(xcr0 & XCR0_SSE))
		return false;
	return !avx512 || (avx512 == XCR0_AVX512 && (xcr0 & XCR0_YMM));
}

/* The value has no bit above 31, in DR7 and DR5 too (SDM 3B 18.2.6). */
bool dr6_valid(u64 dr6)
{
	return !(dr6 >> 32);
}

bool dr7_valid(u64 dr7)
{
	return !(dr7 >> 32);
}

u64 dr6_effective(const struct cpuid_facts *facts, u64 dr6)
{
	u64 writable = DR6_WRITABLE | (facts->rtm ? DR6_RTM : 0);

	return (dr6 & writable) | (DR6_RESET & ~writable);
}

/*
 * B0 to B3 tell of this exception alone; the other bits stay until software clears them (SDM 3B
 * 18.2.3).
 */
u64 dr6_after(const struct cpuid_facts *facts, u64 dr6, u64 conditions)
{
	/* Bits that are 1 at rest become 0 when their condition is met (SDM 3B 18.2.3). */
	dr6 = ((dr6 & ~DR6_BREAKPOINTS) | DR6_RESET | conditions) ^ (conditions & DR6_RESET);
	return dr6_effective(facts, dr6);
}

static bool is_data_breakpoint(u64 dr7, unsigned int n, bool write)
{
	unsigned int kind = dr7 >> (DR7_RW_SHIFT + 4 * n) & 3;

	return dr7 >> 2 * n & 3 && (kind == DR7_RW_ACCESS || (kind == DR7_RW_WRITE && write));
}

/* Only breakpoints that are enabled count (SDM 3B 18.2.5). @size is at least 1. */
u64 dr_data_hits(const u64 *dr, u64 dr7, u64 linear, unsigned int size, bool write)
{
	static const u8 lengths[] = { 1, 2, 8, 4 };
	u64 hits = 0;
	unsigned int n;

	for (n = 0; n < 4; n++) {
		u64 length = lengths[dr7 >> (DR7_RW_SHIFT + 2 + 4 * n) & 3];
		u64 start = dr[n] & ~(length - 1);

		if (is_data_breakpoint(dr7, n, write) &&
		    linear - start + size - 1 < length + size - 1)
			hits |= 1ULL << n;
	}
	return hits;
}

u64 dr7_effective(const struct cpuid_facts *facts, u64 dr7)
{
	u64 writable = DR7_WRITABLE | (facts->rtm ? DR7_RTM : 0);

	return (dr7 & writable) | DR7_RESET;
}

static bool long_mode_agrees(const struct cpu_state *state)
{
	u16 cs = state->seg[SEG_CS].attrib;

	if ((state->efer & CR_EFER_LME) && (state->cr0 & CR0_PG)) {
		/* CS.L and CS.D together are illegal (APM 2 15.5.1). */
		return (state->cr4 & CR4_PAE) && in_long_mode(state) &&
		       !((cs & SEG_ATTR_L) && (cs & SEG_ATTR_DB));
	}
	return !in_long_mode(state) && !(cs & SEG_ATTR_L);
}

bool cr_mode_valid(const struct cpuid_facts *facts, const struct cpuid_facts *host,
		   const struct cpu_state *state)
{
	return cr0_valid(state->cr0) && cr4_valid(facts, state->cr4) &&
	       efer_valid(host, state->efer) && physical_valid(facts, state->cr3) &&
	       long_mode_agrees(state);
}

/* Return true if all bits above the linear-address width equal its topmost bit (SDM 1 3.3.7.1). */
bool linear_canonical(const struct cpu_state *state, u64 address)
{
	unsigned int unused = state->cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(address << unused) >> unused) == address;
}
