// SPDX-License-Identifier: GPL-2.0-only
/* The executor against the processor: integer instructions, strings, moves without ModRM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <asm/processor-flags.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "oracle.h"

#define AF X86_EFLAGS_AF
#define IMUL_UNDEFINED (ARITHMETIC & ~(X86_EFLAGS_CF | X86_EFLAGS_OF))

/* ADD to CMP, in all forms that have ModRM. */
static void test_eight_operations(void)
{
	static const char *const names[8] = {
		"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"
	};
	static const struct subject forms[] = {
		{ "Eb,Gb", 0, 1, { 0x00 }, ANY, 0, 0, S_BYTE | S_LOCK },
		{ "Ev,Gv", 0, 1, { 0x01 }, ANY, 0, 0, S_LOCK },
		{ "Gb,Eb", 0, 1, { 0x02 }, ANY, 0, 0, S_BYTE },
		{ "Gv,Ev", 0, 1, { 0x03 }, ANY, 0, 0, 0 },
		{ "Eb,Ib", 0, 1, { 0x80 }, 0, 'b', 0, S_BYTE | S_LOCK },
		{ "Ev,Iz", 0, 1, { 0x81 }, 0, 'z', 0, S_LOCK },
		{ "Ev,Ib", 0, 1, { 0x83 }, 0, 'b', 0, S_LOCK },
	};
	unsigned int op, form;

	for (op = 0; op < 8; op++) {
		for (form = 0; form < ARRAY_SIZE(forms); form++) {
			struct subject s = forms[form];
			char name[32];

			snprintf(name, sizeof(name), "%s %s", names[op], s.name);
			s.name = name;
			if (s.reg == ANY)
				s.opcode[0] += op << 3;
			else
				s.reg = op;
			if (op == 1 || op == 4 || op == 6) /* OR, AND, XOR */
				s.undefined = AF;
			if (op == 7) /* CMP */
				s.props &= ~S_LOCK;
			oracle_subjects(&s, 1);
		}
	}
}

static void test_arithmetic(void **state)
{
	static const struct subject subjects[] = {
		{ "test Eb,Gb", 0, 1, { 0x84 }, ANY, 0, AF, S_BYTE },
		{ "test Ev,Gv", 0, 1, { 0x85 }, ANY, 0, AF, 0 },
		{ "test Eb,Ib", 0, 1, { 0xf6 }, 0, 'b', AF, S_BYTE },
		{ "test Ev,Iz", 0, 1, { 0xf7 }, 1, 'z', AF, 0 },
		{ "not Eb", 0, 1, { 0xf6 }, 2, 0, 0, S_BYTE | S_LOCK },
		{ "not Ev", 0, 1, { 0xf7 }, 2, 0, 0, S_LOCK },
		{ "neg Eb", 0, 1, { 0xf6 }, 3, 0, 0, S_BYTE | S_LOCK },
		{ "neg Ev", 0, 1, { 0xf7 }, 3, 0, 0, S_LOCK },
		{ "inc Eb", 0, 1, { 0xfe }, 0, 0, 0, S_BYTE | S_LOCK },
		{ "inc Ev", 0, 1, { 0xff }, 0, 0, 0, S_LOCK },
		{ "dec Eb", 0, 1, { 0xfe }, 1, 0, 0, S_BYTE | S_LOCK },
		{ "dec Ev", 0, 1, { 0xff }, 1, 0, 0, S_LOCK },
		{ "mul Eb", 0, 1, { 0xf6 }, 4, 0, IMUL_UNDEFINED, S_BYTE },
		{ "mul Ev", 0, 1, { 0xf7 }, 4, 0, IMUL_UNDEFINED, 0 },
		{ "imul Eb", 0, 1, { 0xf6 }, 5, 0, IMUL_UNDEFINED, S_BYTE },
		{ "imul Ev", 0, 1, { 0xf7 }, 5, 0, IMUL_UNDEFINED, 0 },
		{ "div Eb", 0, 1, { 0xf6 }, 6, 0, ARITHMETIC, S_BYTE | S_DIVIDE },
		{ "div Ev", 0, 1, { 0xf7 }, 6, 0, ARITHMETIC, S_DIVIDE },
		{ "idiv Eb", 0, 1, { 0xf6 }, 7, 0, ARITHMETIC, S_BYTE | S_DIVIDE },
		{ "idiv Ev", 0, 1, { 0xf7 }, 7, 0, ARITHMETIC, S_DIVIDE },
		{ "imul Gv,Ev", 0, 2, { 0x0f, 0xaf }, ANY, 0, IMUL_UNDEFINED, 0 },
		{ "imul Gv,Ev,Ib", 0, 1, { 0x6b }, ANY, 'b', IMUL_UNDEFINED, 0 },
		{ "imul Gv,Ev,Iz", 0, 1, { 0x69 }, ANY, 'z', IMUL_UNDEFINED, 0 },
	};

	(void)state;
	test_eight_operations();
	oracle_subjects(subjects, ARRAY_SIZE(subjects));
}

static void test_eight_shifts(void)
{
	static const char *const names[8] = {
		"rol", "ror", "rcl", "rcr", "shl", "shr", "sal", "sar"
	};
	static const struct subject forms[] = {
		{ "Eb,Ib", 0, 1, { 0xc0 }, 0, 'b', 0, S_BYTE },
		{ "Ev,Ib", 0, 1, { 0xc1 }, 0, 'b', 0, 0 },
		{ "Eb,1", 0, 1, { 0xd0 }, 0, 0, 0, S_BYTE },
		{ "Ev,1", 0, 1, { 0xd1 }, 0, 0, 0, 0 },
		{ "Eb,CL", 0, 1, { 0xd2 }, 0, 0, 0, S_BYTE },
		{ "Ev,CL", 0, 1, { 0xd3 }, 0, 0, 0, 0 },
	};
	unsigned int op, form;

	for (op = 0; op < 8; op++) {
		for (form = 0; form < ARRAY_SIZE(forms); form++) {
			struct subject s = forms[form];
			char name[32];

			snprintf(name, sizeof(name), "%s %s", names[op], s.name);
			s.name = name;
			s.reg = op;
			s.props |= op < 4 ? S_ROTATE : S_SHIFT;
			oracle_subjects(&s, 1);
		}
	}
}

static void test_shifts(void **state)
{
	static const struct subject subjects[] = {
		{ "shld Ev,Gv,Ib", 0, 2, { 0x0f, 0xa4 }, ANY, 'b', 0, S_DOUBLE },
		{ "shld Ev,Gv,CL", 0, 2, { 0x0f, 0xa5 }, ANY, 0, 0, S_DOUBLE },
		{ "shrd Ev,Gv,Ib", 0, 2, { 0x0f, 0xac }, ANY, 'b', 0, S_DOUBLE },
		{ "shrd Ev,Gv,CL", 0, 2, { 0x0f, 0xad }, ANY, 0, 0, S_DOUBLE },
	};

	(void)state;
	test_eight_shifts();
	oracle_subjects(subjects, ARRAY_SIZE(subjects));
}

static void test_bits(void **state)
{
	const u64 undefined = X86_EFLAGS_OF | X86_EFLAGS_SF | X86_EFLAGS_AF | X86_EFLAGS_PF;
	const struct subject subjects[] = {
		{ "bt Ev,Gv", 0, 2, { 0x0f, 0xa3 }, ANY, 0, undefined, S_BITS },
		{ "bts Ev,Gv", 0, 2, { 0x0f, 0xab }, ANY, 0, undefined, S_BITS | S_LOCK },
		{ "btr Ev,Gv", 0, 2, { 0x0f, 0xb3 }, ANY, 0, undefined, S_BITS | S_LOCK },
		{ "btc Ev,Gv", 0, 2, { 0x0f, 0xbb }, ANY, 0, undefined, S_BITS | S_LOCK },
		{ "bt Ev,Ib", 0, 2, { 0x0f, 0xba }, 4, 'b', undefined, 0 },
		{ "bts Ev,Ib", 0, 2, { 0x0f, 0xba }, 5, 'b', undefined, S_LOCK },
		{ "btr Ev,Ib", 0, 2, { 0x0f, 0xba }, 6, 'b', undefined, S_LOCK },
		{ "btc Ev,Ib", 0, 2, { 0x0f, 0xba }, 7, 'b', undefined, S_LOCK },
	};

	(void)state;
	oracle_subjects(subjects, ARRAY_SIZE(subjects));
}

static void test_counts(void **state)
{
	const u64 not_zf = ARITHMETIC & ~(u64)X86_EFLAGS_ZF;
	const u64 not_zf_cf = not_zf & ~(u64)X86_EFLAGS_CF;
	const struct subject subjects[] = {
		{ "bsf Gv,Ev", 0, 2, { 0x0f, 0xbc }, ANY, 0, not_zf, 0 },
		{ "bsr Gv,Ev", 0, 2, { 0x0f, 0xbd }, ANY, 0, not_zf, 0 },
		{ "tzcnt Gv,Ev", 0xf3, 2, { 0x0f, 0xbc }, ANY, 0, not_zf_cf, S_MANDATORY },
		{ "lzcnt Gv,Ev", 0xf3, 2, { 0x0f, 0xbd }, ANY, 0, not_zf_cf, S_MANDATORY },
		{ "popcnt Gv,Ev", 0xf3, 2, { 0x0f, 0xb8 }, ANY, 0, 0, S_MANDATORY },
		{ "crc32 Gd,Eb", 0xf2, 3, { 0x0f, 0x38, 0xf0 }, ANY, 0, 0, S_MANDATORY },
		{ "crc32 Gd,Ev", 0xf2, 3, { 0x0f, 0x38, 0xf1 }, ANY, 0, 0, S_MANDATORY },
	};

	(void)state;
	/* A CPU with BMI1 has LZCNT, whose name Clang's built-in does not know. */
	if (!__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("sse4.2"))
		skip();
	oracle_subjects(subjects, ARRAY_SIZE(subjects));
}

static void test_moves(void **state)
{
	static const struct subject subjects[] = {
		{ "mov Eb,Gb", 0, 1, { 0x88 }, ANY, 0, 0, S_BYTE },
		{ "mov Ev,Gv", 0, 1, { 0x89 }, ANY, 0, 0, 0 },
		{ "mov Gb,Eb", 0, 1, { 0x8a }, ANY, 0, 0, S_BYTE },
		{ "mov Gv,Ev", 0, 1, { 0x8b }, ANY, 0, 0, 0 },
		{ "mov Eb,Ib", 0, 1, { 0xc6 }, 0, 'b', 0, S_BYTE },
		{ "mov Ev,Iz", 0, 1, { 0xc7 }, 0, 'z', 0, 0 },
		{ "movzx Gv,Eb", 0, 2, { 0x0f, 0xb6 }, ANY, 0, 0, 0 },
		{ "movzx Gv,Ew", 0, 2, { 0x0f, 0xb7 }, ANY, 0, 0, 0 },
		{ "movsx Gv,Eb", 0, 2, { 0x0f, 0xbe }, ANY, 0, 0, 0 },
		{ "movsx Gv,Ew", 0, 2, { 0x0f, 0xbf }, ANY, 0, 0, 0 },
		{ "movsxd Gv,Ed", 0, 1, { 0x63 }, ANY, 0, 0, S_NO_66 },
		{ "movnti My,Gy", 0, 2, { 0x0f, 0xc3 }, ANY, 0, 0, S_MEMORY | S_NO_66 },
		{ "movbe Gv,Mv", 0, 3, { 0x0f, 0x38, 0xf0 }, ANY, 0, 0, S_MEMORY },
		{ "movbe Mv,Gv", 0, 3, { 0x0f, 0x38, 0xf1 }, ANY, 0, 0, S_MEMORY },
		{ "mov Ev,ss", 0, 1, { 0x8c }, 2, 0, 0, S_MEMORY },
		{ "xchg Eb,Gb", 0, 1, { 0x86 }, ANY, 0, 0, S_BYTE | S_LOCK },
		{ "xchg Ev,Gv", 0, 1, { 0x87 }, ANY, 0, 0, S_LOCK },
		{ "xadd Eb,Gb", 0, 2, { 0x0f, 0xc0 }, ANY, 0, 0, S_BYTE | S_LOCK },
		{ "xadd Ev,Gv", 0, 2, { 0x0f, 0xc1 }, ANY, 0, 0, S_LOCK },
		{ "cmpxchg Eb,Gb", 0, 2, { 0x0f, 0xb0 }, ANY, 0, 0, S_BYTE | S_LOCK | S_CMPXCHG },
		{ "cmpxchg Ev,Gv", 0, 2, { 0x0f, 0xb1 }, ANY, 0, 0, S_LOCK | S_CMPXCHG },
		{ "cmpxchg8b/16b", 0, 2, { 0x0f, 0xc7 }, 1, 0, 0, S_LOCK | S_WIDE | S_NO_66 },
		{ "clflush Mb", 0, 2, { 0x0f, 0xae }, 7, 0, 0, S_MEMORY | S_NO_66 },
		{ "push Ev", 0, 1, { 0xff }, 6, 0, 0, S_STACK | S_NO_REX_W },
		{ "pop Ev", 0, 1, { 0x8f }, 0, 0, 0, S_STACK | S_NO_REX_W },
	};

	(void)state;
	oracle_subjects(subjects, ARRAY_SIZE(subjects));
}

static void test_conditions(void **state)
{
	unsigned int condition;

	(void)state;
	for (condition = 0; condition < 16; condition++) {
		const struct subject subjects[] = {
			{ "setcc Eb", 0, 2, { 0x0f, 0x90 + condition }, ANY, 0, 0, S_BYTE },
			{ "cmovcc Gv,Ev", 0, 2, { 0x0f, 0x40 + condition }, ANY, 0, 0, 0 },
		};

		oracle_subjects(subjects, ARRAY_SIZE(subjects));
	}
}

/* Try an instruction without ModRM, with the given encoding and registers. */
static void try_fixed(const char *name, const u8 *bytes, unsigned int len, u64 target,
		      const struct registers *regs)
{
	const struct subject subject = { .name = name };
	struct trial t = { .subject = &subject, .len = len, .target = target, .regs = *regs };

	memcpy(t.bytes, bytes, len);
	oracle_compare(&t);
}

/*
 * Try a string instruction, with every prefix that has an effect, both directions, and 4 and
 * 8-byte addresses.
 */
static void try_string(u8 opcode)
{
	u8 bytes[5];
	unsigned int len = 0, i;
	struct registers regs;

	oracle_registers(&regs);
	/* Use few different values, so that comparisons take some iterations to end. */
	for (i = 0; i < DATA_SIZE; i++)
		bench.data[i] = pick(9) ? 0x5a : pick(4);
	regs.gpr[GPR_RSI] = (u64)bench.data + DATA_SIZE / 2 + pick(64);
	regs.gpr[GPR_RDI] = (u64)bench.data + DATA_SIZE / 2 + pick(64);
	regs.gpr[GPR_RCX] = pick(200);
	if (pick(4))
		regs.gpr[GPR_RAX] = 0x5a5a5a5a5a5a5a5a;
	if (pick(2))
		regs.rflags |= X86_EFLAGS_DF;
	if (!pick(3))
		bytes[len++] = 0x66;
	if (!pick(4))
		bytes[len++] = 0x67;
	if (pick(3))
		bytes[len++] = pick(2) ? 0xf3 : 0xf2;
	if (!pick(3))
		bytes[len++] = 0x48;
	bytes[len++] = opcode;
	try_fixed("string", bytes, len, 0, &regs);
}

static void test_strings(void **state)
{
	static const u8 opcodes[] = { 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf };
	unsigned int i, round;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(opcodes); i++)
		for (round = 0; round < ROUNDS; round++)
			try_string(opcodes[i]);
}

static void test_moffs(void **state)
{
	unsigned int round;

	(void)state;
	for (round = 0; round < 4 * ROUNDS; round++) {
		u64 target = (u64)bench.data + pick(DATA_SIZE - 8);
		unsigned int len = 0, size = 8;
		struct registers regs;
		u8 bytes[INSN_MAX_LENGTH];

		oracle_registers(&regs);
		if (!pick(3))
			bytes[len++] = 0x66;
		if (!pick(3)) {
			bytes[len++] = 0x67;
			size = 4;
		}
		if (!pick(3))
			bytes[len++] = 0x48;
		bytes[len++] = 0xa0 + pick(4);
		memcpy(bytes + len, &target, size);
		try_fixed("moffs", bytes, len + size, target, &regs);
	}
}

static void test_register_forms(void **state)
{
	unsigned int round;

	(void)state;
	for (round = 0; round < 8 * ROUNDS; round++) {
		static const u8 opcodes[] = { 0x91, 0xb0, 0xb8, 0x50, 0x58 };
		u8 opcode = opcodes[pick(ARRAY_SIZE(opcodes))] | pick(8), bytes[INSN_MAX_LENGTH];
		u64 imm = next_random();
		unsigned int len = 0, size = 4;
		struct registers regs;

		if (opcode == 0x90)
			continue;
		oracle_registers(&regs);
		regs.gpr[GPR_RSP] = (u64)bench.data + 64 + pick(DATA_SIZE - 128);
		if (!pick(3)) {
			bytes[len++] = 0x66;
			size = 2;
		}
		if (pick(2)) {
			bytes[len++] = 0x40 | pick(16);
			size = bytes[len - 1] & 8 ? 8 : size;
		}
		bytes[len++] = opcode;
		if ((opcode & 0xf8) == 0xb0)
			size = 1;
		if (opcode >= 0xb0) {
			memcpy(bytes + len, &imm, size);
			len += size;
		}
		try_fixed("register form", bytes, len, 0, &regs);
	}
}

static void test_xlat(void **state)
{
	unsigned int round;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		struct registers regs;
		u8 bytes[2] = { 0x67, 0xd7 };
		bool narrow = pick(2);

		oracle_registers(&regs);
		regs.gpr[GPR_RBX] = (u64)bench.data + pick(DATA_SIZE - 256);
		if (narrow)
			regs.gpr[GPR_RBX] |= next_random() << 32;
		try_fixed("xlat", bytes + !narrow, 1 + narrow, 0, &regs);
	}
}

/* PUSH of segments and flags, ENTER, LEAVE. Every frame is in memory. */
static void test_stack(void **state)
{
	static const struct {
		const char *name;
		u8 len;
		u8 bytes[5];
	} table[] = {
		{ "pushf", 1, { 0x9c } },
		{ "pushfw", 2, { 0x66, 0x9c } },
		{ "push fs", 2, { 0x0f, 0xa0 } },
		{ "push gs", 2, { 0x0f, 0xa8 } },
		{ "leave", 1, { 0xc9 } },
		{ "leavew", 2, { 0x66, 0xc9 } },
		{ "enter", 4, { 0xc8, 0x40, 0x01, 0 } },
		{ "enterw", 5, { 0x66, 0xc8, 0x0d, 0x00, 0x20 } },
		{ "push imm", 2, { 0x6a, 0x85 } },
		{ "pushw imm", 3, { 0x66, 0x6a, 0x85 } },
	};
	unsigned int i, round;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (round = 0; round < ROUNDS; round++) {
			struct registers regs;

			oracle_registers(&regs);
			regs.gpr[GPR_RSP] = (u64)bench.data + 512 + pick(DATA_SIZE - 1024);
			regs.gpr[GPR_RBP] = (u64)bench.data + 512 + pick(DATA_SIZE - 1024);
			try_fixed(table[i].name, table[i].bytes, table[i].len, 0, &regs);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic),     cmocka_unit_test(test_shifts),
		cmocka_unit_test(test_bits),	       cmocka_unit_test(test_moves),
		cmocka_unit_test(test_counts),	       cmocka_unit_test(test_xlat),
		cmocka_unit_test(test_stack),	       cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_strings),	       cmocka_unit_test(test_moffs),
		cmocka_unit_test(test_register_forms),
	};

	return cmocka_run_group_tests(tests, oracle_set_up, NULL);
}
