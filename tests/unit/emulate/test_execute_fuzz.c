// SPDX-License-Identifier: GPL-2.0-only
/*
 * The executor on random code in random states of all modes. Nothing may be committed unless the
 * instruction (or an iteration of a REP) is finished, and exits to userspace must not change the
 * result. ASan and UBSan watch.
 */
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

#include "x86/cr.h"
#include "emul_guest.h"
#include "emulate/opcodes.h"

#define ROUNDS 60000
#define CODE 0x10000UL
#define DATA 0x20000UL
#define SYSTEM 0x30000UL
#define DATA_PAGES 4

static struct guest g;
static u8 code[2 * GUEST_PAGE], data[DATA_PAGES * GUEST_PAGE], system_page[GUEST_PAGE];
static u64 random_state = 0x9e3779b97f4a7c15ULL;

static u64 next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static unsigned int pick(unsigned int limit)
{
	return (u32)(next_random() >> 33) % limit;
}

/* Make code of any bytes, but mostly of instructions that the executor knows, with prefixes. */
static void random_code(u8 *bytes, unsigned int len)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x64, 0x48, 0x4f };
	unsigned int i, at = 0;

	for (i = 0; i < len; i++)
		bytes[i] = next_random() >> 56;
	for (i = pick(4); i; i--)
		bytes[at++] = prefixes[pick(ARRAY_SIZE(prefixes))];
	if (!pick(3))
		bytes[at++] = 0x0f;
	else if (!pick(4))
		bytes[at] = 0x6c + pick(4); /* INS and OUTS */
	else if (!pick(4))
		bytes[at] = 0xa0 + pick(16); /* moffs and strings */
}

static void random_segments(enum insn_mode mode)
{
	unsigned int i;

	for (i = 0; i <= SEG_GS; i++) {
		struct cpu_segment *s = &g.state.seg[i];

		if (i == SEG_CS)
			continue;
		if (mode == INSN_MODE_16)
			s->base = DATA;
		else if (i >= SEG_FS || !pick(4))
			s->base = pick(64);
		if (!pick(6))
			s->attrib ^= BIT(pick(12));
		if (!pick(6))
			s->limit = DATA + pick(sizeof(data));
	}
	g.state.seg[SEG_TR] = (struct cpu_segment){ .base = SYSTEM,
						    .limit = pick(300),
						    .attrib = 0xb | SEG_ATTR_P };
}

static void random_state_of(enum insn_mode mode)
{
	u64 start = mode == INSN_MODE_16 ? 0 : DATA;
	unsigned int i;

	for (i = 0; i < GPR_COUNT; i++)
		g.state.gpr[i] = pick(5) ? start + pick(sizeof(data)) : next_random();
	/* Keep the count small enough to end every REP, some after several turns. */
	g.state.gpr[GPR_RCX] = pick(20) ? pick(40) : pick(2 * EMUL_REP_TURN);
	g.state.rflags |= next_random() & 0x47cd5; /* AC, NT, IOPL, DF, TF, arithmetic */
	if (pick(8))
		g.state.rflags &= ~(u64)(X86_EFLAGS_TF | X86_EFLAGS_NT);
	if (!pick(8))
		g.state.cr0 |= pick(2) ? CR0_TS : CR0_EM;
	if (!pick(8))
		g.state.cr0 |= CR0_AM;
	if (!pick(4))
		g.state.seg[SEG_SS].attrib |= SEG_ATTR_DPL;
	if (mode == INSN_MODE_16 && !pick(3)) {
		g.state.cr0 |= CR0_PE;
		g.state.rflags |= pick(2) ? X86_EFLAGS_VM : 0;
	}
}

static void set_up_round(enum insn_mode mode)
{
	unsigned int i;

	guest_init(&g, mode);
	guest_map(&g, 0, CODE, code, 2, GUEST_EXEC);
	guest_map(&g, 1, DATA, data, DATA_PAGES, GUEST_RW);
	guest_map(&g, 2, SYSTEM, system_page, 1, GUEST_READ);
	for (i = 0; i < DATA_PAGES; i++)
		if (!pick(5))
			g.regions[1].rights[i] = next_random() & (GUEST_RW | GUEST_MMIO);
	random_segments(mode);
	random_state_of(mode);
	if (mode == INSN_MODE_16)
		g.state.seg[SEG_CS].base = CODE;
	/* Sometimes the instruction crosses a page. */
	g.state.rip = (mode == INSN_MODE_16 ? 0 : CODE) + (pick(8) ? 0 : GUEST_PAGE - 1 - pick(8));
	random_code(code + (g.state.rip & 0x1fff), INSN_MAX_LENGTH + 1);
	for (i = 0; i < sizeof(data); i += 8) {
		u64 value = next_random();

		memcpy(data + i, &value, sizeof(value));
	}
	for (i = 104; i < 300; i++)
		system_page[i] = pick(2) ? 0 : next_random() >> 56;
	system_page[102] = 104;
}

struct outcome {
	enum emul_result result;
	struct cpu_exception fault;
	struct cpu_state state;
	u8 xmm[16][32];
	u8 data[sizeof(data)];
};

static void run(struct outcome *out)
{
	out->result = guest_run(&g);
	out->fault = g.emul.fault;
	out->state = g.state;
	memcpy(out->xmm, g.xmm, sizeof(out->xmm));
	memcpy(out->data, data, sizeof(data));
}

static void check_commitment(const struct cpu_state *before, const u8 *data_before,
			     const struct outcome *out)
{
	bool rep = g.emul.insn.prefixes & (INSN_PREFIX_REP | INSN_PREFIX_REPNE);

	if (out->result == EMUL_DONE) {
		u64 rip = before->rip + g.emul.insn.length;

		if (g.emul.insn.op < OP_CALL || g.emul.insn.op > OP_RET) /* no branch */
			assert_int_equal(out->state.rip, rip & g.emul.linear_mask);
		return;
	}
	assert_int_equal(out->state.rip, before->rip);
	if (rep && out->result != EMUL_UNKNOWN)
		return;
	assert_memory_equal(&out->state, before, sizeof(*before));
	assert_memory_equal(out->data, data_before, sizeof(data));
}

static void check_same(const struct outcome *direct, const struct outcome *exiting)
{
	assert_int_equal(direct->result, exiting->result);
	assert_memory_equal(&direct->state, &exiting->state, sizeof(direct->state));
	assert_memory_equal(direct->data, exiting->data, sizeof(direct->data));
	assert_memory_equal(direct->xmm, exiting->xmm, sizeof(direct->xmm));
	if (direct->result == EMUL_FAULT)
		assert_memory_equal(&direct->fault, &exiting->fault, sizeof(direct->fault));
}

static void round_in(enum insn_mode mode, unsigned int counts[5])
{
	static struct outcome direct, exiting;
	static u8 data_before[sizeof(data)];
	static struct guest initial;
	unsigned int posts;

	set_up_round(mode);
	initial = g;
	memcpy(data_before, data, sizeof(data));
	run(&direct);
	check_commitment(&initial.state, data_before, &direct);
	counts[direct.result]++;
	for (posts = 0; posts < 2; posts++) {
		g = initial;
		memcpy(data, data_before, sizeof(data));
		g.exit_all = true;
		g.posts = posts;
		run(&exiting);
		check_same(&direct, &exiting);
	}
}

static void test_random_code(void **state)
{
	unsigned int i, counts[5] = { 0 };

	(void)state;
	for (i = 0; i < ROUNDS; i++)
		round_in(i % 3, counts);
	printf("# %u done, %u faults, %u unknown\n", counts[EMUL_DONE], counts[EMUL_FAULT],
	       counts[EMUL_UNKNOWN]);
	/* The rounds prove something only if many finish and many fault. */
	assert_true(counts[EMUL_DONE] > ROUNDS / 10);
	assert_true(counts[EMUL_FAULT] > ROUNDS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
