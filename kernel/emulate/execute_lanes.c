// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves between memory and parts of vector registers: elements inserted, extracted,
 * repeated, and bytes stored under a mask.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"

enum lane_kind {
	LANE_PAIRS, /* each even 8 bytes, twice */
	LANE_EVEN, /* each even 4 bytes, twice */
	LANE_ODD, /* each odd 4 bytes, twice */
	LANE_REPEAT, /* one element, over the whole register */
	LANE_INSERT,
	LANE_EXTRACT,
	LANE_MASKED, /* bytes of the register, to DS:RDI */
};

/* Properties of a move. */
#define LANE_VEX BIT(0) /* there is no form without VEX */
#define LANE_L0 BIT(1) /* VEX.L must be 0 */
#define LANE_L1 BIT(2) /* VEX.L must be 1 */
#define LANE_REX_W BIT(3) /* 4 bytes, or 8 with REX.W */
#define LANE_W0 BIT(4) /* VEX.W must be 0 */
#define LANE_VVVV BIT(5) /* VEX.vvvv is the register that the rest comes from */
#define LANE_MMX BIT(6)

/**
 * struct lane_move - one such instruction
 * @map: INSN_MAP_*
 * @opcode: opcode
 * @prefix: mandatory prefix, INSN_PREFIX_* or 0
 * @kind: enum lane_kind
 * @size: bytes in memory; 0 for those of the register
 * @flags: LANE_*
 */
struct lane_move {
	u8 map;
	u8 opcode;
	u8 prefix;
	u8 kind;
	u8 size;
	u8 flags;
};

#define OPSIZE INSN_PREFIX_OPSIZE
#define REP INSN_PREFIX_REP
#define REPNE INSN_PREFIX_REPNE
#define REPEAT (LANE_VEX | LANE_W0)
#define HALF (LANE_VEX | LANE_L1 | LANE_W0)

static const struct lane_move moves[] = {
	{ INSN_MAP_0F, 0x12, REPNE, LANE_PAIRS, 0, 0 }, /* MOVDDUP */
	{ INSN_MAP_0F, 0x12, REP, LANE_EVEN, 0, 0 }, /* MOVSLDUP */
	{ INSN_MAP_0F, 0x16, REP, LANE_ODD, 0, 0 }, /* MOVSHDUP */
	{ INSN_MAP_0F, 0xc4, OPSIZE, LANE_INSERT, 2, LANE_L0 | LANE_VVVV }, /* PINSRW */
	{ INSN_MAP_0F, 0xf7, 0, LANE_MASKED, 8, LANE_MMX }, /* MASKMOVQ */
	{ INSN_MAP_0F, 0xf7, OPSIZE, LANE_MASKED, 16, LANE_L0 }, /* MASKMOVDQU */
	{ INSN_MAP_0F38, 0x18, OPSIZE, LANE_REPEAT, 4, REPEAT }, /* VBROADCASTSS */
	{ INSN_MAP_0F38, 0x19, OPSIZE, LANE_REPEAT, 8, HALF }, /* VBROADCASTSD */
	{ INSN_MAP_0F38, 0x1a, OPSIZE, LANE_REPEAT, 16, HALF }, /* VBROADCASTF128 */
	{ INSN_MAP_0F38, 0x58, OPSIZE, LANE_REPEAT, 4, REPEAT }, /* VPBROADCASTD */
	{ INSN_MAP_0F38, 0x59, OPSIZE, LANE_REPEAT, 8, REPEAT }, /* VPBROADCASTQ */
	{ INSN_MAP_0F38, 0x5a, OPSIZE, LANE_REPEAT, 16, HALF }, /* VBROADCASTI128 */
	{ INSN_MAP_0F38, 0x78, OPSIZE, LANE_REPEAT, 1, REPEAT }, /* VPBROADCASTB */
	{ INSN_MAP_0F38, 0x79, OPSIZE, LANE_REPEAT, 2, REPEAT }, /* VPBROADCASTW */
	{ INSN_MAP_0F3A, 0x14, OPSIZE, LANE_EXTRACT, 1, LANE_L0 }, /* PEXTRB */
	{ INSN_MAP_0F3A, 0x15, OPSIZE, LANE_EXTRACT, 2, LANE_L0 }, /* PEXTRW */
	{ INSN_MAP_0F3A, 0x16, OPSIZE, LANE_EXTRACT, 4, LANE_L0 | LANE_REX_W }, /* PEXTRD */
	{ INSN_MAP_0F3A, 0x17, OPSIZE, LANE_EXTRACT, 4, LANE_L0 }, /* EXTRACTPS */
	{ INSN_MAP_0F3A, 0x18, OPSIZE, LANE_INSERT, 16, HALF | LANE_VVVV }, /* VINSERTF128 */
	{ INSN_MAP_0F3A, 0x19, OPSIZE, LANE_EXTRACT, 16, HALF }, /* VEXTRACTF128 */
	{ INSN_MAP_0F3A, 0x20, OPSIZE, LANE_INSERT, 1, LANE_L0 | LANE_VVVV }, /* PINSRB */
	{ INSN_MAP_0F3A, 0x22, OPSIZE, LANE_INSERT, 4,
	  LANE_L0 | LANE_VVVV | LANE_REX_W }, /* PINSRD */
	{ INSN_MAP_0F3A, 0x38, OPSIZE, LANE_INSERT, 16, HALF | LANE_VVVV }, /* VINSERTI128 */
	{ INSN_MAP_0F3A, 0x39, OPSIZE, LANE_EXTRACT, 16, HALF }, /* VEXTRACTI128 */
};

static const struct lane_move *find_move(const struct insn *insn)
{
	u8 prefix = emul_mandatory_prefix(insn);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(moves); i++)
		if (moves[i].map == insn->map && moves[i].opcode == insn->opcode &&
		    moves[i].prefix == prefix)
			return &moves[i];
	return NULL;
}

/* The fields of VEX, and that it is there where it has to be (SDM 2B, 2C). */
static bool is_legal(const struct insn *insn, const struct lane_move *move)
{
	if (insn->encoding != INSN_VEX)
		return !(move->flags & LANE_VEX);
	if (move->flags & (insn->vector_length ? LANE_L0 : LANE_L1))
		return false;
	if (move->flags & LANE_W0 && insn->rex & INSN_REX_W)
		return false;
	return !insn->vvvv || move->flags & LANE_VVVV;
}

static unsigned int register_size(const struct insn *insn)
{
	return insn->encoding == INSN_VEX && insn->vector_length ? 32 : 16;
}

static unsigned int memory_size(const struct insn *insn, const struct lane_move *move)
{
	if (move->flags & LANE_REX_W && insn->rex & INSN_REX_W)
		return 8;
	if (move->kind == LANE_PAIRS && register_size(insn) == 16)
		return 8;
	return move->size ? move->size : register_size(insn);
}

/* Which element an immediate names. */
static unsigned int element_offset(const struct insn *insn, unsigned int size)
{
	return insn->imm * size & (register_size(insn) - 1);
}

/* What was read, spread over a register of @total bytes. */
static void spread(const struct lane_move *move, const u8 *from, unsigned int size, u8 *to,
		   unsigned int total)
{
	unsigned int i;

	for (i = 0; i < total; i++) {
		switch (move->kind) {
		case LANE_PAIRS:
			to[i] = from[i & ~8U];
			break;
		case LANE_EVEN:
			to[i] = from[i & ~4U];
			break;
		case LANE_ODD:
			to[i] = from[i | 4];
			break;
		default:
			to[i] = from[i % size];
		}
	}
}

static enum emul_result load(struct emul *e, const struct lane_move *move, u64 linear,
			     unsigned int size)
{
	const struct insn *insn = &e->insn;
	bool vex = insn->encoding == INSN_VEX;
	u8 source = vex && move->flags & LANE_VVVV ? insn->vvvv : insn_reg(insn);
	unsigned int total = register_size(insn);
	u8 element[32], data[32];
	enum emul_result ret;

	ret = e->ops->read(e, linear, element, size, 0);
	if (!ret && move->kind == LANE_INSERT)
		ret = e->ops->read_xmm(e, source, data, total);
	if (ret)
		return ret;
	if (move->kind == LANE_INSERT)
		memcpy(data + element_offset(insn, size), element, size);
	else
		spread(move, element, size, data, total);
	return e->ops->write_xmm(e, insn_reg(insn), data, total, vex);
}

static enum emul_result extract(struct emul *e, u64 linear, unsigned int size)
{
	enum emul_result ret;
	u8 data[32];

	ret = e->ops->read_xmm(e, insn_reg(&e->insn), data, register_size(&e->insn));
	return ret   ?:
		       e->ops->write(e, linear, data + element_offset(&e->insn, size), size,
				     EMUL_ACCESS_WRITE);
}

/* The bytes from @i to before @end, which the mask lets pass. */
static enum emul_result store_run(struct emul *e, const u8 *data, unsigned int i, unsigned int end)
{
	u64 mask = size_mask(e->insn.address_size), to = e->state->gpr[GPR_RDI], linear, last;
	enum emul_result ret;

	ret = emul_linear(e, e->insn.segment, (to + end - 1) & mask, 1, EMUL_ACCESS_WRITE, &last) ?:
		      emul_linear(e, e->insn.segment, (to + i) & mask, 1, EMUL_ACCESS_WRITE,
				  &linear);
	return ret ?: e->ops->write(e, linear, data + i, end - i, EMUL_ACCESS_WRITE);
}

static enum emul_result store_masked(struct emul *e, const struct lane_move *move)
{
	const struct insn *insn = &e->insn;
	u8 data[16], mask[16];
	unsigned int i, end;
	enum emul_result ret;

	if (move->flags & LANE_MMX)
		ret = e->ops->read_mmx(e, insn_reg(insn) & 7, data) ?:
			      e->ops->read_mmx(e, insn_rm(insn) & 7, mask);
	else
		ret = e->ops->read_xmm(e, insn_reg(insn), data, 16) ?:
			      e->ops->read_xmm(e, insn_rm(insn), mask, 16);
	for (i = 0; i < move->size && !ret; i = end) {
		for (end = i; end < move->size && mask[end] & 0x80; end++)
			;
		if (end == i)
			end++;
		else
			ret = store_run(e, data, i, end);
	}
	return ret;
}

static bool has_callbacks(const struct emul *e)
{
	return e->ops->read_xmm && e->ops->write_xmm && e->ops->read_mmx;
}

enum emul_result exec_lanes(struct emul *e)
{
	const struct insn *insn = &e->insn;
	const struct lane_move *move = find_move(insn);
	unsigned int access, size;
	enum emul_result ret;
	u64 linear;

	if (!move || !has_callbacks(e) || insn->encoding > INSN_VEX)
		return EMUL_UNKNOWN;
	/* Registers alone never exit, but for the one whose memory is implied. */
	if (move->kind == LANE_MASKED ? insn->has_mem : !insn->has_mem)
		return EMUL_UNKNOWN;
	if (!is_legal(insn, move))
		return emul_raise(e, EXC_UD);
	ret = emul_vector_enabled(e, move->flags & LANE_MMX);
	if (ret)
		return ret;
	if (move->kind == LANE_MASKED)
		return store_masked(e, move);
	size = memory_size(insn, move);
	access = move->kind == LANE_EXTRACT ? EMUL_ACCESS_WRITE : 0;
	ret = emul_linear(e, insn->segment, emul_memory_offset(e), size, access, &linear);
	if (ret)
		return ret;
	/* Of those without VEX that read a whole register (SDM 1 11.4.4.1). */
	if (size == 16 && insn->encoding == INSN_LEGACY && linear & 15)
		return emul_raise(e, EXC_GP);
	return move->kind == LANE_EXTRACT ? extract(e, linear, size) : load(e, move, linear, size);
}
