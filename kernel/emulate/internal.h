/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the executor share: operand access, the arithmetic, and
 * the functions that carry out the operations. Nothing here is for callers.
 */
#ifndef ORIEL_EMULATE_INTERNAL_H
#define ORIEL_EMULATE_INTERNAL_H

#include <asm/processor-flags.h>
#include <linux/types.h>

#include "x86/cpu_state.h"
#include "emulate/execute.h"
#include "emulate/opcodes.h"

/* The flags that arithmetic defines. */
#define ALU_FLAGS                                                                        \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)

/**
 * size_mask() - the bits that an operand of a size has
 * @size: bytes, 1 to 8
 *
 * Return: a mask of 8 * @size low bits.
 */
static inline u64 size_mask(unsigned int size)
{
	return ~0ULL >> (64 - 8 * size);
}

/**
 * sign_extend_size() - extend an operand to 64 bits
 * @value: the operand
 * @size: its bytes, 1 to 8
 *
 * Return: @value with its top bit copied upwards.
 */
static inline u64 sign_extend_size(u64 value, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (u64)((s64)(value << shift) >> shift);
}

/**
 * emul_real() - whether segments are shifted selectors
 * @e: the instruction
 *
 * Return: true in real and virtual-8086 mode.
 */
bool emul_real(const struct emul *e);

/**
 * emul_raise() - note an exception
 * @e: the instruction; its @fault is filled
 * @vector: EXC_*. #GP, #SS and #AC get the error code 0 that is theirs
 *
 * Return: EMUL_FAULT.
 */
enum emul_result emul_raise(struct emul *e, u8 vector);

/**
 * emul_linear() - segment checks and the linear address of an access
 * @e: the instruction
 * @seg: enum cpu_seg, ES to GS
 * @offset: offset, already of the address size
 * @size: bytes, at least 1
 * @access: EMUL_ACCESS_*
 * @linear: the address
 *
 * Return: EMUL_DONE, or EMUL_FAULT with #GP(0), #SS(0) or #AC(0).
 */
enum emul_result emul_linear(struct emul *e, u8 seg, u64 offset, unsigned int size,
			     unsigned int access, u64 *linear);

/**
 * emul_code_address() - segment checks and the linear address of code
 * @e: the instruction; of its @insn only the mode has to be known
 * @offset: offset in CS
 * @linear: the address
 *
 * Code need not be readable to be fetched: the limit alone counts, or in 64-bit
 * mode that the address is canonical.
 *
 * Return: EMUL_DONE, or EMUL_FAULT with #GP(0).
 */
enum emul_result emul_code_address(struct emul *e, u64 offset, u64 *linear);

/**
 * emul_read_memory() - read @size bytes at @seg:@offset
 * @e: the instruction
 * @seg: enum cpu_seg
 * @offset: offset, already of the address size
 * @buf: where to
 * @size: bytes
 * @access: EMUL_ACCESS_WRITE if a write of the same bytes will follow
 *
 * Return: enum emul_result.
 */
enum emul_result emul_read_memory(struct emul *e, u8 seg, u64 offset, void *buf, unsigned int size,
				  unsigned int access);

/**
 * emul_write_memory() - write @size bytes at @seg:@offset
 * @e: the instruction
 * @seg: enum cpu_seg
 * @offset: offset, already of the address size
 * @buf: where from
 * @size: bytes
 *
 * Return: enum emul_result.
 */
enum emul_result emul_write_memory(struct emul *e, u8 seg, u64 offset, const void *buf,
				   unsigned int size);

/**
 * emul_cmpxchg_memory() - atomically replace @size bytes at @seg:@offset
 * @e: the instruction
 * @seg: enum cpu_seg
 * @offset: offset, already of the address size
 * @old: what was read there, with EMUL_ACCESS_WRITE
 * @new: what to write
 * @size: bytes
 *
 * Return: enum emul_result; EMUL_AGAIN when memory differs from @old.
 */
enum emul_result emul_cmpxchg_memory(struct emul *e, u8 seg, u64 offset, const void *old,
				     const void *new, unsigned int size);

/**
 * emul_memory_offset() - the effective address of the memory operand
 * @e: the instruction, decoded, with @has_mem
 *
 * Return: the offset in its segment, truncated to the address size.
 */
u64 emul_memory_offset(const struct emul *e);

/**
 * emul_read_gpr() - read a general-purpose register as an operand
 * @e: the instruction; whether it has REX decides what 4 to 7 mean in 1 byte
 * @reg: 0 to 15
 * @size: bytes, 1, 2, 4 or 8
 *
 * Return: the value, zero extended.
 */
u64 emul_read_gpr(const struct emul *e, u8 reg, unsigned int size);

/**
 * emul_write_gpr() - write a general-purpose register as an operand
 * @e: the instruction
 * @reg: 0 to 15
 * @size: bytes, 1, 2, 4 or 8; 4 clears the upper half
 * @value: what to write
 */
void emul_write_gpr(struct emul *e, u8 reg, unsigned int size, u64 value);

/**
 * emul_operand_size() - bytes of one operand
 * @insn: the instruction
 * @operand: enum insn_operand
 *
 * Return: the operand size, unless @operand has one of its own.
 */
unsigned int emul_operand_size(const struct insn *insn, u8 operand);

/**
 * emul_read_operand() - read one operand
 * @e: the instruction
 * @operand: enum insn_operand
 * @access: EMUL_ACCESS_WRITE if it will be written, too
 * @value: zero extended
 *
 * Return: enum emul_result.
 */
enum emul_result emul_read_operand(struct emul *e, u8 operand, unsigned int access, u64 *value);

/**
 * emul_write_operand() - write one operand
 * @e: the instruction
 * @operand: enum insn_operand, a register or memory
 * @value: what to write
 *
 * Return: enum emul_result.
 */
enum emul_result emul_write_operand(struct emul *e, u8 operand, u64 value);

/**
 * emul_update_operand() - write one operand that was read with EMUL_ACCESS_WRITE
 * @e: the instruction
 * @operand: enum insn_operand, a register or memory
 * @old: what was read
 * @value: what to write, atomically if the instruction is locked
 *
 * Return: enum emul_result; EMUL_AGAIN when locked and memory has changed.
 */
enum emul_result emul_update_operand(struct emul *e, u8 operand, u64 old, u64 value);

/**
 * alu_binary() - ADD OR ADC SBB AND SUB XOR CMP TEST NOT NEG INC DEC
 * @op: enum insn_op
 * @dst: first operand
 * @src: second operand, if @op has one
 * @size: bytes of the operands
 * @rflags: ADC's and SBB's carry in; arithmetic flags out. AF, where undefined,
 *          is cleared
 *
 * Return: the result (of CMP and TEST: not to be written).
 */
u64 alu_binary(enum insn_op op, u64 dst, u64 src, unsigned int size, u64 *rflags);

/**
 * alu_shift() - ROL ROR RCL RCR SHL SHR SAL SAR
 * @op: enum insn_op
 * @value: what is shifted
 * @count: by how much, not yet masked
 * @size: bytes of @value
 * @rflags: carry in; flags out, unchanged if the masked count is 0
 *
 * Return: the result.
 */
u64 alu_shift(enum insn_op op, u64 value, u8 count, unsigned int size, u64 *rflags);

/**
 * alu_double_shift() - SHLD SHRD
 * @op: enum insn_op
 * @value: what is shifted
 * @fill: what is shifted in
 * @count: by how much, not yet masked
 * @size: bytes of @value and @fill, 2, 4 or 8
 * @rflags: flags out, unchanged if the masked count is 0
 *
 * Return: the result.
 */
u64 alu_double_shift(enum insn_op op, u64 value, u64 fill, u8 count, unsigned int size,
		     u64 *rflags);

/**
 * alu_imul() - signed multiplication, truncated to the operand size
 * @a: one factor
 * @b: the other
 * @size: bytes of the factors, 2, 4 or 8
 * @rflags: CF and OF set if bits were lost
 *
 * Return: the product.
 */
u64 alu_imul(u64 a, u64 b, unsigned int size, u64 *rflags);

/**
 * alu_multiply() - MUL and IMUL with a product of twice the operand size
 * @op: OP_MUL_WIDE or OP_IMUL_WIDE
 * @low: one factor; the product's lower half out
 * @high: the product's upper half out
 * @factor: the other factor
 * @size: bytes of the factors, 1, 2, 4 or 8
 * @rflags: CF and OF set if the upper half is more than an extension
 */
void alu_multiply(enum insn_op op, u64 *low, u64 *high, u64 factor, unsigned int size, u64 *rflags);

/**
 * alu_divide() - DIV and IDIV of a dividend of twice the operand size
 * @op: OP_DIV or OP_IDIV
 * @low: the dividend's lower half; quotient out
 * @high: the dividend's upper half; remainder out
 * @divisor: divisor
 * @size: bytes of each, 1, 2, 4 or 8
 *
 * Return: false when @divisor is 0 or the quotient does not fit (#DE).
 */
bool alu_divide(enum insn_op op, u64 *low, u64 *high, u64 divisor, unsigned int size);

/**
 * alu_count() - BSF BSR TZCNT LZCNT POPCNT
 * @op: enum insn_op
 * @value: the operand
 * @size: bytes of it
 * @rflags: arithmetic flags out; those that are undefined are cleared
 *
 * Return: the result; of BSF and BSR with @value 0: not to be written.
 */
u64 alu_count(enum insn_op op, u64 value, unsigned int size, u64 *rflags);

/**
 * alu_crc32() - CRC32
 * @crc: the sum so far
 * @value: data to add
 * @size: bytes of it
 *
 * Return: the sum.
 */
u32 alu_crc32(u32 crc, u64 value, unsigned int size);

/**
 * alu_condition() - the condition of Jcc, SETcc and CMOVcc
 * @opcode: its low four bits are the condition
 * @rflags: flags
 *
 * Return: whether it holds.
 */
bool alu_condition(u8 opcode, u64 rflags);

/**
 * exec_string() - INS OUTS MOVS CMPS STOS LODS SCAS, with and without REP
 * @e: the instruction
 *
 * Return: EMUL_DONE after the last iteration, else enum emul_result.
 */
enum emul_result exec_string(struct emul *e);

/**
 * exec_vector() - loads and stores of MMX, XMM and YMM registers
 * @e: the instruction
 *
 * Return: enum emul_result.
 */
enum emul_result exec_vector(struct emul *e);

/**
 * exec_stack() - pushes and pops, near branches
 * @e: the instruction
 *
 * Return: enum emul_result.
 */
enum emul_result exec_stack(struct emul *e);

/**
 * exec_data() - everything else: moves, exchanges, arithmetic
 * @e: the instruction
 *
 * Return: enum emul_result.
 */
enum emul_result exec_data(struct emul *e);

#endif
