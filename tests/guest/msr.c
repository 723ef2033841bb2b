// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs: values that stay across exits of every kind, and values that are refused with #GP and
 * change nothing.
 */
#include "guest.h"

#define NON_CANONICAL 0x0123456789abcdefULL
#define CANONICAL 0xffff8123456789abULL

static const struct {
	u32 msr;
	u64 value;
	const char *name;
} kept[] = {
	{ MSR_STAR, 0x0013000812345678, "STAR" },
	{ MSR_LSTAR, CANONICAL, "LSTAR" },
	{ MSR_SFMASK, 0x00000000000477d5, "SFMASK" },
	{ MSR_FS_BASE, CANONICAL + 1, "FS_BASE" },
	{ MSR_GS_BASE, CANONICAL + 2, "GS_BASE" },
	{ MSR_KERNEL_GS_BASE, CANONICAL + 3, "KERNEL_GS_BASE" },
	{ MSR_SYSENTER_CS, 0x1234, "SYSENTER_CS" },
	{ MSR_SYSENTER_ESP, 0x45678900, "SYSENTER_ESP" },
	{ MSR_SYSENTER_EIP, 0x45678911, "SYSENTER_EIP" },
	{ MSR_PAT, 0x0007040600010506, "PAT" },
};

static void each_kept(const char *when)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(kept); i++)
		report_eq(rdmsr(kept[i].msr), kept[i].value, "%s %s", kept[i].name, when);
}

/* Values that the host restores late, or not at all while a vCPU runs, must not show. */
static void values_stay(void)
{
	u64 old[ARRAY_SIZE(kept)];

	for (unsigned int i = 0; i < ARRAY_SIZE(kept); i++) {
		old[i] = rdmsr(kept[i].msr);
		wrmsr(kept[i].msr, kept[i].value);
	}
	each_kept("reads back");

	cpuid(0, 0);
	for (int i = 0; i < 20; i++)
		out8(SERIAL_PORT + 7, i);
	apic_enable();
	trap_handler(0x50, irq_count_handler);
	apic_write(APIC_LVT_TIMER, 0x50);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_TIMER_INITIAL, 3000000);
	sleep_count(&irq_count[0x50], 1);
	each_kept("after exits, and after the vCPU slept");

	for (unsigned int i = 0; i < ARRAY_SIZE(kept); i++)
		wrmsr(kept[i].msr, old[i]);
}

static void upper_halves(void)
{
	u64 rax, rdx;

	asm volatile("mov $-1, %%rax; mov $-1, %%rdx; rdmsr"
		     : "=&a"(rax), "=&d"(rdx)
		     : "c"(MSR_PAT)
		     : "memory");
	report(rax >> 32 == 0 && rdx >> 32 == 0, "RDMSR clears the upper halves of RAX and RDX");
	asm volatile("mov $-1, %%rax; mov $-1, %%rdx; mov $0x277, %%eax; mov $0, %%edx; rdtsc"
		     : "=&a"(rax), "=&d"(rdx));
	report(rax >> 32 == 0 && rdx >> 32 == 0, "RDTSC clears the upper halves of RAX and RDX");
}

static void unknown(void)
{
	static const u32 numbers[] = { 0x2,	   0xdead0000, 0x40001234,
				       0xc0001234, 0xc001ffff, 0xffffffff };
	u64 value;

	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		report_eq(rdmsr_safe(numbers[i], &value), VEC_GP, "RDMSR 0x%x: #GP", numbers[i]);
		report_eq(trap.error, 0, "RDMSR 0x%x: error code", numbers[i]);
		report_eq(wrmsr_safe(numbers[i], 0), VEC_GP, "WRMSR 0x%x: #GP", numbers[i]);
	}
}

/* RFLAGS of a fault have RF set, also if the hypervisor raises it (SDM 3B 18.3.1.1). */
static void resume_flag(void)
{
	u64 value;

	rdmsr_safe(0xdead0000, &value);
	report(trap.regs.rflags & RFLAGS_RF, "RF is set in the RFLAGS that #GP pushes");
}

static void user_access(void *write)
{
	if (write)
		asm volatile("wrmsr" : : "c"(MSR_PAT), "a"(0), "d"(0));
	else
		asm volatile("rdmsr" : : "c"(MSR_PAT) : "rax", "rdx");
}

static void privilege(void)
{
	u64 pat = rdmsr(MSR_PAT);

	report_eq(user_run(user_access, NULL, 0), VEC_GP, "RDMSR in user mode: #GP");
	report_eq(user_run(user_access, (void *)1, 0), VEC_GP, "WRMSR in user mode: #GP");
	report_eq(rdmsr(MSR_PAT), pat, "WRMSR in user mode changes nothing");
}

static void refuse(u32 msr, u64 value, const char *what)
{
	u64 before = rdmsr(msr);

	report_eq(wrmsr_safe(msr, value), VEC_GP, "%s: #GP", what);
	report_eq(rdmsr(msr), before, "%s: nothing changed", what);
	if (rdmsr(msr) != before)
		wrmsr(msr, before);
}

static void efer(void)
{
	u64 old = rdmsr(MSR_EFER);

	report((old & (EFER_LME | EFER_LMA)) == (EFER_LME | EFER_LMA), "EFER has LME and LMA");
	wrmsr(MSR_EFER, old | EFER_SCE);
	report_eq(rdmsr(MSR_EFER), old | EFER_SCE, "EFER.SCE can be set");
	wrmsr(MSR_EFER, old & ~EFER_SCE);
	report_eq(rdmsr(MSR_EFER), old & ~EFER_SCE, "EFER.SCE can be cleared");
	wrmsr(MSR_EFER, old);
	refuse(MSR_EFER, old & ~EFER_LME, "EFER.LME off with paging on");
	refuse(MSR_EFER, old | BIT(1), "EFER bit 1");
	refuse(MSR_EFER, old | BIT(9), "EFER bit 9");
	refuse(MSR_EFER, old | BIT(63), "EFER bit 63");
	if (cpuid(0x80000001, 0).ecx & BIT(2))
		report_skip("the guest has SVM", "EFER.SVME without SVM");
	else
		refuse(MSR_EFER, old | EFER_SVME, "EFER.SVME without SVM");
}

static void pat(void)
{
	for (u64 type = 0; type < 9; type++) {
		u64 value = 0x0007040600070400 | type;

		if (type == 2 || type == 3 || type == 8) {
			refuse(MSR_PAT, value, "PAT with a reserved memory type");
			continue;
		}
		wrmsr(MSR_PAT, value);
		report_eq(rdmsr(MSR_PAT), value, "PAT with memory type %lu", type);
	}
	wrmsr(MSR_PAT, 0x0007040600070406);
	refuse(MSR_PAT, 0x0207040600070406, "PAT with a reserved memory type on top");
}

static void test_bases(void)
{
	static const u32 numbers[] = { MSR_LSTAR, MSR_CSTAR, MSR_FS_BASE, MSR_GS_BASE,
				       MSR_KERNEL_GS_BASE };

	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
		u64 old = rdmsr(numbers[i]);

		report_known(wrmsr_safe(numbers[i], NON_CANONICAL), VEC_GP,
			     tcg_fault("QEMU's TCG takes non-canonical bases"),
			     "MSR 0x%x, non-canonical: #GP", numbers[i]);
		wrmsr(numbers[i], old);
	}
}

static void fs_base_is_used(void)
{
	u64 word = 0x1122334455667788, value;

	wrmsr(MSR_FS_BASE, (u64)&word - 64);
	cpuid(0, 0);
	asm volatile("mov %%fs:64, %0" : "=r"(value) : "m"(word));
	report_eq(value, word, "FS_BASE is where FS: points");
	wrmsr(MSR_GS_BASE, (u64)&word - 32);
	in8(PIC1 + 1);
	asm volatile("mov %%gs:32, %0" : "=r"(value) : "m"(word));
	report_eq(value, word, "GS_BASE is where GS: points");
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_GS_BASE, 0);
}

static void apic_base(void)
{
	u64 old = rdmsr(MSR_APIC_BASE);

	report_eq(old & (PTE_ADDRESS | APIC_BASE_ENABLE | APIC_BASE_BSP),
		  LAPIC_BASE | APIC_BASE_ENABLE | APIC_BASE_BSP,
		  "APIC_BASE: enabled, boot CPU, 0xfee00000");
	refuse(MSR_APIC_BASE, old | BIT(0), "APIC_BASE bit 0");
	refuse(MSR_APIC_BASE, old | BIT(physical_bits()), "APIC_BASE past the physical address");
	refuse(MSR_APIC_BASE, (old & ~APIC_BASE_ENABLE) | APIC_BASE_EXTD, "x2APIC without enable");
	if (!has_x2apic()) {
		refuse(MSR_APIC_BASE, old | APIC_BASE_EXTD, "x2APIC without CPUID");
		return;
	}
	x2apic_enable();
	refuse(MSR_APIC_BASE, old, "x2APIC straight to xAPIC");
	wrmsr(MSR_APIC_BASE, old & ~APIC_BASE_ENABLE);
	refuse(MSR_APIC_BASE, old | APIC_BASE_EXTD, "off straight to x2APIC");
	wrmsr(MSR_APIC_BASE, old);
	report_eq(rdmsr(MSR_APIC_BASE), old, "x2APIC to off to xAPIC");
	xapic_enable();
}

static void tsc_adjust(void)
{
	const u64 step = 1ULL << 44;
	u64 before, after, adjust;

	if (!(cpuid7_ebx() & BIT(1))) {
		report_skip("no TSC_ADJUST", "TSC_ADJUST");
		return;
	}
	adjust = rdmsr(MSR_TSC_ADJUST);
	before = read_tsc();
	wrmsr(MSR_TSC_ADJUST, adjust + step);
	after = read_tsc();
	report(after - before >= step && after - before < 2 * step, "TSC_ADJUST moves the TSC");
	report_eq(rdmsr(MSR_TSC_ADJUST), adjust + step, "TSC_ADJUST reads back");
	wrmsr(MSR_TSC_ADJUST, adjust);
	after = read_tsc();
	report(after - before < step, "TSC_ADJUST moves it back");

	wrmsr(MSR_TSC, read_tsc() + step);
	after = read_tsc();
	report(after - before >= step && after - before < 2 * step, "WRMSR TSC moves the TSC");
	adjust = rdmsr(MSR_TSC_ADJUST) - adjust;
	report(adjust > step / 2 && adjust < step * 2,
	       "WRMSR TSC shows in TSC_ADJUST (SDM 3B 18.17.3)");
	report(rdmsr(MSR_TSC) - after < step, "RDMSR TSC and RDTSC agree");
}

static void mtrr(void)
{
	u64 caps, old;

	if (!(cpuid(1, 0).edx & BIT(12))) {
		report_skip("no MTRR", "MTRRs");
		return;
	}
	caps = rdmsr(0xfe);
	report_eq(wrmsr_safe(0xfe, caps), VEC_GP, "MTRRCAP is read-only");
	report(rdmsr(0xfe) == caps, "MTRRCAP is as before");
	old = rdmsr(0x2ff);
	wrmsr(0x2ff, 0xc06);
	report_eq(rdmsr(0x2ff), 0xc06, "MTRR_DEF_TYPE reads back");
	refuse(0x2ff, 0xc02, "MTRR_DEF_TYPE with a reserved type");
	refuse(0x2ff, 0x1c06, "MTRR_DEF_TYPE with a reserved bit");
	wrmsr(0x2ff, old);
	if (caps & 0xff) {
		wrmsr(0x200, 0xc0000000);
		wrmsr(0x201, 0xffc0000000 | 0x800);
		report_eq(rdmsr(0x200), 0xc0000000, "MTRR_PHYSBASE0 reads back");
		report_eq(rdmsr(0x201), 0xffc0000800, "MTRR_PHYSMASK0 reads back");
		refuse(0x200, 0xc0000007, "MTRR_PHYSBASE0 with a reserved type");
		wrmsr(0x201, 0);
		wrmsr(0x200, 0);
	}
	if (caps & BIT(8)) {
		wrmsr(0x250, 0x0606060606060606);
		report_eq(rdmsr(0x250), 0x0606060606060606, "MTRR_FIX64K reads back");
		refuse(0x250, 0x0606060606060602, "MTRR_FIX64K with a reserved type");
	}
}

static void tsc_aux(void)
{
	u32 low, high, aux;

	if (!(cpuid(0x80000001, 0).edx & BIT(27))) {
		report_skip("no RDTSCP", "TSC_AUX");
		return;
	}
	wrmsr(MSR_TSC_AUX, 0x1234567);
	cpuid(0, 0);
	in8(SERIAL_PORT + 7);
	asm volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
	report_eq(aux, 0x1234567, "RDTSCP gives TSC_AUX");
	report_eq(rdmsr(MSR_TSC_AUX), 0x1234567, "TSC_AUX reads back");
	wrmsr(MSR_TSC_AUX, 0);
}

void guest_main(void)
{
	values_stay();
	upper_halves();
	unknown();
	resume_flag();
	privilege();
	efer();
	pat();
	test_bases();
	fs_base_is_used();
	apic_base();
	mtrr();
	tsc_aux();
	tsc_adjust();
}
