/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions that the executor's files share; the comments are where they are defined.
 * Callers of the executor do not include this.
 *
 * A function with enum emul_result returns EMUL_DONE, or the result that its caller returns in
 * turn. Sizes are in bytes. A segment is an enum cpu_seg, ES to GS. An offset is already cut to
 * the address size. Values that are read are zero extended.
 */
#ifndef ORIEL_EMULATE_INTERNAL_H
#define ORIEL_EMULATE_INTERNAL_H

#include <asm/processor-flags.h>
#include <linux/bits.h>
#include <linux/types.h>

#include "x86/cpu_state.h"
#include "emulate/execute.h"
#include "emulate/opcodes.h"

/* operand.c: the addresses and the accesses of an instruction */
bool emul_real(const struct emul *e);
enum emul_result emul_raise(struct emul *e, u8 vector);
enum emul_result emul_linear(struct emul *e, u8 seg, u64 offset, unsigned int size,
			     unsigned int access, u64 *linear);
enum emul_result emul_code_address(struct emul *e, u64 offset, u64 *linear);
enum emul_result emul_read_memory(struct emul *e, u8 seg, u64 offset, void *buf, unsigned int size,
				  unsigned int access);
enum emul_result emul_write_memory(struct emul *e, u8 seg, u64 offset, const void *buf,
				   unsigned int size);
enum emul_result emul_cmpxchg_memory(struct emul *e, u8 seg, u64 offset, const void *old,
				     const void *new, unsigned int size);
u64 emul_memory_offset(const struct emul *e);
u64 emul_read_gpr(const struct emul *e, u8 reg, unsigned int size);
void emul_write_gpr(struct emul *e, u8 reg, unsigned int size, u64 value);
unsigned int emul_operand_size(const struct insn *insn, u8 operand);
enum emul_result emul_read_operand(struct emul *e, u8 operand, unsigned int access, u64 *value);
enum emul_result emul_write_operand(struct emul *e, u8 operand, u64 value);
enum emul_result emul_update_operand(struct emul *e, u8 operand, u64 old, u64 value);

/* segment.c: selectors, types of segments (SDM 3A 3.4.5.1, 3.5), descriptors */
#define SELECTOR_RPL GENMASK(1, 0)
#define SELECTOR_TI BIT(2)
#define TYPE_ACCESSED BIT(0)
#define TYPE_WRITABLE BIT(1) /* data */
#define TYPE_READABLE BIT(1) /* code */
#define TYPE_EXPAND_DOWN BIT(2) /* data */
#define TYPE_CONFORMING BIT(2) /* code */
#define TYPE_CODE BIT(3)
#define DESCRIPTOR_ACCESS 5 /* the offset of the byte with P, DPL, S and the type */

enum emul_result emul_probe_memory(struct emul *e, u64 linear, unsigned int len,
				   unsigned int access);
enum emul_result emul_system_read(struct emul *e, u64 linear, void *buf, unsigned int len);
enum emul_result emul_system_probe_write(struct emul *e, u64 linear, unsigned int len);
bool segment_find_descriptor(const struct cpu_state *state, u16 selector, u64 *linear);
enum emul_result segment_read_descriptor(struct emul *e, u64 linear, u16 selector,
					 struct cpu_segment *seg);
enum emul_result segment_set_type(struct emul *e, u64 descriptor, struct cpu_segment *seg, u8 bits);
bool segment_suits(const struct cpu_segment *seg, enum cpu_seg index, u8 cpl);

/* alu.c: arithmetic. *rflags holds the flags before, and gets the flags after */
#define ALU_FLAGS                                                                        \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)

/* Return a mask of the bits of an operand of 1 to 8 bytes. */
static inline u64 size_mask(unsigned int size)
{
	return ~0ULL >> (64 - 8 * size);
}

/* Sign extend an operand of 1 to 8 bytes to 64 bits. */
static inline u64 sign_extend_size(u64 value, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (u64)((s64)(value << shift) >> shift);
}

u64 alu_binary(enum insn_op op, u64 dst, u64 src, unsigned int size, u64 *rflags);
u64 alu_shift(enum insn_op op, u64 value, u8 count, unsigned int size, u64 *rflags);
u64 alu_double_shift(enum insn_op op, u64 value, u64 fill, u8 count, unsigned int size,
		     u64 *rflags);
u64 alu_imul(u64 a, u64 b, unsigned int size, u64 *rflags);
void alu_multiply(enum insn_op op, u64 *low, u64 *high, u64 factor, unsigned int size, u64 *rflags);
bool alu_divide(enum insn_op op, u64 *low, u64 *high, u64 divisor, unsigned int size);
u64 alu_count(enum insn_op op, u64 value, unsigned int size, u64 *rflags);
u32 alu_crc32(u32 crc, u64 value, unsigned int size);
bool alu_condition(u8 opcode, u64 rflags);

/* execute_*.c: carry out one instruction */
enum emul_result exec_data(struct emul *e);
enum emul_result exec_stack(struct emul *e);
enum emul_result exec_string(struct emul *e);
enum emul_result exec_vector(struct emul *e);

#endif
