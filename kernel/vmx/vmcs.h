/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual-machine control structure: the encodings of its fields (SDM 3D appendix B), the
 * bits of its controls (SDM 3C 25.6 to 25.8) and of the fields that describe exits (SDM 3C 25.9,
 * appendix C). Pure: also serves userspace tests.
 */
#ifndef ORIEL_VMCS_H
#define ORIEL_VMCS_H

#include <linux/bits.h>
#include <linux/types.h>

#include "x86/event_word.h"

/* Fields by width, with the manual's names. */
enum vmcs_field {
	/* 16 bits */
	vmcs_vpid = 0x0000,
	vmcs_posted_interrupt_notification_vector = 0x0002,
	vmcs_guest_es_selector = 0x0800,
	vmcs_guest_cs_selector = 0x0802,
	vmcs_guest_ss_selector = 0x0804,
	vmcs_guest_ds_selector = 0x0806,
	vmcs_guest_fs_selector = 0x0808,
	vmcs_guest_gs_selector = 0x080a,
	vmcs_guest_ldtr_selector = 0x080c,
	vmcs_guest_tr_selector = 0x080e,
	vmcs_host_es_selector = 0x0c00,
	vmcs_host_cs_selector = 0x0c02,
	vmcs_host_ss_selector = 0x0c04,
	vmcs_host_ds_selector = 0x0c06,
	vmcs_host_fs_selector = 0x0c08,
	vmcs_host_gs_selector = 0x0c0a,
	vmcs_host_tr_selector = 0x0c0c,
	/* 64 bits */
	vmcs_io_bitmap_a = 0x2000,
	vmcs_io_bitmap_b = 0x2002,
	vmcs_msr_bitmap = 0x2004,
	vmcs_exit_msr_store_address = 0x2006,
	vmcs_exit_msr_load_address = 0x2008,
	vmcs_entry_msr_load_address = 0x200a,
	vmcs_pml_address = 0x200e,
	vmcs_tsc_offset = 0x2010,
	vmcs_virtual_apic_address = 0x2012,
	vmcs_apic_access_address = 0x2014,
	vmcs_posted_interrupt_descriptor = 0x2016,
	vmcs_vm_function_controls = 0x2018,
	vmcs_ept_pointer = 0x201a,
	vmcs_eoi_exit_bitmap0 = 0x201c,
	vmcs_eoi_exit_bitmap1 = 0x201e,
	vmcs_eoi_exit_bitmap2 = 0x2020,
	vmcs_eoi_exit_bitmap3 = 0x2022,
	vmcs_xss_exiting_bitmap = 0x202c,
	vmcs_encls_exiting_bitmap = 0x202e,
	vmcs_tsc_multiplier = 0x2032,
	vmcs_enclv_exiting_bitmap = 0x2036,
	vmcs_guest_physical_address = 0x2400,
	vmcs_vmcs_link_pointer = 0x2800,
	vmcs_guest_ia32_debugctl = 0x2802,
	vmcs_guest_ia32_pat = 0x2804,
	vmcs_guest_ia32_efer = 0x2806,
	vmcs_guest_ia32_perf_global_ctrl = 0x2808,
	vmcs_guest_pdpte0 = 0x280a,
	vmcs_guest_pdpte1 = 0x280c,
	vmcs_guest_pdpte2 = 0x280e,
	vmcs_guest_pdpte3 = 0x2810,
	vmcs_guest_ia32_bndcfgs = 0x2812,
	vmcs_host_ia32_pat = 0x2c00,
	vmcs_host_ia32_efer = 0x2c02,
	vmcs_host_ia32_perf_global_ctrl = 0x2c04,
	/* 32 bits */
	vmcs_pin_based_controls = 0x4000,
	vmcs_primary_controls = 0x4002,
	vmcs_exception_bitmap = 0x4004,
	vmcs_page_fault_error_code_mask = 0x4006,
	vmcs_page_fault_error_code_match = 0x4008,
	vmcs_cr3_target_count = 0x400a,
	vmcs_exit_controls = 0x400c,
	vmcs_exit_msr_store_count = 0x400e,
	vmcs_exit_msr_load_count = 0x4010,
	vmcs_entry_controls = 0x4012,
	vmcs_entry_msr_load_count = 0x4014,
	vmcs_entry_interruption_info = 0x4016,
	vmcs_entry_exception_error_code = 0x4018,
	vmcs_entry_instruction_length = 0x401a,
	vmcs_tpr_threshold = 0x401c,
	vmcs_secondary_controls = 0x401e,
	vmcs_ple_gap = 0x4020,
	vmcs_ple_window = 0x4022,
	vmcs_vm_instruction_error = 0x4400,
	vmcs_exit_reason = 0x4402,
	vmcs_exit_interruption_info = 0x4404,
	vmcs_exit_interruption_error_code = 0x4406,
	vmcs_idt_vectoring_info = 0x4408,
	vmcs_idt_vectoring_error_code = 0x440a,
	vmcs_exit_instruction_length = 0x440c,
	vmcs_exit_instruction_info = 0x440e,
	vmcs_guest_es_limit = 0x4800,
	vmcs_guest_cs_limit = 0x4802,
	vmcs_guest_ss_limit = 0x4804,
	vmcs_guest_ds_limit = 0x4806,
	vmcs_guest_fs_limit = 0x4808,
	vmcs_guest_gs_limit = 0x480a,
	vmcs_guest_ldtr_limit = 0x480c,
	vmcs_guest_tr_limit = 0x480e,
	vmcs_guest_gdtr_limit = 0x4810,
	vmcs_guest_idtr_limit = 0x4812,
	vmcs_guest_es_access_rights = 0x4814,
	vmcs_guest_cs_access_rights = 0x4816,
	vmcs_guest_ss_access_rights = 0x4818,
	vmcs_guest_ds_access_rights = 0x481a,
	vmcs_guest_fs_access_rights = 0x481c,
	vmcs_guest_gs_access_rights = 0x481e,
	vmcs_guest_ldtr_access_rights = 0x4820,
	vmcs_guest_tr_access_rights = 0x4822,
	vmcs_guest_interruptibility_state = 0x4824,
	vmcs_guest_activity_state = 0x4826,
	vmcs_guest_smbase = 0x4828,
	vmcs_guest_ia32_sysenter_cs = 0x482a,
	vmcs_preemption_timer_value = 0x482e,
	vmcs_host_ia32_sysenter_cs = 0x4c00,
	/* natural width */
	vmcs_cr0_guest_host_mask = 0x6000,
	vmcs_cr4_guest_host_mask = 0x6002,
	vmcs_cr0_read_shadow = 0x6004,
	vmcs_cr4_read_shadow = 0x6006,
	vmcs_exit_qualification = 0x6400,
	vmcs_guest_linear_address = 0x640a,
	vmcs_guest_cr0 = 0x6800,
	vmcs_guest_cr3 = 0x6802,
	vmcs_guest_cr4 = 0x6804,
	vmcs_guest_es_base = 0x6806,
	vmcs_guest_cs_base = 0x6808,
	vmcs_guest_ss_base = 0x680a,
	vmcs_guest_ds_base = 0x680c,
	vmcs_guest_fs_base = 0x680e,
	vmcs_guest_gs_base = 0x6810,
	vmcs_guest_ldtr_base = 0x6812,
	vmcs_guest_tr_base = 0x6814,
	vmcs_guest_gdtr_base = 0x6816,
	vmcs_guest_idtr_base = 0x6818,
	vmcs_guest_dr7 = 0x681a,
	vmcs_guest_rsp = 0x681c,
	vmcs_guest_rip = 0x681e,
	vmcs_guest_rflags = 0x6820,
	vmcs_guest_pending_debug_exceptions = 0x6822,
	vmcs_guest_ia32_sysenter_esp = 0x6824,
	vmcs_guest_ia32_sysenter_eip = 0x6826,
	vmcs_host_cr0 = 0x6c00,
	vmcs_host_cr3 = 0x6c02,
	vmcs_host_cr4 = 0x6c04,
	vmcs_host_fs_base = 0x6c06,
	vmcs_host_gs_base = 0x6c08,
	vmcs_host_tr_base = 0x6c0a,
	vmcs_host_gdtr_base = 0x6c0c,
	vmcs_host_idtr_base = 0x6c0e,
	vmcs_host_ia32_sysenter_esp = 0x6c10,
	vmcs_host_ia32_sysenter_eip = 0x6c12,
	vmcs_host_rsp = 0x6c14,
	vmcs_host_rip = 0x6c16,
};

/* The encodings of the guest's segment fields go up by two, in the order of enum cpu_seg. */
#define VMCS_SEG(field, seg) ((field) + 2 * (seg))
/* pin_based_controls (SDM 3C 25.6.1) */
#define PIN_EXTERNAL_INTERRUPT_EXITING BIT(0)
#define PIN_NMI_EXITING BIT(3)
#define PIN_VIRTUAL_NMIS BIT(5)
#define PIN_PREEMPTION_TIMER BIT(6)
#define PIN_POSTED_INTERRUPTS BIT(7)
/* primary_controls (SDM 3C 25.6.2) */
#define PRIMARY_INTERRUPT_WINDOW_EXITING BIT(2)
#define PRIMARY_TSC_OFFSETTING BIT(3)
#define PRIMARY_HLT_EXITING BIT(7)
#define PRIMARY_INVLPG_EXITING BIT(9)
#define PRIMARY_MWAIT_EXITING BIT(10)
#define PRIMARY_RDPMC_EXITING BIT(11)
#define PRIMARY_RDTSC_EXITING BIT(12)
#define PRIMARY_CR3_LOAD_EXITING BIT(15)
#define PRIMARY_CR3_STORE_EXITING BIT(16)
#define PRIMARY_CR8_LOAD_EXITING BIT(19)
#define PRIMARY_CR8_STORE_EXITING BIT(20)
#define PRIMARY_TPR_SHADOW BIT(21)
#define PRIMARY_NMI_WINDOW_EXITING BIT(22)
#define PRIMARY_MOV_DR_EXITING BIT(23)
#define PRIMARY_UNCONDITIONAL_IO_EXITING BIT(24)
#define PRIMARY_IO_BITMAPS BIT(25)
#define PRIMARY_MONITOR_TRAP_FLAG BIT(27)
#define PRIMARY_MSR_BITMAPS BIT(28)
#define PRIMARY_MONITOR_EXITING BIT(29)
#define PRIMARY_PAUSE_EXITING BIT(30)
#define PRIMARY_SECONDARY_CONTROLS BIT(31)
/* secondary_controls (SDM 3C 25.6.2) */
#define SECONDARY_VIRTUALIZE_APIC_ACCESSES BIT(0)
#define SECONDARY_EPT BIT(1)
#define SECONDARY_DESCRIPTOR_TABLE_EXITING BIT(2)
#define SECONDARY_RDTSCP BIT(3)
#define SECONDARY_VIRTUALIZE_X2APIC BIT(4)
#define SECONDARY_VPID BIT(5)
#define SECONDARY_WBINVD_EXITING BIT(6)
#define SECONDARY_UNRESTRICTED_GUEST BIT(7)
#define SECONDARY_APIC_REGISTER_VIRTUALIZATION BIT(8)
#define SECONDARY_VIRTUAL_INTERRUPT_DELIVERY BIT(9)
#define SECONDARY_PAUSE_LOOP_EXITING BIT(10)
#define SECONDARY_INVPCID BIT(12)
#define SECONDARY_VM_FUNCTIONS BIT(13)
#define SECONDARY_VMCS_SHADOWING BIT(14)
#define SECONDARY_ENCLS_EXITING BIT(15)
#define SECONDARY_PML BIT(17)
#define SECONDARY_EPT_VIOLATION_VE BIT(18)
#define SECONDARY_XSAVES BIT(20)
#define SECONDARY_MODE_BASED_EXECUTE BIT(22)
#define SECONDARY_SUB_PAGE_WRITE BIT(23)
#define SECONDARY_TSC_SCALING BIT(25)
#define SECONDARY_ENCLV_EXITING BIT(28)
/* exit_controls (SDM 3C 25.7.1) */
#define EXIT_SAVE_DEBUG_CONTROLS BIT(2)
#define EXIT_HOST_ADDRESS_SPACE_SIZE BIT(9)
#define EXIT_LOAD_PERF_GLOBAL_CTRL BIT(12)
#define EXIT_ACKNOWLEDGE_INTERRUPT BIT(15)
#define EXIT_SAVE_PAT BIT(18)
#define EXIT_LOAD_PAT BIT(19)
#define EXIT_SAVE_EFER BIT(20)
#define EXIT_LOAD_EFER BIT(21)
#define EXIT_SAVE_PREEMPTION_TIMER BIT(22)
#define EXIT_CLEAR_BNDCFGS BIT(23)
/* entry_controls (SDM 3C 25.8.1) */
#define ENTRY_LOAD_DEBUG_CONTROLS BIT(2)
#define ENTRY_IA32E_MODE_GUEST BIT(9)
#define ENTRY_TO_SMM BIT(10)
#define ENTRY_DEACTIVATE_DUAL_MONITOR BIT(11)
#define ENTRY_LOAD_PERF_GLOBAL_CTRL BIT(13)
#define ENTRY_LOAD_PAT BIT(14)
#define ENTRY_LOAD_EFER BIT(15)
#define ENTRY_LOAD_BNDCFGS BIT(16)
/*
 * Access rights of a segment (SDM 3C 25.4.1): bits 55:40 of its descriptor. In struct
 * cpu_segment, bits 55:52 follow right after bits 47:40.
 */
#define ACCESS_RIGHTS_LOW GENMASK(7, 0)
#define ACCESS_RIGHTS_HIGH GENMASK(15, 12)
#define ACCESS_RIGHTS_UNUSABLE BIT(16)
/* guest_interruptibility_state (SDM 3C table 25-3) */
#define BLOCKING_BY_STI BIT(0)
#define BLOCKING_BY_MOV_SS BIT(1)
#define BLOCKING_SHADOW (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)
#define BLOCKING_BY_SMI BIT(2)
#define BLOCKING_BY_NMI BIT(3)
#define ENCLAVE_INTERRUPTION BIT(4)
/* guest_activity_state (SDM 3C 25.4.2) */
#define ACTIVITY_ACTIVE 0
#define ACTIVITY_HLT 1
#define ACTIVITY_SHUTDOWN 2
#define ACTIVITY_WAIT_FOR_SIPI 3
/* guest_pending_debug_exceptions (SDM 3C table 25-4) */
#define PENDING_DEBUG_BREAKPOINTS GENMASK(3, 0)
#define PENDING_DEBUG_ENABLED BIT(12)
#define PENDING_DEBUG_BS BIT(14)
#define PENDING_DEBUG_RTM BIT(16)
/*
 * exit_interruption_info (SDM 3C table 25-19), beside the bits of event_word.h: an IRET had
 * unblocked NMIs and then raised the exception.
 */
#define INTERRUPTION_NMI_UNBLOCKING BIT(12)
/* exit_reason: the basic exit reason is bits 15:0 (SDM 3C 25.9.1, appendix C) */
#define EXIT_REASON_BASIC GENMASK(15, 0)
#define EXIT_REASON_ENTRY_FAILURE BIT(31)

/**
 * vmx_exit_has_event() - return true if an exception or NMI caused the exit: then the VM-exit
 * interruption information is of this exit
 * @reason: exit_reason; EXIT_REASON_ENTRY_FAILURE alone after a VMfail, which writes no other
 * field of the exit (SDM 3C 27.8)
 */
static inline bool vmx_exit_has_event(u32 reason)
{
	return !(reason & (EXIT_REASON_BASIC | EXIT_REASON_ENTRY_FAILURE));
}

/* ept_pointer (SDM 3C table 25-9) */
#define EPTP_MEMTYPE_WB 6
#define EPTP_WALK_LENGTH_SHIFT 3 /* of the number of levels, less one */
#define EPTP_ACCESSED_DIRTY BIT(6)

#endif
