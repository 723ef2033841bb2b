/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the VT-x back end share.
 */
#ifndef ORIEL_VMX_H
#define ORIEL_VMX_H

#include <linux/list.h>
#include <linux/percpu.h>
#include <asm/asm.h>

#include "core/vcpu.h"
#include "vmx/caps.h"
#include "vmx/vmcs.h"

/* #AC and #DB can be made to recur for ever without an exit: see exit.c. */
#define VMX_EXCEPTIONS (BIT(EXC_DB) | BIT(EXC_UD) | BIT(EXC_AC) | BIT(EXC_MC))

extern struct vmx_caps vmx_caps;
/* The VMX-preemption timer is there and counts as it should. */
extern bool vmx_preemption_timer;

/**
 * struct vmx_cpu - what one physical CPU keeps
 * @vmxon: the VMXON region
 * @active: VMCSs that this CPU may hold in its caches, by vmx_vcpu.link
 * @changing: @active is being changed: a crash just then must not walk it
 * @current_vmcs: the one that VMREAD and VMWRITE reach
 * @last: the one that ran last here: its guest trained the predictors
 */
struct vmx_cpu {
	void *vmxon;
	struct list_head active;
	bool changing;
	struct vmx_vcpu *current_vmcs;
	struct vmx_vcpu *last;
};

DECLARE_PER_CPU(struct vmx_cpu, vmx_cpu);

/**
 * struct vmx_host - the host's state of the vCPU's thread and CPU
 * @loaded: the CPU has the guest's values of what is saved below
 * @ldt: LDTR, which every VM exit clears (SDM 3C 28.5.2)
 * @ds: DS, ES, FS and GS of the thread; those that a VMCS cannot hold are
 * @es:	loaded again when the thread gives the vCPU up
 * @fs: see @ds
 * @gs: see @ds
 * @fs_base: its FS base
 * @kernel_gs_base: its GS base, kept in IA32_KERNEL_GS_BASE inside the kernel
 * @idt: IDTR, whose limit a VM exit sets to FFFFh (SDM 3C 28.5.2)
 * @cr3: host_cr3 of the VMCS
 * @cr4: host_cr4 of the VMCS
 * @rsp: host_rsp of the VMCS
 */
struct vmx_host {
	bool loaded;
	u16 ldt;
	u16 ds;
	u16 es;
	u16 fs;
	u16 gs;
	u64 fs_base;
	u64 kernel_gs_base;
	struct desc_ptr idt;
	u64 cr3;
	u64 cr4;
	u64 rsp;
};

/* MSRs of the guest that neither the VMCS nor the neutral side keeps. */
enum vmx_msr {
	VMX_MSR_STAR,
	VMX_MSR_LSTAR,
	VMX_MSR_CSTAR, /* kept only: no SYSCALL in compatibility mode on Intel */
	VMX_MSR_SYSCALL_MASK,
	VMX_MSRS
};

/**
 * struct vmx_vcpu - a vCPU on VT-x
 * @vcpu: the neutral part, first
 * @vmcs: its control structure
 * @cpu: the CPU on whose list it is, or -1 when its VMCS is clear
 * @link: in the list of that CPU
 * @launched: VMRESUME instead of VMLAUNCH
 * @vpid: its virtual-processor identifier; 0 when there was none left
 * @flush: INVEPT before the next entry
 * @x2apic: the guest's local APIC is in x2APIC mode
 * @msrs_filtered: every MSR is intercepted
 * @tpr_masked: an interrupt waits for the TPR to fall
 * @step_pending: guest_pending_debug_exceptions may have the single step
 * @failed: the last entry was refused with VMfail
 * @control: the words of controls as the VMCS has them, by enum vmx_word
 * @tpr_threshold: as the VMCS has it
 * @exit_reason: of the last exit
 * @kernel_gs_base: the guest's, while @host.loaded is not set
 * @msr: by enum vmx_msr
 * @host: the host's side
 */
struct vmx_vcpu {
	struct vcpu vcpu;
	void *vmcs;
	int cpu;
	struct list_head link;
	bool launched;
	u16 vpid;
	bool flush;
	bool x2apic;
	bool msrs_filtered;
	bool tpr_masked;
	bool step_pending;
	bool failed;
	u32 control[VMX_WORDS];
	u32 tpr_threshold;
	u32 exit_reason;
	u64 kernel_gs_base;
	u64 msr[VMX_MSRS];
	struct vmx_host host;
};

/**
 * to_vmx() - this back end's part of a vCPU
 * @vcpu: made by it
 *
 * Return: the structure that @vcpu is in.
 */
static inline struct vmx_vcpu *to_vmx(struct vcpu *vcpu)
{
	return container_of(vcpu, struct vmx_vcpu, vcpu);
}

/*
 * The instructions of VMX fault on a CPU that is not in VMX operation, as it is
 * while the machine reboots under a vCPU. Nothing is lost with what they would
 * have done: no guest is entered there any more (see claim.h).
 */

/**
 * vmcs_read() - read a field of the current VMCS
 * @field: its encoding, of a field that the CPU has
 *
 * The vCPU is loaded.
 */
static __always_inline u64 vmcs_read(u32 field)
{
	u64 value = 0;

	asm volatile("1: vmread %1, %0\n\t"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     : "+r"(value)
		     : "r"((u64)field)
		     : "cc");
	return value;
}

/**
 * vmcs_write() - write a field of the current VMCS
 * @field: its encoding, of a field that the CPU has
 * @value: new value, cut to the width of the field
 */
static __always_inline void vmcs_write(u32 field, u64 value)
{
	asm volatile("1: vmwrite %1, %0\n\t"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     :
		     : "r"((u64)field), "r"(value)
		     : "cc", "memory");
}

/**
 * vmx_word_field() - the field of the VMCS that holds a word of controls
 * @word: which
 *
 * Return: the field's encoding.
 */
static __always_inline u32 vmx_word_field(enum vmx_word word)
{
	switch (word) {
	case VMX_PIN:
		return vmcs_pin_based_controls;
	case VMX_PRIMARY:
		return vmcs_primary_controls;
	case VMX_SECONDARY:
		return vmcs_secondary_controls;
	case VMX_EXIT:
		return vmcs_exit_controls;
	default:
		return vmcs_entry_controls;
	}
}

/**
 * vmx_control() - turn a control on or off
 * @vmx: the vCPU, loaded
 * @word: the word it is in
 * @bit: the control
 * @on: wanted state
 */
static __always_inline void vmx_control(struct vmx_vcpu *vmx, enum vmx_word word, u32 bit, bool on)
{
	u32 now = on ? vmx->control[word] | bit : vmx->control[word] & ~bit;

	if (now == vmx->control[word])
		return;
	vmx->control[word] = now;
	vmcs_write(vmx_word_field(word), now);
}

/**
 * vmx_leave_hlt() - out of a HLT that the guest executed by itself
 * @vmx: the vCPU, loaded
 *
 * In it no more than an interrupt, NMI or #DB can be injected, and neither a shadow be in
 * force nor CPL 3 (SDM 3C 27.3.1.5).
 */
static __always_inline void vmx_leave_hlt(struct vmx_vcpu *vmx)
{
	if (unlikely(!(vmx->control[VMX_PRIMARY] & PRIMARY_HLT_EXITING)))
		vmcs_write(vmcs_guest_activity_state, ACTIVITY_ACTIVE);
}

/**
 * vmx_has() - is a control among those that Oriel uses on this CPU?
 * @word: the word it is in
 * @bit: the control
 *
 * Return: whether it is; the same on every CPU.
 */
static inline bool vmx_has(enum vmx_word word, u32 bit)
{
	return vmx_caps.use[word] & bit;
}

/* entry.S */

/**
 * vmx_world_switch() - run the guest until its next exit
 * @gpr: its general-purpose registers but RSP, loaded and stored again
 * @host_rsp: what the VMCS has as the host's RSP, written again when it has changed
 * @launched: VMRESUME instead of VMLAUNCH
 *
 * Interrupts off, the VMCS current.
 *
 * Return: true when the instruction failed, and no guest ran.
 */
asmlinkage bool vmx_world_switch(u64 *gpr, u64 *host_rsp, bool launched);
extern const char vmx_exit_point[];

/* caps.c */

/**
 * vmx_setup() - read the capabilities, refuse what is below the floor, and
 *	allocate the MSR bitmaps and each CPU's VMXON region
 *
 * May sleep; called once.
 *
 * Return: 0, -EOPNOTSUPP below the hardware floor, -ENOMEM.
 */
int vmx_setup(void);

/** vmx_teardown() - free what vmx_setup() allocated; no CPU is in VMX operation */
void vmx_teardown(void);

/**
 * vmx_cpu_enable() - VMXON on this CPU
 *
 * Interrupts off. Return: 0, or -EBUSY when CR4.VMXE is set already or the CPU
 * refuses.
 */
int vmx_cpu_enable(void);

/** vmx_cpu_disable() - VMCLEAR what is active here and VMXOFF; any context, idempotent */
void vmx_cpu_disable(void);

/**
 * vmx_msr_bitmap_pa() - physical address of the MSR bitmap that a vCPU needs now
 * @vmx: the vCPU; its @x2apic tells whether the TPR is accessed directly, its
 *	@msrs_filtered that nothing is
 */
u64 vmx_msr_bitmap_pa(const struct vmx_vcpu *vmx);

/** vmx_filter_msrs() - see struct vendor_ops */
void vmx_filter_msrs(struct vcpu *vcpu);

/** vmx_alloc_vmcs() - a zeroed region with the revision identifier; NULL without memory */
void *vmx_alloc_vmcs(gfp_t gfp);

/** vmx_free_vmcs() - free such a region; NULL is fine */
void vmx_free_vmcs(void *vmcs);

/* vmcs.c */

/**
 * vmx_vcpu_create() - allocate the VMCS and a VPID; see struct vendor_ops
 * @vcpu: the vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int vmx_vcpu_create(struct vcpu *vcpu);
/** vmx_vcpu_destroy() - undo vmx_vcpu_create(); see struct vendor_ops */
void vmx_vcpu_destroy(struct vcpu *vcpu);
/** vmx_vcpu_reset() - the VMCS to its state after power-on or INIT; vCPU loaded */
void vmx_vcpu_reset(struct vcpu *vcpu, bool init);
/** vmx_vcpu_load() - make its VMCS current on this CPU; see struct vendor_ops */
void vmx_vcpu_load(struct vcpu *vcpu);
/** vmx_vcpu_put() - give the thread its own state back; see struct vendor_ops */
void vmx_vcpu_put(struct vcpu *vcpu);

/**
 * vmx_vcpu_clear() - VMCLEAR: nothing of the VMCS is left in this CPU
 * @vmx: a vCPU on this CPU's list; interrupts off, or a crash
 */
void vmx_vcpu_clear(struct vmx_vcpu *vmx);

/* host.c */

/** vmx_host_setup_cpu() - host-state fields that are a CPU's own; preemption off */
void vmx_host_setup_cpu(struct vmx_vcpu *vmx);
/** vmx_host_setup() - host-state fields that never change; vCPU loaded */
void vmx_host_setup(void);
/** vmx_host_enter() - the guest's state where the host's was; interrupts off */
void vmx_host_enter(struct vmx_vcpu *vmx);
/** vmx_host_leave() - what each VM exit took from the host; interrupts off */
void vmx_host_leave(struct vmx_vcpu *vmx, unsigned long debugctl);
/** vmx_host_restore() - the thread's state back, if the guest's is there */
void vmx_host_restore(struct vmx_vcpu *vmx);

/* state.c */

/**
 * vmx_fetch() - STATE_* groups from the VMCS to vcpu->state
 * @vcpu: loaded
 * @groups: STATE_* bits
 */
void vmx_fetch(struct vcpu *vcpu, u32 groups);

/**
 * vmx_commit() - STATE_* groups from vcpu->state to the VMCS
 * @vcpu: loaded
 * @groups: STATE_* bits
 */
void vmx_commit(struct vcpu *vcpu, u32 groups);

/**
 * vmx_get_msr() - read an MSR that the back end keeps
 * @vcpu: the vCPU, loaded
 * @index: MSR number
 * @data: its value
 *
 * Return: 0, or 1 when it is not such an MSR.
 */
int vmx_get_msr(struct vcpu *vcpu, u32 index, u64 *data);

/**
 * vmx_set_msr() - write an MSR that the back end keeps
 * @vcpu: the vCPU, loaded
 * @index: MSR number
 * @data: value, checked by the caller for canonical form where that matters
 *
 * Return: 0, or 1 when it is not such an MSR.
 */
int vmx_set_msr(struct vcpu *vcpu, u32 index, u64 data);

/* event.c */

/** vmx_get_shadow() - SHADOW_* bits in force; see struct vendor_ops */
u32 vmx_get_shadow(struct vcpu *vcpu);
/** vmx_set_shadow() - replace the SHADOW_* bits; see struct vendor_ops */
void vmx_set_shadow(struct vcpu *vcpu, u32 shadow);
/** vmx_nmi_blocked() - NMIs wait for an IRET; see struct vendor_ops */
bool vmx_nmi_blocked(struct vcpu *vcpu);
/** vmx_set_nmi_blocked() - see struct vendor_ops */
void vmx_set_nmi_blocked(struct vcpu *vcpu, bool blocked);
/** vmx_inject() - vcpu->event to entry_interruption_info; see struct vendor_ops */
void vmx_inject(struct vcpu *vcpu);
/** vmx_request_window() - see struct vendor_ops */
void vmx_request_window(struct vcpu *vcpu, u32 windows);
/** vmx_recover() - idt_vectoring_info to vcpu_requeue_event(); see struct vendor_ops */
void vmx_recover(struct vcpu *vcpu);

/**
 * vmx_settle_step() - make the pending single step agree with TF and the shadow
 * @vcpu: the vCPU, loaded
 *
 * Under a shadow, an entry with TF set fails unless the step is pending, and one
 * with TF clear fails if it is (SDM 3C 27.3.1.5). A debugger's step begins with the
 * entry: there the shadow ends instead, and what is pending is of the step before, which
 * was finished in software. (Bochs leaves it pending at any exit.)
 */
void vmx_settle_step(struct vcpu *vcpu);

/* exit.c */

/**
 * vmx_handle_exit() - dispatch the VM exit
 * @vcpu: the vCPU, loaded; may sleep
 *
 * Return: enum exit_fate or an errno.
 */
enum exit_fate vmx_handle_exit(struct vcpu *vcpu);

/* ept.c */
extern struct sl_format ept_format;

/** vmx_ept_setup() - complete ept_format from the capabilities; once, at load */
void vmx_ept_setup(void);

/**
 * vmx_eptp() - the EPT pointer of a VM
 * @vcpu: one of its vCPUs
 */
u64 vmx_eptp(const struct vcpu *vcpu);

/**
 * vmx_flush_here() - drop a VM's translations from this CPU; preemption off
 * @vcpu: one of its vCPUs
 */
void vmx_flush_here(const struct vcpu *vcpu);

#endif
