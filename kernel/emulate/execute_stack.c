// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stack and near branches: what pushes and pops, and what goes where memory
 * says. Each writes memory before it commits a register.
 */
#include <linux/kernel.h>
#include <linux/types.h>

#include "cr.h"
#include "emulate/internal.h"

/* The width of the stack pointer (SDM 1 6.2.3). */
static unsigned int stack_size(const struct emul *e)
{
	if (e->insn.mode == INSN_MODE_64)
		return 8;
	return e->state->seg[SEG_SS].attrib & SEG_ATTR_DB ? 4 : 2;
}

static enum emul_result push(struct emul *e, u64 value)
{
	unsigned int width = stack_size(e), size = e->insn.operand_size;
	u64 top = (e->state->gpr[GPR_RSP] - size) & size_mask(width);
	enum emul_result ret = emul_write_memory(e, SEG_SS, top, &value, size);

	if (!ret)
		emul_write_gpr(e, GPR_RSP, width, top);
	return ret;
}

/* What is at the top; the stack pointer is the caller's to move. */
static enum emul_result peek(struct emul *e, u64 *value)
{
	u64 top = e->state->gpr[GPR_RSP] & size_mask(stack_size(e));

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
	enum emul_result ret = peek(e, &value);

	if (ret)
		return ret;
	/* An RSP in the destination's address is the new one (SDM 2B POP). */
	emul_write_gpr(e, GPR_RSP, stack_size(e), before + insn->operand_size);
	ret = emul_write_operand(e, insn->dst, value);
	if (ret)
		e->state->gpr[GPR_RSP] = before;
	return ret;
}

static enum emul_result exec_leave(struct emul *e)
{
	unsigned int width = stack_size(e), size = e->insn.operand_size;
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
	enum emul_result ret = peek(e, &target);

	if (!ret)
		ret = check_target(e, &target);
	if (ret)
		return ret;
	/* The immediate is how many more bytes go (SDM 2B RET). */
	emul_write_gpr(e, GPR_RSP, stack_size(e),
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
	case OP_LEAVE:
		return exec_leave(e);
	case OP_RET:
		return exec_ret(e);
	}
	return exec_branch(e);
}
