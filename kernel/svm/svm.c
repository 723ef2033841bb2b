// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU on AMD-V: its VMCB from creation to destruction, its ASID, and the entry to the guest.
 * The back end's operations.
 */
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/percpu.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>
#include <asm/processor-flags.h>
#include <uapi/asm/svm.h>

#include "core/vm.h"
#include "guest/cpuid_table.h"
#include "guest/debug.h"
#include "guest/paging.h"
#include "guest/reset.h"
#include "host/context.h"
#include "irq/lapic.h"
#include "run/run.h"
#include "svm/check.h"
#include "svm/svm.h"
#include "svm/svm_ops.h"

#define CPUID_7_ECX_SHSTK BIT(7)

/*
 * A guest waits for another vCPU if it executes this many PAUSEs, each within so many cycles of
 * the one before (APM 2 15.14.4).
 */
#define PAUSE_FILTER_COUNT 3000
#define PAUSE_FILTER_THRESHOLD 128

static void init_intercepts(struct vmcb_control *control, u32 exits_off)
{
	control->intercept_cr = INTERCEPT_WRITE(4);
	control->intercept_dr = SVM_INTERCEPT_BREAKPOINTS;
	/* Without an exit, a guest could make #AC and #DB recur for ever. */
	control->intercept_exceptions = BIT(EXC_DB) | BIT(EXC_UD) | BIT(EXC_AC) | BIT(EXC_MC);
	control->intercept_misc1 = INTERCEPT_INTR | INTERCEPT_NMI | INTERCEPT_SMI | INTERCEPT_INIT |
				   INTERCEPT_CR0_SEL_WRITE | INTERCEPT_RDPMC | INTERCEPT_CPUID |
				   INTERCEPT_INVD | INTERCEPT_HLT | INTERCEPT_INVLPGA |
				   INTERCEPT_IOIO_PROT | INTERCEPT_MSR_PROT | INTERCEPT_SHUTDOWN;
	control->intercept_misc2 = INTERCEPT_VMRUN | INTERCEPT_VMMCALL | INTERCEPT_VMLOAD |
				   INTERCEPT_VMSAVE | INTERCEPT_STGI | INTERCEPT_CLGI |
				   INTERCEPT_SKINIT | INTERCEPT_WBINVD | INTERCEPT_MONITOR |
				   INTERCEPT_MWAIT | INTERCEPT_XSETBV | INTERCEPT_RDPRU;
	if (svm_caps.pause_filter && !(exits_off & KVM_X86_DISABLE_EXITS_PAUSE)) {
		control->intercept_misc1 |= INTERCEPT_PAUSE;
		control->pause_filter_count = PAUSE_FILTER_COUNT;
		control->pause_filter_threshold = PAUSE_FILTER_THRESHOLD;
	}
	if (exits_off & KVM_X86_DISABLE_EXITS_HLT)
		control->intercept_misc1 &= ~INTERCEPT_HLT;
	if (exits_off & KVM_X86_DISABLE_EXITS_MWAIT)
		control->intercept_misc2 &= ~(INTERCEPT_MONITOR | INTERCEPT_MWAIT);
}

/*
 * INIT keeps the MSRs (APM 2 table 14-1). The rest of the save area is registers, which the caller
 * commits.
 */
static void svm_vcpu_reset(struct vcpu *vcpu, bool init)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb *vmcb = svm->vmcb;
	struct vmcb_control *control = &vmcb->control;
	u64 tsc_offset = control->tsc_offset;

	memset(control, 0, sizeof(*control));
	if (!init) {
		memset(&vmcb->save, 0, sizeof(vmcb->save));
		vmcb->save.g_pat = PAT_AT_RESET;
	}
	init_intercepts(control, vcpu->vm->exits_off);
	control->iopm_base_pa = svm_iopm_pa();
	control->msrpm_base_pa = svm_msrpm_pa(true);
	control->tsc_offset = tsc_offset;
	control->v_intr = V_INTR_MASKING;
	control->np_enable = 1;
	control->n_cr3 = __sme_set(mmu_root_hpa(&vcpu->vm->memory.mmu));
	svm->asid_generation = 0;
	svm->nmi_blocked = false;
	svm->in_iret = false;
	svm->stepping = false;
	svm->injected = 0;
}

static int svm_vcpu_create(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->vmcb = (struct vmcb *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!svm->vmcb)
		return -ENOMEM;
	svm->vmcb_pa = __sme_pa(svm->vmcb);
	return 0;
}

static void svm_vcpu_destroy(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	int cpu;

	/* A new VMCB may get the same address, and must not be taken for this one. */
	for_each_possible_cpu(cpu)
		cmpxchg(&per_cpu_ptr(&svm_cpu, cpu)->last, svm->vmcb, NULL);
	free_page((unsigned long)svm->vmcb);
}

static void svm_vcpu_load(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);

	/* Each CPU gives its own ASIDs, and may have stale translations from an earlier stay. */
	if (svm->asid_cpu != vcpu->last_cpu) {
		svm->asid_cpu = vcpu->last_cpu;
		svm->asid_generation = 0;
		/* The CPU may have fields cached from the last time the vCPU ran on it. */
		svm->vmcb->control.vmcb_clean = 0;
	}
	if (sc->last != svm->vmcb) {
		sc->last = svm->vmcb;
		svm->vmcb->control.vmcb_clean = 0;
		/* One guest must not train the predictors for another (APM 2 3.2.9). */
		indirect_branch_prediction_barrier();
	}
}

/*
 * Give the vCPU an ASID of this CPU's current generation. If none is left, a new generation
 * begins with a flush of all ASIDs, so that no reused ASID has translations (APM 2 15.16.1).
 */
static void assign_asid(struct svm_vcpu *svm, struct svm_cpu *sc)
{
	struct vmcb_control *control = &svm->vmcb->control;

	if (sc->next_asid >= svm_caps.asids) {
		sc->asid_generation++;
		sc->next_asid = 1;
		control->tlb_control = TLB_CONTROL_FLUSH_ALL;
	}
	control->guest_asid = sc->next_asid++;
	svm->asid_generation = sc->asid_generation;
	svm_dirty(svm, VMCB_CLEAN_ASID);
}

static void svm_flush_tlb(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	if (svm_caps.flush_by_asid)
		svm->vmcb->control.tlb_control = TLB_CONTROL_FLUSH_ASID;
	else
		svm->asid_generation = 0;
}

/* Take over the guest's CR8, which was in V_TPR during the entry (APM 2 15.21.2). */
static void save_cr8(struct vcpu *vcpu, u8 cr8)
{
	if (!vcpu->lapic)
		vcpu->cr8 = cr8;
	else if (lapic_get_cr8(vcpu->lapic) != cr8)
		lapic_set_cr8(vcpu->lapic, cr8);
}

/*
 * Have QEMU's TCG look again for an interrupt of the host. At a VMRUN with V_IRQ set it changes
 * its set of pending kinds of interrupts without a lock, and forgets a kind that another thread
 * adds just then. If that was the timer's, this CPU's clock would stand still until another
 * interrupt came. A write of CR8 makes TCG look, even if CR8 stays what it was.
 */
static void find_lost_interrupt(void)
{
	unsigned long cr8;

	asm volatile("mov %%cr8, %0\n\t"
		     "mov %0, %%cr8"
		     : "=r"(cr8)
		     :
		     : "memory");
}

static void svm_enter(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_control *control = &svm->vmcb->control;
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	unsigned long debugctl = get_debugctlmsr();

	if (svm->asid_generation != sc->asid_generation || !svm->asid_generation)
		assign_asid(svm, sc);
	control->v_intr = (control->v_intr & ~V_TPR) | paging_cr8(vcpu);
	svm_dirty(svm, VMCB_CLEAN_TPR);
	debugreg_enter(vcpu, svm->vmcb->save.dr7);

	/*
	 * Save the rest of the host's state. It is too early to do so when the thread comes to
	 * this CPU, because an IPI may replace LDTR later. Now interrupts are off.
	 */
	asm volatile("vmsave %%rax" : : "a"(__sme_pa(sc->host_vmcb)) : "memory");
	/* VMRUN keeps the host's IA32_DEBUGCTL: its traps would be the guest's. */
	if (unlikely(debugctl))
		update_debugctlmsr(0);
	context_enter_guest();
	/* Zen 1: a division by zero must not show the guest the host's last quotient. */
	amd_clear_divider();
	svm_world_switch(vcpu->state.gpr, svm->vmcb_pa, __sme_pa(sc->host_vmcb));
	context_leave_guest();
	if (unlikely(debugctl))
		update_debugctlmsr(debugctl);

	control->vmcb_clean = svm_caps.clean_bits ? VMCB_CLEAN_ALL : 0;
	if (unlikely(debugreg_leave(vcpu))) {
		control->intercept_dr = SVM_INTERCEPT_BREAKPOINTS;
		svm_dirty(svm, VMCB_CLEAN_I);
	}
	if (unlikely(control->exitcode == SVM_EXIT_EXCP_BASE + EXC_MC))
		host_machine_check();

	control->eventinj = 0;
	svm_end_flush(svm, sc);
	save_cr8(vcpu, control->v_intr & V_TPR & 0xf);
	if (unlikely(svm_caps.loses_interrupts && svm_window_wanted(svm)))
		find_lost_interrupt();
	vcpu->cached = 0;
	svm_fetch(vcpu, STATE_GPRS | STATE_RIP);
}

static u32 svm_insn_length(struct vcpu *vcpu)
{
	const struct vmcb *vmcb = to_svm(vcpu)->vmcb;

	return svm_caps.nrips && vmcb->control.nrip ? vmcb->control.nrip - vmcb->save.rip : 0;
}

static void svm_set_tsc_offset(struct vcpu *vcpu, u64 offset)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->vmcb->control.tsc_offset = offset;
	svm_dirty(svm, VMCB_CLEAN_I);
}

static u64 svm_exit_code(struct vcpu *vcpu, u64 info[2])
{
	const struct vmcb_control *control = &to_svm(vcpu)->vmcb->control;

	info[0] = control->exitinfo1;
	info[1] = control->exitinfo2;
	return control->exitcode;
}

static u32 svm_cpuid_flags(void)
{
	u32 flags = CPUID_HOST_LA57 | CPUID_HOST_INVPCID | CPUID_HOST_RDTSCP | CPUID_HOST_PRED_CMD;

	if (svm_caps.spec_ctrl)
		flags |= CPUID_HOST_SPEC_CTRL;
	return flags;
}

/* Find out why the CPU has refused the VMCB, by VMRUN's checks in software. */
static void svm_explain(struct vcpu *vcpu, struct entry_report *report)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	const struct cpuid_facts *host = cpuid_host_facts();
	const struct svm_check facts = {
		.cr4_reserved = host->cr4_reserved,
		/* Guests do not see EFER.SVME, but VMRUN needs it. */
		.efer_reserved = host->efer_reserved & ~(u64)EFER_SVME,
		/* The kernel's own width leaves out the bit that marks encrypted memory. */
		.maxphyaddr = cpuid_eax(0x80000008) & 0xff,
		.long_mode = true,
		.shadow_stacks = cpuid_eax(0) >= 7 && cpuid_ecx(7) & CPUID_7_ECX_SHSTK,
	};

	/*
	 * svm_enter() has cleared eventinj. If @injected is from an earlier entry, that entry
	 * succeeded, so the event breaks no rule.
	 */
	svm->vmcb->control.eventinj = svm->injected;
	svm_check_entry(svm->vmcb, &facts, report);
	svm->vmcb->control.eventinj = 0;
}

const struct vendor_ops svm_ops = {
	.owner = {
		.name = "AMD-V",
		.kvm_module = "kvm_amd",
		.enable = svm_cpu_enable,
		.disable = svm_cpu_disable,
	},
	.vcpu_size = sizeof(struct svm_vcpu),
	.walks_pdptes = true,
	.host_irq_exit = SVM_EXIT_INTR,
	.format = &npt_format,
	.setup = svm_setup,
	.teardown = svm_teardown,
	.vcpu_create = svm_vcpu_create,
	.vcpu_destroy = svm_vcpu_destroy,
	.vcpu_reset = svm_vcpu_reset,
	.vcpu_load = svm_vcpu_load,
	.enter = svm_enter,
	.recover = svm_recover,
	.handle_exit = svm_handle_exit,
	.fetch = svm_fetch,
	.commit = svm_commit,
	.get_shadow = svm_get_shadow,
	.set_shadow = svm_set_shadow,
	.nmi_blocked = svm_nmi_blocked,
	.set_nmi_blocked = svm_set_nmi_blocked,
	.inject = svm_inject,
	.request_window = svm_request_window,
	.insn_length = svm_insn_length,
	.get_msr = svm_get_msr,
	.set_msr = svm_set_msr,
	.filter_msrs = svm_filter_msrs,
	.flush_tlb = svm_flush_tlb,
	.set_tsc_offset = svm_set_tsc_offset,
	.exit_code = svm_exit_code,
	.explain = svm_explain,
	.cpuid_flags = svm_cpuid_flags,
};
