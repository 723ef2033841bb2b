/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The values that the CPU accepts in its control, debug and extended registers: a write that the
 * CPU would refuse is #GP in the guest, never a failed entry. Pure; any context.
 *
 * A _valid() function returns true if the register can have the value at all, a _write_valid()
 * function if the guest may write it in its present state; false means #GP(0). An _effective()
 * function returns the value that the register has after the write of a valid value. @facts are of
 * the guest's CPUID.
 */
#ifndef ORIEL_CR_H
#define ORIEL_CR_H

#include <linux/types.h>

#include "x86/cpu_state.h"
#include "x86/cpuid.h"

/* CR0 (SDM 3A 2.5). */
#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)
/* CR4 (SDM 3A 2.5). */
#define CR4_VME BIT(0)
#define CR4_PVI BIT(1)
#define CR4_TSD BIT(2)
#define CR4_DE BIT(3)
#define CR4_PSE BIT(4)
#define CR4_PAE BIT(5)
#define CR4_MCE BIT(6)
#define CR4_PGE BIT(7)
#define CR4_PCE BIT(8)
#define CR4_OSFXSR BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP BIT(11)
#define CR4_LA57 BIT(12)
#define CR4_FSGSBASE BIT(16)
#define CR4_PCIDE BIT(17)
#define CR4_OSXSAVE BIT(18)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)
#define CR4_PKE BIT(22)
/* EFER (SDM 3A 2.2.1, APM 2 3.1.7). Prefixed like the rest of this header. */
#define CR_EFER_SCE BIT(0)
#define CR_EFER_LME BIT(8)
#define CR_EFER_LMA BIT(10)
#define CR_EFER_NX BIT(11)
#define CR_EFER_SVME BIT(12)
#define CR_EFER_LMSLE BIT(13)
#define CR_EFER_FFXSR BIT(14)
/* DR6 and DR7 after RESET (SDM 3A table 10-1). */
#define DR6_RESET 0xffff0ff0UL
#define DR7_RESET 0x400UL

/** cr_pae_paging() - return true for three-level paging outside long mode; from CR0, CR4, EFER */
bool cr_pae_paging(const struct cpu_state *state);
bool cr0_valid(u64 cr0);
/** cr0_write_valid() - from CR0, CR4, EFER, CS. For PAE paging the caller checks the PDPTEs. */
bool cr0_write_valid(const struct cpu_state *state, u64 cr0);
/** cr0_effective() - with ET, which is hard-wired, and without reserved bits (SDM 3A 2.5) */
u64 cr0_effective(u64 cr0);
bool cr4_valid(const struct cpuid_facts *facts, u64 cr4);
/** cr4_write_valid() - @state has CR3, CR4 and EFER before the write (SDM 3A 4.1.2, 4.10.1) */
bool cr4_write_valid(const struct cpuid_facts *facts, const struct cpu_state *state, u64 cr4);
/** cr3_valid() - from CR4 and EFER */
bool cr3_valid(const struct cpuid_facts *facts, const struct cpu_state *state, u64 cr3);
bool cr8_valid(u64 cr8);
/** efer_valid() - @efer.LMA is ignored */
bool efer_valid(const struct cpuid_facts *facts, u64 efer);
/** efer_write_valid() - from CR0 and EFER; LMA of @efer is ignored: the hardware keeps it */
bool efer_write_valid(const struct cpuid_facts *facts, const struct cpu_state *state, u64 efer);
/** efer_effective() - @efer with LMA, which is LME and CR0.PG (SDM 3A 10.8.5) */
u64 efer_effective(u64 efer, u64 cr0);
bool xcr0_valid(const struct cpuid_facts *facts, u64 xcr0);
/* Also for DR4 and DR5. */
bool dr6_valid(u64 dr6);
bool dr7_valid(u64 dr7);
/* With the hard-wired bits. */
u64 dr6_effective(const struct cpuid_facts *facts, u64 dr6);
u64 dr7_effective(const struct cpuid_facts *facts, u64 dr7);
/** dr6_after() - DR6 after a debug exception; @conditions met are 1, even where DR6 inverts them */
u64 dr6_after(const struct cpuid_facts *facts, u64 dr6, u64 conditions);
/** dr_data_hits() - DR6.B bits of the breakpoints that a data access of @size bytes meets */
u64 dr_data_hits(const u64 *dr, u64 dr7, u64 linear, unsigned int size, bool write);
/**
 * cr_mode_valid() - return false if CR0, CR3, CR4, EFER and CS do not agree, so that an entry would
 * fail: no sequence of valid writes leads there. For KVM_SET_SREGS, which brings the state at once.
 * @host has the facts of the host, which limit EFER: userspace may use more than the guest.
 */
bool cr_mode_valid(const struct cpuid_facts *facts, const struct cpuid_facts *host,
		   const struct cpu_state *state);
/** linear_canonical() - the width is from CR4; for MSRs and segment bases, else #GP */
bool linear_canonical(const struct cpu_state *state, u64 address);

#endif
