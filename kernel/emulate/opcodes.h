/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The row format of the opcode tables. From its row the decoder finds the length and the operands
 * of an instruction.
 */
#ifndef ORIEL_EMULATE_OPCODES_H
#define ORIEL_EMULATE_OPCODES_H

#include <linux/bits.h>
#include <linux/types.h>

/*
 * The operations that the executor knows. A line is a group; the code uses ranges of operations.
 * ADD to CMP and ROL to SAR are in the order in which ModRM.reg numbers them (SDM 2D table A-6,
 * groups 1 and 2). TZCNT and LZCNT follow BSF and BSR in the same order, whose opcodes they have.
 */
/* clang-format off */
enum insn_op {
	OP_UNKNOWN,
	OP_ADD, OP_OR, OP_ADC, OP_SBB, OP_AND, OP_SUB, OP_XOR, OP_CMP,
	OP_ROL, OP_ROR, OP_RCL, OP_RCR, OP_SHL, OP_SHR, OP_SAL, OP_SAR,
	OP_TEST, OP_NOT, OP_NEG, OP_INC, OP_DEC, OP_SHLD, OP_SHRD,
	OP_BT, OP_BTS, OP_BTR, OP_BTC,
	OP_IMUL, OP_MUL_WIDE, OP_IMUL_WIDE, OP_DIV, OP_IDIV,
	OP_BSF, OP_BSR, OP_TZCNT, OP_LZCNT, OP_POPCNT, OP_CRC32,
	OP_MOV, OP_MOVSX, OP_MOVBE,
	OP_STORE_SREG, OP_LOAD_SREG, OP_LOAD_FAR, OP_POP_SREG,
	OP_XCHG, OP_XADD, OP_CMPXCHG, OP_CMPXCHG8B,
	OP_SETCC, OP_CMOVCC, OP_XLAT, OP_CLFLUSH, OP_MOVDIR64B,
	OP_PUSH, OP_PUSH_SREG, OP_PUSHF, OP_PUSHA, OP_POP, OP_POPF, OP_POPA,
	OP_ENTER, OP_LEAVE, OP_CALL, OP_JMP, OP_RET,
	OP_IN, OP_OUT, OP_INS, OP_OUTS, OP_MOVS, OP_CMPS, OP_STOS, OP_LODS, OP_SCAS,
	OP_VECTOR
};

/* clang-format on */

/* The place of an operand. */
enum insn_operand {
	OPD_NONE, /* no operand, or an implied one */
	OPD_RM, /* ModRM.rm (register or memory) or moffs */
	OPD_RM8, /* ModRM.rm of 1 byte, whatever the operand size */
	OPD_RM16, /* ModRM.rm of 2 bytes */
	OPD_RM32, /* ModRM.rm of 4 bytes */
	OPD_REG, /* ModRM.reg */
	OPD_OPREG, /* low three bits of the opcode */
	OPD_ACC, /* AL, AX, EAX or RAX */
	OPD_IMM, /* first immediate */
	OPD_ONE, /* the number 1 */
	OPD_CL,
	OPD_DX,
};

/* Immediates, the low four bits of the flags. */
#define OPC_IMM GENMASK(3, 0)
#define IMM_NONE 0
#define IMM_B 1 /* 1 byte */
#define IMM_W 2 /* 2 bytes */
#define IMM_Z 3 /* operand size, at most 4; 1 with OPC_BYTE */
#define IMM_V 4 /* operand size */
#define IMM_MOFFS 5 /* an offset of the address size */
#define IMM_FAR 6 /* offset of the operand size, then a selector */
#define IMM_ENTER 7 /* 2 bytes, then 1 byte */
#define IMM_BB 8 /* 1 byte, then 1 byte */
#define IMM_D 9 /* 4 bytes */
#define OPC_MODRM BIT(4) /* has a ModRM byte */
#define OPC_BYTE BIT(5) /* operand size is 1 */
#define OPC_D64 BIT(6) /* in 64-bit mode: 8 bytes, or 2 with 66 */
#define OPC_F64 BIT(7) /* in 64-bit mode: always 8 bytes */
#define OPC_I64 BIT(8) /* undefined in 64-bit mode */
#define OPC_LOCK BIT(9) /* LOCK is allowed if the destination is memory */
#define OPC_GROUP BIT(10) /* @op is an enum opcode_group, ModRM.reg selects */
#define OPC_UD BIT(11) /* undefined */
#define OPC_REG BIT(12) /* ModRM.mod is ignored, ModRM.rm is a register */
#define OPC_MEM BIT(13) /* undefined with ModRM.mod 3 */
#define OPC_MAX32 BIT(14) /* REX.W does not widen */

struct opcode {
	u8 op; /* enum insn_op, or enum opcode_group with OPC_GROUP */
	u8 operands; /* destination in the high nibble, source in the low one */
	u16 flags; /* OPC_* and IMM_* */
};

struct opcode opcode_lookup(u8 map, u8 opcode);
struct opcode opcode_group_member(struct opcode opcode, u8 reg);

#endif
