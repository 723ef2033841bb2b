/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checks that VM entry makes (SDM 3C chapter 27), in software: they name what
 * the CPU only refuses. Pure: also serves userspace tests.
 */
#ifndef ORIEL_VMX_CHECK_H
#define ORIEL_VMX_CHECK_H

#include <linux/types.h>

#include "x86/entry_check.h"
#include "vmx/caps.h"
#include "vmx/vmcs.h"

/**
 * struct vmx_check - what VM entry is checked with
 * @caps: the CPU's capabilities
 * @read: reads a field of the VMCS; called only for fields that this CPU has
 * @context: handed to @read
 * @perf_global_ctrl: bits that IA32_PERF_GLOBAL_CTRL has on this CPU
 * @linear_width: linear-address width that the CPU supports, bits
 * @vtpr: byte 80h of the virtual-APIC page; unused without the TPR shadow
 * @host_ia32e: EFER.LMA of the CPU that enters
 * @rtm: the CPU has RTM
 * @sgx: the CPU has SGX
 */
struct vmx_check {
	const struct vmx_caps *caps;
	u64 (*read)(void *context, enum vmcs_field field);
	void *context;
	u64 perf_global_ctrl;
	u8 linear_width;
	u8 vtpr;
	bool host_ia32e;
	bool rtm;
	bool sgx;
};

/**
 * vmx_check_entry() - find every rule of VM entry that a VMCS breaks
 * @source: the VMCS and what belongs to it
 * @report: what is found is added to it
 *
 * Any context in which @source->read works. A VMCS that the CPU enters breaks
 * none. Rules about structures in memory that the VMCS points to, and about MSRs
 * loaded from an area (SDM 3C 27.4), are not looked at.
 */
void vmx_check_entry(const struct vmx_check *source, struct entry_report *report);

#endif
