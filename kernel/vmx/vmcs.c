// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's VMCS from creation to destruction: its first contents, and the CPU on which it is
 * active.
 */
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <asm/nospec-branch.h>

#include "core/vm.h"
#include "host/claim.h"
#include "irq/lapic.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

/* VPID 0 is the host's (SDM 3C 29.1). */
#define VPID_FIRST 1
#define VPID_LAST 0xffff

/*
 * In TSC ticks: a guest waits for another vCPU if it spins for PLE_WINDOW, executing PAUSE at
 * intervals of at most PLE_GAP (SDM 3C 26.1.3).
 */
#define PLE_GAP 128
#define PLE_WINDOW 4096
#define PLE_WINDOW_MAX (64 * PLE_WINDOW)

static DEFINE_IDA(vpids);

static void vmcs_clear(u64 pa)
{
	asm volatile("1: vmclear %0\n\t"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     :
		     : "m"(pa)
		     : "cc", "memory");
}

static void vmcs_load(u64 pa)
{
	asm volatile("1: vmptrld %0\n\t"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     :
		     : "m"(pa)
		     : "cc", "memory");
}

void vmx_vcpu_clear(struct vmx_vcpu *vmx)
{
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);

	vmcs_clear(__pa(vmx->vmcs));
	vc->changing = true;
	list_del(&vmx->link);
	vc->changing = false;
	if (vc->current_vmcs == vmx)
		vc->current_vmcs = NULL;
	vmx->launched = false;
	/* Another CPU may load the VMCS from now on: pairs with clear_everywhere(). */
	smp_store_release(&vmx->cpu, -1);
}

static void clear_here(void *data)
{
	struct vmx_vcpu *vmx = data;

	/* This CPU may have gone offline meanwhile, and cleared the VMCS then. */
	if (vmx->cpu == smp_processor_id())
		vmx_vcpu_clear(vmx);
}

/* Make the VMCS inactive on every CPU. Interrupts on; preemption may be off. */
static void clear_everywhere(struct vmx_vcpu *vmx)
{
	int cpu = READ_ONCE(vmx->cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, clear_here, vmx, 1);
	/* A CPU that goes offline clears the VMCS by itself: wait until it has. */
	smp_cond_load_acquire(&vmx->cpu, VAL == -1);
}

static void make_current(struct vmx_vcpu *vmx, struct vmx_cpu *vc)
{
	unsigned long flags;

	local_irq_save(flags);
	vc->changing = true;
	list_add(&vmx->link, &vc->active);
	vc->changing = false;
	vmx->cpu = smp_processor_id();
	vc->current_vmcs = vmx;
	/* VMCLEAR also initializes a region before its first use (SDM 3C 25.11.3). */
	vmcs_clear(__pa(vmx->vmcs));
	vmcs_load(__pa(vmx->vmcs));
	local_irq_restore(flags);
}

static void set_ple_window(struct vmx_vcpu *vmx, u32 window)
{
	vmx->ple_window = window;
	vmcs_write(vmcs_ple_window, window);
}

/*
 * Each PAUSE-loop exit doubles the window, and the next vmx_vcpu_load() resets it. So the window
 * grows only while yielding does not help: then it costs the guest less to spin than to exit.
 */
void vmx_grow_ple_window(struct vmx_vcpu *vmx)
{
	if (vmx->ple_window < PLE_WINDOW_MAX)
		set_ple_window(vmx, vmx->ple_window * 2);
}

void vmx_vcpu_load(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	struct vmx_cpu *vc = this_cpu_ptr(&vmx_cpu);
	bool moved = vmx->cpu != smp_processor_id();

	if (moved) {
		clear_everywhere(vmx);
		/*
		 * No guest runs on this CPU. If it goes offline nothing clears its VMCSs, and
		 * clear_everywhere() would wait for that for ever.
		 */
		if (unlikely(!cpu_claimed()))
			return;
		make_current(vmx, vc);
		/* Forget what was fetched on such a CPU: it is not the guest's. */
		vcpu->cached = vcpu->dirty;
		vmx_host_setup_cpu(vmx);
		/* This CPU's TLB may hold translations from before a flush on another CPU. */
		vmx->flush = true;
	} else if (vc->current_vmcs != vmx) {
		vc->current_vmcs = vmx;
		vmcs_load(__pa(vmx->vmcs));
	}
	/* Other threads may have run since the last load, the vCPU that the guest waits for too. */
	if (unlikely(vmx->ple_window > PLE_WINDOW))
		set_ple_window(vmx, PLE_WINDOW);
	if (vc->last != vmx) {
		vc->last = vmx;
		/* One guest must not train the predictors for another. */
		indirect_branch_prediction_barrier();
	}
}

void vmx_vcpu_put(struct vcpu *vcpu)
{
	vmx_host_restore(to_vmx(vcpu));
}

/*
 * Let the guest execute instructions for which userspace wants no exits. HLT needs a CPU that
 * can enter a guest in the HLT state.
 */
static void allow_instructions(u32 *control, u32 exits_off)
{
	if (exits_off & KVM_X86_DISABLE_EXITS_HLT && vmx_caps.misc & VMX_MISC_ACTIVITY_HLT)
		control[VMX_PRIMARY] &= ~PRIMARY_HLT_EXITING;
	if (exits_off & KVM_X86_DISABLE_EXITS_MWAIT)
		control[VMX_PRIMARY] &= ~(PRIMARY_MWAIT_EXITING | PRIMARY_MONITOR_EXITING);
	if (exits_off & KVM_X86_DISABLE_EXITS_PAUSE)
		control[VMX_SECONDARY] &= ~SECONDARY_PAUSE_LOOP_EXITING;
}

/* Turn on the controls that Oriel uses, except those that this VM or vCPU cannot have. */
static void write_controls(struct vmx_vcpu *vmx)
{
	const u32 windows = PRIMARY_INTERRUPT_WINDOW_EXITING | PRIMARY_NMI_WINDOW_EXITING;
	const u32 cr8 = PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING;
	u32 *control = vmx->control;
	int i;

	memcpy(control, vmx_caps.use, sizeof(vmx->control));
	control[VMX_PIN] &= ~PIN_PREEMPTION_TIMER;
	control[VMX_PRIMARY] &= ~windows;
	/* An interrupt controller in userspace has to see each change of CR8. */
	if (vmx->vcpu.lapic && vmx_has(VMX_PRIMARY, PRIMARY_TPR_SHADOW))
		control[VMX_PRIMARY] &= ~cr8;
	else
		control[VMX_PRIMARY] &= ~PRIMARY_TPR_SHADOW;
	/* Off until the guest turns x2APIC mode on: see set_x2apic(). */
	control[VMX_SECONDARY] &= ~SECONDARY_VIRTUALIZE_X2APIC;
	if (!vmx->vpid)
		control[VMX_SECONDARY] &= ~SECONDARY_VPID;
	control[VMX_ENTRY] &= ~(ENTRY_IA32E_MODE_GUEST | ENTRY_LOAD_PERF_GLOBAL_CTRL);
	control[VMX_EXIT] &= ~EXIT_LOAD_PERF_GLOBAL_CTRL;
	allow_instructions(control, vmx->vcpu.vm->exits_off);
	for (i = 0; i < VMX_WORDS; i++)
		vmcs_write(vmx_word_field(i), control[i]);
}

static void write_execution_fields(struct vmx_vcpu *vmx)
{
	vmcs_write(vmcs_exception_bitmap, VMX_EXCEPTIONS);
	vmcs_write(vmcs_page_fault_error_code_mask, 0);
	vmcs_write(vmcs_page_fault_error_code_match, 0);
	vmcs_write(vmcs_cr3_target_count, 0);
	vmcs_write(vmcs_msr_bitmap, vmx_msr_bitmap_pa(vmx));
	vmcs_write(vmcs_ept_pointer, vmx_eptp(&vmx->vcpu));
	vmcs_write(vmcs_vmcs_link_pointer, ~0ull);
	if (vmx->vpid)
		vmcs_write(vmcs_vpid, vmx->vpid);
	if (vmx_has(VMX_SECONDARY, SECONDARY_PAUSE_LOOP_EXITING)) {
		vmcs_write(vmcs_ple_gap, PLE_GAP);
		set_ple_window(vmx, PLE_WINDOW);
	}
	/* No guest has SGX: every leaf is #UD (SDM 3C 26.1.3). */
	if (vmx_has(VMX_SECONDARY, SECONDARY_ENCLS_EXITING))
		vmcs_write(vmcs_encls_exiting_bitmap, ~0ull);
	if (vmx_has(VMX_SECONDARY, SECONDARY_ENCLV_EXITING))
		vmcs_write(vmcs_enclv_exiting_bitmap, ~0ull);
	if (vmx->control[VMX_PRIMARY] & PRIMARY_TPR_SHADOW) {
		vmcs_write(vmcs_virtual_apic_address, __pa(lapic_registers(vmx->vcpu.lapic)));
		vmcs_write(vmcs_tpr_threshold, 0);
	}
	vmcs_write(vmcs_exit_msr_store_count, 0);
	vmcs_write(vmcs_exit_msr_load_count, 0);
	vmcs_write(vmcs_entry_msr_load_count, 0);
}

/* Reset the guest's state beside its registers and MSRs. */
static void write_guest_fields(void)
{
	vmcs_write(vmcs_guest_activity_state, ACTIVITY_ACTIVE);
	vmcs_write(vmcs_guest_interruptibility_state, 0);
	vmcs_write(vmcs_guest_pending_debug_exceptions, 0);
	vmcs_write(vmcs_guest_ia32_debugctl, 0);
	vmcs_write(vmcs_entry_interruption_info, 0);
}

/*
 * INIT keeps the MSRs (SDM 3A table 10-1). The rest of the guest's state in the VMCS is registers,
 * which the caller commits.
 */
void vmx_vcpu_reset(struct vcpu *vcpu, bool init)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	vmx->x2apic = false;
	write_controls(vmx);
	write_execution_fields(vmx);
	write_guest_fields();
	vmx_host_setup();
	vmx->step_pending = false;
	vmx->rip_moved = false;
	vmx->tpr_threshold = 0;
	if (init)
		return;
	memset(vmx->msr, 0, sizeof(vmx->msr));
	vmx->spec_ctrl = 0;
	vmcs_write(vmcs_guest_ia32_sysenter_cs, 0);
	vmcs_write(vmcs_guest_ia32_sysenter_esp, 0);
	vmcs_write(vmcs_guest_ia32_sysenter_eip, 0);
	vmcs_write(vmcs_guest_ia32_pat, PAT_AT_RESET);
	vmx_set_msr(vcpu, MSR_KERNEL_GS_BASE, 0);
}

int vmx_vcpu_create(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int vpid = 0;

	vmx->cpu = -1;
	vmx->vmcs = vmx_alloc_vmcs(GFP_KERNEL_ACCOUNT);
	if (!vmx->vmcs)
		return -ENOMEM;
	if (vmx_has(VMX_SECONDARY, SECONDARY_VPID))
		vpid = ida_alloc_range(&vpids, VPID_FIRST, VPID_LAST, GFP_KERNEL);
	/* Without a VPID each entry and exit flushes the TLB: slower, but correct. */
	vmx->vpid = vpid < 0 ? 0 : vpid;
	return 0;
}

void vmx_vcpu_destroy(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	int cpu;

	if (!vmx->vmcs)
		return;
	clear_everywhere(vmx);
	/* A new vCPU may get the same address, and must not be taken for this one. */
	for_each_possible_cpu(cpu)
		cmpxchg(&per_cpu_ptr(&vmx_cpu, cpu)->last, vmx, NULL);
	if (vmx->vpid)
		ida_free(&vpids, vmx->vpid);
	vmx_free_vmcs(vmx->vmcs);
}
