// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of control registers: MOV CR, CLTS, LMSW, SMSW.
 */
#include <asm/processor-flags.h>

#include "guest/cpuid_table.h"
#include "guest/paging.h"
#include "guest/raise.h"
#include "irq/lapic.h"
#include "run/exits.h"
#include "run/insn.h"
#include "x86/cr.h"

/* Change CR0, CR3 or CR4. If a PDPTE is bad, change nothing and return false, for #GP. */
static bool change_paging(struct vcpu *vcpu, u64 *cr, u64 value)
{
	struct cpu_state *state = &vcpu->state;
	u64 old = *cr;

	*cr = value;
	if (!paging_load_pdptes(vcpu, state)) {
		*cr = old;
		return false;
	}
	vcpu_touch(vcpu, STATE_CR);
	vcpu_make_request(vcpu, REQ_TLB_FLUSH);
	return true;
}

static bool guest_write_cr0(struct vcpu *vcpu, u64 value)
{
	struct cpu_state *state = &vcpu->state;
	u64 efer = state->efer;

	if (!cr0_write_valid(state, value))
		return false;
	/* Set EFER first: change_paging() needs LMA to tell PAE paging from 4-level paging. */
	state->efer = efer_effective(efer, value);
	if (change_paging(vcpu, &state->cr0, cr0_effective(value)))
		return true;
	state->efer = efer;
	return false;
}

static bool guest_write_cr3(struct vcpu *vcpu, u64 value)
{
	struct cpu_state *state = &vcpu->state;

	if (!cr3_valid(&vcpu->cpuid.facts, state, value))
		return false;
	/* Bit 63 only lets translations of the PCID stay (SDM 3A 4.10.4.1). */
	if (state->cr4 & X86_CR4_PCIDE)
		value &= ~BIT_ULL(63);
	return change_paging(vcpu, &state->cr3, value);
}

static bool guest_write_cr4(struct vcpu *vcpu, u64 value)
{
	struct cpu_state *state = &vcpu->state;
	u64 changed = state->cr4 ^ value;

	if (!cr4_write_valid(&vcpu->cpuid.facts, state, value) ||
	    !change_paging(vcpu, &state->cr4, value))
		return false;
	if (changed & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		cpuid_refresh_vcpu(vcpu);
	return true;
}

static bool guest_write_cr8(struct vcpu *vcpu, u64 value)
{
	if (!cr8_valid(value))
		return false;
	if (vcpu->lapic)
		lapic_set_cr8(vcpu->lapic, value);
	vcpu->cr8 = value;
	vcpu_make_request(vcpu, REQ_EVENT);
	return true;
}

static bool guest_write_cr(struct vcpu *vcpu, u8 cr, u64 value)
{
	switch (cr) {
	case 0:
		return guest_write_cr0(vcpu, value);
	case 3:
		return guest_write_cr3(vcpu, value);
	case 4:
		return guest_write_cr4(vcpu, value);
	default:
		return guest_write_cr8(vcpu, value);
	}
}

static u64 read_cr(const struct vcpu *vcpu, u8 cr)
{
	switch (cr) {
	case 0:
		return vcpu->state.cr0;
	case 3:
		return vcpu->state.cr3;
	case 4:
		return vcpu->state.cr4;
	default:
		return paging_cr8(vcpu);
	}
}

/* On AMD, LOCK MOV CR0 is MOV CR8 (APM 3 MOV CRn). */
static u8 cr_number(const struct insn *insn)
{
	u8 cr = insn_reg(insn);

	return cr == 0 && insn->prefixes & INSN_PREFIX_LOCK ? 8 : cr;
}

/* LMSW changes PE, MP, EM and TS, and cannot clear PE (SDM 2A LMSW). */
static void load_msw(struct vcpu *vcpu, u16 msw)
{
	guest_write_cr0(vcpu, (vcpu->state.cr0 & ~0xeull) | (msw & 0xf));
}

static enum emul_result exec_lmsw(struct vcpu *vcpu)
{
	enum emul_result result;
	u64 msw;

	result = emul_read_rm(&vcpu->emul, 2, &msw);
	if (result == EMUL_DONE)
		load_msw(vcpu, msw);
	return result;
}

static enum emul_result exec_smsw(struct vcpu *vcpu)
{
	const struct insn *insn = &vcpu->emul.insn;
	/* In memory 16 bits are written, in a register all of them (SDM 2B SMSW). */
	u32 size = insn->has_mem ? 2 : insn->operand_size;
	enum emul_result result = emul_write_rm(&vcpu->emul, size, vcpu->state.cr0);

	vcpu_touch(vcpu, STATE_GPRS);
	return result;
}

/* Return false for #GP. */
static bool mov_cr(struct vcpu *vcpu, u8 cr, u8 reg, bool to_cr)
{
	bool wide = emul_mode(&vcpu->state) == INSN_MODE_64;
	u64 *gpr = &vcpu->state.gpr[reg];

	if (to_cr)
		return guest_write_cr(vcpu, cr, wide ? *gpr : (u32)*gpr);
	*gpr = wide ? read_cr(vcpu, cr) : (u32)read_cr(vcpu, cr);
	vcpu_touch(vcpu, STATE_GPRS);
	return true;
}

static enum emul_result exec_mov_cr(struct vcpu *vcpu)
{
	const struct insn *insn = &vcpu->emul.insn;

	if (mov_cr(vcpu, cr_number(insn), insn_rm(insn), insn->opcode == 0x22))
		return EMUL_DONE;
	vcpu->emul.fault = (struct cpu_exception){ .vector = EXC_GP, .has_error_code = true };
	return EMUL_FAULT;
}

static enum emul_result exec_cr(struct vcpu *vcpu)
{
	const struct insn *insn = &vcpu->emul.insn;

	if (insn->map != INSN_MAP_0F)
		return EMUL_UNKNOWN;
	switch (insn->opcode) {
	case 0x01:
		return (insn->modrm >> 3 & 7) == 6 ? exec_lmsw(vcpu) : exec_smsw(vcpu);
	case 0x06: /* CLTS */
		guest_write_cr0(vcpu, vcpu->state.cr0 & ~(u64)X86_CR0_TS);
		return EMUL_DONE;
	case 0x20:
	case 0x22:
		return exec_mov_cr(vcpu);
	default:
		return EMUL_UNKNOWN;
	}
}

/*
 * Exit to userspace's interrupt controller if CR8 is lower than @cr8, its old value: an interrupt
 * may pass now.
 */
static enum exit_fate tpr_lowered(struct vcpu *vcpu, u8 cr8)
{
	if (vcpu->lapic || vcpu->cr8 >= cr8)
		return EXIT_RESUME;
	vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
	return EXIT_USER;
}

enum exit_fate exit_cr(struct vcpu *vcpu)
{
	enum emul_result result = vcpu_decode(vcpu);
	u8 cr8 = vcpu->cr8;

	if (result == EMUL_DONE)
		result = exec_cr(vcpu);
	if (result != EMUL_DONE)
		return vcpu_emul_stopped(vcpu, result);
	vcpu_advance(vcpu, vcpu->state.rip + vcpu->emul.insn.length);
	return tpr_lowered(vcpu, cr8);
}

enum exit_fate exit_mov_cr(struct vcpu *vcpu, u8 cr, u8 reg, bool to_cr)
{
	u8 cr8 = vcpu->cr8;
	enum exit_fate fate;

	vcpu_need(vcpu, STATE_GPRS | STATE_RIP | STATE_CR | STATE_CODE);
	if (!mov_cr(vcpu, cr, reg, to_cr)) {
		vcpu_raise_gp(vcpu);
		return EXIT_RESUME;
	}
	fate = vcpu_skip(vcpu);
	return fate == EXIT_RESUME ? tpr_lowered(vcpu, cr8) : fate;
}

enum exit_fate exit_clts(struct vcpu *vcpu)
{
	vcpu_need(vcpu, STATE_GPRS | STATE_RIP | STATE_CR | STATE_CODE);
	guest_write_cr0(vcpu, vcpu->state.cr0 & ~(u64)X86_CR0_TS);
	return vcpu_skip(vcpu);
}

enum exit_fate exit_lmsw(struct vcpu *vcpu, u16 msw)
{
	vcpu_need(vcpu, STATE_GPRS | STATE_RIP | STATE_CR | STATE_CODE);
	load_msw(vcpu, msw);
	return vcpu_skip(vcpu);
}
