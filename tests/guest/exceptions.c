// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions: each vector with its error code and the address pushed, and how a
 * double fault is formed.
 */
#include "guest.h"

#define GATE_PRESENT 0x80
#define ERROR_EXT 1
#define ERROR_IDT 2
#define SEL_ABSENT SEL_SPARE
#define NON_CANONICAL 0x0123456789abcdefULL

/* An address that is not mapped. */
#define NOWHERE 0x7f0000001000ULL

/* The same for an error code that names a gate of the IDT. */
static void one_gate(unsigned int got, unsigned int want, u64 error, const char *what)
{
	if (report_eq(got, want, "%s", what))
		report_known(trap.error, error, tcg_fault("QEMU's TCG takes vector * 16, no EXT"),
			     "%s: error code", what);
}

static void one(unsigned int got, unsigned int want, u64 error, const char *what)
{
	if (report_eq(got, want, "%s", what) && want != NO_TRAP)
		report_eq(trap.error, error, "%s: error code", what);
}

static unsigned int load_ds(u16 selector)
{
	return attempt("mov %0, %%ds", : : "r"((u64)selector));
}

static unsigned int load_ss(u16 selector)
{
	return attempt("mov %0, %%ss", : : "r"((u64)selector));
}

static unsigned int store(u64 address)
{
	return attempt("movq $1, (%0)", : : "r"(address) : "memory");
}

static void faults(void)
{
	one(attempt("div %b1", : : "a"(1), "c"(0)), VEC_DE, 0, "DIV by zero: #DE");
	one(attempt("ud2", :), VEC_UD, 0, "UD2: #UD");
	one(attempt(".byte 0x06", :), VEC_UD, 0, "PUSH ES in 64-bit mode: #UD");
	one(attempt(".byte 0xf0; nop", :), VEC_UD, 0, "LOCK NOP: #UD");
	one(load_ds(SEL_ABSENT), VEC_NP, SEL_ABSENT, "DS, segment not present: #NP");
	one(load_ds(0xff8), VEC_GP, 0xff8, "DS past the GDT: #GP");
	one(load_ss(SEL_CODE64), VEC_GP, SEL_CODE64, "SS, a code segment: #GP");
	one(attempt("ltr %w0", : : "r"(SEL_DATA)), VEC_GP, SEL_DATA, "LTR of data: #GP");
	one(attempt("ltr %w0", : : "r"(SEL_TSS)), VEC_GP, SEL_TSS, "LTR of the busy TSS: #GP");
	one(try_read(NON_CANONICAL), VEC_GP, 0, "non-canonical: #GP");
	one(attempt("int $0x21", :), NO_TRAP, 0, "INT n, a handler that returns");
}

/* An address in the stack goes through SS and faults as such. */
static void stack_fault_rbp(void *bad)
{
	asm volatile("push %%rbp; mov %0, %%rbp; mov (%%rbp), %%al; pop %%rbp"
		     :
		     : "r"(bad)
		     : "rax", "memory");
}

static void jump_to(void *to)
{
	asm volatile("jmp *%0" : : "r"(to));
}

static void control(void)
{
	report_known(catch_call(stack_fault_rbp, (void *)NON_CANONICAL), VEC_SS,
		     tcg_fault("QEMU's TCG raises #GP"), "non-canonical through RBP: #SS");
	one(catch_call(jump_to, (void *)NOWHERE), VEC_PF, PF_I, "jump to nowhere: #PF");
	report_eq(trap.cr2, NOWHERE, "jump to nowhere: CR2");
	report_eq(trap.regs.rip, NOWHERE, "jump to nowhere: RIP");
}

static void page_faults(void)
{
	u64 *page = page_alloc();
	u64 va = (u64)page;

	one(try_read(NOWHERE + 5), VEC_PF, 0, "read nowhere: #PF");
	report_eq(trap.cr2, NOWHERE + 5, "read nowhere: CR2");
	one(try_write(NOWHERE), VEC_PF, PF_W, "write nowhere: #PF");
	page_map(va, va, PTE_P | PTE_W | PTE_U | BIT(51));
	if (physical_bits() < 52) {
		report_eq(try_read(va), VEC_PF, "reserved bit: #PF");
		report_known(trap.error, PF_P | PF_RSVD, tcg_fault("QEMU's TCG leaves P clear"),
			     "reserved bit: #PF: error code");
	}
	page_map(va, va, PTE_P | PTE_W | PTE_U | PTE_NX);
	one(catch_call(jump_to, page), VEC_PF, PF_P | PF_I, "jump to NX: #PF");
	page_map(va, va, PTE_P | PTE_W | PTE_U);
	/* The second of two pages is missing: CR2 is the first byte of it. */
	page_map(va + 0x600000, va, PTE_P | PTE_W);
	*page_entry(va + 0x601000, 1) = 0;
	flush_page((void *)(va + 0x601000));
	one(store(va + 0x600ffd), VEC_PF, PF_W, "write across into a missing page: #PF");
	report_eq(trap.cr2, va + 0x601000, "write across: CR2");
}

static void traps(void)
{
	u64 after;

	trap_handler(VEC_BP, irq_count_handler);
	asm volatile("int3; 1: lea 1b(%%rip), %0" : "=r"(after));
	report_eq(trap.vector, VEC_BP, "INT3: #BP");
	report_eq(trap.regs.rip, after, "INT3: RIP is behind it");
	asm volatile("int $3; 1: lea 1b(%%rip), %0" : "=r"(after));
	report_eq(trap.regs.rip, after, "INT 3: RIP is behind it");
	trap_handler(VEC_BP, NULL);
	trap_handler(VEC_DB, irq_count_handler);
	if (report_known(attempt(".byte 0xf1",
				 :),
			 VEC_DB, tcg_fault("QEMU's TCG has no INT1"), "INT1: #DB"))
		report_eq(((u8 *)trap.regs.rip)[-1], 0xf1, "INT1: RIP is behind it");
	trap_handler(VEC_DB, NULL);
}

static void x87_error(void *arg)
{
	u16 control = 0x037b; /* division by zero unmasked */

	(void)arg;
	asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(control));
}

static void sse_error(void *arg)
{
	u32 control = 0x1d80; /* division by zero unmasked */

	(void)arg;
	asm volatile("ldmxcsr %0; xorps %%xmm1, %%xmm1; divss %%xmm1, %%xmm0" : : "m"(control));
}

static void sse_setup(void)
{
	u32 one_float = 0x3f800000;

	asm volatile("movd %0, %%xmm0" : : "r"(one_float));
}

static void floating_point(void)
{
	u32 control = 0x1f80;

	one(catch_call(x87_error, NULL), VEC_MF, 0, "x87 division by zero: #MF");
	asm volatile("fninit");
	sse_setup();
	report_known(catch_call(sse_error, NULL), VEC_XM,
		     tcg_fault("QEMU's TCG raises no SIMD exceptions"),
		     "SSE division by zero: #XM");
	asm volatile("ldmxcsr %0" : : "m"(control));
}

static void user_misaligned(void *arg)
{
	*(live u32 *)arg = 1;
}

static void user_int(void *arg)
{
	(void)arg;
	asm volatile("int $0x21");
}

static void user_hlt(void *arg)
{
	(void)arg;
	asm volatile("hlt");
}

static void user_exceptions(void)
{
	u64 *page = page_alloc();

	one_gate(user_run(user_int, NULL, 0), VEC_GP, 0x21 * 8 + ERROR_IDT,
		 "user mode: INT to a kernel gate: #GP");
	one(user_run(user_hlt, NULL, 0), VEC_GP, 0, "user mode: HLT: #GP");
	one(user_run(user_misaligned, (void *)NOWHERE, 0), VEC_PF, PF_U | PF_W,
	    "user mode: write nowhere: #PF");
	page_map((u64)page, (u64)page, PTE_P | PTE_W);
	one(user_run(user_misaligned, page, 0), VEC_PF, PF_U | PF_W | PF_P,
	    "user mode: write to a kernel page: #PF");
	page_map((u64)page, (u64)page, PTE_P | PTE_W | PTE_U);
	write_cr0(read_cr0() | CR0_AM);
	report_known(user_run(user_misaligned, (u8 *)page + 1, RFLAGS_AC), VEC_AC,
		     tcg_fault("QEMU's TCG checks no alignment"), "user mode: misaligned: #AC");
	write_cr0(read_cr0() & ~CR0_AM);
}

/* A gate that is not present: #NP, with the gate in the error code. */
static void absent_gate(void)
{
	idt[VEC_UD].type &= ~GATE_PRESENT;
	one_gate(attempt("ud2",
			 :),
		 VEC_NP, VEC_UD * 8 + ERROR_IDT + ERROR_EXT, "#UD without a gate: #NP");
	idt[VEC_UD].type |= GATE_PRESENT;
	idt[0x21].type &= ~GATE_PRESENT;
	one_gate(attempt("int $0x21", :), VEC_NP, 0x21 * 8 + ERROR_IDT, "INT without a gate: #NP");
	report(trap.regs.rip != 0, "INT without a gate: RIP is at the INT");
	idt[0x21].type |= GATE_PRESENT;
}

/* SDM 3A table 6-5: contributory on contributory, anything on a page fault. */
static void double_fault(void)
{
	idt[VEC_GP].type &= ~GATE_PRESENT;
	one(load_ds(0xff8), VEC_DF, 0, "#NP on #GP: #DF");
	idt[VEC_GP].type |= GATE_PRESENT;
	idt[VEC_PF].type &= ~GATE_PRESENT;
	one(try_read(NOWHERE), VEC_DF, 0, "#NP on #PF: #DF");
	idt[VEC_PF].type |= GATE_PRESENT;
	idt[VEC_DE].type &= ~GATE_PRESENT;
	one(attempt("div %b1", : : "a"(1), "c"(0)), VEC_DF, 0, "#NP on #DE: #DF");
	idt[VEC_DE].type |= GATE_PRESENT;
}

static void bad_stack(void *fault)
{
	asm volatile("mov %0, %%rsp; mov (%1), %%al; ud2" : : "r"(NOWHERE), "r"(fault) : "rax");
}

static void bad_stack_benign(void *arg)
{
	(void)arg;
	asm volatile("mov %0, %%rsp; ud2" : : "r"(NOWHERE));
}

static void stack_double_fault(void)
{
	trap_use_ist(VEC_DF, 1);
	one(catch_call(bad_stack, (void *)NOWHERE), VEC_DF, 0, "#PF on #PF: #DF");
	trap_use_ist(VEC_PF, 2);
	one(catch_call(bad_stack_benign, NULL), VEC_PF, PF_W, "#PF on #UD: #PF");
	trap_use_ist(VEC_PF, 0);
	trap_use_ist(VEC_DF, 0);
}

void guest_main(void)
{
	gdt[SEL_ABSENT / 8] = 0x00cf13000000ffff;
	trap_handler(0x21, irq_count_handler);
	faults();
	control();
	page_faults();
	traps();
	floating_point();
	user_exceptions();
	absent_gate();
	double_fault();
	stack_double_fault();
}
