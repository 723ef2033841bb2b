// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host-state area of a VMCS, and the host's state that a VM exit does not restore. Part of
 * it is loaded again after each exit. The kernel does not use the rest, which is loaded again
 * when the thread gives the vCPU up.
 */
#include <asm/cpu_entry_area.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/segment.h>
#include <asm/tlbflush.h>

#include "host/return_msr.h"
#include "vmx/vmx.h"

/*
 * The VMCS cannot have the thread's own selectors: an entry refuses one that has an RPL or is in
 * the LDT (SDM 3C 27.2.3). vmx_host_restore() loads them again.
 */
void vmx_host_setup(void)
{
	vmcs_write(vmcs_host_cs_selector, __KERNEL_CS);
	vmcs_write(vmcs_host_ss_selector, __KERNEL_DS);
	vmcs_write(vmcs_host_ds_selector, 0);
	vmcs_write(vmcs_host_es_selector, 0);
	vmcs_write(vmcs_host_fs_selector, 0);
	vmcs_write(vmcs_host_gs_selector, 0);
	vmcs_write(vmcs_host_tr_selector, GDT_ENTRY_TSS * 8);
	vmcs_write(vmcs_host_rip, (unsigned long)vmx_exit_point);
}

void vmx_host_setup_cpu(struct vmx_vcpu *vmx)
{
	int cpu = smp_processor_id();
	struct desc_ptr table;
	u64 value;

	vmcs_write(vmcs_host_cr0, read_cr0());
	vmcs_write(vmcs_host_tr_base, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_write(vmcs_host_gs_base, cpu_kernelmode_gs_base(cpu));
	native_store_gdt(&table);
	vmcs_write(vmcs_host_gdtr_base, table.address);
	store_idt(&table);
	vmcs_write(vmcs_host_idtr_base, table.address);
	rdmsrl(MSR_IA32_SYSENTER_CS, value);
	vmcs_write(vmcs_host_ia32_sysenter_cs, value);
	rdmsrl(MSR_IA32_SYSENTER_ESP, value);
	vmcs_write(vmcs_host_ia32_sysenter_esp, value);
	rdmsrl(MSR_IA32_SYSENTER_EIP, value);
	vmcs_write(vmcs_host_ia32_sysenter_eip, value);
	rdmsrl(MSR_IA32_CR_PAT, value);
	vmcs_write(vmcs_host_ia32_pat, value);
	rdmsrl(MSR_EFER, value);
	vmcs_write(vmcs_host_ia32_efer, value);
	/* These fields still have the values of another CPU: write them at the next entry. */
	vmx->host.cr3 = 0;
	vmx->host.cr4 = 0;
	vmx->host.rsp = 0;
}

/* Save the host's values and load the guest's, once after each load of the vCPU. */
static void load_guest(struct vmx_vcpu *vmx)
{
	struct vmx_host *host = &vmx->host;

	savesegment(ds, host->ds);
	savesegment(es, host->es);
	savesegment(fs, host->fs);
	savesegment(gs, host->gs);
	store_idt(&host->idt);
	rdmsrl(MSR_FS_BASE, host->fs_base);
	vmcs_write(vmcs_host_fs_base, host->fs_base);
	rdmsrl(MSR_KERNEL_GS_BASE, host->kernel_gs_base);
	wrmsrl(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
	return_msr_set(RETURN_MSR_STAR, vmx->msr[VMX_MSR_STAR]);
	return_msr_set(RETURN_MSR_LSTAR, vmx->msr[VMX_MSR_LSTAR]);
	return_msr_set(RETURN_MSR_SYSCALL_MASK, vmx->msr[VMX_MSR_SYSCALL_MASK]);
	host->loaded = true;
}

void vmx_host_restore(struct vmx_vcpu *vmx)
{
	struct vmx_host *host = &vmx->host;

	if (!host->loaded)
		return;
	host->loaded = false;
	rdmsrl(MSR_KERNEL_GS_BASE, vmx->kernel_gs_base);
	/* Every VM exit loads null selectors. */
	if (unlikely(host->ds | host->es)) {
		loadsegment(ds, host->ds);
		loadsegment(es, host->es);
	}
	if (unlikely(host->fs)) {
		loadsegment(fs, host->fs);
		wrmsrl(MSR_FS_BASE, host->fs_base);
	}
	if (unlikely(host->gs)) {
		unsigned long flags;

		local_irq_save(flags);
		load_gs_index(host->gs);
		local_irq_restore(flags);
	}
	wrmsrl(MSR_KERNEL_GS_BASE, host->kernel_gs_base);
	/* VM exits changed the limits of GDT, IDT and TSS (SDM 3C 28.5.2). */
	load_fixmap_gdt(smp_processor_id());
	load_idt(&host->idt);
	invalidate_tss_limit();
}

void vmx_host_enter(struct vmx_vcpu *vmx)
{
	struct vmx_host *host = &vmx->host;
	u64 cr3 = __read_cr3();
	u64 cr4 = cr4_read_shadow();

	if (unlikely(!host->loaded))
		load_guest(vmx);
	if (unlikely(cr3 != host->cr3)) {
		host->cr3 = cr3;
		vmcs_write(vmcs_host_cr3, cr3);
	}
	if (unlikely(cr4 != host->cr4)) {
		host->cr4 = cr4;
		vmcs_write(vmcs_host_cr4, cr4);
	}
	/* Save LDTR here, because an IPI may have replaced it since load_guest(). */
	store_ldt(host->ldt);
}

void vmx_host_leave(struct vmx_vcpu *vmx, unsigned long debugctl)
{
	if (unlikely(vmx->host.ldt))
		asm volatile("lldt %0" : : "m"(vmx->host.ldt));
	/* A VM exit clears IA32_DEBUGCTL (SDM 3C 28.5.1). */
	if (unlikely(debugctl))
		update_debugctlmsr(debugctl);
}
