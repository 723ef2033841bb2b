// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real mode: segments, the interrupt table, exceptions, big real mode, and the
 * way between real, protected and long mode.
 */
#include "guest.h"
#include "realmode.h"

#define VECTOR_NONE 0xffff

static void set_vector(unsigned int vector, u64 linear)
{
	((live u32 *)OPAQUE(0UL))[vector] = linear;
}

static void one_exception(void (*fn)(void), u16 vector, const char *what)
{
	u16 got = real_call(fn);

	report_eq(got, vector, "%s", what);
	if (vector != VECTOR_NONE && got == vector)
		report(rm_ip == rm_expected_ip && rm_cs == 0, "%s: the address pushed", what);
}

static void exceptions(void)
{
	for (unsigned int i = 0; i < 32; i++)
		set_vector(i, (u64)rm_stubs + i * 8);
	one_exception(rm_divide, VEC_DE, "DIV by zero");
	one_exception(rm_undefined, VEC_UD, "UD2");
	one_exception(rm_breakpoint, VEC_BP, "INT3");
	one_exception(rm_overflow, VEC_OF, "INTO");
	one_exception(rm_bound, VEC_BR, "BOUND outside");
	one_exception(rm_bound_inside, VECTOR_NONE, "BOUND inside");
	one_exception(rm_lock, VEC_UD, "LOCK NOP");
	one_exception(rm_long, VEC_GP, "16 bytes of instruction");
	one_exception(rm_ltr, VEC_UD, "LTR in real mode");
	one_exception(rm_int, 0x1f, "INT 0x1f");
	report(rm_flags & RFLAGS_IF && !(rm_flags_in & (RFLAGS_IF | RFLAGS_TF)),
	       "INT pushes IF and clears it");
	one_exception(rm_single_step, VEC_DB, "single step");
}

/* QEMU, target/i386/TODO: segment limits are not checked. */
static void test_limits(void)
{
	const char *excuse = tcg_fault("QEMU's TCG checks no segment limits");

	report_known(real_call(rm_data_limit), VEC_GP, excuse, "word at 0xffff of DS");
	report_known(real_call(rm_data_limit32), VEC_GP, excuse, "byte at 0x10000 of DS");
	report_known(real_call(rm_stack_limit), VEC_SS, excuse, "word at 0xffff of SS");
}

static void test_segments(void)
{
	report_eq(real_call(rm_alias), 0xbeef, "segments overlap");
	report_eq(*(live u16 *)0x10010, 0xbeef, "what real mode wrote is at segment * 16");
	report_eq(real_call(rm_above), *(live u16 *)0x100000, "FFFF:0010 is 1 MiB");
	report_eq(real_call(rm_far_call), 0x0800, "far call and return");
	report_eq(real_call(rm_push_sp), 0, "PUSH SP");
	report_eq(real_call(rm_stack_wrap), 0xfffe, "SP wraps");
	report_eq(*(live u16 *)0x6fffe, 0x5678, "PUSH at the top of a segment");
	report_eq(real_call(rm_wide), 0x1234 ^ 0x5678, "32-bit operands and addresses");
}

static void test_big(void)
{
	live u32 *p = (u32 *)0x1230000;

	*p = 0x55aa1234;
	rm_big_address = (u64)p;
	report_eq(real_call(rm_big), 0x1234, "big real mode reads above 1 MiB");
	report_eq(*p, ~0x55aa1234U, "big real mode writes above 1 MiB");
}

static void intercepted(void)
{
	struct cpuid r = cpuid(0, 0);
	u32 mixed = r.ebx ^ r.ecx ^ r.edx;

	report_eq(real_call(rm_cpuid), (mixed ^ mixed >> 16) & 0xffff, "CPUID in real mode");
	wrmsr(MSR_PAT, 0x0007040600070406);
	report_eq(real_call(rm_rdmsr), 0x0406, "RDMSR in real mode");
	report_eq(real_call(rm_pio), 0xa55a, "IN and OUT in real mode");
	report_eq(real_call(rm_rep_insb), 0x005a, "REP INSB to the end of a segment");
	report_eq(*(live u8 *)0x7fff0, 0x5a, "REP INSB filled from the start");
}

static void interrupts(void)
{
	apic_enable();
	apic_write(APIC_LVT_LINT0, APIC_ICR_EXTINT);
	pic_init(8);
	set_vector(8, (u64)rm_irq0);
	pit_set(0, 2, 11932);
	pic_mask(0xfffe);
	/* One STI may let in both a late tick and the next one. */
	report(real_call(rm_hlt) >= 3, "the PIT wakes HLT in real mode");
	pic_init(0x20);
	report_eq(real_call(rm_lidt), 0x4321, "LIDT moves the interrupt table");
}

static void modes(void)
{
	u64 efer = rdmsr(MSR_EFER), cr0 = read_cr0();
	u32 sum = 0;

	report_eq(real_call(rm_toggle), 1000, "1000 times to protected mode and back");
	for (u32 i = 0; i < 50; i++)
		sum += protected_call(pm_add, i) == i + 0x11111111 && real_call(rm_push_sp) == 0;
	report_eq(sum, 50, "50 times long, protected, long, real, long");
	report_eq(rdmsr(MSR_EFER), efer, "EFER as before");
	report_eq(read_cr0(), cr0, "CR0 as before");
	report_eq(protected_call(pm_cpuid, 0), cpuid(0, 0).ebx, "CPUID in protected mode");
	report_eq(protected_call(pm_pio, 0x96), 0x96, "IN and OUT in protected mode");
	report_eq(protected_call(pm_registers, 0) & (CR0_PG | CR0_PE), CR0_PE,
		  "CR0 in protected mode");
	pic_mask(0xffff);
}

void guest_main(void)
{
	real_install();
	test_segments();
	exceptions();
	test_limits();
	test_big();
	intercepted();
	interrupts();
	modes();
}
