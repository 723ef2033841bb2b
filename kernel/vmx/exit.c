// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM exits of VT-x: a table over all basic exit reasons (SDM 3D appendix C).
 * Handlers here only translate the VMCS's words to the neutral ones.
 */
#include <linux/nospec.h>
#include <asm/cpu.h>
#include <asm/cpufeature.h>
#include <asm/processor-flags.h>

#include "host/compat.h"
#include "x86/cr.h"
#include "run/inject.h"
#include "run/exit.h"
#include "irq/lapic.h"
#include "memory/mmu.h"
#include "abi/quirk.h"
#include "vmx/vmx.h"

typedef int (*vmx_handler)(struct vmx_vcpu *vmx);

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
#define EPT_VIOLATION_LINEAR (BIT(7) | BIT(8)) /* its address is valid, and was translated */
#define EPT_VIOLATION_NMI_UNBLOCKING BIT(12)

#define TASK_SWITCH_SOURCE_SHIFT 30

#define DEBUG_CONDITIONS (GENMASK(3, 0) | DR6_BD | DR6_BS)

/*
 * An IRET unblocked NMIs and then faulted, so it has yet to do so (SDM 3C
 * 28.2.3); but not if the exit cut a delivery short or is a double fault.
 */
static void undo_nmi_unblocking(struct vmx_vcpu *vmx, bool unblocked)
{
	if (unlikely(unblocked) && !(vmcs_read(vmcs_idt_vectoring_info) & INTERRUPTION_VALID))
		vmx_set_nmi_blocked(&vmx->vcpu, true);
}

static int exit_debug(struct vmx_vcpu *vmx, u32 info)
{
	u64 conditions = vmcs_read(vmcs_exit_qualification) & DEBUG_CONDITIONS;

	if (guest_debug_owns_db(&vmx->vcpu.debug))
		return guest_debug_exit(&vmx->vcpu, EXC_DB, DR6_RESET | conditions);
	/* INT1 is a trap, and says nothing in DR6. */
	if ((info & INTERRUPTION_TYPE) == INTERRUPTION_PRIVILEGED_SOFT_EXCEPTION) {
		int fate = vcpu_skip(&vmx->vcpu);

		if (fate == EXIT_RESUME)
			vcpu_raise_db(&vmx->vcpu, 0);
		return fate;
	}
	/* The exit came before DR6 was written. */
	vcpu_raise_db(&vmx->vcpu, conditions);
	vmx_settle_step(&vmx->vcpu);
	return EXIT_RESUME;
}

/* Whether the guest asked for alignment checks, of which #AC is one (SDM 3A 6.15). */
static bool checks_alignment(struct vcpu *vcpu)
{
	const struct cpu_state *state = &vcpu->state;

	vcpu_need(vcpu, STATE_RIP | STATE_CR | STATE_CODE);
	return cpu_cpl(state) == 3 && state->cr0 & X86_CR0_AM && state->rflags & X86_EFLAGS_AC;
}

/*
 * Intercepted because a guest whose #AC handler raises #AC again would never let go of
 * the CPU; with an exit in each round it does. And because the host may have its CPUs
 * raise #AC for split locks, of which no guest knows: there it is the host's to handle,
 * which lets the thread do it once more or sends it SIGBUS.
 */
static int exit_alignment_check(struct vmx_vcpu *vmx)
{
	struct vcpu *vcpu = &vmx->vcpu;

	if (!boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) || checks_alignment(vcpu))
		return vcpu_exit_exception(vcpu, EXC_AC, true,
					   vmcs_read(vmcs_exit_interruption_error_code));
	handle_guest_split_lock(vcpu->state.rip);
	return EXIT_RESUME;
}

static int exit_exception_or_nmi(struct vmx_vcpu *vmx)
{
	u32 info = vmcs_read(vmcs_exit_interruption_info);

	/* The host's NMIs and machine checks are handled already, see vmx_enter(). */
	if ((info & INTERRUPTION_TYPE) == INTERRUPTION_NMI)
		return EXIT_RESUME;
	undo_nmi_unblocking(vmx, info & INTERRUPTION_NMI_UNBLOCKING);
	switch (info & INTERRUPTION_VECTOR) {
	case EXC_DB:
		return exit_debug(vmx, info);
	case EXC_BP:
		return guest_debug_exit(&vmx->vcpu, EXC_BP, 0);
	case EXC_UD:
		return vcpu_exit_undefined(&vmx->vcpu, OPCODE_VMCALL);
	case EXC_AC:
		return exit_alignment_check(vmx);
	case EXC_MC:
		return EXIT_RESUME;
	default:
		return vcpu_exit_unknown(&vmx->vcpu, vmx->exit_reason, "exception");
	}
}

static int exit_host_irq(struct vmx_vcpu *vmx)
{
	return vcpu_exit_host_irq(&vmx->vcpu);
}

static int exit_host_event(struct vmx_vcpu *vmx)
{
	/* The host took it as soon as interrupts were on. */
	return EXIT_RESUME;
}

static int exit_triple_fault(struct vmx_vcpu *vmx)
{
	return vcpu_exit_triple_fault(&vmx->vcpu);
}

static int exit_window(struct vmx_vcpu *vmx)
{
	return vcpu_exit_window(&vmx->vcpu);
}

static int exit_tpr_below_threshold(struct vmx_vcpu *vmx)
{
	vcpu_make_request(&vmx->vcpu, REQ_EVENT);
	return EXIT_RESUME;
}

/* Sources have the numbers of enum task_switch_source (SDM 3C table 28-3). */
static int exit_task_switch(struct vmx_vcpu *vmx)
{
	u64 qualification = vmcs_read(vmcs_exit_qualification);
	enum task_switch_source source = qualification >> TASK_SWITCH_SOURCE_SHIFT & 3;
	u32 info = vmcs_read(vmcs_idt_vectoring_info);
	u32 length = vmcs_read(vmcs_exit_instruction_length);
	bool external = false;

	if (source == TASK_SWITCH_GATE && info & INTERRUPTION_VALID) {
		switch (info & INTERRUPTION_TYPE) {
		case INTERRUPTION_SOFT_INTERRUPT:
		case INTERRUPTION_SOFT_EXCEPTION:
			break;
		case INTERRUPTION_PRIVILEGED_SOFT_EXCEPTION:
			external = true;
			break;
		default:
			/* RIP is where the old task will go on (SDM 3C 28.3.3). */
			external = true;
			length = 0;
		}
	}
	return vcpu_exit_task_switch(&vmx->vcpu, qualification, source, external, length);
}

static int exit_cpuid(struct vmx_vcpu *vmx)
{
	return vcpu_exit_cpuid(&vmx->vcpu);
}

static int exit_hlt(struct vmx_vcpu *vmx)
{
	return vcpu_exit_hlt(&vmx->vcpu);
}

static int exit_rdpmc(struct vmx_vcpu *vmx)
{
	/* No counter is virtualized: every index is out of range (SDM 2B RDPMC). */
	return vcpu_exit_exception(&vmx->vcpu, EXC_GP, true, 0);
}

static int exit_vmcall(struct vmx_vcpu *vmx)
{
	return vcpu_exit_hypercall(&vmx->vcpu);
}

static int exit_undefined(struct vmx_vcpu *vmx)
{
	/* VMX, SMX and other extensions that the guest's CPUID does not have. */
	return vcpu_exit_exception(&vmx->vcpu, EXC_UD, false, 0);
}

static int exit_cr_access(struct vmx_vcpu *vmx)
{
	u64 qualification = vmcs_read(vmcs_exit_qualification);
	u8 cr = qualification & CR_NUMBER;
	u8 reg = qualification >> CR_REGISTER_SHIFT & 0xf;

	switch (qualification >> CR_ACCESS_SHIFT & 3) {
	case CR_ACCESS_MOV_TO:
		return vcpu_exit_mov_cr(&vmx->vcpu, cr, reg, true);
	case CR_ACCESS_MOV_FROM:
		return vcpu_exit_mov_cr(&vmx->vcpu, cr, reg, false);
	case CR_ACCESS_CLTS:
		return vcpu_exit_clts(&vmx->vcpu);
	default:
		return vcpu_exit_lmsw(&vmx->vcpu, qualification >> CR_LMSW_SHIFT);
	}
}

static int exit_mov_dr(struct vmx_vcpu *vmx)
{
	u64 qualification = vmcs_read(vmcs_exit_qualification);

	if (guest_debug_owns_db(&vmx->vcpu.debug))
		return guest_debug_mov_dr(&vmx->vcpu, qualification & DR_NUMBER,
					  qualification >> DR_REGISTER_SHIFT & 0xf,
					  !(qualification & DR_MOV_FROM));
	/* Let the guest do it itself, and what it does next with them. */
	vmx->vcpu.breakpoints_live = true;
	vmx_control(vmx, VMX_PRIMARY, PRIMARY_MOV_DR_EXITING, false);
	return EXIT_RESUME;
}

static int exit_io(struct vmx_vcpu *vmx)
{
	struct vcpu *vcpu = &vmx->vcpu;
	u64 qualification = vmcs_read(vmcs_exit_qualification);

	if (qualification & IO_STRING)
		return vcpu_exit_pio_string(vcpu);
	vcpu_need(vcpu, STATE_RIP);
	return vcpu_exit_pio(vcpu, qualification >> IO_PORT_SHIFT, (qualification & IO_SIZE) + 1,
			     qualification & IO_IN,
			     vcpu->state.rip + vmcs_read(vmcs_exit_instruction_length));
}

static int exit_rdmsr(struct vmx_vcpu *vmx)
{
	return vcpu_exit_rdmsr(&vmx->vcpu);
}

static int exit_wrmsr(struct vmx_vcpu *vmx)
{
	return vcpu_exit_wrmsr(&vmx->vcpu);
}

/* What was to be injected is a part of what is explained. */
static int fail_entry(struct vmx_vcpu *vmx, u32 reason)
{
	int fate = vcpu_exit_fail_entry(&vmx->vcpu, reason);

	/* Only an exit clears the event by itself (SDM 3C 28.2). */
	vmcs_write(vmcs_entry_interruption_info, 0);
	return fate;
}

static int exit_entry_failure(struct vmx_vcpu *vmx)
{
	return fail_entry(vmx, vmx->exit_reason);
}

static int exit_nop(struct vmx_vcpu *vmx)
{
	/* INVD: the host's caches stay as they are. */
	return vcpu_skip(&vmx->vcpu);
}

static int exit_wbinvd(struct vmx_vcpu *vmx)
{
	return vcpu_exit_wbinvd(&vmx->vcpu);
}

static int exit_monitor(struct vmx_vcpu *vmx)
{
	return vcpu_exit_monitor(&vmx->vcpu);
}

static int exit_pause(struct vmx_vcpu *vmx)
{
	return vcpu_exit_pause(&vmx->vcpu);
}

static int exit_ept_violation(struct vmx_vcpu *vmx)
{
	u64 qualification = vmcs_read(vmcs_exit_qualification);
	u32 access = qualification & EPT_VIOLATION_FETCH ? MMU_ACCESS_EXEC :
		     qualification & EPT_VIOLATION_WRITE ? MMU_ACCESS_WRITE :
							   MMU_ACCESS_READ;
	bool translated;
	u64 linear;

	undo_nmi_unblocking(vmx, qualification & EPT_VIOLATION_NMI_UNBLOCKING);
	linear = vmcs_read(vmcs_guest_linear_address);
	translated = (qualification & EPT_VIOLATION_LINEAR) == EPT_VIOLATION_LINEAR;
	return vcpu_exit_sl_fault(&vmx->vcpu, vmcs_read(vmcs_guest_physical_address), access,
				  translated ? HINT_LINEAR : HINT_NONE, linear);
}

static int exit_preemption_timer(struct vmx_vcpu *vmx)
{
	lapic_deadline_due(vmx->vcpu.lapic);
	vcpu_make_request(&vmx->vcpu, REQ_EVENT);
	return EXIT_RESUME;
}

static int exit_xsetbv(struct vmx_vcpu *vmx)
{
	return vcpu_exit_xsetbv(&vmx->vcpu);
}

/**
 * struct exit - what is done about a basic exit reason
 * @name: the manual's
 * @handle: NULL for one that no control of Oriel's lets happen
 */
struct exit {
	const char *name;
	vmx_handler handle;
};

static const struct exit exits[] = {
	[0] = { "exception or NMI", exit_exception_or_nmi },
	[1] = { "external interrupt", exit_host_irq },
	[2] = { "triple fault", exit_triple_fault },
	[3] = { "INIT signal", exit_host_event },
	[4] = { "start-up IPI" },
	[5] = { "I/O SMI" },
	[6] = { "other SMI" },
	[7] = { "interrupt window", exit_window },
	[8] = { "NMI window", exit_window },
	[9] = { "task switch", exit_task_switch },
	[10] = { "CPUID", exit_cpuid },
	[11] = { "GETSEC", exit_undefined },
	[12] = { "HLT", exit_hlt },
	[13] = { "INVD", exit_nop },
	[14] = { "INVLPG" },
	[15] = { "RDPMC", exit_rdpmc },
	[16] = { "RDTSC" },
	[17] = { "RSM" },
	[18] = { "VMCALL", exit_vmcall },
	[19] = { "VMCLEAR", exit_undefined },
	[20] = { "VMLAUNCH", exit_undefined },
	[21] = { "VMPTRLD", exit_undefined },
	[22] = { "VMPTRST", exit_undefined },
	[23] = { "VMREAD", exit_undefined },
	[24] = { "VMRESUME", exit_undefined },
	[25] = { "VMWRITE", exit_undefined },
	[26] = { "VMXOFF", exit_undefined },
	[27] = { "VMXON", exit_undefined },
	[28] = { "control-register access", exit_cr_access },
	[29] = { "MOV DR", exit_mov_dr },
	[30] = { "I/O instruction", exit_io },
	[31] = { "RDMSR", exit_rdmsr },
	[32] = { "WRMSR", exit_wrmsr },
	[33] = { "VM-entry failure due to invalid guest state", exit_entry_failure },
	[34] = { "VM-entry failure due to MSR loading", exit_entry_failure },
	[36] = { "MWAIT", exit_monitor },
	[37] = { "monitor trap flag" },
	[39] = { "MONITOR", exit_monitor },
	[40] = { "PAUSE", exit_pause },
	[41] = { "VM-entry failure due to machine-check event", exit_entry_failure },
	[43] = { "TPR below threshold", exit_tpr_below_threshold },
	[44] = { "APIC access" },
	[45] = { "virtualized EOI" },
	[46] = { "access to GDTR or IDTR" },
	[47] = { "access to LDTR or TR" },
	[48] = { "EPT violation", exit_ept_violation },
	[49] = { "EPT misconfiguration" },
	[50] = { "INVEPT", exit_undefined },
	[51] = { "RDTSCP" },
	[52] = { "VMX-preemption timer expired", exit_preemption_timer },
	[53] = { "INVVPID", exit_undefined },
	[54] = { "WBINVD or WBNOINVD", exit_wbinvd },
	[55] = { "XSETBV", exit_xsetbv },
	[56] = { "APIC write" },
	[57] = { "RDRAND" },
	[58] = { "INVPCID" },
	[59] = { "VMFUNC", exit_undefined },
	[60] = { "ENCLS", exit_undefined },
	[61] = { "RDSEED" },
	[62] = { "page-modification log full" },
	[63] = { "XSAVES" },
	[64] = { "XRSTORS" },
	[65] = { "PCONFIG", exit_undefined },
	[66] = { "SPP-related event" },
	[67] = { "UMWAIT" },
	[68] = { "TPAUSE" },
	[69] = { "LOADIWKEY", exit_undefined },
	[70] = { "ENCLV", exit_undefined },
	[72] = { "ENQCMD PASID translation failure" },
	[73] = { "ENQCMDS PASID translation failure" },
	[74] = { "bus lock" },
	[75] = { "instruction timeout" },
	[76] = { "SEAMCALL", exit_undefined },
	[77] = { "TDCALL", exit_undefined },
	[78] = { "RDMSRLIST", exit_undefined },
	[79] = { "WRMSRLIST", exit_undefined },
};

int vmx_handle_exit(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 basic = vmx->exit_reason & EXIT_REASON_BASIC;
	const struct exit *exit;

	if (unlikely(vmx->failed))
		return fail_entry(vmx, vmcs_read(vmcs_vm_instruction_error));
	if (basic >= ARRAY_SIZE(exits))
		return vcpu_exit_unknown(vcpu, vmx->exit_reason, NULL);
	exit = &exits[array_index_nospec(basic, ARRAY_SIZE(exits))];
	if (!exit->handle)
		return vcpu_exit_unknown(vcpu, vmx->exit_reason, exit->name);
	return exit->handle(vmx);
}
