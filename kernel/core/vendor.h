/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface between the neutral side and the code of one CPU vendor.
 *
 * A vendor keeps hardware (VMCS or VMCB), the neutral side keeps everything
 * else. The architectural registers travel as groups of struct cpu_state:
 * fetch() fills groups in from the hardware, commit() writes them back, and
 * neither knows who asked.
 */
#ifndef ORIEL_VENDOR_H
#define ORIEL_VENDOR_H

#include <linux/static_call.h>
#include <linux/types.h>

#include "x86/cpu_state.h"

struct cpu_exception;
struct entry_report;
struct sl_format;
struct vcpu;
struct vm;

/* Groups of struct cpu_state that are fetched and committed together. */
#define STATE_GPRS BIT(0) /* gpr[] */
#define STATE_RIP BIT(1) /* rip, rflags */
#define STATE_CR BIT(2) /* cr0, cr2, cr3, cr4, efer */
#define STATE_CODE BIT(3) /* seg[] of CS and SS: mode and privilege */
#define STATE_DATA BIT(4) /* the rest of seg[], gdtr, idtr */
#define STATE_SEGS (STATE_CODE | STATE_DATA)
#define STATE_DR BIT(5) /* dr[], dr6, dr7 */
#define STATE_ALL GENMASK(5, 0)

/**
 * state_is_code() - which segments of STATE_SEGS are STATE_CODE?
 * @seg: SEG_*
 *
 * Return: true for those that mode and privilege are read from.
 */
static inline bool state_is_code(unsigned int seg)
{
	return seg == SEG_CS || seg == SEG_SS;
}

/* What stops an event from being taken at the next instruction boundary. */
#define SHADOW_STI BIT(0) /* KVM_X86_SHADOW_INT_STI */
#define SHADOW_MOV_SS BIT(1) /* KVM_X86_SHADOW_INT_MOV_SS */

/* Windows that request_window() asks for. */
#define WINDOW_IRQ BIT(0) /* an external interrupt can be taken */
#define WINDOW_NMI BIT(1) /* an NMI can be taken */
#define WINDOW_TPR BIT(2) /* CR8 was written: a masked interrupt may pass now */

/**
 * enum exit_fate - what a finished VM exit asks of KVM_RUN's loop
 * @EXIT_RESUME: handled, enter the guest again
 * @EXIT_USER: kvm_run is filled in, return 0 to userspace
 *
 * A negative errno instead means that KVM_RUN fails with it.
 */
enum exit_fate {
	EXIT_USER = 0,
	EXIT_RESUME = 1,
};

/**
 * struct vendor_ops - what a vendor provides
 *
 * @cpu_disable must work in a crash, where it is called from NMI context.
 * @prepare to @enter run with preemption off; @handle_exit may sleep.
 */
struct vendor_ops {
	/** @name: "VT-x" or "AMD-V", for messages */
	const char *name;
	/** @vcpu_size: bytes of the vendor's vCPU, which starts with struct vcpu */
	size_t vcpu_size;
	/** @deadline_timer: @enter leaves the guest at lapic_held_deadline(); after @setup */
	const bool *deadline_timer;
	/** @walks_pdptes: the CPU reads the PDPTEs of PAE paging from memory when it walks */
	bool walks_pdptes;
	/** @host_irq_exit: what @exit_code says when an interrupt of the host ended the guest */
	u64 host_irq_exit;
	/** @format: how second-level page-table entries look */
	const struct sl_format *format;

	/** @setup: read capabilities, allocate what all VMs share; errno after one pr_err() */
	int (*setup)(void);
	/** @teardown: undo @setup; no CPU has the extension enabled any more */
	void (*teardown)(void);
	/** @cpu_enable: enable this CPU, interrupts off; -EBUSY if another owner has it */
	int (*cpu_enable)(void);
	/** @cpu_disable: disable this CPU, interrupts off; idempotent */
	void (*cpu_disable)(void);

	/** @vcpu_create: allocate the control structure; may sleep */
	int (*vcpu_create)(struct vcpu *vcpu);
	/** @vcpu_destroy: free the control structure; may sleep */
	void (*vcpu_destroy)(struct vcpu *vcpu);
	/** @vcpu_reset: control structure to its state after power-on, or INIT */
	void (*vcpu_reset)(struct vcpu *vcpu, bool init);
	/** @vcpu_load: the vCPU's thread starts to run on this CPU; preemption off */
	void (*vcpu_load)(struct vcpu *vcpu);
	/** @vcpu_put: the thread leaves the vCPU or this CPU; preemption off; may be NULL */
	void (*vcpu_put)(struct vcpu *vcpu);

	/** @enter: run the guest until a VM exit; interrupts off */
	void (*enter)(struct vcpu *vcpu);
	/**
	 * @recover: the entry is over: forget vcpu->event, or hand the event whose delivery
	 * was cut short to vcpu_requeue_event()
	 */
	void (*recover)(struct vcpu *vcpu);
	/** @handle_exit: dispatch the exit; an enum exit_fate or an errno */
	int (*handle_exit)(struct vcpu *vcpu);

	/** @fetch: fill in STATE_* groups of vcpu->state from the hardware */
	void (*fetch)(struct vcpu *vcpu, u32 groups);
	/** @commit: write STATE_* groups of vcpu->state to the hardware */
	void (*commit)(struct vcpu *vcpu, u32 groups);
	/** @get_shadow: SHADOW_* bits in force */
	u32 (*get_shadow)(struct vcpu *vcpu);
	/** @set_shadow: replace the SHADOW_* bits */
	void (*set_shadow)(struct vcpu *vcpu, u32 shadow);
	/** @nmi_blocked: an NMI was delivered and IRET has not yet run */
	bool (*nmi_blocked)(struct vcpu *vcpu);
	/** @set_nmi_blocked: set or clear that */
	void (*set_nmi_blocked)(struct vcpu *vcpu, bool blocked);
	/** @inject: deliver vcpu->event at the next entry, or nothing if it has none */
	void (*inject)(struct vcpu *vcpu);
	/** @request_window: exit when what WINDOW_* name becomes possible; 0: stop TPR exits */
	void (*request_window)(struct vcpu *vcpu, u32 windows);
	/** @insn_length: bytes of the instruction that exited; 0 if the hardware is silent */
	u32 (*insn_length)(struct vcpu *vcpu);

	/** @get_msr: an MSR that lives in the control structure; 1 if it is not such */
	int (*get_msr)(struct vcpu *vcpu, u32 index, u64 *data);
	/** @set_msr: write one; 1 if it is not such or the value is bad */
	int (*set_msr)(struct vcpu *vcpu, u32 index, u64 data);
	/** @filter_msrs: intercept those that msr_filter_denies(), vm->srcu held */
	void (*filter_msrs)(struct vcpu *vcpu);
	/** @flush_tlb: drop this vCPU's translations before its next entry */
	void (*flush_tlb)(struct vcpu *vcpu);
	/** @set_tsc_offset: guest TSC becomes host TSC plus @offset */
	void (*set_tsc_offset)(struct vcpu *vcpu, u64 offset);
	/** @exit_code: number of the last exit; what qualifies it into @info */
	u64 (*exit_code)(struct vcpu *vcpu, u64 info[2]);
	/** @explain: after a refused entry, run the software copy of the CPU's checks */
	void (*explain)(struct vcpu *vcpu, struct entry_report *report);
	/** @cpuid_flags: CPUID_HOST_* that this machine's back end can give; after @setup */
	u32 (*cpuid_flags)(void);
};

extern const struct vendor_ops svm_ops;
extern const struct vendor_ops vmx_ops;

/* The one in use. What the exit path calls is a static call, so that no retpoline
 * sits on it: vendor_call(op)(arguments).
 */
extern const struct vendor_ops *vendor;

DECLARE_STATIC_CALL(vendor_vcpu_create, *vendor->vcpu_create);
DECLARE_STATIC_CALL(vendor_vcpu_destroy, *vendor->vcpu_destroy);
DECLARE_STATIC_CALL(vendor_vcpu_reset, *vendor->vcpu_reset);
DECLARE_STATIC_CALL(vendor_vcpu_load, *vendor->vcpu_load);
DECLARE_STATIC_CALL(vendor_vcpu_put, *vendor->vcpu_put);
DECLARE_STATIC_CALL(vendor_enter, *vendor->enter);
DECLARE_STATIC_CALL(vendor_recover, *vendor->recover);
DECLARE_STATIC_CALL(vendor_handle_exit, *vendor->handle_exit);
DECLARE_STATIC_CALL(vendor_fetch, *vendor->fetch);
DECLARE_STATIC_CALL(vendor_commit, *vendor->commit);
DECLARE_STATIC_CALL(vendor_get_shadow, *vendor->get_shadow);
DECLARE_STATIC_CALL(vendor_set_shadow, *vendor->set_shadow);
DECLARE_STATIC_CALL(vendor_nmi_blocked, *vendor->nmi_blocked);
DECLARE_STATIC_CALL(vendor_set_nmi_blocked, *vendor->set_nmi_blocked);
DECLARE_STATIC_CALL(vendor_inject, *vendor->inject);
DECLARE_STATIC_CALL(vendor_request_window, *vendor->request_window);
DECLARE_STATIC_CALL(vendor_insn_length, *vendor->insn_length);
DECLARE_STATIC_CALL(vendor_get_msr, *vendor->get_msr);
DECLARE_STATIC_CALL(vendor_set_msr, *vendor->set_msr);
DECLARE_STATIC_CALL(vendor_filter_msrs, *vendor->filter_msrs);
DECLARE_STATIC_CALL(vendor_flush_tlb, *vendor->flush_tlb);
DECLARE_STATIC_CALL(vendor_set_tsc_offset, *vendor->set_tsc_offset);
DECLARE_STATIC_CALL(vendor_exit_code, *vendor->exit_code);

#define vendor_call(op) static_call(vendor_##op)

/**
 * vendor_install() - make a vendor the one in use
 * @ops: its operations
 *
 * Once, at load, before any vendor_call(). May sleep.
 */
void vendor_install(const struct vendor_ops *ops);

#endif
