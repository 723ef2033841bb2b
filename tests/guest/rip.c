// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps over instructions: their length with all prefixes, single step over instructions that
 * exit, and the resume flag.
 */
#include "guest.h"

/* The instructions under test change their inputs; C must not see that. */
#define SAVE "push %%rax; push %%rcx; push %%rdx; push %%rdi\n\t"
#define RESTORE "pop %%rdi; pop %%rdx; pop %%rcx; pop %%rax\n\t"

/*
 * Instruction bytes, with a check that RIP is right behind them: after too short a step RIP is
 * inside of them, after too long a one in the UD2s.
 */
#define LENGTH(what, bytes, ...)                                          \
	do {                                                              \
		u64 ok_;                                                  \
		asm volatile("xor %0, %0\n\t" SAVE bytes "\n\t"           \
			     "jmp 1f\n\t"                                 \
			     "ud2; ud2; ud2; ud2; ud2; ud2; ud2; ud2\n\t" \
			     "1: " RESTORE "inc %0"                       \
			     : "=&r"(ok_)                                 \
			     : __VA_ARGS__                                \
			     : "rbx", "memory", "cc");                    \
		report_eq(ok_, 1, "%s", what);                            \
	} while (0)

#define CPUID_IN "a"(0), "c"(0), "d"(0)
#define PAT_IN "c"(MSR_PAT), "a"(0x00070406), "d"(0x00070406)

static void lengths(void)
{
	LENGTH("CPUID", "cpuid", CPUID_IN);
	LENGTH("66 CPUID", ".byte 0x66, 0x0f, 0xa2", CPUID_IN);
	LENGTH("F3 CPUID", ".byte 0xf3, 0x0f, 0xa2", CPUID_IN);
	LENGTH("REX.W CPUID", ".byte 0x48, 0x0f, 0xa2", CPUID_IN);
	LENGTH("67 2E REX CPUID", ".byte 0x67, 0x2e, 0x4f, 0x0f, 0xa2", CPUID_IN);
	LENGTH("13 prefixes CPUID", ".fill 13, 1, 0x3e; .byte 0x0f, 0xa2", CPUID_IN);
	LENGTH("RDMSR", "rdmsr", PAT_IN);
	LENGTH("66 REX RDMSR", ".byte 0x66, 0x41, 0x0f, 0x32", PAT_IN);
	LENGTH("WRMSR", "wrmsr", PAT_IN);
	LENGTH("64 67 WRMSR", ".byte 0x64, 0x67, 0x0f, 0x30", PAT_IN);
	LENGTH("IN", ".byte 0xec", "a"(0), "d"(PIC1 + 1));
	LENGTH("66 66 IN", ".byte 0x66, 0x66, 0xec", "a"(0), "d"(PIC1 + 1));
	LENGTH("IN imm8", ".byte 0xe4, 0x21", "a"(0));
	LENGTH("REX IN imm8", ".byte 0x40, 0xe4, 0x21", "a"(0));
	LENGTH("OUT", ".byte 0xee", "a"(0xff), "d"(SERIAL_PORT + 7));
	LENGTH("F2 OUT imm8", ".byte 0xf2, 0xe6, 0x80", "a"(0xff));
	LENGTH("WBINVD", ".byte 0x0f, 0x09", "a"(0));
	LENGTH("INVD", ".byte 0x0f, 0x08", "a"(0));
	LENGTH("MOV from CR0", "mov %%cr0, %%rbx", "a"(0));
	LENGTH("REX MOV from CR0", ".byte 0x48, 0x0f, 0x20, 0xc3", "a"(0));
	LENGTH("MOV to CR4", "mov %1, %%cr4", "r"(read_cr4()));
	LENGTH("MOV to CR0", "mov %1, %%cr0", "r"(read_cr0()));
	LENGTH("MOV to CR8, by REX.R", ".byte 0x44, 0x0f, 0x22, 0xc0", "a"(0UL));
	LENGTH("CLTS", "clts", "a"(0));
	LENGTH("LMSW", "lmsw %w1", "r"((u32)read_cr0()));
	LENGTH("SMSW", "smsw %%ebx", "a"(0));
	LENGTH("INVLPG", "invlpg 0x1000(%1,%1,2)", "r"(0x1000UL));
	LENGTH("RDTSC", "rdtsc", "a"(0), "d"(0));
	LENGTH("PAUSE", "pause", "a"(0));
	LENGTH("MOV to DR7", "mov %1, %%dr7", "r"(0x400UL));
	LENGTH("MMIO load, disp32", "movl 0x20(%1), %%ebx", "r"(LAPIC_BASE));
	LENGTH("MMIO load, SIB", "movl 0x10(%1,%2,8), %%ebx", "r"(LAPIC_BASE), "r"(2UL));
	LENGTH("MMIO store, imm32", "movl $0x12345678, 0x380(%1)", "r"(LAPIC_BASE));
	LENGTH("MMIO load, many prefixes", ".fill 8, 1, 0x2e; .byte 0x67; movl 0x20(%1), %%ebx",
	       "r"(LAPIC_BASE));
}

static void hlt_lengths(void)
{
	/* An interrupt is pending: each HLT ends at once. */
	trap_handler(0x40, irq_count_handler);
	for (unsigned int i = 0; i < 3; i++)
		apic_self_ipi(0x40);
	LENGTH("HLT", "sti; hlt; cli", "a"(0));
	apic_self_ipi(0x40);
	LENGTH("66 REX HLT", "sti; .byte 0x66, 0x48, 0xf4; cli", "a"(0));
	if (vendor_is_amd())
		LENGTH("REX VMMCALL", ".byte 0x48, 0x0f, 0x01, 0xd9", "a"(1000UL));
	else
		LENGTH("REX VMCALL", ".byte 0x48, 0x0f, 0x01, 0xc1", "a"(1000UL));
}

/* An instruction of two bytes on two pages: the decoder has to fetch twice. */
static void across_pages(void)
{
	u8 *code = pages_alloc(2);
	u8 *p = code + 4095;
	static const u8 cpuid_ret[] = { 0x0f, 0xa2, 0xc3 };

	memcpy(p, cpuid_ret, sizeof(cpuid_ret));
	asm volatile("call *%0" : : "r"(p), "a"(0), "c"(0) : "rbx", "rdx", "memory");
	report(true, "CPUID on two pages");
	p = code + 4096 - 4;
	/* movl 0x20(%rax), %ecx with two prefixes, and RET */
	memcpy(p, "\x3e\x3e\x8b\x88\x20\x00\x00\x00\xc3", 9);
	asm volatile("call *%0" : : "r"(p), "a"(LAPIC_BASE) : "rcx", "memory");
	report(true, "MMIO load on two pages");
	/* The second page maps elsewhere: the decoder walks the guest's tables. */
	page_map(0x40000000, (u64)code, PTE_P | PTE_W);
	page_map(0x40001000, (u64)page_alloc(), PTE_P | PTE_W);
	memcpy((void *)0x40000fff, cpuid_ret, sizeof(cpuid_ret));
	memset(code + 4096, 0x0b, 16);
	asm volatile("call *%0" : : "r"(0x40000fffUL), "a"(0), "c"(0) : "rbx", "rdx", "memory");
	report(true, "CPUID on two pages that are not neighbours");
}

static live unsigned int steps;
static live u64 step_rip[64], step_dr6;

static void single_step(struct regs *regs)
{
	step_dr6 = read_dr6();
	write_dr6(0xffff0ff0);
	if (steps < ARRAY_SIZE(step_rip))
		step_rip[steps] = regs->rip;
	steps++;
}

/*
 * POPF sets TF: the trap comes after the next instruction, at 1, and once more after the POPF
 * that clears TF, which the count leaves out.
 */
#define STEP(what, insn, ...)                                                        \
	do {                                                                         \
		const char *what_ = what;                                            \
		u64 due_;                                                            \
		steps = 0;                                                           \
		asm volatile("lea 1f(%%rip), %0\n\t" SAVE                            \
			     "pushf; pushf; orl $0x100, (%%rsp); popf\n\t" insn "\n" \
			     "1:\tpopf\n\t" RESTORE                                  \
			     : "=&r"(due_)                                           \
			     : __VA_ARGS__                                           \
			     : "rbx", "memory", "cc");                               \
		report_eq(step_rip[0], due_, "step over %s: #DB behind it", what_);  \
		report((step_dr6 >> 14 & 1) != 0, "step over %s: DR6.BS", what_);    \
		report_eq(steps, 2, "step over %s: one #DB", what_);                 \
	} while (0)

static void stepping(void)
{
	u8 byte;

	trap_handler(VEC_DB, single_step);
	STEP("NOP", "nop", "a"(0));
	STEP("CPUID", "cpuid", CPUID_IN);
	STEP("RDMSR", "rdmsr", PAT_IN);
	STEP("WRMSR", "wrmsr", PAT_IN);
	STEP("IN in the kernel", "inb %%dx, %%al", "a"(0), "d"(PIC1 + 1));
	STEP("IN in userspace", "inb %%dx, %%al", "a"(0), "d"(SERIAL_PORT + 7));
	STEP("OUT in userspace", "outb %%al, %%dx", "a"(0), "d"(SERIAL_PORT + 7));
	STEP("INSB", "insb", "D"(&byte), "d"(SERIAL_PORT + 7));
	STEP("MMIO load", "movl (%1), %%ebx", "r"(LAPIC_BASE + APIC_ID));
	STEP("MMIO store", "movl %k2, (%1)", "r"(LAPIC_BASE + APIC_TPR), "r"(0));
	STEP("MOV to CR4", "mov %1, %%cr4", "r"(read_cr4()));
	STEP("MOV to CR0", "mov %1, %%cr0", "r"(read_cr0()));
	STEP("MOV to CR8", "mov %1, %%cr8", "r"(0UL));
	STEP("WBINVD", "wbinvd", "a"(0));
	trap_handler(VEC_DB, NULL);
}

/* MOV SS holds the trap back for one instruction (SDM 3A 6.8.3). */
static void step_mov_ss(void)
{
	u64 due;

	steps = 0;
	trap_handler(VEC_DB, single_step);
	asm volatile("lea 1f(%%rip), %0; mov %%ss, %%ecx\n\t"
		     "pushf; pushf; orl $0x100, (%%rsp); popf\n\t"
		     "mov %%ecx, %%ss; nop\n"
		     "1:\tpopf"
		     : "=&r"(due)
		     :
		     : "rcx", "memory", "cc");
	report_eq(step_rip[0], due, "step over MOV SS: #DB behind the next one");
	trap_handler(VEC_DB, NULL);
}

/* Each repetition is a step, RIP stays until the last. */
static void step_rep(void)
{
	u64 rcx = 3, rdi, behind, at;
	static u8 bytes[8];

	rdi = (u64)bytes;
	steps = 0;
	trap_handler(VEC_DB, single_step);
	asm volatile("lea 1f(%%rip), %2; lea 2f(%%rip), %3\n\t"
		     "pushf; pushf; orl $0x100, (%%rsp); popf\n"
		     "2:\trep insb\n"
		     "1:\tpopf"
		     : "+c"(rcx), "+D"(rdi), "=&r"(behind), "=&r"(at)
		     : "d"(SERIAL_PORT + 7)
		     : "memory", "cc");
	trap_handler(VEC_DB, NULL);
	report_eq(rcx, 0, "step over REP INSB: it is done");
	/* One step for each byte, or one for all: a hypervisor may do them at once. */
	report(steps >= 2 && steps <= 4, "step over REP INSB: %u steps", steps - 1);
	report_eq(step_rip[steps - 2], behind, "step over REP INSB: the last is behind it");
	if (steps > 2)
		report_eq(step_rip[0], at, "step over REP INSB: the first is at it");
}

/* RF in the image that IRET loads suppresses breakpoints for one instruction. */
static live unsigned int hits;

static void breakpoint(struct regs *regs)
{
	hits++;
	write_dr6(0xffff0ff0);
	regs->rflags |= RFLAGS_RF;
}

static void resume_flag(void)
{
	u64 at;

	trap_handler(VEC_DB, breakpoint);
	asm volatile("lea 1f(%%rip), %0\n\t"
		     "mov %0, %%dr0; mov $0x402, %%ecx; mov %%rcx, %%dr7; xor %%eax, %%eax\n"
		     "1:\tcpuid\n\t"
		     "mov $0x400, %%ecx; mov %%rcx, %%dr7"
		     : "=&r"(at)
		     :
		     : "rax", "rbx", "rcx", "rdx", "memory");
	report_eq(hits, 1, "RF: one hit at CPUID, then it runs");
	hits = 0;
	asm volatile("lea 1f(%%rip), %%rax\n\t"
		     "mov %%rax, %%dr0; mov $0x402, %%ecx; mov %%rcx, %%dr7; mov $2, %%esi\n\t"
		     "mov $0x3ff, %%edx\n"
		     "1:\tinb %%dx, %%al\n\t"
		     "dec %%esi; jnz 1b\n\t"
		     "mov $0x400, %%ecx; mov %%rcx, %%dr7"
		     :
		     :
		     : "rax", "rcx", "rdx", "rsi", "memory");
	report_eq(hits, 2, "RF lasts for one instruction, one that exits too");
	hits = 0;
	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, %%dr0; lea 2f(%%rip), %%rax\n\t"
		     "mov %%rax, %%dr1; mov $0x40a, %%ecx; mov %%rcx, %%dr7\n\t"
		     "mov $0x3ff, %%edx\n"
		     "1:\tinb %%dx, %%al\n"
		     "2:\tnop\n\t"
		     "mov $0x400, %%ecx; mov %%rcx, %%dr7"
		     :
		     :
		     : "rax", "rcx", "rdx", "memory");
	report_known(hits, 2, kvm_fault("KVM leaves RF set when it skips an instruction"),
		     "RF ends with an instruction that exits");
	trap_handler(VEC_DB, NULL);
}

static void many(void)
{
	u32 sum = 0;

	for (unsigned int i = 0; i < 20000; i++)
		sum += cpuid(0x80000000, 0).eax >> 31;
	report_eq(sum, 20000, "20000 times CPUID");
}

void guest_main(void)
{
	apic_enable();
	wrmsr(MSR_PAT, 0x0007040600070406);
	lengths();
	hlt_lengths();
	across_pages();
	stepping();
	step_mov_ss();
	step_rep();
	resume_flag();
	many();
}
