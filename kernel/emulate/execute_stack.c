// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stack, near branches, and segment registers. Each instruction writes memory before it
 * commits a register.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"

/* Return the width of the stack pointer in bytes (SDM 1 6.2.3). */
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

/* Read the operand at the top of the stack, and leave the stack pointer as it is. */
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

	/* With IOPL below 3 only VME permits PUSHF, and it pushes other flags (SDM 3B 21.3). */
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
	/* The destination's address is computed with the new RSP (SDM 2B POP). */
	emul_write_gpr(e, GPR_RSP, stack_size(e), before + insn->operand_size);
	ret = emul_write_operand(e, insn->dst, value);
	if (ret)
		e->state->gpr[GPR_RSP] = before;
	return ret;
}

/* Return the flags that POPF changes: not VM, VIF and VIP; RF is cleared (SDM 2B POPF). */
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
		return EMUL_UNKNOWN; /* VME, see PUSHF */
	ret = peek(e, &value);
	if (ret)
		return ret;
	state->rflags = (state->rflags & ~mask) | (value & mask & ~(u64)X86_EFLAGS_RF);
	emul_write_gpr(e, GPR_RSP, stack_size(e), state->gpr[GPR_RSP] + e->insn.operand_size);
	return EMUL_DONE;
}

/* PUSHA pushes EDI last, so EDI is at the top. */
#define ALL_GPRS 8

static enum emul_result exec_pusha(struct emul *e)
{
	unsigned int width = stack_size(e), size = e->insn.operand_size, i;
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
	unsigned int width = stack_size(e), size = e->insn.operand_size, i;
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

/* ENTER without nested procedures, because no compiler uses them. */
static enum emul_result exec_enter(struct emul *e)
{
	unsigned int width = stack_size(e), size = e->insn.operand_size;
	u64 top = (e->state->gpr[GPR_RSP] - size) & size_mask(width);
	u64 last = (top - (u16)e->insn.imm) & size_mask(width), linear;
	enum emul_result ret;

	if (e->insn.imm2 % 32)
		return EMUL_UNKNOWN;
	/* ENTER faults if a write at the new top would (SDM 2A ENTER). */
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
	unsigned int width = stack_size(e), size = e->insn.operand_size;
	u64 frame = e->state->gpr[GPR_RBP] & size_mask(width), value = 0;
	enum emul_result ret = emul_read_memory(e, SEG_SS, frame, &value, size, 0);

	if (ret)
		return ret;
	emul_write_gpr(e, GPR_RSP, width, frame + size);
	emul_write_gpr(e, GPR_RBP, size, value);
	return EMUL_DONE;
}

/* Cut the target of a near branch to the operand size, and check it against CS. */
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
	/* RET releases as many more bytes as the immediate says (SDM 2B RET). */
	emul_write_gpr(e, GPR_RSP, stack_size(e),
		       e->state->gpr[GPR_RSP] + e->insn.operand_size + (u16)e->insn.imm);
	e->next_rip = target;
	return EMUL_DONE;
}

/*
 * Loads of segment registers other than CS: from descriptors or, in real and virtual-8086 mode,
 * from selectors alone.
 */

/* Another vCPU that changes the descriptor all the time must not keep the host here. */
#define LOAD_TRIES 8

/* Raise an exception whose error code is the selector. */
static enum emul_result refuse(struct emul *e, u8 vector, u16 selector)
{
	emul_raise(e, vector);
	e->fault.has_error_code = true;
	e->fault.error_code = selector & ~SELECTOR_RPL;
	return EMUL_FAULT;
}

/* 64-bit supervisor code needs no stack segment, so SS may be null (SDM 3A 5.4.1.1). */
static bool null_allowed(const struct emul *e, u8 seg, u16 selector)
{
	if (seg != SEG_SS)
		return true;
	return e->insn.mode == INSN_MODE_64 && e->cpl != 3 && (selector & SELECTOR_RPL) == e->cpl;
}

/* Clear the hidden part, so that it is no segment. In that of SS keep the privilege level. */
static enum emul_result load_null(struct emul *e, u8 seg, u16 selector)
{
	struct cpu_segment *s = &e->state->seg[seg];

	if (!null_allowed(e, seg, selector))
		return refuse(e, EXC_GP, 0);
	*s = (struct cpu_segment){ .selector = selector };
	if (seg == SEG_SS)
		s->attrib = e->cpl << SEG_ATTR_DPL_SHIFT;
	return EMUL_DONE;
}

static enum emul_result load_once(struct emul *e, u8 seg, u16 selector)
{
	struct cpu_segment loaded;
	enum emul_result result;
	u64 linear;

	if (!segment_find_descriptor(e->state, selector, &linear))
		return refuse(e, EXC_GP, selector);
	result = segment_read_descriptor(e, linear, selector, &loaded);
	if (result)
		return result;
	if (!segment_suits(&loaded, seg, e->cpl))
		return refuse(e, EXC_GP, selector);
	if (!(loaded.attrib & SEG_ATTR_P))
		return refuse(e, seg == SEG_SS ? EXC_SS : EXC_NP, selector);
	result = segment_set_type(e, linear, &loaded, TYPE_ACCESSED);
	if (result == EMUL_DONE)
		e->state->seg[seg] = loaded;
	return result;
}

static enum emul_result load_protected(struct emul *e, u8 seg, u16 selector)
{
	enum emul_result result;
	unsigned int i = 0;

	if (!(selector & ~SELECTOR_RPL))
		return load_null(e, seg, selector);
	/* Try again from here, because a selector from a device must not be read again. */
	do {
		result = load_once(e, seg, selector);
	} while (result == EMUL_AGAIN && ++i < LOAD_TRIES);
	return result;
}

static enum emul_result load_segment(struct emul *e, u8 seg, u16 selector)
{
	enum emul_result result = EMUL_DONE;

	if (emul_real(e)) {
		e->state->seg[seg].selector = selector;
		e->state->seg[seg].base = selector << 4;
	} else {
		result = load_protected(e, seg, selector);
	}
	e->segs_loaded = result == EMUL_DONE;
	return result;
}

/* MOV from a segment register always writes 2 bytes to memory (SDM 2B MOV). */
static enum emul_result exec_store_sreg(struct emul *e)
{
	u8 seg = e->insn.modrm >> 3 & 7;

	if (seg > SEG_GS)
		return emul_raise(e, EXC_UD);
	return emul_write_rm(e, e->insn.has_mem ? 2 : e->insn.operand_size,
			     e->state->seg[seg].selector);
}

static enum emul_result exec_load_sreg(struct emul *e)
{
	u8 seg = e->insn.modrm >> 3 & 7;
	enum emul_result ret;
	u64 selector;

	if (seg > SEG_GS || seg == SEG_CS)
		return emul_raise(e, EXC_UD);
	ret = emul_read_operand(e, e->insn.src, 0, &selector);
	if (!ret)
		ret = load_segment(e, seg, selector);
	e->shadow = !ret && seg == SEG_SS;
	return ret;
}

/* The opcode names the register, as in PUSH. */
static enum emul_result exec_pop_sreg(struct emul *e)
{
	unsigned int width = stack_size(e);
	u8 seg = e->insn.opcode >> 3 & 7;
	enum emul_result ret;
	u64 value;

	ret = peek(e, &value);
	if (!ret)
		ret = load_segment(e, seg, value);
	if (ret)
		return ret;
	e->shadow = seg == SEG_SS;
	emul_write_gpr(e, GPR_RSP, width, e->state->gpr[GPR_RSP] + e->insn.operand_size);
	return EMUL_DONE;
}

/* LES C4, LDS C5, LSS 0F B2, LFS 0F B4, LGS 0F B5: memory has an offset, then a selector. */
static enum emul_result exec_load_far(struct emul *e)
{
	const struct insn *insn = &e->insn;
	unsigned int size = insn->operand_size;
	u8 seg = insn->map == INSN_MAP_0F ? insn->opcode & 7 :
		 insn->opcode == 0xc4	  ? SEG_ES :
					    SEG_DS;
	u8 pointer[8 + 2];
	u16 selector;
	u64 offset = 0;
	enum emul_result ret =
		emul_read_memory(e, insn->segment, emul_memory_offset(e), pointer, size + 2, 0);

	if (ret)
		return ret;
	memcpy(&offset, pointer, size);
	memcpy(&selector, pointer + size, 2);
	ret = load_segment(e, seg, selector);
	if (ret)
		return ret;
	e->shadow = seg == SEG_SS;
	return emul_write_operand(e, insn->dst, offset);
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
	case OP_STORE_SREG:
		return exec_store_sreg(e);
	case OP_LOAD_SREG:
		return exec_load_sreg(e);
	case OP_LOAD_FAR:
		return exec_load_far(e);
	case OP_POP_SREG:
		return exec_pop_sreg(e);
	}
	return exec_branch(e);
}
