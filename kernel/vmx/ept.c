// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended page tables: the format of their entries (SDM 3C 29.3.2), the EPT pointer and
 * INVEPT.
 */
#include <asm/cpufeature.h>
#include <asm/page.h>

#include "core/vm.h"
#include "vmx/ept_entry.h"
#include "vmx/vmx.h"

#define INVEPT_SINGLE 1
#define INVEPT_ALL 2

struct sl_format ept_format = {
	.present = EPT_READ | EPT_WRITE | EPT_EXEC,
	.table = EPT_READ | EPT_WRITE | EPT_EXEC,
	.read = EPT_READ,
	.write = EPT_WRITE,
	.exec = EPT_EXEC,
	.large = EPT_LARGE,
	.memtype = EPT_MEMTYPES,
	.levels = 4,
	.max_leaf = SL_LEVEL_4K,
};

/* The format of a VM that leaves accessed and dirty flags off although the CPU has them. */
static struct sl_format unmarked_format;

void vmx_ept_setup(void)
{
	ept_format.addr = GENMASK_ULL(boot_cpu_data.x86_phys_bits - 1, PAGE_SHIFT);
	/* A fifth level is of use only if physical addresses are wider than four levels map. */
	if (vmx_caps.ept_vpid & VMX_EPT_WALK_LENGTH_5 && boot_cpu_data.x86_phys_bits > 48)
		ept_format.levels = 5;
	if (vmx_caps.ept_vpid & VMX_EPT_2M)
		ept_format.max_leaf = SL_LEVEL_2M;
	if (vmx_caps.ept_vpid & VMX_EPT_2M && vmx_caps.ept_vpid & VMX_EPT_1G)
		ept_format.max_leaf = SL_LEVEL_1G;
	if (vmx_caps.ept_vpid & VMX_EPT_ACCESSED_DIRTY) {
		unmarked_format = ept_format;
		ept_format.accessed = EPT_ACCESSED;
		ept_format.dirty = EPT_DIRTY;
		/* With the flags on, the CPU's reads of guest page tables count as writes
		 * (SDM 3C 29.3.3.2).
		 */
		ept_format.unmarked = &unmarked_format;
	}
}

/* Return the EPT pointer of a vCPU's VM (SDM 3C table 25-9). */
u64 vmx_eptp(const struct vcpu *vcpu)
{
	u64 eptp = mmu_root_hpa(&vcpu->vm->memory.mmu);

	eptp |= EPTP_MEMTYPE_WB | (ept_format.levels - 1) << EPTP_WALK_LENGTH_SHIFT;
	if (vcpu->vm->memory.mmu.table.format->accessed)
		eptp |= EPTP_ACCESSED_DIRTY;
	return eptp;
}

/*
 * One INVEPT drops every translation: the guest-physical and the combined mappings of these
 * tables, for all VPIDs. With EPT there are no others (SDM 3C 29.4.1, 29.4.3.1).
 */
void vmx_flush_here(const struct vcpu *vcpu)
{
	struct {
		u64 eptp;
		u64 reserved;
	} descriptor = { .eptp = vmx_eptp(vcpu) };
	u64 type = vmx_caps.ept_vpid & VMX_EPT_INVEPT_SINGLE ? INVEPT_SINGLE : INVEPT_ALL;

	asm volatile("1: invept %0, %1\n\t"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     :
		     : "m"(descriptor), "r"(type)
		     : "cc", "memory");
}
