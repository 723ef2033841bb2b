// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM exits of AMD-V: a table from exit code to what handles it. Handlers here
 * only translate the VMCB's words to the neutral ones.
 */
#include <linux/nospec.h>
#include <uapi/asm/svm.h>

#include "host/compat.h"
#include "run/inject.h"
#include "run/exit.h"
#include "memory/mmu.h"
#include "abi/quirk.h"
#include "svm/svm.h"

typedef int (*svm_handler)(struct svm_vcpu *svm);

static int exit_cr_access(struct svm_vcpu *svm)
{
	return vcpu_exit_cr(&svm->vcpu);
}

static int exit_dr_access(struct svm_vcpu *svm)
{
	if (guest_debug_owns_db(&svm->vcpu.debug))
		return guest_debug_decode_mov_dr(&svm->vcpu);
	/* Let the guest do it itself, and what it does next with them. */
	svm->vcpu.breakpoints_live = true;
	svm->vmcb->control.intercept_dr = 0;
	svm_dirty(svm, VMCB_CLEAN_I);
	return EXIT_RESUME;
}

static int exit_exception_db(struct svm_vcpu *svm)
{
	struct vcpu *vcpu = &svm->vcpu;
	bool was_iret = svm_step_done(svm);

	/* What waited for the IRET can go in now. */
	if (was_iret)
		vcpu_make_request(vcpu, REQ_EVENT);
	if (guest_debug_owns_db(&vcpu->debug) && (!was_iret || vcpu->debug.stepping))
		return guest_debug_exit(vcpu, EXC_DB, svm->vmcb->save.dr6);
	if (was_iret)
		return EXIT_RESUME;
	/* DR6 is in the VMCB already: only the delivery is left to do. */
	vcpu_raise(vcpu, &(struct cpu_exception){ .vector = EXC_DB, .settled = true });
	return EXIT_RESUME;
}

static int exit_exception_bp(struct svm_vcpu *svm)
{
	return guest_debug_exit(&svm->vcpu, EXC_BP, 0);
}

static int exit_exception_ud(struct svm_vcpu *svm)
{
	return vcpu_exit_undefined(&svm->vcpu, OPCODE_VMMCALL);
}

static int exit_monitor(struct svm_vcpu *svm)
{
	return vcpu_exit_monitor(&svm->vcpu);
}

static int exit_exception_ac(struct svm_vcpu *svm)
{
	/*
	 * Intercepted because a guest whose #AC handler raises #AC again would
	 * never let go of the CPU; with an exit in each round it does.
	 */
	return vcpu_exit_exception(&svm->vcpu, EXC_AC, true, svm->vmcb->control.exitinfo1);
}

/* Intercepted in a step over an IRET alone. */
static int exit_exception_of_iret(struct svm_vcpu *svm)
{
	const struct vmcb_control *control = &svm->vmcb->control;
	const struct cpu_exception exception = {
		.vector = control->exitcode - SVM_EXIT_EXCP_BASE,
		.has_error_code = true,
		.error_code = control->exitinfo1,
		.address = control->exitinfo2,
	};

	svm_iret_faulted(svm);
	vcpu_raise(&svm->vcpu, &exception);
	return EXIT_RESUME;
}

static int exit_exception_mc(struct svm_vcpu *svm)
{
	/* Handled with interrupts still off, see svm_enter(). */
	return EXIT_RESUME;
}

static int exit_host_irq(struct svm_vcpu *svm)
{
	return vcpu_exit_host_irq(&svm->vcpu);
}

static int exit_host_event(struct svm_vcpu *svm)
{
	/* NMI, SMI, INIT: the host took it as soon as GIF and IF were set. */
	return EXIT_RESUME;
}

static int exit_vintr(struct svm_vcpu *svm)
{
	svm_window_opened(svm);
	return vcpu_exit_window(&svm->vcpu);
}

static int exit_iret(struct svm_vcpu *svm)
{
	svm_iret_intercepted(svm);
	vcpu_make_request(&svm->vcpu, REQ_EVENT);
	return EXIT_RESUME;
}

static int exit_cpuid(struct svm_vcpu *svm)
{
	return vcpu_exit_cpuid(&svm->vcpu);
}

static int exit_hlt(struct svm_vcpu *svm)
{
	return vcpu_exit_hlt(&svm->vcpu);
}

static int exit_ioio(struct svm_vcpu *svm)
{
	u64 info = svm->vmcb->control.exitinfo1;

	if (info & IOIO_STRING)
		return vcpu_exit_pio_string(&svm->vcpu);
	/* exitinfo2 is the RIP behind the instruction, NRIPS or not (APM 2 15.10.2). */
	return vcpu_exit_pio(&svm->vcpu, info >> IOIO_PORT_SHIFT,
			     info >> IOIO_SIZE_SHIFT & IOIO_SIZE_MASK, info & IOIO_IN,
			     svm->vmcb->control.exitinfo2);
}

static int exit_msr(struct svm_vcpu *svm)
{
	return svm->vmcb->control.exitinfo1 ? vcpu_exit_wrmsr(&svm->vcpu) :
					      vcpu_exit_rdmsr(&svm->vcpu);
}

static int exit_shutdown(struct svm_vcpu *svm)
{
	struct vcpu *vcpu = &svm->vcpu;

	/* The save area is undefined after a shutdown (APM 2 15.14.3): as if by INIT. */
	vendor_call(vcpu_reset)(vcpu, false);
	vcpu->cached = 0;
	vcpu_reset(vcpu, true);
	return vcpu_exit_triple_fault(vcpu);
}

static int exit_vmmcall(struct svm_vcpu *svm)
{
	return vcpu_exit_hypercall(&svm->vcpu);
}

static int exit_xsetbv(struct svm_vcpu *svm)
{
	return vcpu_exit_xsetbv(&svm->vcpu);
}

static int exit_nop(struct svm_vcpu *svm)
{
	/* INVD, PAUSE: the host's caches and CPU stay as they are. */
	return vcpu_skip(&svm->vcpu);
}

static int exit_wbinvd(struct svm_vcpu *svm)
{
	return vcpu_exit_wbinvd(&svm->vcpu);
}

static int exit_undefined(struct svm_vcpu *svm)
{
	/* SVM and other extensions that the guest's CPUID does not have. */
	return vcpu_exit_exception(&svm->vcpu, EXC_UD, false, 0);
}

static int exit_rdpmc(struct svm_vcpu *svm)
{
	/* No counter is virtualized: every index is out of range (APM 3 RDPMC). */
	return vcpu_exit_exception(&svm->vcpu, EXC_GP, true, 0);
}

static int exit_npf(struct svm_vcpu *svm)
{
	const struct vmcb_control *control = &svm->vmcb->control;
	/* exitinfo1 has the bits of a page-fault error code (APM 2 15.25.6). */
	u64 pfec = control->exitinfo1;
	u32 access = pfec & PFEC_FETCH ? MMU_ACCESS_EXEC :
		     pfec & PFEC_WRITE ? MMU_ACCESS_WRITE :
					 MMU_ACCESS_READ;

	return vcpu_exit_sl_fault(&svm->vcpu, control->exitinfo2, access,
				  pfec & NPF_FINAL ? HINT_GPA : HINT_NONE, 0);
}

static const svm_handler handlers[] = {
	[SVM_EXIT_READ_CR0] = exit_cr_access,
	[SVM_EXIT_READ_CR4] = exit_cr_access,
	[SVM_EXIT_WRITE_CR0] = exit_cr_access,
	[SVM_EXIT_WRITE_CR4] = exit_cr_access,
	[SVM_EXIT_WRITE_CR8] = exit_cr_access,
	[SVM_EXIT_READ_DR0] = exit_dr_access,
	[SVM_EXIT_READ_DR1] = exit_dr_access,
	[SVM_EXIT_READ_DR2] = exit_dr_access,
	[SVM_EXIT_READ_DR3] = exit_dr_access,
	[SVM_EXIT_READ_DR4] = exit_dr_access,
	[SVM_EXIT_READ_DR5] = exit_dr_access,
	[SVM_EXIT_READ_DR6] = exit_dr_access,
	[SVM_EXIT_READ_DR7] = exit_dr_access,
	[SVM_EXIT_WRITE_DR0] = exit_dr_access,
	[SVM_EXIT_WRITE_DR1] = exit_dr_access,
	[SVM_EXIT_WRITE_DR2] = exit_dr_access,
	[SVM_EXIT_WRITE_DR3] = exit_dr_access,
	[SVM_EXIT_WRITE_DR4] = exit_dr_access,
	[SVM_EXIT_WRITE_DR5] = exit_dr_access,
	[SVM_EXIT_WRITE_DR6] = exit_dr_access,
	[SVM_EXIT_WRITE_DR7] = exit_dr_access,
	[SVM_EXIT_EXCP_BASE + EXC_DB] = exit_exception_db,
	[SVM_EXIT_EXCP_BASE + EXC_BP] = exit_exception_bp,
	[SVM_EXIT_EXCP_BASE + EXC_UD] = exit_exception_ud,
	[SVM_EXIT_EXCP_BASE + EXC_TS] = exit_exception_of_iret,
	[SVM_EXIT_EXCP_BASE + EXC_NP] = exit_exception_of_iret,
	[SVM_EXIT_EXCP_BASE + EXC_SS] = exit_exception_of_iret,
	[SVM_EXIT_EXCP_BASE + EXC_GP] = exit_exception_of_iret,
	[SVM_EXIT_EXCP_BASE + EXC_PF] = exit_exception_of_iret,
	[SVM_EXIT_EXCP_BASE + EXC_AC] = exit_exception_ac,
	[SVM_EXIT_EXCP_BASE + EXC_MC] = exit_exception_mc,
	[SVM_EXIT_INTR] = exit_host_irq,
	[SVM_EXIT_NMI] = exit_host_event,
	[SVM_EXIT_SMI] = exit_host_event,
	[SVM_EXIT_INIT] = exit_host_event,
	[SVM_EXIT_VINTR] = exit_vintr,
	[SVM_EXIT_CR0_SEL_WRITE] = exit_cr_access,
	[SVM_EXIT_RDPMC] = exit_rdpmc,
	[SVM_EXIT_CPUID] = exit_cpuid,
	[SVM_EXIT_IRET] = exit_iret,
	[SVM_EXIT_INVD] = exit_nop,
	[SVM_EXIT_PAUSE] = exit_nop,
	[SVM_EXIT_HLT] = exit_hlt,
	[SVM_EXIT_INVLPGA] = exit_undefined,
	[SVM_EXIT_IOIO] = exit_ioio,
	[SVM_EXIT_MSR] = exit_msr,
	[SVM_EXIT_SHUTDOWN] = exit_shutdown,
	[SVM_EXIT_VMRUN] = exit_undefined,
	[SVM_EXIT_VMMCALL] = exit_vmmcall,
	[SVM_EXIT_VMLOAD] = exit_undefined,
	[SVM_EXIT_VMSAVE] = exit_undefined,
	[SVM_EXIT_STGI] = exit_undefined,
	[SVM_EXIT_CLGI] = exit_undefined,
	[SVM_EXIT_SKINIT] = exit_undefined,
	[SVM_EXIT_WBINVD] = exit_wbinvd,
	[SVM_EXIT_MONITOR] = exit_monitor,
	[SVM_EXIT_MWAIT] = exit_monitor,
	[SVM_EXIT_XSETBV] = exit_xsetbv,
	[SVM_EXIT_RDPRU] = exit_undefined,
};

int svm_handle_exit(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	u64 exitcode = svm->vmcb->control.exitcode;
	svm_handler handler = NULL;

	if (exitcode == SVM_EXIT_NPF)
		return exit_npf(svm);
	if (svm_entry_refused(svm))
		return vcpu_exit_fail_entry(vcpu, exitcode);
	if (exitcode < ARRAY_SIZE(handlers))
		handler = handlers[array_index_nospec(exitcode, ARRAY_SIZE(handlers))];
	if (!handler)
		return vcpu_exit_unknown(vcpu, exitcode, NULL);
	return handler(svm);
}
