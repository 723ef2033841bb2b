// SPDX-License-Identifier: GPL-2.0-only
/*
 * The opcode tables of the decoder (SDM 2D appendix A, APM 3 appendix A). The row of an
 * instruction that the executor does not know has only the flags that determine its length.
 */
#include <linux/kernel.h>
#include <linux/types.h>

#include "emulate/decode.h"
#include "emulate/opcodes.h"

/* Groups of instructions that share an opcode. ModRM.reg selects one from the row in groups[]. */
enum opcode_group {
	GROUP_1,
	GROUP_1A,
	GROUP_2,
	GROUP_3,
	GROUP_4,
	GROUP_5,
	GROUP_8,
	GROUP_9,
	GROUP_11,
	GROUP_15,
};

#define ROW(o, d, s, f)                                                     \
	{                                                                   \
		.op = (o), .operands = OPD_##d << 4 | OPD_##s, .flags = (f) \
	}
#define LEN(f) ROW(OP_UNKNOWN, NONE, NONE, f)
#define UD LEN(OPC_UD)
#define M OPC_MODRM
#define B OPC_BYTE

#define ALU_FORMS 6

/* The six forms of each of the eight arithmetic operations, 00 to 3D. */
static const struct opcode alu_forms[ALU_FORMS] = {
	ROW(OP_ADD, RM, REG, M | B), ROW(OP_ADD, RM, REG, M),	       ROW(OP_ADD, REG, RM, M | B),
	ROW(OP_ADD, REG, RM, M),     ROW(OP_ADD, ACC, IMM, B | IMM_Z), ROW(OP_ADD, ACC, IMM, IMM_Z),
};

/* All other opcodes of one byte. */
static const struct opcode primary[256] = {
	[0x06] = ROW(OP_PUSH_SREG, NONE, NONE, OPC_I64),
	[0x07] = ROW(OP_POP_SREG, NONE, NONE, OPC_I64),
	[0x0e] = ROW(OP_PUSH_SREG, NONE, NONE, OPC_I64),
	[0x0f] = UD, /* escape */
	[0x16] = ROW(OP_PUSH_SREG, NONE, NONE, OPC_I64),
	[0x17] = ROW(OP_POP_SREG, NONE, NONE, OPC_I64),
	[0x1e] = ROW(OP_PUSH_SREG, NONE, NONE, OPC_I64),
	[0x1f] = ROW(OP_POP_SREG, NONE, NONE, OPC_I64),
	[0x26] = UD, /* prefix */
	[0x27] = LEN(OPC_I64),
	[0x2e] = UD, /* prefix */
	[0x2f] = LEN(OPC_I64),
	[0x36] = UD, /* prefix */
	[0x37] = LEN(OPC_I64),
	[0x3e] = UD, /* prefix */
	[0x3f] = LEN(OPC_I64),
	[0x40 ... 0x47] = ROW(OP_INC, OPREG, NONE, OPC_I64),
	[0x48 ... 0x4f] = ROW(OP_DEC, OPREG, NONE, OPC_I64),
	[0x50 ... 0x57] = ROW(OP_PUSH, NONE, OPREG, OPC_D64),
	[0x58 ... 0x5f] = ROW(OP_POP, OPREG, NONE, OPC_D64),
	[0x60] = ROW(OP_PUSHA, NONE, NONE, OPC_I64),
	[0x61] = ROW(OP_POPA, NONE, NONE, OPC_I64),
	[0x62] = LEN(M | OPC_I64 | OPC_MEM),
	/* ARPL; the decoder makes it MOVSXD in 64-bit mode */
	[0x63] = LEN(M | OPC_I64),
	[0x64 ... 0x67] = UD, /* prefixes */
	[0x68] = ROW(OP_PUSH, NONE, IMM, OPC_D64 | IMM_Z),
	[0x69] = ROW(OP_IMUL, REG, RM, M | IMM_Z),
	[0x6a] = ROW(OP_PUSH, NONE, IMM, OPC_D64 | IMM_B),
	[0x6b] = ROW(OP_IMUL, REG, RM, M | IMM_B),
	[0x6c] = ROW(OP_INS, NONE, DX, B),
	[0x6d] = ROW(OP_INS, NONE, DX, OPC_MAX32),
	[0x6e] = ROW(OP_OUTS, DX, NONE, B),
	[0x6f] = ROW(OP_OUTS, DX, NONE, OPC_MAX32),
	[0x70 ... 0x7f] = LEN(OPC_F64 | IMM_B),
	[0x80] = ROW(GROUP_1, RM, IMM, OPC_GROUP | M | B | IMM_B),
	[0x81] = ROW(GROUP_1, RM, IMM, OPC_GROUP | M | IMM_Z),
	[0x82] = ROW(GROUP_1, RM, IMM, OPC_GROUP | M | B | IMM_B | OPC_I64),
	[0x83] = ROW(GROUP_1, RM, IMM, OPC_GROUP | M | IMM_B),
	[0x84] = ROW(OP_TEST, RM, REG, M | B),
	[0x85] = ROW(OP_TEST, RM, REG, M),
	[0x86] = ROW(OP_XCHG, RM, REG, M | B | OPC_LOCK),
	[0x87] = ROW(OP_XCHG, RM, REG, M | OPC_LOCK),
	[0x88] = ROW(OP_MOV, RM, REG, M | B),
	[0x89] = ROW(OP_MOV, RM, REG, M),
	[0x8a] = ROW(OP_MOV, REG, RM, M | B),
	[0x8b] = ROW(OP_MOV, REG, RM, M),
	[0x8c] = ROW(OP_STORE_SREG, RM, NONE, M),
	[0x8d] = LEN(M | OPC_MEM),
	[0x8e] = ROW(OP_LOAD_SREG, NONE, RM16, M),
	[0x8f] = ROW(GROUP_1A, RM, NONE, OPC_GROUP | M | OPC_D64),
	[0x90] = LEN(0),
	[0x91 ... 0x97] = ROW(OP_XCHG, OPREG, ACC, 0),
	[0x98] = LEN(0),
	[0x99] = LEN(0),
	[0x9a] = LEN(OPC_I64 | IMM_FAR),
	[0x9b] = LEN(0),
	[0x9c] = ROW(OP_PUSHF, NONE, NONE, OPC_D64),
	[0x9d] = ROW(OP_POPF, NONE, NONE, OPC_D64),
	[0x9e] = LEN(0),
	[0x9f] = LEN(0),
	[0xa0] = ROW(OP_MOV, ACC, RM, B | IMM_MOFFS),
	[0xa1] = ROW(OP_MOV, ACC, RM, IMM_MOFFS),
	[0xa2] = ROW(OP_MOV, RM, ACC, B | IMM_MOFFS),
	[0xa3] = ROW(OP_MOV, RM, ACC, IMM_MOFFS),
	[0xa4] = ROW(OP_MOVS, NONE, NONE, B),
	[0xa5] = ROW(OP_MOVS, NONE, NONE, 0),
	[0xa6] = ROW(OP_CMPS, NONE, NONE, B),
	[0xa7] = ROW(OP_CMPS, NONE, NONE, 0),
	[0xa8] = ROW(OP_TEST, ACC, IMM, B | IMM_Z),
	[0xa9] = ROW(OP_TEST, ACC, IMM, IMM_Z),
	[0xaa] = ROW(OP_STOS, NONE, NONE, B),
	[0xab] = ROW(OP_STOS, NONE, NONE, 0),
	[0xac] = ROW(OP_LODS, NONE, NONE, B),
	[0xad] = ROW(OP_LODS, NONE, NONE, 0),
	[0xae] = ROW(OP_SCAS, NONE, NONE, B),
	[0xaf] = ROW(OP_SCAS, NONE, NONE, 0),
	[0xb0 ... 0xb7] = ROW(OP_MOV, OPREG, IMM, B | IMM_B),
	[0xb8 ... 0xbf] = ROW(OP_MOV, OPREG, IMM, IMM_V),
	[0xc0] = ROW(GROUP_2, RM, IMM, OPC_GROUP | M | B | IMM_B),
	[0xc1] = ROW(GROUP_2, RM, IMM, OPC_GROUP | M | IMM_B),
	[0xc2] = ROW(OP_RET, NONE, NONE, OPC_F64 | IMM_W),
	[0xc3] = ROW(OP_RET, NONE, NONE, OPC_F64),
	[0xc4] = ROW(OP_LOAD_FAR, REG, NONE, M | OPC_I64 | OPC_MEM),
	[0xc5] = ROW(OP_LOAD_FAR, REG, NONE, M | OPC_I64 | OPC_MEM),
	[0xc6] = ROW(GROUP_11, RM, IMM, OPC_GROUP | M | B | IMM_B),
	[0xc7] = ROW(GROUP_11, RM, IMM, OPC_GROUP | M | IMM_Z),
	[0xc8] = ROW(OP_ENTER, NONE, NONE, OPC_D64 | IMM_ENTER),
	[0xc9] = ROW(OP_LEAVE, NONE, NONE, OPC_D64),
	[0xca] = LEN(IMM_W),
	[0xcb] = LEN(0),
	[0xcc] = LEN(0),
	[0xcd] = LEN(IMM_B),
	[0xce] = LEN(OPC_I64),
	[0xcf] = LEN(0),
	[0xd0] = ROW(GROUP_2, RM, ONE, OPC_GROUP | M | B),
	[0xd1] = ROW(GROUP_2, RM, ONE, OPC_GROUP | M),
	[0xd2] = ROW(GROUP_2, RM, CL, OPC_GROUP | M | B),
	[0xd3] = ROW(GROUP_2, RM, CL, OPC_GROUP | M),
	[0xd4] = LEN(OPC_I64 | IMM_B),
	[0xd5] = LEN(OPC_I64 | IMM_B),
	[0xd6] = LEN(OPC_I64),
	[0xd7] = ROW(OP_XLAT, NONE, NONE, B),
	[0xd8 ... 0xdf] = LEN(M),
	[0xe0 ... 0xe3] = LEN(OPC_F64 | IMM_B),
	[0xe4] = ROW(OP_IN, ACC, IMM, B | IMM_B),
	[0xe5] = ROW(OP_IN, ACC, IMM, OPC_MAX32 | IMM_B),
	[0xe6] = ROW(OP_OUT, IMM, ACC, B | IMM_B),
	[0xe7] = ROW(OP_OUT, IMM, ACC, OPC_MAX32 | IMM_B),
	[0xe8] = ROW(OP_CALL, NONE, IMM, OPC_F64 | IMM_Z),
	[0xe9] = LEN(OPC_F64 | IMM_Z),
	[0xea] = LEN(OPC_I64 | IMM_FAR),
	[0xeb] = LEN(OPC_F64 | IMM_B),
	[0xec] = ROW(OP_IN, ACC, DX, B),
	[0xed] = ROW(OP_IN, ACC, DX, OPC_MAX32),
	[0xee] = ROW(OP_OUT, DX, ACC, B),
	[0xef] = ROW(OP_OUT, DX, ACC, OPC_MAX32),
	[0xf0] = UD, /* prefix */
	[0xf1] = LEN(0),
	[0xf2] = UD, /* prefix */
	[0xf3] = UD, /* prefix */
	[0xf4] = LEN(0),
	[0xf5] = LEN(0),
	[0xf6] = ROW(GROUP_3, RM, NONE, OPC_GROUP | M | B),
	[0xf7] = ROW(GROUP_3, RM, NONE, OPC_GROUP | M),
	[0xf8 ... 0xfd] = LEN(0),
	[0xfe] = ROW(GROUP_4, RM, NONE, OPC_GROUP | M | B),
	[0xff] = ROW(GROUP_5, RM, NONE, OPC_GROUP | M),
};

static const struct opcode escape_0f[256] = {
	[0x00 ... 0x03] = LEN(M),
	[0x04] = UD,
	[0x05 ... 0x09] = LEN(0),
	[0x0a] = UD,
	[0x0b] = LEN(0),
	[0x0c] = UD,
	[0x0d] = LEN(M),
	[0x0e] = LEN(0),
	[0x0f] = UD, /* the decoder handles 3DNow! */
	[0x10 ... 0x17] = ROW(OP_VECTOR, NONE, NONE, M),
	[0x18 ... 0x1f] = LEN(M),
	[0x20 ... 0x23] = LEN(M | OPC_REG | OPC_F64),
	[0x24 ... 0x27] = UD,
	[0x28 ... 0x29] = ROW(OP_VECTOR, NONE, NONE, M),
	[0x2a] = LEN(M),
	[0x2b] = ROW(OP_VECTOR, NONE, NONE, M),
	[0x2c ... 0x2f] = LEN(M),
	[0x30 ... 0x35] = LEN(0),
	[0x36] = UD,
	[0x37] = LEN(0),
	[0x38 ... 0x3f] = UD, /* the decoder handles the escapes */
	[0x40 ... 0x4f] = ROW(OP_CMOVCC, REG, RM, M),
	[0x50 ... 0x6d] = LEN(M),
	[0x6e ... 0x6f] = ROW(OP_VECTOR, NONE, NONE, M),
	[0x70 ... 0x73] = LEN(M | IMM_B),
	[0x74 ... 0x76] = LEN(M),
	[0x77] = LEN(0),
	[0x78 ... 0x79] = LEN(M),
	[0x7a ... 0x7b] = LEN(M), /* with EVEX only */
	[0x7c ... 0x7d] = LEN(M),
	[0x7e ... 0x7f] = ROW(OP_VECTOR, NONE, NONE, M),
	[0x80 ... 0x8f] = LEN(OPC_F64 | IMM_Z),
	[0x90 ... 0x9f] = ROW(OP_SETCC, RM, NONE, M | B),
	[0xa0] = ROW(OP_PUSH_SREG, NONE, NONE, OPC_D64),
	[0xa1] = ROW(OP_POP_SREG, NONE, NONE, OPC_D64),
	[0xa2] = LEN(0),
	[0xa3] = ROW(OP_BT, RM, REG, M),
	[0xa4] = ROW(OP_SHLD, RM, IMM, M | IMM_B),
	[0xa5] = ROW(OP_SHLD, RM, CL, M),
	[0xa6 ... 0xa7] = UD,
	[0xa8] = ROW(OP_PUSH_SREG, NONE, NONE, OPC_D64),
	[0xa9] = ROW(OP_POP_SREG, NONE, NONE, OPC_D64),
	[0xaa] = LEN(0),
	[0xab] = ROW(OP_BTS, RM, REG, M | OPC_LOCK),
	[0xac] = ROW(OP_SHRD, RM, IMM, M | IMM_B),
	[0xad] = ROW(OP_SHRD, RM, CL, M),
	[0xae] = ROW(GROUP_15, NONE, NONE, OPC_GROUP | M),
	[0xaf] = ROW(OP_IMUL, REG, RM, M),
	[0xb0] = ROW(OP_CMPXCHG, RM, REG, M | B | OPC_LOCK),
	[0xb1] = ROW(OP_CMPXCHG, RM, REG, M | OPC_LOCK),
	[0xb2] = ROW(OP_LOAD_FAR, REG, NONE, M | OPC_MEM),
	[0xb3] = ROW(OP_BTR, RM, REG, M | OPC_LOCK),
	[0xb4 ... 0xb5] = ROW(OP_LOAD_FAR, REG, NONE, M | OPC_MEM),
	[0xb6] = ROW(OP_MOV, REG, RM8, M),
	[0xb7] = ROW(OP_MOV, REG, RM16, M),
	[0xb8] = ROW(OP_POPCNT, REG, RM, M),
	[0xb9] = LEN(M),
	[0xba] = ROW(GROUP_8, RM, IMM, OPC_GROUP | M | IMM_B),
	[0xbb] = ROW(OP_BTC, RM, REG, M | OPC_LOCK),
	[0xbc] = ROW(OP_BSF, REG, RM, M),
	[0xbd] = ROW(OP_BSR, REG, RM, M),
	[0xbe] = ROW(OP_MOVSX, REG, RM8, M),
	[0xbf] = ROW(OP_MOVSX, REG, RM16, M),
	[0xc0] = ROW(OP_XADD, RM, REG, M | B | OPC_LOCK),
	[0xc1] = ROW(OP_XADD, RM, REG, M | OPC_LOCK),
	[0xc2] = LEN(M | IMM_B),
	[0xc3] = ROW(OP_MOV, RM, REG, M | OPC_MEM),
	[0xc4] = ROW(OP_VECTOR, NONE, NONE, M | IMM_B),
	[0xc5 ... 0xc6] = LEN(M | IMM_B),
	[0xc7] = ROW(GROUP_9, RM, NONE, OPC_GROUP | M),
	[0xc8 ... 0xcf] = LEN(0),
	[0xd0 ... 0xd5] = LEN(M),
	[0xd6] = ROW(OP_VECTOR, NONE, NONE, M),
	[0xd7 ... 0xe6] = LEN(M),
	[0xe7] = ROW(OP_VECTOR, NONE, NONE, M),
	[0xe8 ... 0xef] = LEN(M),
	[0xf0] = ROW(OP_VECTOR, NONE, NONE, M),
	[0xf1 ... 0xf6] = LEN(M),
	[0xf7] = ROW(OP_VECTOR, NONE, NONE, M),
	[0xf8 ... 0xff] = LEN(M),
};

#define MEMBER(o, f) ROW(o, NONE, NONE, f)

static const struct opcode groups[][8] = {
	[GROUP_1] = {
		MEMBER(OP_ADD, OPC_LOCK), MEMBER(OP_OR, OPC_LOCK),
		MEMBER(OP_ADC, OPC_LOCK), MEMBER(OP_SBB, OPC_LOCK),
		MEMBER(OP_AND, OPC_LOCK), MEMBER(OP_SUB, OPC_LOCK),
		MEMBER(OP_XOR, OPC_LOCK), MEMBER(OP_CMP, 0),
	},
	[GROUP_1A] = {
		MEMBER(OP_POP, 0), UD, UD, UD, UD, UD, UD, UD,
	},
	[GROUP_2] = {
		MEMBER(OP_ROL, 0), MEMBER(OP_ROR, 0), MEMBER(OP_RCL, 0),
		MEMBER(OP_RCR, 0), MEMBER(OP_SHL, 0), MEMBER(OP_SHR, 0),
		MEMBER(OP_SAL, 0), MEMBER(OP_SAR, 0),
	},
	[GROUP_3] = {
		ROW(OP_TEST, NONE, IMM, IMM_Z), ROW(OP_TEST, NONE, IMM, IMM_Z),
		MEMBER(OP_NOT, OPC_LOCK), MEMBER(OP_NEG, OPC_LOCK),
		MEMBER(OP_MUL_WIDE, 0),
		MEMBER(OP_IMUL_WIDE, 0), MEMBER(OP_DIV, 0), MEMBER(OP_IDIV, 0),
	},
	[GROUP_4] = {
		MEMBER(OP_INC, OPC_LOCK), MEMBER(OP_DEC, OPC_LOCK),
		UD, UD, UD, UD, UD, UD,
	},
	[GROUP_5] = {
		MEMBER(OP_INC, OPC_LOCK), MEMBER(OP_DEC, OPC_LOCK),
		ROW(OP_CALL, NONE, RM, OPC_F64), LEN(OPC_MEM),
		ROW(OP_JMP, NONE, RM, OPC_F64), LEN(OPC_MEM),
		ROW(OP_PUSH, NONE, RM, OPC_D64), UD,
	},
	[GROUP_8] = {
		UD, UD, UD, UD,
		MEMBER(OP_BT, 0), MEMBER(OP_BTS, OPC_LOCK),
		MEMBER(OP_BTR, OPC_LOCK), MEMBER(OP_BTC, OPC_LOCK),
	},
	[GROUP_9] = {
		UD, MEMBER(OP_CMPXCHG8B, OPC_LOCK | OPC_MEM), UD,
		LEN(OPC_MEM), LEN(OPC_MEM), LEN(OPC_MEM), LEN(0), LEN(0),
	},
	[GROUP_11] = {
		/* Member 7 is XABORT or XBEGIN, with ModRM F8 only. */
		MEMBER(OP_MOV, 0), UD, UD, UD, UD, UD, UD, LEN(0),
	},
	[GROUP_15] = {
		LEN(0), LEN(0), LEN(0), LEN(0), LEN(0), LEN(0),
		MEMBER(OP_CLFLUSH, 0), MEMBER(OP_CLFLUSH, 0),
	},
};

static struct opcode alu_row(u8 opcode, u8 form)
{
	struct opcode row = alu_forms[form];

	row.op += opcode >> 3;
	if (row.op != OP_CMP && row.operands >> 4 == OPD_RM)
		row.flags |= OPC_LOCK;
	return row;
}

static struct opcode lookup_primary(u8 opcode)
{
	u8 form = opcode & 7;

	if (opcode < 0x40 && form < ALU_FORMS)
		return alu_row(opcode, form);
	return primary[opcode];
}

/* MOVBE. With F2 the decoder makes it CRC32. */
static const struct opcode movbe_load = ROW(OP_MOVBE, REG, RM, M);
static const struct opcode movbe_store = ROW(OP_MOVBE, RM, REG, M);
static const struct opcode movdiri = ROW(OP_MOV, RM, REG, M);
static const struct opcode movdir64b = ROW(OP_MOVDIR64B, NONE, NONE, M);
static const struct opcode vector = ROW(OP_VECTOR, NONE, NONE, M);
static const struct opcode vector_imm = ROW(OP_VECTOR, NONE, NONE, M | IMM_B);

static struct opcode lookup_0f38(u8 opcode)
{
	switch (opcode) {
	case 0x18 ... 0x1a:
	case 0x2a:
	case 0x58 ... 0x5a:
	case 0x78 ... 0x79:
		return vector;
	case 0xf0:
		return movbe_load;
	case 0xf1:
		return movbe_store;
	case 0xf8:
		return movdir64b;
	case 0xf9:
		return movdiri;
	}
	return (struct opcode)LEN(M);
}

static struct opcode lookup_0f3a(u8 opcode)
{
	switch (opcode) {
	case 0x14 ... 0x19:
	case 0x20:
	case 0x22:
	case 0x38 ... 0x39:
		return vector_imm;
	}
	return (struct opcode)LEN(M | IMM_B);
}

/* Return the row of an opcode of INSN_MAP_*, with OPC_UD if the manuals define nothing. */
struct opcode opcode_lookup(u8 map, u8 opcode)
{
	switch (map) {
	case INSN_MAP_PRIMARY:
		return lookup_primary(opcode);
	case INSN_MAP_0F:
		return escape_0f[opcode];
	case INSN_MAP_0F38:
		return lookup_0f38(opcode);
	case INSN_MAP_0F3A:
		return lookup_0f3a(opcode);
	case INSN_MAP_XOP8:
		return (struct opcode)LEN(M | IMM_B);
	case INSN_MAP_EVEX5:
	case INSN_MAP_EVEX6:
	case INSN_MAP_3DNOW:
	case INSN_MAP_XOP9:
		return (struct opcode)LEN(M);
	case INSN_MAP_XOPA:
		return (struct opcode)LEN(M | IMM_D);
	}
	return (struct opcode)UD;
}

/*
 * Return the row of a member of a group: its operation, and the flags and operands of the group's
 * row and its own.
 */
struct opcode opcode_group_member(struct opcode opcode, u8 reg)
{
	struct opcode member = groups[opcode.op][reg & 7];

	member.operands |= opcode.operands;
	member.flags |= opcode.flags & ~OPC_GROUP;
	return member;
}
