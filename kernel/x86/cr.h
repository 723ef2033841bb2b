/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which values the CPU accepts in its control, debug and extended registers:
 * a write the CPU would refuse is #GP in the guest, never a failed entry. Pure.
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

/**
 * cr_pae_paging() - does the CPU use PAE paging?
 * @state: CR0, CR4, EFER
 *
 * Any context. Return: true for three-level paging outside long mode.
 */
bool cr_pae_paging(const struct cpu_state *state);

/**
 * cr0_valid() - is this a CR0 the CPU can have at all?
 * @cr0: value
 *
 * Any context.
 *
 * Return: false for bits 63:32 set, PG without PE, NW without CD
 * (SDM 3A 2.5 and 6.15, #GP conditions of MOV CR).
 */
bool cr0_valid(u64 cr0);

/**
 * cr0_write_valid() - may the guest move this to CR0 in its present state?
 * @state: registers before the write: CR0, CR4, EFER, CS
 * @cr0: value to be written
 *
 * Any context. Whether the PDPTEs can be loaded is the caller's to check
 * when PAE paging is turned on.
 *
 * Return: true when the write is carried out, false for #GP(0).
 */
bool cr0_write_valid(const struct cpu_state *state, u64 cr0);

/**
 * cr0_effective() - CR0 as it reads back after a write
 * @cr0: a valid value
 *
 * ET is hard-wired to 1 and the reserved bits below 32 are ignored
 * (SDM 3A 2.5). Any context.
 *
 * Return: the value the register has then.
 */
u64 cr0_effective(u64 cr0);

/**
 * cr4_valid() - is this a CR4 that this guest's CPU can have?
 * @facts: the guest's CPUID
 * @cr4: value
 *
 * Any context.
 *
 * Return: false when a reserved bit is set.
 */
bool cr4_valid(const struct cpuid_facts *facts, u64 cr4);

/**
 * cr4_write_valid() - may the guest move this to CR4 in its present state?
 * @facts: the guest's CPUID
 * @state: registers before the write: CR3, CR4, EFER
 * @cr4: value to be written
 *
 * Any context.
 *
 * Return: true when the write is carried out, false for #GP(0)
 * (SDM 3A 4.1.2 and 4.10.1).
 */
bool cr4_write_valid(const struct cpuid_facts *facts, const struct cpu_state *state, u64 cr4);

/**
 * cr3_valid() - may the guest move this to CR3?
 * @facts: the guest's CPUID
 * @state: registers before the write: CR4, EFER
 * @cr3: value to be written; with CR4.PCIDE bit 63 is a hint that is not stored
 *
 * Any context.
 *
 * Return: false for #GP(0): a bit at or above MAXPHYADDR in long mode.
 */
bool cr3_valid(const struct cpuid_facts *facts, const struct cpu_state *state, u64 cr3);

/**
 * cr8_valid() - may the guest move this to CR8?
 * @cr8: value
 *
 * Any context.
 *
 * Return: false for #GP(0): a bit above 3 (SDM 3A 10.8.6.1).
 */
bool cr8_valid(u64 cr8);

/**
 * efer_valid() - is this an EFER that this guest's CPU can have?
 * @facts: the guest's CPUID
 * @efer: value; LMA is not looked at
 *
 * Any context.
 *
 * Return: false when a reserved bit is set.
 */
bool efer_valid(const struct cpuid_facts *facts, u64 efer);

/**
 * efer_write_valid() - may the guest write this to EFER in its present state?
 * @facts: the guest's CPUID
 * @state: registers before the write: CR0, EFER
 * @efer: value to be written; LMA is ignored: hardware keeps it
 *
 * Any context.
 *
 * Return: true when the write is carried out, false for #GP(0)
 * (LME changes under paging, APM 2 14.6.1).
 */
bool efer_write_valid(const struct cpuid_facts *facts, const struct cpu_state *state, u64 efer);

/**
 * efer_effective() - EFER as it reads back after a write or a change of CR0.PG
 * @efer: LME and the rest as written
 * @cr0: CR0 after the change
 *
 * LMA is LME and PG (SDM 3A 10.8.5). Any context.
 *
 * Return: @efer with LMA as hardware sets it.
 */
u64 efer_effective(u64 efer, u64 cr0);

/**
 * xcr0_valid() - may XSETBV write this to XCR0?
 * @facts: the guest's CPUID
 * @xcr0: value
 *
 * Any context.
 *
 * Return: false for #GP(0): x87 clear, a component whose base is missing, or
 * one the guest does not have (SDM 1 13.3).
 */
bool xcr0_valid(const struct cpuid_facts *facts, u64 xcr0);

/**
 * dr6_valid() - may the guest move this to DR6 or DR4?
 * @dr6: value
 *
 * Any context.
 *
 * Return: false for #GP(0): a bit above 31 (SDM 3B 17.2.6).
 */
bool dr6_valid(u64 dr6);

/**
 * dr7_valid() - may the guest move this to DR7 or DR5?
 * @dr7: value
 *
 * Any context.
 *
 * Return: false for #GP(0): a bit above 31 (SDM 3B 17.2.6).
 */
bool dr7_valid(u64 dr7);

/**
 * dr6_effective() - DR6 as it reads back
 * @facts: the guest's CPUID
 * @dr6: a valid value
 *
 * Any context.
 *
 * Return: @dr6 with its hard-wired bits.
 */
u64 dr6_effective(const struct cpuid_facts *facts, u64 dr6);

/**
 * dr6_after() - DR6 as a debug exception leaves it
 * @facts: the guest's CPUID
 * @dr6: DR6 before
 * @conditions: what happened, a bit set for each, also where DR6 has it clear
 *
 * B0 to B3 tell of this exception alone, the rest stays until software clears it
 * (SDM 3B 17.2.3). Any context.
 *
 * Return: the value the register has then.
 */
u64 dr6_after(const struct cpuid_facts *facts, u64 dr6, u64 conditions);

/**
 * dr_data_hits() - which breakpoints a data access meets
 * @dr: DR0 to DR3
 * @dr7: DR7
 * @linear: linear address of the access
 * @size: bytes, at least 1
 * @write: direction
 *
 * Any context.
 *
 * Return: the B bits of DR6 of those that are enabled for it (SDM 3B 17.2.5).
 */
u64 dr_data_hits(const u64 *dr, u64 dr7, u64 linear, unsigned int size, bool write);

/**
 * dr7_effective() - DR7 as it reads back
 * @facts: the guest's CPUID
 * @dr7: a valid value
 *
 * Any context.
 *
 * Return: @dr7 with its hard-wired bits.
 */
u64 dr7_effective(const struct cpuid_facts *facts, u64 dr7);

/**
 * cr_mode_valid() - do these registers agree with each other?
 * @facts: the guest's CPUID, which limits CR4
 * @host: the host's, which limits EFER: userspace may use more than the guest
 * @state: CR0, CR3, CR4, EFER and CS as KVM_SET_SREGS brings them
 *
 * For state that arrives at once instead of write by write. Any context.
 *
 * Return: false when no sequence of valid writes leads there, so that
 * KVM_SET_SREGS answers EINVAL and an entry would fail.
 */
bool cr_mode_valid(const struct cpuid_facts *facts, const struct cpuid_facts *host,
		   const struct cpu_state *state);

/**
 * linear_canonical() - is this address canonical?
 * @state: CR4 of the guest, for the width
 * @address: linear address
 *
 * For MSRs and segment bases that #GP otherwise (SDM 1 3.3.7.1). Any context.
 *
 * Return: true when all bits above the width equal its topmost bit.
 */
bool linear_canonical(const struct cpu_state *state, u64 address);

#endif
