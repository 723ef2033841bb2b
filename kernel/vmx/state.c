// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers and MSRs of a vCPU, between struct cpu_state and the VMCS.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>

#include "guest/debug.h"
#include "vmx/vmx.h"
#include "x86/cr.h"

/*
 * Bits of CR0 and CR4 that the guest may change without an exit. A write that changes any other
 * bit differs from the read shadow and exits, so those bits in struct cpu_state are always up
 * to date (SDM 3C 25.6.6).
 */
#define CR0_OWNED (X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_WP | X86_CR0_AM)
#define CR4_OWNED                                                                              \
	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PGE | X86_CR4_OSFXSR | \
	 X86_CR4_OSXMMEXCPT | X86_CR4_FSGSBASE)

/*
 * The guest's CR0.CD and NW are hidden from the CPU: they would turn off its caches for the
 * guest's memory, which the host uses too.
 */
#define CR0_HIDDEN (X86_CR0_CD | X86_CR0_NW)

/* Bits of CR0 that must be 1 in VMX operation; an unrestricted guest may clear PE and PG
 * (SDM 3C 24.8).
 */
static u64 cr0_fixed(void)
{
	return vmx_caps.cr0_fixed0 & ~(u64)(X86_CR0_PE | X86_CR0_PG);
}

/*
 * Segments. The VMCS has access rights (SDM 3C table 25-2) where struct cpu_segment has packed
 * attributes.
 */

static u32 access_rights(const struct cpu_segment *seg, enum cpu_seg index)
{
	u32 rights = (seg->attrib & 0xff) | (seg->attrib & 0xf00) << 4;

	if (!(seg->attrib & SEG_ATTR_P))
		return rights | ACCESS_RIGHTS_UNUSABLE;
	/* An entry refuses a usable segment that is not accessed, and a TSS that is not busy. */
	if (index <= SEG_GS)
		rights |= 1;
	else if (index == SEG_TR)
		rights |= 2;
	return rights;
}

static void commit_seg(const struct cpu_segment *seg, enum cpu_seg index)
{
	vmcs_write(VMCS_SEG(vmcs_guest_es_selector, index), seg->selector);
	vmcs_write(VMCS_SEG(vmcs_guest_es_base, index), seg->base);
	vmcs_write(VMCS_SEG(vmcs_guest_es_limit, index), seg->limit);
	vmcs_write(VMCS_SEG(vmcs_guest_es_access_rights, index), access_rights(seg, index));
}

static void fetch_seg(struct cpu_segment *seg, enum cpu_seg index)
{
	u32 rights = vmcs_read(VMCS_SEG(vmcs_guest_es_access_rights, index));

	seg->selector = vmcs_read(VMCS_SEG(vmcs_guest_es_selector, index));
	seg->base = vmcs_read(VMCS_SEG(vmcs_guest_es_base, index));
	seg->limit = vmcs_read(VMCS_SEG(vmcs_guest_es_limit, index));
	seg->attrib = (rights & ACCESS_RIGHTS_LOW) | (rights & ACCESS_RIGHTS_HIGH) >> 4;
	if (rights & ACCESS_RIGHTS_UNUSABLE)
		seg->attrib &= ~SEG_ATTR_P;
}

static void fetch_data(struct cpu_state *state)
{
	int i;

	for (i = 0; i < SEG_COUNT; i++)
		if (!state_is_code(i))
			fetch_seg(&state->seg[i], i);
	state->gdtr.base = vmcs_read(vmcs_guest_gdtr_base);
	state->gdtr.limit = vmcs_read(vmcs_guest_gdtr_limit);
	state->idtr.base = vmcs_read(vmcs_guest_idtr_base);
	state->idtr.limit = vmcs_read(vmcs_guest_idtr_limit);
}

static void commit_data(const struct cpu_state *state)
{
	int i;

	for (i = 0; i < SEG_COUNT; i++)
		if (!state_is_code(i))
			commit_seg(&state->seg[i], i);
	vmcs_write(vmcs_guest_gdtr_base, state->gdtr.base);
	vmcs_write(vmcs_guest_gdtr_limit, state->gdtr.limit);
	vmcs_write(vmcs_guest_idtr_base, state->idtr.base);
	vmcs_write(vmcs_guest_idtr_limit, state->idtr.limit);
}

/*
 * Control registers. The VMCS has no CR2: vmx_enter() loads and saves it.
 */

static void fetch_cr(struct cpu_state *state)
{
	int i;

	state->cr0 = (state->cr0 & ~CR0_OWNED) | (vmcs_read(vmcs_guest_cr0) & CR0_OWNED);
	state->cr3 = vmcs_read(vmcs_guest_cr3);
	state->cr4 = (state->cr4 & ~CR4_OWNED) | (vmcs_read(vmcs_guest_cr4) & CR4_OWNED);
	/* EFER is up to date: writes of EFER and of CR0.PG, on which LMA depends, exit. */
	if (!cr_pae_paging(state))
		return;
	for (i = 0; i < 4; i++)
		state->pdpte[i] = vmcs_read(vmcs_guest_pdpte0 + 2 * i);
}

static void commit_cr(const struct cpu_state *state, struct vmx_vcpu *vmx)
{
	/* The host's CR4.MCE: without it a machine check in the guest would shut down the CPU. */
	u64 mce = cr4_read_shadow() & X86_CR4_MCE;
	/* The guest must get #GP for bits of features that its CPUID lacks, so they exit. */
	u64 owned = CR4_OWNED & ~vmx->vcpu.cpuid.facts.cr4_reserved;
	int i;

	vmcs_write(vmcs_cr0_guest_host_mask, ~CR0_OWNED);
	vmcs_write(vmcs_cr4_guest_host_mask, ~owned);
	vmcs_write(vmcs_guest_cr0, (state->cr0 & ~CR0_HIDDEN) | cr0_fixed());
	vmcs_write(vmcs_cr0_read_shadow, state->cr0);
	vmcs_write(vmcs_guest_cr3, state->cr3);
	vmcs_write(vmcs_guest_cr4, state->cr4 | vmx_caps.cr4_fixed0 | mce);
	vmcs_write(vmcs_cr4_read_shadow, state->cr4);
	vmcs_write(vmcs_guest_ia32_efer, state->efer);
	vmx_control(vmx, VMX_ENTRY, ENTRY_IA32E_MODE_GUEST, state->efer & EFER_LMA);
	if (!cr_pae_paging(state))
		return;
	for (i = 0; i < 4; i++)
		vmcs_write(vmcs_guest_pdpte0 + 2 * i, state->pdpte[i]);
}

/*
 * MOV DR exits unless the debug registers are the guest's for one entry. #BP exits if userspace
 * debugs with it.
 */
static void commit_dr(struct vcpu *vcpu)
{
	const struct guest_debug *debug = &vcpu->debug;
	u64 dr7 = guest_debug_dr7(debug, vcpu->state.dr7);

	/* MOV DR exits, and the handler checks GD. */
	if (guest_debug_owns_db(debug))
		dr7 &= ~(u64)DR7_GD;
	vmcs_write(vmcs_guest_dr7, dr7);
	vmcs_write(vmcs_exception_bitmap,
		   guest_debug_owns_bp(debug) ? VMX_EXCEPTIONS | BIT(EXC_BP) : VMX_EXCEPTIONS);
	vmx_control(to_vmx(vcpu), VMX_PRIMARY, PRIMARY_MOV_DR_EXITING, !vcpu->breakpoints_live);
}

/*
 * The groups.
 */

void vmx_fetch(struct vcpu *vcpu, u32 groups)
{
	struct cpu_state *state = &vcpu->state;

	if (groups & STATE_GPRS)
		state->gpr[GPR_RSP] = vmcs_read(vmcs_guest_rsp);
	if (groups & STATE_RIP) {
		state->rip = vmcs_read(vmcs_guest_rip) + to_vmx(vcpu)->rip_moved;
		state->rflags = guest_debug_hide_tf(&vcpu->debug, vmcs_read(vmcs_guest_rflags),
						    state->rflags);
	}
	if (groups & STATE_CR)
		fetch_cr(state);
	if (groups & STATE_CODE) {
		fetch_seg(&state->seg[SEG_CS], SEG_CS);
		fetch_seg(&state->seg[SEG_SS], SEG_SS);
	}
	if (groups & STATE_DATA)
		fetch_data(state);
	if (groups & STATE_DR && !guest_debug_owns_db(&vcpu->debug))
		state->dr7 = vmcs_read(vmcs_guest_dr7);
	vcpu->cached |= groups;
}

void vmx_commit(struct vcpu *vcpu, u32 groups)
{
	const struct cpu_state *state = &vcpu->state;
	u64 rflags;

	if (groups & (STATE_RIP | STATE_CODE))
		vmx_leave_hlt(to_vmx(vcpu));
	if (groups & STATE_GPRS)
		vmcs_write(vmcs_guest_rsp, state->gpr[GPR_RSP]);
	if (groups & STATE_RIP) {
		vmcs_write(vmcs_guest_rip, state->rip - to_vmx(vcpu)->rip_moved);
		rflags = guest_debug_show_tf(&vcpu->debug, state->rflags);
		vmcs_write(vmcs_guest_rflags, rflags);
		if (unlikely(rflags & X86_EFLAGS_TF || to_vmx(vcpu)->step_pending))
			vmx_settle_step(vcpu);
	}
	if (groups & STATE_CR)
		commit_cr(state, to_vmx(vcpu));
	if (groups & STATE_CODE) {
		commit_seg(&state->seg[SEG_CS], SEG_CS);
		commit_seg(&state->seg[SEG_SS], SEG_SS);
	}
	if (groups & STATE_DATA)
		commit_data(state);
	if (groups & STATE_DR)
		commit_dr(vcpu);
}

/*
 * MSRs.
 */

/* Return the field of the VMCS that holds an MSR, or 0 (which is vpid). */
static u32 msr_field(u32 index)
{
	switch (index) {
	case MSR_FS_BASE:
		return vmcs_guest_fs_base;
	case MSR_GS_BASE:
		return vmcs_guest_gs_base;
	case MSR_IA32_SYSENTER_CS:
		return vmcs_guest_ia32_sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:
		return vmcs_guest_ia32_sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:
		return vmcs_guest_ia32_sysenter_eip;
	case MSR_IA32_CR_PAT:
		return vmcs_guest_ia32_pat;
	default:
		return 0;
	}
}

/* Return the index of an MSR in vmx->msr, or -1. */
static int msr_slot(u32 index)
{
	switch (index) {
	case MSR_STAR:
		return VMX_MSR_STAR;
	case MSR_LSTAR:
		return VMX_MSR_LSTAR;
	case MSR_CSTAR:
		return VMX_MSR_CSTAR;
	case MSR_SYSCALL_MASK:
		return VMX_MSR_SYSCALL_MASK;
	default:
		return -1;
	}
}

int vmx_get_msr(struct vcpu *vcpu, u32 index, u64 *data)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 field = msr_field(index);
	int slot = msr_slot(index);

	if (field) {
		vcpu_settle(vcpu, STATE_SEGS);
		*data = vmcs_read(field);
	} else if (slot >= 0) {
		*data = vmx->msr[slot];
	} else if (index == MSR_IA32_SPEC_CTRL) {
		*data = vmx->spec_ctrl;
	} else if (index == MSR_KERNEL_GS_BASE) {
		/* If the CPU has the guest's value, this saves it in @vmx. */
		preempt_disable();
		vmx_host_restore(vmx);
		preempt_enable();
		*data = vmx->kernel_gs_base;
	} else {
		return 1;
	}
	return 0;
}

/*
 * A guest that uses IA32_SPEC_CTRL writes it often: after its first value that is not 0, let it
 * write without an exit. Until then vmx_restore_spec_ctrl() need not read the MSR.
 */
static void set_spec_ctrl(struct vmx_vcpu *vmx, u64 data)
{
	vmx->spec_ctrl = data;
	if (!data || vmx->spec_ctrl_direct)
		return;
	vmx->spec_ctrl_direct = true;
	vmcs_write(vmcs_msr_bitmap, vmx_msr_bitmap_pa(vmx));
}

/* The caller has checked that an address in @data is canonical. */
int vmx_set_msr(struct vcpu *vcpu, u32 index, u64 data)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	u32 field = msr_field(index);
	int slot = msr_slot(index);

	if (field) {
		vcpu_settle(vcpu, STATE_SEGS);
		vmcs_write(field, data);
		vcpu->cached &= ~STATE_SEGS;
		return 0;
	}
	if (index == MSR_IA32_SPEC_CTRL) {
		set_spec_ctrl(vmx, data);
		return 0;
	}
	if (slot < 0 && index != MSR_KERNEL_GS_BASE)
		return 1;
	/* The next entry loads it into the CPU. */
	preempt_disable();
	vmx_host_restore(vmx);
	preempt_enable();
	if (slot >= 0)
		vmx->msr[slot] = data;
	else
		vmx->kernel_gs_base = data;
	return 0;
}
