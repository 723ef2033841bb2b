// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM exits of VT-x: a table with a row for each basic exit reason (SDM 3D appendix C). The
 * handlers in this file only translate fields of the VMCS; run/exit_*.c has the meaning of an
 * exit, for both vendors.
 */
#include <asm/cpu.h>
#include <asm/cpufeature.h>
#include <asm/processor-flags.h>

#include "guest/debug.h"
#include "guest/raise.h"
#include "irq/lapic.h"
#include "memory/memory.h"
#include "run/exits.h"
#include "run/exit_debug.h"
#include "run/insn.h"
#include "vmx/exit_reason.h"
#include "vmx/vmx.h"
#include "x86/cr.h"

enum cr_access { CR_ACCESS_MOV_TO, CR_ACCESS_MOV_FROM, CR_ACCESS_CLTS, CR_ACCESS_LMSW };

/* Exit qualifications (SDM 3C 28.2.1). */
#define CR_NUMBER GENMASK(3, 0)
#define CR_ACCESS_SHIFT 4
#define CR_REGISTER_SHIFT 8
#define CR_LMSW_SHIFT 16

#define DR_NUMBER GENMASK(2, 0)
#define DR_MOV_FROM BIT(4)
#define DR_REGISTER_SHIFT 8

#define IO_SIZE GENMASK(2, 0) /* less one */
#define IO_IN BIT(3)
#define IO_STRING BIT(4)
#define IO_PORT_SHIFT 16

#define EPT_VIOLATION_WRITE BIT(1)
#define EPT_VIOLATION_FETCH BIT(2)
#define EPT_VIOLATION_LINEAR (BIT(7) | BIT(8)) /* the linear address is valid and translated */
#define EPT_VIOLATION_NMI_UNBLOCKING BIT(12)

#define TASK_SWITCH_SOURCE_SHIFT 30

#define DEBUG_CONDITIONS (GENMASK(3, 0) | DR6_BD | DR6_BS)

/*
 * If an IRET has unblocked NMIs and then faulted, block them again, because the guest will execute
 * the IRET anew (SDM 3C 28.2.3). The CPU's bit @unblocked is undefined if the exit cut a delivery
 * short, or if it is a double fault, which Oriel never intercepts.
 */
static void undo_nmi_unblocking(struct vcpu *vcpu, bool unblocked)
{
	if (unlikely(unblocked) && !(vmcs_read(vmcs_idt_vectoring_info) & EVENT_WORD_VALID))
		vmx_set_nmi_blocked(vcpu, true);
}

static enum exit_fate debug_exception(struct vcpu *vcpu, u32 info)
{
	u64 conditions = vmcs_read(vmcs_exit_qualification) & DEBUG_CONDITIONS;

	if (guest_debug_owns_db(&vcpu->debug))
		return guest_debug_exit(vcpu, EXC_DB, DR6_RESET | conditions);
	/* INT1 is a trap and sets no bit of DR6. */
	if ((info & EVENT_WORD_TYPE) == EVENT_WORD_PRIVILEGED_SOFT_EXCEPTION) {
		enum exit_fate fate = vcpu_skip(vcpu);

		if (fate == EXIT_RESUME)
			vcpu_raise_db(vcpu, 0);
		return fate;
	}
	/* The CPU exits before it writes DR6. */
	vcpu_raise_db(vcpu, conditions);
	vmx_settle_step(vcpu);
	return EXIT_RESUME;
}

/* Return true if the guest has alignment checks on: #AC may be one of them (SDM 3A 6.15). */
static bool checks_alignment(struct vcpu *vcpu)
{
	const struct cpu_state *state = &vcpu->state;

	vcpu_need(vcpu, STATE_RIP | STATE_CR | STATE_CODE);
	return cpu_cpl(state) == 3 && state->cr0 & X86_CR0_AM && state->rflags & X86_EFLAGS_AC;
}

/*
 * #AC is intercepted for two reasons. Without exits, a guest whose #AC handler raises #AC again
 * would keep the CPU for ever. And the host may have its CPUs raise #AC for split locks, which
 * no guest expects: the host handles those, and either lets the thread execute the instruction
 * or sends it SIGBUS.
 */
static enum exit_fate alignment_check(struct vcpu *vcpu)
{
	if (!boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) || checks_alignment(vcpu))
		return exit_exception(vcpu, EXC_AC, true,
				      vmcs_read(vmcs_exit_interruption_error_code));
	handle_guest_split_lock(vcpu->state.rip);
	return EXIT_RESUME;
}

static enum exit_fate vmx_exit_exception_or_nmi(struct vcpu *vcpu)
{
	u32 info = vmcs_read(vmcs_exit_interruption_info);

	/* vmx_enter() has handled the host's NMIs and machine checks. */
	if ((info & EVENT_WORD_TYPE) == EVENT_WORD_NMI)
		return EXIT_RESUME;
	undo_nmi_unblocking(vcpu, info & INTERRUPTION_NMI_UNBLOCKING);
	switch (info & EVENT_WORD_VECTOR) {
	case EXC_DB:
		return debug_exception(vcpu, info);
	case EXC_BP:
		return exit_breakpoint(vcpu);
	case EXC_UD:
		return exit_undefined(vcpu, OPCODE_VMCALL);
	case EXC_AC:
		return alignment_check(vcpu);
	case EXC_MC:
		return EXIT_RESUME;
	default:
		return exit_unknown(vcpu, to_vmx(vcpu)->exit_reason, "exception");
	}
}

static enum exit_fate vmx_exit_tpr_below_threshold(struct vcpu *vcpu)
{
	vcpu_make_request(vcpu, REQ_EVENT);
	return EXIT_RESUME;
}

static enum exit_fate vmx_exit_pause(struct vcpu *vcpu)
{
	vmx_grow_ple_window(to_vmx(vcpu));
	return exit_pause(vcpu);
}

/* enum task_switch_source has the numbers of the exit qualification (SDM 3C table 28-3). */
static enum exit_fate vmx_exit_task_switch(struct vcpu *vcpu)
{
	u64 qualification = vmcs_read(vmcs_exit_qualification);
	enum task_switch_source source = qualification >> TASK_SWITCH_SOURCE_SHIFT & 3;
	u32 info = vmcs_read(vmcs_idt_vectoring_info);
	u32 length = vmcs_read(vmcs_exit_instruction_length);
	bool external = false;

	if (source == TASK_SWITCH_GATE && info & EVENT_WORD_VALID) {
		switch (info & EVENT_WORD_TYPE) {
		case EVENT_WORD_SOFT_INTERRUPT:
		case EVENT_WORD_SOFT_EXCEPTION:
			break;
		case EVENT_WORD_PRIVILEGED_SOFT_EXCEPTION:
			external = true;
			break;
		default:
			/* RIP is where the old task will continue (SDM 3C 28.3.3). */
			external = true;
			length = 0;
		}
	}
	return exit_task_switch(vcpu, qualification, source, external, length);
}

static enum exit_fate vmx_exit_cr_access(struct vcpu *vcpu)
{
	u64 qualification = vmcs_read(vmcs_exit_qualification);
	u8 cr = qualification & CR_NUMBER;
	u8 reg = qualification >> CR_REGISTER_SHIFT & 0xf;

	switch (qualification >> CR_ACCESS_SHIFT & 3) {
	case CR_ACCESS_MOV_TO:
		return exit_mov_cr(vcpu, cr, reg, true);
	case CR_ACCESS_MOV_FROM:
		return exit_mov_cr(vcpu, cr, reg, false);
	case CR_ACCESS_CLTS:
		return exit_clts(vcpu);
	default:
		return exit_lmsw(vcpu, qualification >> CR_LMSW_SHIFT);
	}
}

static enum exit_fate vmx_exit_mov_dr(struct vcpu *vcpu)
{
	u64 qualification = vmcs_read(vmcs_exit_qualification);

	if (guest_debug_owns_db(&vcpu->debug))
		return guest_debug_mov_dr(vcpu, qualification & DR_NUMBER,
					  qualification >> DR_REGISTER_SHIFT & 0xf,
					  !(qualification & DR_MOV_FROM));
	/* Let the guest execute this access and those that follow, until the next exit. */
	vcpu->breakpoints_live = true;
	vmx_control(to_vmx(vcpu), VMX_PRIMARY, PRIMARY_MOV_DR_EXITING, false);
	return EXIT_RESUME;
}

static enum exit_fate vmx_exit_io(struct vcpu *vcpu)
{
	u64 qualification = vmcs_read(vmcs_exit_qualification);

	if (qualification & IO_STRING)
		return exit_pio_string(vcpu);
	vcpu_need(vcpu, STATE_RIP);
	return exit_pio(vcpu, qualification >> IO_PORT_SHIFT, (qualification & IO_SIZE) + 1,
			qualification & IO_IN,
			vcpu->state.rip + vmcs_read(vmcs_exit_instruction_length));
}

/* Call exit_fail_entry() first: its report reads the event that is cleared here. */
static enum exit_fate fail_entry(struct vcpu *vcpu, u32 reason)
{
	enum exit_fate fate = exit_fail_entry(vcpu, reason);

	/* The CPU clears the event's valid bit only on VM exits (SDM 3C 28.2). */
	vmcs_write(vmcs_entry_interruption_info, 0);
	return fate;
}

static enum exit_fate vmx_exit_entry_failure(struct vcpu *vcpu)
{
	return fail_entry(vcpu, to_vmx(vcpu)->exit_reason);
}

static enum exit_fate vmx_exit_ept_violation(struct vcpu *vcpu)
{
	u64 qualification = vmcs_read(vmcs_exit_qualification);
	u32 access = qualification & EPT_VIOLATION_FETCH ? MMU_ACCESS_EXEC :
		     qualification & EPT_VIOLATION_WRITE ? MMU_ACCESS_WRITE :
							   MMU_ACCESS_READ;
	bool translated;
	u64 linear;

	undo_nmi_unblocking(vcpu, qualification & EPT_VIOLATION_NMI_UNBLOCKING);
	linear = vmcs_read(vmcs_guest_linear_address);
	translated = (qualification & EPT_VIOLATION_LINEAR) == EPT_VIOLATION_LINEAR;
	return exit_sl_fault(vcpu, vmcs_read(vmcs_guest_physical_address), access,
			     translated ? HINT_LINEAR : HINT_NONE, linear);
}

static enum exit_fate vmx_exit_preemption_timer(struct vcpu *vcpu)
{
	lapic_deadline_due(vcpu->lapic);
	vcpu_make_request(vcpu, REQ_EVENT);
	return EXIT_RESUME;
}

/* A row has no handler if no control that Oriel sets lets this exit happen. */
static const struct exit_row exits[] = {
	[EXIT_REASON_EXCEPTION_NMI] = { "exception or NMI", vmx_exit_exception_or_nmi },
	[EXIT_REASON_EXTERNAL_INTERRUPT] = { "external interrupt", exit_host_irq },
	[EXIT_REASON_TRIPLE_FAULT] = { "triple fault", exit_triple_fault },
	[EXIT_REASON_INIT_SIGNAL] = { "INIT signal", exit_handled },
	[EXIT_REASON_SIPI_SIGNAL] = { "start-up IPI" },
	[EXIT_REASON_IO_SMI] = { "I/O SMI" },
	[EXIT_REASON_OTHER_SMI] = { "other SMI" },
	[EXIT_REASON_INTERRUPT_WINDOW] = { "interrupt window", exit_window },
	[EXIT_REASON_NMI_WINDOW] = { "NMI window", exit_window },
	[EXIT_REASON_TASK_SWITCH] = { "task switch", vmx_exit_task_switch },
	[EXIT_REASON_CPUID] = { "CPUID", exit_cpuid },
	[EXIT_REASON_GETSEC] = { "GETSEC", exit_absent },
	[EXIT_REASON_HLT] = { "HLT", exit_hlt },
	[EXIT_REASON_INVD] = { "INVD", vcpu_skip },
	[EXIT_REASON_INVLPG] = { "INVLPG" },
	[EXIT_REASON_RDPMC] = { "RDPMC", exit_rdpmc },
	[EXIT_REASON_RDTSC] = { "RDTSC" },
	[EXIT_REASON_RSM] = { "RSM" },
	[EXIT_REASON_VMCALL] = { "VMCALL", exit_hypercall },
	[EXIT_REASON_VMCLEAR] = { "VMCLEAR", exit_absent },
	[EXIT_REASON_VMLAUNCH] = { "VMLAUNCH", exit_absent },
	[EXIT_REASON_VMPTRLD] = { "VMPTRLD", exit_absent },
	[EXIT_REASON_VMPTRST] = { "VMPTRST", exit_absent },
	[EXIT_REASON_VMREAD] = { "VMREAD", exit_absent },
	[EXIT_REASON_VMRESUME] = { "VMRESUME", exit_absent },
	[EXIT_REASON_VMWRITE] = { "VMWRITE", exit_absent },
	[EXIT_REASON_VMOFF] = { "VMXOFF", exit_absent },
	[EXIT_REASON_VMON] = { "VMXON", exit_absent },
	[EXIT_REASON_CR_ACCESS] = { "control-register access", vmx_exit_cr_access },
	[EXIT_REASON_DR_ACCESS] = { "MOV DR", vmx_exit_mov_dr },
	[EXIT_REASON_IO_INSTRUCTION] = { "I/O instruction", vmx_exit_io },
	[EXIT_REASON_MSR_READ] = { "RDMSR", exit_rdmsr },
	[EXIT_REASON_MSR_WRITE] = { "WRMSR", exit_wrmsr },
	[EXIT_REASON_INVALID_STATE] = { "VM-entry failure due to invalid guest state",
					vmx_exit_entry_failure },
	[EXIT_REASON_MSR_LOAD_FAIL] = { "VM-entry failure due to MSR loading",
					vmx_exit_entry_failure },
	[EXIT_REASON_MWAIT_INSTRUCTION] = { "MWAIT", exit_monitor },
	[EXIT_REASON_MONITOR_TRAP_FLAG] = { "monitor trap flag" },
	[EXIT_REASON_MONITOR_INSTRUCTION] = { "MONITOR", exit_monitor },
	[EXIT_REASON_PAUSE_INSTRUCTION] = { "PAUSE", vmx_exit_pause },
	[EXIT_REASON_MCE_DURING_VMENTRY] = { "VM-entry failure due to machine-check event",
					     exit_handled },
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = { "TPR below threshold", vmx_exit_tpr_below_threshold },
	[EXIT_REASON_APIC_ACCESS] = { "APIC access" },
	[EXIT_REASON_EOI_INDUCED] = { "virtualized EOI" },
	[EXIT_REASON_GDTR_IDTR] = { "access to GDTR or IDTR" },
	[EXIT_REASON_LDTR_TR] = { "access to LDTR or TR" },
	[EXIT_REASON_EPT_VIOLATION] = { "EPT violation", vmx_exit_ept_violation },
	[EXIT_REASON_EPT_MISCONFIG] = { "EPT misconfiguration" },
	[EXIT_REASON_INVEPT] = { "INVEPT", exit_absent },
	[EXIT_REASON_RDTSCP] = { "RDTSCP" },
	[EXIT_REASON_PREEMPTION_TIMER] = { "VMX-preemption timer expired",
					   vmx_exit_preemption_timer },
	[EXIT_REASON_INVVPID] = { "INVVPID", exit_absent },
	[EXIT_REASON_WBINVD] = { "WBINVD or WBNOINVD", exit_wbinvd },
	[EXIT_REASON_XSETBV] = { "XSETBV", exit_xsetbv },
	[EXIT_REASON_APIC_WRITE] = { "APIC write" },
	[EXIT_REASON_RDRAND] = { "RDRAND" },
	[EXIT_REASON_INVPCID] = { "INVPCID" },
	[EXIT_REASON_VMFUNC] = { "VMFUNC", exit_absent },
	[EXIT_REASON_ENCLS] = { "ENCLS", exit_absent },
	[EXIT_REASON_RDSEED] = { "RDSEED" },
	[EXIT_REASON_PML_FULL] = { "page-modification log full" },
	[EXIT_REASON_XSAVES] = { "XSAVES" },
	[EXIT_REASON_XRSTORS] = { "XRSTORS" },
	[EXIT_REASON_PCONFIG] = { "PCONFIG", exit_absent },
	[EXIT_REASON_SPP] = { "SPP-related event" },
	[EXIT_REASON_UMWAIT] = { "UMWAIT" },
	[EXIT_REASON_TPAUSE] = { "TPAUSE" },
	[EXIT_REASON_LOADIWKEY] = { "LOADIWKEY", exit_absent },
	[EXIT_REASON_ENCLV] = { "ENCLV", exit_absent },
	[EXIT_REASON_ENQCMD_PASID] = { "ENQCMD PASID translation failure" },
	[EXIT_REASON_ENQCMDS_PASID] = { "ENQCMDS PASID translation failure" },
	[EXIT_REASON_BUS_LOCK] = { "bus lock" },
	[EXIT_REASON_NOTIFY] = { "instruction timeout" },
	[EXIT_REASON_SEAMCALL] = { "SEAMCALL", exit_absent },
	[EXIT_REASON_TDCALL] = { "TDCALL", exit_absent },
	[EXIT_REASON_MSRLIST_READ] = { "RDMSRLIST", exit_absent },
	[EXIT_REASON_MSRLIST_WRITE] = { "WRMSRLIST", exit_absent },
};

enum exit_fate vmx_handle_exit(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (unlikely(vmx->failed))
		return fail_entry(vcpu, vmcs_read(vmcs_vm_instruction_error));
	return exit_dispatch(vcpu, exits, ARRAY_SIZE(exits), vmx->exit_reason & EXIT_REASON_BASIC,
			     vmx->exit_reason);
}
