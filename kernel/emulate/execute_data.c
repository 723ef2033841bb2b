// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations on general-purpose registers and memory: moves, exchanges, arithmetic, bits.
 * Each writes memory before it commits a register, so that an access that cannot be finished
 * leaves nothing half done.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"

static enum emul_result exec_move(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 value;
	enum emul_result ret = emul_read_operand(e, insn->src, 0, &value);

	if (ret)
		return ret;
	if (insn->op == OP_MOVSX)
		value = sign_extend_size(value, emul_operand_size(insn, insn->src));
	return emul_write_operand(e, insn->dst, value);
}

static enum emul_result exec_movbe(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 value;
	enum emul_result ret;

	if (!insn->has_mem)
		return EMUL_UNKNOWN;
	ret = emul_read_operand(e, insn->src, 0, &value);
	if (ret)
		return ret;
	value = __builtin_bswap64(value) >> (64 - 8 * insn->operand_size);
	return emul_write_operand(e, insn->dst, value);
}

/* ADD to CMP, TEST, NOT, NEG, INC, DEC and the shifts. */
static enum emul_result exec_arithmetic(struct emul *e)
{
	const struct insn *insn = &e->insn;
	bool writes = insn->op != OP_CMP && insn->op != OP_TEST;
	u64 dst, src = 0, value, rflags = e->state->rflags;
	enum emul_result ret;

	ret = emul_read_operand(e, insn->dst, writes ? EMUL_ACCESS_WRITE : 0, &dst);
	if (!ret && insn->src != OPD_NONE)
		ret = emul_read_operand(e, insn->src, 0, &src);
	if (ret)
		return ret;
	if (insn->op >= OP_ROL && insn->op <= OP_SAR)
		value = alu_shift(insn->op, dst, src, insn->operand_size, &rflags);
	else
		value = alu_binary(insn->op, dst, src, insn->operand_size, &rflags);
	if (writes)
		ret = emul_update_operand(e, insn->dst, dst, value);
	if (!ret)
		e->state->rflags = rflags;
	return ret;
}

static enum emul_result exec_double_shift(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 dst, count, value, rflags = e->state->rflags;
	enum emul_result ret;

	ret = emul_read_operand(e, insn->dst, EMUL_ACCESS_WRITE, &dst);
	if (!ret)
		ret = emul_read_operand(e, insn->src, 0, &count);
	if (ret)
		return ret;
	value = alu_double_shift(insn->op, dst,
				 emul_read_gpr(e, insn_reg(insn), insn->operand_size), count,
				 insn->operand_size, &rflags);
	ret = emul_update_operand(e, insn->dst, dst, value);
	if (!ret)
		e->state->rflags = rflags;
	return ret;
}

/* IMUL with two operands, or with three, of which the last is an immediate factor. */
static enum emul_result exec_imul(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 src, factor, rflags = e->state->rflags;
	enum emul_result ret;

	ret = emul_read_operand(e, insn->src, 0, &src);
	if (ret)
		return ret;
	factor = insn->imm_size ? insn->imm : emul_read_gpr(e, insn_reg(insn), insn->operand_size);
	emul_write_gpr(e, insn_reg(insn), insn->operand_size,
		       alu_imul(src, factor, insn->operand_size, &rflags));
	e->state->rflags = rflags;
	return EMUL_DONE;
}

/* MUL, IMUL, DIV, IDIV of RDX:RAX, or of AH:AL if the operand is a byte. */
static enum emul_result exec_wide(struct emul *e)
{
	const struct insn *insn = &e->insn;
	unsigned int size = insn->operand_size;
	u64 *gpr = e->state->gpr, rflags = e->state->rflags;
	u64 low = gpr[GPR_RAX] & size_mask(size);
	u64 high = (size == 1 ? gpr[GPR_RAX] >> 8 : gpr[GPR_RDX]) & size_mask(size);
	u64 operand;
	enum emul_result ret = emul_read_operand(e, insn->dst, 0, &operand);

	if (ret)
		return ret;
	if (insn->op == OP_MUL_WIDE || insn->op == OP_IMUL_WIDE)
		alu_multiply(insn->op, &low, &high, operand, size, &rflags);
	else if (!alu_divide(insn->op, &low, &high, operand, size))
		return emul_raise(e, EXC_DE);
	if (size == 1) {
		emul_write_gpr(e, GPR_RAX, 2, (high & 0xff) << 8 | (low & 0xff));
	} else {
		emul_write_gpr(e, GPR_RAX, size, low);
		emul_write_gpr(e, GPR_RDX, size, high);
	}
	e->state->rflags = rflags;
	return EMUL_DONE;
}

/* A bit number in a register can name a bit outside of the operand (SDM 2A BT). */
static u64 bit_string_offset(const struct emul *e, u64 number)
{
	const struct insn *insn = &e->insn;
	u64 offset = emul_memory_offset(e);
	unsigned int size = insn->operand_size;

	if (insn->src == OPD_REG)
		offset += ((s64)sign_extend_size(number, size) >> (size == 8 ? 6 :
								   size == 4 ? 5 :
									       4)) *
			  size;
	return offset & size_mask(insn->address_size);
}

static u64 bit_result(enum insn_op op, u64 value, u64 bit)
{
	switch (op) {
	case OP_BTS:
		return value | bit;
	case OP_BTR:
		return value & ~bit;
	case OP_BTC:
		return value ^ bit;
	default:
		return value;
	}
}

static enum emul_result exec_bit(struct emul *e)
{
	const struct insn *insn = &e->insn;
	unsigned int size = insn->operand_size;
	unsigned int access = insn->op == OP_BT ? 0 : EMUL_ACCESS_WRITE;
	u64 number, bit, offset = 0, old = 0, value;
	enum emul_result ret;

	ret = emul_read_operand(e, insn->src, 0, &number);
	if (ret)
		return ret;
	bit = 1ULL << (number & (8 * size - 1));
	if (insn->has_mem) {
		offset = bit_string_offset(e, number);
		ret = emul_read_memory(e, insn->segment, offset, &old, size, access);
		if (ret)
			return ret;
	} else {
		old = emul_read_gpr(e, insn_rm(insn), size);
	}
	value = bit_result(insn->op, old, bit);
	if (!insn->has_mem && access)
		emul_write_gpr(e, insn_rm(insn), size, value);
	else if (access && (insn->prefixes & INSN_PREFIX_LOCK))
		ret = emul_cmpxchg_memory(e, insn->segment, offset, &old, &value, size);
	else if (access)
		ret = emul_write_memory(e, insn->segment, offset, &value, size);
	if (ret)
		return ret;
	e->state->rflags &= ~(u64)X86_EFLAGS_CF;
	if (old & bit)
		e->state->rflags |= X86_EFLAGS_CF;
	return EMUL_DONE;
}

static enum emul_result exec_xchg(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 dst, src;
	enum emul_result ret;

	ret = emul_read_operand(e, insn->dst, EMUL_ACCESS_WRITE, &dst);
	if (!ret)
		ret = emul_read_operand(e, insn->src, 0, &src);
	if (!ret)
		ret = emul_update_operand(e, insn->dst, dst, src);
	return ret ? ret : emul_write_operand(e, insn->src, dst);
}

static enum emul_result exec_xadd(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 dst, src, sum, rflags = e->state->rflags;
	enum emul_result ret;

	ret = emul_read_operand(e, insn->dst, EMUL_ACCESS_WRITE, &dst);
	if (!ret)
		ret = emul_read_operand(e, insn->src, 0, &src);
	if (ret)
		return ret;
	sum = alu_binary(OP_ADD, dst, src, insn->operand_size, &rflags);
	if (insn->has_mem) {
		ret = emul_update_operand(e, insn->dst, dst, sum);
		if (ret)
			return ret;
	}
	emul_write_operand(e, insn->src, dst);
	if (!insn->has_mem) /* write the sum last, for XADD of a register with itself */
		emul_write_operand(e, insn->dst, sum);
	e->state->rflags = rflags;
	return EMUL_DONE;
}

static enum emul_result exec_cmpxchg(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 dst, src, rflags = e->state->rflags;
	u64 acc = emul_read_gpr(e, GPR_RAX, insn->operand_size);
	enum emul_result ret;

	ret = emul_read_operand(e, insn->dst, EMUL_ACCESS_WRITE, &dst);
	if (!ret)
		ret = emul_read_operand(e, insn->src, 0, &src);
	if (ret)
		return ret;
	alu_binary(OP_CMP, acc, dst, insn->operand_size, &rflags);
	/* Memory is written in both cases (SDM 2A CMPXCHG). */
	if (acc == dst)
		ret = emul_update_operand(e, insn->dst, dst, src);
	else if (insn->has_mem)
		ret = emul_update_operand(e, insn->dst, dst, dst);
	if (ret)
		return ret;
	if (acc != dst)
		emul_write_gpr(e, GPR_RAX, insn->operand_size, dst);
	e->state->rflags = rflags;
	return EMUL_DONE;
}

/* CMPXCHG8B and CMPXCHG16B: @half is 4 or 8. */
static enum emul_result exec_cmpxchg8b(struct emul *e)
{
	const struct insn *insn = &e->insn;
	unsigned int half = insn->rex & INSN_REX_W ? 8 : 4;
	u8 old[16], new[16], *to = new;
	u64 offset = emul_memory_offset(e), linear, low = 0, high = 0;
	enum emul_result ret;
	bool equal;

	ret = emul_linear(e, insn->segment, offset, 2 * half, EMUL_ACCESS_WRITE, &linear);
	if (ret)
		return ret;
	if (half == 8 && (linear & 15))
		return emul_raise(e, EXC_GP);
	ret = e->ops->read(e, linear, old, 2 * half, EMUL_ACCESS_WRITE);
	if (ret)
		return ret;
	memcpy(&low, old, half);
	memcpy(&high, old + half, half);
	equal = low == emul_read_gpr(e, GPR_RAX, half) && high == emul_read_gpr(e, GPR_RDX, half);
	memcpy(new, &e->state->gpr[GPR_RBX], half);
	memcpy(new + half, &e->state->gpr[GPR_RCX], half);
	if (!equal)
		to = old;
	if (insn->prefixes & INSN_PREFIX_LOCK)
		ret = e->ops->exchange(e, linear, old, to, 2 * half);
	else
		ret = e->ops->write(e, linear, to, 2 * half, EMUL_ACCESS_WRITE);
	if (ret)
		return ret;
	e->state->rflags &= ~(u64)X86_EFLAGS_ZF;
	if (equal) {
		e->state->rflags |= X86_EFLAGS_ZF;
		return EMUL_DONE;
	}
	emul_write_gpr(e, GPR_RAX, half, low);
	emul_write_gpr(e, GPR_RDX, half, high);
	return EMUL_DONE;
}

static enum emul_result exec_setcc(struct emul *e)
{
	return emul_write_operand(e, e->insn.dst, alu_condition(e->insn.opcode, e->state->rflags));
}

static enum emul_result exec_cmovcc(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 value;
	enum emul_result ret = emul_read_operand(e, insn->src, 0, &value);

	if (ret)
		return ret;
	/* If the condition is false, a 4-byte destination still has its upper half cleared. */
	if (!alu_condition(insn->opcode, e->state->rflags))
		value = emul_read_gpr(e, insn_reg(insn), insn->operand_size);
	return emul_write_operand(e, insn->dst, value);
}

/* BSF, BSR, TZCNT, LZCNT, POPCNT. */
static enum emul_result exec_count(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 value, count, rflags = e->state->rflags;
	enum emul_result ret = emul_read_operand(e, insn->src, 0, &value);

	if (ret)
		return ret;
	count = alu_count(insn->op, value, insn->operand_size, &rflags);
	/* BSF and BSR write no register if no bit is set (APM 3 BSF). */
	if (value || insn->op >= OP_TZCNT)
		emul_write_operand(e, insn->dst, count);
	e->state->rflags = rflags;
	return EMUL_DONE;
}

static enum emul_result exec_crc32(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 value, crc = emul_read_gpr(e, insn_reg(insn), 4);
	enum emul_result ret = emul_read_operand(e, insn->src, 0, &value);

	if (ret)
		return ret;
	emul_write_gpr(e, insn_reg(insn), 4,
		       alu_crc32(crc, value, emul_operand_size(insn, insn->src)));
	return EMUL_DONE;
}

static enum emul_result exec_xlat(struct emul *e)
{
	u64 offset = e->state->gpr[GPR_RBX] + (e->state->gpr[GPR_RAX] & 0xff), value = 0;
	enum emul_result ret;

	offset &= size_mask(e->insn.address_size);
	ret = emul_read_memory(e, e->insn.segment, offset, &value, 1, 0);
	if (!ret)
		emul_write_gpr(e, GPR_RAX, 1, value);
	return ret;
}

/* CLFLUSH, CLFLUSHOPT, CLWB: checked as a load. MMIO has no cache line to flush. */
static enum emul_result exec_clflush(struct emul *e)
{
	const struct insn *insn = &e->insn;
	const u8 repeat = INSN_PREFIX_REP | INSN_PREFIX_REPNE;
	enum emul_result ret;
	u64 linear;

	/* Without 66 the other opcode is XSAVEOPT. */
	if (!insn->has_mem || (insn->prefixes & repeat) ||
	    (insn_reg(insn) == 6 && !(insn->prefixes & INSN_PREFIX_OPSIZE)))
		return EMUL_UNKNOWN;
	ret = emul_linear(e, insn->segment, emul_memory_offset(e), 1, 0, &linear);
	if (!ret)
		ret = e->ops->probe(e, linear, 1, 0);
	return ret == EMUL_USER ? EMUL_DONE : ret;
}

/* Move 64 bytes to ES, in one access if the device takes so many (SDM 2B MOVDIR64B). */
static enum emul_result exec_movdir64b(struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 to = emul_read_gpr(e, insn_reg(insn), insn->address_size), linear;
	enum emul_result ret;
	u8 data[64];

	if (!insn->has_mem)
		return EMUL_UNKNOWN;
	ret = emul_linear(e, SEG_ES, to, sizeof(data), EMUL_ACCESS_WRITE, &linear);
	if (!ret && linear % sizeof(data))
		return emul_raise(e, EXC_GP);
	if (!ret)
		ret = emul_read_memory(e, insn->segment, emul_memory_offset(e), data, sizeof(data),
				       0);
	return ret ? ret : e->ops->write(e, linear, data, sizeof(data), EMUL_ACCESS_WRITE);
}

enum emul_result exec_data(struct emul *e)
{
	switch (e->insn.op) {
	case OP_ADD ... OP_DEC:
		return exec_arithmetic(e);
	case OP_SHLD:
	case OP_SHRD:
		return exec_double_shift(e);
	case OP_BT ... OP_BTC:
		return exec_bit(e);
	case OP_IMUL:
		return exec_imul(e);
	case OP_MUL_WIDE ... OP_IDIV:
		return exec_wide(e);
	case OP_BSF ... OP_POPCNT:
		return exec_count(e);
	case OP_CRC32:
		return exec_crc32(e);
	case OP_MOV:
	case OP_MOVSX:
		return exec_move(e);
	case OP_MOVBE:
		return exec_movbe(e);
	case OP_XCHG:
		return exec_xchg(e);
	case OP_XADD:
		return exec_xadd(e);
	case OP_CMPXCHG:
		return exec_cmpxchg(e);
	case OP_CMPXCHG8B:
		return exec_cmpxchg8b(e);
	case OP_SETCC:
		return exec_setcc(e);
	case OP_CMOVCC:
		return exec_cmovcc(e);
	case OP_XLAT:
		return exec_xlat(e);
	case OP_CLFLUSH:
		return exec_clflush(e);
	case OP_MOVDIR64B:
		return exec_movdir64b(e);
	}
	return EMUL_UNKNOWN;
}
