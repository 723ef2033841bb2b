// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers and MSRs of a vCPU, between struct cpu_state and the VMCB.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>

#include "guest/debug.h"
#include "svm/svm.h"
#include "x86/cr.h"

/*
 * The guest's CR0.CD and NW are hidden from the CPU: they would turn off its caches for the
 * guest's memory, which the host uses too. The guest reads its own values.
 */
#define CR0_MASKED (X86_CR0_CD | X86_CR0_NW)

static struct cpu_segment *save_seg(struct vmcb_save *save, enum cpu_seg seg)
{
	switch (seg) {
	case SEG_ES:
		return &save->es;
	case SEG_CS:
		return &save->cs;
	case SEG_SS:
		return &save->ss;
	case SEG_DS:
		return &save->ds;
	case SEG_FS:
		return &save->fs;
	case SEG_GS:
		return &save->gs;
	case SEG_LDTR:
		return &save->ldtr;
	default:
		return &save->tr;
	}
}

static void fetch_code(struct cpu_state *state, const struct vmcb_save *save)
{
	state->seg[SEG_CS] = save->cs;
	state->seg[SEG_SS] = save->ss;
	/* The CPL is a field of its own (APM 2 15.5.1); neutral code reads SS.DPL. */
	state->seg[SEG_SS].attrib &= ~SEG_ATTR_DPL;
	state->seg[SEG_SS].attrib |= (save->cpl & 3) << SEG_ATTR_DPL_SHIFT;
}

static void fetch_data(struct cpu_state *state, struct vmcb_save *save)
{
	int i;

	for (i = 0; i < SEG_COUNT; i++)
		if (!state_is_code(i))
			state->seg[i] = *save_seg(save, i);
	state->gdtr = (struct cpu_table){ .base = save->gdtr.base, .limit = save->gdtr.limit };
	state->idtr = (struct cpu_table){ .base = save->idtr.base, .limit = save->idtr.limit };
}

void svm_fetch(struct vcpu *vcpu, u32 groups)
{
	struct vmcb_save *save = &to_svm(vcpu)->vmcb->save;
	struct cpu_state *state = &vcpu->state;

	if (groups & STATE_GPRS) {
		state->gpr[GPR_RAX] = save->rax;
		state->gpr[GPR_RSP] = save->rsp;
	}
	if (groups & STATE_RIP) {
		state->rip = save->rip;
		state->rflags = guest_debug_hide_tf(&vcpu->debug, save->rflags, state->rflags);
		if (unlikely(to_svm(vcpu)->stepping))
			state->rflags = svm_hide_step(to_svm(vcpu), state->rflags);
	}
	if (groups & STATE_CR) {
		/* While CD or NW is masked, every write of CR0 exits: the copy is up to date. */
		if (!(state->cr0 & CR0_MASKED))
			state->cr0 = save->cr0;
		else
			state->cr0 = (save->cr0 & ~CR0_MASKED) | (state->cr0 & CR0_MASKED);
		/*
		 * Every write of CR4, EFER and CR0.PG exits, so CR4 and EFER are up to date.
		 * The VMCB's EFER may be wrong: Bochs 2.7 clears LMA before it exits for CR0.PG.
		 */
		state->cr2 = save->cr2;
		state->cr3 = save->cr3;
	}
	if (groups & STATE_CODE)
		fetch_code(state, save);
	if (groups & STATE_DATA)
		fetch_data(state, save);
	if (groups & STATE_DR && !guest_debug_owns_db(&vcpu->debug)) {
		state->dr6 = save->dr6;
		state->dr7 = save->dr7;
	}
	vcpu->cached |= groups;
}

static void commit_code(const struct cpu_state *state, struct svm_vcpu *svm)
{
	struct vmcb_save *save = &svm->vmcb->save;

	save->cs = state->seg[SEG_CS];
	save->ss = state->seg[SEG_SS];
	save->cpl = cpu_cpl(state);
	svm_dirty(svm, VMCB_CLEAN_SEG);
}

static void commit_data(const struct cpu_state *state, struct svm_vcpu *svm)
{
	struct vmcb_save *save = &svm->vmcb->save;
	int i;

	for (i = 0; i < SEG_COUNT; i++)
		if (!state_is_code(i))
			*save_seg(save, i) = state->seg[i];
	save->gdtr.base = state->gdtr.base;
	save->gdtr.limit = state->gdtr.limit;
	save->idtr.base = state->idtr.base;
	save->idtr.limit = state->idtr.limit;
	svm_dirty(svm, VMCB_CLEAN_SEG | VMCB_CLEAN_DT);
}

static void commit_cr(const struct cpu_state *state, struct svm_vcpu *svm)
{
	struct vmcb_control *control = &svm->vmcb->control;
	struct vmcb_save *save = &svm->vmcb->save;
	/* The host's CR4.MCE: without it a machine check in the guest would shut down the CPU. */
	u64 mce = cr4_read_shadow() & X86_CR4_MCE;
	u32 hide_cr0 = INTERCEPT_READ(0) | INTERCEPT_WRITE(0);
	u32 reads;

	save->cr0 = state->cr0 & ~CR0_MASKED;
	/* Reads exit too if the guest must see another value than the CPU's. */
	reads = state->cr0 & CR0_MASKED ? hide_cr0 : 0;
	if (mce & ~state->cr4)
		reads |= INTERCEPT_READ(4);
	control->intercept_cr &= ~(hide_cr0 | INTERCEPT_READ(4));
	control->intercept_cr |= reads;
	save->cr2 = state->cr2;
	save->cr3 = state->cr3;
	save->cr4 = state->cr4 | mce;
	save->efer = state->efer | EFER_SVME;
	svm_dirty(svm, VMCB_CLEAN_CRX | VMCB_CLEAN_CR2 | VMCB_CLEAN_I);
}

/*
 * MOV DR exits unless the debug registers are the guest's for one entry. #BP exits if userspace
 * debugs with it.
 */
static void commit_dr(struct vcpu *vcpu, struct svm_vcpu *svm)
{
	const struct guest_debug *debug = &vcpu->debug;
	struct vmcb_control *control = &svm->vmcb->control;
	struct vmcb_save *save = &svm->vmcb->save;

	if (guest_debug_owns_db(debug)) {
		/* DR6 has only what this entry causes. MOV DR exits, and the handler checks GD. */
		save->dr6 = DR6_RESET;
		save->dr7 = guest_debug_dr7(debug, vcpu->state.dr7) & ~(u64)DR7_GD;
		control->intercept_dr = SVM_INTERCEPT_DR;
	} else {
		save->dr6 = vcpu->state.dr6;
		save->dr7 = vcpu->state.dr7;
		control->intercept_dr = vcpu->breakpoints_live ? 0 : SVM_INTERCEPT_BREAKPOINTS;
	}
	if (guest_debug_owns_bp(debug))
		control->intercept_exceptions |= BIT(EXC_BP);
	else
		control->intercept_exceptions &= ~(u32)BIT(EXC_BP);
	svm_dirty(svm, VMCB_CLEAN_DRX | VMCB_CLEAN_I);
}

void svm_commit(struct vcpu *vcpu, u32 groups)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	struct vmcb_save *save = &svm->vmcb->save;
	const struct cpu_state *state = &vcpu->state;

	if (groups & STATE_GPRS) {
		save->rax = state->gpr[GPR_RAX];
		save->rsp = state->gpr[GPR_RSP];
	}
	if (groups & STATE_RIP) {
		save->rip = state->rip;
		save->rflags = guest_debug_show_tf(&vcpu->debug, state->rflags);
		if (unlikely(svm->stepping))
			save->rflags = svm_show_step(svm, save->rflags);
	}
	if (groups & STATE_CR)
		commit_cr(state, svm);
	if (groups & STATE_CODE)
		commit_code(state, svm);
	if (groups & STATE_DATA)
		commit_data(state, svm);
	if (groups & STATE_DR)
		commit_dr(vcpu, svm);
}

/* Return the field of the VMCB that holds an MSR, or NULL. */
static u64 *msr_field(struct vmcb_save *save, u32 index)
{
	switch (index) {
	case MSR_STAR:
		return &save->star;
	case MSR_LSTAR:
		return &save->lstar;
	case MSR_CSTAR:
		return &save->cstar;
	case MSR_SYSCALL_MASK:
		return &save->sfmask;
	case MSR_KERNEL_GS_BASE:
		return &save->kernel_gs_base;
	case MSR_FS_BASE:
		return &save->fs.base;
	case MSR_GS_BASE:
		return &save->gs.base;
	case MSR_IA32_SYSENTER_CS:
		return &save->sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:
		return &save->sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:
		return &save->sysenter_eip;
	case MSR_IA32_CR_PAT:
		return &save->g_pat;
	case MSR_IA32_SPEC_CTRL:
		return svm_caps.spec_ctrl ? &save->spec_ctrl : NULL;
	default:
		return NULL;
	}
}

int svm_get_msr(struct vcpu *vcpu, u32 index, u64 *data)
{
	u64 *field = msr_field(&to_svm(vcpu)->vmcb->save, index);

	if (!field)
		return 1;
	vcpu_settle(vcpu, STATE_SEGS);
	*data = *field;
	return 0;
}

/* The caller has checked that an address in @data is canonical. */
int svm_set_msr(struct vcpu *vcpu, u32 index, u64 data)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	u64 *field = msr_field(&svm->vmcb->save, index);

	if (!field)
		return 1;
	vcpu_settle(vcpu, STATE_SEGS);
	*field = data;
	vcpu->cached &= ~STATE_SEGS;
	if (index == MSR_IA32_CR_PAT)
		svm_dirty(svm, VMCB_CLEAN_NP);
	return 0;
}
