/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The architectural state of one logical processor, in a form that is neither VMX's nor SVM's.
 * Pure data: also serves userspace tests.
 */
#ifndef ORIEL_CPU_STATE_H
#define ORIEL_CPU_STATE_H

#include <linux/bits.h>
#include <linux/types.h>

/* General-purpose registers in the order of their encoding (SDM 2A 2.1.5). */
enum cpu_gpr {
	GPR_RAX,
	GPR_RCX,
	GPR_RDX,
	GPR_RBX,
	GPR_RSP,
	GPR_RBP,
	GPR_RSI,
	GPR_RDI,
	GPR_R8,
	GPR_R15 = 15,
	GPR_COUNT
};

/* Segment registers in the order of their encoding, then LDTR and TR. */
enum cpu_seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };

/*
 * Attributes of a segment: bits 55:52 and 47:40 of its descriptor, packed into 12 bits (APM 2
 * 15.5.1 and appendix B). VMX calls a segment that is not present (SEG_ATTR_P clear) unusable.
 */
#define SEG_ATTR_TYPE GENMASK(3, 0)
#define SEG_ATTR_S BIT(4)
#define SEG_ATTR_DPL GENMASK(6, 5)
#define SEG_ATTR_DPL_SHIFT 5
#define SEG_ATTR_P BIT(7)
#define SEG_ATTR_AVL BIT(8)
#define SEG_ATTR_L BIT(9)
#define SEG_ATTR_DB BIT(10)
#define SEG_ATTR_G BIT(11)

/* A segment register with its hidden part. */
struct cpu_segment {
	u16 selector;
	u16 attrib; /* SEG_ATTR_* bits */
	u32 limit; /* in bytes, granularity already applied */
	u64 base;
};

/* GDTR or IDTR. */
struct cpu_table {
	u64 base;
	u16 limit;
};

/* The registers of a vCPU as the guest sees them; CR0 and CR4 as the guest last wrote them. */
struct cpu_state {
	u64 gpr[GPR_COUNT]; /* by enum cpu_gpr */
	u64 rip;
	u64 rflags;
	u64 cr0;
	u64 cr2;
	u64 cr3;
	u64 cr4;
	u64 efer;
	/*
	 * The page-directory-pointer-table entries of PAE paging, which a CPU loads when CR3 is
	 * written (SDM 3A 4.4.1). Unused on AMD, which walks them with nested paging.
	 */
	u64 pdpte[4];
	struct cpu_segment seg[SEG_COUNT]; /* by enum cpu_seg */
	struct cpu_table gdtr;
	struct cpu_table idtr;
	u64 dr[4]; /* DR0 to DR3 */
	u64 dr6;
	u64 dr7;
};

/* Return the current privilege level, 0 to 3, which the hidden part of SS holds. */
static inline u8 cpu_cpl(const struct cpu_state *state)
{
	return (state->seg[SEG_SS].attrib & SEG_ATTR_DPL) >> SEG_ATTR_DPL_SHIFT;
}

/* An exception to be raised in the guest. */
struct cpu_exception {
	u8 vector; /* 0 to 31 */
	bool has_error_code; /* @error_code is pushed */
	u32 error_code;
	u64 address; /* of #PF: linear address for CR2 */
	u64 dr6; /* of #DB: the causes, for DR6 (SDM 3C table 25-4) */
	bool settled; /* CR2 or DR6 is written already */
};

/* Exception vectors (SDM 3A 6.3.1). */
#define EXC_DE 0
#define EXC_DB 1
#define EXC_NMI 2
#define EXC_BP 3
#define EXC_OF 4
#define EXC_BR 5
#define EXC_UD 6
#define EXC_NM 7
#define EXC_DF 8
#define EXC_TS 10
#define EXC_NP 11
#define EXC_SS 12
#define EXC_GP 13
#define EXC_PF 14
#define EXC_MF 16
#define EXC_AC 17
#define EXC_MC 18
#define EXC_XM 19

/* Return true for the exceptions of INT3 and INTO, whose handlers return behind the instruction. */
static inline bool exception_is_soft(u8 vector)
{
	return vector == EXC_BP || vector == EXC_OF;
}

/* DR6: a MOV to or from a debug register, a single step, a task switch (SDM 3B 18.2.3). */
#define DR6_BD BIT(13)
#define DR6_BS BIT(14)
#define DR6_BT BIT(15)
/* DR7: breakpoints that are enabled, locally or globally; general detect. */
#define DR7_ENABLED 0xff
#define DR7_GD BIT(13)
/* Page-fault error code bits (SDM 3A 4.7). */
#define PFEC_PRESENT BIT(0)
#define PFEC_WRITE BIT(1)
#define PFEC_USER BIT(2)
#define PFEC_RESERVED BIT(3)
#define PFEC_FETCH BIT(4)
/* IA32_PAT after reset (SDM 3A 12.12.4, APM 2 7.8.1). */
#define PAT_AT_RESET 0x0007040600070406ull
/* Groups of struct cpu_state that are fetched and committed together. */
#define STATE_GPRS BIT(0) /* gpr[] */
#define STATE_RIP BIT(1) /* rip, rflags */
#define STATE_CR BIT(2) /* cr0, cr2, cr3, cr4, efer */
#define STATE_CODE BIT(3) /* seg[] of CS and SS: mode and privilege */
#define STATE_DATA BIT(4) /* the rest of seg[], gdtr, idtr */
#define STATE_SEGS (STATE_CODE | STATE_DATA)
#define STATE_DR BIT(5) /* dr[], dr6, dr7 */
#define STATE_ALL GENMASK(5, 0)

/* Return true for the two segments of STATE_CODE. */
static inline bool state_is_code(unsigned int seg)
{
	return seg == SEG_CS || seg == SEG_SS;
}

#endif
