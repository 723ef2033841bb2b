/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The executor against the processor that runs the test: an instruction with random operands runs
 * natively, and is emulated from the same state, and both must leave the same registers, flags and
 * memory. It is emulated twice more, with every access exiting to userspace, and with writes that
 * do not wait for userspace; neither may change the result.
 */
#ifndef ORIEL_TESTS_ORACLE_H
#define ORIEL_TESTS_ORACLE_H

#include <asm/processor-flags.h>
#include <linux/types.h>

#include "emul_guest.h"
#include "native_run.h"

/* Trials of each instruction. */
#define ROUNDS 400

#define DATA_PAGES 4
#define DATA_SIZE (DATA_PAGES * GUEST_PAGE)
#define ARITHMETIC                                                                       \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)

/**
 * struct bench - the memory in which instructions run, natively and emulated
 * @code: one page, executable
 * @data: DATA_SIZE bytes
 * @random: state of the generator, the same in every run
 */
struct bench {
	u8 *code;
	u8 *data;
	u64 random;
};

extern struct bench bench;

/* Properties of a subject. */
#define S_BYTE BIT(0) /* operand size is always 1 */
#define S_MEMORY BIT(1) /* no register form */
#define S_LOCK BIT(2) /* takes LOCK */
#define S_BITS BIT(3) /* the register is a bit number */
#define S_SHIFT BIT(4) /* flags depend on the count */
#define S_ROTATE BIT(5) /* the same, but only OF and CF change */
#define S_DOUBLE BIT(6) /* SHLD and SHRD */
#define S_STACK BIT(7) /* RSP must point to memory */
#define S_CMPXCHG BIT(8) /* the accumulator should often be equal */
#define S_WIDE BIT(9) /* CMPXCHG8B and 16B */
#define S_ALIGN BIT(10) /* address aligned to 32 */
#define S_NO_66 BIT(11) /* 66 would make it another instruction */
#define S_NO_REX_W BIT(12)
#define S_MANDATORY BIT(13) /* @prefix comes first */
#define S_DIVIDE BIT(14) /* the dividend should often be small enough */

#define ANY (-1)

/**
 * struct subject - an instruction to test
 * @name: for messages
 * @prefix: mandatory prefix, with S_MANDATORY
 * @len: bytes of @opcode
 * @opcode: escape and opcode
 * @reg: ModRM.reg, or ANY
 * @imm: 'b' for one byte, 'z' for the operand size up to four, else 0
 * @undefined: flags that the manual leaves undefined
 * @props: S_*
 */
struct subject {
	const char *name;
	u8 prefix;
	u8 len;
	u8 opcode[3];
	s8 reg;
	char imm;
	u64 undefined;
	unsigned int props;
};

/**
 * struct trial - one instruction, its encoding and its operands
 * @subject: the instruction
 * @bytes: encoding
 * @len: length of @bytes
 * @size: operand size
 * @modrm: ModRM byte
 * @rex: REX byte, or 0
 * @memory: ModRM.rm is memory
 * @address32: the address size is 4
 * @base: base register or INSN_REG_NONE
 * @index: index register or INSN_REG_NONE
 * @scale: log2 of the index factor
 * @disp_at: position of the displacement in @bytes
 * @disp_size: bytes of the displacement
 * @rip_relative: the displacement counts from the next instruction
 * @target: address of the operand
 * @shift_count: count of a shift, masked
 * @regs: registers before
 */
struct trial {
	const struct subject *subject;
	u8 bytes[INSN_MAX_LENGTH];
	unsigned int len;
	unsigned int size;
	u8 modrm;
	u8 rex;
	bool memory;
	bool address32;
	u8 base;
	u8 index;
	unsigned int scale;
	unsigned int disp_at;
	unsigned int disp_size;
	bool rip_relative;
	u64 target;
	unsigned int shift_count;
	struct registers regs;
};

/* Return 64 random bits, the same sequence in every run. */
u64 next_random(void);

/* Return a random number from 0 to @limit - 1. */
unsigned int pick(unsigned int limit);

/* Map the bench; a cmocka group set-up. */
int oracle_set_up(void **state);

/* Fill @regs at random. */
void oracle_registers(struct registers *regs);

/* Append a byte to the encoding. */
void oracle_emit(struct trial *t, u8 byte);

/* Encode an instruction with random operands. */
void oracle_prepare(struct trial *t, const struct subject *s);

/* Run the trial natively and emulated. Fail the test if the results differ. */
void oracle_compare(const struct trial *t);

/* Make ROUNDS trials of each instruction. */
void oracle_subjects(const struct subject *subjects, unsigned int count);

#endif
