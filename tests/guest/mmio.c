// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions on addresses without memory: every form that compilers and kernels use, on
 * addresses without a device (all ones) and on registers of the local APIC and the IOAPIC.
 */
#include "guest.h"

/* In the hole below 4 GiB, where no device is. */
#define NOBODY 0xd0000000ULL
/* Registers that keep the value written to them: bits 31:0, 31:24 and 7:0. */
#define WORD (LAPIC_BASE + APIC_TIMER_INITIAL)
#define TOP (LAPIC_BASE + APIC_ICR2)
#define BYTE (LAPIC_BASE + APIC_TPR)

static u8 buffer[8192] __attribute__((aligned(4096)));

/* Return the instruction without the quotes and with one of two %. */
static const char *plain(const char *insn)
{
	static char text[128];
	char *p = text;

	for (; *insn && p < text + sizeof(text) - 1; insn++)
		if (*insn != '"' && (insn[0] != '%' || insn[1] != '%'))
			*p++ = *insn;
	*p = 0;
	return text;
}

/* One load: RAX before, the instruction on (RSI), RAX after it. */
#define LOAD(insn, want)                                                        \
	do {                                                                    \
		u64 rax_ = 0x1122334455667788;                                  \
		asm volatile(insn : "+a"(rax_) : "S"(NOBODY) : "memory", "cc"); \
		report_eq(rax_, want, "%s", plain(#insn));                      \
	} while (0)

static void loads(void)
{
	u64 r15 = 0;

	LOAD("movb (%%rsi), %%al", 0x11223344556677ffULL);
	LOAD("movb (%%rsi), %%ah", 0x112233445566ff88ULL);
	LOAD("movw (%%rsi), %%ax", 0x112233445566ffffULL);
	LOAD("movl (%%rsi), %%eax", 0xffffffffULL);
	LOAD("movq (%%rsi), %%rax", ~0ULL);
	LOAD("movzbl (%%rsi), %%eax", 0xffULL);
	LOAD("movzwl (%%rsi), %%eax", 0xffffULL);
	LOAD("movzbq (%%rsi), %%rax", 0xffULL);
	LOAD("movzwq (%%rsi), %%rax", 0xffffULL);
	LOAD("movzbw (%%rsi), %%ax", 0x11223344556600ffULL);
	LOAD("movsbl (%%rsi), %%eax", 0xffffffffULL);
	LOAD("movswl (%%rsi), %%eax", 0xffffffffULL);
	LOAD("movsbq (%%rsi), %%rax", ~0ULL);
	LOAD("movswq (%%rsi), %%rax", ~0ULL);
	LOAD("movslq (%%rsi), %%rax", ~0ULL);
	LOAD("movabs 0xd0000000, %%al", 0x11223344556677ffULL);
	LOAD("movabs 0xd0000000, %%eax", 0xffffffffULL);
	LOAD("movabs 0xd0000000, %%rax", ~0ULL);
	LOAD("bsfl (%%rsi), %%eax", 0ULL);
	LOAD("bsrw (%%rsi), %%ax", 0x112233445566000fULL);
	LOAD("bsrq (%%rsi), %%rax", 63ULL);
	LOAD("push %%rbx; mov %%rsi, %%rbx; xlat; pop %%rbx", 0x11223344556677ffULL);
	LOAD("clflush (%%rsi)", 0x1122334455667788ULL);
	LOAD("lodsb", 0x11223344556677ffULL);
	LOAD("lodsw", 0x112233445566ffffULL);
	LOAD("lodsl", 0xffffffffULL);
	LOAD("lodsq", ~0ULL);
	asm volatile("movq (%1), %0" : "=r"(r15) : "r"(NOBODY + 8));
	report_eq(r15, ~0ULL, "movq to another register");
	asm volatile("xor %%r15, %%r15; movl 4(%1,%2,4), %%r15d; mov %%r15, %0"
		     : "=r"(r15)
		     : "r"(NOBODY), "r"(3UL)
		     : "r15");
	report_eq(r15, 0xffffffff, "movl to R15D, base, index and displacement");
}

/* The same with CF, PF and ZF set before it, and the flags in @mask after it. */
#define ALU(insn, want, mask, flags)                                               \
	do {                                                                       \
		u64 rax_ = 0x5, flags_;                                            \
		asm volatile("xor %%ecx, %%ecx; stc; " insn "; pushf; pop %1"      \
			     : "+a"(rax_), "=r"(flags_)                            \
			     : "S"(NOBODY)                                         \
			     : "rcx", "memory", "cc");                             \
		report_eq(rax_, want, "%s", plain(#insn));                         \
		report(!((flags_ ^ (flags)) & (mask)), "%s: flags", plain(#insn)); \
	} while (0)

/* CF 1, PF 4, ZF 40, SF 80, OF 800. */
#define ALL_FLAGS 0x8c5

static void arithmetic(void)
{
	ALU("addl (%%rsi), %%eax", 4, ALL_FLAGS, 0x001);
	ALU("adcl (%%rsi), %%eax", 5, ALL_FLAGS, 0x005);
	ALU("subl (%%rsi), %%eax", 6, ALL_FLAGS, 0x005);
	ALU("sbbl (%%rsi), %%eax", 5, ALL_FLAGS, 0x005);
	ALU("andl (%%rsi), %%eax", 5, ALL_FLAGS, 0x004);
	ALU("orq (%%rsi), %%rax", ~0ULL, ALL_FLAGS, 0x084);
	ALU("xorq (%%rsi), %%rax", ~5ULL, ALL_FLAGS, 0x084);
	ALU("cmpl (%%rsi), %%eax", 5, ALL_FLAGS, 0x005);
	ALU("cmpl $-1, (%%rsi)", 5, ALL_FLAGS, 0x044);
	ALU("cmpb $-1, (%%rsi)", 5, ALL_FLAGS, 0x044);
	ALU("testl %%eax, (%%rsi)", 5, ALL_FLAGS, 0x004);
	ALU("testb $0x80, (%%rsi)", 5, ALL_FLAGS, 0x080);
	ALU("incl (%%rsi)", 5, ALL_FLAGS, 0x045);
	ALU("decl (%%rsi)", 5, ALL_FLAGS, 0x081);
	ALU("negl (%%rsi)", 5, ALL_FLAGS, 0x001);
	ALU("addl $1, (%%rsi)", 5, ALL_FLAGS, 0x045);
	ALU("shll $1, (%%rsi)", 5, ALL_FLAGS, 0x081);
	ALU("sarl $1, (%%rsi)", 5, ALL_FLAGS, 0x085);
	ALU("rcrl $1, (%%rsi)", 5, ALL_FLAGS, 0x045);
	ALU("btl $3, (%%rsi)", 5, 0x041, 0x041);
	ALU("xchgl %%eax, (%%rsi)", 0xffffffffULL, ALL_FLAGS, 0x045);
	ALU("xaddl %%eax, (%%rsi)", 0xffffffffULL, ALL_FLAGS, 0x001);
	ALU("imull (%%rsi), %%eax", 0xfffffffbULL, 0x801, 0);
	ALU("cmovcl (%%rsi), %%eax", 0xffffffffULL, ALL_FLAGS, 0x045);
	ALU("cmovncl (%%rsi), %%eax", 5ULL, ALL_FLAGS, 0x045);
}

static void compare_exchange(void)
{
	u64 rax = ~0ULL, rdx = ~0ULL;
	u8 equal;

	asm volatile("cmpxchgq %3, (%2); sete %1"
		     : "+a"(rax), "=q"(equal)
		     : "r"(NOBODY), "r"(1UL)
		     : "memory", "cc");
	report(equal && rax == ~0ULL, "cmpxchgq, equal");
	rax = 7;
	asm volatile("lock; cmpxchgl %k3, (%2); sete %1"
		     : "+a"(rax), "=q"(equal)
		     : "r"(NOBODY), "r"(1UL)
		     : "memory", "cc");
	report(!equal && rax == 0xffffffff, "lock cmpxchgl, unequal");
	rax = 0;
	rdx = 0;
	asm volatile("cmpxchg8b (%3); sete %2"
		     : "+a"(rax), "+d"(rdx), "=q"(equal)
		     : "r"(NOBODY), "b"(0), "c"(0)
		     : "memory", "cc");
	report(!equal && rax == 0xffffffff && rdx == 0xffffffff, "cmpxchg8b, unequal");
}

/* Read a register of the APIC as memory. */
static u32 get(u64 address)
{
	u32 value;

	asm volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static void set(u64 address, u32 value)
{
	asm volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

#define STORE(insn, before, want, ...)                                          \
	do {                                                                    \
		set(WORD, before);                                              \
		asm volatile(insn : : "D"(WORD), __VA_ARGS__ : "memory", "cc"); \
		report_eq(get(WORD), want, "%s", plain(#insn));                 \
	} while (0)

static void stores(void)
{
	u64 rdi = WORD, rcx;

	STORE("movl %%eax, (%%rdi)", 0, 0x12345678, "a"(0x12345678));
	STORE("movl $0x7654321, (%%rdi)", 0, 0x07654321, "a"(0));
	STORE("movl $0x1234, 0x10(%%rdi,%%rax,2)", 0, 0x1234, "a"(-8L));
	STORE("addl %%eax, (%%rdi)", 0x1000, 0x1005, "a"(5));
	STORE("subl $1, (%%rdi)", 0x1000, 0xfff, "a"(0));
	STORE("orl $0x70, (%%rdi)", 0x1000, 0x1070, "a"(0));
	STORE("andl %%eax, (%%rdi)", 0x1234, 0x1200, "a"(0xff00));
	STORE("xorl %%eax, (%%rdi)", 0x1234, 0x1111, "a"(0x0325));
	STORE("notl (%%rdi)", 0xf0f0f0f0, 0x0f0f0f0f, "a"(0));
	STORE("negl (%%rdi)", 0xffffff00, 0x100, "a"(0));
	STORE("incl (%%rdi)", 0xffff, 0x10000, "a"(0));
	STORE("decl (%%rdi)", 0x10000, 0xffff, "a"(0));
	STORE("shll $4, (%%rdi)", 0x1234, 0x12340, "a"(0));
	STORE("shrl %%cl, (%%rdi)", 0x12345, 0x123, "c"(8));
	STORE("roll $8, (%%rdi)", 0x12345678, 0x34567812, "a"(0));
	STORE("btsl $5, (%%rdi)", 0x1000, 0x1020, "a"(0));
	STORE("btrl %%eax, (%%rdi)", 0x1020, 0x1000, "a"(5));
	STORE("btcl $0, (%%rdi)", 0x1000, 0x1001, "a"(0));
	STORE("xchgl %%eax, (%%rdi)", 0x1000, 0x2000, "a"(0x2000));
	STORE("lock; xaddl %%eax, (%%rdi)", 0x1000, 0x3000, "a"(0x2000));
	STORE("cmpxchgl %%ecx, (%%rdi)", 0x1000, 0x4000, "a"(0x1000), "c"(0x4000));
	STORE("movnti %%eax, (%%rdi)", 0x1000, 0x5000, "a"(0x5000));

	set(WORD, 1);
	asm volatile("stosl" : "+D"(rdi) : "a"(0x9000) : "memory");
	report(get(WORD) == 0x9000 && rdi == WORD + 4, "stosl");
	rdi = NOBODY;
	rcx = 300;
	asm volatile("rep stosq" : "+D"(rdi), "+c"(rcx) : "a"(0) : "memory");
	report(rdi == NOBODY + 2400 && !rcx, "rep stosq to nobody");
	set(BYTE, 0x35);
	report_known(get(BYTE), 0x35, kvm_fault("KVM on AMD drops TPR[3:0] at an exit"),
		     "TPR as memory");
	set(BYTE, 0);
	set(TOP, 0xab000000);
	report_eq(get(TOP), 0xab000000, "ICR2 as memory");
	set(TOP, 0);
}

/* Return true if @count bytes from @start are ones, with a zero on both sides. */
static bool ones(unsigned int start, unsigned int count)
{
	for (unsigned int i = start; i < start + count; i++)
		if (buffer[i] != 0xff)
			return false;
	return !buffer[start - 1] && !buffer[start + count];
}

/* String moves between memory, registers and addresses without a device. */
static void strings(void)
{
	u64 rsi, rdi, rcx;

	memset(buffer, 0, sizeof(buffer));
	rsi = NOBODY;
	rdi = (u64)buffer + 4000;
	rcx = 200;
	asm volatile("rep movsb" : "+S"(rsi), "+D"(rdi), "+c"(rcx) : : "memory");
	report(rsi == NOBODY + 200 && rdi == (u64)buffer + 4200 && !rcx && ones(4000, 200),
	       "rep movsb from nobody, over a page's end");
	rsi = NOBODY + 64;
	rdi = (u64)buffer + 64;
	rcx = 4;
	asm volatile("std; rep movsq; cld" : "+S"(rsi), "+D"(rdi), "+c"(rcx) : : "memory");
	report(rsi == NOBODY + 32 && rdi == (u64)buffer + 32 && ones(40, 32),
	       "rep movsq backwards");
	*(u32 *)buffer = 0x00777777;
	rsi = (u64)buffer;
	rdi = WORD;
	asm volatile("movsl" : "+S"(rsi), "+D"(rdi) : : "memory");
	report_eq(get(WORD), 0x00777777, "movsl to a register");
	rsi = WORD;
	rdi = (u64)buffer + 16;
	asm volatile("movsl" : "+S"(rsi), "+D"(rdi) : : "memory");
	report_eq(*(u32 *)(buffer + 16), 0x00777777, "movsl from a register");
	rsi = WORD;
	rdi = TOP;
	set(WORD, 0x12345678);
	asm volatile("movsl" : "+S"(rsi), "+D"(rdi) : : "memory");
	report_eq(get(TOP), 0x12000000, "movsl from register to register");
	set(TOP, 0);
	rsi = NOBODY;
	rdi = NOBODY + 4096;
	rcx = 10;
	asm volatile("rep movsl" : "+S"(rsi), "+D"(rdi), "+c"(rcx) : : "memory");
	report(!rcx && rdi == NOBODY + 4096 + 40, "rep movsl from nobody to nobody");
	rdi = NOBODY;
	rcx = 100;
	asm volatile("repne scasb" : "+D"(rdi), "+c"(rcx) : "a"(0xff) : "cc", "memory");
	report_eq(rcx, 99, "repne scasb finds ones at once");
	rdi = NOBODY;
	rcx = 100;
	asm volatile("repe scasl" : "+D"(rdi), "+c"(rcx) : "a"(-1) : "cc", "memory");
	report_eq(rcx, 0, "repe scasl finds only ones");
	rsi = NOBODY;
	rdi = NOBODY + 64;
	rcx = 7;
	asm volatile("repe cmpsw" : "+S"(rsi), "+D"(rdi), "+c"(rcx) : : "cc", "memory");
	report_eq(rcx, 0, "repe cmpsw, ones with ones");
}

static void stack_forms(void)
{
	u64 popped, top;

	asm volatile("pushq (%1); popq %0" : "=r"(popped) : "r"(NOBODY) : "memory");
	report_eq(popped, ~0ULL, "pushq from nobody");
	asm volatile("pushq $5; popq (%0)" : : "r"(NOBODY) : "memory");
	report(true, "popq to nobody");
	/* Interrupts are off while the stack has no memory. */
	asm volatile("mov %%rsp, %%rcx; mov %1, %%rsp\n\t"
		     "pushf; push %%fs; push $1; call 1f; 1: push %%rax\n\t"
		     "mov %%rsp, %0; mov %%rcx, %%rsp"
		     : "=&r"(top)
		     : "r"(NOBODY + 64)
		     : "rcx", "memory");
	report_eq(top, NOBODY + 64 - 40, "pushes and a call with the stack at nobody's");
	asm volatile("mov %%rsp, %%rcx; mov %%rbp, %%rdx; mov %2, %%rbp\n\t"
		     "leave\n\t"
		     "mov %%rsp, %0; mov %%rbp, %1; mov %%rcx, %%rsp; mov %%rdx, %%rbp"
		     : "=&r"(top), "=&r"(popped)
		     : "r"(NOBODY)
		     : "rcx", "rdx", "memory");
	report(top == NOBODY + 8 && popped == ~0ULL, "leave with the frame at nobody's");
}

static void vectors(void)
{
	u64 low, high;

	memset(buffer, 0, 64);
	asm volatile("movdqu (%0), %%xmm3; movdqu %%xmm3, (%1)"
		     :
		     : "r"(NOBODY), "r"(buffer)
		     : "memory");
	low = *(u64 *)buffer;
	high = *(u64 *)(buffer + 8);
	report(low == ~0ULL && high == ~0ULL, "movdqu from nobody");
	memset(buffer, 0, 64);
	asm volatile("xorps %%xmm4, %%xmm4; movups %%xmm4, (%0)\n\t"
		     "movaps (%0), %%xmm4; movups %%xmm4, (%1)"
		     :
		     : "r"(NOBODY + 16), "r"(buffer)
		     : "memory");
	report(*(u64 *)buffer == ~0ULL, "movups to, movaps from nobody");
}

static void lanes(void)
{
	u64 word;

	memset(buffer, 0, 64);
	asm volatile("pxor %%xmm5, %%xmm5; pinsrw $3, (%0), %%xmm5; movdqu %%xmm5, (%1)"
		     :
		     : "r"(NOBODY), "r"(buffer)
		     : "memory");
	report_eq(*(u64 *)buffer, 0xffffULL << 48, "pinsrw from nobody");
	asm volatile("pextrw $3, %%xmm5, %k0; pcmpeqb %%xmm6, %%xmm6\n\t"
		     "maskmovdqu %%xmm6, %%xmm5"
		     : "=r"(word)
		     : "D"(NOBODY)
		     : "memory");
	report_eq(word, 0xffff, "maskmovdqu to nobody");
}

static const char *no_loads(void)
{
	return kvm_fault("KVM's error code, or that it has none");
}

/* IOREGSEL keeps the selector written to it; the selector read without a device is in no table. */
static void segments(void)
{
	u16 before, selector, got;

	asm volatile("mov %%es, %0; mov %%ss, %1" : "=r"(before), "=r"(selector));
	*(live u32 *)IOAPIC_BASE = selector;
	asm volatile("mov (%1), %%es; mov %%es, %0" : "=&r"(got) : "r"(IOAPIC_BASE) : "memory");
	asm volatile("mov %0, %%es" : : "r"(before));
	report_eq(got, selector, "ES from a device");
	report_eq(attempt("mov (%0), %%es",
			  :
			  : "r"(NOBODY)
			  : "memory"),
		  VEC_GP, "ES from nobody: #GP");
	report_known(trap.error, 0xfffc, no_loads(), "its error code");
	report_eq(attempt("lfs (%0), %%eax",
			  :
			  : "r"(NOBODY)
			  : "rax", "memory"),
		  VEC_GP, "LFS from nobody: #GP");
	report_known(trap.error, 0xfffc, no_loads(), "its error code");
}

static live u64 step_rip;

static void step(struct regs *regs)
{
	write_dr6(0xffff0ff0);
	if (!step_rip)
		step_rip = regs->rip;
}

/* MOV SS delays the trap of a single step, wherever the selector comes from. */
static void step_mov_ss(void)
{
	const char *dies = bochs_svm_fault("a single step in a guest ends Bochs with SVM");
	u64 due;
	u16 ss;

	if (dies) {
		report_skip(dies, "step over MOV SS from a device");
		return;
	}
	asm volatile("mov %%ss, %0" : "=r"(ss));
	*(live u32 *)IOAPIC_BASE = ss;
	step_rip = 0;
	trap_handler(VEC_DB, step);
	asm volatile("lea 1f(%%rip), %0\n\t"
		     "pushf; pushf; orl $0x100, (%%rsp); popf\n\t"
		     "mov (%1), %%ss; nop\n"
		     "1:\tpopf"
		     : "=&r"(due)
		     : "r"(IOAPIC_BASE)
		     : "memory", "cc");
	report_known(step_rip, due, kvm_fault("KVM's emulated MOV SS traps at once"),
		     "step over MOV SS from a device: #DB behind the next one");
	trap_handler(VEC_DB, NULL);
}

/* An access that begins in memory and ends outside of it. */
static void boundary(void)
{
	live u64 *last;
	u64 end = ram_end(), value;

	if (!end) {
		report_skip("the loader does not say where memory ends", "the end of memory");
		return;
	}
	last = (u64 *)(end - 8);
	*last = 0x1122334455667788;
	report_eq(*last, 0x1122334455667788, "the last word of memory");
	asm volatile("movq (%1), %0" : "=r"(value) : "r"(end - 4) : "memory");
	report_eq(value, 0xffffffff11223344, "a load over the end of memory");
	asm volatile("movq %0, (%1)" : : "r"(0xaabbccdd99887766), "r"(end - 2) : "memory");
	report_eq(*last, 0x7766334455667788, "a store over the end of memory");
	asm volatile("movl (%1), %k0" : "=r"(value) : "r"(end) : "memory");
	report_eq((u32)value, 0xffffffff, "a load behind the end of memory");
}

/* 4 KiB from the IOAPIC's page to where there is no device, with one load across both. */
static void between_pages(void)
{
	u64 value;

	asm volatile("movq (%1), %0" : "=r"(value) : "r"(NOBODY + 4092) : "memory");
	report_eq(value, ~0ULL, "a load on two pages");
	asm volatile("movq %0, (%1)" : : "r"(0UL), "r"(NOBODY + 4093) : "memory");
	report(true, "a store on two pages");
}

static void ioapic(void)
{
	*(live u32 *)IOAPIC_BASE = 1;
	report_eq(*(live u32 *)IOAPIC_BASE, 1, "IOREGSEL keeps its value");
	report_eq(*(live u32 *)(IOAPIC_BASE + 0x10) >> 16 & 0xff, 23, "IOWIN");
	asm volatile("movb $0x10, (%0)" : : "r"(IOAPIC_BASE) : "memory");
	asm volatile("movl $0x10033, 0x10(%0)" : : "r"(IOAPIC_BASE) : "memory");
	report_eq(ioapic_read(0x10), 0x10033, "IOWIN takes an immediate");
}

/* While the APIC is off, its page is absent. */
static void apic_off(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	wrmsr(MSR_APIC_BASE, base & ~APIC_BASE_ENABLE);
	report_eq(get(LAPIC_BASE + APIC_VERSION), 0xffffffff, "no APIC page with the APIC off");
	wrmsr(MSR_APIC_BASE, base);
	report(get(LAPIC_BASE + APIC_VERSION) != 0xffffffff, "the APIC page is back");
}

static void user_read(void *arg)
{
	*(live u32 *)arg;
}

static void faults(void)
{
	u64 va = 0x40000000;
	unsigned int got;

	report_eq(user_run(user_read, (void *)NOBODY, 0), 0x80, "user mode reads nobody");
	page_map(va, NOBODY, PTE_P | PTE_W);
	report_eq(user_run(user_read, (void *)va, 0), VEC_PF, "user mode, kernel's page: #PF");
	report_eq(trap.error, PF_P | PF_U, "its error code");
	report_eq(*(live u32 *)va, 0xffffffff, "another virtual address of nobody");
	page_map(va, NOBODY, PTE_P);
	report_eq(try_write(va), VEC_PF, "a store to a read-only page of nobody: #PF");
	got = attempt("addl $1, (%0)", : : "r"(va) : "memory");
	if (report_known(got, VEC_PF, kvm_fault("KVM checks the right to read alone"),
			 "an add to a read-only page of nobody: #PF"))
		report_eq(trap.error, PF_P | PF_W, "its error code is a write's");
	/* A string move faults in memory after it has read from where there is no device. */
	page_map(va, NOBODY, PTE_P | PTE_W);
	got = attempt("movsl", : : "S"(NOBODY), "D"(0x7f0000001000) : "memory");
	report_eq(got, VEC_PF, "movsl from nobody to nowhere: #PF");
	report_eq(trap.error, PF_W, "its error code");
}

void guest_main(void)
{
	apic_enable();
	loads();
	arithmetic();
	compare_exchange();
	stores();
	strings();
	stack_forms();
	vectors();
	lanes();
	segments();
	step_mov_ss();
	between_pages();
	boundary();
	ioapic();
	apic_off();
	faults();
}
