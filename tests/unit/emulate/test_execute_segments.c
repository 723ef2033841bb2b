// SPDX-License-Identifier: GPL-2.0-only
/*
 * The executor, where a process cannot ask the processor: loads of segment registers from
 * descriptors, with all their faults, stack operations of 16 and 32-bit code, and tables of the
 * CPU above 4 GiB.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <asm/processor-flags.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emul_guest.h"

#define CODE 0x10000UL
#define DATA 0x20000UL
#define TABLES 0x30000UL
#define STACK (DATA + 2048)

#define SEL(index) (8 * (index))

enum {
	GDT_NULL,
	GDT_DATA,
	GDT_CODE,
	GDT_USER,
	GDT_ABSENT,
	GDT_READ_ONLY,
	GDT_XO,
	GDT_TSS,
	GDT_COUNT
};

/* Access byte, flags as in the upper nibble, and base. The limit is all ones. */
static const struct {
	u64 access;
	u64 flags;
	u64 base;
} gdt[GDT_COUNT] = {
	[GDT_DATA] = { 0x92, 0xc, 0x12345678 },
	[GDT_CODE] = { 0x9a, 0xc, 0 },
	[GDT_USER] = { 0xf2, 0x4, 0x1000 },
	[GDT_ABSENT] = { 0x12, 0xc, 0 },
	[GDT_READ_ONLY] = { 0x90, 0xc, 0 },
	[GDT_XO] = { 0x98, 0xc, 0 },
	[GDT_TSS] = { 0x89, 0, 0 },
};

static u64 descriptor(unsigned int i)
{
	if (i == GDT_NULL)
		return 0;
	return 0xffff | (gdt[i].base & 0xffffff) << 16 | gdt[i].access << 40 | 0xfULL << 48 |
	       gdt[i].flags << 52 | gdt[i].base >> 24 << 56;
}

static struct guest g;
static struct cpu_state before;
static u8 code[GUEST_PAGE], data[GUEST_PAGE], tables[GUEST_PAGE];

static void start_at(enum insn_mode mode, u64 where)
{
	unsigned int i;

	guest_init(&g, mode);
	memset(data, 0, sizeof(data));
	memset(tables, 0, sizeof(tables));
	for (i = 0; i < GDT_COUNT; i++) {
		u64 entry = descriptor(i);

		memcpy(tables + 8 * i, &entry, sizeof(entry));
	}
	guest_map(&g, 0, CODE, code, 1, GUEST_EXEC | GUEST_USER);
	guest_map(&g, 1, DATA, data, 1, GUEST_RW);
	guest_map(&g, 2, where, tables, 1, GUEST_READ | GUEST_WRITE);
	g.state.gdtr = (struct cpu_table){ .base = where, .limit = 8 * GDT_COUNT - 1 };
	g.state.gpr[GPR_RBX] = DATA + 64;
	g.state.gpr[GPR_RSP] = STACK;
}

static void start(enum insn_mode mode)
{
	start_at(mode, TABLES);
}

static void set_cpl(unsigned int cpl)
{
	g.state.seg[SEG_SS].attrib |= cpl << SEG_ATTR_DPL_SHIFT;
	g.state.seg[SEG_CS].attrib |= cpl << SEG_ATTR_DPL_SHIFT;
}

static void place(const char *bytes, unsigned int len)
{
	memset(code, 0xf4, sizeof(code));
	memcpy(code, bytes, len);
	g.state.rip = CODE;
	before = g.state;
}

#define STEP(bytes)                              \
	({                                       \
		place(bytes, sizeof(bytes) - 1); \
		guest_run(&g);                   \
	})

/* MOV @selector, which is at [rbx], to a segment register. */
static enum emul_result load(u8 seg, u16 selector)
{
	const char bytes[] = { (char)0x8e, (char)(seg << 3 | 3) };

	memcpy(data + 64, &selector, 2);
	place(bytes, 2);
	return guest_run(&g);
}

static void assert_refused(enum emul_result result, u8 vector, u16 error_code)
{
	assert_int_equal(result, EMUL_FAULT);
	assert_int_equal(g.emul.fault.vector, vector);
	assert_true(g.emul.fault.has_error_code);
	assert_int_equal(g.emul.fault.error_code, error_code);
	assert_memory_equal(&g.state, &before, sizeof(before));
	assert_false(g.emul.segs_loaded);
}

static void test_data_segments(void **state)
{
	const struct cpu_segment *es = &g.state.seg[SEG_ES];

	(void)state;
	start(INSN_MODE_32);
	assert_int_equal(load(SEG_ES, SEL(GDT_DATA) | 3), EMUL_FAULT); /* RPL above DPL */
	assert_int_equal(load(SEG_ES, SEL(GDT_DATA)), EMUL_DONE);
	assert_true(g.emul.segs_loaded);
	assert_false(g.emul.shadow);
	assert_int_equal(es->selector, SEL(GDT_DATA));
	assert_int_equal(es->base, 0x12345678);
	assert_int_equal(es->limit, 0xffffffff);
	assert_int_equal(es->attrib, 0xc93);
	assert_int_equal(tables[GDT_DATA * 8 + 5], 0x93); /* accessed */
	/* Without granularity the limit is in bytes. */
	assert_int_equal(load(SEG_FS, SEL(GDT_USER) | 3), EMUL_DONE);
	assert_int_equal(g.state.seg[SEG_FS].limit, 0xfffff);
	assert_int_equal(load(SEG_DS, SEL(GDT_CODE)), EMUL_DONE);
	start(INSN_MODE_32);
	assert_int_equal(load(SEG_GS, 3), EMUL_DONE); /* null */
	assert_int_equal(g.state.seg[SEG_GS].selector, 3);
	assert_int_equal(g.state.seg[SEG_GS].attrib & SEG_ATTR_P, 0);
}

static void test_refused(void **state)
{
	(void)state;
	start(INSN_MODE_32);
	assert_refused(load(SEG_ES, SEL(GDT_COUNT)), EXC_GP, SEL(GDT_COUNT));
	assert_refused(load(SEG_ES, SEL(GDT_DATA) | 4), EXC_GP, SEL(GDT_DATA) | 4); /* no LDT */
	assert_refused(load(SEG_ES, SEL(GDT_XO)), EXC_GP, SEL(GDT_XO));
	assert_refused(load(SEG_ES, SEL(GDT_TSS)), EXC_GP, SEL(GDT_TSS));
	assert_refused(load(SEG_ES, SEL(GDT_ABSENT)), EXC_NP, SEL(GDT_ABSENT));
	assert_refused(load(SEG_SS, SEL(GDT_ABSENT)), EXC_SS, SEL(GDT_ABSENT));
	assert_refused(load(SEG_SS, 0), EXC_GP, 0);
	assert_refused(load(SEG_SS, SEL(GDT_READ_ONLY)), EXC_GP, SEL(GDT_READ_ONLY));
	assert_refused(load(SEG_SS, SEL(GDT_CODE)), EXC_GP, SEL(GDT_CODE));
	assert_refused(load(SEG_SS, SEL(GDT_USER)), EXC_GP, SEL(GDT_USER));
	assert_int_equal(load(SEG_SS, SEL(GDT_DATA)), EMUL_DONE);
	assert_true(g.emul.shadow);
	/* User mode cannot load the supervisor's segments, but the CPU reads the tables. */
	start(INSN_MODE_32);
	set_cpl(3);
	assert_refused(load(SEG_ES, SEL(GDT_DATA)), EXC_GP, SEL(GDT_DATA));
	assert_int_equal(load(SEG_ES, SEL(GDT_USER) | 3), EMUL_DONE);
	assert_int_equal(load(SEG_SS, SEL(GDT_USER) | 3), EMUL_DONE);
}

/* A page fault on a table has no U/S bit, and nothing is loaded. */
static void test_missing_table(void **state)
{
	(void)state;
	start(INSN_MODE_32);
	set_cpl(3);
	g.regions[2].rights[0] = 0;
	assert_refused(load(SEG_ES, SEL(GDT_USER) | 3), EXC_PF, 0);
	assert_int_equal(g.emul.fault.address, TABLES + 8 * GDT_USER);
	g.regions[2].rights[0] = GUEST_READ;
	assert_refused(load(SEG_ES, SEL(GDT_USER) | 3), EXC_PF, PFEC_PRESENT | PFEC_WRITE);
	tables[GDT_USER * 8 + 5] |= 1; /* accessed already: not written */
	assert_int_equal(load(SEG_ES, SEL(GDT_USER) | 3), EMUL_DONE);
	/* If another CPU changes the descriptor, it is read again, but not for ever. */
	start(INSN_MODE_32);
	g.cmpxchg_losses = 3;
	assert_int_equal(load(SEG_ES, SEL(GDT_DATA)), EMUL_DONE);
	tables[GDT_DATA * 8 + 5] = 0x92;
	g.cmpxchg_losses = 100;
	memcpy(data + 64, "\x08\x00", 2);
	place("\x8e\x03", 2);
	assert_int_equal(guest_step(&g), EMUL_AGAIN);
	assert_memory_equal(&g.state, &before, sizeof(before));
}

static void test_long_mode(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	assert_int_equal(load(SEG_SS, 0), EMUL_DONE); /* the supervisor's SS may be null */
	assert_int_equal(cpu_cpl(&g.state), 0);
	assert_refused(load(SEG_SS, 3), EXC_GP, 0);
	assert_int_equal(load(SEG_FS, SEL(GDT_DATA)), EMUL_DONE);
	assert_int_equal(g.state.seg[SEG_FS].base, 0x12345678);
	start(INSN_MODE_64);
	set_cpl(3);
	assert_refused(load(SEG_SS, 3), EXC_GP, 0);
	/* In compatibility mode the addresses of tables still have 64 bits. */
	start_at(INSN_MODE_32, 0xffff800000030000);
	g.state.efer = CR_EFER_LME | CR_EFER_LMA;
	assert_int_equal(load(SEG_FS, SEL(GDT_DATA)), EMUL_DONE);
	g.state.seg[SEG_TR] = (struct cpu_segment){ .base = 0xffff800000030100,
						    .limit = 0x80,
						    .attrib = 0xb | SEG_ATTR_P };
	tables[0x100 + 102] = 104;
	set_cpl(3);
	g.state.gpr[GPR_RDI] = DATA;
	g.state.gpr[GPR_RDX] = 0x60;
	assert_int_equal(STEP("\x6c"), EMUL_DONE); /* insb */
	tables[0x100 + 104 + 0x60 / 8] = 1;
	assert_int_equal(STEP("\x6c"), EMUL_FAULT);
	assert_int_equal(g.emul.fault.vector, EXC_GP);
}

static void test_pop_and_far(void **state)
{
	const u16 selector = SEL(GDT_DATA);
	const u32 offset = 0xcafebabe;

	(void)state;
	start(INSN_MODE_32);
	memcpy(data + 2048, &selector, 2);
	assert_int_equal(STEP("\x07"), EMUL_DONE); /* pop es */
	assert_int_equal(g.state.seg[SEG_ES].selector, selector);
	assert_int_equal(g.state.gpr[GPR_RSP], STACK + 4);
	g.state.gpr[GPR_RSP] = STACK;
	assert_int_equal(STEP("\x66\x0f\xa1"), EMUL_DONE); /* pop fs, 16 bits */
	assert_int_equal(g.state.gpr[GPR_RSP], STACK + 2);
	g.state.gpr[GPR_RSP] = STACK;
	assert_int_equal(STEP("\x17"), EMUL_DONE); /* pop ss */
	assert_true(g.emul.shadow);
	assert_int_equal(STEP("\x0f\x17"), EMUL_UNKNOWN);
	/* LES, LGS and LDS load far pointers. */
	start(INSN_MODE_32);
	memcpy(data + 64, &offset, 4);
	memcpy(data + 68, &selector, 2);
	assert_int_equal(STEP("\xc4\x0b"), EMUL_DONE); /* les ecx, [ebx] */
	assert_int_equal(g.state.gpr[GPR_RCX], offset);
	assert_int_equal(g.state.seg[SEG_ES].selector, selector);
	assert_int_equal(STEP("\x0f\xb5\x0b"), EMUL_DONE); /* lgs ecx, [ebx] */
	assert_int_equal(g.state.seg[SEG_GS].selector, selector);
	g.state.seg[SEG_DS].limit = DATA + 68; /* the selector's second byte is beyond */
	assert_refused(STEP("\xc4\x0b"), EXC_GP, 0);
	start(INSN_MODE_16);
	g.state.seg[SEG_DS].base = DATA;
	g.state.gpr[GPR_RBX] = 64;
	memcpy(data + 64, "\x34\x12\x78\x56", 4);
	g.state.seg[SEG_CS].base = CODE;
	place("\xc5\x0f", 2); /* lds cx, [bx] */
	g.state.rip = 0;
	assert_int_equal(guest_run(&g), EMUL_DONE);
	assert_int_equal(g.state.gpr[GPR_RCX], 0x1234);
	assert_int_equal(g.state.seg[SEG_DS].base, 0x56780);
}

static void test_all_registers(void **state)
{
	unsigned int i;

	(void)state;
	start(INSN_MODE_32);
	for (i = 0; i < 8; i++)
		if (i != GPR_RSP)
			g.state.gpr[i] = 0x11111111 * (i + 1);
	assert_int_equal(STEP("\x60"), EMUL_DONE); /* pusha */
	assert_int_equal(g.state.gpr[GPR_RSP], STACK - 32);
	for (i = 0; i < 8; i++)
		assert_int_equal(*(u32 *)(data + 2048 - 4 - 4 * i), (u32)before.gpr[i]);
	memset(g.state.gpr, 0, sizeof(g.state.gpr));
	g.state.gpr[GPR_RSP] = STACK - 32;
	assert_int_equal(STEP("\x61"), EMUL_DONE); /* popa */
	for (i = 0; i < 8; i++)
		assert_int_equal(g.state.gpr[i], i == GPR_RSP ? STACK : 0x11111111 * (i + 1));
	assert_int_equal(STEP("\x66\x60"), EMUL_DONE);
	assert_int_equal(g.state.gpr[GPR_RSP], STACK - 16);
	assert_int_equal(*(u16 *)(data + 2048 - 16), 0x8888);
	/* If some of it would lie outside the segment, nothing is pushed. */
	g.state.seg[SEG_SS].limit = STACK - 33;
	assert_refused(STEP("\x60"), EXC_SS, 0);
	/* All registers go to a device in one access. */
	start(INSN_MODE_32);
	g.regions[1].rights[0] |= GUEST_MMIO;
	assert_int_equal(STEP("\x60"), EMUL_DONE);
	assert_int_equal(g.user_exits, 1);
}

/* ENTER faults if there is no room for the frame (SDM 2A ENTER). */
static void test_enter(void **state)
{
	(void)state;
	start(INSN_MODE_32);
	g.state.gpr[GPR_RBP] = 0x55667788;
	assert_int_equal(STEP("\xc8\x00\x01\x00"), EMUL_DONE); /* enter 256, 0 */
	assert_int_equal(g.state.gpr[GPR_RBP], STACK - 4);
	assert_int_equal(g.state.gpr[GPR_RSP], STACK - 4 - 256);
	assert_int_equal(*(u32 *)(data + 2044), 0x55667788);
	assert_int_equal(STEP("\xc8\x00\x10\x00"), EMUL_FAULT); /* no room for 4096 more */
	assert_int_equal(g.emul.fault.vector, EXC_PF);
	assert_memory_equal(&g.state, &before, sizeof(before));
	assert_int_equal(STEP("\xc8\x00\x01\x01"), EMUL_UNKNOWN);
}

/* CPL and IOPL decide which flags POPF changes (SDM 2B POPF). */
static void test_popf(void **state)
{
	const u64 all = 0xffffffff, arithmetic = 0xcd5 | X86_EFLAGS_NT | 2;

	(void)state;
	start(INSN_MODE_32);
	memcpy(data + 2048, &all, 4);
	g.state.rflags = 2 | X86_EFLAGS_VIP | X86_EFLAGS_RF;
	assert_int_equal(STEP("\x9d"), EMUL_DONE);
	assert_int_equal(g.state.rflags, arithmetic | X86_EFLAGS_TF | X86_EFLAGS_IF |
						 X86_EFLAGS_IOPL | X86_EFLAGS_AC | X86_EFLAGS_ID |
						 X86_EFLAGS_VIP);
	assert_int_equal(g.state.gpr[GPR_RSP], STACK + 4);
	/* A trap follows the instruction after POPF has set TF, even if that clears TF. */
	assert_false(g.emul.tf_trap);
	memset(data + 2048, 0, 8);
	g.state.gpr[GPR_RSP] = STACK;
	assert_int_equal(STEP("\x9d"), EMUL_DONE);
	assert_true(g.emul.tf_trap);
	memcpy(data + 2048, &all, 4);
	start(INSN_MODE_32);
	memcpy(data + 2048, &all, 4);
	assert_int_equal(STEP("\x66\x9d"), EMUL_DONE); /* only the lower half */
	assert_int_equal(g.state.rflags,
			 arithmetic | X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_IOPL);
	start(INSN_MODE_32);
	memcpy(data + 2048, &all, 4);
	set_cpl(3);
	assert_int_equal(STEP("\x9d"), EMUL_DONE); /* neither IF nor IOPL */
	assert_int_equal(g.state.rflags,
			 arithmetic | X86_EFLAGS_TF | X86_EFLAGS_AC | X86_EFLAGS_ID);
	start(INSN_MODE_32);
	set_cpl(3);
	g.state.rflags |= X86_EFLAGS_IOPL | X86_EFLAGS_IF;
	assert_int_equal(STEP("\x9d"), EMUL_DONE); /* IF with IOPL 3 */
	assert_int_equal(g.state.rflags, 2 | X86_EFLAGS_IOPL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data_segments), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_missing_table), cmocka_unit_test(test_long_mode),
		cmocka_unit_test(test_pop_and_far),   cmocka_unit_test(test_all_registers),
		cmocka_unit_test(test_popf),	      cmocka_unit_test(test_enter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
