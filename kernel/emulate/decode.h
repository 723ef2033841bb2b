/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction decoder: bytes of guest code in, one struct insn out. It finds the length of
 * nearly every x86 instruction, and the operands of those that the executor knows. Pure logic:
 * no state, no locks, any context.
 */
#ifndef ORIEL_EMULATE_DECODE_H
#define ORIEL_EMULATE_DECODE_H

#include <linux/bits.h>
#include <linux/types.h>

#define INSN_MAX_LENGTH 15 /* a longer instruction raises #GP (SDM 2A 2.3.11) */
#define INSN_REG_NONE 0xff /* struct insn's @base or @index is no register */

/* The mode of the CPU decides how it reads the bytes. */
enum insn_mode {
	INSN_MODE_16, /* real mode, virtual-8086 mode, code segment with D clear */
	INSN_MODE_32, /* code segment with D set, L clear */
	INSN_MODE_64, /* EFER.LMA set and code segment with L set */
};

/* The encoding of map and opcode. */
enum insn_encoding {
	INSN_LEGACY, /* 0F, 0F38, 0F3A escapes */
	INSN_VEX, /* C4 or C5 */
	INSN_EVEX, /* 62 */
	INSN_XOP, /* 8F */
};

/* Opcode maps, numbered as the VEX and XOP prefixes number them. */
#define INSN_MAP_PRIMARY 0
#define INSN_MAP_0F 1
#define INSN_MAP_0F38 2
#define INSN_MAP_0F3A 3
#define INSN_MAP_EVEX5 5
#define INSN_MAP_EVEX6 6
#define INSN_MAP_3DNOW 7
#define INSN_MAP_XOP8 8
#define INSN_MAP_XOP9 9
#define INSN_MAP_XOPA 10
/* struct insn's @prefixes. */
#define INSN_PREFIX_OPSIZE BIT(0)
#define INSN_PREFIX_ADSIZE BIT(1)
#define INSN_PREFIX_LOCK BIT(2)
#define INSN_PREFIX_REP BIT(3)
#define INSN_PREFIX_REPNE BIT(4)
#define INSN_PREFIX_SEGMENT BIT(5)
/* struct insn's @rex; VEX and XOP prefixes are translated to these as well. */
#define INSN_REX_B BIT(0)
#define INSN_REX_X BIT(1)
#define INSN_REX_R BIT(2)
#define INSN_REX_W BIT(3)
#define INSN_REX_PRESENT BIT(6)

struct insn {
	u8 length; /* 1 to 15 bytes */
	u8 mode; /* enum insn_mode it was decoded in */
	u8 encoding; /* enum insn_encoding */
	u8 map; /* INSN_MAP_* */
	u8 opcode; /* last opcode byte */
	u8 prefixes; /* INSN_PREFIX_* that were present; of F2 and F3 only the last counts */
	u8 rex; /* INSN_REX_* */
	u8 segment; /* enum cpu_seg of the memory operand, defaults and overrides applied */
	u8 vvvv; /* the register in a VEX, EVEX or XOP prefix */
	u8 vector_length; /* the L bits of that prefix: 0 for 128, 1 for 256, 2 for 512 bits */
	bool has_modrm; /* @modrm is part of the instruction */
	bool has_sib; /* @sib is part of the instruction */
	bool has_mem; /* ModRM or moffs names a memory operand */
	u8 modrm;
	u8 sib;
	u8 operand_size; /* 1, 2, 4 or 8 bytes */
	u8 address_size; /* 2, 4 or 8 bytes */
	u8 disp_size; /* bytes of displacement or moffs, 0 to 8 */
	u8 imm_size; /* bytes of the first immediate, relative or far offset, 0 to 8 */
	u8 imm2_size; /* bytes of the second immediate or far selector, 0 to 2 */
	u8 op; /* enum insn_op for the executor, 0 when it does not know the instruction */
	u8 dst; /* enum insn_operand that is written, or read and written */
	u8 src; /* enum insn_operand that is read */
	u16 flags; /* OPC_* of the opcode tables */
	u8 base; /* enum cpu_gpr of the base register or INSN_REG_NONE */
	u8 index; /* enum cpu_gpr of the index register or INSN_REG_NONE */
	u8 scale; /* log2 of the index factor */
	bool rip_relative; /* @disp counts from the next instruction */
	u16 imm2; /* second immediate */
	u64 disp; /* displacement, sign extended (moffs: the offset) */
	u64 imm; /* first immediate, sign extended */
};

/** insn_reg() - the number of the register in ModRM.reg: 0 to 15, REX.R applied */
static inline u8 insn_reg(const struct insn *insn)
{
	return (insn->modrm >> 3 & 7) | (insn->rex & INSN_REX_R ? 8 : 0);
}

/** insn_rm() - that in ModRM.rm, REX.B applied; mod is 3, or ignored as in MOV of CRs and DRs */
static inline u8 insn_rm(const struct insn *insn)
{
	return (insn->modrm & 7) | (insn->rex & INSN_REX_B ? 8 : 0);
}

/**
 * insn_decode() - decode the instruction at the start of @bytes, of which @len are valid; fill
 * @insn if 0 is returned. A positive number is returned if the instruction goes on after @len bytes
 * and needs at least so many more (the total never exceeds 15); -EILSEQ if no such instruction
 * exists (#UD); -E2BIG if it is longer than 15 bytes (#GP).
 */
int insn_decode(struct insn *insn, const u8 *bytes, size_t len, enum insn_mode mode);

#endif
