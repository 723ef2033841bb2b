/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the VT-x back end: its data, the accessors of the current VMCS, and the functions
 * that its files call in each other. A vCPU is loaded while its VMCS is read or written.
 */
#ifndef ORIEL_VMX_H
#define ORIEL_VMX_H

#include <linux/list.h>
#include <linux/percpu.h>
#include <asm/asm.h>

#include "core/vcpu.h"
#include "vmx/caps.h"
#include "vmx/vmcs.h"

/* Exceptions that exit. #AC and #DB do because a guest could make them recur for ever (exit.c). */
#define VMX_EXCEPTIONS (BIT(EXC_DB) | BIT(EXC_UD) | BIT(EXC_AC) | BIT(EXC_MC))

extern struct vmx_caps vmx_caps;
/* The CPU has the VMX-preemption timer, and it counts at the rate that the CPU reports. */
extern bool vmx_preemption_timer;

/* The data of one physical CPU. */
struct vmx_cpu {
	void *vmxon; /* the VMXON region */
	struct list_head active; /* vCPUs whose VMCS this CPU may have cached, by vmx_vcpu.link */
	bool changing; /* @active is being changed: if the machine crashes now, do not walk it */
	struct vmx_vcpu *current_vmcs; /* VMREAD and VMWRITE access the VMCS of this vCPU */
	struct vmx_vcpu *last; /* it ran last, and its guest has trained the branch predictors */
};

DECLARE_PER_CPU(struct vmx_cpu, vmx_cpu);

/* The host's state of the vCPU's thread and CPU. */
struct vmx_host {
	bool loaded; /* the CPU has the guest's values, and @ds to @idt are the host's */
	u16 ldt; /* LDTR, which every VM exit clears (SDM 3C 28.5.2) */
	/*
	 * Selectors of the thread. A VMCS cannot hold those of a user thread, so they are loaded
	 * again when the thread gives the vCPU up.
	 */
	u16 ds;
	u16 es;
	u16 fs;
	u16 gs;
	u64 fs_base;
	u64 kernel_gs_base; /* GS base of the thread; the kernel has it in IA32_KERNEL_GS_BASE */
	struct desc_ptr idt; /* IDTR, whose limit a VM exit sets to FFFFh (SDM 3C 28.5.2) */
	/* The values of host_cr3, host_cr4 and host_rsp in the VMCS. */
	u64 cr3;
	u64 cr4;
	u64 rsp;
};

/* MSRs of the guest that neither the VMCS nor the neutral side keeps. */
enum vmx_msr {
	VMX_MSR_STAR,
	VMX_MSR_LSTAR,
	VMX_MSR_CSTAR, /* kept only: Intel's CPUs have no SYSCALL in compatibility mode */
	VMX_MSR_SYSCALL_MASK,
	VMX_MSRS
};

/* A vCPU on VT-x. */
struct vmx_vcpu {
	struct vcpu vcpu; /* the neutral part; the first member */
	void *vmcs;
	int cpu; /* the physical CPU on whose list @vmcs is, or -1 while @vmcs is clear */
	struct list_head link; /* in the list of @cpu */
	bool launched; /* enter with VMRESUME instead of VMLAUNCH */
	u16 vpid; /* the virtual-processor identifier; 0 if none was left */
	bool flush; /* INVEPT before the next entry */
	bool x2apic; /* the guest's local APIC is in x2APIC mode */
	bool msrs_filtered; /* every MSR is intercepted */
	bool step_pending; /* guest_pending_debug_exceptions may have the single step */
	bool failed; /* the CPU refused the last entry with VMfail */
	u32 control[VMX_WORDS]; /* the controls in the VMCS, by enum vmx_word */
	u32 tpr_threshold; /* the TPR threshold in the VMCS */
	u32 exit_reason; /* of the last exit */
	u64 spec_ctrl; /* the guest's IA32_SPEC_CTRL */
	bool spec_ctrl_direct; /* the guest accesses IA32_SPEC_CTRL without an exit */
	bool rip_moved; /* guest_rip is RIP - 1, for an INT n that is being injected (event.c) */
	u32 ple_window; /* the PAUSE-loop window in the VMCS */
	u64 kernel_gs_base; /* the guest's IA32_KERNEL_GS_BASE while @host.loaded is not set */
	u64 msr[VMX_MSRS]; /* the guest's MSRs, by enum vmx_msr */
	struct vmx_host host;
};

static inline struct vmx_vcpu *to_vmx(struct vcpu *vcpu)
{
	return container_of(vcpu, struct vmx_vcpu, vcpu);
}

/*
 * VMREAD and VMWRITE of a field that this CPU has. While the machine reboots under a vCPU its
 * CPU is no longer in VMX operation, and the instructions of VMX fault. They are skipped then,
 * and nothing is lost: no guest is entered on that CPU any more (see claim.h).
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

static __always_inline void vmcs_write(u32 field, u64 value)
{
	asm volatile("1: vmwrite %1, %0\n\t"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     :
		     : "r"((u64)field), "r"(value)
		     : "cc", "memory");
}

/* Return the field of the VMCS that holds a word of controls. */
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

/* Turn the control @bit of @word on or off. */
static __always_inline void vmx_control(struct vmx_vcpu *vmx, enum vmx_word word, u32 bit, bool on)
{
	u32 now = on ? vmx->control[word] | bit : vmx->control[word] & ~bit;

	if (now == vmx->control[word])
		return;
	vmx->control[word] = now;
	vmcs_write(vmx_word_field(word), now);
}

/*
 * End a HLT that the guest executed without an exit. While it lasts, an entry may inject only
 * interrupts, NMIs and #DB, and fails with a shadow in force or at CPL 3 (SDM 3C 27.3.1.5).
 */
static __always_inline void vmx_leave_hlt(struct vmx_vcpu *vmx)
{
	if (unlikely(!(vmx->control[VMX_PRIMARY] & PRIMARY_HLT_EXITING)))
		vmcs_write(vmcs_guest_activity_state, ACTIVITY_ACTIVE);
}

/* Return true if Oriel uses a control on this machine. The answer is the same on every CPU. */
static inline bool vmx_has(enum vmx_word word, u32 bit)
{
	return vmx_caps.use[word] & bit;
}

/* entry.S: run the guest until its next exit; interrupts off, VMCS current */
asmlinkage bool vmx_world_switch(u64 *gpr, u64 *host_rsp, bool launched);
/* For entry.S alone; @gpr as in vmx_world_switch() */
asmlinkage void vmx_restore_spec_ctrl(u64 *gpr);
extern const char vmx_exit_point[];

/* Members of vmx_ops, by file (core/vendor.h). caps.c: */
int vmx_setup(void);
void vmx_teardown(void);
int vmx_cpu_enable(void);
void vmx_cpu_disable(void);
void vmx_filter_msrs(struct vcpu *vcpu);
/* vmcs.c */
int vmx_vcpu_create(struct vcpu *vcpu);
void vmx_vcpu_destroy(struct vcpu *vcpu);
void vmx_vcpu_reset(struct vcpu *vcpu, bool init);
void vmx_vcpu_load(struct vcpu *vcpu);
void vmx_vcpu_put(struct vcpu *vcpu);
/* state.c */
void vmx_fetch(struct vcpu *vcpu, u32 groups);
void vmx_commit(struct vcpu *vcpu, u32 groups);
int vmx_get_msr(struct vcpu *vcpu, u32 index, u64 *data);
int vmx_set_msr(struct vcpu *vcpu, u32 index, u64 data);
/* event.c */
u32 vmx_get_shadow(struct vcpu *vcpu);
void vmx_set_shadow(struct vcpu *vcpu, u32 shadow);
bool vmx_nmi_blocked(struct vcpu *vcpu);
void vmx_set_nmi_blocked(struct vcpu *vcpu, bool blocked);
void vmx_inject(struct vcpu *vcpu);
void vmx_request_window(struct vcpu *vcpu, u32 windows);
void vmx_recover(struct vcpu *vcpu);
/* exit.c */
enum exit_fate vmx_handle_exit(struct vcpu *vcpu);

/* Functions that the files call in each other, by file. */
/* caps.c: the physical address of the MSR bitmap for the MSRs that the vCPU may access */
u64 vmx_msr_bitmap_pa(const struct vmx_vcpu *vmx);
/* Allocate a zeroed region with the revision identifier, for VMCS or VMXON. */
void *vmx_alloc_vmcs(gfp_t gfp);
void vmx_free_vmcs(void *vmcs);
/* vmcs.c: execute VMCLEAR on a VMCS of this CPU's list; interrupts off, or in a crash */
void vmx_vcpu_clear(struct vmx_vcpu *vmx);
/* The guest spun for a whole PAUSE-loop window: let the next one last longer. */
void vmx_grow_ple_window(struct vmx_vcpu *vmx);
/* host.c: write host-state fields that never change, and those of this CPU (preemption off) */
void vmx_host_setup(void);
void vmx_host_setup_cpu(struct vmx_vcpu *vmx);
/* Load the guest's state in place of the host's before an entry; interrupts off. */
void vmx_host_enter(struct vmx_vcpu *vmx);
/* Restore the registers of the host that each VM exit changes; interrupts off. */
void vmx_host_leave(struct vmx_vcpu *vmx, unsigned long debugctl);
/* Give the thread its own state back, if the CPU has the guest's; preemption off. */
void vmx_host_restore(struct vmx_vcpu *vmx);
/* event.c: make the pending single step agree with TF and the shadow */
void vmx_settle_step(struct vcpu *vcpu);

/* ept.c */
extern struct sl_format ept_format;
void vmx_ept_setup(void);
u64 vmx_eptp(const struct vcpu *vcpu);
/* Drop the VM's translations from this CPU; preemption off. */
void vmx_flush_here(const struct vcpu *vcpu);

#endif
