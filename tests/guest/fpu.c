// SPDX-License-Identifier: GPL-2.0-only
/*
 * x87, SSE and AVX state: it survives exits, sleep and interrupts; XCR0, XSETBV and their CPUID
 * bits.
 */
#include "guest.h"

#define XCR0_X87 BIT(0)
#define XCR0_SSE BIT(1)
#define XCR0_AVX BIT(2)

static u8 before[4096] __attribute__((aligned(64)));
static u8 after[4096] __attribute__((aligned(64)));

static u64 xgetbv(u32 index)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
	return low | (u64)high << 32;
}

static unsigned int xsetbv(u32 index, u64 value)
{
	return attempt("xsetbv",
		       :
		       : "c"(index), "a"((u32)value), "d"((u32)(value >> 32))
		       : "memory");
}

static void fxsave(u8 *to)
{
	asm volatile("fxsave64 (%0)" : : "r"(to) : "memory");
}

static void load_state(u8 seed)
{
	static u8 image[512] __attribute__((aligned(16)));

	asm volatile("fninit");
	fxsave(image);
	for (unsigned int i = 0; i < 8; i++)
		for (unsigned int j = 0; j < 10; j++)
			image[32 + i * 16 + j] = seed + i * 10 + j;
	for (unsigned int i = 0; i < 256; i++)
		image[160 + i] = seed * 3 + i;
	image[0] = 0x7e; /* another control word */
	image[4] = 0xff; /* all registers in use */
	image[24] = 0xc0; /* another MXCSR */
	image[25] = 0x3f;
	asm volatile("fxrstor64 (%0)" : : "r"(image) : "memory");
}

/* Compare without FIP, FDP and FOP, which the CPU leaves out or changes by itself. */
static bool same_state(void)
{
	memset(before + 6, 0, 18);
	memset(after + 6, 0, 18);
	return !memcmp(before, after, 416);
}

static void exits_in_kernel(void)
{
	for (int i = 0; i < 50; i++)
		cpuid(0, 0);
}

static void exits_to_user(void)
{
	for (int i = 0; i < 50; i++)
		in8(SERIAL_PORT + 7);
}

static void string_io(void)
{
	static u8 bytes[300];
	u64 rdi = (u64)bytes, rcx = sizeof(bytes);

	asm volatile("rep insb" : "+D"(rdi), "+c"(rcx) : "d"(SERIAL_PORT + 7) : "memory");
}

static void mmio(void)
{
	for (int i = 0; i < 50; i++)
		apic_read(APIC_ID);
}

static void sleep(void)
{
	unsigned int want = irq_count[0x40] + 1;

	apic_write(APIC_TIMER_INITIAL, 2000000);
	sleep_count(&irq_count[0x40], want);
}

static void spin(void)
{
	unsigned int want = irq_count[0x40] + 1;

	apic_write(APIC_TIMER_INITIAL, 2000000);
	sti();
	wait_count(&irq_count[0x40], want);
	cli();
}

static void fresh_memory(void)
{
	for (u64 at = 0x2000000; at < 0x2400000; at += 4096)
		*(live u64 *)at = at;
}

static const struct {
	void (*fn)(void);
	const char *name;
} events[] = {
	{ exits_in_kernel, "exits" },
	{ exits_to_user, "exits to userspace" },
	{ string_io, "string I/O" },
	{ mmio, "MMIO" },
	{ sleep, "HLT" },
	{ spin, "interrupts" },
	{ fresh_memory, "page faults of the host" },
};

static void legacy(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++) {
		load_state(0x11 * (i + 1));
		fxsave(before);
		events[i].fn();
		fxsave(after);
		report(same_state(), "x87 and SSE survive %s", events[i].name);
	}
	asm volatile("fninit");
}

static void load_avx(u8 seed)
{
	static u8 lanes[32];

	for (unsigned int i = 0; i < 32; i++)
		lanes[i] = seed + i;
	asm volatile("vmovdqu (%0), %%ymm0; vpermilps $0x1b, %%ymm0, %%ymm7\n\t"
		     "vpermilps $0x4e, %%ymm0, %%ymm15"
		     :
		     : "r"(lanes)
		     : "memory");
}

static void save_avx(u8 *to)
{
	asm volatile("vmovdqu %%ymm0, (%0); vmovdqu %%ymm7, 32(%0); vmovdqu %%ymm15, 64(%0)"
		     :
		     : "r"(to)
		     : "memory");
}

static void avx(void)
{
	u64 old = xgetbv(0);

	if (!(cpuid(1, 0).ecx & BIT(28)) || !(cpuid(0xd, 0).eax & XCR0_AVX)) {
		report_skip("no AVX", "AVX state");
		return;
	}
	report_eq(xsetbv(0, XCR0_X87 | XCR0_SSE | XCR0_AVX), NO_TRAP, "XSETBV: x87, SSE, AVX");
	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++) {
		load_avx(0x23 * (i + 1));
		save_avx(before);
		events[i].fn();
		save_avx(after);
		report(!memcmp(before, after, 96), "AVX survives %s", events[i].name);
	}
	asm volatile("vzeroall");
	xsetbv(0, old);
	report_eq(attempt("vxorps %%ymm0, %%ymm0, %%ymm0", :), VEC_UD, "AVX without XCR0: #UD");
}

static void refuse(u64 value, const char *what)
{
	u64 old = xgetbv(0);

	report_eq(xsetbv(0, value), VEC_GP, "XSETBV: %s: #GP", what);
	report_eq(xgetbv(0), old, "XSETBV: %s: nothing changed", what);
	xsetbv(0, old);
}

static void user_xsetbv(void *arg)
{
	(void)arg;
	asm volatile("xsetbv" : : "c"(0), "a"(3), "d"(0));
}

static void xcr0(void)
{
	u32 supported = cpuid(0xd, 0).eax;
	u64 old = xgetbv(0);

	report_eq(old, XCR0_X87, "XCR0 is 1 after reset");
	refuse(0, "no x87");
	refuse(XCR0_SSE, "SSE without x87");
	refuse(XCR0_X87 | XCR0_AVX, "AVX without SSE");
	refuse(XCR0_X87 | BIT(62), "bit 62");
	refuse(XCR0_X87 | BIT(63), "bit 63");
	for (unsigned int i = 2; i < 20; i++) {
		if (!(supported & BIT(i))) {
			refuse(old | BIT(i), "a component that CPUID has not");
			break;
		}
	}
	report_eq(xsetbv(1, XCR0_X87), VEC_GP, "XSETBV of XCR1: #GP");
	report_eq(user_run(user_xsetbv, NULL, 0), VEC_GP, "XSETBV in user mode: #GP");
	report_eq(xsetbv(0, XCR0_X87 | XCR0_SSE), NO_TRAP, "XSETBV: x87, SSE");
	report_known(xgetbv(0), XCR0_X87 | XCR0_SSE,
		     tcg_fault("QEMU's TCG does not intercept XSETBV"), "XGETBV reads it");
	xsetbv(0, old);
}

/*
 * Return true if XCR0 survives an exit. TCG does not intercept XSETBV, so there the guest's
 * value is lost.
 */
static bool xcr0_stays(void)
{
	u64 old = xgetbv(0);

	xsetbv(0, XCR0_X87 | XCR0_SSE);
	exits_in_kernel();
	exits_to_user();
	sleep();
	if (!report_known(xgetbv(0), XCR0_X87 | XCR0_SSE,
			  tcg_fault("QEMU's TCG does not intercept XSETBV"), "XCR0 survives exits"))
		return false;
	report_eq(cpuid(0xd, 0).ebx, 576, "leaf 0xd EBX follows XCR0");
	if (cpuid(0xd, 0).eax & XCR0_AVX) {
		xsetbv(0, 7);
		report_eq(cpuid(0xd, 0).ebx, 832, "leaf 0xd EBX follows XCR0 with AVX");
	}
	xsetbv(0, old);
	return true;
}

static void save_and_restore(void)
{
	u32 supported = cpuid(0xd, 0).eax;
	u32 want = supported & 7;

	xsetbv(0, want);
	load_state(0x42);
	memset(before, 0, sizeof(before));
	asm volatile("xsave64 (%0)" : : "r"(before), "a"(-1), "d"(-1) : "memory");
	exits_to_user();
	asm volatile("fninit; xorps %%xmm5, %%xmm5" :);
	asm volatile("xrstor64 (%0)" : : "r"(before), "a"(-1), "d"(-1) : "memory");
	fxsave(after);
	report(!memcmp(before + 160, after + 160, 256), "XSAVE, exits, XRSTOR");
	report_eq(*(u64 *)(before + 512) & ~want, 0, "XSTATE_BV is within XCR0");
	asm volatile("fninit");
	xsetbv(0, XCR0_X87 | XCR0_SSE);
}

void guest_main(void)
{
	u64 cr4 = read_cr4();

	apic_enable();
	trap_handler(0x40, irq_count_handler);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, 0x40);
	legacy();
	if (!has_xsave()) {
		report_skip("no XSAVE", "XSAVE");
		return;
	}
	report_eq(attempt("xgetbv",
			  :
			  : "c"(0)
			  : "rax", "rdx"),
		  VEC_UD, "XGETBV without CR4.OSXSAVE: #UD");
	report_eq(xsetbv(0, 1), VEC_UD, "XSETBV without CR4.OSXSAVE: #UD");
	write_cr4(cr4 | CR4_OSXSAVE);
	xcr0();
	if (xcr0_stays()) {
		avx();
		save_and_restore();
	} else {
		report_skip("XCR0 does not stay", "AVX and XSAVE");
	}
}
