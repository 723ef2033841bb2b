// SPDX-License-Identifier: GPL-2.0-only
/*
 * Architectural state between struct cpu_state and the VMCB.
 */
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "svm.h"

/* The guest's CR0.CD and NW stay out of hardware: they would turn off the
 * cache for guest memory, which the host shares. The guest reads its own values.
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

static void fetch_segs(struct cpu_state *state, struct vmcb_save *save)
{
	int i;

	for (i = 0; i < SEG_COUNT; i++)
		state->seg[i] = *save_seg(save, i);
	/* The CPL is a field of its own (APM 2 15.5.1); neutral code reads SS.DPL. */
	state->seg[SEG_SS].attrib &= ~SEG_ATTR_DPL;
	state->seg[SEG_SS].attrib |= (save->cpl & 3) << SEG_ATTR_DPL_SHIFT;
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
		state->rflags = save->rflags;
	}
	if (groups & STATE_CR) {
		/* While CD or NW is masked every CR0 write exits: the copy is right. */
		if (!(state->cr0 & CR0_MASKED))
			state->cr0 = save->cr0;
		else
			state->cr0 = (save->cr0 & ~CR0_MASKED) | (state->cr0 & CR0_MASKED);
		state->cr2 = save->cr2;
		state->cr3 = save->cr3;
		state->cr4 = save->cr4;
		/* LMA, which hardware sets on its own; SVME is ours. */
		state->efer = save->efer & ~EFER_SVME;
	}
	if (groups & STATE_SEGS)
		fetch_segs(state, save);
	if (groups & STATE_DR) {
		state->dr6 = save->dr6;
		state->dr7 = save->dr7;
	}
	vcpu->cached |= groups;
}

static void commit_segs(const struct cpu_state *state, struct svm_vcpu *svm)
{
	struct vmcb_save *save = &svm->vmcb->save;
	int i;

	for (i = 0; i < SEG_COUNT; i++)
		*save_seg(save, i) = state->seg[i];
	save->cpl = cpu_cpl(state);
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
	u32 hide = INTERCEPT_READ(0) | INTERCEPT_WRITE(0);

	save->cr0 = state->cr0 & ~CR0_MASKED;
	/* The guest's CR0 is not the hardware's: then reads have to exit as well. */
	if (state->cr0 & CR0_MASKED)
		control->intercept_cr |= hide;
	else
		control->intercept_cr &= ~hide;
	save->cr2 = state->cr2;
	save->cr3 = state->cr3;
	save->cr4 = state->cr4;
	save->efer = state->efer | EFER_SVME;
	svm_dirty(svm, VMCB_CLEAN_CRX | VMCB_CLEAN_CR2 | VMCB_CLEAN_I);
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
		save->rflags = state->rflags;
	}
	if (groups & STATE_CR)
		commit_cr(state, svm);
	if (groups & STATE_SEGS)
		commit_segs(state, svm);
	if (groups & STATE_DR) {
		save->dr6 = state->dr6;
		save->dr7 = state->dr7;
		svm_dirty(svm, VMCB_CLEAN_DRX);
	}
}

/* The field of the VMCB that holds an MSR, NULL if there is none. */
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
	/* A pending change of FS or GS has not reached the VMCB yet. */
	if (vcpu->dirty & STATE_SEGS) {
		svm_commit(vcpu, STATE_SEGS);
		vcpu->dirty &= ~STATE_SEGS;
	}
	*data = *field;
	return 0;
}

int svm_set_msr(struct vcpu *vcpu, u32 index, u64 data)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	u64 *field = msr_field(&svm->vmcb->save, index);

	if (!field)
		return 1;
	if (vcpu->dirty & STATE_SEGS) {
		svm_commit(vcpu, STATE_SEGS);
		vcpu->dirty &= ~STATE_SEGS;
	}
	*field = data;
	vcpu->cached &= ~STATE_SEGS;
	if (index == MSR_IA32_CR_PAT)
		svm_dirty(svm, VMCB_CLEAN_NP);
	return 0;
}
