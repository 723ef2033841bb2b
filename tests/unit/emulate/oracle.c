// SPDX-License-Identifier: GPL-2.0-only
/* Encodes instructions and compares the executor with the CPU. See oracle.h. */
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

#include "oracle.h"

struct bench bench;

u64 next_random(void)
{
	bench.random ^= bench.random >> 12;
	bench.random ^= bench.random << 25;
	bench.random ^= bench.random >> 27;
	return bench.random * 0x2545f4914f6cdd1dULL;
}

unsigned int pick(unsigned int limit)
{
	return (u32)(next_random() >> 33) % limit;
}

/* Return any bits, or a value at an edge where flags change. */
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

void oracle_emit(struct trial *t, u8 byte)
{
	t->bytes[t->len++] = byte;
}

/* Emit ModRM and SIB of a memory operand; aim() fills in the displacement. */
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
	oracle_emit(t, t->modrm);
	if (rm == 4) {
		oracle_emit(t, sib);
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
		oracle_emit(t, 0xf0);
	if (is_memory && !pick(5)) {
		t->address32 = true;
		oracle_emit(t, 0x67);
	}
	if (s->props & S_MANDATORY && s->prefix) {
		oracle_emit(t, s->prefix);
	} else if (!(s->props & (S_BYTE | S_NO_66 | S_MANDATORY)) && !pick(3)) {
		t->size = 2;
		oracle_emit(t, 0x66);
	}
	if (pick(3)) {
		t->rex = 0x40 | pick(16);
		if (s->props & S_NO_REX_W)
			t->rex &= ~8;
		if ((t->rex & 8) && !(s->props & S_BYTE))
			t->size = 8;
		oracle_emit(t, t->rex);
	}
}

static void emit_immediate(struct trial *t)
{
	unsigned int bytes = t->subject->imm == 'b' ? 1 : min(t->size, 4U);

	if (!t->subject->imm)
		return;
	while (bytes--)
		oracle_emit(t, next_random() >> 56);
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
		oracle_emit(t, t->modrm);
	}
	emit_immediate(t);
}

static u8 trial_reg(const struct trial *t)
{
	return (t->modrm >> 3 & 7) | (t->rex & 4 ? 8 : 0);
}

/* Return true if a register that addresses memory is used for something else, too. */
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
	/* 16-bit SHLD and SHRD by more than 16 have an undefined result. */
	if ((props & S_DOUBLE) && t->size == 2 && t->shift_count > 16)
		return true;
	return false;
}

/* Set the address registers so that the operand lies at t->target. */
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
	/* A 4-byte address ignores the upper halves. */
	if (t->address32 && t->base != INSN_REG_NONE && t->base != GPR_RSP)
		gpr[t->base] = (u32)rest | next_random() << 32;
	memcpy(t->bytes + t->disp_at, &disp, t->disp_size);
}

static bool is_address_register(const struct trial *t, u8 reg)
{
	return t->base == reg || t->index == reg;
}

/* Often make the upper half an extension of the lower, so that the quotient may fit. */
static void set_dividend(struct trial *t)
{
	u64 *gpr = t->regs.gpr, upper = pick(2) ? 0 : pick(2) ? ~0ULL : pick(100);

	if (!is_address_register(t, GPR_RDX) && pick(4))
		gpr[GPR_RDX] = upper;
	if (!is_address_register(t, GPR_RAX) && t->size == 1 && pick(4))
		gpr[GPR_RAX] = pick(2) ? (u64)(s8)pick(256) : upper << 8 | pick(256);
}

/* Set the operands that decide what the instruction does. */
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

void oracle_prepare(struct trial *t, const struct subject *s)
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

/* @exits: 0 none, 1 each access exits, 2 each access exits but writes do not wait. */
static enum emul_result run_emulated(const struct trial *t, unsigned int exits,
				     struct registers *result)
{
	static struct guest g;
	enum emul_result ret;

	guest_init(&g, INSN_MODE_64);
	guest_map(&g, 0, (u64)bench.code, bench.code, 1, GUEST_EXEC);
	guest_map(&g, 1, (u64)bench.data, bench.data, DATA_PAGES, GUEST_RW);
	g.exit_all = exits;
	g.posts = exits == 2;
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

/* Return the flags that the shift's count leaves undefined (SDM 2B SAL/SHL, RCL/ROL, SHLD). */
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

void oracle_compare(const struct trial *t)
{
	static u8 before[DATA_SIZE], after[DATA_SIZE];
	struct registers expected, result;
	enum emul_result wanted;
	unsigned int exits;
	bool equal;

	memcpy(before, bench.data, DATA_SIZE);
	wanted = run_on_cpu(t, &expected) ? EMUL_DONE : EMUL_FAULT;
	memcpy(after, bench.data, DATA_SIZE);
	for (exits = 0; exits < 3; exits++) {
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

void oracle_subjects(const struct subject *subjects, unsigned int count)
{
	struct trial t;
	unsigned int i, round;

	for (i = 0; i < count; i++) {
		for (round = 0; round < ROUNDS; round++) {
			oracle_prepare(&t, &subjects[i]);
			oracle_compare(&t);
		}
	}
}

void oracle_registers(struct registers *regs)
{
	unsigned int i;

	for (i = 0; i < sizeof(*regs); i++)
		((u8 *)regs)[i] = next_random() >> 56;
	for (i = 0; i < GPR_COUNT; i++)
		regs->gpr[i] = random_operand();
	regs->rflags = 2 | X86_EFLAGS_IF | (next_random() & ARITHMETIC);
}

int oracle_set_up(void **state)
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
