// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stack and near branches: what pushes and pops, and what goes where memory
 * says. Each writes memory before it commits a register.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"

unsigned int emul_stack_size(const struct emul *e)
{
	if (e->insn.mode == INSN_MODE_64)
		return 8;
	return e->state->seg[SEG_SS].attrib & SEG_ATTR_DB ? 4 : 2;
}

static enum emul_result push(struct emul *e, u64 value)
{
	unsigned int width = emul_stack_size(e), size = e->insn.operand_size;
	u64 top = (e->state->gpr[GPR_RSP] - size) & size_mask(width);
	enum emul_result ret = emul_write_memory(e, SEG_SS, top, &value, size);

	if (!ret)
		emul_write_gpr(e, GPR_RSP, width, top);
	return ret;
}

enum emul_result emul_peek(struct emul *e, u64 *value)
{
	u64 top = e->state->gpr[GPR_RSP] & size_mask(emul_stack_size(e));

	*value = 0;
	return emul_read_memory(e, SEG_SS, top, value, e->insn.operand_size, 0);
}

static enum emul_result exec_push(struct emul *e)
{
	u64 value;
	enum emul_result ret = emul_read_operand(e, e->insn.src, 0, &value);

	return ret ? ret : push(e, value);
}

static enum emul_result exec_push_sreg(struct emul *e)
{
	return push(e, e->state->seg[e->insn.opcode >> 3 & 7].selector);
}

static enum emul_result exec_pushf(struct emul *e)
{
	const struct cpu_state *state = e->state;

	/* Gets here under VME alone, which makes other flags of it (SDM 3B 20.3). */
	if ((state->rflags & X86_EFLAGS_VM) && (state->rflags & X86_EFLAGS_IOPL) != X86_EFLAGS_IOPL)
		return EMUL_UNKNOWN;
	return push(e, state->rflags & ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_RF));
}

static enum emul_result exec_pop(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 value, before = e->state->gpr[GPR_RSP];
	enum emul_result ret = emul_peek(e, &value);

	if (ret)
		return ret;
	/* An RSP in the destination's address is the new one (SDM 2B POP). */
	emul_write_gpr(e, GPR_RSP, emul_stack_size(e), before + insn->operand_size);
	ret = emul_write_operand(e, insn->dst, value);
	if (ret)
		e->state->gpr[GPR_RSP] = before;
	return ret;
}

/* The flags that POPF changes; VM, VIF and VIP stay, RF is cleared (SDM 2B POPF). */
static u64 popf_mask(const struct emul *e)
{
	u64 mask = ALU_FLAGS | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_NT | X86_EFLAGS_RF |
		   X86_EFLAGS_AC | X86_EFLAGS_ID;
	unsigned int iopl = (e->state->rflags & X86_EFLAGS_IOPL) >> X86_EFLAGS_IOPL_BIT;

	if (e->cpl == 0)
		mask |= X86_EFLAGS_IOPL;
	if (e->cpl <= iopl)
		mask |= X86_EFLAGS_IF;
	return e->insn.operand_size == 2 ? mask & 0xffff : mask;
}

static enum emul_result exec_popf(struct emul *e)
{
	struct cpu_state *state = e->state;
	u64 mask = popf_mask(e), value;
	enum emul_result ret;

	if ((state->rflags & X86_EFLAGS_VM) && !(mask & X86_EFLAGS_IF))
		return EMUL_UNKNOWN; /* as for PUSHF */
	ret = emul_peek(e, &value);
	if (ret)
		return ret;
	state->rflags = (state->rflags & ~mask) | (value & mask & ~(u64)X86_EFLAGS_RF);
	emul_write_gpr(e, GPR_RSP, emul_stack_size(e), state->gpr[GPR_RSP] + e->insn.operand_size);
	return EMUL_DONE;
}

/* EDI is the last that is pushed, so it is at the top. */
#define ALL_GPRS 8

static enum emul_result exec_pusha(struct emul *e)
{
	unsigned int width = emul_stack_size(e), size = e->insn.operand_size, i;
	u64 top = (e->state->gpr[GPR_RSP] - ALL_GPRS * size) & size_mask(width);
	u8 frame[ALL_GPRS * 4];
	enum emul_result ret;

	for (i = 0; i < ALL_GPRS; i++)
		memcpy(frame + i * size, &e->state->gpr[ALL_GPRS - 1 - i], size);
	ret = emul_write_memory(e, SEG_SS, top, frame, ALL_GPRS * size);
	if (!ret)
		emul_write_gpr(e, GPR_RSP, width, top);
	return ret;
}

static enum emul_result exec_popa(struct emul *e)
{
	unsigned int width = emul_stack_size(e), size = e->insn.operand_size, i;
	u64 top = e->state->gpr[GPR_RSP] & size_mask(width);
	u8 frame[ALL_GPRS * 4];
	enum emul_result ret;

	ret = emul_read_memory(e, SEG_SS, top, frame, ALL_GPRS * size, 0);
	if (ret)
		return ret;
	for (i = 0; i < ALL_GPRS; i++) {
		u64 value = 0;

		memcpy(&value, frame + i * size, size);
		if (ALL_GPRS - 1 - i != GPR_RSP)
			emul_write_gpr(e, ALL_GPRS - 1 - i, size, value);
	}
	emul_write_gpr(e, GPR_RSP, width, top + ALL_GPRS * size);
	return EMUL_DONE;
}

/* ENTER without nested procedures, whose frames no compiler asks for. */
static enum emul_result exec_enter(struct emul *e)
{
	unsigned int width = emul_stack_size(e), size = e->insn.operand_size;
	u64 top = (e->state->gpr[GPR_RSP] - size) & size_mask(width);
	u64 last = (top - (u16)e->insn.imm) & size_mask(width), linear;
	enum emul_result ret;

	if (e->insn.imm2 % 32)
		return EMUL_UNKNOWN;
	/* It faults where a write at the new top would (SDM 2A ENTER). */
	ret = emul_linear(e, SEG_SS, last, size, EMUL_ACCESS_WRITE, &linear);
	if (!ret)
		ret = e->ops->probe(e, linear, size, EMUL_ACCESS_WRITE);
	if (ret && ret != EMUL_USER)
		return ret;
	ret = emul_write_memory(e, SEG_SS, top, &e->state->gpr[GPR_RBP], size);
	if (ret)
		return ret;
	emul_write_gpr(e, GPR_RBP, size, top);
	emul_write_gpr(e, GPR_RSP, width, last);
	return EMUL_DONE;
}

static enum emul_result exec_leave(struct emul *e)
{
	unsigned int width = emul_stack_size(e), size = e->insn.operand_size;
	u64 frame = e->state->gpr[GPR_RBP] & size_mask(width), value = 0;
	enum emul_result ret = emul_read_memory(e, SEG_SS, frame, &value, size, 0);

	if (ret)
		return ret;
	emul_write_gpr(e, GPR_RSP, width, frame + size);
	emul_write_gpr(e, GPR_RBP, size, value);
	return EMUL_DONE;
}

/* Where a near branch goes: within the operand size and the code segment. */
static enum emul_result check_target(struct emul *e, u64 *target)
{
	u64 linear;

	*target &= size_mask(e->insn.operand_size);
	return emul_code_address(e, *target, &linear);
}

/* JMP and CALL by ModRM, and CALL by an immediate. */
static enum emul_result exec_branch(struct emul *e)
{
	u64 target;
	enum emul_result ret = emul_read_operand(e, e->insn.src, 0, &target);

	if (ret)
		return ret;
	if (e->insn.src == OPD_IMM)
		target += e->next_rip;
	ret = check_target(e, &target);
	if (!ret && e->insn.op == OP_CALL)
		ret = push(e, e->next_rip);
	if (!ret)
		e->next_rip = target;
	return ret;
}

static enum emul_result exec_ret(struct emul *e)
{
	u64 target;
	enum emul_result ret = emul_peek(e, &target);

	if (!ret)
		ret = check_target(e, &target);
	if (ret)
		return ret;
	/* The immediate is how many more bytes go (SDM 2B RET). */
	emul_write_gpr(e, GPR_RSP, emul_stack_size(e),
		       e->state->gpr[GPR_RSP] + e->insn.operand_size + (u16)e->insn.imm);
	e->next_rip = target;
	return EMUL_DONE;
}

enum emul_result exec_stack(struct emul *e)
{
	switch (e->insn.op) {
	case OP_PUSH:
		return exec_push(e);
	case OP_PUSH_SREG:
		return exec_push_sreg(e);
	case OP_PUSHF:
		return exec_pushf(e);
	case OP_POP:
		return exec_pop(e);
	case OP_PUSHA:
		return exec_pusha(e);
	case OP_POPF:
		return exec_popf(e);
	case OP_POPA:
		return exec_popa(e);
	case OP_ENTER:
		return exec_enter(e);
	case OP_LEAVE:
		return exec_leave(e);
	case OP_RET:
		return exec_ret(e);
	}
	return exec_branch(e);
}
