/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the AMD-V back end: its data, and the functions that its files call in each other.
 * The VMCB is memory: unlike a VMCS, it can be read and written while the vCPU is not loaded.
 */
#ifndef ORIEL_SVM_H
#define ORIEL_SVM_H

#include <linux/linkage.h>
#include <linux/percpu.h>
#include <uapi/asm/svm.h>

#include "core/vcpu.h"
#include "svm/vmcb.h"

/* intercept_dr: reads and writes of DR0 to DR3, and of DR0 to DR7. */
#define SVM_INTERCEPT_BREAKPOINTS 0x000f000f
#define SVM_INTERCEPT_DR 0x00ff00ff

/* The exceptions that an IRET can raise. */
#define SVM_STEP_EXCEPTIONS (BIT(EXC_TS) | BIT(EXC_NP) | BIT(EXC_SS) | BIT(EXC_GP) | BIT(EXC_PF))

/* Features of this machine's AMD-V (APM 3 E.4.9). */
struct svm_caps {
	u32 asids; /* number of address space identifiers, with ASID 0, which is the host's */
	bool nrips; /* the CPU stores the next instruction's RIP in the VMCB */
	bool flush_by_asid; /* TLB_CONTROL_FLUSH_ASID works */
	bool pause_filter; /* the CPU counts PAUSEs that follow each other closely */
	bool clean_bits; /* the CPU uses vmcb_clean */
	bool spec_ctrl; /* the CPU switches SPEC_CTRL through the VMCB */
	bool loses_interrupts; /* QEMU's TCG: the host may miss one at a VMRUN with V_IRQ set */
};

extern struct svm_caps svm_caps;

/* The data of one physical CPU. */
struct svm_cpu {
	void *hsave; /* page for VM_HSAVE_PA, in which VMRUN saves the host's state */
	struct vmcb *host_vmcb; /* page in which VMSAVE saves the rest of the host's state */
	u64 asid_generation; /* grows whenever ASIDs start again from 1 */
	u32 next_asid; /* the next free ASID of this generation */
	struct vmcb *last; /* it ran last, and the CPU may have cached some of its fields */
};

DECLARE_PER_CPU(struct svm_cpu, svm_cpu);

/* A vCPU on AMD-V. */
struct svm_vcpu {
	struct vcpu vcpu; /* the neutral part; the first member */
	struct vmcb *vmcb;
	u64 vmcb_pa; /* physical address of @vmcb */
	u64 asid_generation; /* the generation of its ASID on @asid_cpu; 0 without an ASID */
	int asid_cpu; /* the CPU that gave the ASID */
	bool nmi_blocked; /* an NMI was delivered and IRET has not finished (APM 2 15.21.9) */
	bool in_iret; /* an IRET was intercepted and is being executed */
	bool stepping; /* TF and RF are set in the VMCB, so that the vCPU exits after that IRET */
	u64 injected; /* eventinj as it was last written; an exit clears the field */
	u64 step_rflags; /* the guest's own RFLAGS.TF and RF at that IRET */
	u64 iret_rip; /* RIP of that IRET, valid while @in_iret */
};

static inline struct svm_vcpu *to_svm(struct vcpu *vcpu)
{
	return container_of(vcpu, struct svm_vcpu, vcpu);
}

/*
 * Return true if an exit is wanted as soon as the guest could take an interrupt. V_IRQ is no
 * measure of that: emulators drop it at an exit now and then.
 */
static inline bool svm_window_wanted(const struct svm_vcpu *svm)
{
	return svm->vmcb->control.intercept_misc1 & INTERCEPT_VINTR;
}

/* Return true if the CPU refused the entry. QEMU's TCG has only 32 bits of VMEXIT_INVALID. */
static inline bool svm_entry_refused(const struct svm_vcpu *svm)
{
	u64 exitcode = svm->vmcb->control.exitcode;

	return exitcode == (u32)SVM_EXIT_ERR || exitcode == (u64)SVM_EXIT_ERR;
}

/* Make the CPU load groups of the VMCB again (VMCB_CLEAN_*), because they have changed. */
static inline void svm_dirty(struct svm_vcpu *svm, u32 groups)
{
	svm->vmcb->control.vmcb_clean &= ~groups;
}

/*
 * After an exit: the CPU has flushed what TLB_CONTROL asked for. If it refused VMRUN, perhaps it
 * flushed nothing. Then the vCPU gets a new ASID; and if all ASIDs were to be flushed, none of them
 * is fit for a guest: the next VMRUN on this CPU, of any vCPU, begins a new generation.
 */
static inline void svm_end_flush(struct svm_vcpu *svm, struct svm_cpu *sc)
{
	struct vmcb_control *control = &svm->vmcb->control;

	if (unlikely(svm_entry_refused(svm) && control->tlb_control != TLB_CONTROL_NOTHING)) {
		svm->asid_generation = 0;
		if (control->tlb_control == TLB_CONTROL_FLUSH_ALL)
			sc->next_asid = svm_caps.asids;
	}
	control->tlb_control = TLB_CONTROL_NOTHING;
}

/* entry.S: run the guest until its next exit; interrupts off */
asmlinkage void svm_world_switch(u64 *gpr, u64 vmcb_pa, u64 host_vmcb_pa);
/* Members of svm_ops, by file (core/vendor.h). caps.c: */
int svm_setup(void);
void svm_teardown(void);
int svm_cpu_enable(void);
void svm_cpu_disable(void);
void svm_filter_msrs(struct vcpu *vcpu);
/* state.c */
void svm_fetch(struct vcpu *vcpu, u32 groups);
void svm_commit(struct vcpu *vcpu, u32 groups);
int svm_get_msr(struct vcpu *vcpu, u32 index, u64 *data);
int svm_set_msr(struct vcpu *vcpu, u32 index, u64 data);
/* event.c */
u32 svm_get_shadow(struct vcpu *vcpu);
void svm_set_shadow(struct vcpu *vcpu, u32 shadow);
bool svm_nmi_blocked(struct vcpu *vcpu);
void svm_set_nmi_blocked(struct vcpu *vcpu, bool blocked);
void svm_inject(struct vcpu *vcpu);
void svm_request_window(struct vcpu *vcpu, u32 windows);
void svm_recover(struct vcpu *vcpu);
/* exit.c */
enum exit_fate svm_handle_exit(struct vcpu *vcpu);

/* Functions that the files call in each other, by file. */
/* caps.c: the format of nested page tables, complete after svm_setup() */
extern struct sl_format npt_format;
/* Physical address of the I/O permission map, which intercepts every port. */
u64 svm_iopm_pa(void);
/* That of the MSR permission map; @direct lets the guest access MSRs that the VMCB switches. */
u64 svm_msrpm_pa(bool direct);
/* event.c: the window is open (VMEXIT_VINTR), so request it no more */
void svm_window_opened(struct svm_vcpu *svm);
/* VMEXIT_IRET: NMIs are unblocked when the IRET has finished. */
void svm_iret_intercepted(struct svm_vcpu *svm);
/* The IRET that the vCPU steps over has raised an exception. */
void svm_iret_faulted(struct svm_vcpu *svm);
/* A #DB was intercepted. Return true if only the step over an IRET raised it. */
bool svm_step_done(struct svm_vcpu *svm);
/* While stepping: compute the guest's RFLAGS from the VMCB's, and the VMCB's from the guest's. */
u64 svm_hide_step(const struct svm_vcpu *svm, u64 rflags);
u64 svm_show_step(struct svm_vcpu *svm, u64 rflags);

#endif
