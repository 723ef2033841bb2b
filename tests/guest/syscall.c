// SPDX-License-Identifier: GPL-2.0-only
/*
 * User mode: SYSCALL, SYSRET, SYSENTER, SWAPGS, descriptor tables and privileged
 * instructions; 64-bit and compatibility mode.
 */
#include "guest.h"
#include "syscall.h"

static void system_calls(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	/* SYSRET: SS is 0x20 + 8 with RPL 3, CS is 0x20 + 16 with RPL 3. */
	wrmsr(MSR_STAR, (u64)SEL_CODE64 << 32 | 0x20ULL << 48);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_SFMASK, RFLAGS_CF | RFLAGS_IF | RFLAGS_TF);
	report_eq(user_run(syscall_user, NULL, RFLAGS_IF), 0x80, "SYSCALL and SYSRET");
	report_eq(syscall_calls, 3, "three times");
	report_eq(syscall_rcx >= (u64)syscall_behind, true, "RCX is the return address");
	report_eq(syscall_cs, SEL_CODE64, "CS in the kernel");
	report_eq(syscall_ss, SEL_DATA, "SS in the kernel");
	report(syscall_r11 & RFLAGS_IF, "R11 has the user's flags");
	report_eq(syscall_flags & (RFLAGS_CF | RFLAGS_IF), 0, "SFMASK clears flags");
	report_eq(syscall_back_cs, SEL_USER_CODE64, "CS after SYSRET");
	report_eq(syscall_back_ss, SEL_USER_DATA, "SS after SYSRET");
	report_eq(syscall_back_flags & (RFLAGS_CF | RFLAGS_IF), RFLAGS_CF | RFLAGS_IF,
		  "flags after SYSRET");
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SCE);
	report_eq(user_run(syscall_user, NULL, 0), VEC_UD, "SYSCALL without EFER.SCE: #UD");
}

/* AMD CPUs have SYSENTER in legacy mode only (APM 3, SYSENTER). */
static void sysenter(void)
{
	static u8 stack[256];

	wrmsr(MSR_SYSENTER_CS, SEL_CODE64);
	wrmsr(MSR_SYSENTER_ESP, (u64)stack + sizeof(stack));
	wrmsr(MSR_SYSENTER_EIP, (u64)sysenter_entry);
	if (vendor_is_amd()) {
		report_known(user_run(sysenter_user, NULL, 0), VEC_UD,
			     bochs_svm_fault("Bochs' AMD CPUs run it"),
			     "AMD: SYSENTER in long mode: #UD");
		return;
	}
	report_eq(user_run(sysenter_user, NULL, 0), 0x80, "SYSENTER and SYSEXIT");
	report_eq(sysenter_calls, 1, "once");
	wrmsr(MSR_SYSENTER_CS, 0);
	report_eq(user_run(sysenter_user, NULL, 0), VEC_GP, "SYSENTER with CS 0: #GP");
}

static void swapgs(void)
{
	u64 a = 0xffff800012345000, b = 0x123456000;

	wrmsr(MSR_GS_BASE, a);
	wrmsr(MSR_KERNEL_GS_BASE, b);
	asm volatile("swapgs" : : : "memory");
	report(rdmsr(MSR_GS_BASE) == b && rdmsr(MSR_KERNEL_GS_BASE) == a, "SWAPGS");
	cpuid(0, 0);
	in8(SERIAL_PORT + 7);
	asm volatile("swapgs" : : : "memory");
	report(rdmsr(MSR_GS_BASE) == a && rdmsr(MSR_KERNEL_GS_BASE) == b, "and back, after exits");
	wrmsr(MSR_GS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}

static void user_swapgs(void *arg)
{
	(void)arg;
	asm volatile("swapgs");
}

static void user_lgdt(void *arg)
{
	asm volatile("lgdt (%0)" : : "r"(arg));
}

static void user_cli(void *arg)
{
	(void)arg;
	asm volatile("cli");
}

static void user_invlpg(void *arg)
{
	asm volatile("invlpg (%0)" : : "r"(arg));
}

static void user_wbinvd(void *arg)
{
	(void)arg;
	asm volatile("wbinvd");
}

static void user_ltr(void *arg)
{
	(void)arg;
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
}

static void user_iret(void *arg)
{
	(void)arg;
	asm volatile("push $0x10; push $0; pushf; push $0x08; push $0; iretq");
}

static void user_cpuid(void *arg)
{
	*(live u32 *)arg = cpuid(0, 0).ebx;
}

static void user_popf(void *arg)
{
	u64 flags;

	asm volatile("pushf; orl $0x3200, (%%rsp); popf; pushf; pop %0" : "=r"(flags));
	*(live u64 *)arg = flags;
}

static void privileged(void)
{
	live u64 flags = 0;
	live u32 ebx = 0;
	static const struct {
		void (*fn)(void *arg);
		const char *name;
	} cases[] = {
		{ user_swapgs, "SWAPGS" }, { user_lgdt, "LGDT" },     { user_cli, "CLI" },
		{ user_invlpg, "INVLPG" }, { user_wbinvd, "WBINVD" }, { user_ltr, "LTR" },
	};
	static u8 operand[16];

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		report_eq(user_run(cases[i].fn, operand, 0), VEC_GP, "user mode: %s: #GP",
			  cases[i].name);
	report_eq(user_run(user_iret, NULL, 0), VEC_GP, "user mode: IRET to the kernel: #GP");
	report_eq(user_run(user_cpuid, (void *)&ebx, 0), 0x80, "user mode: CPUID");
	report_eq(ebx, cpuid(0, 0).ebx, "and it says the same");
	report_eq(user_run(user_popf, (void *)&flags, 0), 0x80, "user mode: POPF");
	report_eq(flags & 0x3200, 0, "POPF changes neither IF nor IOPL");
}

static void test_compatibility(void)
{
	static u8 stack[4096] __attribute__((aligned(16)));
	unsigned int got;

	got = user_call(compat_code, NULL, (u64)stack + sizeof(stack), 2, SEL_USER_CODE32);
	report_eq(got, 0x80, "compatibility mode");
	report_eq(compat_result, 0x10, "32-bit arithmetic");
	report_eq(compat_vendor, cpuid(0, 0).ebx, "CPUID in compatibility mode");
	report_eq(trap.regs.rcx, 0x12345678, "a 32-bit stack");
	report_eq(trap.regs.cs, SEL_USER_CODE32, "CS of compatibility mode");
	asm volatile("mov %0, %%ds; mov %0, %%es" : : "r"(SEL_DATA));
}

static void tables(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) gdtr, idtr, again;
	u16 tr, ldt;

	asm volatile("sgdt %0" : "=m"(gdtr));
	asm volatile("sidt %0" : "=m"(idtr));
	report_eq(gdtr.base, (u64)gdt, "GDT base");
	report_eq(idtr.base, (u64)idt, "IDT base");
	report_eq(idtr.limit, 4095, "IDT limit");
	cpuid(0, 0);
	in8(SERIAL_PORT + 7);
	asm volatile("sgdt %0" : "=m"(again));
	report(again.base == gdtr.base && again.limit == gdtr.limit, "GDTR survives exits");
	asm volatile("sidt %0" : "=m"(again));
	report(again.base == idtr.base && again.limit == idtr.limit, "IDTR survives exits");
	asm volatile("str %0; sldt %1" : "=r"(tr), "=r"(ldt));
	report_eq(tr, SEL_TSS, "TR survives exits");
	report_eq(ldt, 0, "LDTR is null");
	/* Selectors and hidden bases of FS and GS. */
	asm volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(SEL_USER_DATA));
	in8(SERIAL_PORT + 7);
	asm volatile("mov %%fs, %0; mov %%gs, %1" : "=r"(tr), "=r"(ldt));
	report(tr == SEL_USER_DATA && ldt == SEL_USER_DATA, "FS and GS survive exits");
	asm volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(0));
}

void guest_main(void)
{
	apic_enable();
	system_calls();
	sysenter();
	swapgs();
	privileged();
	test_compatibility();
	tables();
}
