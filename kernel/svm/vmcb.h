/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual machine control block: its layout and the bits of its fields (APM 2 appendix B).
 * Field names are the manual's in lower case.
 */
#ifndef ORIEL_VMCB_H
#define ORIEL_VMCB_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>

#include "x86/cpu_state.h"
#include "x86/event_word.h"

/* intercept_cr and intercept_dr: reads in the low half, writes in the high. */
#define INTERCEPT_READ(n) BIT(n)
#define INTERCEPT_WRITE(n) BIT(16 + (n))
/* intercept_misc1, offset 00Ch */
#define INTERCEPT_INTR BIT(0)
#define INTERCEPT_NMI BIT(1)
#define INTERCEPT_SMI BIT(2)
#define INTERCEPT_INIT BIT(3)
#define INTERCEPT_VINTR BIT(4)
#define INTERCEPT_CR0_SEL_WRITE BIT(5)
#define INTERCEPT_RDPMC BIT(15)
#define INTERCEPT_CPUID BIT(18)
#define INTERCEPT_RSM BIT(19)
#define INTERCEPT_IRET BIT(20)
#define INTERCEPT_INVD BIT(22)
#define INTERCEPT_PAUSE BIT(23)
#define INTERCEPT_HLT BIT(24)
#define INTERCEPT_INVLPGA BIT(26)
#define INTERCEPT_IOIO_PROT BIT(27)
#define INTERCEPT_MSR_PROT BIT(28)
#define INTERCEPT_FERR_FREEZE BIT(30)
#define INTERCEPT_SHUTDOWN BIT(31)
/* intercept_misc2, offset 010h */
#define INTERCEPT_VMRUN BIT(0)
#define INTERCEPT_VMMCALL BIT(1)
#define INTERCEPT_VMLOAD BIT(2)
#define INTERCEPT_VMSAVE BIT(3)
#define INTERCEPT_STGI BIT(4)
#define INTERCEPT_CLGI BIT(5)
#define INTERCEPT_SKINIT BIT(6)
#define INTERCEPT_RDTSCP BIT(7)
#define INTERCEPT_WBINVD BIT(9)
#define INTERCEPT_MONITOR BIT(10)
#define INTERCEPT_MWAIT BIT(11)
#define INTERCEPT_XSETBV BIT(13)
#define INTERCEPT_RDPRU BIT(14)
/* intercept_misc3, offset 014h */
#define INTERCEPT_INVLPGB BIT(0)
#define INTERCEPT_INVPCID BIT(2)
#define INTERCEPT_MCOMMIT BIT(3)
#define INTERCEPT_TLBSYNC BIT(4)
/* tlb_control, offset 05Ch (APM 2 15.16.1) */
#define TLB_CONTROL_NOTHING 0
#define TLB_CONTROL_FLUSH_ALL 1
#define TLB_CONTROL_FLUSH_ASID 3
/* v_intr, offset 060h (APM 2 15.21.1) */
#define V_TPR GENMASK(7, 0)
#define V_IRQ BIT(8)
#define V_INTR_PRIO_SHIFT 16
#define V_IGN_TPR BIT(20)
#define V_INTR_MASKING BIT(24)
/* interrupt_shadow, offset 068h */
#define INTERRUPT_SHADOW BIT(0)
/* eventinj and exitintinfo (APM 2 15.20): the error code. The low half is that of event_word.h. */
#define EVENTINJ_ERROR_CODE_SHIFT 32
/*
 * exitinfo1 of a nested page fault, beside a page-fault error code (APM 2 15.25.6): the fault
 * was at the final guest-physical address, not at that of a guest page table.
 */
#define NPF_FINAL BIT_ULL(32)
/* exitinfo1 of VMEXIT_IOIO (APM 2 15.10.2) */
#define IOIO_IN BIT(0)
#define IOIO_STRING BIT(2)
#define IOIO_REP BIT(3)
#define IOIO_SIZE_SHIFT 4
#define IOIO_SIZE_MASK 7
#define IOIO_PORT_SHIFT 16
/* vmcb_clean, offset 0C0h (APM 2 15.15.3) */
#define VMCB_CLEAN_I BIT(0) /* intercepts, tsc_offset, pause filter */
#define VMCB_CLEAN_IOPM BIT(1)
#define VMCB_CLEAN_ASID BIT(2)
#define VMCB_CLEAN_TPR BIT(3) /* v_intr */
#define VMCB_CLEAN_NP BIT(4) /* nested paging, g_pat */
#define VMCB_CLEAN_CRX BIT(5) /* cr0, cr3, cr4, efer */
#define VMCB_CLEAN_DRX BIT(6)
#define VMCB_CLEAN_DT BIT(7)
#define VMCB_CLEAN_SEG BIT(8) /* cs, ds, ss, es, cpl */
#define VMCB_CLEAN_CR2 BIT(9)
#define VMCB_CLEAN_LBR BIT(10)
#define VMCB_CLEAN_ALL GENMASK(10, 0)

struct vmcb_control {
	u32 intercept_cr;
	u32 intercept_dr;
	u32 intercept_exceptions;
	u32 intercept_misc1;
	u32 intercept_misc2;
	u32 intercept_misc3;
	u8 reserved_018[0x03c - 0x018];
	u16 pause_filter_threshold;
	u16 pause_filter_count;
	u64 iopm_base_pa;
	u64 msrpm_base_pa;
	u64 tsc_offset;
	u32 guest_asid;
	u8 tlb_control;
	u8 reserved_05d[3];
	u32 v_intr;
	u32 v_intr_vector;
	u64 interrupt_shadow;
	u64 exitcode;
	u64 exitinfo1;
	u64 exitinfo2;
	u64 exitintinfo;
	u64 np_enable;
	u64 avic_apic_bar;
	u64 ghcb_gpa;
	u64 eventinj;
	u64 n_cr3;
	u64 lbr_virtualization;
	u32 vmcb_clean;
	u32 reserved_0c4;
	u64 nrip;
	u8 fetched_bytes;
	u8 guest_instruction_bytes[15];
	u8 reserved_0e0[0x400 - 0x0e0];
} __packed;

struct vmcb_save {
	struct cpu_segment es;
	struct cpu_segment cs;
	struct cpu_segment ss;
	struct cpu_segment ds;
	struct cpu_segment fs;
	struct cpu_segment gs;
	struct cpu_segment gdtr;
	struct cpu_segment ldtr;
	struct cpu_segment idtr;
	struct cpu_segment tr;
	u8 reserved_0a0[0x0cb - 0x0a0];
	u8 cpl;
	u8 reserved_0cc[4];
	u64 efer;
	u8 reserved_0d8[0x148 - 0x0d8];
	u64 cr4;
	u64 cr3;
	u64 cr0;
	u64 dr7;
	u64 dr6;
	u64 rflags;
	u64 rip;
	u8 reserved_180[0x1d8 - 0x180];
	u64 rsp;
	u64 s_cet;
	u64 ssp;
	u64 isst_addr;
	u64 rax;
	u64 star;
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 cr2;
	u8 reserved_248[0x268 - 0x248];
	u64 g_pat;
	u64 dbgctl;
	u64 br_from;
	u64 br_to;
	u64 lastexcpfrom;
	u64 lastexcpto;
	u8 reserved_298[0x2e0 - 0x298];
	u64 spec_ctrl;
	u8 reserved_2e8[0xc00 - 0x2e8];
} __packed;

struct vmcb {
	struct vmcb_control control;
	struct vmcb_save save;
} __packed;

static_assert(offsetof(struct vmcb_control, exitcode) == 0x070);
static_assert(offsetof(struct vmcb_control, nrip) == 0x0c8);
static_assert(sizeof(struct vmcb_control) == 0x400);
static_assert(offsetof(struct vmcb_save, efer) == 0x0d0);
static_assert(offsetof(struct vmcb_save, rax) == 0x1f8);
static_assert(offsetof(struct vmcb_save, spec_ctrl) == 0x2e0);
static_assert(sizeof(struct vmcb) == 4096);

#endif
