// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction decoder: it walks prefixes, opcode, ModRM, SIB, displacement and immediates
 * with the help of the opcode tables (SDM 2A chapter 2, APM 3 chapter 1).
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "x86/cpu_state.h"
#include "emulate/decode.h"
#include "emulate/opcodes.h"

/**
 * struct cursor - the bytes of the code and the decoder's position in them
 * @bytes: guest code
 * @len: valid bytes of it, at most 15
 * @pos: bytes consumed
 */
struct cursor {
	const u8 *bytes;
	unsigned int len;
	unsigned int pos;
};

/* Take @size bytes, little endian. Return 0, or an error that insn_decode() is to return. */
static int take(struct cursor *c, unsigned int size, u64 *value)
{
	unsigned int i;

	if (c->pos + size > INSN_MAX_LENGTH)
		return -E2BIG;
	if (c->pos + size > c->len)
		return c->pos + size - c->len;
	*value = 0;
	for (i = 0; i < size; i++)
		*value |= (u64)c->bytes[c->pos + i] << (8 * i);
	c->pos += size;
	return 0;
}

static int take_byte(struct cursor *c, u8 *byte)
{
	u64 value;
	int ret = take(c, 1, &value);

	if (!ret)
		*byte = value;
	return ret;
}

static int take_signed(struct cursor *c, unsigned int size, u64 *value)
{
	unsigned int shift = 64 - 8 * size;
	int ret = take(c, size, value);

	if (!ret)
		*value = (u64)((s64)(*value << shift) >> shift);
	return ret;
}

/*
 * Note a segment override. In 64-bit mode the overrides of ES, CS, SS and DS are ignored, and
 * do not undo an override of FS or GS (APM 3 1.2.4).
 */
static void segment_override(struct insn *insn, u8 seg)
{
	if (insn->mode == INSN_MODE_64 && seg < SEG_FS)
		return;
	insn->prefixes |= INSN_PREFIX_SEGMENT;
	insn->segment = seg;
}

/* Return true if @byte is a legacy prefix, and note it. */
static bool legacy_prefix(struct insn *insn, u8 byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		segment_override(insn, byte >> 3 & 3);
		return true;
	case 0x64:
	case 0x65:
		segment_override(insn, SEG_FS + (byte & 1));
		return true;
	case 0x66:
		insn->prefixes |= INSN_PREFIX_OPSIZE;
		return true;
	case 0x67:
		insn->prefixes |= INSN_PREFIX_ADSIZE;
		return true;
	case 0xf0:
		insn->prefixes |= INSN_PREFIX_LOCK;
		return true;
	case 0xf2:
		insn->prefixes &= ~INSN_PREFIX_REP;
		insn->prefixes |= INSN_PREFIX_REPNE;
		return true;
	case 0xf3:
		insn->prefixes &= ~INSN_PREFIX_REPNE;
		insn->prefixes |= INSN_PREFIX_REP;
		return true;
	}
	return false;
}

/* Take the prefixes. @byte becomes the first byte that is no prefix. */
static int parse_prefixes(struct cursor *c, struct insn *insn, u8 *byte)
{
	for (;;) {
		int ret = take_byte(c, byte);

		if (ret)
			return ret;
		if (legacy_prefix(insn, *byte)) {
			/* REX must directly precede the opcode (SDM 2A 2.2.1). */
			insn->rex = 0;
		} else if (insn->mode == INSN_MODE_64 && (*byte & 0xf0) == 0x40) {
			insn->rex = INSN_REX_PRESENT | (*byte & 0xf);
		} else {
			return 0;
		}
	}
}

static void parse_address_size(struct insn *insn)
{
	bool override = insn->prefixes & INSN_PREFIX_ADSIZE;

	switch (insn->mode) {
	case INSN_MODE_64:
		insn->address_size = override ? 4 : 8;
		break;
	case INSN_MODE_32:
		insn->address_size = override ? 2 : 4;
		break;
	default:
		insn->address_size = override ? 4 : 2;
	}
}

/*
 * Take the fields that VEX3, XOP and EVEX share. The first byte has inverted R, X, B and the map,
 * the second has W, inverted vvvv, L and the implied prefix.
 */
static void vector_prefix_fields(struct insn *insn, u8 p0, u8 p1)
{
	static const u8 implied[4] = { 0, INSN_PREFIX_OPSIZE, INSN_PREFIX_REP, INSN_PREFIX_REPNE };

	/* Outside 64-bit mode there are only eight registers, and W is ignored. */
	if (insn->mode == INSN_MODE_64)
		insn->rex = (~p0 >> 5 & 7) | (p1 & 0x80 ? INSN_REX_W : 0);
	insn->vvvv = ~p1 >> 3 & (insn->mode == INSN_MODE_64 ? 15 : 7);
	insn->vector_length = p1 >> 2 & 1;
	insn->prefixes |= implied[p1 & 3];
}

static int parse_vex(struct cursor *c, struct insn *insn, u8 escape)
{
	u8 p0 = 0xe1, p1;
	int ret = 0;

	if (escape != 0xc5)
		ret = take_byte(c, &p0);
	if (!ret)
		ret = take_byte(c, &p1);
	if (ret)
		return ret;
	if (escape == 0xc5) { /* R is in the place of W; X, B and W are 0 */
		p0 = (p1 & 0x80) | 0x61;
		p1 &= 0x7f;
	}
	insn->encoding = escape == 0x8f ? INSN_XOP : INSN_VEX;
	insn->map = p0 & 0x1f;
	vector_prefix_fields(insn, p0, p1);
	if (insn->encoding == INSN_VEX)
		return insn->map >= INSN_MAP_0F && insn->map <= INSN_MAP_0F3A ? 0 : -EILSEQ;
	return insn->map >= INSN_MAP_XOP8 && insn->map <= INSN_MAP_XOPA ? 0 : -EILSEQ;
}

static int parse_evex(struct cursor *c, struct insn *insn)
{
	u8 p0, p1, p2;
	int ret = take_byte(c, &p0);

	if (!ret)
		ret = take_byte(c, &p1);
	if (!ret)
		ret = take_byte(c, &p2);
	if (ret)
		return ret;
	/* Bit 3 of the first byte is 0, bit 2 of the second 1 (SDM 2A 2.7.1). */
	if ((p0 & 8) || !(p1 & 4))
		return -EILSEQ;
	insn->encoding = INSN_EVEX;
	insn->map = p0 & 7;
	vector_prefix_fields(insn, p0, p1);
	insn->vector_length = p2 >> 5 & 3;
	if (insn->map < INSN_MAP_0F || insn->map == 4 || insn->map > INSN_MAP_EVEX6)
		return -EILSEQ;
	return 0;
}

/*
 * Find out if @byte, the first after the prefixes, starts a VEX, EVEX or XOP prefix. Outside
 * 64-bit mode LES, LDS and BOUND have the same first byte, but never a ModRM.mod of 3
 * (SDM 2A 2.3.5). POP has the first byte of XOP, but its next byte is no XOP map (APM 3 1.2.7).
 */
static int starts_vector_prefix(struct cursor *c, struct insn *insn, u8 byte, bool *vector)
{
	u64 next;
	int ret;

	*vector = false;
	if (byte != 0xc4 && byte != 0xc5 && byte != 0x62 && byte != 0x8f)
		return 0;
	ret = take(c, 1, &next);
	if (ret)
		return ret;
	c->pos--;
	if (byte == 0x8f)
		*vector = (next & 0x1f) >= INSN_MAP_XOP8;
	else
		*vector = insn->mode == INSN_MODE_64 || (next & 0xc0) == 0xc0;
	return 0;
}

static int parse_vector_prefix(struct cursor *c, struct insn *insn, u8 byte)
{
	const u8 banned = INSN_PREFIX_OPSIZE | INSN_PREFIX_LOCK | INSN_PREFIX_REP |
			  INSN_PREFIX_REPNE;

	/* These prefixes and REX must not precede it (SDM 2A 2.3.2 and 2.3.3). */
	if ((insn->prefixes & banned) || insn->rex)
		return -EILSEQ;
	return byte == 0x62 ? parse_evex(c, insn) : parse_vex(c, insn, byte);
}

static int parse_escape(struct cursor *c, struct insn *insn)
{
	int ret = take_byte(c, &insn->opcode);

	if (ret)
		return ret;
	insn->map = INSN_MAP_0F;
	if (insn->opcode == 0x38)
		insn->map = INSN_MAP_0F38;
	else if (insn->opcode == 0x3a)
		insn->map = INSN_MAP_0F3A;
	else if (insn->opcode == 0x0f)
		insn->map = INSN_MAP_3DNOW; /* the opcode is in the place of an immediate */
	else
		return 0;
	return insn->map == INSN_MAP_3DNOW ? 0 : take_byte(c, &insn->opcode);
}

/* Take map and opcode. @byte is the first byte after the prefixes. */
static int parse_opcode(struct cursor *c, struct insn *insn, u8 byte)
{
	bool vector;
	int ret = starts_vector_prefix(c, insn, byte, &vector);

	if (ret)
		return ret;
	if (vector) {
		ret = parse_vector_prefix(c, insn, byte);
		return ret ? ret : take_byte(c, &insn->opcode);
	}
	if (byte == 0x0f)
		return parse_escape(c, insn);
	insn->map = INSN_MAP_PRIMARY;
	insn->opcode = byte;
	return 0;
}

/* Return a row of the 0F map with the change that a prefix makes. */
static struct opcode prefixed_0f(const struct insn *insn, struct opcode row)
{
	bool rep = insn->prefixes & INSN_PREFIX_REP;

	switch (insn->opcode) {
	case 0x78: /* EXTRQ and INSERTQ: two immediates (APM 4) */
		if (insn->prefixes & (INSN_PREFIX_OPSIZE | INSN_PREFIX_REPNE))
			row.flags |= IMM_BB;
		break;
	case 0xb8: /* POPCNT with F3, else JMPE of Itanium */
		if (!rep)
			row.op = OP_UNKNOWN;
		break;
	case 0xbc:
	case 0xbd:
		if (rep)
			row.op += OP_TZCNT - OP_BSF;
	}
	return row;
}

/* The same for 0F38: F2 turns MOVBE into CRC32, MOVDIRI has no prefix, MOVDIR64B has 66. */
static struct opcode prefixed_0f38(const struct insn *insn, struct opcode row)
{
	const u8 mandatory = INSN_PREFIX_OPSIZE | INSN_PREFIX_REP | INSN_PREFIX_REPNE;

	if (insn->opcode == 0xf9 && (insn->prefixes & mandatory))
		row.op = OP_UNKNOWN;
	if (insn->opcode == 0xf8 && (insn->prefixes & mandatory) != INSN_PREFIX_OPSIZE)
		row.op = OP_UNKNOWN;
	if (row.op != OP_MOVBE || !(insn->prefixes & INSN_PREFIX_REPNE))
		return row;
	return (struct opcode){ OP_CRC32, OPD_REG << 4 | (insn->opcode == 0xf0 ? OPD_RM8 : OPD_RM),
				OPC_MODRM };
}

/* Return the row, changed if it is one of the few that depend on mode, prefixes or encoding. */
static struct opcode special_opcode(const struct insn *insn, struct opcode row)
{
	if (insn->encoding != INSN_LEGACY) {
		/* 77, VZEROUPPER and VZEROALL, is the only vector opcode without ModRM. */
		if (!(row.flags & OPC_MODRM) && insn->opcode != 0x77)
			row.flags |= OPC_UD;
		row.flags &= OPC_MODRM | OPC_IMM | OPC_UD;
		row.op = row.op == OP_VECTOR && !(row.flags & OPC_GROUP) ? OP_VECTOR : OP_UNKNOWN;
		return row;
	}
	if (insn->map == INSN_MAP_PRIMARY && insn->opcode == 0x63 && insn->mode == INSN_MODE_64)
		return (struct opcode){ OP_MOVSX, OPD_REG << 4 | OPD_RM32, OPC_MODRM };
	if (insn->map == INSN_MAP_0F)
		return prefixed_0f(insn, row);
	if (insn->map == INSN_MAP_0F38)
		return prefixed_0f38(insn, row);
	return row;
}

static void apply_operand_size(struct insn *insn)
{
	bool override = insn->prefixes & INSN_PREFIX_OPSIZE;

	if (insn->flags & OPC_BYTE)
		insn->operand_size = 1;
	else if (insn->mode == INSN_MODE_64 && (insn->flags & OPC_F64))
		insn->operand_size = 8;
	else if (insn->rex & INSN_REX_W)
		insn->operand_size = insn->flags & OPC_MAX32 ? 4 : 8;
	else if (insn->mode == INSN_MODE_64 && (insn->flags & OPC_D64))
		insn->operand_size = override ? 2 : 8;
	else if (insn->flags & OPC_REG) /* MOV of control and debug registers */
		insn->operand_size = 4;
	else
		insn->operand_size = (insn->mode == INSN_MODE_16) != override ? 2 : 4;
}

static void parse_mem16(struct insn *insn)
{
	static const u8 base[8] = { GPR_RBX, GPR_RBX, GPR_RBP, GPR_RBP,
				    GPR_RSI, GPR_RDI, GPR_RBP, GPR_RBX };
	static const u8 index[4] = { GPR_RSI, GPR_RDI, GPR_RSI, GPR_RDI };
	u8 mod = insn->modrm >> 6, rm = insn->modrm & 7;

	insn->disp_size = mod;
	if (mod == 0 && rm == 6) {
		insn->disp_size = 2;
		return;
	}
	insn->base = base[rm];
	if (rm < 4)
		insn->index = index[rm];
}

static int parse_sib(struct cursor *c, struct insn *insn)
{
	u8 index, base;
	int ret = take_byte(c, &insn->sib);

	if (ret)
		return ret;
	insn->has_sib = true;
	insn->scale = insn->sib >> 6;
	index = (insn->sib >> 3 & 7) | (insn->rex & INSN_REX_X ? 8 : 0);
	base = (insn->sib & 7) | (insn->rex & INSN_REX_B ? 8 : 0);
	if (index != GPR_RSP)
		insn->index = index;
	if ((base & 7) == GPR_RBP && insn->modrm < 0x40)
		insn->disp_size = 4;
	else
		insn->base = base;
	return 0;
}

static int parse_mem32(struct cursor *c, struct insn *insn)
{
	u8 mod = insn->modrm >> 6, rm = insn->modrm & 7;

	insn->disp_size = mod == 2 ? 4 : mod;
	if (rm == 4)
		return parse_sib(c, insn);
	if (mod == 0 && rm == 5) {
		insn->disp_size = 4;
		insn->rip_relative = insn->mode == INSN_MODE_64;
	} else {
		insn->base = insn_rm(insn);
	}
	return 0;
}

/* Take ModRM's memory operand: SIB, displacement, default segment. */
static int parse_memory(struct cursor *c, struct insn *insn)
{
	int ret = 0;

	if (insn->modrm >= 0xc0 || (insn->flags & OPC_REG))
		return 0;
	insn->has_mem = true;
	if (insn->address_size == 2)
		parse_mem16(insn);
	else
		ret = parse_mem32(c, insn);
	if (!ret && insn->disp_size)
		ret = take_signed(c, insn->disp_size, &insn->disp);
	if (!(insn->prefixes & INSN_PREFIX_SEGMENT) &&
	    (insn->base == GPR_RSP || insn->base == GPR_RBP))
		insn->segment = SEG_SS;
	return ret;
}

/* Take a moffs operand: an offset of the address size, in the place of an immediate. */
static int parse_moffs(struct cursor *c, struct insn *insn)
{
	insn->has_mem = true;
	insn->disp_size = insn->address_size;
	return take(c, insn->disp_size, &insn->disp);
}

static int parse_immediates(struct cursor *c, struct insn *insn)
{
	u64 second = 0;
	int ret = 0;

	switch (insn->flags & OPC_IMM) {
	case IMM_NONE:
		return 0;
	case IMM_MOFFS:
		return parse_moffs(c, insn);
	case IMM_BB:
	case IMM_ENTER:
		insn->imm2_size = 1;
		fallthrough;
	case IMM_B:
	case IMM_W:
		insn->imm_size =
			(insn->flags & OPC_IMM) == IMM_B || (insn->flags & OPC_IMM) == IMM_BB ? 1 :
												2;
		break;
	case IMM_D:
		insn->imm_size = 4;
		break;
	case IMM_V:
		insn->imm_size = insn->operand_size;
		break;
	case IMM_FAR:
		insn->imm2_size = 2;
		fallthrough;
	default:
		insn->imm_size = insn->operand_size == 8 ? 4 : insn->operand_size;
	}
	ret = take_signed(c, insn->imm_size, &insn->imm);
	if (!ret && insn->imm2_size)
		ret = take(c, insn->imm2_size, &second);
	insn->imm2 = second;
	return ret;
}

/* Apply the opcode's row once ModRM is known: group member, operands, legality. */
static int apply_opcode(struct insn *insn, struct opcode row)
{
	if (row.flags & OPC_GROUP)
		row = opcode_group_member(row, insn->modrm >> 3 & 7);
	if (row.flags & OPC_UD)
		return -EILSEQ;
	if ((row.flags & OPC_I64) && insn->mode == INSN_MODE_64)
		return -EILSEQ;
	if ((row.flags & OPC_MEM) && insn->modrm >= 0xc0)
		return -EILSEQ;
	insn->op = row.op;
	insn->dst = row.operands >> 4;
	insn->src = row.operands & 0xf;
	insn->flags = row.flags;
	apply_operand_size(insn);
	return 0;
}

static int parse(struct cursor *c, struct insn *insn)
{
	struct opcode row;
	u8 byte;
	int ret;

	ret = parse_prefixes(c, insn, &byte);
	if (!ret)
		ret = parse_opcode(c, insn, byte);
	if (ret)
		return ret;
	parse_address_size(insn);
	row = special_opcode(insn, opcode_lookup(insn->map, insn->opcode));
	if (row.flags & OPC_MODRM) {
		ret = take_byte(c, &insn->modrm);
		if (ret)
			return ret;
		insn->has_modrm = true;
	}
	ret = apply_opcode(insn, row);
	if (!ret && insn->has_modrm)
		ret = parse_memory(c, insn);
	if (ret)
		return ret;
	if (insn->map == INSN_MAP_3DNOW) /* APM 3 A.1.2 */
		return take_byte(c, &insn->opcode);
	return parse_immediates(c, insn);
}

int insn_decode(struct insn *insn, const u8 *bytes, size_t len, enum insn_mode mode)
{
	struct cursor c = { .bytes = bytes, .len = min_t(size_t, len, INSN_MAX_LENGTH) };
	int ret;

	memset(insn, 0, sizeof(*insn));
	insn->mode = mode;
	insn->segment = SEG_DS;
	insn->base = INSN_REG_NONE;
	insn->index = INSN_REG_NONE;
	ret = parse(&c, insn);
	if (ret)
		return ret;
	insn->length = c.pos;
	return 0;
}
