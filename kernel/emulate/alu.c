// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integer arithmetic with the flags it sets (SDM 1 appendix A). Flags that the manual leaves
 * undefined are cleared, or get the value that most processors give them.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "emulate/internal.h"

static u64 sign_bit(unsigned int size)
{
	return 1ULL << (8 * size - 1);
}

/* Return SF, ZF and PF of a result. */
static u64 result_flags(u64 result, unsigned int size)
{
	u64 flags = 0;

	if (!(result & size_mask(size)))
		flags |= X86_EFLAGS_ZF;
	if (result & sign_bit(size))
		flags |= X86_EFLAGS_SF;
	if (!(__builtin_popcount(result & 0xff) & 1))
		flags |= X86_EFLAGS_PF;
	return flags;
}

static u64 flag_if(bool condition, u64 flag)
{
	return condition ? flag : 0;
}

static void set_flags(u64 *rflags, u64 which, u64 flags)
{
	*rflags = (*rflags & ~which) | (flags & which);
}

static u64 add(u64 a, u64 b, u64 carry, unsigned int size, u64 *rflags)
{
	u64 result = a + b + carry;
	u64 carries = (a & b) | ((a | b) & ~result);
	u64 overflow = (a ^ result) & (b ^ result);

	set_flags(rflags, ALU_FLAGS,
		  result_flags(result, size) | ((a ^ b ^ result) & X86_EFLAGS_AF) |
			  flag_if(carries & sign_bit(size), X86_EFLAGS_CF) |
			  flag_if(overflow & sign_bit(size), X86_EFLAGS_OF));
	return result;
}

static u64 subtract(u64 a, u64 b, u64 borrow, unsigned int size, u64 *rflags)
{
	u64 result = a - b - borrow;
	u64 borrows = (~a & b) | ((~a | b) & result);
	u64 overflow = (a ^ b) & (a ^ result);

	set_flags(rflags, ALU_FLAGS,
		  result_flags(result, size) | ((a ^ b ^ result) & X86_EFLAGS_AF) |
			  flag_if(borrows & sign_bit(size), X86_EFLAGS_CF) |
			  flag_if(overflow & sign_bit(size), X86_EFLAGS_OF));
	return result;
}

static u64 logic(u64 result, unsigned int size, u64 *rflags)
{
	set_flags(rflags, ALU_FLAGS, result_flags(result, size));
	return result;
}

/*
 * ADD OR ADC SBB AND SUB XOR CMP TEST NOT NEG INC DEC. The caller must not write the result of
 * CMP and TEST. AF is cleared where it is undefined.
 */
u64 alu_binary(enum insn_op op, u64 dst, u64 src, unsigned int size, u64 *rflags)
{
	u64 carry = *rflags & X86_EFLAGS_CF;
	u64 result;

	switch (op) {
	case OP_ADD:
		return add(dst, src, 0, size, rflags);
	case OP_ADC:
		return add(dst, src, carry, size, rflags);
	case OP_SUB:
	case OP_CMP:
		return subtract(dst, src, 0, size, rflags);
	case OP_SBB:
		return subtract(dst, src, carry, size, rflags);
	case OP_OR:
		return logic(dst | src, size, rflags);
	case OP_AND:
	case OP_TEST:
		return logic(dst & src, size, rflags);
	case OP_XOR:
		return logic(dst ^ src, size, rflags);
	case OP_NEG:
		return subtract(0, dst, 0, size, rflags);
	case OP_INC: /* INC and DEC do not change CF */
		result = add(dst, 1, 0, size, rflags);
		break;
	case OP_DEC:
		result = subtract(dst, 1, 0, size, rflags);
		break;
	default: /* OP_NOT changes no flags */
		return ~dst;
	}
	set_flags(rflags, X86_EFLAGS_CF, carry);
	return result;
}

/* Rotate @size * 8 + 1 bits, of which CF is one, bit by bit. */
static u64 rotate_carry(bool left, u64 value, unsigned int count, unsigned int size, u64 *rflags)
{
	u64 top = sign_bit(size), carry = *rflags & X86_EFLAGS_CF;
	unsigned int i;

	for (i = 0; i < count; i++) {
		bool out = value & (left ? top : 1);

		value = left ? (value << 1 | carry) & size_mask(size) :
			       value >> 1 | (carry ? top : 0);
		carry = out;
	}
	set_flags(rflags, X86_EFLAGS_CF, carry);
	return value;
}

static u64 rotate(enum insn_op op, u64 value, unsigned int count, unsigned int size, u64 *rflags)
{
	unsigned int bits = 8 * size, n = count % bits;
	u64 top = sign_bit(size), result = value;
	bool carry, second;

	if (op == OP_RCL || op == OP_RCR) {
		result = rotate_carry(op == OP_RCL, value, count % (bits + 1), size, rflags);
		carry = *rflags & X86_EFLAGS_CF;
	} else {
		if (op == OP_ROR)
			n = (bits - n) % bits;
		if (n)
			result = (value << n | value >> (bits - n)) & size_mask(size);
		carry = result & (op == OP_ROL ? 1 : top);
	}
	second = op == OP_ROL || op == OP_RCL ? carry : !!(result & (top >> 1));
	set_flags(rflags, X86_EFLAGS_CF | X86_EFLAGS_OF,
		  flag_if(carry, X86_EFLAGS_CF) |
			  flag_if(!!(result & top) != second, X86_EFLAGS_OF));
	return result;
}

/* ROL ROR RCL RCR SHL SHR SAL SAR. @count is not masked yet. Masked to 0 it changes no flags. */
u64 alu_shift(enum insn_op op, u64 value, u8 count, unsigned int size, u64 *rflags)
{
	u64 top = sign_bit(size), result;
	bool carry, overflow;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return value;
	switch (op) {
	case OP_SHL:
	case OP_SAL:
		result = value << count;
		carry = count <= 8 * size && (value >> (8 * size - count) & 1);
		overflow = !!(result & top) != carry;
		break;
	case OP_SHR:
		result = value >> count;
		carry = value >> (count - 1) & 1;
		overflow = value & top;
		break;
	case OP_SAR:
		value = sign_extend_size(value, size);
		result = (u64)((s64)value >> count);
		carry = (s64)value >> (count - 1) & 1;
		overflow = false;
		break;
	default:
		return rotate(op, value, count, size, rflags);
	}
	set_flags(rflags, ALU_FLAGS,
		  result_flags(result, size) | flag_if(carry, X86_EFLAGS_CF) |
			  flag_if(overflow, X86_EFLAGS_OF));
	return result;
}

/* SHLD SHRD: shift bits of @fill in; 2, 4 or 8 bytes. @count as for alu_shift(). */
u64 alu_double_shift(enum insn_op op, u64 value, u64 fill, u8 count, unsigned int size, u64 *rflags)
{
	unsigned int bits = 8 * size;
	bool carry;
	u64 result;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return value;
	if (count > bits) /* possible only with 16 bits; the result is undefined */
		count -= bits;
	if (op == OP_SHLD) {
		carry = value >> (bits - count) & 1;
		result = count == bits ? fill : value << count | fill >> (bits - count);
	} else {
		carry = value >> (count - 1) & 1;
		result = count == bits ? fill : value >> count | fill << (bits - count);
	}
	set_flags(rflags, ALU_FLAGS,
		  result_flags(result, size) | flag_if(carry, X86_EFLAGS_CF) |
			  flag_if((value ^ result) & sign_bit(size), X86_EFLAGS_OF));
	return result;
}

/* IMUL, cut to 2, 4 or 8 bytes. CF and OF are set if bits were lost. */
u64 alu_imul(u64 a, u64 b, unsigned int size, u64 *rflags)
{
	__int128_t product =
		(__int128_t)(s64)sign_extend_size(a, size) * (s64)sign_extend_size(b, size);
	u64 result = product;
	bool lost = product != (s64)sign_extend_size(result, size);

	set_flags(rflags, ALU_FLAGS,
		  result_flags(result, size) | flag_if(lost, X86_EFLAGS_CF | X86_EFLAGS_OF));
	return result;
}

/*
 * MUL and IMUL: @high:@low becomes @low * @factor. CF and OF are set if @high is more than the
 * extension of @low.
 */
void alu_multiply(enum insn_op op, u64 *low, u64 *high, u64 factor, unsigned int size, u64 *rflags)
{
	__uint128_t product;
	bool wide;

	if (op == OP_MUL_WIDE) {
		product = (__uint128_t)*low * factor;
		wide = product >> (8 * size);
	} else {
		product = (__int128_t)(s64)sign_extend_size(*low, size) *
			  (s64)sign_extend_size(factor, size);
		wide = (__int128_t)product != (s64)sign_extend_size(product, size);
	}
	*low = product & size_mask(size);
	*high = (u64)(product >> (8 * size)) & size_mask(size);
	set_flags(rflags, ALU_FLAGS,
		  result_flags(*low, size) | flag_if(wide, X86_EFLAGS_CF | X86_EFLAGS_OF));
}

/* Divide 128 bits by 64, which C cannot. @high is less than @divisor. */
static void divide_unsigned(u64 *low, u64 *high, u64 divisor)
{
	__asm__("divq %2" : "+a"(*low), "+d"(*high) : "r"(divisor) : "cc");
}

/*
 * DIV and IDIV: @low becomes the quotient of @high:@low and @high the remainder. Return false if
 * @divisor is 0 or the quotient does not fit (#DE).
 */
bool alu_divide(enum insn_op op, u64 *low, u64 *high, u64 divisor, unsigned int size)
{
	unsigned int bits = 8 * size;
	__uint128_t dividend = (__uint128_t)*high << bits | *low;
	bool is_signed = op == OP_IDIV, negative, negative_divisor;
	u64 limit = size_mask(size);

	negative = is_signed && (*high & sign_bit(size));
	negative_divisor = is_signed && (divisor & sign_bit(size));
	if (negative) /* take the magnitude, in the 2 * @bits of the dividend */
		dividend = -dividend & ((__uint128_t)size_mask(size) << bits | size_mask(size));
	if (negative_divisor)
		divisor = -divisor & size_mask(size);
	if (is_signed) /* -2^(bits-1) fits, 2^(bits-1) does not */
		limit = sign_bit(size) - (negative == negative_divisor);
	*low = dividend;
	*high = dividend >> 64;
	if (*high >= divisor)
		return false;
	divide_unsigned(low, high, divisor);
	if (*low > limit)
		return false;
	if (negative != negative_divisor)
		*low = -*low;
	if (negative)
		*high = -*high;
	return true;
}

/*
 * BSF BSR TZCNT LZCNT POPCNT. The caller must not write the result of BSF and BSR if @value is 0.
 * Undefined flags are cleared.
 */
u64 alu_count(enum insn_op op, u64 value, unsigned int size, u64 *rflags)
{
	u64 last = 8 * size - 1, lowest = last + 1, highest = 0, flags = 0;

	if (value) {
		lowest = __builtin_ctzll(value);
		highest = 63 - __builtin_clzll(value);
	}
	switch (op) {
	case OP_TZCNT: /* CF is set if @value is 0, ZF if the result is 0 */
		flags = flag_if(!value, X86_EFLAGS_CF) | flag_if(!lowest, X86_EFLAGS_ZF);
		break;
	case OP_LZCNT:
		highest = value ? last - highest : last + 1;
		flags = flag_if(!value, X86_EFLAGS_CF) | flag_if(!highest, X86_EFLAGS_ZF);
		break;
	default:
		flags = flag_if(!value, X86_EFLAGS_ZF);
	}
	set_flags(rflags, ALU_FLAGS, flags);
	if (op == OP_POPCNT)
		return hweight64(value);
	return op == OP_BSF || op == OP_TZCNT ? lowest : highest;
}

/* CRC32: add the @size bytes of @value to the sum @crc. */
u32 alu_crc32(u32 crc, u64 value, unsigned int size)
{
	unsigned int bit;

	/* The polynomial is 11EDC6F41h, here with its bits reversed (SDM 2A CRC32). */
	for (bit = 0; bit < 8 * size; bit++, value >>= 1)
		crc = crc >> 1 ^ ((crc ^ value) & 1 ? 0x82f63b78 : 0);
	return crc;
}

/* Return true if the condition in the low four bits of Jcc, SETcc or CMOVcc holds. */
bool alu_condition(u8 opcode, u64 rflags)
{
	bool less = !!(rflags & X86_EFLAGS_SF) != !!(rflags & X86_EFLAGS_OF);
	bool holds;

	switch (opcode >> 1 & 7) {
	case 0:
		holds = rflags & X86_EFLAGS_OF;
		break;
	case 1:
		holds = rflags & X86_EFLAGS_CF;
		break;
	case 2:
		holds = rflags & X86_EFLAGS_ZF;
		break;
	case 3:
		holds = rflags & (X86_EFLAGS_CF | X86_EFLAGS_ZF);
		break;
	case 4:
		holds = rflags & X86_EFLAGS_SF;
		break;
	case 5:
		holds = rflags & X86_EFLAGS_PF;
		break;
	case 6:
		holds = less;
		break;
	default:
		holds = less || (rflags & X86_EFLAGS_ZF);
	}
	return holds != (opcode & 1);
}
