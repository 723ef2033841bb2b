// SPDX-License-Identifier: GPL-2.0-only
/*
 * The executor's frame: fetch and decode the instruction, hand it to the file that carries it
 * out, step over it.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"

#define FETCH_PAGE 4096U

enum insn_mode emul_mode(const struct cpu_state *state)
{
	const struct cpu_segment *cs = &state->seg[SEG_CS];

	if (!(state->cr0 & CR0_PE) || (state->rflags & X86_EFLAGS_VM))
		return INSN_MODE_16;
	if ((state->efer & CR_EFER_LMA) && (cs->attrib & SEG_ATTR_L))
		return INSN_MODE_64;
	return cs->attrib & SEG_ATTR_DB ? INSN_MODE_32 : INSN_MODE_16;
}

/*
 * In compatibility mode code has 32 bits, but the CPU's own tables may lie anywhere (SDM 3A 3.5.2).
 */
u64 emul_linear_mask(const struct emul *e, unsigned int access)
{
	if (access & EMUL_ACCESS_SYSTEM && e->state->efer & CR_EFER_LMA)
		return ~0ULL;
	return e->linear_mask;
}

static u8 privilege_level(const struct cpu_state *state)
{
	if (!(state->cr0 & CR0_PE))
		return 0;
	if (state->rflags & X86_EFLAGS_VM)
		return 3;
	return cpu_cpl(state);
}

/*
 * Fetch the @missing bytes and the rest of their page. Do not touch the next page before it is
 * known that the instruction reaches into it.
 */
static enum emul_result fetch_more(struct emul *e, enum insn_mode mode, unsigned int missing)
{
	while (missing) {
		unsigned int room, known = e->byte_count;
		enum emul_result ret;
		u64 linear;

		e->insn.mode = mode;
		ret = emul_code_address(e, e->state->rip + known, &linear);
		if (ret)
			return ret;
		room = min_t(u64, FETCH_PAGE - (linear & (FETCH_PAGE - 1)),
			     INSN_MAX_LENGTH - known);
		if (mode != INSN_MODE_64)
			room = min_t(u64, room,
				     (u64)e->state->seg[SEG_CS].limit - (e->state->rip + known) +
					     1);
		ret = e->ops->fetch(e, linear, e->bytes + known, room);
		if (ret)
			return ret;
		e->byte_count += room;
		missing -= min(missing, room);
	}
	return EMUL_DONE;
}

static enum emul_result fetch_and_decode(struct emul *e, enum insn_mode mode)
{
	enum emul_result ret;
	int missing;

	e->byte_count = min_t(u8, e->byte_count, INSN_MAX_LENGTH);
	for (;;) {
		missing = insn_decode(&e->insn, e->bytes, e->byte_count, mode);
		if (missing <= 0)
			break;
		ret = fetch_more(e, mode, missing);
		if (ret)
			return ret;
	}
	if (missing == -E2BIG)
		return emul_raise(e, EXC_GP);
	return missing ? EMUL_UNKNOWN : EMUL_DONE;
}

enum emul_result emul_decode(struct emul *e)
{
	enum insn_mode mode = emul_mode(e->state);
	enum emul_result ret = EMUL_DONE;

	e->linear_mask = mode == INSN_MODE_64 ? ~0ULL : 0xffffffff;
	e->cpl = privilege_level(e->state);
	e->tf = e->state->rflags & X86_EFLAGS_TF;
	e->tf_trap = false;
	e->shadow = false;
	e->segs_loaded = false;
	if (!e->again || e->insn.mode != mode)
		ret = fetch_and_decode(e, mode);
	e->again = false;
	/* IP is not cut to 16 bits: the limit decides about code beyond FFFF (SDM 1 3.5). */
	e->next_rip = (e->state->rip + e->insn.length) & e->linear_mask;
	return ret;
}

/*
 * An instruction accesses more addresses if it has two operands in memory, or one and uses the
 * stack or a port.
 */
bool emul_has_one_address(const struct emul *e)
{
	switch (e->insn.op) {
	case OP_PUSH:
	case OP_POP:
	case OP_CALL:
		return !e->insn.has_mem;
	case OP_INS:
	case OP_OUTS:
	case OP_MOVS:
	case OP_CMPS:
	case OP_MOVDIR64B:
		return false;
	}
	return true;
}

static void advance(struct emul *e)
{
	struct cpu_state *state = e->state;

	state->rip = e->next_rip;
	e->tf_trap = e->tf;
	state->rflags &= ~(u64)X86_EFLAGS_RF;
}

/* Return false if the operation forbids a prefix that the instruction has. */
static bool is_legal(const struct emul *e)
{
	const struct insn *insn = &e->insn;

	/* LOCK needs a destination in memory, and an operation that allows it (SDM 2A 2.1.1). */
	if ((insn->prefixes & INSN_PREFIX_LOCK) && !(insn->has_mem && (insn->flags & OPC_LOCK)))
		return false;
	/* There is no VEX in real and virtual-8086 mode (SDM 2A 2.3.1). */
	return insn->encoding == INSN_LEGACY || !emul_real(e);
}

static enum emul_result dispatch(struct emul *e)
{
	switch (e->insn.op) {
	case OP_UNKNOWN:
		return EMUL_UNKNOWN;
	case OP_IN ... OP_SCAS:
		return exec_string(e);
	case OP_STORE_SREG ... OP_POP_SREG:
	case OP_PUSH ... OP_RET:
		return exec_stack(e);
	case OP_VECTOR:
		return exec_vector(e);
	}
	return exec_data(e);
}

/*
 * Return true if 64-bit code uses more segments than CS and SS: FS and GS have bases, TR leads
 * to the I/O permission map.
 */
static bool needs_segments(const struct insn *insn)
{
	switch (insn->op) {
	case OP_IN:
	case OP_OUT:
	case OP_INS:
	case OP_OUTS:
	case OP_STORE_SREG ... OP_POP_SREG:
	case OP_PUSH_SREG:
		return true;
	default:
		return insn->segment >= SEG_FS;
	}
}

static enum emul_result execute(struct emul *e)
{
	enum emul_result ret = emul_decode(e);

	if (ret)
		return ret;
	if (e->ops->segments && needs_segments(&e->insn))
		e->ops->segments(e);
	if (!is_legal(e))
		return emul_raise(e, EXC_UD);
	return dispatch(e);
}

enum emul_result emulate(struct emul *e)
{
	enum emul_result ret = execute(e);

	if (ret == EMUL_DONE) {
		advance(e);
		if (e->ops->committed)
			e->ops->committed(e);
	}
	if (ret != EMUL_UNKNOWN) /* the caller reports the bytes of an unknown instruction */
		e->byte_count = 0;
	return ret;
}
