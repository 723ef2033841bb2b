// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches: each check before and after the commit point, with its vector and error code;
 * both kinds of TSS; and the busy flag, NT and link of each source.
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
#include "emulate/task_switch.h"

#define TABLES 0x30000UL
#define OLD_TSS 0x31000UL
#define NEW_TSS 0x32000UL
#define STACK 0x40000UL
#define NEW_LDT 0x800 /* in TABLES */
#define TSS_EIP 0x20
#define TSS_EFLAGS 0x24
#define TSS_EAX 0x28
#define TSS_ESP 0x38
#define TSS_ES 0x48

/* Selectors. */
enum {
	CODE0 = 0x08,
	DATA0 = 0x10,
	CODE3 = 0x18,
	DATA3 = 0x20,
	OLD = 0x28,
	NEW = 0x30,
	NEW16 = 0x38,
	OLD16 = 0x40,
	LDT = 0x48,
	ABSENT_CODE = 0x50,
	ABSENT_DATA = 0x58,
	READ_ONLY = 0x60,
	EXECUTE_ONLY = 0x68,
	CONFORMING = 0x70, /* DPL 0 */
	CONFORMING3 = 0x78, /* DPL 3 */
	DATA16 = 0x80, /* DPL 0 */
	ABSENT_TSS = 0x88,
	SHORT_TSS = 0x90,
	SHORT_TSS16 = 0x98,
	ABSENT_LDT = 0xa0,
	FAR_LDT = 0xa8, /* its descriptors are in no page */
	GATE = 0xb0,
	GDT_SIZE = 0xb8,
	IN_LDT = 4, /* DATA0's copy in the LDT */
};

static struct guest g;
static struct cpu_state before;
static u8 tables[3 * GUEST_PAGE], tables_before[sizeof(tables)], stack[GUEST_PAGE];
static u64 cr3_loaded;
static bool cr3_good;

static bool load_cr3(struct emul *e, u64 cr3)
{
	(void)e;
	cr3_loaded = cr3;
	return cr3_good;
}

static u64 descriptor(u64 base, u32 limit, u8 access, u8 flags)
{
	return (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)access << 40 |
	       (u64)(limit >> 16 & 0xf) << 48 | (u64)flags << 52 | (base >> 24 & 0xff) << 56;
}

static void put(u64 linear, u32 value, unsigned int size)
{
	memcpy(tables + (linear - TABLES), &value, size);
}

static u32 get(u64 linear, unsigned int size)
{
	u32 value = 0;

	memcpy(&value, tables + (linear - TABLES), size);
	return value;
}

static u8 access_byte(u16 selector)
{
	return tables[(selector & ~7) + 5];
}

static void make_gdt(void)
{
	u64 *gdt = (u64 *)tables;

	gdt[CODE0 / 8] = descriptor(0, 0xfffff, 0x9a, 0xc);
	gdt[DATA0 / 8] = descriptor(0, 0xfffff, 0x92, 0xc);
	gdt[CODE3 / 8] = descriptor(0, 0xfffff, 0xfa, 0xc);
	gdt[DATA3 / 8] = descriptor(0, 0xfffff, 0xf2, 0xc);
	gdt[OLD / 8] = descriptor(OLD_TSS, 0x67, 0x8b, 0);
	gdt[NEW / 8] = descriptor(NEW_TSS, 0x67, 0x89, 0);
	gdt[NEW16 / 8] = descriptor(NEW_TSS, 0x2b, 0x81, 0);
	gdt[OLD16 / 8] = descriptor(OLD_TSS, 0x2b, 0x83, 0);
	gdt[LDT / 8] = descriptor(TABLES + NEW_LDT, 0xf, 0x82, 0);
	gdt[ABSENT_CODE / 8] = descriptor(0, 0xfffff, 0x1a, 0xc);
	gdt[ABSENT_DATA / 8] = descriptor(0, 0xfffff, 0x12, 0xc);
	gdt[READ_ONLY / 8] = descriptor(0, 0xfffff, 0x90, 0xc);
	gdt[EXECUTE_ONLY / 8] = descriptor(0, 0xfffff, 0x98, 0xc);
	gdt[CONFORMING / 8] = descriptor(0, 0xfffff, 0x9e, 0xc);
	gdt[CONFORMING3 / 8] = descriptor(0, 0xfffff, 0xfe, 0xc);
	gdt[DATA16 / 8] = descriptor(STACK, 0xffff, 0x92, 0);
	gdt[ABSENT_TSS / 8] = descriptor(NEW_TSS, 0x67, 0x09, 0);
	gdt[SHORT_TSS / 8] = descriptor(NEW_TSS, 0x66, 0x89, 0);
	gdt[SHORT_TSS16 / 8] = descriptor(NEW_TSS, 0x2a, 0x81, 0);
	gdt[ABSENT_LDT / 8] = descriptor(TABLES + NEW_LDT, 0xf, 0x02, 0);
	gdt[FAR_LDT / 8] = descriptor(0x12345000, 0xf, 0x82, 0);
	gdt[GATE / 8] = descriptor(0, 0, 0x85, 0);
	memcpy(tables + NEW_LDT, &gdt[DATA0 / 8], 8);
}

static void new_segment(enum cpu_seg seg, u16 selector)
{
	put(NEW_TSS + TSS_ES + 4 * seg, 0xabcd0000 | selector, 4);
}

static void make_new_tss(void)
{
	unsigned int i;

	put(NEW_TSS + 0x1c, 0x55000, 4);
	put(NEW_TSS + TSS_EIP, 0x12345678, 4);
	put(NEW_TSS + TSS_EFLAGS, X86_EFLAGS_IF | X86_EFLAGS_CF, 4);
	for (i = 0; i < 8; i++)
		put(NEW_TSS + TSS_EAX + 4 * i, 0x1000 * i + 1, 4);
	put(NEW_TSS + TSS_ESP, STACK + 0x100, 4);
	for (i = 0; i <= SEG_GS; i++)
		new_segment(i, DATA0);
	new_segment(SEG_CS, CODE0);
}

static void make_new_tss16(void)
{
	unsigned int i;

	memset(tables + (NEW_TSS - TABLES), 0, 0x68);
	put(NEW_TSS + 0x0e, 0x1234, 2);
	put(NEW_TSS + 0x10, X86_EFLAGS_IF | X86_EFLAGS_ZF, 2);
	for (i = 0; i < 8; i++)
		put(NEW_TSS + 0x12 + 2 * i, 0x100 * i + 7, 2);
	for (i = 0; i < 4; i++)
		put(NEW_TSS + 0x22 + 2 * i, i == SEG_CS ? CODE0 : DATA16, 2);
	put(NEW_TSS + 0x2a, LDT, 2);
}

/* Make a guest in the old task at CPL 0, with a valid new task. */
static void start(void)
{
	unsigned int i;

	guest_init(&g, INSN_MODE_32);
	memset(tables, 0, sizeof(tables));
	memset(stack, 0, sizeof(stack));
	guest_map(&g, 0, TABLES, tables, 3, GUEST_READ | GUEST_WRITE);
	guest_map(&g, 1, STACK, stack, 1, GUEST_RW);
	make_gdt();
	make_new_tss();
	g.state.gdtr = (struct cpu_table){ TABLES, GDT_SIZE - 1 };
	g.state.seg[SEG_TR] = (struct cpu_segment){ OLD, SEG_ATTR_P | 0xb, 0x67, OLD_TSS };
	for (i = 0; i < 8; i++)
		g.state.gpr[i] = 0x80000000 + i;
	for (i = 0; i <= SEG_GS; i++)
		g.state.seg[i].selector = 0x100 + 8 * i;
	g.state.rip = 0x7000;
	g.state.rflags = 2 | X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_DF;
	g.state.dr7 = 0xffff0755;
	g.state.cr3 = 0x1000;
	cr3_loaded = 0;
	cr3_good = true;
}

static struct task_switch how;

static enum emul_result run(u16 selector, enum task_switch_source source)
{
	how.selector = selector;
	how.source = source;
	how.load_cr3 = load_cr3;
	before = g.state;
	memcpy(tables_before, tables, sizeof(tables));
	return emul_task_switch(&g.emul, &how);
}

static void assert_fault(enum emul_result result, u8 vector, u32 error_code)
{
	assert_int_equal(result, EMUL_FAULT);
	assert_int_equal(g.emul.fault.vector, vector);
	assert_true(g.emul.fault.has_error_code);
	assert_int_equal(g.emul.fault.error_code, error_code);
}

static void assert_nothing_changed(void)
{
	assert_false(how.committed);
	assert_memory_equal(&g.state, &before, sizeof(before));
	assert_memory_equal(tables, tables_before, sizeof(tables));
}

/* Expect a fault before the commit point, for an internal and for an external event. */
static void refused(u16 selector, enum task_switch_source source, u8 vector, u32 error_code)
{
	how = (struct task_switch){ .length = 7 };
	assert_fault(run(selector, source), vector, error_code);
	assert_nothing_changed();
	how = (struct task_switch){ .external = true };
	assert_fault(run(selector, source), vector, error_code | 1);
	assert_nothing_changed();
}

static void test_new_tss(void **state)
{
	static const enum task_switch_source others[] = { TASK_SWITCH_CALL, TASK_SWITCH_JMP,
							  TASK_SWITCH_GATE };
	unsigned int i;

	(void)state;
	start();
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		refused(0, others[i], EXC_GP, 0);
		refused(3, others[i], EXC_GP, 0);
		refused(NEW | 4, others[i], EXC_GP, NEW | 4);
		refused(GDT_SIZE, others[i], EXC_GP, GDT_SIZE);
		refused(OLD, others[i], EXC_GP, OLD); /* busy */
		refused(DATA0, others[i], EXC_GP, DATA0);
		refused(LDT, others[i], EXC_GP, LDT);
		refused(GATE, others[i], EXC_GP, GATE);
		refused(ABSENT_TSS | 2, others[i], EXC_NP, ABSENT_TSS);
		refused(SHORT_TSS, others[i], EXC_TS, SHORT_TSS);
		refused(SHORT_TSS16, others[i], EXC_TS, SHORT_TSS16);
	}
	refused(0, TASK_SWITCH_IRET, EXC_TS, 0);
	refused(NEW | 4, TASK_SWITCH_IRET, EXC_TS, NEW | 4);
	refused(GDT_SIZE, TASK_SWITCH_IRET, EXC_TS, GDT_SIZE);
	refused(NEW, TASK_SWITCH_IRET, EXC_TS, NEW); /* available */
	refused(CODE0, TASK_SWITCH_IRET, EXC_TS, CODE0);
	tables[ABSENT_TSS + 5] |= 2;
	refused(ABSENT_TSS, TASK_SWITCH_IRET, EXC_NP, ABSENT_TSS);
	tables[SHORT_TSS + 5] |= 2;
	refused(SHORT_TSS, TASK_SWITCH_IRET, EXC_TS, SHORT_TSS);
	/* The whole descriptor must be in the table. */
	g.state.gdtr.limit = NEW + 6;
	refused(NEW, TASK_SWITCH_JMP, EXC_GP, NEW);
}

static void test_old_tss(void **state)
{
	(void)state;
	start();
	g.state.seg[SEG_TR].limit = 0x5e;
	refused(NEW, TASK_SWITCH_JMP, EXC_TS, OLD);
	g.state.seg[SEG_TR].limit = 0x5f;
	assert_int_equal(run(NEW, TASK_SWITCH_JMP), EMUL_DONE);
	start();
	g.state.seg[SEG_TR] = (struct cpu_segment){ OLD16, SEG_ATTR_P | 3, 0x28, OLD_TSS };
	refused(NEW, TASK_SWITCH_JMP, EXC_TS, OLD16);
	g.state.seg[SEG_TR].limit = 0x29;
	assert_int_equal(run(NEW, TASK_SWITCH_JMP), EMUL_DONE);
}

static void assert_old_saved(u32 eip, u32 eflags)
{
	unsigned int i;

	assert_int_equal(get(OLD_TSS + TSS_EIP, 4), eip);
	assert_int_equal(get(OLD_TSS + TSS_EFLAGS, 4), eflags);
	for (i = 0; i < 8; i++)
		assert_int_equal(get(OLD_TSS + TSS_EAX + 4 * i, 4), 0x80000000 + i);
	for (i = 0; i <= SEG_GS; i++)
		assert_int_equal(get(OLD_TSS + TSS_ES + 4 * i, 4), 0xffff0000 | (0x100 + 8 * i));
	/* The static fields of the TSS are not written. */
	assert_int_equal(get(OLD_TSS + 0x1c, 4), 0xffffffff);
	assert_int_equal(get(OLD_TSS + 0x60, 4), 0xffffffff);
	assert_int_equal(get(OLD_TSS + 0, 4), 0xffffffff);
}

static void test_32bit(void **state)
{
	const struct cpu_segment *seg = g.state.seg;
	unsigned int i;

	(void)state;
	start();
	memset(tables + (OLD_TSS - TABLES), 0xff, 0x68);
	how = (struct task_switch){ .length = 5 };
	assert_int_equal(run(NEW | 3, TASK_SWITCH_JMP), EMUL_DONE);
	assert_true(how.committed);
	assert_false(how.trap);
	/* JMP is finished, so RF is clear. */
	assert_old_saved(0x7005, 2 | X86_EFLAGS_NT | X86_EFLAGS_DF);
	assert_int_equal(g.state.rip, 0x12345678);
	assert_int_equal(g.state.rflags, 2 | X86_EFLAGS_IF | X86_EFLAGS_CF);
	for (i = 0; i < 8; i++)
		if (i != GPR_RSP)
			assert_int_equal(g.state.gpr[i], 0x1000 * i + 1);
	assert_int_equal(g.state.gpr[GPR_RSP], STACK + 0x100);
	for (i = 0; i <= SEG_GS; i++) {
		assert_int_equal(seg[i].selector, i == SEG_CS ? CODE0 : DATA0);
		assert_int_equal(seg[i].attrib, i == SEG_CS ? 0xc9b : 0xc93);
		assert_int_equal(seg[i].base, 0);
		assert_int_equal(seg[i].limit, 0xffffffff);
	}
	assert_int_equal(seg[SEG_TR].selector, NEW | 3);
	assert_int_equal(seg[SEG_TR].attrib, 0x8b);
	assert_int_equal(seg[SEG_TR].base, NEW_TSS);
	assert_int_equal(seg[SEG_TR].limit, 0x67);
	assert_int_equal(seg[SEG_LDTR].attrib & SEG_ATTR_P, 0);
	/* The accessed bits are set in memory, too. */
	assert_int_equal(access_byte(CODE0), 0x9b);
	assert_int_equal(access_byte(DATA0), 0x93);
	assert_int_equal(g.state.cr0, before.cr0 | CR0_TS);
	assert_int_equal(g.state.dr7, 0xffff0600);
}

static void test_16bit(void **state)
{
	const struct cpu_segment *seg = g.state.seg;
	unsigned int i;

	(void)state;
	start();
	make_new_tss16();
	memset(tables + (OLD_TSS - TABLES), 0xff, 0x68);
	g.state.seg[SEG_TR] = (struct cpu_segment){ OLD16, SEG_ATTR_P | 3, 0x2b, OLD_TSS };
	how = (struct task_switch){ .length = 3 };
	assert_int_equal(run(NEW16, TASK_SWITCH_CALL), EMUL_DONE);
	assert_int_equal(get(OLD_TSS + 0x0c, 2), 0xffff);
	assert_int_equal(get(OLD_TSS + 0x0e, 2), 0x7003);
	assert_int_equal(get(OLD_TSS + 0x10, 2), 2 | X86_EFLAGS_NT | X86_EFLAGS_DF);
	for (i = 0; i < 8; i++)
		assert_int_equal(get(OLD_TSS + 0x12 + 2 * i, 2), i);
	for (i = 0; i < 4; i++)
		assert_int_equal(get(OLD_TSS + 0x22 + 2 * i, 2), 0x100 + 8 * i);
	assert_int_equal(get(OLD_TSS + 0x2a, 4), 0xffffffff);
	assert_int_equal(get(NEW_TSS, 2), OLD16);
	assert_int_equal(g.state.rip, 0x1234);
	assert_int_equal(g.state.rflags, 2 | X86_EFLAGS_IF | X86_EFLAGS_ZF | X86_EFLAGS_NT);
	for (i = 0; i < 8; i++)
		assert_int_equal(g.state.gpr[i] & 0xffff, 0x100 * i + 7);
	assert_int_equal(seg[SEG_CS].selector, CODE0);
	assert_int_equal(seg[SEG_SS].base, STACK);
	assert_int_equal(seg[SEG_SS].limit, 0xffff);
	assert_int_equal(seg[SEG_FS].selector, 0);
	assert_int_equal(seg[SEG_GS].attrib & SEG_ATTR_P, 0);
	assert_int_equal(seg[SEG_LDTR].selector, LDT);
	assert_int_equal(seg[SEG_LDTR].base, TABLES + NEW_LDT);
	assert_int_equal(seg[SEG_TR].attrib, 0x83);
	/* A 16-bit TSS has no CR3 and no T bit. */
	assert_int_equal(cr3_loaded, 0);
	assert_false(how.trap);
}

/* SDM 3A table 8-2 */
static void test_busy_and_link(void **state)
{
	static const struct {
		enum task_switch_source source;
		u8 old_busy;
		u32 old_nt, new_nt;
		u16 link;
	} cases[] = {
		{ TASK_SWITCH_JMP, 0, X86_EFLAGS_NT, 0, 0x7777 },
		{ TASK_SWITCH_CALL, 2, X86_EFLAGS_NT, X86_EFLAGS_NT, OLD },
		{ TASK_SWITCH_GATE, 2, X86_EFLAGS_NT, X86_EFLAGS_NT, OLD },
		{ TASK_SWITCH_IRET, 0, 0, 0, 0x7777 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		start();
		put(NEW_TSS, 0x7777, 2);
		if (cases[i].source == TASK_SWITCH_IRET)
			tables[NEW + 5] |= 2;
		how = (struct task_switch){ 0 };
		assert_int_equal(run(NEW, cases[i].source), EMUL_DONE);
		assert_int_equal(access_byte(OLD) & 2, cases[i].old_busy);
		assert_int_equal(access_byte(NEW) & 2, 2);
		assert_int_equal(get(OLD_TSS + TSS_EFLAGS, 4) & X86_EFLAGS_NT, cases[i].old_nt);
		assert_int_equal(g.state.rflags & X86_EFLAGS_NT, cases[i].new_nt);
		assert_int_equal(get(NEW_TSS, 2), cases[i].link);
		/* A fault does not change RF and RIP. */
		assert_int_equal(get(OLD_TSS + TSS_EFLAGS, 4) & X86_EFLAGS_RF, X86_EFLAGS_RF);
		assert_int_equal(get(OLD_TSS + TSS_EIP, 4), 0x7000);
	}
}

static void test_round_trip(void **state)
{
	unsigned int i;

	(void)state;
	start();
	for (i = 0; i <= SEG_GS; i++)
		g.state.seg[i].selector = i == SEG_CS ? CODE0 : DATA0;
	g.state.rflags = 2 | X86_EFLAGS_CF;
	put(OLD_TSS + 0x1c, 0x77000, 4);
	how = (struct task_switch){ .length = 7 };
	assert_int_equal(run(NEW, TASK_SWITCH_CALL), EMUL_DONE);
	assert_int_equal(cr3_loaded, 0x55000);
	g.state.gpr[GPR_RAX] = 0x4711;
	g.state.rip = 0x8000;
	how = (struct task_switch){ .length = 1 };
	assert_int_equal(run(get(NEW_TSS, 2), TASK_SWITCH_IRET), EMUL_DONE);
	assert_int_equal(g.state.rip, 0x7007);
	assert_int_equal(g.state.rflags, 2 | X86_EFLAGS_CF);
	assert_int_equal(g.state.seg[SEG_TR].selector, OLD);
	for (i = 0; i < 8; i++)
		assert_int_equal(g.state.gpr[i], 0x80000000 + i);
	assert_int_equal(cr3_loaded, 0x77000);
	assert_int_equal(access_byte(NEW), 0x89);
	assert_int_equal(access_byte(OLD), 0x8b);
	/* The state of the task that was left is in its TSS. */
	assert_int_equal(get(NEW_TSS + TSS_EAX, 4), 0x4711);
	assert_int_equal(get(NEW_TSS + TSS_EIP, 4), 0x8001);
	assert_int_equal(get(NEW_TSS + TSS_EFLAGS, 4) & X86_EFLAGS_NT, 0);
}

/* Expect a fault if the new TSS has a selector that cannot be loaded. */
static void bad_segment(enum cpu_seg seg, u16 selector, u8 cpl, u8 vector)
{
	bool external;

	for (external = false;; external = true) {
		start();
		if (cpl) {
			new_segment(SEG_CS, CODE3 | 3);
			new_segment(SEG_SS, DATA3 | 3);
		}
		new_segment(seg, selector);
		how = (struct task_switch){ .external = external, .length = 5 };
		assert_fault(run(NEW, TASK_SWITCH_GATE), vector, (selector & 0xfffc) | external);
		assert_true(how.committed);
		/* The fault is the new task's, whose registers and selectors are loaded. */
		assert_int_equal(g.state.rip, 0x12345678);
		assert_int_equal(g.state.seg[SEG_TR].selector, NEW);
		assert_int_equal(g.state.seg[seg].selector, selector);
		assert_int_equal(get(OLD_TSS + TSS_EIP, 4), 0x7005);
		if (external)
			break;
	}
}

static void test_code_segments(void **state)
{
	(void)state;
	bad_segment(SEG_CS, 0, 0, EXC_TS);
	bad_segment(SEG_CS, GDT_SIZE, 0, EXC_TS);
	bad_segment(SEG_CS, IN_LDT, 0, EXC_TS); /* without an LDT */
	bad_segment(SEG_CS, DATA0, 0, EXC_TS);
	bad_segment(SEG_CS, NEW, 0, EXC_TS); /* a system descriptor */
	bad_segment(SEG_CS, CODE0 | 3, 0, EXC_TS); /* DPL below RPL */
	bad_segment(SEG_CS, CODE3, 0, EXC_TS); /* DPL above RPL */
	bad_segment(SEG_CS, CONFORMING3, 0, EXC_TS);
	bad_segment(SEG_CS, ABSENT_CODE, 0, EXC_NP);
	start();
	new_segment(SEG_CS, CONFORMING | 3);
	new_segment(SEG_SS, DATA3 | 3);
	new_segment(SEG_DS, 0);
	new_segment(SEG_ES, DATA3);
	new_segment(SEG_FS, CONFORMING | 3);
	new_segment(SEG_GS, 3);
	how = (struct task_switch){ 0 };
	assert_int_equal(run(NEW, TASK_SWITCH_JMP), EMUL_DONE);
	assert_int_equal(cpu_cpl(&g.state), 3);
	assert_int_equal(g.state.seg[SEG_DS].attrib & SEG_ATTR_P, 0);
}

static void test_stack_segments(void **state)
{
	(void)state;
	bad_segment(SEG_SS, 0, 0, EXC_TS);
	bad_segment(SEG_SS, 3, 3, EXC_TS);
	bad_segment(SEG_SS, GDT_SIZE, 0, EXC_TS);
	bad_segment(SEG_SS, CODE0, 0, EXC_TS);
	bad_segment(SEG_SS, READ_ONLY, 0, EXC_TS);
	bad_segment(SEG_SS, OLD, 0, EXC_TS);
	bad_segment(SEG_SS, DATA0 | 3, 0, EXC_TS); /* RPL is not CPL */
	bad_segment(SEG_SS, DATA3 | 3, 0, EXC_TS);
	bad_segment(SEG_SS, DATA0 | 3, 3, EXC_TS); /* DPL is not CPL */
	bad_segment(SEG_SS, DATA3, 0, EXC_TS);
	bad_segment(SEG_SS, ABSENT_DATA, 0, EXC_SS);
}

static void test_data_segments(void **state)
{
	static const enum cpu_seg segs[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(segs); i++) {
		bad_segment(segs[i], GDT_SIZE | 3, 0, EXC_TS);
		bad_segment(segs[i], EXECUTE_ONLY, 0, EXC_TS);
		bad_segment(segs[i], LDT, 0, EXC_TS);
		bad_segment(segs[i], DATA0 | 3, 0, EXC_TS); /* DPL below RPL */
		bad_segment(segs[i], ABSENT_DATA, 0, EXC_NP);
	}
	/* DPL below CPL */
	start();
	new_segment(SEG_CS, CODE3 | 3);
	new_segment(SEG_SS, DATA3 | 3);
	how = (struct task_switch){ 0 };
	assert_fault(run(NEW, TASK_SWITCH_JMP), EXC_TS, DATA0);
	assert_int_equal(cpu_cpl(&g.state), 3);
}

static void bad_ldt(u16 selector)
{
	start();
	put(NEW_TSS + 0x60, selector, 2);
	how = (struct task_switch){ 0 };
	assert_fault(run(NEW, TASK_SWITCH_JMP), EXC_TS, selector & 0xfffc);
	assert_true(how.committed);
	assert_int_equal(g.state.seg[SEG_LDTR].attrib & SEG_ATTR_P, 0);
}

static void test_ldt(void **state)
{
	(void)state;
	bad_ldt(LDT | 4);
	bad_ldt(GDT_SIZE);
	bad_ldt(NEW);
	bad_ldt(DATA0);
	bad_ldt(ABSENT_LDT);
	start();
	put(NEW_TSS + 0x60, LDT, 2);
	new_segment(SEG_DS, IN_LDT);
	how = (struct task_switch){ 0 };
	assert_int_equal(run(NEW, TASK_SWITCH_JMP), EMUL_DONE);
	assert_int_equal(g.state.seg[SEG_LDTR].limit, 0xf);
	assert_int_equal(tables[NEW_LDT + 5], 0x93);
	/* The limit of the LDT is checked, and its page may be absent. */
	start();
	put(NEW_TSS + 0x60, LDT, 2);
	new_segment(SEG_DS, IN_LDT + 16);
	assert_fault(run(NEW, TASK_SWITCH_JMP), EXC_TS, IN_LDT + 16);
	start();
	put(NEW_TSS + 0x60, FAR_LDT, 2);
	new_segment(SEG_ES, IN_LDT);
	assert_fault(run(NEW, TASK_SWITCH_JMP), EXC_PF, 0);
	assert_int_equal(g.emul.fault.address, 0x12345000);
	assert_true(how.committed);
}

static void test_v86(void **state)
{
	unsigned int i;

	(void)state;
	start();
	put(NEW_TSS + TSS_EFLAGS, X86_EFLAGS_VM | X86_EFLAGS_IOPL | 0xffc00000, 4);
	for (i = 0; i <= SEG_GS; i++)
		new_segment(i, 0x1000 + i);
	how = (struct task_switch){ .length = 7 };
	assert_int_equal(run(NEW, TASK_SWITCH_CALL), EMUL_DONE);
	for (i = 0; i <= SEG_GS; i++) {
		assert_int_equal(g.state.seg[i].selector, 0x1000 + i);
		assert_int_equal(g.state.seg[i].base, 0x10000 + 16 * i);
		assert_int_equal(g.state.seg[i].limit, 0xffff);
		assert_int_equal(g.state.seg[i].attrib, 0xf3);
	}
	assert_int_equal(g.state.rflags, 2 | X86_EFLAGS_VM | X86_EFLAGS_IOPL | X86_EFLAGS_NT);
	assert_int_equal(cpu_cpl(&g.state), 3);
	/* An interrupt leaves virtual-8086 mode for a task with a bad CS. */
	new_segment(SEG_CS, 0);
	put(OLD_TSS + TSS_ES + 4 * SEG_CS, 0, 2);
	tables[OLD + 5] &= ~2;
	how = (struct task_switch){ .external = true };
	assert_fault(run(OLD, TASK_SWITCH_GATE), EXC_TS, 1);
	assert_int_equal(get(NEW_TSS + TSS_EFLAGS, 4) & X86_EFLAGS_VM, X86_EFLAGS_VM);
	assert_int_equal(g.state.rflags & X86_EFLAGS_VM, 0);
	assert_int_equal(cpu_cpl(&g.state), 0);
}

static void test_error_code(void **state)
{
	(void)state;
	start();
	how = (struct task_switch){ .external = true,
				    .has_error_code = true,
				    .error_code = 0xf00d };
	assert_int_equal(run(NEW, TASK_SWITCH_GATE), EMUL_DONE);
	assert_int_equal(g.state.gpr[GPR_RSP], STACK + 0xfc);
	assert_int_equal(*(u32 *)(stack + 0xfc), 0xf00d);
	assert_int_equal(*(u32 *)(stack + 0xf8), 0);
	/* A 16-bit TSS pushes 2 bytes, on a stack of 64 KiB. */
	start();
	make_new_tss16();
	put(NEW_TSS + 0x1a, 0x80, 2);
	assert_int_equal(run(NEW16, TASK_SWITCH_GATE), EMUL_DONE);
	assert_int_equal(g.state.gpr[GPR_RSP], 0x7e);
	assert_int_equal(*(u32 *)(stack + 0x7c), 0xf00d0000);
	/* The stack segment has no room for the error code. */
	start();
	((u64 *)tables)[DATA16 / 8] = descriptor(STACK, 0x7f, 0x92, 0);
	new_segment(SEG_SS, DATA16);
	assert_fault(run(NEW, TASK_SWITCH_GATE), EXC_SS, 1);
	assert_true(how.committed);
	/* The stack has no page for the error code. */
	start();
	put(NEW_TSS + TSS_ESP, 0x60000, 4);
	assert_fault(run(NEW, TASK_SWITCH_GATE), EXC_PF, PFEC_WRITE);
	assert_int_equal(g.emul.fault.address, 0x5fffc);
	assert_int_equal(g.state.gpr[GPR_RSP], 0x60000);
}

static void test_trap(void **state)
{
	(void)state;
	start();
	put(NEW_TSS + 0x64, 1, 2);
	how = (struct task_switch){ 0 };
	assert_int_equal(run(NEW, TASK_SWITCH_JMP), EMUL_DONE);
	assert_true(how.trap);
}

static void test_cr3(void **state)
{
	(void)state;
	start();
	how = (struct task_switch){ .external = true };
	assert_int_equal(run(NEW, TASK_SWITCH_GATE), EMUL_DONE);
	assert_int_equal(cr3_loaded, 0x55000);
	start();
	cr3_good = false;
	assert_fault(run(NEW, TASK_SWITCH_GATE), EXC_GP, 1);
	assert_true(how.committed);
	start();
	g.state.cr0 &= ~CR0_PG;
	assert_int_equal(run(NEW, TASK_SWITCH_GATE), EMUL_DONE);
	assert_int_equal(cr3_loaded, 0);
}

static void page_fault(u64 address, u8 rights, u32 error_code)
{
	u8 *page = &g.regions[0].rights[(address - TABLES) / GUEST_PAGE], was = *page;

	*page = rights;
	how = (struct task_switch){ .length = 7 };
	assert_fault(run(NEW, TASK_SWITCH_CALL), EXC_PF, error_code);
	assert_int_equal(g.emul.fault.address, address);
	assert_nothing_changed();
	*page = was;
}

static void test_page_faults(void **state)
{
	(void)state;
	start();
	page_fault(TABLES + NEW, 0, 0);
	page_fault(TABLES + NEW + 5, GUEST_READ, PFEC_PRESENT | PFEC_WRITE);
	page_fault(OLD_TSS + TSS_EIP, GUEST_READ, PFEC_PRESENT | PFEC_WRITE);
	page_fault(NEW_TSS, GUEST_READ, PFEC_PRESENT | PFEC_WRITE);
	/* The accesses are the processor's own, so CPL 3 changes nothing. */
	g.state.seg[SEG_SS].attrib |= SEG_ATTR_DPL;
	page_fault(OLD_TSS + TSS_EIP, GUEST_READ, PFEC_PRESENT | PFEC_WRITE);
	assert_int_equal(run(NEW, TASK_SWITCH_CALL), EMUL_DONE);
	/* JMP does not write a link, so the new TSS may be read only. */
	start();
	g.regions[0].rights[2] = GUEST_READ;
	assert_int_equal(run(NEW, TASK_SWITCH_JMP), EMUL_DONE);
}

static void test_races(void **state)
{
	(void)state;
	start();
	how = (struct task_switch){ .length = 7 };
	g.cmpxchg_losses = 1; /* the busy flag */
	assert_int_equal(run(NEW, TASK_SWITCH_JMP), EMUL_AGAIN);
	assert_nothing_changed();
	assert_int_equal(run(NEW, TASK_SWITCH_JMP), EMUL_DONE);
	/* An accessed flag is contended after the commit point. */
	start();
	tables[NEW + 5] |= 2;
	g.cmpxchg_losses = 2;
	assert_int_equal(run(NEW, TASK_SWITCH_IRET), EMUL_DONE);
	assert_int_equal(g.cmpxchg_losses, 0);
	assert_int_equal(access_byte(CODE0), 0x9b);
	start();
	tables[NEW + 5] |= 2;
	g.cmpxchg_losses = 1000;
	assert_int_equal(run(NEW, TASK_SWITCH_IRET), EMUL_UNKNOWN);
}

static void test_devices(void **state)
{
	unsigned int page;

	(void)state;
	for (page = 0; page < 3; page++) {
		start();
		g.regions[0].rights[page] |= GUEST_MMIO;
		how = (struct task_switch){ .length = 7 };
		assert_int_equal(run(NEW, TASK_SWITCH_JMP), EMUL_UNKNOWN);
		assert_nothing_changed();
		assert_int_equal(g.user_exits, 0);
	}
	/* A stack on a device is found after the commit point. */
	start();
	g.regions[1].rights[0] |= GUEST_MMIO;
	how = (struct task_switch){ .has_error_code = true };
	assert_int_equal(run(NEW, TASK_SWITCH_GATE), EMUL_UNKNOWN);
	assert_int_equal(g.user_exits, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_tss),	      cmocka_unit_test(test_old_tss),
		cmocka_unit_test(test_32bit),	      cmocka_unit_test(test_16bit),
		cmocka_unit_test(test_busy_and_link), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_code_segments), cmocka_unit_test(test_stack_segments),
		cmocka_unit_test(test_data_segments), cmocka_unit_test(test_ldt),
		cmocka_unit_test(test_v86),	      cmocka_unit_test(test_error_code),
		cmocka_unit_test(test_trap),	      cmocka_unit_test(test_cr3),
		cmocka_unit_test(test_page_faults),   cmocka_unit_test(test_races),
		cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
