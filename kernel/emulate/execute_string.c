// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O and the string instructions. A REP commits after each iteration, and ends its turn
 * often enough to notice interrupts and signals. String I/O moves as many elements in one
 * callback as their page and the buffer hold.
 */
#include <linux/kernel.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"

#define STRING_PAGE 4096U

/* The types of TSS that have an I/O permission bitmap: 32 and 64 bits. */
#define TSS_AVAILABLE 9
#define TSS_BUSY 11
#define TSS_IO_MAP_BASE 102

static enum emul_result read_tss(struct emul *e, u64 offset, u16 *word)
{
	const struct cpu_segment *tr = &e->state->seg[SEG_TR];

	if (offset + 1 > tr->limit)
		return emul_raise(e, EXC_GP);
	return e->ops->read(e, tr->base + offset, word, sizeof(*word), EMUL_ACCESS_SYSTEM);
}

static bool has_permission_map(const struct cpu_segment *tr)
{
	u8 type = tr->attrib & SEG_ATTR_TYPE;

	return (tr->attrib & SEG_ATTR_P) && (type == TSS_AVAILABLE || type == TSS_BUSY);
}

/*
 * Check the right to use @size ports from @port on: CPL against IOPL, then the I/O permission
 * bitmap in the TSS (SDM 1 19.5.2).
 */
static enum emul_result check_port(struct emul *e, u16 port, unsigned int size)
{
	const struct cpu_state *state = e->state;
	unsigned int iopl = (state->rflags & X86_EFLAGS_IOPL) >> X86_EFLAGS_IOPL_BIT;
	enum emul_result ret;
	u16 base, bits;

	if (!(state->cr0 & CR0_PE) || (!(state->rflags & X86_EFLAGS_VM) && e->cpl <= iopl))
		return EMUL_DONE;
	if (!has_permission_map(&state->seg[SEG_TR]))
		return emul_raise(e, EXC_GP);
	ret = read_tss(e, TSS_IO_MAP_BASE, &base);
	if (!ret) /* read two bytes, because the bits of the ports may lie in both */
		ret = read_tss(e, base + port / 8U, &bits);
	if (ret)
		return ret;
	if (bits >> (port & 7) & ((1U << size) - 1))
		return emul_raise(e, EXC_GP);
	return EMUL_DONE;
}

/* Return the port of IN and OUT: DX, or an immediate that is not sign extended. */
static u16 port_operand(const struct emul *e, u8 operand)
{
	return operand == OPD_IMM ? e->insn.imm & 0xff : e->state->gpr[GPR_RDX] & 0xffff;
}

static enum emul_result exec_in(struct emul *e)
{
	unsigned int size = e->insn.operand_size;
	u16 port = port_operand(e, e->insn.src);
	enum emul_result ret = check_port(e, port, size);
	u64 value = 0;

	if (!ret)
		ret = e->ops->pio_in(e, port, size, 1, &value);
	if (!ret)
		emul_write_gpr(e, GPR_RAX, size, value);
	return ret;
}

static enum emul_result exec_out(struct emul *e)
{
	unsigned int size = e->insn.operand_size;
	u16 port = port_operand(e, e->insn.dst);
	enum emul_result ret = check_port(e, port, size);
	u64 value = emul_read_gpr(e, GPR_RAX, size);

	return ret ? ret : e->ops->pio_out(e, port, size, 1, &value);
}

/* Return RCX, RSI or RDI, cut to the address size. */
static u64 string_register(const struct emul *e, u8 reg)
{
	return e->state->gpr[reg] & size_mask(e->insn.address_size);
}

/* Move RSI or RDI by @count elements in the direction of DF. */
static void string_step(struct emul *e, u8 reg, unsigned int count)
{
	u64 bytes = (u64)count * e->insn.operand_size;
	u64 from = e->state->gpr[reg];

	emul_write_gpr(e, reg, e->insn.address_size,
		       e->state->rflags & X86_EFLAGS_DF ? from - bytes : from + bytes);
}

static enum emul_result string_load(struct emul *e, u64 *value)
{
	*value = 0;
	return emul_read_memory(e, e->insn.segment, string_register(e, GPR_RSI), value,
				e->insn.operand_size, 0);
}

static enum emul_result string_store(struct emul *e, const u64 *value)
{
	/* ES cannot be overridden (SDM 1 7.3.9.1). */
	return emul_write_memory(e, SEG_ES, string_register(e, GPR_RDI), value,
				 e->insn.operand_size);
}

static enum emul_result iterate_movs(struct emul *e)
{
	u64 value;
	enum emul_result ret = string_load(e, &value);

	if (!ret)
		ret = string_store(e, &value);
	if (ret)
		return ret;
	string_step(e, GPR_RSI, 1);
	string_step(e, GPR_RDI, 1);
	return EMUL_DONE;
}

static enum emul_result iterate_stos(struct emul *e)
{
	u64 value = emul_read_gpr(e, GPR_RAX, e->insn.operand_size);
	enum emul_result ret = string_store(e, &value);

	if (!ret)
		string_step(e, GPR_RDI, 1);
	return ret;
}

static enum emul_result iterate_lods(struct emul *e)
{
	u64 value;
	enum emul_result ret = string_load(e, &value);

	if (ret)
		return ret;
	emul_write_gpr(e, GPR_RAX, e->insn.operand_size, value);
	string_step(e, GPR_RSI, 1);
	return EMUL_DONE;
}

/* CMPS compares [RSI] with [RDI], SCAS the accumulator with [RDI]. */
static enum emul_result iterate_compare(struct emul *e)
{
	unsigned int size = e->insn.operand_size;
	u64 first = emul_read_gpr(e, GPR_RAX, size), second = 0;
	enum emul_result ret = EMUL_DONE;

	if (e->insn.op == OP_CMPS)
		ret = string_load(e, &first);
	if (!ret)
		ret = emul_read_memory(e, SEG_ES, string_register(e, GPR_RDI), &second, size, 0);
	if (ret)
		return ret;
	alu_binary(OP_CMP, first, second, size, &e->state->rflags);
	if (e->insn.op == OP_CMPS)
		string_step(e, GPR_RSI, 1);
	string_step(e, GPR_RDI, 1);
	return EMUL_DONE;
}

/*
 * Return the number of elements, at most @wanted, that one callback may move. Several elements
 * must lie in one page, fit into the buffer, not wrap at the address size, and go upwards.
 */
static unsigned int batch_limit(const struct emul *e, u64 offset, u64 linear, unsigned int wanted)
{
	unsigned int size = e->insn.operand_size;
	unsigned int room = STRING_PAGE - (linear & (STRING_PAGE - 1));

	wanted = min(wanted, min_t(unsigned int, room, EMUL_PIO_BATCH) / size);
	if (!wanted || (e->state->rflags & X86_EFLAGS_DF) ||
	    offset + wanted * size - 1 > size_mask(e->insn.address_size))
		return 1;
	return wanted;
}

/*
 * Find the linear address of the elements at @seg:@offset, and the number to move at once, which
 * is more than 1 only if all lie in the segment and in memory. The caller sets @count to the
 * largest number.
 */
static enum emul_result batch(struct emul *e, u8 seg, u64 offset, unsigned int access,
			      unsigned int *count, u64 *linear)
{
	unsigned int size = e->insn.operand_size;
	unsigned int wanted;
	enum emul_result ret;
	u64 last;

	ret = emul_linear(e, seg, offset, size, access, linear);
	if (ret)
		return ret;
	wanted = batch_limit(e, offset, *linear, *count);
	*count = 1;
	/* If the segment ends before the last element, move them one by one. */
	if (wanted > 1 &&
	    emul_linear(e, seg, offset + (wanted - 1) * size, size, access, &last) == EMUL_DONE) {
		ret = e->ops->probe(e, *linear, wanted * size, access);
		if (ret == EMUL_DONE)
			*count = wanted;
	} else {
		ret = e->ops->probe(e, *linear, size, access);
	}
	return ret == EMUL_USER ? EMUL_DONE : ret;
}

/*
 * INS and OUTS. INS reads the port only after the memory is known to take the data, because
 * data that was read from a device cannot be put back.
 */
static enum emul_result iterate_port(struct emul *e, unsigned int *count)
{
	bool in = e->insn.op == OP_INS;
	u8 seg = in ? SEG_ES : e->insn.segment, reg = in ? GPR_RDI : GPR_RSI;
	unsigned int access = in ? EMUL_ACCESS_WRITE : 0, size = e->insn.operand_size;
	u16 port = e->state->gpr[GPR_RDX];
	enum emul_result ret;
	u64 linear;

	ret = check_port(e, port, size);
	if (!ret)
		ret = batch(e, seg, string_register(e, reg), access, count, &linear);
	if (!ret)
		ret = in ? e->ops->pio_in(e, port, size, *count, e->buffer) :
			   e->ops->read(e, linear, e->buffer, *count * size, 0);
	if (!ret)
		ret = in ? e->ops->write(e, linear, e->buffer, *count * size, access) :
			   e->ops->pio_out(e, port, size, *count, e->buffer);
	if (!ret)
		string_step(e, reg, *count);
	return ret;
}

/* Do at most *@count iterations, and set *@count to the number done. */
static enum emul_result iterate(struct emul *e, unsigned int *count)
{
	if (e->insn.op == OP_INS || e->insn.op == OP_OUTS)
		return iterate_port(e, count);
	*count = 1;
	switch (e->insn.op) {
	case OP_MOVS:
		return iterate_movs(e);
	case OP_STOS:
		return iterate_stos(e);
	case OP_LODS:
		return iterate_lods(e);
	}
	return iterate_compare(e);
}

/* ZF ends REPE and REPNE, too (SDM 2B REP). */
static bool compare_ended(const struct emul *e)
{
	bool equal = e->state->rflags & X86_EFLAGS_ZF;

	if (e->insn.op != OP_CMPS && e->insn.op != OP_SCAS)
		return false;
	return equal != !!(e->insn.prefixes & INSN_PREFIX_REP);
}

static bool turn_ended(struct emul *e, unsigned int iterations)
{
	/* With TF set a #DB follows each iteration (SDM 3B 18.3.1.4). */
	e->tf_trap = e->tf;
	if (e->tf_trap || iterations >= EMUL_REP_TURN)
		return true;
	return e->ops->should_stop && e->ops->should_stop(e);
}

static enum emul_result exec_rep(struct emul *e)
{
	u64 left = string_register(e, GPR_RCX);
	unsigned int iterations = 0;

	while (left) {
		unsigned int count = e->tf ? 1 : min_t(u64, left, EMUL_PIO_BATCH);
		enum emul_result ret = iterate(e, &count);

		if (ret)
			return ret;
		left -= count;
		iterations += count;
		emul_write_gpr(e, GPR_RCX, e->insn.address_size, left);
		if (!left || compare_ended(e))
			break;
		if (e->ops->committed)
			e->ops->committed(e);
		if (turn_ended(e, iterations))
			return EMUL_AGAIN;
	}
	return EMUL_DONE;
}

enum emul_result exec_string(struct emul *e)
{
	unsigned int count = 1;

	if (e->insn.op == OP_IN)
		return exec_in(e);
	if (e->insn.op == OP_OUT)
		return exec_out(e);
	if (e->insn.prefixes & (INSN_PREFIX_REP | INSN_PREFIX_REPNE))
		return exec_rep(e);
	return iterate(e, &count);
}
