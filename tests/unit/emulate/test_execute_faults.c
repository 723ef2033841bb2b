// SPDX-License-Identifier: GPL-2.0-only
/*
 * The executor, where a process cannot ask the processor: faults, which must commit nothing,
 * segments, the other modes, ports and their permission bitmap, an interrupted REP, accesses that
 * cross pages or go to devices.
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
#define SYSTEM 0x30000UL
#define DATA_PAGES 4

static struct guest g;
static struct cpu_state before;
static u8 code[2 * GUEST_PAGE], data[DATA_PAGES * GUEST_PAGE], data_before[sizeof(data)];
static u8 system_page[GUEST_PAGE];

/* Return the offset of the data in all segments but CS. 16-bit segments start at the data. */
static u64 data_offset(void)
{
	return g.state.seg[SEG_DS].base ? 0 : DATA;
}

static void start(enum insn_mode mode)
{
	unsigned int i;

	guest_init(&g, mode);
	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7;
	memset(system_page, 0, sizeof(system_page));
	guest_map(&g, 0, CODE, code, 2, GUEST_EXEC | GUEST_USER);
	guest_map(&g, 1, DATA, data, DATA_PAGES, GUEST_RW);
	guest_map(&g, 2, SYSTEM, system_page, 1, GUEST_READ);
	if (mode == INSN_MODE_16) {
		for (i = 0; i <= SEG_GS; i++) {
			g.state.seg[i].base = DATA;
			g.state.seg[i].selector = DATA >> 4;
		}
		g.state.seg[SEG_CS].base = CODE;
	} else {
		g.state.rip = CODE;
	}
	g.state.gpr[GPR_RBX] = data_offset() + 64;
	g.state.gpr[GPR_RSI] = data_offset() + 128;
	g.state.gpr[GPR_RDI] = data_offset() + 256;
	g.state.gpr[GPR_RSP] = data_offset() + 1024;
}

/* Put an instruction at @at in the code, and note the state before it. */
static void place_at(unsigned int at, const char *bytes, unsigned int len)
{
	memset(code, 0xf4, sizeof(code));
	memcpy(code + at, bytes, len);
	g.state.rip = (g.state.seg[SEG_CS].base ? 0 : CODE) + at;
	before = g.state;
	memcpy(data_before, data, sizeof(data));
}

#define PLACE(bytes) place_at(0, bytes, sizeof(bytes) - 1)

#define STEP(bytes)            \
	({                     \
		PLACE(bytes);  \
		guest_run(&g); \
	})

static void set_cpl(unsigned int cpl)
{
	g.state.seg[SEG_SS].attrib |= cpl << SEG_ATTR_DPL_SHIFT;
	g.state.seg[SEG_CS].attrib |= cpl << SEG_ATTR_DPL_SHIFT;
}

static void assert_nothing_committed(void)
{
	assert_memory_equal(&g.state, &before, sizeof(before));
	assert_memory_equal(data, data_before, sizeof(data));
}

static void assert_fault(enum emul_result result, u8 vector)
{
	assert_int_equal(result, EMUL_FAULT);
	assert_int_equal(g.emul.fault.vector, vector);
	assert_int_equal(g.emul.fault.error_code, 0);
	assert_int_equal(g.emul.fault.has_error_code,
			 vector != EXC_UD && vector != EXC_NM && (g.state.cr0 & CR0_PE));
	assert_nothing_committed();
}

static void assert_page_fault(enum emul_result result, u64 address, u32 error_code)
{
	assert_int_equal(result, EMUL_FAULT);
	assert_int_equal(g.emul.fault.vector, EXC_PF);
	assert_int_equal(g.emul.fault.address, address);
	assert_int_equal(g.emul.fault.error_code, error_code);
	assert_nothing_committed();
}

static void test_lock_legality(void **state)
{
	(void)state;
	start(INSN_MODE_32);
	assert_fault(STEP("\xf0\x89\x03"), EXC_UD); /* lock mov [ebx], eax */
	assert_fault(STEP("\xf0\x01\xc3"), EXC_UD); /* lock add ebx, eax */
	assert_fault(STEP("\xf0\x03\x03"), EXC_UD); /* lock add eax, [ebx] */
	assert_fault(STEP("\xf0\x39\x03"), EXC_UD); /* lock cmp [ebx], eax */
	assert_fault(STEP("\xf0\x0f\xba\x23\x01"), EXC_UD); /* lock bt [ebx], 1 */
	assert_fault(STEP("\xf0\xd1\x03"), EXC_UD); /* lock rol [ebx], 1 */
	assert_int_equal(STEP("\xf0\x01\x03"), EMUL_DONE);
	assert_int_equal(STEP("\xf0\x0f\xba\x2b\x01"), EMUL_DONE);
}

static void test_lost_race(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.cmpxchg_losses = 1;
	PLACE("\xf0\x48\x0f\xc1\x03"); /* lock xadd [rbx], rax */
	assert_int_equal(guest_step(&g), EMUL_AGAIN);
	assert_nothing_committed();
	assert_int_equal(guest_step(&g), EMUL_DONE);
	assert_memory_equal(&g.state.gpr[GPR_RAX], data_before + 64, 8);
	/* XCHG is locked even without the prefix. */
	g.cmpxchg_losses = 1;
	PLACE("\x87\x03");
	assert_int_equal(guest_step(&g), EMUL_AGAIN);
	assert_nothing_committed();
}

static void test_segment_types(void **state)
{
	struct cpu_segment *ds = &g.state.seg[SEG_DS];

	(void)state;
	start(INSN_MODE_32);
	ds->attrib = 0x1 | SEG_ATTR_S | SEG_ATTR_P | SEG_ATTR_DB; /* read only */
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE);
	assert_fault(STEP("\x89\x03"), EXC_GP);
	assert_fault(STEP("\x01\x03"), EXC_GP);
	assert_int_equal(STEP("\x39\x03"), EMUL_DONE); /* cmp only reads */
	ds->attrib = 0x9 | SEG_ATTR_S | SEG_ATTR_P; /* execute only */
	assert_fault(STEP("\x8b\x03"), EXC_GP);
	ds->attrib = 0xb | SEG_ATTR_S | SEG_ATTR_P; /* execute, read */
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE);
	assert_fault(STEP("\x89\x03"), EXC_GP);
	ds->attrib = 0; /* null selector */
	assert_fault(STEP("\x8b\x03"), EXC_GP);
	g.state.seg[SEG_SS].attrib = 0;
	assert_fault(STEP("\x8b\x45\x00"), EXC_SS); /* mov eax, [ebp] */
	assert_fault(STEP("\x36\x8b\x03"), EXC_SS); /* mov eax, ss:[ebx] */
}

static void test_segment_limits(void **state)
{
	struct cpu_segment *ds = &g.state.seg[SEG_DS];

	(void)state;
	start(INSN_MODE_32);
	ds->limit = DATA + 67;
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE);
	ds->limit = DATA + 66;
	assert_fault(STEP("\x8b\x03"), EXC_GP);
	/* An expand-down segment lies above its limit, up to 4 GiB or 64 KiB. */
	ds->attrib = 0x7 | SEG_ATTR_S | SEG_ATTR_P | SEG_ATTR_DB;
	ds->limit = DATA + 63;
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE);
	ds->limit = DATA + 64;
	assert_fault(STEP("\x8b\x03"), EXC_GP);
	ds->attrib &= ~SEG_ATTR_DB;
	ds->limit = 0;
	assert_fault(STEP("\x8b\x03"), EXC_GP);
	/* The limit is compared with the offset, not with the linear address. */
	start(INSN_MODE_32);
	ds->base = DATA;
	ds->limit = 3;
	assert_int_equal(STEP("\x67\x8b\x06\x00\x00"), EMUL_DONE); /* mov eax, [0000] */
	assert_int_equal(*(u32 *)&g.state.gpr[GPR_RAX], *(u32 *)data);
	assert_fault(STEP("\x67\x8b\x06\x01\x00"), EXC_GP);
}

static void test_canonical(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.state.gpr[GPR_RBX] = 0x800000000000;
	g.state.gpr[GPR_RBP] = 0x800000000000;
	assert_fault(STEP("\x8b\x03"), EXC_GP);
	assert_fault(STEP("\x8b\x45\x00"), EXC_SS);
	assert_fault(STEP("\x3e\x8b\x45\x00"), EXC_SS); /* a DS override is ignored */
	assert_fault(STEP("\x64\x8b\x45\x00"), EXC_GP); /* FS is not */
	g.state.gpr[GPR_RBX] = 0x7ffffffffffd; /* its last byte is not canonical */
	assert_fault(STEP("\x8b\x03"), EXC_GP);
	g.state.cr4 |= CR4_LA57;
	assert_page_fault(STEP("\x8b\x03"), 0x7ffffffffffd, 0);
	/* Only the bases of FS and GS are used. */
	start(INSN_MODE_64);
	g.state.seg[SEG_DS].base = 0x1000;
	g.state.seg[SEG_GS].base = 64;
	g.state.gpr[GPR_RBX] = DATA;
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE);
	assert_memory_equal(&g.state.gpr[GPR_RAX], data, 4);
	assert_int_equal(STEP("\x65\x8b\x03"), EMUL_DONE);
	assert_memory_equal(&g.state.gpr[GPR_RAX], data + 64, 4);
}

static void test_alignment_check(void **state)
{
	(void)state;
	start(INSN_MODE_32);
	g.state.cr0 |= CR0_AM;
	g.state.rflags |= X86_EFLAGS_AC;
	g.state.gpr[GPR_RBX]++;
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE); /* not at CPL 0 */
	set_cpl(3);
	assert_fault(STEP("\x8b\x03"), EXC_AC);
	assert_int_equal(STEP("\x8a\x03"), EMUL_DONE);
	g.state.rflags &= ~(u64)X86_EFLAGS_AC;
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE);
}

static void test_page_faults(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.regions[1].rights[0] = GUEST_READ;
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE);
	assert_page_fault(STEP("\x89\x03"), DATA + 64, PFEC_PRESENT | PFEC_WRITE);
	/* A read that a write follows faults as a write. */
	assert_page_fault(STEP("\x01\x03"), DATA + 64, PFEC_PRESENT | PFEC_WRITE);
	assert_page_fault(STEP("\x0f\xb1\x03"), DATA + 64, PFEC_PRESENT | PFEC_WRITE);
	assert_page_fault(STEP("\x87\x03"), DATA + 64, PFEC_PRESENT | PFEC_WRITE);
	assert_page_fault(STEP("\xa4"), DATA + 256, PFEC_PRESENT | PFEC_WRITE);
	assert_page_fault(STEP("\x8f\x03"), DATA + 64, PFEC_PRESENT | PFEC_WRITE); /* pop */
	assert_page_fault(STEP("\xff\x33"), DATA + 1016, PFEC_PRESENT | PFEC_WRITE); /* push */
	set_cpl(3);
	assert_page_fault(STEP("\x8b\x03"), DATA + 64, PFEC_PRESENT | PFEC_USER);
}

/* Near branches that use memory or the stack. */
static void test_near_branches(void **state)
{
	const u64 target = 0x123456789a, far_away = 0x800000000000;
	u64 rsp = DATA + 1024;

	(void)state;
	start(INSN_MODE_64);
	memcpy(data + 64, &target, 8);
	assert_int_equal(STEP("\xff\x23"), EMUL_DONE); /* jmp [rbx] */
	assert_int_equal(g.state.rip, target);
	assert_int_equal(STEP("\xff\x13"), EMUL_DONE); /* call [rbx] */
	assert_int_equal(g.state.rip, target);
	assert_int_equal(g.state.gpr[GPR_RSP], rsp - 8);
	assert_int_equal(*(u64 *)(data + 1016), CODE + 2);
	assert_int_equal(STEP("\xc3"), EMUL_DONE);
	assert_int_equal(g.state.rip, CODE + 2);
	assert_int_equal(g.state.gpr[GPR_RSP], rsp);
	assert_int_equal(STEP("\xe8\xf0\xff\xff\xff"), EMUL_DONE); /* call .-16 */
	assert_int_equal(g.state.rip, CODE + 5 - 16);
	assert_int_equal(STEP("\xc2\xf0\xff"), EMUL_DONE); /* ret 0xfff0 */
	assert_int_equal(g.state.rip, CODE + 5);
	assert_int_equal(g.state.gpr[GPR_RSP], rsp + 0xfff0);
	/* A target where no code can be raises #GP, and nothing is pushed or popped. */
	start(INSN_MODE_64);
	memcpy(data + 64, &far_away, 8);
	memcpy(data + 1024, &far_away, 8);
	assert_fault(STEP("\xff\x23"), EXC_GP);
	assert_fault(STEP("\xff\x13"), EXC_GP);
	assert_fault(STEP("\xc3"), EXC_GP);
	/* In 32-bit mode the limit of CS and the operand size restrict the target. */
	start(INSN_MODE_32);
	memcpy(data + 64, &target, 8);
	g.state.seg[SEG_CS].limit = 0x12345;
	assert_fault(STEP("\xff\x13"), EXC_GP);
	assert_int_equal(STEP("\x66\xff\x13"), EMUL_DONE); /* callw [ebx] */
	assert_int_equal(g.state.rip, 0x789a);
	assert_int_equal((u32)g.state.gpr[GPR_RSP], DATA + 1022);
	assert_int_equal(*(u16 *)(data + 1022), (u16)(CODE + 3));
	/* TF traps after a branch, too. */
	start(INSN_MODE_64);
	memcpy(data + 64, &target, 8);
	g.state.rflags |= X86_EFLAGS_TF;
	assert_int_equal(STEP("\xff\x23"), EMUL_DONE);
	assert_true(g.emul.tf_trap);
}

/* CLFLUSH needs the right to read, and reads nothing. */
static void test_clflush(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.regions[1].rights[0] = GUEST_READ | GUEST_MMIO;
	assert_int_equal(STEP("\x0f\xae\x3b"), EMUL_DONE); /* clflush [rbx] */
	assert_int_equal(STEP("\x66\x0f\xae\x3b"), EMUL_DONE); /* clflushopt [rbx] */
	assert_int_equal(STEP("\x66\x0f\xae\x33"), EMUL_DONE); /* clwb [rbx] */
	assert_int_equal(g.performed_count, 0);
	assert_fault(STEP("\xf0\x0f\xae\x3b"), EXC_UD);
	assert_int_equal(STEP("\x0f\xae\x33"), EMUL_UNKNOWN); /* xsaveopt [rbx] */
	g.emul.byte_count = 0;
	assert_int_equal(STEP("\x0f\xae\xf8"), EMUL_UNKNOWN); /* sfence */
	g.emul.byte_count = 0;
	g.regions[1].rights[0] = 0;
	assert_page_fault(STEP("\x0f\xae\x3b"), DATA + 64, 0);
}

/* Data that crosses a page is one callback, and is written as a whole or not at all. */
static void test_data_crosses_page(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.state.gpr[GPR_RBX] = DATA + GUEST_PAGE - 3;
	g.state.gpr[GPR_RAX] = 0x1122334455667788;
	assert_int_equal(STEP("\x48\x89\x03"), EMUL_DONE);
	assert_int_equal(g.performed_count, 1);
	assert_int_equal(g.performed[0].size, 8);
	assert_memory_equal(data + GUEST_PAGE - 3, &g.state.gpr[GPR_RAX], 8);
	g.regions[1].rights[1] = GUEST_READ;
	assert_page_fault(STEP("\x48\x89\x03"), DATA + GUEST_PAGE, PFEC_PRESENT | PFEC_WRITE);
}

static void test_fetch_crosses_page(void **state)
{
	(void)state;
	start(INSN_MODE_32);
	/* The second page is not accessed if the instruction ends before it. */
	g.regions[0].rights[1] = 0;
	place_at(GUEST_PAGE - 2, "\x8b\x03", 2);
	assert_int_equal(guest_run(&g), EMUL_DONE);
	assert_int_equal(g.fetches, 1);
	assert_int_equal(g.state.rip, CODE + GUEST_PAGE);
	place_at(GUEST_PAGE - 1, "\x8b\x03", 2);
	assert_page_fault(guest_run(&g), CODE + GUEST_PAGE, PFEC_FETCH);
	g.regions[0].rights[1] = GUEST_EXEC;
	assert_int_equal(guest_run(&g), EMUL_DONE);
	assert_int_equal(g.state.rip, CODE + GUEST_PAGE + 1);
	/* Code beyond the limit of CS is not fetched, either. */
	g.state.seg[SEG_CS].limit = CODE + 1;
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE);
	g.state.seg[SEG_CS].limit = CODE;
	assert_fault(STEP("\x8b\x03"), EXC_GP);
	/* Bytes that the hardware delivered are not fetched. */
	start(INSN_MODE_64);
	PLACE("\x8b\x03");
	g.regions[0].rights[0] = 0;
	memcpy(g.emul.bytes, code, 15);
	g.emul.byte_count = 15;
	assert_int_equal(guest_run(&g), EMUL_DONE);
	assert_int_equal(g.fetches, 0);
	assert_int_equal(g.emul.byte_count, 0);
}

static void test_too_long(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	assert_fault(STEP("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x8b\x03"),
		     EXC_GP);
	assert_int_equal(STEP("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x8b\x03"),
			 EMUL_DONE);
}

static void test_unknown(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	assert_int_equal(STEP("\x0f\xae\x03"), EMUL_UNKNOWN); /* fxsave [rbx] */
	assert_nothing_committed();
	assert_true(g.emul.byte_count >= 3);
	assert_memory_equal(g.emul.bytes, "\x0f\xae\x03", 3);
	g.emul.byte_count = 0;
	assert_int_equal(STEP("\x0f\x04"), EMUL_UNKNOWN); /* undefined */
}

static void test_advance(void **state)
{
	(void)state;
	start(INSN_MODE_32);
	g.state.rflags |= X86_EFLAGS_RF;
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE);
	assert_int_equal(g.state.rip, CODE + 2);
	assert_false(g.state.rflags & X86_EFLAGS_RF);
	assert_false(g.emul.tf_trap);
	g.state.rflags |= X86_EFLAGS_TF;
	assert_int_equal(STEP("\x8b\x03"), EMUL_DONE);
	assert_true(g.emul.tf_trap);
	/* EIP wraps after an instruction that ends at 4 GiB. */
	start(INSN_MODE_32);
	g.state.seg[SEG_CS].base = CODE + 2;
	PLACE("\x8b\x03");
	g.state.rip = 0xfffffffe;
	assert_int_equal(guest_run(&g), EMUL_DONE);
	assert_int_equal(g.state.rip, 0);
	/* IP of 16-bit code does not wrap beyond FFFF: the limit raises #GP. */
	start(INSN_MODE_16);
	g.state.seg[SEG_CS].base = CODE - 0xfffe;
	PLACE("\x8b\x07"); /* mov ax, [bx] */
	g.state.rip = 0xfffe;
	assert_int_equal(guest_run(&g), EMUL_DONE);
	assert_int_equal(g.state.rip, 0x10000);
	before = g.state;
	assert_fault(guest_run(&g), EXC_GP);
}

static void test_real_mode(void **state)
{
	(void)state;
	start(INSN_MODE_16);
	g.state.gpr[GPR_RBX] = 0xdead0040; /* the upper half does not count */
	g.state.gpr[GPR_RSI] = 0xffff;
	assert_int_equal(STEP("\x8b\x40\x01"), EMUL_DONE); /* mov ax, [bx+si+1] */
	assert_memory_equal(&g.state.gpr[GPR_RAX], data + 64, 2);
	g.state.gpr[GPR_RSI] = 0xffff;
	assert_fault(STEP("\x8b\x04"), EXC_GP); /* mov ax, [si]: a word at FFFF */
	assert_int_equal(STEP("\x66\x67\x8b\x03"), EMUL_FAULT); /* [ebx], beyond the limit */
	assert_fault(STEP("\xc5\xf8\x10\x07"), EXC_UD); /* no VEX here */
}

static void test_load_segment(void **state)
{
	static const u8 selector[] = { 0x34, 0x12 };

	(void)state;
	start(INSN_MODE_16);
	memcpy(data + 64, selector, 2);
	assert_int_equal(STEP("\x8e\x07"), EMUL_DONE); /* mov es, [bx] */
	assert_int_equal(g.state.seg[SEG_ES].selector, 0x1234);
	assert_int_equal(g.state.seg[SEG_ES].base, 0x12340);
	assert_int_equal(g.state.seg[SEG_ES].limit, 0xffff);
	assert_false(g.emul.shadow);
	assert_int_equal(STEP("\x8e\x17"), EMUL_DONE); /* mov ss, [bx] */
	assert_true(g.emul.shadow);
	assert_fault(STEP("\x8e\x0f"), EXC_UD); /* mov cs, [bx] */
	assert_fault(STEP("\x8e\x37"), EXC_UD); /* no such register */
	assert_fault(STEP("\x66\x8e\x3f"), EXC_UD);
}

static void test_stack_widths(void **state)
{
	(void)state;
	start(INSN_MODE_16);
	g.state.gpr[GPR_RSP] = 0x12340002;
	assert_int_equal(STEP("\x66\xff\x37"), EMUL_FAULT); /* push dword: wraps to FFFE */
	g.state.gpr[GPR_RSP] = 0x12340004;
	assert_int_equal(STEP("\x66\xff\x37"), EMUL_DONE);
	assert_int_equal(g.state.gpr[GPR_RSP], 0x12340000);
	assert_memory_equal(data, data_before + 64, 4);
	start(INSN_MODE_32);
	g.state.seg[SEG_SS].attrib &= ~SEG_ATTR_DB; /* 16-bit stack of 32-bit code */
	g.state.seg[SEG_SS].base = DATA;
	g.state.gpr[GPR_RSP] = 0x560100;
	assert_int_equal(STEP("\x8f\x03"), EMUL_DONE); /* pop dword [ebx] */
	assert_int_equal(g.state.gpr[GPR_RSP], 0x560104);
	assert_memory_equal(data + 64, data_before + 0x100, 4);
	assert_int_equal(STEP("\x66\x6a\xff"), EMUL_DONE); /* push word -1 */
	assert_int_equal(g.state.gpr[GPR_RSP], 0x560102);
	assert_memory_equal(data + 0x102, "\xff\xff", 2);
}

static void test_wide_cmpxchg_alignment(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.state.gpr[GPR_RBX] += 8;
	assert_fault(STEP("\x48\x0f\xc7\x0b"), EXC_GP); /* cmpxchg16b */
	assert_int_equal(STEP("\x0f\xc7\x0b"), EMUL_DONE); /* cmpxchg8b */
}

static void test_vector_legality(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.state.gpr[GPR_RBX] += 8;
	assert_fault(STEP("\x0f\x28\x03"), EXC_GP); /* movaps, not aligned */
	assert_int_equal(STEP("\x0f\x10\x03"), EMUL_DONE); /* movups */
	assert_fault(STEP("\xc5\xf0\x10\x03"), EXC_UD); /* vmovups with vvvv */
	assert_fault(STEP("\xc5\xfd\xd6\x03"), EXC_UD); /* vmovq with L */
	assert_int_equal(STEP("\xc5\xfc\x10\x03"), EMUL_DONE);
	g.state.cr4 &= ~CR4_OSXSAVE;
	assert_fault(STEP("\xc5\xfc\x10\x03"), EXC_UD);
	assert_int_equal(STEP("\x0f\x10\x03"), EMUL_DONE);
	g.state.cr4 &= ~CR4_OSFXSR;
	assert_fault(STEP("\x0f\x10\x03"), EXC_UD);
	assert_int_equal(STEP("\x0f\x6f\x03"), EMUL_DONE); /* movq mm0: MMX needs neither */
	g.state.cr0 |= CR0_TS;
	assert_fault(STEP("\x0f\x6f\x03"), EXC_NM);
	g.state.cr0 |= CR0_EM;
	assert_fault(STEP("\x0f\x6f\x03"), EXC_UD);
	assert_int_equal(STEP("\x62\xf1\x7c\x48\x10\x03"), EMUL_UNKNOWN); /* EVEX */
}

static void test_lane_legality(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.state.gpr[GPR_RBX] += 8;
	assert_fault(STEP("\xf3\x0f\x12\x03"), EXC_GP); /* movsldup, not aligned */
	assert_int_equal(STEP("\xf2\x0f\x12\x03"), EMUL_DONE); /* movddup */
	assert_fault(STEP("\x66\x0f\x38\x18\x03"), EXC_UD); /* vbroadcastss without VEX */
	assert_fault(STEP("\xc4\xe2\x79\x19\x03"), EXC_UD); /* vbroadcastsd of 128 bits */
	assert_fault(STEP("\xc4\xe3\x7d\x14\x03\x00"), EXC_UD); /* vpextrb of 256 bits */
	assert_fault(STEP("\xc4\xe3\x75\x19\x03\x00"), EXC_UD); /* vextractf128 with vvvv */
	assert_fault(STEP("\xc4\xe3\xfd\x19\x03\x00"), EXC_UD); /* and with W */
	assert_int_equal(STEP("\xc4\xe3\x7d\x19\x03\x00"), EMUL_DONE);
	assert_int_equal(STEP("\xc4\xe3\x79\x20\x03\x00"), EMUL_DONE); /* vpinsrb */
	g.state.cr0 |= CR0_TS;
	assert_fault(STEP("\x66\x0f\xf7\xc1"), EXC_NM); /* maskmovdqu */
	g.state.cr0 &= ~CR0_TS;
	/* Bytes that the mask excludes are not accessed, not even where they would fault. */
	g.regions[1].rights[0] = 0;
	g.state.gpr[GPR_RDI] = DATA + GUEST_PAGE - 8;
	memset(g.xmm[1], 0, 16);
	assert_int_equal(STEP("\x66\x0f\xf7\xc1"), EMUL_DONE);
	memset(g.xmm[1] + 8, 0x80, 3);
	assert_int_equal(STEP("\x66\x0f\xf7\xc1"), EMUL_DONE);
	assert_int_equal(g.performed[g.performed_count - 1].size, 3);
	g.xmm[1][7] = 0x80;
	assert_page_fault(STEP("\x66\x0f\xf7\xc1"), DATA + GUEST_PAGE - 1, PFEC_WRITE);
}

/* MOVDIR64B writes 64 bytes in one access, to an aligned address in ES. */
static void test_movdir64b(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.state.gpr[GPR_RAX] = DATA + 512;
	assert_int_equal(STEP("\x66\x0f\x38\xf8\x03"), EMUL_DONE); /* movdir64b rax, [rbx] */
	assert_memory_equal(data + 512, data_before + 64, 64);
	assert_int_equal(g.performed[g.performed_count - 1].size, 64);
	g.state.gpr[GPR_RAX]++;
	assert_fault(STEP("\x66\x0f\x38\xf8\x03"), EXC_GP);
	assert_int_equal(STEP("\xf2\x0f\x38\xf8\x03"), EMUL_UNKNOWN); /* enqcmd */
	start(INSN_MODE_32);
	g.state.seg[SEG_ES].base = 64;
	g.state.gpr[GPR_RAX] = DATA;
	assert_int_equal(STEP("\x66\x0f\x38\xf8\x03"), EMUL_DONE);
	assert_memory_equal(data + 64, data_before + 64, 64);
	assert_int_equal(g.performed[g.performed_count - 1].address, DATA + 64);
}

/* An instruction that reads and writes a device reads once and writes once. */
static void test_mmio_once(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.regions[1].rights[0] |= GUEST_MMIO;
	PLACE("\x48\x01\x03"); /* add [rbx], rax */
	g.state.gpr[GPR_RAX] = 1;
	before = g.state;
	assert_int_equal(guest_step(&g), EMUL_USER);
	assert_nothing_committed();
	assert_int_equal(guest_step(&g), EMUL_USER);
	assert_memory_equal(&g.state, &before, sizeof(before));
	assert_int_equal(guest_step(&g), EMUL_DONE);
	assert_int_equal(g.performed_count, 2);
	assert_int_equal(g.performed[0].kind, GUEST_LOG_READ);
	assert_int_equal(g.performed[1].kind, GUEST_LOG_WRITE);
	assert_int_equal(g.user_exits, 2);
}

/* A CMPXCHG that fails writes the old value back (SDM 2A CMPXCHG). */
static void test_failed_cmpxchg_writes(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.regions[1].rights[0] |= GUEST_MMIO;
	assert_int_equal(STEP("\x0f\xb1\x13"), EMUL_DONE); /* cmpxchg [rbx], edx */
	assert_memory_equal(data, data_before, sizeof(data));
	assert_memory_equal(&g.state.gpr[GPR_RAX], data + 64, 4);
	assert_int_equal(g.performed_count, 2);
	assert_int_equal(g.performed[1].kind, GUEST_LOG_WRITE);
	assert_memory_equal(g.performed[1].data, data + 64, 4);
}

/* REP MOVS from a device keeps finished iterations, and reads each element once. */
static void test_rep_with_user_exits(void **state)
{
	unsigned int i;

	(void)state;
	start(INSN_MODE_64);
	g.regions[1].rights[0] |= GUEST_MMIO;
	g.state.gpr[GPR_RDI] = DATA + GUEST_PAGE;
	g.state.gpr[GPR_RCX] = 3;
	PLACE("\xf3\xa5"); /* rep movsd */
	for (i = 0; i < 3; i++) {
		assert_int_equal(guest_step(&g), EMUL_USER);
		assert_int_equal(g.state.gpr[GPR_RCX], 3 - i);
		assert_int_equal(g.state.gpr[GPR_RSI], DATA + 128 + 4 * i);
		assert_int_equal(g.state.rip, CODE);
	}
	assert_int_equal(guest_step(&g), EMUL_DONE);
	assert_int_equal(g.state.gpr[GPR_RCX], 0);
	assert_int_equal(g.user_exits, 3);
	assert_memory_equal(data + GUEST_PAGE, data + 128, 12);
}

/* A fault in a REP keeps the iterations before it. */
static void test_rep_fault(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.regions[1].rights[1] = 0;
	g.state.gpr[GPR_RDI] = DATA + GUEST_PAGE - 8;
	g.state.gpr[GPR_RCX] = 5;
	PLACE("\xf3\xab"); /* rep stosd */
	assert_int_equal(guest_run(&g), EMUL_FAULT);
	assert_int_equal(g.emul.fault.vector, EXC_PF);
	assert_int_equal(g.emul.fault.address, DATA + GUEST_PAGE);
	assert_int_equal(g.state.gpr[GPR_RCX], 3);
	assert_int_equal(g.state.gpr[GPR_RDI], DATA + GUEST_PAGE);
	assert_int_equal(g.state.rip, CODE);
}

static void test_rep_turns(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.state.gpr[GPR_RCX] = EMUL_REP_TURN + 10;
	PLACE("\xf3\xaa"); /* rep stosb */
	assert_int_equal(guest_step(&g), EMUL_AGAIN);
	assert_int_equal(g.state.gpr[GPR_RCX], 10);
	assert_int_equal(g.state.rip, CODE);
	assert_int_equal(guest_step(&g), EMUL_DONE);
	g.state.gpr[GPR_RCX] = 10;
	g.state.gpr[GPR_RDI] = DATA;
	g.stop_after = 4;
	PLACE("\xf3\xaa");
	assert_int_equal(guest_step(&g), EMUL_AGAIN);
	assert_int_equal(g.state.gpr[GPR_RCX], 6);
	/* With TF set, #DB follows each iteration. */
	g.stop_after = 0;
	g.state.rflags |= X86_EFLAGS_TF;
	assert_int_equal(guest_step(&g), EMUL_AGAIN);
	assert_true(g.emul.tf_trap);
	assert_int_equal(g.state.gpr[GPR_RCX], 5);
	/* A REP without any iteration is finished. */
	g.state.gpr[GPR_RCX] = 0;
	assert_int_equal(guest_step(&g), EMUL_DONE);
	assert_int_equal(g.state.rip, CODE + 2);
}

/* 16-bit addresses wrap within the segment after each element. */
static void test_string_wraps(void **state)
{
	(void)state;
	start(INSN_MODE_16);
	guest_map(&g, 2, DATA + 0xf000, system_page, 1, GUEST_RW);
	g.state.gpr[GPR_RDI] = 0xabcdfffe;
	g.state.gpr[GPR_RAX] = 0x55;
	g.state.gpr[GPR_RCX] = 0x10004; /* the count is in CX */
	assert_int_equal(STEP("\xf3\xaa"), EMUL_DONE);
	assert_int_equal(g.state.gpr[GPR_RDI], 0xabcd0002);
	assert_int_equal(g.state.gpr[GPR_RCX], 0x10000);
	assert_memory_equal(system_page + 0xffe, "\x55\x55", 2);
	assert_memory_equal(data, "\x55\x55", 2);
}

static void test_ports(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.port_value = 0x11;
	g.state.gpr[GPR_RAX] = ~0ULL;
	g.state.gpr[GPR_RDX] = 0xffff0cfc;
	assert_int_equal(STEP("\xec"), EMUL_DONE); /* in al, dx */
	assert_int_equal(g.state.gpr[GPR_RAX], 0xffffffffffffff11);
	assert_int_equal(g.performed[0].address, 0x0cfc);
	assert_int_equal(STEP("\x66\xe5\xf0"), EMUL_DONE); /* in ax, f0h */
	assert_int_equal(g.state.gpr[GPR_RAX], 0xffffffffffff1312);
	assert_int_equal(g.performed[1].address, 0xf0);
	assert_int_equal(STEP("\x48\xed"), EMUL_DONE); /* in eax, dx */
	assert_int_equal(g.state.gpr[GPR_RAX], 0x17161514);
	assert_int_equal(STEP("\xe7\x80"), EMUL_DONE); /* out 80h, eax */
	assert_int_equal(g.performed[3].kind, GUEST_LOG_OUT);
	assert_int_equal(g.performed[3].size, 4);
	assert_memory_equal(g.performed[3].data, "\x14\x15\x16\x17", 4);
}

/* Put a 32-bit TSS into the system page, with its permission bitmap at 104. */
static void set_tss(u32 limit)
{
	struct cpu_segment *tr = &g.state.seg[SEG_TR];

	tr->base = SYSTEM;
	tr->limit = limit;
	tr->attrib = 0xb | SEG_ATTR_P;
	system_page[102] = 104;
}

static void test_io_permission(void **state)
{
	(void)state;
	start(INSN_MODE_32);
	set_tss(104 + 0x80);
	set_cpl(3);
	g.state.gpr[GPR_RDX] = 0x60;
	g.state.rflags |= 2 << 12;
	assert_int_equal(STEP("\xec"), EMUL_DONE); /* allowed by the bitmap */
	system_page[104 + 0x60 / 8] = 1;
	assert_fault(STEP("\xec"), EXC_GP);
	g.state.rflags |= 3 << 12;
	assert_int_equal(STEP("\xec"), EMUL_DONE); /* allowed by IOPL */
	g.state.rflags &= ~(u64)X86_EFLAGS_IOPL;
	/* All ports of a wide access are checked, even in the next byte of the bitmap. */
	system_page[104 + 0x60 / 8] = 0;
	system_page[104 + 0x68 / 8] = 1;
	g.state.gpr[GPR_RDX] = 0x65;
	assert_fault(STEP("\xed"), EXC_GP);
	g.state.gpr[GPR_RDX] = 0x64;
	assert_int_equal(STEP("\xed"), EMUL_DONE);
	/* Both bytes of the bitmap must be within the TSS. */
	g.state.gpr[GPR_RDX] = 0x3f8;
	assert_int_equal(STEP("\xee"), EMUL_DONE);
	set_tss(104 + 0x7f);
	assert_fault(STEP("\xee"), EXC_GP);
	set_tss(102);
	assert_fault(STEP("\xee"), EXC_GP);
	set_tss(200);
	g.state.seg[SEG_TR].attrib = 0x3 | SEG_ATTR_P; /* a 16-bit TSS has none */
	assert_fault(STEP("\xee"), EXC_GP);
	assert_fault(STEP("\x6e"), EXC_GP);
	assert_fault(STEP("\x6c"), EXC_GP);
}

static void test_io_permission_v86(void **state)
{
	(void)state;
	start(INSN_MODE_16);
	set_tss(104 + 0x80);
	g.state.cr0 |= CR0_PE;
	g.state.rflags |= X86_EFLAGS_VM | 3 << 12; /* IOPL does not help */
	g.state.gpr[GPR_RDX] = 0x60;
	assert_int_equal(STEP("\xec"), EMUL_DONE);
	system_page[104 + 0x60 / 8] = 1;
	assert_fault(STEP("\xec"), EXC_GP);
}

static void test_ins_batches(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.state.gpr[GPR_RDX] = 0x1f0;
	g.state.gpr[GPR_RCX] = 10;
	g.state.gpr[GPR_RDI] = DATA + GUEST_PAGE - 8;
	PLACE("\xf3\x66\x6d"); /* rep insw */
	assert_int_equal(guest_run(&g), EMUL_DONE);
	/* Four go to the end of the page, then six, each in one port access. */
	assert_int_equal(g.user_exits, 2);
	assert_int_equal(g.performed[0].kind, GUEST_LOG_IN);
	assert_int_equal(g.performed[0].size, 8);
	assert_int_equal(g.state.gpr[GPR_RDI], DATA + GUEST_PAGE + 12);
	assert_int_equal(g.state.gpr[GPR_RCX], 0);
	assert_int_equal(data[GUEST_PAGE - 8], 0);
	assert_int_equal(data[GUEST_PAGE + 11], 19);
	/* An element that crosses a page goes alone. */
	start(INSN_MODE_64);
	g.state.gpr[GPR_RCX] = 4;
	g.state.gpr[GPR_RDI] = DATA + GUEST_PAGE - 6;
	assert_int_equal(STEP("\xf3\x6d"), EMUL_DONE);
	assert_int_equal(g.user_exits, 3);
	/* A batch ends where 16-bit addresses wrap to 0. */
	start(INSN_MODE_32);
	g.state.seg[SEG_ES].base = SYSTEM + 0x800 - 0xfffe;
	g.regions[2].rights[0] = GUEST_RW;
	g.state.gpr[GPR_RDI] = 0xfffe;
	g.state.gpr[GPR_RCX] = 3;
	assert_int_equal(STEP("\xf3\x67\x6c"), EMUL_DONE);
	assert_int_equal(g.state.gpr[GPR_RDI], 1);
	assert_memory_equal(system_page + 0x800, "\x00\x01", 2);
	assert_int_equal(data[0x802], 2);
	/* Elements go one by one if addresses go down. */
	start(INSN_MODE_64);
	g.state.gpr[GPR_RCX] = 4;
	g.state.rflags |= X86_EFLAGS_DF;
	assert_int_equal(STEP("\xf3\x6c"), EMUL_DONE);
	assert_int_equal(g.user_exits, 4);
	assert_int_equal(g.state.gpr[GPR_RDI], DATA + 252);
	assert_memory_equal(data + 253, "\x03\x02\x01\x00", 4);
}

static void test_ins_destination(void **state)
{
	(void)state;
	/* If the destination faults, the port is not read. */
	start(INSN_MODE_64);
	g.regions[1].rights[0] = GUEST_READ;
	g.state.gpr[GPR_RCX] = 10;
	assert_page_fault(STEP("\xf3\x6c"), DATA + 256, PFEC_PRESENT | PFEC_WRITE);
	assert_page_fault(STEP("\x6c"), DATA + 256, PFEC_PRESENT | PFEC_WRITE);
	assert_int_equal(g.performed_count, 0);
	/* Elements go to a device one by one, each with one read and one write. */
	start(INSN_MODE_64);
	g.regions[1].rights[0] |= GUEST_MMIO;
	g.state.gpr[GPR_RCX] = 3;
	assert_int_equal(STEP("\xf3\x6c"), EMUL_DONE);
	assert_int_equal(g.performed_count, 6);
	assert_memory_equal(data + 256, "\x00\x01\x02", 3);
	/* The segment ends before the page: the elements that fit are done, then comes #GP. */
	start(INSN_MODE_32);
	g.state.seg[SEG_ES].limit = DATA + 256 + 1;
	g.state.gpr[GPR_RCX] = 3;
	assert_int_equal(STEP("\xf3\x6c"), EMUL_FAULT);
	assert_int_equal(g.emul.fault.vector, EXC_GP);
	assert_int_equal(g.state.gpr[GPR_RCX], 1);
}

static void test_outs_batches(void **state)
{
	(void)state;
	start(INSN_MODE_64);
	g.state.gpr[GPR_RCX] = 1500;
	PLACE("\xf3\x6e"); /* rep outsb */
	assert_int_equal(guest_step(&g), EMUL_USER);
	assert_nothing_committed();
	assert_int_equal(guest_step(&g), EMUL_AGAIN);
	assert_int_equal(g.state.gpr[GPR_RCX], 1500 - EMUL_PIO_BATCH);
	assert_int_equal(guest_run(&g), EMUL_DONE);
	assert_int_equal(g.user_exits, 2);
	assert_int_equal(g.state.gpr[GPR_RSI], DATA + 128 + 1500);
	/* OUTS obeys a segment override, INS does not. */
	start(INSN_MODE_32);
	g.state.seg[SEG_FS].base = 16;
	assert_int_equal(STEP("\x64\x6e"), EMUL_DONE);
	assert_int_equal(g.performed[1].data[0], data[144]);
	assert_int_equal(STEP("\x64\x6c"), EMUL_DONE);
	assert_int_equal(g.performed[g.performed_count - 1].address, DATA + 256);
}

/* The functions that exit handlers use. */
static void test_building_blocks(void **state)
{
	u64 value;

	(void)state;
	start(INSN_MODE_64);
	g.state.seg[SEG_GS].base = 32;
	PLACE("\x65\x0f\x01\x73\x10"); /* lmsw gs:[rbx+16] */
	assert_int_equal(emul_decode(&g.emul), EMUL_DONE);
	assert_int_equal(emul_read_rm(&g.emul, 2, &value), EMUL_DONE);
	assert_int_equal(g.performed[0].address, DATA + 64 + 16 + 32);
	assert_int_equal(value, data[112] | data[113] << 8);
	g.emul.byte_count = 0;
	g.state.gpr[GPR_RDX] = ~0ULL;
	PLACE("\x0f\x01\xe2"); /* smsw edx */
	assert_int_equal(emul_decode(&g.emul), EMUL_DONE);
	assert_int_equal(emul_write_rm(&g.emul, g.emul.insn.operand_size, 0x80050033), EMUL_DONE);
	assert_int_equal(g.state.gpr[GPR_RDX], 0x80050033);
	assert_int_equal(g.emul.next_rip, CODE + 3);
	assert_int_equal(g.state.rip, CODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_legality),
		cmocka_unit_test(test_lost_race),
		cmocka_unit_test(test_segment_types),
		cmocka_unit_test(test_segment_limits),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_alignment_check),
		cmocka_unit_test(test_page_faults),
		cmocka_unit_test(test_near_branches),
		cmocka_unit_test(test_clflush),
		cmocka_unit_test(test_data_crosses_page),
		cmocka_unit_test(test_fetch_crosses_page),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_advance),
		cmocka_unit_test(test_real_mode),
		cmocka_unit_test(test_load_segment),
		cmocka_unit_test(test_stack_widths),
		cmocka_unit_test(test_wide_cmpxchg_alignment),
		cmocka_unit_test(test_vector_legality),
		cmocka_unit_test(test_lane_legality),
		cmocka_unit_test(test_movdir64b),
		cmocka_unit_test(test_mmio_once),
		cmocka_unit_test(test_failed_cmpxchg_writes),
		cmocka_unit_test(test_rep_with_user_exits),
		cmocka_unit_test(test_rep_fault),
		cmocka_unit_test(test_rep_turns),
		cmocka_unit_test(test_string_wraps),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_io_permission),
		cmocka_unit_test(test_io_permission_v86),
		cmocka_unit_test(test_ins_batches),
		cmocka_unit_test(test_ins_destination),
		cmocka_unit_test(test_outs_batches),
		cmocka_unit_test(test_building_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
