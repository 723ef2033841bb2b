// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entry to the guest on VT-x, and the back end's operations.
 */
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/processor-flags.h>
#include <asm/special_insns.h>

#include "core/vm.h"
#include "guest/clock.h"
#include "guest/debug.h"
#include "guest/reset.h"
#include "host/context.h"
#include "host/l1d.h"
#include "irq/lapic.h"
#include "run/run.h"
#include "vmx/check.h"
#include "vmx/exit_reason.h"
#include "vmx/vmx.h"
#include "vmx/vmx_ops.h"

#define CPUID_7_EBX_SGX BIT(2)
#define CPUID_7_EBX_RTM BIT(11)

/*
 * In x2APIC mode the guest may access the MSR of the TPR without an exit, as it may access
 * CR8, once the MSR bitmap lets it pass (SDM 3C 30.5).
 */
static void set_x2apic(struct vmx_vcpu *vmx, bool on)
{
	vmx->x2apic = on;
	if (!(vmx->control[VMX_PRIMARY] & PRIMARY_TPR_SHADOW) ||
	    !vmx_has(VMX_SECONDARY, SECONDARY_VIRTUALIZE_X2APIC))
		return;
	vmx_control(vmx, VMX_SECONDARY, SECONDARY_VIRTUALIZE_X2APIC, on);
	vmcs_write(vmcs_msr_bitmap, vmx_msr_bitmap_pa(vmx));
}

/*
 * Follow the local APIC, which may have changed its mode or TPR since the last entry. The CPU
 * refuses a threshold above the TPR (SDM 3C 27.2.1.1).
 */
static void settle_tpr(struct vmx_vcpu *vmx)
{
	struct lapic *lapic = vmx->vcpu.lapic;

	if (!lapic)
		return;
	if (unlikely(lapic_x2apic(lapic) != vmx->x2apic))
		set_x2apic(vmx, !vmx->x2apic);
	if (unlikely(vmx->tpr_threshold > lapic_get_cr8(lapic))) {
		vmx->tpr_threshold = lapic_get_cr8(lapic);
		vmcs_write(vmcs_tpr_threshold, vmx->tpr_threshold);
	}
}

/*
 * Have the guest exit at the deadline of the local APIC's timer. The VMX-preemption timer
 * counts at a fraction of the TSC's rate (SDM 3C 26.5.1, 3D A.6); the count is rounded up, so
 * that it never ends early.
 */
static void set_preemption_timer(struct vmx_vcpu *vmx)
{
	struct vcpu *vcpu = &vmx->vcpu;
	u64 deadline = vcpu->lapic ? lapic_held_deadline(vcpu->lapic) : 0;
	u64 now, ticks = 0;

	vmx_control(vmx, VMX_PIN, PIN_PREEMPTION_TIMER, deadline);
	if (likely(!deadline))
		return;
	now = clock_guest_tsc(vcpu);
	if (deadline > now)
		ticks = ((deadline - now) >> (vmx_caps.misc & VMX_MISC_PREEMPTION_TIMER_RATE)) + 1;
	vmcs_write(vmcs_preemption_timer_value, min_t(u64, ticks, U32_MAX));
}

static void load_debug_state(struct vmx_vcpu *vmx)
{
	debugreg_enter(&vmx->vcpu, vmcs_read(vmcs_guest_dr7));
	/* The guest can read DR6 only while its debug registers are live. */
	if (unlikely(vmx->vcpu.breakpoints_live))
		set_debugreg(vmx->vcpu.state.dr6, 6);
}

static void store_debug_state(struct vmx_vcpu *vmx)
{
	struct vcpu *vcpu = &vmx->vcpu;

	if (unlikely(vcpu->breakpoints_live)) {
		unsigned long dr6;

		get_debugreg(dr6, 6);
		vcpu->state.dr6 = dr6;
		/* The host's #DB handler must not find bits that the guest set. */
		set_debugreg(DR6_RESERVED, 6);
		vmx_control(vmx, VMX_PRIMARY, PRIMARY_MOV_DR_EXITING, true);
	}
	debugreg_leave(vcpu);
}

/* Return the word for the NMI or exception that ended the guest; 0 if another event did. */
static u32 exit_event(u32 reason)
{
	if (unlikely((reason & EXIT_REASON_BASIC) == EXIT_REASON_MCE_DURING_VMENTRY))
		return EVENT_WORD_EXCEPTION | EXC_MC;
	return unlikely(vmx_exit_has_event(reason)) ? vmcs_read(vmcs_exit_interruption_info) : 0;
}

/*
 * Clear secrets of the host from the L1 data cache (L1TF). If the guest drives a device of the
 * host, clear the CPU's buffers too: the guest could read them through the device's memory (MMIO
 * stale data). After this only load_spec_ctrl() and the switch run.
 */
static __always_inline void clear_secrets(struct vmx_vcpu *vmx)
{
	if (static_branch_unlikely(&l1d_needs_flush))
		l1d_flush(&vmx->vcpu.secrets_cached);
	if (static_branch_unlikely(&mmio_stale_data_clear) && READ_ONCE(vmx->vcpu.vm->dma.device))
		x86_clear_cpu_buffers();
}

/* Give the guest its IA32_SPEC_CTRL: no indirect branch may follow (SDM 4 IA32_SPEC_CTRL). */
static __always_inline void load_spec_ctrl(const struct vmx_vcpu *vmx)
{
	if (cpu_feature_enabled(X86_FEATURE_MSR_SPEC_CTRL) &&
	    vmx->spec_ctrl != this_cpu_read(x86_spec_ctrl_current))
		native_wrmsrl(MSR_IA32_SPEC_CTRL, vmx->spec_ctrl);
}

/*
 * Give the host its IA32_SPEC_CTRL back. entry.S calls this before the first RET that takes its
 * address from the return stack of the guest. If the kernel sets and clears IBRS, IBRS protects the
 * host only if it is written again after the exit.
 */
asmlinkage noinstr void vmx_restore_spec_ctrl(u64 *gpr)
{
	struct vmx_vcpu *vmx = container_of(gpr, struct vmx_vcpu, vcpu.state.gpr[0]);
	u64 host;

	if (vmx->spec_ctrl_direct)
		vmx->spec_ctrl = __rdmsr(MSR_IA32_SPEC_CTRL);
	host = this_cpu_read(x86_spec_ctrl_current);
	if (cpu_feature_enabled(X86_FEATURE_KERNEL_IBRS) || vmx->spec_ctrl != host)
		native_wrmsrl(MSR_IA32_SPEC_CTRL, host);
	/* The CPU must not speculate past the conditions above with the guest's value. */
	barrier_nospec();
}

/* Controls of the host's perf on this CPU, with their values for host and guest. */
struct perf_msrs {
	const struct perf_guest_switch_msr *msrs;
	int count;
};

/*
 * Return true if the entry and the exit switch the MSR. A WRMSR would be too early: an NMI of perf
 * between it and the entry sets the host's counters going again.
 */
static __always_inline bool switched_by_entry(const struct perf_guest_switch_msr *msr)
{
	return msr->msr == MSR_CORE_PERF_GLOBAL_CTRL &&
	       vmx_has(VMX_ENTRY, ENTRY_LOAD_PERF_GLOBAL_CTRL) &&
	       vmx_has(VMX_EXIT, EXIT_LOAD_PERF_GLOBAL_CTRL);
}

/*
 * Stop the host's events that exclude guests, and PEBS on CPUs that do not stop it themselves:
 * PEBS writes its records to a linear address of the host, which inside the guest would be a
 * linear address of the guest (SDM 3B 20.9.5).
 */
static struct perf_msrs stop_host_perf(struct vmx_vcpu *vmx)
{
	struct perf_msrs perf = { 0 };
	bool by_entry = false;
	int i;

	perf.msrs = perf_guest_get_msrs(&perf.count, NULL);
	if (!perf.msrs)
		perf.count = 0;
	for (i = 0; i < perf.count; i++) {
		const struct perf_guest_switch_msr *msr = &perf.msrs[i];

		if (msr->guest == msr->host)
			continue;
		if (switched_by_entry(msr)) {
			by_entry = true;
			vmcs_write(vmcs_guest_ia32_perf_global_ctrl, msr->guest);
			vmcs_write(vmcs_host_ia32_perf_global_ctrl, msr->host);
		} else {
			wrmsrl(msr->msr, msr->guest);
		}
	}
	vmx_control(vmx, VMX_ENTRY, ENTRY_LOAD_PERF_GLOBAL_CTRL, by_entry);
	vmx_control(vmx, VMX_EXIT, EXIT_LOAD_PERF_GLOBAL_CTRL, by_entry);
	return perf;
}

/* It comes before the NMI that ended the guest: that may be perf's, which changes the controls. */
static __always_inline void resume_host_perf(const struct perf_msrs *perf)
{
	int i;

	for (i = 0; i < perf->count; i++) {
		const struct perf_guest_switch_msr *msr = &perf->msrs[i];

		if (msr->guest != msr->host && !switched_by_entry(msr))
			native_wrmsrl(msr->msr, msr->host);
	}
}

static void vmx_enter(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	unsigned long debugctl = get_debugctlmsr();
	struct perf_msrs perf;
	u32 event;

	vmx_host_enter(vmx);
	if (unlikely(vmx->flush)) {
		vmx->flush = false;
		vmx_flush_here(vcpu);
	}
	settle_tpr(vmx);
	set_preemption_timer(vmx);
	load_debug_state(vmx);
	if (native_read_cr2() != vcpu->state.cr2)
		native_write_cr2(vcpu->state.cr2);
	perf = stop_host_perf(vmx);

	context_enter_guest();
	clear_secrets(vmx);
	load_spec_ctrl(vmx);
	vmx->failed = vmx_world_switch(vcpu->state.gpr, &vmx->host.rsp, vmx->launched);
	vcpu->state.cr2 = native_read_cr2();
	vmx->exit_reason = likely(!vmx->failed) ? vmcs_read(vmcs_exit_reason) :
						  EXIT_REASON_ENTRY_FAILURE;
	resume_host_perf(&perf);
	event = exit_event(vmx->exit_reason);
	if (unlikely((event & EVENT_WORD_TYPE) == EVENT_WORD_NMI))
		host_nmi();
	context_leave_guest();

	vmx_host_leave(vmx, debugctl);
	store_debug_state(vmx);
	vcpu->cached = 0;
	if (likely(!(vmx->exit_reason & EXIT_REASON_ENTRY_FAILURE)))
		vmx->launched = true;
	if (unlikely((event & EVENT_WORD_VECTOR) == EXC_MC))
		host_machine_check();
}

static void vmx_flush_tlb(struct vcpu *vcpu)
{
	/* The pointer's bit for accessed and dirty flags may have changed: the flush applies it. */
	vmcs_write(vmcs_ept_pointer, vmx_eptp(vcpu));
	to_vmx(vcpu)->flush = true;
}

static u32 vmx_insn_length(struct vcpu *vcpu)
{
	return vmcs_read(vmcs_exit_instruction_length);
}

static void vmx_set_tsc_offset(struct vcpu *vcpu, u64 offset)
{
	vmcs_write(vmcs_tsc_offset, offset);
}

static u64 vmx_exit_code(struct vcpu *vcpu, u64 info[2])
{
	info[0] = vmcs_read(vmcs_exit_qualification);
	info[1] = vmcs_read(vmcs_idt_vectoring_info);
	return to_vmx(vcpu)->exit_reason;
}

static u32 vmx_cpuid_flags(void)
{
	u32 flags = CPUID_HOST_LA57 | CPUID_HOST_PRED_CMD;

	if (boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		flags |= CPUID_HOST_SPEC_CTRL;
	if (vmx_has(VMX_SECONDARY, SECONDARY_INVPCID))
		flags |= CPUID_HOST_INVPCID;
	if (vmx_has(VMX_SECONDARY, SECONDARY_RDTSCP))
		flags |= CPUID_HOST_RDTSCP;
	return flags;
}

static u64 read_field(void *unused, enum vmcs_field field)
{
	return vmcs_read(field);
}

/* Return the bits that IA32_PERF_GLOBAL_CTRL has here: one per counter (SDM 3B 20.2.2). */
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

/* Find out why the CPU has refused the VMCS, by VM entry's checks in software. */
static void vmx_explain(struct vcpu *vcpu, struct entry_report *report)
{
	u32 features = cpuid_eax(0) >= 7 ? cpuid_ebx(7) : 0;
	const struct vmx_check source = {
		.caps = &vmx_caps,
		.read = read_field,
		.perf_global_ctrl = perf_global_ctrl(),
		.linear_width = cpuid_eax(0x80000008) >> 8 & 0xff,
		/* Byte 80h of the virtual-APIC page, which is the page of the APIC's registers. */
		.vtpr = vcpu->lapic ? lapic_get_cr8(vcpu->lapic) << 4 : 0,
		.host_ia32e = true,
		.rtm = features & CPUID_7_EBX_RTM,
		.sgx = features & CPUID_7_EBX_SGX,
	};

	vmx_check_entry(&source, report);
}

const struct vendor_ops vmx_ops = {
	.owner = {
		.name = "VT-x",
		.kvm_module = "kvm_intel",
		.enable = vmx_cpu_enable,
		.disable = vmx_cpu_disable,
	},
	.vcpu_size = sizeof(struct vmx_vcpu),
	.deadline_timer = &vmx_preemption_timer,
	.host_irq_exit = EXIT_REASON_EXTERNAL_INTERRUPT,
	.format = &ept_format,
	.setup = vmx_setup,
	.teardown = vmx_teardown,
	.vcpu_create = vmx_vcpu_create,
	.vcpu_destroy = vmx_vcpu_destroy,
	.vcpu_reset = vmx_vcpu_reset,
	.vcpu_load = vmx_vcpu_load,
	.vcpu_put = vmx_vcpu_put,
	.enter = vmx_enter,
	.recover = vmx_recover,
	.handle_exit = vmx_handle_exit,
	.fetch = vmx_fetch,
	.commit = vmx_commit,
	.get_shadow = vmx_get_shadow,
	.set_shadow = vmx_set_shadow,
	.nmi_blocked = vmx_nmi_blocked,
	.set_nmi_blocked = vmx_set_nmi_blocked,
	.inject = vmx_inject,
	.request_window = vmx_request_window,
	.insn_length = vmx_insn_length,
	.get_msr = vmx_get_msr,
	.set_msr = vmx_set_msr,
	.filter_msrs = vmx_filter_msrs,
	.flush_tlb = vmx_flush_tlb,
	.set_tsc_offset = vmx_set_tsc_offset,
	.exit_code = vmx_exit_code,
	.explain = vmx_explain,
	.cpuid_flags = vmx_cpuid_flags,
};
