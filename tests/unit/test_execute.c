// SPDX-License-Identifier: GPL-2.0-only
/*
 * The executor against the processor that runs this test: instructions with
 * random operands are run natively and emulated from the same state, and must
 * leave the same registers, flags and memory. Then once more with every access
 * exiting to userspace, which must change nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <asm/processor-flags.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "emul_guest.h"
#include "native_run.h"

#define ROUNDS 400
#define DATA_PAGES 4
#define DATA_SIZE (DATA_PAGES * GUEST_PAGE)
#define ARITHMETIC                                                                       \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)

static struct {
	u8 *code; /* one page, executable */
	u8 *data;
	u64 random;
} bench;

static u64 next_random(void)
{
	bench.random ^= bench.random >> 12;
	bench.random ^= bench.random << 25;
	bench.random ^= bench.random >> 27;
	return bench.random * 0x2545f4914f6cdd1dULL;
}

/* 0 to @limit - 1 */
static unsigned int pick(unsigned int limit)
{
	return (u32)(next_random() >> 33) % limit;
}

/* Operands: any bits, or values at the edges where flags change. */
static u64 random_operand(void)
{
	static const u64 edges[] = {
		0,
		1,
		0x7f,
		0x80,
		0xff,
		0x7fff,
		0x8000,
		0xffff,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x7fffffffffffffff,
		0x8000000000000000,
		~0ULL,
	};

	return pick(3) ? next_random() : edges[pick(ARRAY_SIZE(edges))];
}

/* Properties of a subject. */
#define S_BYTE BIT(0) /* operand size is always 1 */
#define S_MEMORY BIT(1) /* no register form */
#define S_LOCK BIT(2) /* takes LOCK */
#define S_BITS BIT(3) /* the register is a bit number */
#define S_SHIFT BIT(4) /* flags depend on the count */
#define S_ROTATE BIT(5) /* the same, but only OF and CF are touched */
#define S_DOUBLE BIT(6) /* SHLD and SHRD */
#define S_STACK BIT(7) /* RSP must point to memory */
#define S_CMPXCHG BIT(8) /* often with an accumulator that is equal */
#define S_WIDE BIT(9) /* CMPXCHG8B and 16B */
#define S_ALIGN BIT(10) /* address aligned to 32 */
#define S_NO_66 BIT(11) /* 66 would make it another instruction */
#define S_NO_REX_W BIT(12)
#define S_MANDATORY BIT(13) /* @prefix comes first */
#define S_DIVIDE BIT(14) /* the dividend must not be too large */

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

/* One instruction, encoded, and where its memory is. */
struct trial {
	const struct subject *subject;
	u8 bytes[INSN_MAX_LENGTH];
	unsigned int len;
	unsigned int size; /* operand size */
	u8 modrm;
	u8 rex;
	bool memory;
	bool address32;
	u8 base, index; /* INSN_REG_NONE if none */
	unsigned int scale;
	unsigned int disp_at; /* position of the displacement, 0 if none */
	unsigned int disp_size;
	bool rip_relative;
	u64 target;
	unsigned int shift_count;
	struct registers regs;
};

static void emit(struct trial *t, u8 byte)
{
	t->bytes[t->len++] = byte;
}

/* ModRM and SIB of a memory operand; the displacement is filled in later. */
static void emit_memory(struct trial *t, u8 reg)
{
	u8 mod = 1 + pick(2), rm = pick(8), sib = next_random() >> 56;

	t->base = INSN_REG_NONE;
	t->index = INSN_REG_NONE;
	t->disp_size = mod == 1 ? 1 : 4;
	if (!pick(6)) {
		t->rip_relative = true;
		t->disp_size = 4;
		mod = 0;
		rm = 5;
	}
	t->modrm = mod << 6 | reg << 3 | rm;
	emit(t, t->modrm);
	if (rm == 4) {
		emit(t, sib);
		t->base = (sib & 7) | (t->rex & 1 ? 8 : 0);
		t->index = (sib >> 3 & 7) | (t->rex & 2 ? 8 : 0);
		t->scale = sib >> 6;
		if (t->index == GPR_RSP)
			t->index = INSN_REG_NONE;
	} else if (!t->rip_relative) {
		t->base = rm | (t->rex & 1 ? 8 : 0);
	}
	t->disp_at = t->len;
	t->len += t->disp_size;
}

static void emit_prefixes(struct trial *t)
{
	const struct subject *s = t->subject;
	bool is_memory = t->memory;

	t->size = s->props & S_BYTE ? 1 : 4;
	if (is_memory && (s->props & S_LOCK) && !pick(3))
		emit(t, 0xf0);
	if (is_memory && !pick(5)) {
		t->address32 = true;
		emit(t, 0x67);
	}
	if (s->props & S_MANDATORY && s->prefix) {
		emit(t, s->prefix);
	} else if (!(s->props & (S_BYTE | S_NO_66 | S_MANDATORY)) && !pick(3)) {
		t->size = 2;
		emit(t, 0x66);
	}
	if (pick(3)) {
		t->rex = 0x40 | pick(16);
		if (s->props & S_NO_REX_W)
			t->rex &= ~8;
		if ((t->rex & 8) && !(s->props & S_BYTE))
			t->size = 8;
		emit(t, t->rex);
	}
}

static void emit_immediate(struct trial *t)
{
	unsigned int bytes = t->subject->imm == 'b' ? 1 : min(t->size, 4U);

	if (!t->subject->imm)
		return;
	while (bytes--)
		emit(t, next_random() >> 56);
}

static void encode(struct trial *t, const struct subject *s)
{
	u8 reg = s->reg == ANY ? (s8)pick(8) : s->reg;

	memset(t, 0, sizeof(*t));
	t->subject = s;
	t->memory = s->props & (S_MEMORY | S_WIDE) || pick(4);
	t->base = INSN_REG_NONE;
	t->index = INSN_REG_NONE;
	emit_prefixes(t);
	memcpy(t->bytes + t->len, s->opcode, s->len);
	t->len += s->len;
	if (t->memory) {
		emit_memory(t, reg);
	} else {
		t->modrm = 0xc0 | reg << 3 | pick(8);
		emit(t, t->modrm);
	}
	emit_immediate(t);
}

static u8 trial_reg(const struct trial *t)
{
	return (t->modrm >> 3 & 7) | (t->rex & 4 ? 8 : 0);
}

/* Registers that address memory and that have another duty in this trial. */
static bool is_conflict(const struct trial *t)
{
	unsigned int props = t->subject->props;
	u16 used = 0;

	if (t->base != INSN_REG_NONE)
		used |= BIT(t->base);
	if (t->index != INSN_REG_NONE)
		used |= BIT(t->index);
	if (t->base == t->index && t->base != INSN_REG_NONE)
		return true;
	if ((props & S_BITS) && (used & BIT(trial_reg(t))))
		return true;
	if ((props & S_STACK) && t->index == GPR_RSP)
		return true;
	/* 16-bit SHLD and SHRD by more than 16 have no defined result. */
	if ((props & S_DOUBLE) && t->size == 2 && t->shift_count > 16)
		return true;
	return false;
}

/* Give the address registers what makes the operand lie at t->target. */
static void aim(struct trial *t)
{
	u64 *gpr = t->regs.gpr, disp = next_random(), rest;

	t->target = (u64)bench.data + DATA_SIZE / 4 + pick(DATA_SIZE / 2);
	if (t->subject->props & (S_ALIGN | S_WIDE))
		t->target &= ~31ULL;
	if (t->subject->props & S_STACK)
		gpr[GPR_RSP] = ((u64)bench.data + DATA_SIZE / 2 + pick(256)) & ~7ULL;
	if (!t->memory)
		return;
	disp = t->disp_size == 1 ? (u64)(s8)disp : (u64)(s32)disp >> 40;
	if (t->rip_relative)
		disp = t->target - ((u64)bench.code + t->len);
	rest = t->target - disp;
	if (t->index != INSN_REG_NONE) {
		gpr[t->index] = pick(t->subject->props & S_STACK ? 64 : DATA_SIZE);
		rest -= gpr[t->index] << t->scale;
	}
	if (t->base == GPR_RSP && (t->subject->props & S_STACK))
		disp = pick(64);
	else if (t->base != INSN_REG_NONE)
		gpr[t->base] = rest;
	/* The upper halves do not count in 4-byte addresses. */
	if (t->address32 && t->base != INSN_REG_NONE && t->base != GPR_RSP)
		gpr[t->base] = (u32)rest | next_random() << 32;
	memcpy(t->bytes + t->disp_at, &disp, t->disp_size);
}

static bool is_address_register(const struct trial *t, u8 reg)
{
	return t->base == reg || t->index == reg;
}

/* Often an upper half that is an extension, so that the quotient may fit. */
static void set_dividend(struct trial *t)
{
	u64 *gpr = t->regs.gpr, upper = pick(2) ? 0 : pick(2) ? ~0ULL : pick(100);

	if (!is_address_register(t, GPR_RDX) && pick(4))
		gpr[GPR_RDX] = upper;
	if (!is_address_register(t, GPR_RAX) && t->size == 1 && pick(4))
		gpr[GPR_RAX] = pick(2) ? (u64)(s8)pick(256) : upper << 8 | pick(256);
}

/* The operands whose values decide which way the instruction goes. */
static void set_operands(struct trial *t)
{
	unsigned int props = t->subject->props;
	u64 *gpr = t->regs.gpr;

	if (props & S_BITS)
		gpr[trial_reg(t)] = (u64)(s64)((int)pick(4000) - 2000);
	if ((props & S_CMPXCHG) && t->base != GPR_RAX && t->index != GPR_RAX && pick(2)) {
		if (t->memory)
			memcpy(&gpr[GPR_RAX], (void *)t->target, 8);
		else
			gpr[GPR_RAX] = gpr[(t->modrm & 7) | (t->rex & 1 ? 8 : 0)];
	}
	if (props & S_DIVIDE)
		set_dividend(t);
	if ((props & S_WIDE) && t->base > GPR_RDX && t->index > GPR_RDX && pick(2)) {
		unsigned int half = t->rex & 8 ? 8 : 4;

		memcpy(&gpr[GPR_RAX], (void *)t->target, half);
		memcpy(&gpr[GPR_RDX], (void *)(t->target + half), half);
	}
}

static unsigned int masked_count(const struct trial *t)
{
	u8 count = t->regs.gpr[GPR_RCX];

	if (t->subject->imm)
		count = t->bytes[t->len - 1];
	else if ((t->subject->opcode[0] & 0xfe) == 0xd0)
		count = 1;
	return count & (t->size == 8 ? 63 : 31);
}

static void prepare(struct trial *t, const struct subject *s)
{
	unsigned int i;

	do {
		encode(t, s);
		for (i = 0; i < GPR_COUNT; i++)
			t->regs.gpr[i] = random_operand();
		aim(t);
		t->shift_count = masked_count(t);
	} while (is_conflict(t));
	for (i = 0; i < DATA_SIZE; i += 8) {
		u64 value = random_operand();

		memcpy(bench.data + i, &value, 8);
	}
	set_operands(t);
	for (i = 0; i < sizeof(t->regs.ymm); i++)
		((u8 *)t->regs.ymm)[i] = next_random() >> 56;
	for (i = 0; i < sizeof(t->regs.mmx); i++)
		((u8 *)t->regs.mmx)[i] = next_random() >> 56;
	t->regs.rflags = 2 | X86_EFLAGS_IF | (next_random() & ARITHMETIC);
}

static bool run_on_cpu(const struct trial *t, struct registers *result)
{
	*result = t->regs;
	return native_run(bench.code, t->bytes, t->len, result);
}

static enum emul_result run_emulated(const struct trial *t, bool exit_all, struct registers *result)
{
	static struct guest g;
	enum emul_result ret;

	guest_init(&g, INSN_MODE_64);
	guest_map(&g, 0, (u64)bench.code, bench.code, 1, GUEST_EXEC);
	guest_map(&g, 1, (u64)bench.data, bench.data, DATA_PAGES, GUEST_RW);
	g.exit_all = exit_all;
	__asm__("mov %%ss, %0" : "=r"(g.state.seg[SEG_SS].selector));
	memcpy(g.state.gpr, t->regs.gpr, sizeof(g.state.gpr));
	g.state.rflags = t->regs.rflags;
	g.state.rip = (u64)bench.code;
	memcpy(g.xmm, t->regs.ymm, sizeof(g.xmm));
	memcpy(g.mmx, t->regs.mmx, sizeof(g.mmx));
	ret = guest_run(&g);
	if (ret == EMUL_DONE)
		assert_int_equal(g.state.rip, (u64)bench.code + t->len);
	memcpy(result->gpr, g.state.gpr, sizeof(g.state.gpr));
	if (ret == EMUL_FAULT)
		assert_int_equal(g.emul.fault.vector, EXC_DE);
	result->rflags = g.state.rflags;
	memcpy(result->ymm, g.xmm, sizeof(g.xmm));
	memcpy(result->mmx, g.mmx, sizeof(g.mmx));
	return ret;
}

/* Flags that may differ, as the count makes it (SDM 2B SAL/SHL, RCL/ROL, SHLD). */
static u64 undefined_flags(const struct trial *t)
{
	unsigned int props = t->subject->props;
	u64 flags = t->subject->undefined;

	if (!(props & (S_SHIFT | S_ROTATE | S_DOUBLE)) || !t->shift_count)
		return flags;
	if (props & (S_SHIFT | S_DOUBLE))
		flags |= X86_EFLAGS_AF;
	if (t->shift_count != 1)
		flags |= X86_EFLAGS_OF;
	if ((props & S_SHIFT) && t->shift_count >= 8 * t->size)
		flags |= X86_EFLAGS_CF;
	return flags;
}

static void describe(const struct trial *t)
{
	unsigned int i;

	fprintf(stderr, "# %s:", t->subject->name);
	for (i = 0; i < t->len; i++)
		fprintf(stderr, " %02x", t->bytes[i]);
	fprintf(stderr, ", flags %#llx\n", t->regs.rflags);
	for (i = 0; i < GPR_COUNT; i++)
		fprintf(stderr, "# gpr %2u %#llx\n", i, t->regs.gpr[i]);
}

static bool registers_equal(const struct trial *t, const struct registers *a,
			    const struct registers *b)
{
	u64 differs = (a->rflags ^ b->rflags) & ~undefined_flags(t);
	unsigned int i;
	bool equal = true;

	for (i = 0; i < GPR_COUNT; i++) {
		if (a->gpr[i] == b->gpr[i])
			continue;
		fprintf(stderr, "# gpr %u: %#llx natively, %#llx emulated\n", i, a->gpr[i],
			b->gpr[i]);
		equal = false;
	}
	if (differs & (ARITHMETIC | X86_EFLAGS_DF)) {
		fprintf(stderr, "# flags: %#llx natively, %#llx emulated\n", a->rflags, b->rflags);
		equal = false;
	}
	if (native_has_avx() && memcmp(a->ymm, b->ymm, sizeof(a->ymm))) {
		fprintf(stderr, "# vector registers differ\n");
		equal = false;
	}
	if (memcmp(a->mmx, b->mmx, sizeof(a->mmx))) {
		fprintf(stderr, "# MMX registers differ\n");
		equal = false;
	}
	return equal;
}

static void compare(const struct trial *t)
{
	static u8 before[DATA_SIZE], after[DATA_SIZE];
	struct registers expected, result;
	enum emul_result wanted;
	unsigned int exits;
	bool equal;

	memcpy(before, bench.data, DATA_SIZE);
	wanted = run_on_cpu(t, &expected) ? EMUL_DONE : EMUL_FAULT;
	memcpy(after, bench.data, DATA_SIZE);
	for (exits = 0; exits < 2; exits++) {
		enum emul_result ret;

		memcpy(bench.data, before, DATA_SIZE);
		ret = run_emulated(t, exits, &result);
		equal = ret == wanted && registers_equal(t, &expected, &result) &&
			!memcmp(after, bench.data, DATA_SIZE);
		if (equal)
			continue;
		describe(t);
		fail_msg("%s: result %d, memory %s", t->subject->name, ret,
			 memcmp(after, bench.data, DATA_SIZE) ? "differs" : "equal");
	}
}

static void test_subjects(const struct subject *subjects, unsigned int count)
{
	struct trial t;
	unsigned int i, round;

	for (i = 0; i < count; i++) {
		for (round = 0; round < ROUNDS; round++) {
			prepare(&t, &subjects[i]);
			compare(&t);
		}
	}
}

#define AF X86_EFLAGS_AF
#define IMUL_UNDEFINED (ARITHMETIC & ~(X86_EFLAGS_CF | X86_EFLAGS_OF))

/* Everything that an arithmetic operation with an encoding of its own has. */
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
			test_subjects(&s, 1);
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
	test_subjects(subjects, ARRAY_SIZE(subjects));
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
			test_subjects(&s, 1);
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
	test_subjects(subjects, ARRAY_SIZE(subjects));
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
	test_subjects(subjects, ARRAY_SIZE(subjects));
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
		{ "push Ev", 0, 1, { 0xff }, 6, 0, 0, S_STACK | S_NO_REX_W },
		{ "pop Ev", 0, 1, { 0x8f }, 0, 0, 0, S_STACK | S_NO_REX_W },
	};

	(void)state;
	test_subjects(subjects, ARRAY_SIZE(subjects));
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

		test_subjects(subjects, ARRAY_SIZE(subjects));
	}
}

#define SSE(n, mandatory, op, p)                                                       \
	{                                                                              \
		n, mandatory, 2, { 0x0f, op }, ANY, 0, 0, S_MEMORY | S_MANDATORY | (p) \
	}

static void test_vector_moves(void **state)
{
	static const struct subject subjects[] = {
		SSE("movups load", 0, 0x10, 0),
		SSE("movups store", 0, 0x11, 0),
		SSE("movupd load", 0x66, 0x10, 0),
		SSE("movupd store", 0x66, 0x11, 0),
		SSE("movss load", 0xf3, 0x10, 0),
		SSE("movss store", 0xf3, 0x11, 0),
		SSE("movsd load", 0xf2, 0x10, 0),
		SSE("movsd store", 0xf2, 0x11, 0),
		SSE("movlps load", 0, 0x12, 0),
		SSE("movlps store", 0, 0x13, 0),
		SSE("movlpd load", 0x66, 0x12, 0),
		SSE("movlpd store", 0x66, 0x13, 0),
		SSE("movhps load", 0, 0x16, 0),
		SSE("movhps store", 0, 0x17, 0),
		SSE("movhpd load", 0x66, 0x16, 0),
		SSE("movhpd store", 0x66, 0x17, 0),
		SSE("movaps load", 0, 0x28, S_ALIGN),
		SSE("movaps store", 0, 0x29, S_ALIGN),
		SSE("movapd load", 0x66, 0x28, S_ALIGN),
		SSE("movapd store", 0x66, 0x29, S_ALIGN),
		SSE("movntps", 0, 0x2b, S_ALIGN),
		SSE("movntpd", 0x66, 0x2b, S_ALIGN),
		SSE("movd/q mm load", 0, 0x6e, 0),
		SSE("movd/q mm store", 0, 0x7e, 0),
		SSE("movd/q load", 0x66, 0x6e, 0),
		SSE("movd/q store", 0x66, 0x7e, 0),
		SSE("movq mm load", 0, 0x6f, 0),
		SSE("movq mm store", 0, 0x7f, 0),
		SSE("movdqa load", 0x66, 0x6f, S_ALIGN),
		SSE("movdqa store", 0x66, 0x7f, S_ALIGN),
		SSE("movdqu load", 0xf3, 0x6f, 0),
		SSE("movdqu store", 0xf3, 0x7f, 0),
		SSE("movq load", 0xf3, 0x7e, 0),
		SSE("movq store", 0x66, 0xd6, 0),
		SSE("movntq", 0, 0xe7, 0),
		SSE("movntdq", 0x66, 0xe7, S_ALIGN),
		SSE("lddqu", 0xf2, 0xf0, 0),
		{ "movntdqa",
		  0x66,
		  3,
		  { 0x0f, 0x38, 0x2a },
		  ANY,
		  0,
		  0,
		  S_MEMORY | S_MANDATORY | S_ALIGN },
	};

	(void)state;
	if (!native_has_avx())
		skip();
	test_subjects(subjects, ARRAY_SIZE(subjects));
}

/* One VEX move of any register at [rdi]; @p1 holds W, vvvv, L and the prefix. */
static void try_vex(const struct subject *s, u8 p1)
{
	unsigned int high = pick(2), reg = pick(8);
	struct trial t;

	prepare(&t, s); /* for its memory and registers */
	t.len = 0;
	emit(&t, 0xc4);
	emit(&t, (high ? 0 : 0x80) | 0x60 | (s->len == 3 ? 2 : 1));
	emit(&t, p1);
	emit(&t, s->opcode[s->len - 1]);
	emit(&t, reg << 3 | GPR_RDI);
	t.regs.gpr[GPR_RDI] = t.target;
	compare(&t);
}

static void test_vex_moves(void **state)
{
	static const struct {
		struct subject subject;
		u8 p1; /* implied prefix, W */
		bool wide; /* L may be set */
		bool merge; /* vvvv may be set */
	} table[] = {
		{ SSE("vmovups load", 0, 0x10, 0), 0, true, false },
		{ SSE("vmovups store", 0, 0x11, 0), 0, true, false },
		{ SSE("vmovupd load", 0, 0x10, 0), 1, true, false },
		{ SSE("vmovss load", 0, 0x10, 0), 2, true, false },
		{ SSE("vmovsd load", 0, 0x10, 0), 3, true, false },
		{ SSE("vmovsd store", 0, 0x11, 0), 3, true, false },
		{ SSE("vmovlps load", 0, 0x12, 0), 0, false, true },
		{ SSE("vmovlpd store", 0, 0x13, 0), 1, false, false },
		{ SSE("vmovhps load", 0, 0x16, 0), 0, false, true },
		{ SSE("vmovhpd store", 0, 0x17, 0), 1, false, false },
		{ SSE("vmovaps load", 0, 0x28, S_ALIGN), 0, true, false },
		{ SSE("vmovapd store", 0, 0x29, S_ALIGN), 1, true, false },
		{ SSE("vmovntps", 0, 0x2b, S_ALIGN), 0, true, false },
		{ SSE("vmovd load", 0, 0x6e, 0), 1, false, false },
		{ SSE("vmovq load W", 0, 0x6e, 0), 0x81, false, false },
		{ SSE("vmovd store", 0, 0x7e, 0), 1, false, false },
		{ SSE("vmovq store W", 0, 0x7e, 0), 0x81, false, false },
		{ SSE("vmovdqa load", 0, 0x6f, S_ALIGN), 1, true, false },
		{ SSE("vmovdqa store", 0, 0x7f, S_ALIGN), 1, true, false },
		{ SSE("vmovdqu load", 0, 0x6f, 0), 2, true, false },
		{ SSE("vmovdqu store", 0, 0x7f, 0), 2, true, false },
		{ SSE("vmovq load", 0, 0x7e, 0), 2, false, false },
		{ SSE("vmovq store", 0, 0xd6, 0), 1, false, false },
		{ SSE("vmovntdq", 0, 0xe7, S_ALIGN), 1, true, false },
		{ SSE("vlddqu", 0, 0xf0, 0), 3, true, false },
		{ { "vmovntdqa",
		    0,
		    3,
		    { 0x0f, 0x38, 0x2a },
		    ANY,
		    0,
		    0,
		    S_MEMORY | S_MANDATORY | S_ALIGN },
		  1,
		  false,
		  false },
	};
	unsigned int i, round;

	(void)state;
	if (!native_has_avx())
		skip();
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (round = 0; round < ROUNDS; round++) {
			u8 p1 = table[i].p1 | (table[i].wide && pick(2) ? 4 : 0);

			try_vex(&table[i].subject, p1 | (table[i].merge ? pick(16) : 15) << 3);
		}
	}
}

/* Instructions without ModRM: the encoding is given, registers are random. */
static void try_fixed(const char *name, const u8 *bytes, unsigned int len, u64 target,
		      const struct registers *regs)
{
	const struct subject subject = { .name = name };
	struct trial t = { .subject = &subject, .len = len, .target = target, .regs = *regs };

	memcpy(t.bytes, bytes, len);
	compare(&t);
}

static void random_registers(struct registers *regs)
{
	unsigned int i;

	for (i = 0; i < sizeof(*regs); i++)
		((u8 *)regs)[i] = next_random() >> 56;
	for (i = 0; i < GPR_COUNT; i++)
		regs->gpr[i] = random_operand();
	regs->rflags = 2 | X86_EFLAGS_IF | (next_random() & ARITHMETIC);
}

/* Strings, with every prefix that matters, both directions, 4 and 8-byte addresses. */
static void try_string(u8 opcode)
{
	u8 bytes[5];
	unsigned int len = 0, i;
	struct registers regs;

	random_registers(&regs);
	/* Few different values, so that comparisons go on for a while. */
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

		random_registers(&regs);
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
		random_registers(&regs);
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

static int set_up(void **state)
{
	const int protection = PROT_READ | PROT_WRITE | PROT_EXEC;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT; /* for 4-byte addresses */

	(void)state;
	bench.code = mmap(NULL, GUEST_PAGE, protection, flags, -1, 0);
	bench.data = mmap(NULL, DATA_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (bench.code == MAP_FAILED || bench.data == MAP_FAILED)
		return -1;
	bench.random = 0x9e3779b97f4a7c15ULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_shifts),
		cmocka_unit_test(test_bits),	   cmocka_unit_test(test_moves),
		cmocka_unit_test(test_conditions), cmocka_unit_test(test_vector_moves),
		cmocka_unit_test(test_vex_moves),  cmocka_unit_test(test_strings),
		cmocka_unit_test(test_moffs),	   cmocka_unit_test(test_register_forms),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
