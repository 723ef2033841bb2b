// SPDX-License-Identifier: GPL-2.0-only
/* The executor against the processor: loads and stores of vector registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <asm/processor-flags.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "oracle.h"

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
	oracle_subjects(subjects, ARRAY_SIZE(subjects));
}

#define LANES(n, mandatory, map, op, i, p)                                                  \
	{                                                                                   \
		n, mandatory, 3, { 0x0f, map, op }, ANY, i, 0, S_MEMORY | S_MANDATORY | (p) \
	}

static void test_lane_moves(void **state)
{
	static const struct subject subjects[] = {
		SSE("movddup", 0xf2, 0x12, 0),
		SSE("movsldup", 0xf3, 0x12, S_ALIGN),
		SSE("movshdup", 0xf3, 0x16, S_ALIGN),
		{ "pinsrw", 0x66, 2, { 0x0f, 0xc4 }, ANY, 'b', 0, S_MEMORY | S_MANDATORY },
		LANES("pextrb", 0x66, 0x3a, 0x14, 'b', 0),
		LANES("pextrw", 0x66, 0x3a, 0x15, 'b', 0),
		LANES("pextrd/q", 0x66, 0x3a, 0x16, 'b', 0),
		LANES("extractps", 0x66, 0x3a, 0x17, 'b', 0),
		LANES("pinsrb", 0x66, 0x3a, 0x20, 'b', 0),
		LANES("pinsrd/q", 0x66, 0x3a, 0x22, 'b', 0),
	};

	(void)state;
	if (!native_has_avx())
		skip();
	oracle_subjects(subjects, ARRAY_SIZE(subjects));
}

/* Masked stores write to [rdi]. */
static void test_masked_stores(void **state)
{
	static const struct subject subjects[] = {
		SSE("maskmovq", 0, 0xf7, 0),
		SSE("maskmovdqu", 0x66, 0xf7, 0),
	};
	unsigned int i, round;

	(void)state;
	if (!native_has_avx())
		skip();
	for (i = 0; i < ARRAY_SIZE(subjects); i++) {
		for (round = 0; round < ROUNDS; round++) {
			struct trial t;

			oracle_prepare(&t, &subjects[i]);
			t.len = 0;
			if (subjects[i].prefix)
				oracle_emit(&t, subjects[i].prefix);
			oracle_emit(&t, 0x0f);
			oracle_emit(&t, 0xf7);
			oracle_emit(&t, 0xc0 | pick(64));
			t.regs.gpr[GPR_RDI] = t.target;
			oracle_compare(&t);
		}
	}
}

/* Try a VEX move of any register at [rdi]. @p1 holds W, vvvv, L and the prefix. */
static void try_vex(const struct subject *s, u8 p1)
{
	unsigned int high = pick(2), reg = pick(8);
	u8 map = s->len == 2 ? 1 : s->opcode[1] == 0x38 ? 2 : 3;
	struct trial t;

	oracle_prepare(&t, s); /* it fills memory and registers */
	t.len = 0;
	oracle_emit(&t, 0xc4);
	oracle_emit(&t, (high ? 0 : 0x80) | 0x60 | map);
	oracle_emit(&t, p1);
	oracle_emit(&t, s->opcode[s->len - 1]);
	oracle_emit(&t, reg << 3 | GPR_RDI);
	if (s->imm)
		oracle_emit(&t, next_random() >> 56);
	t.regs.gpr[GPR_RDI] = t.target;
	oracle_compare(&t);
}

static void test_vex_lanes(void **state)
{
	static const struct {
		struct subject subject;
		u8 p1; /* implied prefix, W, L */
		bool wide; /* L may be set */
		bool merge; /* vvvv may be set */
	} table[] = {
		{ SSE("vmovddup", 0, 0x12, 0), 3, true, false },
		{ SSE("vmovsldup", 0, 0x12, 0), 2, true, false },
		{ SSE("vmovshdup", 0, 0x16, 0), 2, true, false },
		{ { "vpinsrw", 0, 2, { 0x0f, 0xc4 }, ANY, 'b', 0, S_MEMORY | S_MANDATORY },
		  1,
		  false,
		  true },
		{ LANES("vbroadcastss", 0, 0x38, 0x18, 0, 0), 1, true, false },
		{ LANES("vbroadcastsd", 0, 0x38, 0x19, 0, 0), 5, false, false },
		{ LANES("vbroadcastf128", 0, 0x38, 0x1a, 0, 0), 5, false, false },
		{ LANES("vpbroadcastd", 0, 0x38, 0x58, 0, 0), 1, true, false },
		{ LANES("vpbroadcastq", 0, 0x38, 0x59, 0, 0), 1, true, false },
		{ LANES("vbroadcasti128", 0, 0x38, 0x5a, 0, 0), 5, false, false },
		{ LANES("vpbroadcastb", 0, 0x38, 0x78, 0, 0), 1, true, false },
		{ LANES("vpbroadcastw", 0, 0x38, 0x79, 0, 0), 1, true, false },
		{ LANES("vpextrb", 0, 0x3a, 0x14, 'b', 0), 1, false, false },
		{ LANES("vpextrw", 0, 0x3a, 0x15, 'b', 0), 1, false, false },
		{ LANES("vpextrd", 0, 0x3a, 0x16, 'b', 0), 1, false, false },
		{ LANES("vpextrq", 0, 0x3a, 0x16, 'b', 0), 0x81, false, false },
		{ LANES("vextractps", 0, 0x3a, 0x17, 'b', 0), 1, false, false },
		{ LANES("vinsertf128", 0, 0x3a, 0x18, 'b', 0), 5, false, true },
		{ LANES("vextractf128", 0, 0x3a, 0x19, 'b', 0), 5, false, false },
		{ LANES("vpinsrb", 0, 0x3a, 0x20, 'b', 0), 1, false, true },
		{ LANES("vpinsrd", 0, 0x3a, 0x22, 'b', 0), 1, false, true },
		{ LANES("vpinsrq", 0, 0x3a, 0x22, 'b', 0), 0x81, false, true },
		{ LANES("vinserti128", 0, 0x3a, 0x38, 'b', 0), 5, false, true },
		{ LANES("vextracti128", 0, 0x3a, 0x39, 'b', 0), 5, false, false },
	};
	unsigned int i, round;

	(void)state;
	if (!__builtin_cpu_supports("avx2"))
		skip();
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (round = 0; round < ROUNDS; round++) {
			u8 p1 = table[i].p1 | (table[i].wide && pick(2) ? 4 : 0);

			try_vex(&table[i].subject, p1 | (table[i].merge ? pick(16) : 15) << 3);
		}
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector_moves),  cmocka_unit_test(test_lane_moves),
		cmocka_unit_test(test_masked_stores), cmocka_unit_test(test_vex_moves),
		cmocka_unit_test(test_vex_lanes),
	};

	return cmocka_run_group_tests(tests, oracle_set_up, NULL);
}
