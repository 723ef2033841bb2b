/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the AMD-V back end share.
 */
#ifndef ORIEL_SVM_H
#define ORIEL_SVM_H

#include <linux/percpu.h>
#include <uapi/asm/svm.h>

#include "core/vcpu.h"
#include "svm/vmcb.h"

/* Reads and writes of DR0 to DR3. */
#define SVM_INTERCEPT_BREAKPOINTS 0x000f000f
/* And of DR4 to DR7. */
#define SVM_INTERCEPT_DR 0x00ff00ff

/* What an IRET raises. */
#define SVM_STEP_EXCEPTIONS (BIT(EXC_TS) | BIT(EXC_NP) | BIT(EXC_SS) | BIT(EXC_GP) | BIT(EXC_PF))

/**
 * struct svm_caps - what this machine's AMD-V can do (APM 3 E.4.9)
 * @asids: number of address space identifiers, ASID 0 (the host's) included
 * @nrips: the VMCB receives the next instruction's RIP
 * @flush_by_asid: TLB_CONTROL_FLUSH_ASID works
 * @clean_bits: the vmcb_clean field is honoured
 * @decode_assists: the VMCB receives instruction bytes
 * @spec_ctrl: SPEC_CTRL is switched through the VMCB
 */
struct svm_caps {
	u32 asids;
	bool nrips;
	bool flush_by_asid;
	bool clean_bits;
	bool decode_assists;
	bool spec_ctrl;
};

extern struct svm_caps svm_caps;

/**
 * struct svm_cpu - what one physical CPU keeps
 * @hsave: page for VM_HSAVE_PA, where VMRUN puts the host's state
 * @host_vmcb: page for VMSAVE, the rest of the host's state
 * @asid_generation: grows whenever ASIDs start again from 1
 * @next_asid: the next ASID to give away in this generation
 * @last: the VMCB that ran last here: its cached fields may be in the CPU
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
 * @vcpu: the neutral part, first
 * @vmcb: its control block
 * @vmcb_pa: physical address of @vmcb
 * @asid_generation: generation of the CPU that its ASID belongs to; 0: none
 * @asid_cpu: the CPU that gave the ASID
 * @nmi_blocked: an NMI was delivered and IRET has not finished (APM 2 15.21.9)
 * @iret_rip: where the IRET is that ends the blocking, valid while @in_iret
 * @in_iret: IRET was intercepted and is being executed
 * @stepping: the hardware has TF and RF set to get an exit after that IRET
 * @injected: eventinj as it was last written, which an exit clears
 * @step_rflags: the guest's own RFLAGS.TF and RF at that IRET
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

/**
 * to_svm() - this back end's part of a vCPU
 * @vcpu: made by it
 *
 * Return: the structure that @vcpu is in.
 */
static inline struct svm_vcpu *to_svm(struct vcpu *vcpu)
{
	return container_of(vcpu, struct svm_vcpu, vcpu);
}

/**
 * svm_entry_refused() - VMEXIT_INVALID, of which QEMU's TCG has 32 bits only
 * @svm: the vCPU, after an entry
 */
static inline bool svm_entry_refused(const struct svm_vcpu *svm)
{
	u64 exitcode = svm->vmcb->control.exitcode;

	return exitcode == (u32)SVM_EXIT_ERR || exitcode == (u64)SVM_EXIT_ERR;
}

/**
 * svm_dirty() - fields of the VMCB changed: the CPU must load them again
 * @svm: the vCPU
 * @bits: VMCB_CLEAN_* groups
 */
static inline void svm_dirty(struct svm_vcpu *svm, u32 bits)
{
	svm->vmcb->control.vmcb_clean &= ~bits;
}

/* entry.S */

/**
 * svm_world_switch() - run the guest until its next exit
 * @gpr: its general-purpose registers but RAX and RSP, loaded and stored again
 * @vmcb_pa: physical address of its VMCB
 * @host_vmcb_pa: that of the page that VMSAVE keeps the host's state in
 *
 * Interrupts off. On return GIF is set, and an NMI that came meanwhile was taken.
 */
asmlinkage void svm_world_switch(u64 *gpr, u64 vmcb_pa, u64 host_vmcb_pa);

/* caps.c */

/**
 * svm_setup() - read the capabilities, refuse what is below the floor, and
 *	allocate the permission maps and each CPU's pages
 *
 * May sleep; called once.
 *
 * Return: 0, -EOPNOTSUPP below the hardware floor, -ENOMEM.
 */
int svm_setup(void);

/** svm_teardown() - free what svm_setup() allocated; no CPU has SVM enabled */
void svm_teardown(void);

/**
 * svm_cpu_enable() - set EFER.SVME and VM_HSAVE_PA on this CPU
 *
 * Interrupts off. Return: 0, or -EBUSY when EFER.SVME is set already.
 */
int svm_cpu_enable(void);

/** svm_cpu_disable() - undo svm_cpu_enable(); any context, idempotent */
void svm_cpu_disable(void);

/** svm_iopm_pa() - physical address of the I/O permission map, all ones */
u64 svm_iopm_pa(void);

/**
 * svm_msrpm_pa() - physical address of an MSR permission map
 * @direct: that which lets a guest access what the VMCB switches; else every MSR
 *	is intercepted
 */
u64 svm_msrpm_pa(bool direct);

/** svm_filter_msrs() - see struct vendor_ops */
void svm_filter_msrs(struct vcpu *vcpu);

/* state.c */

/**
 * svm_fetch() - STATE_* groups from the VMCB to vcpu->state
 * @vcpu: loaded or not
 * @groups: STATE_* bits
 */
void svm_fetch(struct vcpu *vcpu, u32 groups);

/**
 * svm_commit() - STATE_* groups from vcpu->state to the VMCB
 * @vcpu: loaded or not
 * @groups: STATE_* bits
 */
void svm_commit(struct vcpu *vcpu, u32 groups);

/**
 * svm_get_msr() - read an MSR that lives in the VMCB
 * @vcpu: the vCPU
 * @index: MSR number
 * @data: its value
 *
 * Return: 0, or 1 when it is not such an MSR.
 */
int svm_get_msr(struct vcpu *vcpu, u32 index, u64 *data);

/**
 * svm_set_msr() - write an MSR that lives in the VMCB
 * @vcpu: the vCPU
 * @index: MSR number
 * @data: value, checked by the caller for canonical form where that matters
 *
 * Return: 0, or 1 when it is not such an MSR or @data is not allowed.
 */
int svm_set_msr(struct vcpu *vcpu, u32 index, u64 data);

/* event.c */

/** svm_get_shadow() - SHADOW_* bits in force; see struct vendor_ops */
u32 svm_get_shadow(struct vcpu *vcpu);
/** svm_set_shadow() - replace the SHADOW_* bits; see struct vendor_ops */
void svm_set_shadow(struct vcpu *vcpu, u32 shadow);
/** svm_nmi_blocked() - NMIs wait for an IRET; see struct vendor_ops */
bool svm_nmi_blocked(struct vcpu *vcpu);
/** svm_set_nmi_blocked() - see struct vendor_ops */
void svm_set_nmi_blocked(struct vcpu *vcpu, bool blocked);
/** svm_inject() - vcpu->event to eventinj; see struct vendor_ops */
void svm_inject(struct vcpu *vcpu);
/** svm_request_window() - see struct vendor_ops */
void svm_request_window(struct vcpu *vcpu, u32 windows);
/** svm_recover() - exitintinfo to vcpu_requeue_event(); see struct vendor_ops */
void svm_recover(struct vcpu *vcpu);
/** svm_window_opened() - VMEXIT_VINTR: stop asking for it */
void svm_window_opened(struct svm_vcpu *svm);
/** svm_iret_intercepted() - VMEXIT_IRET: NMIs are unblocked when it has finished */
void svm_iret_intercepted(struct svm_vcpu *svm);

/**
 * svm_hide_step() - the guest's RFLAGS, from the VMCB's
 * @svm: the vCPU, which steps over an IRET
 * @rflags: the VMCB's
 */
u64 svm_hide_step(const struct svm_vcpu *svm, u64 rflags);

/**
 * svm_show_step() - the VMCB's RFLAGS, from the guest's; no step if RIP is another
 * @svm: the vCPU, which steps over an IRET, with RIP committed
 * @rflags: the guest's
 */
u64 svm_show_step(struct svm_vcpu *svm, u64 rflags);

/** svm_iret_faulted() - the IRET that is stepped over raised an exception */
void svm_iret_faulted(struct svm_vcpu *svm);

/**
 * svm_step_done() - a #DB was intercepted: was it the step over an IRET?
 * @svm: the vCPU
 *
 * Return: true when the #DB was only ours and must not reach the guest.
 */
bool svm_step_done(struct svm_vcpu *svm);

/* exit.c */

/**
 * svm_handle_exit() - dispatch the VM exit
 * @vcpu: the vCPU, loaded; may sleep
 *
 * Return: enum exit_fate or an errno.
 */
enum exit_fate svm_handle_exit(struct vcpu *vcpu);

extern struct sl_format npt_format;

#endif
