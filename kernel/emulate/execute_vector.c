// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and stores of MMX, XMM and YMM registers, which drivers use on frame buffers and
 * device memory: whole registers, and elements that are loaded, stored, inserted, extracted,
 * repeated, or stored under a mask. Callbacks reach the registers, because kernel code must
 * not use them.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"

enum move_kind {
	MOVE_LOAD, /* memory to the low bytes of the register, zeros to the rest */
	MOVE_STORE, /* one element of the register to memory */
	MOVE_INSERT, /* memory to one element; the others come from a register */
	MOVE_PAIRS, /* each even 8 bytes of memory, twice */
	MOVE_EVEN, /* each even 4 bytes, twice */
	MOVE_ODD, /* each odd 4 bytes, twice */
	MOVE_REPEAT, /* memory, over and over until the register is full */
	MOVE_MASKED, /* the register's bytes that a mask selects, to DS:RDI */
};

/* Properties of a move. */
#define MOVE_ALIGNED BIT(0) /* #GP unless aligned to its size */
#define MOVE_ALIGNED_SSE BIT(1) /* the same, but not with VEX (SDM 1 11.4.4.1) */
#define MOVE_HIGH BIT(2) /* the element is the upper 8 of 16 bytes */
#define MOVE_MMX BIT(3)
#define MOVE_REX_W BIT(4) /* 4 bytes, or 8 with REX.W */
#define MOVE_VEX BIT(5) /* there is no form without VEX */
#define MOVE_L0 BIT(6) /* VEX.L must be 0 */
#define MOVE_L1 BIT(7) /* VEX.L must be 1 */
#define MOVE_L_IGNORED BIT(8) /* VEX.L has no effect */
#define MOVE_W0 BIT(9) /* VEX.W must be 0 */

/**
 * struct vector_move - one instruction
 * @map: INSN_MAP_*
 * @opcode: opcode
 * @prefix: mandatory prefix, INSN_PREFIX_* or 0
 * @kind: enum move_kind
 * @size: bytes in memory, or 0 for as many as the register has
 * @flags: MOVE_*
 */
struct vector_move {
	u8 map;
	u8 opcode;
	u8 prefix;
	u8 kind;
	u8 size;
	u16 flags;
};

#define OPSIZE INSN_PREFIX_OPSIZE
#define REP INSN_PREFIX_REP
#define REPNE INSN_PREFIX_REPNE
#define LIG MOVE_L_IGNORED
#define VEX_W0 (MOVE_VEX | MOVE_W0)
#define VEX_256 (MOVE_VEX | MOVE_L1 | MOVE_W0)

static const struct vector_move moves[] = {
	{ INSN_MAP_0F, 0x10, 0, MOVE_LOAD, 0, 0 }, /* MOVUPS */
	{ INSN_MAP_0F, 0x10, OPSIZE, MOVE_LOAD, 0, 0 }, /* MOVUPD */
	{ INSN_MAP_0F, 0x10, REP, MOVE_LOAD, 4, LIG }, /* MOVSS */
	{ INSN_MAP_0F, 0x10, REPNE, MOVE_LOAD, 8, LIG }, /* MOVSD */
	{ INSN_MAP_0F, 0x11, 0, MOVE_STORE, 0, 0 },
	{ INSN_MAP_0F, 0x11, OPSIZE, MOVE_STORE, 0, 0 },
	{ INSN_MAP_0F, 0x11, REP, MOVE_STORE, 4, LIG },
	{ INSN_MAP_0F, 0x11, REPNE, MOVE_STORE, 8, LIG },
	{ INSN_MAP_0F, 0x12, 0, MOVE_INSERT, 8, MOVE_L0 }, /* MOVLPS */
	{ INSN_MAP_0F, 0x12, OPSIZE, MOVE_INSERT, 8, MOVE_L0 }, /* MOVLPD */
	{ INSN_MAP_0F, 0x12, REP, MOVE_EVEN, 0, MOVE_ALIGNED_SSE }, /* MOVSLDUP */
	{ INSN_MAP_0F, 0x12, REPNE, MOVE_PAIRS, 0, 0 }, /* MOVDDUP */
	{ INSN_MAP_0F, 0x13, 0, MOVE_STORE, 8, MOVE_L0 },
	{ INSN_MAP_0F, 0x13, OPSIZE, MOVE_STORE, 8, MOVE_L0 },
	{ INSN_MAP_0F, 0x16, 0, MOVE_INSERT, 8, MOVE_HIGH | MOVE_L0 }, /* MOVHPS */
	{ INSN_MAP_0F, 0x16, OPSIZE, MOVE_INSERT, 8, MOVE_HIGH | MOVE_L0 }, /* MOVHPD */
	{ INSN_MAP_0F, 0x16, REP, MOVE_ODD, 0, MOVE_ALIGNED_SSE }, /* MOVSHDUP */
	{ INSN_MAP_0F, 0x17, 0, MOVE_STORE, 8, MOVE_HIGH | MOVE_L0 },
	{ INSN_MAP_0F, 0x17, OPSIZE, MOVE_STORE, 8, MOVE_HIGH | MOVE_L0 },
	{ INSN_MAP_0F, 0x28, 0, MOVE_LOAD, 0, MOVE_ALIGNED }, /* MOVAPS */
	{ INSN_MAP_0F, 0x28, OPSIZE, MOVE_LOAD, 0, MOVE_ALIGNED }, /* MOVAPD */
	{ INSN_MAP_0F, 0x29, 0, MOVE_STORE, 0, MOVE_ALIGNED },
	{ INSN_MAP_0F, 0x29, OPSIZE, MOVE_STORE, 0, MOVE_ALIGNED },
	{ INSN_MAP_0F, 0x2b, 0, MOVE_STORE, 0, MOVE_ALIGNED }, /* MOVNTPS */
	{ INSN_MAP_0F, 0x2b, OPSIZE, MOVE_STORE, 0, MOVE_ALIGNED }, /* MOVNTPD */
	{ INSN_MAP_0F, 0x6e, 0, MOVE_LOAD, 4, MOVE_MMX | MOVE_L0 | MOVE_REX_W }, /* MOVD */
	{ INSN_MAP_0F, 0x6e, OPSIZE, MOVE_LOAD, 4, MOVE_L0 | MOVE_REX_W }, /* MOVD */
	{ INSN_MAP_0F, 0x6f, 0, MOVE_LOAD, 8, MOVE_MMX | MOVE_L0 }, /* MOVQ */
	{ INSN_MAP_0F, 0x6f, OPSIZE, MOVE_LOAD, 0, MOVE_ALIGNED }, /* MOVDQA */
	{ INSN_MAP_0F, 0x6f, REP, MOVE_LOAD, 0, 0 }, /* MOVDQU */
	{ INSN_MAP_0F, 0x7e, 0, MOVE_STORE, 4, MOVE_MMX | MOVE_L0 | MOVE_REX_W },
	{ INSN_MAP_0F, 0x7e, OPSIZE, MOVE_STORE, 4, MOVE_L0 | MOVE_REX_W },
	{ INSN_MAP_0F, 0x7e, REP, MOVE_LOAD, 8, MOVE_L0 }, /* MOVQ */
	{ INSN_MAP_0F, 0x7f, 0, MOVE_STORE, 8, MOVE_MMX | MOVE_L0 },
	{ INSN_MAP_0F, 0x7f, OPSIZE, MOVE_STORE, 0, MOVE_ALIGNED },
	{ INSN_MAP_0F, 0x7f, REP, MOVE_STORE, 0, 0 },
	{ INSN_MAP_0F, 0xc4, OPSIZE, MOVE_INSERT, 2, MOVE_L0 }, /* PINSRW */
	{ INSN_MAP_0F, 0xd6, OPSIZE, MOVE_STORE, 8, MOVE_L0 }, /* MOVQ */
	{ INSN_MAP_0F, 0xe7, 0, MOVE_STORE, 8, MOVE_MMX | MOVE_L0 }, /* MOVNTQ */
	{ INSN_MAP_0F, 0xe7, OPSIZE, MOVE_STORE, 0, MOVE_ALIGNED }, /* MOVNTDQ */
	{ INSN_MAP_0F, 0xf0, REPNE, MOVE_LOAD, 0, 0 }, /* LDDQU */
	{ INSN_MAP_0F, 0xf7, 0, MOVE_MASKED, 8, MOVE_MMX }, /* MASKMOVQ */
	{ INSN_MAP_0F, 0xf7, OPSIZE, MOVE_MASKED, 16, MOVE_L0 }, /* MASKMOVDQU */
	{ INSN_MAP_0F38, 0x18, OPSIZE, MOVE_REPEAT, 4, VEX_W0 }, /* VBROADCASTSS */
	{ INSN_MAP_0F38, 0x19, OPSIZE, MOVE_REPEAT, 8, VEX_256 }, /* VBROADCASTSD */
	{ INSN_MAP_0F38, 0x1a, OPSIZE, MOVE_REPEAT, 16, VEX_256 }, /* VBROADCASTF128 */
	{ INSN_MAP_0F38, 0x2a, OPSIZE, MOVE_LOAD, 0, MOVE_ALIGNED }, /* MOVNTDQA */
	{ INSN_MAP_0F38, 0x58, OPSIZE, MOVE_REPEAT, 4, VEX_W0 }, /* VPBROADCASTD */
	{ INSN_MAP_0F38, 0x59, OPSIZE, MOVE_REPEAT, 8, VEX_W0 }, /* VPBROADCASTQ */
	{ INSN_MAP_0F38, 0x5a, OPSIZE, MOVE_REPEAT, 16, VEX_256 }, /* VBROADCASTI128 */
	{ INSN_MAP_0F38, 0x78, OPSIZE, MOVE_REPEAT, 1, VEX_W0 }, /* VPBROADCASTB */
	{ INSN_MAP_0F38, 0x79, OPSIZE, MOVE_REPEAT, 2, VEX_W0 }, /* VPBROADCASTW */
	{ INSN_MAP_0F3A, 0x14, OPSIZE, MOVE_STORE, 1, MOVE_L0 }, /* PEXTRB */
	{ INSN_MAP_0F3A, 0x15, OPSIZE, MOVE_STORE, 2, MOVE_L0 }, /* PEXTRW */
	{ INSN_MAP_0F3A, 0x16, OPSIZE, MOVE_STORE, 4, MOVE_L0 | MOVE_REX_W }, /* PEXTRD */
	{ INSN_MAP_0F3A, 0x17, OPSIZE, MOVE_STORE, 4, MOVE_L0 }, /* EXTRACTPS */
	{ INSN_MAP_0F3A, 0x18, OPSIZE, MOVE_INSERT, 16, VEX_256 }, /* VINSERTF128 */
	{ INSN_MAP_0F3A, 0x19, OPSIZE, MOVE_STORE, 16, VEX_256 }, /* VEXTRACTF128 */
	{ INSN_MAP_0F3A, 0x20, OPSIZE, MOVE_INSERT, 1, MOVE_L0 }, /* PINSRB */
	{ INSN_MAP_0F3A, 0x22, OPSIZE, MOVE_INSERT, 4, MOVE_L0 | MOVE_REX_W }, /* PINSRD */
	{ INSN_MAP_0F3A, 0x38, OPSIZE, MOVE_INSERT, 16, VEX_256 }, /* VINSERTI128 */
	{ INSN_MAP_0F3A, 0x39, OPSIZE, MOVE_STORE, 16, VEX_256 }, /* VEXTRACTI128 */
};

/* F2 and F3 take precedence over 66 (SDM 2A 2.1.2). */
static const struct vector_move *find_move(const struct insn *insn)
{
	u8 repeat = insn->prefixes & (REP | REPNE);
	u8 prefix = repeat ? repeat : insn->prefixes & OPSIZE;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(moves); i++)
		if (moves[i].map == insn->map && moves[i].opcode == insn->opcode &&
		    moves[i].prefix == prefix)
			return &moves[i];
	return NULL;
}

/* Return false if VEX is missing although the move needs it, or has wrong fields (SDM 2B, 2C). */
static bool is_legal(const struct insn *insn, const struct vector_move *move)
{
	if (insn->encoding != INSN_VEX)
		return !(move->flags & MOVE_VEX);
	if (move->flags & (insn->vector_length ? MOVE_L0 : MOVE_L1))
		return false;
	if (move->flags & MOVE_W0 && insn->rex & INSN_REX_W)
		return false;
	return !insn->vvvv || move->kind == MOVE_INSERT;
}

/* Raise #UD or #NM if the guest has not enabled the registers (SDM 2A tables 2-20 to 2-22). */
static enum emul_result check_enabled(struct emul *e, bool mmx)
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

static unsigned int register_size(const struct insn *insn, const struct vector_move *move)
{
	bool wide = insn->encoding == INSN_VEX && insn->vector_length;

	return wide && !(move->flags & MOVE_L_IGNORED) ? 32 : 16;
}

static unsigned int memory_size(const struct insn *insn, const struct vector_move *move)
{
	unsigned int whole = register_size(insn, move);

	if (move->flags & MOVE_REX_W && insn->rex & INSN_REX_W)
		return 8;
	if (move->kind == MOVE_PAIRS && whole == 16)
		return 8;
	return move->size ? move->size : whole;
}

/* Return the offset of the element that the immediate names, or of the first without immediate. */
static unsigned int element_offset(const struct insn *insn, const struct vector_move *move,
				   unsigned int size)
{
	if (move->flags & MOVE_HIGH)
		return 8;
	return insn->imm * size & (register_size(insn, move) - 1);
}

static enum emul_result store(struct emul *e, const struct vector_move *move, u64 linear,
			      unsigned int size)
{
	unsigned int from = element_offset(&e->insn, move, size);
	u8 reg = insn_reg(&e->insn);
	enum emul_result ret;
	u8 data[32];

	if (move->flags & MOVE_MMX)
		ret = e->ops->read_mmx(e, reg & 7, data);
	else
		ret = e->ops->read_xmm(e, reg, data, register_size(&e->insn, move));
	return ret ?: e->ops->write(e, linear, data + from, size, EMUL_ACCESS_WRITE);
}

/* Fill the @total bytes of @to with the @size bytes of @from. */
static void spread(const struct vector_move *move, const u8 *from, unsigned int size, u8 *to,
		   unsigned int total)
{
	unsigned int i;

	for (i = 0; i < total; i++) {
		switch (move->kind) {
		case MOVE_PAIRS:
			to[i] = from[i & ~8U];
			break;
		case MOVE_EVEN:
			to[i] = from[i & ~4U];
			break;
		case MOVE_ODD:
			to[i] = from[i | 4];
			break;
		case MOVE_REPEAT:
			to[i] = from[i % size];
			break;
		default:
			to[i] = i < size ? from[i] : 0;
		}
	}
}

static enum emul_result load(struct emul *e, const struct vector_move *move, u64 linear,
			     unsigned int size)
{
	const struct insn *insn = &e->insn;
	bool vex = insn->encoding == INSN_VEX, insert = move->kind == MOVE_INSERT;
	unsigned int total = register_size(insn, move);
	enum emul_result ret = EMUL_DONE;
	u8 reg = insn_reg(insn);
	u8 element[32], data[32];

	/* With VEX the other elements come from the register in vvvv. */
	if (insert)
		ret = e->ops->read_xmm(e, vex ? insn->vvvv : reg, data, total);
	if (!ret)
		ret = e->ops->read(e, linear, element, size, 0);
	if (ret)
		return ret;
	if (insert)
		memcpy(data + element_offset(insn, move, size), element, size);
	else
		spread(move, element, size, data, total);
	if (move->flags & MOVE_MMX)
		return e->ops->write_mmx(e, reg & 7, data);
	return e->ops->write_xmm(e, reg, data, total, vex);
}

/* Store the bytes from @i to before @end, all of which the mask selects. */
static enum emul_result store_run(struct emul *e, const u8 *data, unsigned int i, unsigned int end)
{
	u64 mask = size_mask(e->insn.address_size), to = e->state->gpr[GPR_RDI], linear, last;
	enum emul_result ret;

	ret = emul_linear(e, e->insn.segment, (to + end - 1) & mask, 1, EMUL_ACCESS_WRITE, &last);
	if (!ret)
		ret = emul_linear(e, e->insn.segment, (to + i) & mask, 1, EMUL_ACCESS_WRITE,
				  &linear);
	return ret ?: e->ops->write(e, linear, data + i, end - i, EMUL_ACCESS_WRITE);
}

static enum emul_result store_masked(struct emul *e, const struct vector_move *move)
{
	const struct insn *insn = &e->insn;
	u8 data[16], mask[16];
	unsigned int i, end;
	enum emul_result ret;

	if (move->flags & MOVE_MMX)
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

enum emul_result exec_vector(struct emul *e)
{
	const struct insn *insn = &e->insn;
	const struct vector_move *move = find_move(insn);
	bool legacy = insn->encoding == INSN_LEGACY;
	unsigned int access, size;
	enum emul_result ret;
	u64 linear;

	if (!move || insn->encoding > INSN_VEX)
		return EMUL_UNKNOWN;
	/* Only accesses to memory exit. The memory of a masked store is implied: DS:RDI. */
	if (move->kind == MOVE_MASKED ? insn->has_mem : !insn->has_mem)
		return EMUL_UNKNOWN;
	if (!is_legal(insn, move))
		return emul_raise(e, EXC_UD);
	ret = check_enabled(e, move->flags & MOVE_MMX);
	if (ret)
		return ret;
	if (move->kind == MOVE_MASKED)
		return store_masked(e, move);
	size = memory_size(insn, move);
	access = move->kind == MOVE_STORE ? EMUL_ACCESS_WRITE : 0;
	ret = emul_linear(e, insn->segment, emul_memory_offset(e), size, access, &linear);
	if (ret)
		return ret;
	if ((move->flags & MOVE_ALIGNED || (move->flags & MOVE_ALIGNED_SSE && legacy)) &&
	    linear & (size - 1))
		return emul_raise(e, EXC_GP);
	return access ? store(e, move, linear, size) : load(e, move, linear, size);
}
