// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operands: registers by number, and memory by segment and offset, with all checks that precede
 * paging (SDM 3A 5.3, 5.4, 3.3.7.1).
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"

/* Return true in real and virtual-8086 mode, where the base of a segment is its selector * 16. */
bool emul_real(const struct emul *e)
{
	return !(e->state->cr0 & CR0_PE) || (e->state->rflags & X86_EFLAGS_VM);
}

/* Note an exception. Return EMUL_FAULT. The error code of #GP, #SS and #AC is 0. */
enum emul_result emul_raise(struct emul *e, u8 vector)
{
	memset(&e->fault, 0, sizeof(e->fault));
	e->fault.vector = vector;
	/* In real mode exceptions have no error code (SDM 3A 21.1.3). */
	if (e->state->cr0 & CR0_PE)
		e->fault.has_error_code = vector == EXC_GP || vector == EXC_SS || vector == EXC_AC;
	return EMUL_FAULT;
}

static bool is_canonical(const struct emul *e, u64 linear)
{
	unsigned int unused = 64 - (e->state->cr4 & CR4_LA57 ? 57 : 48);

	return (u64)((s64)(linear << unused) >> unused) == linear;
}

static bool type_allows(const struct emul *e, const struct cpu_segment *s, unsigned int access)
{
	if (emul_real(e))
		return true;
	if (!(s->attrib & SEG_ATTR_P))
		return false;
	if (s->attrib & TYPE_CODE)
		return !(access & EMUL_ACCESS_WRITE) && (s->attrib & TYPE_READABLE);
	return !(access & EMUL_ACCESS_WRITE) || (s->attrib & TYPE_WRITABLE);
}

static bool limit_allows(const struct cpu_segment *s, u64 offset, unsigned int size)
{
	u64 last = offset + size - 1;

	if ((s->attrib & (TYPE_CODE | TYPE_EXPAND_DOWN)) == TYPE_EXPAND_DOWN)
		return offset > s->limit && last <= (s->attrib & SEG_ATTR_DB ? 0xffffffff : 0xffff);
	return last <= s->limit;
}

/* Check for #AC (SDM 3A 6.15). Operands of more than 8 bytes have rules of their own. */
static bool is_misaligned(const struct emul *e, u64 linear, unsigned int size)
{
	return size <= 8 && (linear & (size - 1)) && e->cpl == 3 && (e->state->cr0 & CR0_AM) &&
	       (e->state->rflags & X86_EFLAGS_AC);
}

/*
 * Check an access of @size bytes, at least 1, against its segment, and compute its linear
 * address. Raises #GP(0), #SS(0) or #AC(0).
 */
enum emul_result emul_linear(struct emul *e, u8 seg, u64 offset, unsigned int size,
			     unsigned int access, u64 *linear)
{
	const struct cpu_segment *s = &e->state->seg[seg];
	bool allowed;

	if (e->insn.mode == INSN_MODE_64) {
		*linear = offset + (seg >= SEG_FS ? s->base : 0);
		allowed = is_canonical(e, *linear) && is_canonical(e, *linear + size - 1);
	} else {
		*linear = (s->base + offset) & e->linear_mask;
		allowed = type_allows(e, s, access) && limit_allows(s, offset, size);
	}
	if (!allowed)
		return emul_raise(e, seg == SEG_SS ? EXC_SS : EXC_GP);
	return is_misaligned(e, *linear, size) ? emul_raise(e, EXC_AC) : EMUL_DONE;
}

/*
 * Check an offset in CS, and compute its linear address. A fetch does not need a readable segment:
 * the offset must lie below the limit or, in 64-bit mode, the address must be canonical. Of
 * @e->insn only the mode has to be valid. Raises #GP(0).
 */
enum emul_result emul_code_address(struct emul *e, u64 offset, u64 *linear)
{
	const struct cpu_segment *cs = &e->state->seg[SEG_CS];

	if (e->insn.mode == INSN_MODE_64)
		return emul_linear(e, SEG_CS, offset, 1, 0, linear);
	if (offset > cs->limit)
		return emul_raise(e, EXC_GP);
	*linear = (cs->base + offset) & e->linear_mask;
	return EMUL_DONE;
}

/* Read memory. @access has EMUL_ACCESS_WRITE if a write of the same bytes will follow. */
enum emul_result emul_read_memory(struct emul *e, u8 seg, u64 offset, void *buf, unsigned int size,
				  unsigned int access)
{
	u64 linear;
	enum emul_result ret = emul_linear(e, seg, offset, size, access, &linear);

	return ret ? ret : e->ops->read(e, linear, buf, size, access);
}

enum emul_result emul_write_memory(struct emul *e, u8 seg, u64 offset, const void *buf,
				   unsigned int size)
{
	u64 linear;
	enum emul_result ret = emul_linear(e, seg, offset, size, EMUL_ACCESS_WRITE, &linear);

	return ret ? ret : e->ops->write(e, linear, buf, size, EMUL_ACCESS_WRITE);
}

/*
 * Replace @old, which was read with EMUL_ACCESS_WRITE, by @new atomically. EMUL_AGAIN: memory
 * differs from @old.
 */
enum emul_result emul_cmpxchg_memory(struct emul *e, u8 seg, u64 offset, const void *old,
				     const void *new, unsigned int size)
{
	u64 linear;
	enum emul_result ret = emul_linear(e, seg, offset, size, EMUL_ACCESS_WRITE, &linear);

	return ret ? ret : e->ops->exchange(e, linear, old, new, size);
}

/* Return the effective address of the memory operand, cut to the address size. */
u64 emul_memory_offset(const struct emul *e)
{
	const struct insn *insn = &e->insn;
	u64 offset = insn->disp;

	if (insn->base != INSN_REG_NONE)
		offset += e->state->gpr[insn->base];
	if (insn->index != INSN_REG_NONE)
		offset += e->state->gpr[insn->index] << insn->scale;
	if (insn->rip_relative)
		offset += e->state->rip + insn->length;
	return offset & size_mask(insn->address_size);
}

/* Without REX the byte registers 4 to 7 are AH, CH, DH and BH (SDM 2A 2.2.1.2). */
static bool is_high_byte(const struct emul *e, u8 reg, unsigned int size)
{
	return size == 1 && reg >= 4 && reg < 8 && !e->insn.rex;
}

/* Read a general-purpose register, 0 to 15, as an operand of 1, 2, 4 or 8 bytes. */
u64 emul_read_gpr(const struct emul *e, u8 reg, unsigned int size)
{
	if (is_high_byte(e, reg, size))
		return e->state->gpr[reg - 4] >> 8 & 0xff;
	return e->state->gpr[reg] & size_mask(size);
}

/* Write a general-purpose register as an operand. 4 bytes clear the upper half. */
void emul_write_gpr(struct emul *e, u8 reg, unsigned int size, u64 value)
{
	u64 mask = size == 4 ? ~0ULL : size_mask(size);

	value &= size_mask(size);
	if (is_high_byte(e, reg, size)) {
		reg -= 4;
		mask <<= 8;
		value <<= 8;
	}
	e->state->gpr[reg] = (e->state->gpr[reg] & ~mask) | value;
}

/* Return the size of an enum insn_operand: its own if it has one, else the operand size. */
unsigned int emul_operand_size(const struct insn *insn, u8 operand)
{
	switch (operand) {
	case OPD_RM8:
	case OPD_CL:
	case OPD_ONE:
		return 1;
	case OPD_RM16:
	case OPD_DX:
		return 2;
	case OPD_RM32:
		return 4;
	}
	return insn->operand_size;
}

/* Return the number of the register that holds an operand. */
static u8 operand_register(const struct insn *insn, u8 operand)
{
	switch (operand) {
	case OPD_REG:
		return insn_reg(insn);
	case OPD_OPREG:
		return (insn->opcode & 7) | (insn->rex & INSN_REX_B ? 8 : 0);
	case OPD_ACC:
		return GPR_RAX;
	case OPD_CL:
		return GPR_RCX;
	case OPD_DX:
		return GPR_RDX;
	}
	return insn_rm(insn);
}

static bool operand_in_memory(const struct insn *insn, u8 operand)
{
	return insn->has_mem && operand >= OPD_RM && operand <= OPD_RM32;
}

/* Read an enum insn_operand. @access has EMUL_ACCESS_WRITE if it will be written, too. */
enum emul_result emul_read_operand(struct emul *e, u8 operand, unsigned int access, u64 *value)
{
	const struct insn *insn = &e->insn;
	unsigned int size = emul_operand_size(insn, operand);

	*value = 0;
	if (operand_in_memory(insn, operand))
		return emul_read_memory(e, insn->segment, emul_memory_offset(e), value, size,
					access);
	if (operand == OPD_IMM)
		*value = insn->imm & size_mask(size);
	else if (operand == OPD_ONE)
		*value = 1;
	else
		*value = emul_read_gpr(e, operand_register(insn, operand), size);
	return EMUL_DONE;
}

/* Write a register or memory. */
enum emul_result emul_write_operand(struct emul *e, u8 operand, u64 value)
{
	const struct insn *insn = &e->insn;
	unsigned int size = emul_operand_size(insn, operand);

	if (operand_in_memory(insn, operand))
		return emul_write_memory(e, insn->segment, emul_memory_offset(e), &value, size);
	emul_write_gpr(e, operand_register(insn, operand), size, value);
	return EMUL_DONE;
}

/*
 * Write an operand that was read with EMUL_ACCESS_WRITE as @old, atomically if the instruction is
 * locked. EMUL_AGAIN: memory has changed.
 */
enum emul_result emul_update_operand(struct emul *e, u8 operand, u64 old, u64 value)
{
	const struct insn *insn = &e->insn;
	bool locked = insn->prefixes & INSN_PREFIX_LOCK;

	/* XCHG is locked even without the prefix (SDM 3A 9.1.2.1). */
	if (operand_in_memory(insn, operand) && (locked || insn->op == OP_XCHG))
		return emul_cmpxchg_memory(e, insn->segment, emul_memory_offset(e), &old, &value,
					   emul_operand_size(insn, operand));
	return emul_write_operand(e, operand, value);
}

enum emul_result emul_read_rm(struct emul *e, unsigned int size, u64 *value)
{
	*value = 0;
	if (e->insn.has_mem)
		return emul_read_memory(e, e->insn.segment, emul_memory_offset(e), value, size, 0);
	*value = emul_read_gpr(e, insn_rm(&e->insn), size);
	return EMUL_DONE;
}

enum emul_result emul_write_rm(struct emul *e, unsigned int size, u64 value)
{
	if (e->insn.has_mem)
		return emul_write_memory(e, e->insn.segment, emul_memory_offset(e), &value, size);
	emul_write_gpr(e, insn_rm(&e->insn), size, value);
	return EMUL_DONE;
}
