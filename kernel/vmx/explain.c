// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hands a VMCS that the CPU refused to the software copy of VM entry's checks.
 */
#include <asm/processor.h>

#include "irq/lapic.h"
#include "vmx/check.h"
#include "vmx/vmx.h"

#define CPUID_7_EBX_SGX BIT(2)
#define CPUID_7_EBX_RTM BIT(11)

static u64 read_field(void *unused, enum vmcs_field field)
{
	return vmcs_read(field);
}

/* The counters that CPUID function 0Ah tells of (SDM 3B 20.2.2). */
static u64 perf_global_ctrl(void)
{
	u32 eax, ebx, ecx, edx;
	u32 general, fixed;

	if (cpuid_eax(0) < 0xa)
		return 0;
	cpuid(0xa, &eax, &ebx, &ecx, &edx);
	general = eax >> 8 & 0xff;
	fixed = edx & 0x1f;
	return (BIT_ULL(min(general, 32u)) - 1) | (BIT_ULL(fixed) - 1) << 32;
}

void vmx_explain(struct vcpu *vcpu, struct entry_report *report)
{
	u32 features = cpuid_eax(0) >= 7 ? cpuid_ebx(7) : 0;
	const struct vmx_check source = {
		.caps = &vmx_caps,
		.read = read_field,
		.perf_global_ctrl = perf_global_ctrl(),
		.linear_width = cpuid_eax(0x80000008) >> 8 & 0xff,
		/* The virtual-APIC page is the page of the APIC's registers. */
		.vtpr = vcpu->lapic ? lapic_get_cr8(vcpu->lapic) << 4 : 0,
		.host_ia32e = true,
		.rtm = features & CPUID_7_EBX_RTM,
		.sgx = features & CPUID_7_EBX_SGX,
	};

	vmx_check_entry(&source, report);
}
