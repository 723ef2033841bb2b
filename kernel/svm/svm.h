/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the AMD-V back end: its data, and what its files offer each other. The VMCB is
 * memory: unlike a VMCS, it can be read and written while the vCPU is not loaded.
 */
#ifndef ORIEL_SVM_H
#define ORIEL_SVM_H

#include <linux/percpu.h>
#include <uapi/asm/svm.h>

#include "core/vcpu.h"
#include "svm/vmcb.h"

/* intercept_dr: reads and writes of DR0 to DR3, and of DR0 to DR7. */
#define SVM_INTERCEPT_BREAKPOINTS 0x000f000f
#define SVM_INTERCEPT_DR 0x00ff00ff

/* The exceptions that an IRET can raise. */
#define SVM_STEP_EXCEPTIONS (BIT(EXC_TS) | BIT(EXC_NP) | BIT(EXC_SS) | BIT(EXC_GP) | BIT(EXC_PF))

/**
 * struct svm_caps - features of this machine's AMD-V (APM 3 E.4.9)
 * @asids: number of address space identifiers, including ASID 0, which is the host's
 * @nrips: the CPU stores the next instruction's RIP in the VMCB
 * @flush_by_asid: TLB_CONTROL_FLUSH_ASID works
 * @clean_bits: the CPU uses vmcb_clean
 * @spec_ctrl: the CPU switches SPEC_CTRL through the VMCB
 */
struct svm_caps {
	u32 asids;
	bool nrips;
	bool flush_by_asid;
	bool clean_bits;
	bool spec_ctrl;
};

extern struct svm_caps svm_caps;

/**
 * struct svm_cpu - the data of one physical CPU
 * @hsave: page for VM_HSAVE_PA, in which VMRUN saves the host's state
 * @host_vmcb: page in which VMSAVE saves the rest of the host's state
 * @asid_generation: grows whenever ASIDs start again from 1
 * @next_asid: the next ASID to give away in this generation
 * @last: the VMCB that ran last: the CPU may have some of its fields cached
 */
struct svm_cpu {
	void *hsave;
	struct vmcb *host_vmcb;
	u64 asid_generation;
	u32 next_asid;
	struct vmcb *last;
};

DECLARE_PER_CPU(struct svm_cpu, svm_cpu);

/**
 * struct svm_vcpu - a vCPU on AMD-V
 * @vcpu: the neutral part; the first member
 * @vmcb: its control block
 * @vmcb_pa: physical address of @vmcb
 * @asid_generation: generation of @asid_cpu in which it got its ASID; 0 without an ASID
 * @asid_cpu: the CPU that gave the ASID
 * @nmi_blocked: an NMI was delivered and IRET has not finished (APM 2 15.21.9)
 * @in_iret: an IRET was intercepted and is being executed
 * @stepping: TF and RF are set in the VMCB, so that the vCPU exits after that IRET
 * @injected: eventinj as it was last written; an exit clears the field
 * @step_rflags: the guest's own RFLAGS.TF and RF at that IRET
 * @iret_rip: RIP of that IRET, valid while @in_iret
 */
struct svm_vcpu {
	struct vcpu vcpu;
	struct vmcb *vmcb;
	u64 vmcb_pa;
	u64 asid_generation;
	int asid_cpu;
	bool nmi_blocked;
	bool in_iret;
	bool stepping;
	u64 injected;
	u64 step_rflags;
	u64 iret_rip;
};

static inline struct svm_vcpu *to_svm(struct vcpu *vcpu)
{
	return container_of(vcpu, struct svm_vcpu, vcpu);
}

/* Return true if the CPU refused the entry. QEMU's TCG has only 32 bits of VMEXIT_INVALID. */
static inline bool svm_entry_refused(const struct svm_vcpu *svm)
{
	u64 exitcode = svm->vmcb->control.exitcode;

	return exitcode == (u32)SVM_EXIT_ERR || exitcode == (u64)SVM_EXIT_ERR;
}

/* Have the CPU load groups of the VMCB again (VMCB_CLEAN_*), because they have changed. */
static inline void svm_dirty(struct svm_vcpu *svm, u32 groups)
{
	svm->vmcb->control.vmcb_clean &= ~groups;
}

/*
 * entry.S
 */

/**
 * svm_world_switch() - run the guest until its next exit; interrupts off
 * @gpr: the guest's general-purpose registers except RAX and RSP, loaded and stored again
 * @vmcb_pa: physical address of its VMCB
 * @host_vmcb_pa: physical address of the page in which VMSAVE has saved the host's state
 *
 * On return GIF is set, and the host has taken an NMI that came in the meantime.
 */
asmlinkage void svm_world_switch(u64 *gpr, u64 vmcb_pa, u64 host_vmcb_pa);

/*
 * Rows of svm_ops, by file. core/vendor_ops.h says what each of them does.
 */

/* caps.c */
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

/*
 * Functions that the files call in each other, by file.
 */

/* caps.c: the format of nested page tables, complete after svm_setup() */
extern struct sl_format npt_format;
/* Physical address of the I/O permission map, which intercepts every port. */
u64 svm_iopm_pa(void);
/* That of the MSR permission map; @direct: the guest accesses MSRs that the VMCB switches. */
u64 svm_msrpm_pa(bool direct);

/* event.c: VMEXIT_VINTR: the window is open, do not ask for it any more */
void svm_window_opened(struct svm_vcpu *svm);
/* VMEXIT_IRET: NMIs are unblocked when the IRET has finished. */
void svm_iret_intercepted(struct svm_vcpu *svm);
/* The IRET that is stepped over raised an exception. */
void svm_iret_faulted(struct svm_vcpu *svm);
/* A #DB was intercepted. Return true if only the step over an IRET raised it. */
bool svm_step_done(struct svm_vcpu *svm);
/* While stepping: the guest's RFLAGS out of the VMCB's, and the VMCB's out of the guest's. */
u64 svm_hide_step(const struct svm_vcpu *svm, u64 rflags);
u64 svm_show_step(struct svm_vcpu *svm, u64 rflags);

#endif
