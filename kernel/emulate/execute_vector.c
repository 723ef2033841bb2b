// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and stores of MMX, XMM and YMM registers, which drivers use on frame
 * buffers and device memory. The registers are the caller's to reach: kernel
 * code does not use them.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"

/* Flags of a move. */
#define MOVE_STORE BIT(0)
#define MOVE_ALIGNED BIT(1) /* #GP unless aligned to its size */
#define MOVE_HIGH BIT(2) /* the upper 8 bytes of the register */
#define MOVE_MERGE BIT(3) /* a load that keeps the other 8 bytes */
#define MOVE_MMX BIT(4)
#define MOVE_REX_W BIT(5) /* 4 bytes, or 8 with REX.W */

/* The whole register: 16 bytes, or 32 with VEX.L. */
#define MOVE_WHOLE 0

/**
 * struct vector_move - one load or store
 * @map: INSN_MAP_*
 * @opcode: opcode
 * @prefix: mandatory prefix, INSN_PREFIX_* or 0
 * @size: bytes in memory, or MOVE_WHOLE
 * @flags: MOVE_*
 */
struct vector_move {
	u8 map;
	u8 opcode;
	u8 prefix;
	u8 size;
	u8 flags;
};

#define OPSIZE INSN_PREFIX_OPSIZE
#define REP INSN_PREFIX_REP
#define REPNE INSN_PREFIX_REPNE

static const struct vector_move moves[] = {
	{ INSN_MAP_0F, 0x10, 0, MOVE_WHOLE, 0 }, /* MOVUPS */
	{ INSN_MAP_0F, 0x10, OPSIZE, MOVE_WHOLE, 0 }, /* MOVUPD */
	{ INSN_MAP_0F, 0x10, REP, 4, 0 }, /* MOVSS */
	{ INSN_MAP_0F, 0x10, REPNE, 8, 0 }, /* MOVSD */
	{ INSN_MAP_0F, 0x11, 0, MOVE_WHOLE, MOVE_STORE },
	{ INSN_MAP_0F, 0x11, OPSIZE, MOVE_WHOLE, MOVE_STORE },
	{ INSN_MAP_0F, 0x11, REP, 4, MOVE_STORE },
	{ INSN_MAP_0F, 0x11, REPNE, 8, MOVE_STORE },
	{ INSN_MAP_0F, 0x12, 0, 8, MOVE_MERGE }, /* MOVLPS */
	{ INSN_MAP_0F, 0x12, OPSIZE, 8, MOVE_MERGE }, /* MOVLPD */
	{ INSN_MAP_0F, 0x13, 0, 8, MOVE_STORE },
	{ INSN_MAP_0F, 0x13, OPSIZE, 8, MOVE_STORE },
	{ INSN_MAP_0F, 0x16, 0, 8, MOVE_MERGE | MOVE_HIGH }, /* MOVHPS */
	{ INSN_MAP_0F, 0x16, OPSIZE, 8, MOVE_MERGE | MOVE_HIGH }, /* MOVHPD */
	{ INSN_MAP_0F, 0x17, 0, 8, MOVE_STORE | MOVE_HIGH },
	{ INSN_MAP_0F, 0x17, OPSIZE, 8, MOVE_STORE | MOVE_HIGH },
	{ INSN_MAP_0F, 0x28, 0, MOVE_WHOLE, MOVE_ALIGNED }, /* MOVAPS */
	{ INSN_MAP_0F, 0x28, OPSIZE, MOVE_WHOLE, MOVE_ALIGNED }, /* MOVAPD */
	{ INSN_MAP_0F, 0x29, 0, MOVE_WHOLE, MOVE_STORE | MOVE_ALIGNED },
	{ INSN_MAP_0F, 0x29, OPSIZE, MOVE_WHOLE, MOVE_STORE | MOVE_ALIGNED },
	{ INSN_MAP_0F, 0x2b, 0, MOVE_WHOLE, MOVE_STORE | MOVE_ALIGNED }, /* MOVNTPS */
	{ INSN_MAP_0F, 0x2b, OPSIZE, MOVE_WHOLE, MOVE_STORE | MOVE_ALIGNED }, /* MOVNTPD */
	{ INSN_MAP_0F, 0x6e, 0, 4, MOVE_MMX | MOVE_REX_W }, /* MOVD */
	{ INSN_MAP_0F, 0x6e, OPSIZE, 4, MOVE_REX_W }, /* MOVD */
	{ INSN_MAP_0F, 0x6f, 0, 8, MOVE_MMX }, /* MOVQ */
	{ INSN_MAP_0F, 0x6f, OPSIZE, MOVE_WHOLE, MOVE_ALIGNED }, /* MOVDQA */
	{ INSN_MAP_0F, 0x6f, REP, MOVE_WHOLE, 0 }, /* MOVDQU */
	{ INSN_MAP_0F, 0x7e, 0, 4, MOVE_STORE | MOVE_MMX | MOVE_REX_W },
	{ INSN_MAP_0F, 0x7e, OPSIZE, 4, MOVE_STORE | MOVE_REX_W },
	{ INSN_MAP_0F, 0x7e, REP, 8, 0 }, /* MOVQ */
	{ INSN_MAP_0F, 0x7f, 0, 8, MOVE_STORE | MOVE_MMX },
	{ INSN_MAP_0F, 0x7f, OPSIZE, MOVE_WHOLE, MOVE_STORE | MOVE_ALIGNED },
	{ INSN_MAP_0F, 0x7f, REP, MOVE_WHOLE, MOVE_STORE },
	{ INSN_MAP_0F, 0xd6, OPSIZE, 8, MOVE_STORE }, /* MOVQ */
	{ INSN_MAP_0F, 0xe7, 0, 8, MOVE_STORE | MOVE_MMX }, /* MOVNTQ */
	{ INSN_MAP_0F, 0xe7, OPSIZE, MOVE_WHOLE, MOVE_STORE | MOVE_ALIGNED }, /* MOVNTDQ */
	{ INSN_MAP_0F, 0xf0, REPNE, MOVE_WHOLE, 0 }, /* LDDQU */
	{ INSN_MAP_0F38, 0x2a, OPSIZE, MOVE_WHOLE, MOVE_ALIGNED }, /* MOVNTDQA */
};

/* F2 and F3 win over 66 (SDM 2A 2.1.2). */
u8 emul_mandatory_prefix(const struct insn *insn)
{
	u8 repeat = insn->prefixes & (REP | REPNE);

	return repeat ? repeat : insn->prefixes & OPSIZE;
}

static const struct vector_move *find_move(const struct insn *insn)
{
	u8 prefix = emul_mandatory_prefix(insn);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(moves); i++)
		if (moves[i].map == insn->map && moves[i].opcode == insn->opcode &&
		    moves[i].prefix == prefix)
			return &moves[i];
	return NULL;
}

enum emul_result emul_vector_enabled(struct emul *e, bool mmx)
{
	const struct cpu_state *state = e->state;

	if (e->insn.encoding == INSN_VEX) {
		if (!(state->cr4 & CR4_OSXSAVE) || mmx)
			return emul_raise(e, EXC_UD);
	} else if (state->cr0 & CR0_EM) {
		return emul_raise(e, EXC_UD);
	} else if (!mmx && !(state->cr4 & CR4_OSFXSR)) {
		return emul_raise(e, EXC_UD);
	}
	return state->cr0 & CR0_TS ? emul_raise(e, EXC_NM) : EMUL_DONE;
}

/* VEX fields that the moves must leave at their defaults (SDM 2B). */
static bool vex_fields_legal(const struct insn *insn, const struct vector_move *move)
{
	bool scalar = insn->opcode == 0x10 || insn->opcode == 0x11; /* VEX.L ignored */

	if (insn->encoding != INSN_VEX)
		return true;
	if (insn->vvvv && !(move->flags & MOVE_MERGE))
		return false;
	return !insn->vector_length || move->size == MOVE_WHOLE || scalar;
}

static unsigned int move_size(const struct insn *insn, const struct vector_move *move)
{
	if (move->size == MOVE_WHOLE)
		return insn->encoding == INSN_VEX && insn->vector_length ? 32 : 16;
	if ((move->flags & MOVE_REX_W) && (insn->rex & INSN_REX_W))
		return 8;
	return move->size;
}

static enum emul_result store(struct emul *e, const struct vector_move *move, u64 linear,
			      unsigned int size)
{
	unsigned int from = move->flags & MOVE_HIGH ? 8 : 0;
	enum emul_result ret;
	u8 data[32];

	if (move->flags & MOVE_MMX)
		ret = e->ops->read_mmx(e, insn_reg(&e->insn) & 7, data);
	else
		ret = e->ops->read_xmm(e, insn_reg(&e->insn), data, max(size, 16U));
	return ret ? ret : e->ops->write(e, linear, data + from, size, EMUL_ACCESS_WRITE);
}

static enum emul_result load(struct emul *e, const struct vector_move *move, u64 linear,
			     unsigned int size)
{
	const struct insn *insn = &e->insn;
	unsigned int to = move->flags & MOVE_HIGH ? 8 : 0;
	bool vex = insn->encoding == INSN_VEX;
	enum emul_result ret = EMUL_DONE;
	u8 data[32] = { 0 };

	/* VEX takes what is kept from the register in vvvv. */
	if (move->flags & MOVE_MERGE)
		ret = e->ops->read_xmm(e, vex ? insn->vvvv : insn_reg(insn), data, 16);
	if (!ret)
		ret = e->ops->read(e, linear, data + to, size, 0);
	if (ret)
		return ret;
	if (move->flags & MOVE_MMX)
		return e->ops->write_mmx(e, insn_reg(insn) & 7, data);
	return e->ops->write_xmm(e, insn_reg(insn), data, max(size, 16U), vex);
}

static bool has_callbacks(const struct emul *e, const struct vector_move *move)
{
	if (move->flags & MOVE_MMX)
		return e->ops->read_mmx && e->ops->write_mmx;
	return e->ops->read_xmm && e->ops->write_xmm;
}

enum emul_result exec_vector(struct emul *e)
{
	const struct insn *insn = &e->insn;
	const struct vector_move *move = find_move(insn);
	enum emul_result ret;
	unsigned int size;
	u64 linear;

	if (!move)
		return exec_lanes(e);
	if (!insn->has_mem || !has_callbacks(e, move) || insn->encoding > INSN_VEX)
		return EMUL_UNKNOWN;
	if (!vex_fields_legal(insn, move))
		return emul_raise(e, EXC_UD);
	ret = emul_vector_enabled(e, move->flags & MOVE_MMX);
	if (ret)
		return ret;
	size = move_size(insn, move);
	ret = emul_linear(e, insn->segment, emul_memory_offset(e), size,
			  move->flags & MOVE_STORE ? EMUL_ACCESS_WRITE : 0, &linear);
	if (ret)
		return ret;
	if ((move->flags & MOVE_ALIGNED) && (linear & (size - 1)))
		return emul_raise(e, EXC_GP);
	return move->flags & MOVE_STORE ? store(e, move, linear, size) :
					  load(e, move, linear, size);
}
