// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM exits of AMD-V: a table with a row for each exit code that Oriel handles (APM 2 appendix C).
 * The handlers in this file only translate fields of the VMCB; run/exit_*.c has the meaning of
 * an exit, for both vendors.
 */
#include <uapi/asm/svm.h>

#include "guest/debug.h"
#include "guest/raise.h"
#include "guest/reset.h"
#include "memory/memory.h"
#include "run/exits.h"
#include "run/exit_debug.h"
#include "run/insn.h"
#include "svm/svm.h"

static enum exit_fate svm_exit_dr_access(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	if (guest_debug_owns_db(&vcpu->debug))
		return guest_debug_decode_mov_dr(vcpu);
	/* Let the guest execute this access and those that follow, until the next exit. */
	vcpu->breakpoints_live = true;
	svm->vmcb->control.intercept_dr = 0;
	svm_dirty(svm, VMCB_CLEAN_I);
	return EXIT_RESUME;
}

static enum exit_fate svm_exit_exception_db(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	bool was_iret = svm_step_done(svm);

	/* An event that waited for the IRET can be injected now. */
	if (was_iret)
		vcpu_make_request(vcpu, REQ_EVENT);
	if (guest_debug_owns_db(&vcpu->debug) && (!was_iret || vcpu->debug.stepping))
		return guest_debug_exit(vcpu, EXC_DB, svm->vmcb->save.dr6);
	if (was_iret)
		return EXIT_RESUME;
	/* The CPU has written DR6 to the VMCB: only the delivery is left to do. */
	vcpu_raise(vcpu, &(struct cpu_exception){ .vector = EXC_DB, .settled = true });
	return EXIT_RESUME;
}

static enum exit_fate svm_exit_exception_ud(struct vcpu *vcpu)
{
	return exit_undefined(vcpu, OPCODE_VMMCALL);
}

/* Without exits, a guest whose #AC handler raises #AC again would keep the CPU for ever. */
static enum exit_fate svm_exit_exception_ac(struct vcpu *vcpu)
{
	return exit_exception(vcpu, EXC_AC, true, to_svm(vcpu)->vmcb->control.exitinfo1);
}

/* Handle an exception that is intercepted only while the vCPU steps over an IRET. */
static enum exit_fate svm_exit_exception_of_iret(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_svm(vcpu)->vmcb->control;
	const struct cpu_exception exception = {
		.vector = control->exitcode - SVM_EXIT_EXCP_BASE,
		.has_error_code = true,
		.error_code = control->exitinfo1,
		.address = control->exitinfo2,
	};

	svm_iret_faulted(to_svm(vcpu));
	vcpu_raise(vcpu, &exception);
	return EXIT_RESUME;
}

static enum exit_fate svm_exit_vintr(struct vcpu *vcpu)
{
	svm_window_opened(to_svm(vcpu));
	return exit_window(vcpu);
}

static enum exit_fate svm_exit_iret(struct vcpu *vcpu)
{
	svm_iret_intercepted(to_svm(vcpu));
	vcpu_make_request(vcpu, REQ_EVENT);
	return EXIT_RESUME;
}

static enum exit_fate svm_exit_ioio(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_svm(vcpu)->vmcb->control;
	u64 info = control->exitinfo1;

	if (info & IOIO_STRING)
		return exit_pio_string(vcpu);
	/* exitinfo2 is the RIP of the next instruction, with or without NRIPS (APM 2 15.10.2). */
	return exit_pio(vcpu, info >> IOIO_PORT_SHIFT, info >> IOIO_SIZE_SHIFT & IOIO_SIZE_MASK,
			info & IOIO_IN, control->exitinfo2);
}

static enum exit_fate svm_exit_msr(struct vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb->control.exitinfo1 ? exit_wrmsr(vcpu) : exit_rdmsr(vcpu);
}

static enum exit_fate svm_exit_shutdown(struct vcpu *vcpu)
{
	/* A shutdown leaves the save area undefined (APM 2 15.14.3): reset it as INIT would. */
	vendor_call(vcpu_reset)(vcpu, false);
	vcpu->cached = 0;
	vcpu_reset(vcpu, true);
	return exit_triple_fault(vcpu);
}

static enum exit_fate svm_exit_npf(struct vcpu *vcpu)
{
	const struct vmcb_control *control = &to_svm(vcpu)->vmcb->control;
	/* exitinfo1 has the bits of a page-fault error code (APM 2 15.25.6). */
	u64 pfec = control->exitinfo1;
	u32 access = pfec & PFEC_FETCH ? MMU_ACCESS_EXEC :
		     pfec & PFEC_WRITE ? MMU_ACCESS_WRITE :
					 MMU_ACCESS_READ;

	return exit_sl_fault(vcpu, control->exitinfo2, access,
			     pfec & NPF_FINAL ? HINT_GPA : HINT_NONE, 0);
}

static const struct exit_row exits[] = {
	[SVM_EXIT_READ_CR0] = { "VMEXIT_CR0_READ", exit_cr },
	[SVM_EXIT_READ_CR4] = { "VMEXIT_CR4_READ", exit_cr },
	[SVM_EXIT_WRITE_CR0] = { "VMEXIT_CR0_WRITE", exit_cr },
	[SVM_EXIT_WRITE_CR4] = { "VMEXIT_CR4_WRITE", exit_cr },
	[SVM_EXIT_WRITE_CR8] = { "VMEXIT_CR8_WRITE", exit_cr },
	[SVM_EXIT_READ_DR0... SVM_EXIT_READ_DR7] = { "VMEXIT_DRn_READ", svm_exit_dr_access },
	[SVM_EXIT_WRITE_DR0... SVM_EXIT_WRITE_DR7] = { "VMEXIT_DRn_WRITE", svm_exit_dr_access },
	[SVM_EXIT_EXCP_BASE + EXC_DB] = { "VMEXIT_EXCP_DB", svm_exit_exception_db },
	[SVM_EXIT_EXCP_BASE + EXC_BP] = { "VMEXIT_EXCP_BP", exit_breakpoint },
	[SVM_EXIT_EXCP_BASE + EXC_UD] = { "VMEXIT_EXCP_UD", svm_exit_exception_ud },
	[SVM_EXIT_EXCP_BASE + EXC_TS] = { "VMEXIT_EXCP_TS", svm_exit_exception_of_iret },
	[SVM_EXIT_EXCP_BASE + EXC_NP] = { "VMEXIT_EXCP_NP", svm_exit_exception_of_iret },
	[SVM_EXIT_EXCP_BASE + EXC_SS] = { "VMEXIT_EXCP_SS", svm_exit_exception_of_iret },
	[SVM_EXIT_EXCP_BASE + EXC_GP] = { "VMEXIT_EXCP_GP", svm_exit_exception_of_iret },
	[SVM_EXIT_EXCP_BASE + EXC_PF] = { "VMEXIT_EXCP_PF", svm_exit_exception_of_iret },
	[SVM_EXIT_EXCP_BASE + EXC_AC] = { "VMEXIT_EXCP_AC", svm_exit_exception_ac },
	[SVM_EXIT_EXCP_BASE + EXC_MC] = { "VMEXIT_EXCP_MC", exit_handled },
	[SVM_EXIT_INTR] = { "VMEXIT_INTR", exit_host_irq },
	[SVM_EXIT_NMI] = { "VMEXIT_NMI", exit_handled },
	[SVM_EXIT_SMI] = { "VMEXIT_SMI", exit_handled },
	[SVM_EXIT_INIT] = { "VMEXIT_INIT", exit_handled },
	[SVM_EXIT_VINTR] = { "VMEXIT_VINTR", svm_exit_vintr },
	[SVM_EXIT_CR0_SEL_WRITE] = { "VMEXIT_CR0_SEL_WRITE", exit_cr },
	[SVM_EXIT_RDPMC] = { "VMEXIT_RDPMC", exit_rdpmc },
	[SVM_EXIT_CPUID] = { "VMEXIT_CPUID", exit_cpuid },
	[SVM_EXIT_IRET] = { "VMEXIT_IRET", svm_exit_iret },
	[SVM_EXIT_INVD] = { "VMEXIT_INVD", vcpu_skip },
	[SVM_EXIT_PAUSE] = { "VMEXIT_PAUSE", exit_pause },
	[SVM_EXIT_HLT] = { "VMEXIT_HLT", exit_hlt },
	[SVM_EXIT_INVLPGA] = { "VMEXIT_INVLPGA", exit_absent },
	[SVM_EXIT_IOIO] = { "VMEXIT_IOIO", svm_exit_ioio },
	[SVM_EXIT_MSR] = { "VMEXIT_MSR", svm_exit_msr },
	[SVM_EXIT_SHUTDOWN] = { "VMEXIT_SHUTDOWN", svm_exit_shutdown },
	[SVM_EXIT_VMRUN] = { "VMEXIT_VMRUN", exit_absent },
	[SVM_EXIT_VMMCALL] = { "VMEXIT_VMMCALL", exit_hypercall },
	[SVM_EXIT_VMLOAD] = { "VMEXIT_VMLOAD", exit_absent },
	[SVM_EXIT_VMSAVE] = { "VMEXIT_VMSAVE", exit_absent },
	[SVM_EXIT_STGI] = { "VMEXIT_STGI", exit_absent },
	[SVM_EXIT_CLGI] = { "VMEXIT_CLGI", exit_absent },
	[SVM_EXIT_SKINIT] = { "VMEXIT_SKINIT", exit_absent },
	[SVM_EXIT_WBINVD] = { "VMEXIT_WBINVD", exit_wbinvd },
	[SVM_EXIT_MONITOR] = { "VMEXIT_MONITOR", exit_monitor },
	[SVM_EXIT_MWAIT] = { "VMEXIT_MWAIT", exit_monitor },
	[SVM_EXIT_XSETBV] = { "VMEXIT_XSETBV", exit_xsetbv },
	[SVM_EXIT_RDPRU] = { "VMEXIT_RDPRU", exit_absent },
};

enum exit_fate svm_handle_exit(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	u64 exitcode = svm->vmcb->control.exitcode;

	/* VMEXIT_NPF, 400h, is far from the other codes: the table would be long. */
	if (exitcode == SVM_EXIT_NPF)
		return svm_exit_npf(vcpu);
	if (svm_entry_refused(svm))
		return exit_fail_entry(vcpu, exitcode);
	return exit_dispatch(vcpu, exits, ARRAY_SIZE(exits), exitcode, exitcode);
}
