// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hands a VMCB that the CPU refused to the software copy of VMRUN's checks.
 */
#include <asm/processor.h>

#include "guest/cpuid_table.h"
#include "svm/check.h"
#include "svm/svm.h"

#define CPUID_7_ECX_SHSTK BIT(7)

void svm_explain(struct vcpu *vcpu, struct entry_report *report)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	const struct cpuid_facts *host = cpuid_host_facts();
	const struct svm_check facts = {
		.cr4_reserved = host->cr4_reserved,
		/* Hidden from guests, and needed for them. */
		.efer_reserved = host->efer_reserved & ~(u64)EFER_SVME,
		/* Not the kernel's, which leaves out the bit that means "encrypted". */
		.maxphyaddr = cpuid_eax(0x80000008) & 0xff,
		.long_mode = true,
		.shadow_stacks = cpuid_eax(0) >= 7 && cpuid_ecx(7) & CPUID_7_ECX_SHSTK,
	};

	/* What was injected before the refused entry broke no rule: it may stay. */
	svm->vmcb->control.eventinj = svm->injected;
	svm_check_entry(svm->vmcb, &facts, report);
	svm->vmcb->control.eventinj = 0;
}
