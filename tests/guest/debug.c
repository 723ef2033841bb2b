// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers: breakpoints on execution, data and ports, DR6 and DR7, the
 * general-detect bit, and values that survive exits.
 */
#include "guest.h"

#define DR6_CLEAR 0xffff0ff0
#define DR7_CLEAR 0x400
#define EXECUTE 0
#define WRITE 1
#define PORT 2
#define ACCESS 3

static live unsigned int hits;
static live u64 hit_rip, hit_dr6;

static void hit(struct regs *regs)
{
	hits++;
	hit_rip = regs->rip;
	hit_dr6 = read_dr6();
	write_dr6(DR6_CLEAR);
	regs->rflags |= RFLAGS_RF;
}

static void set(unsigned int n, u64 address, unsigned int type, unsigned int length)
{
	u64 dr7 = DR7_CLEAR | 2ULL << n * 2 | (u64)(type | length << 2) << (16 + n * 4);

	hits = 0;
	switch (n) {
	case 0:
		write_dr0(address);
		break;
	case 1:
		write_dr1(address);
		break;
	case 2:
		write_dr2(address);
		break;
	default:
		write_dr3(address);
	}
	write_dr7(dr7);
}

static void off(void)
{
	write_dr7(DR7_CLEAR);
}

static void registers(void)
{
	write_dr0(0x1111222233334444);
	write_dr1(0x2222333344445555);
	write_dr2(0x3333444455556666);
	write_dr3(0x4444555566667777);
	cpuid(0, 0);
	in8(SERIAL_PORT + 7);
	report_eq(read_dr0(), 0x1111222233334444, "DR0 survives exits");
	report_eq(read_dr1(), 0x2222333344445555, "DR1 survives exits");
	report_eq(read_dr2(), 0x3333444455556666, "DR2 survives exits");
	report_eq(read_dr3(), 0x4444555566667777, "DR3 survives exits");
	write_dr7(0x1234ULL << 16 | DR7_CLEAR);
	cpuid(0, 0);
	in8(SERIAL_PORT + 7);
	report_eq(read_dr7(), 0x1234ULL << 16 | DR7_CLEAR, "DR7 survives exits");
	off();
	report_eq(read_dr7(), DR7_CLEAR, "DR7: bit 10 is one");
	write_dr6(DR6_CLEAR | 0xf);
	cpuid(0, 0);
	in8(SERIAL_PORT + 7);
	report_eq(read_dr6() & 0xe00f, 0xf, "DR6 survives exits");
	write_dr6(DR6_CLEAR);
	report_eq(read_dr6() & 0xffffe00f, 0xffff0000, "DR6: bits 31:16 are ones");
}

static void refused(void)
{
	report_known(write_dr6_safe(BIT(32)), VEC_GP, tcg_fault("QEMU's TCG ignores DR6[63:32]"),
		     "DR6, bit 32: #GP");
	report_known(write_dr7_safe(DR7_CLEAR | BIT(32)), VEC_GP,
		     tcg_fault("QEMU's TCG ignores DR7[63:32]"), "DR7, bit 32: #GP");
	off();
	write_cr4(read_cr4() | CR4_DE);
	report_eq(attempt("mov %%dr4, %%rax", : : : "rax"), VEC_UD, "DR4 with CR4.DE: #UD");
	report_eq(attempt("mov %%rax, %%dr5", : : "a"(DR7_CLEAR)), VEC_UD, "DR5 with CR4.DE: #UD");
	write_cr4(read_cr4() & ~CR4_DE);
	report_eq(attempt("mov %%dr4, %%rax", : : : "rax"), NO_TRAP, "DR4 without CR4.DE");
}

/* The code to stop at. */
static void __attribute__((noinline)) stop_here(void)
{
	asm volatile("nop");
}

static const char *lost_dr6(void)
{
	return bochs_svm_fault("Bochs' SVM loses what a #DB sets in DR6");
}

static void code(void)
{
	trap_handler(VEC_DB, hit);
	for (unsigned int n = 0; n < 4; n++) {
		set(n, (u64)stop_here, EXECUTE, 0);
		stop_here();
		off();
		report(hits == 1 && hit_rip == (u64)stop_here,
		       "DR%u: execution, before the instruction", n);
		report_known(hit_dr6 & BIT(n), BIT(n), lost_dr6(), "DR%u: DR6", n);
		stop_here();
		report_eq(hits, 1, "DR%u: off", n);
	}
}

static void data(void)
{
	static live u64 words[4] __attribute__((aligned(32)));
	u64 after;

	for (unsigned int n = 0; n < 4; n++) {
		set(n, (u64)&words[1], WRITE, 2);
		asm volatile("mov (%1), %%rax; mov %%rax, (%1); 1: lea 1b(%%rip), %0"
			     : "=&r"(after)
			     : "r"(&words[1])
			     : "rax", "memory");
		off();
		report(hits == 1 && hit_rip == after, "DR%u: write, behind the instruction", n);
		report_known(hit_dr6 & BIT(n), BIT(n), lost_dr6(), "DR%u: DR6", n);
		set(n, (u64)&words[1], ACCESS, 3);
		asm volatile("mov (%0), %%al" : : "r"(&words[1]) : "rax", "memory");
		asm volatile("mov (%0), %%rax" : : "r"(&words[2]) : "rax", "memory");
		off();
		report_eq(hits, 1, "DR%u: access to the word, not to the next", n);
	}
}

static void ports(void)
{
	u64 after;

	write_cr4(read_cr4() | CR4_DE);
	set(1, SERIAL_PORT + 7, PORT, 0);
	asm volatile("inb %%dx, %%al; 1: lea 1b(%%rip), %0"
		     : "=&r"(after)
		     : "d"(SERIAL_PORT + 7)
		     : "rax");
	off();
	write_cr4(read_cr4() & ~CR4_DE);
	if (hits)
		report(hits == 1 && hit_rip == after && (hit_dr6 & 0xf) == 2, "I/O breakpoint");
	else
		report_skip(host_is_tcg() ? "QEMU's TCG loses it when the IN is intercepted" :
					    "KVM's and Oriel's IN has none",
			    "I/O breakpoint");
}

/* DR7.GD: the next MOV DR faults, and the bit is cleared for the handler. */
static live u64 gd_dr7;

static void general_detect(struct regs *regs)
{
	hits++;
	gd_dr7 = read_dr7();
	hit_dr6 = read_dr6();
	write_dr6(DR6_CLEAR);
	hit_rip = regs->rip;
}

static void detect(void)
{
	u64 at;

	trap_handler(VEC_DB, general_detect);
	hits = 0;
	write_dr7(DR7_CLEAR | BIT(13));
	asm volatile("1: mov %%dr0, %%rax; lea 1b(%%rip), %0" : "=r"(at) : : "rax");
	report_known(hits, 1, tcg_fault("QEMU's TCG has no DR7.GD"), "GD: #DB");
	if (hits) {
		report_eq(hit_rip, at, "GD: before the instruction");
		report_known(hit_dr6 & BIT(13), BIT(13), lost_dr6(), "GD: DR6.BD");
		report(!(gd_dr7 & BIT(13)), "GD: is off in the handler");
	}
	trap_handler(VEC_DB, NULL);
	off();
}

static void user_code(void *arg)
{
	*(live u64 *)arg = 1;
}

static void user_dr7(void *arg)
{
	(void)arg;
	read_dr7();
}

static void user_mode(void)
{
	static u64 word;

	trap_handler(VEC_DB, hit);
	set(2, (u64)&word, WRITE, 2);
	report_eq(user_run(user_code, &word, 0), 0x80, "user mode runs on after a breakpoint");
	off();
	report_eq(hits, 1, "a breakpoint in user mode");
	report_eq(user_run(user_dr7, NULL, 0), VEC_GP, "user mode: MOV from DR7: #GP");
	trap_handler(VEC_DB, NULL);
}

static live u64 string_rcx;

static void hit_string(struct regs *regs)
{
	string_rcx = regs->rcx;
	hit(regs);
}

static void mmio_data(void)
{
	u64 after;

	trap_handler(VEC_DB, hit);
	set(0, LAPIC_BASE + APIC_TPR, WRITE, 3);
	asm volatile("movl $0, (%1); 1: lea 1b(%%rip), %0"
		     : "=&r"(after)
		     : "r"(LAPIC_BASE + APIC_TPR)
		     : "memory");
	off();
	if (report_known(hits, 1, kvm_fault("KVM's emulated store has no data breakpoints"),
			 "a data breakpoint on MMIO")) {
		report_eq(hit_rip, after, "behind the instruction");
		report_known(hit_dr6 & 0xf, 1, lost_dr6(), "its DR6");
	}
	set(0, LAPIC_BASE + APIC_TPR, WRITE, 3);
	asm volatile("movl (%0), %%eax" : : "r"(LAPIC_BASE + APIC_TPR) : "rax", "memory");
	asm volatile("movl $0, (%0)" : : "r"(LAPIC_BASE + APIC_TPR + 16) : "memory");
	off();
	report_eq(hits, 0, "a read, and a write of the next register, do not meet it");
	trap_handler(VEC_DB, NULL);
}

/* A string stops behind the element that has the breakpoint, and goes on. */
static void mmio_string(void)
{
	u64 start = LAPIC_BASE + APIC_ID, rsi = start, rcx = 4, seen;
	u32 words[4];
	void *rdi = words;

	trap_handler(VEC_DB, hit_string);
	set(1, start + 4, ACCESS, 3);
	asm volatile("rep movsl" : "+S"(rsi), "+D"(rdi), "+c"(rcx) : : "memory");
	seen = string_rcx;
	off();
	if (report_known(hits, 1, kvm_fault("KVM's emulated load has no data breakpoints"),
			 "a data breakpoint on MMIO in a string"))
		report_eq(seen, 2, "RCX behind the element that has it");
	report(!rcx && rsi == start + 16, "the string is done");
	trap_handler(VEC_DB, NULL);
}

static void after_exits(void)
{
	static live u64 word;

	trap_handler(VEC_DB, hit);
	set(3, (u64)&word, WRITE, 2);
	for (int i = 0; i < 100; i++) {
		in8(SERIAL_PORT + 7);
		word = i;
		cpuid(0, 0);
	}
	off();
	report_eq(hits, 100, "100 hits among exits");
	trap_handler(VEC_DB, NULL);
}

void guest_main(void)
{
	apic_enable();
	registers();
	refused();
	code();
	data();
	ports();
	detect();
	user_mode();
	mmio_data();
	mmio_string();
	after_exits();
}
