// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID: leaves that must agree with each other, the hypervisor's leaves, and
 * the bits that follow CR4 and APIC_BASE.
 */
#include "guest.h"

static bool same(struct cpuid a, struct cpuid b)
{
	return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx;
}

static void vendor_and_ranges(void)
{
	struct cpuid zero = cpuid(0, 0);
	struct cpuid extended = cpuid(0x80000000, 0);

	report(zero.eax >= 1 && zero.eax < 0x100, "highest basic leaf 0x%x", zero.eax);
	report(zero.ebx && zero.ecx && zero.edx, "a vendor string");
	report(extended.eax >= 0x80000001 && extended.eax < 0x80001000,
	       "highest extended leaf 0x%x", extended.eax);
	if (vendor_is_amd()) {
		extended.eax = zero.eax;
		report(same(extended, zero),
		       "AMD: leaf 0x80000000 repeats the vendor (APM 3 E.4.1)");
		report(same(cpuid(zero.eax + 0x1000, 0), (struct cpuid){}),
		       "AMD: a basic leaf past the end is zero");
	} else {
		report(same(cpuid(zero.eax + 0x1000, 0), cpuid(zero.eax, 0)),
		       "Intel: a basic leaf past the end is the last one (SDM 2A CPUID)");
		report_skip("not an AMD CPU", "AMD: a basic leaf past the end is zero");
	}
}

static void features(void)
{
	struct cpuid one = cpuid(1, 0), extended = cpuid(0x80000001, 0);
	const u32 floor = BIT(0) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(9) | BIT(13) |
			  BIT(15) | BIT(24) | BIT(25) | BIT(26);

	report_eq(one.edx & floor, floor, "FPU PSE TSC MSR PAE CX8 APIC PGE CMOV FXSR SSE SSE2");
	report(extended.edx & BIT(29), "long mode");
	report(extended.edx & BIT(20), "NX");
	report(one.ecx & BIT(31), "the hypervisor bit");
	report(!(one.ecx & BIT(5)), "no VMX for the guest");
	report(!(one.ecx & BIT(3)), "no MONITOR");
	report(physical_bits() >= 36 && physical_bits() <= 52, "%u physical address bits",
	       physical_bits());
	report((cpuid(0x80000008, 0).eax >> 8 & 0xff) >= 48, "linear address bits");
	if (vendor_is_amd()) {
		const u32 copied = 0x0183f3ff;

		report_eq(extended.edx & copied, one.edx & copied,
			  "AMD: 0x80000001 EDX repeats leaf 1's (APM 3 E.4.2)");
	} else {
		report_skip("not an AMD CPU", "AMD: 0x80000001 EDX repeats leaf 1's");
	}
}

static void osxsave(void)
{
	u64 cr4 = read_cr4();

	if (!has_xsave()) {
		report(!(cpuid(1, 0).ecx & BIT(27)), "OSXSAVE is clear without XSAVE");
		return;
	}
	write_cr4(cr4 | CR4_OSXSAVE);
	report(cpuid(1, 0).ecx & BIT(27), "OSXSAVE follows CR4 when set");
	write_cr4(cr4 & ~CR4_OSXSAVE);
	report(!(cpuid(1, 0).ecx & BIT(27)), "OSXSAVE follows CR4 when cleared");
}

static void ospke(void)
{
	u64 cr4 = read_cr4();

	if (!(cpuid7_ecx() & BIT(3))) {
		report_skip("no protection keys", "OSPKE follows CR4");
		return;
	}
	write_cr4(cr4 | CR4_PKE);
	report(cpuid7_ecx() & BIT(4), "OSPKE follows CR4 when set");
	write_cr4(cr4);
	report(!(cpuid7_ecx() & BIT(4)), "OSPKE follows CR4 when cleared");
}

static void apic_bit(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	report(cpuid(1, 0).edx & BIT(9), "APIC bit with the APIC on");
	wrmsr(MSR_APIC_BASE, base & ~APIC_BASE_ENABLE);
	report(!(cpuid(1, 0).edx & BIT(9)), "no APIC bit with the APIC off (SDM 3A 11.4.3)");
	wrmsr(MSR_APIC_BASE, base);
	report(cpuid(1, 0).edx & BIT(9), "APIC bit with the APIC on again");
	report_eq(cpuid(1, 0).ebx >> 24, apic_read(APIC_ID) >> 24,
		  "leaf 1 and the APIC agree on its id");
}

static void hypervisor_leaves(void)
{
	struct cpuid base = cpuid(0x40000000, 0);

	report(!memcmp(&base.ebx, "KVMKVMKVM\0\0\0", 12), "the hypervisor's signature");
	report(base.eax >= 0x40000001, "highest hypervisor leaf 0x%x", base.eax);
	report(kvm_features() & BIT(3), "kvmclock with the new MSRs is offered");
	report(kvm_features() & BIT(24), "kvmclock is stable");
}

static void topology_and_state(void)
{
	struct cpuid d0, d1;
	u32 feature_bits;

	if (!has_xsave() || cpuid(0, 0).eax < 0xd) {
		report_skip("no XSAVE", "leaf 0xd");
		return;
	}
	d0 = cpuid(0xd, 0);
	report((d0.eax & 3) == 3, "leaf 0xd has x87 and SSE");
	report(d0.ecx >= 576 && d0.ebx >= 576 && d0.ebx <= d0.ecx, "leaf 0xd sizes %u of %u",
	       d0.ebx, d0.ecx);
	feature_bits = d0.eax & ~3U;
	for (unsigned int i = 2; i < 32; i++) {
		if (!(feature_bits & BIT(i)))
			continue;
		d1 = cpuid(0xd, i);
		report(d1.eax && d1.ebx + d1.eax <= d0.ecx,
		       "component %u: %u bytes at %u are inside", i, d1.eax, d1.ebx);
	}
	report_eq(!!(cpuid(1, 0).ecx & BIT(28)), !!(d0.eax & BIT(2)),
		  "AVX and its state go together");
}

/* CPUID exits: nothing but its four registers may change. */
static void other_registers(void)
{
	u64 ok;

	asm volatile("mov $0x1111111111111111, %%rsi; mov $0x2222222222222222, %%rdi\n"
		     "mov $0x3333333333333333, %%r8; mov $0x4444444444444444, %%r15\n"
		     "mov %%rsp, %%r9; mov $-1, %%rax; mov $-1, %%rcx; mov $-1, %%rdx\n"
		     "mov $-1, %%rbx; xor %%eax, %%eax; not %%rax; mov $0, %%eax; stc\n"
		     "cpuid\n"
		     "setc %b0; movzx %b0, %k0\n"
		     "cmp %%rsp, %%r9; jne 1f\n"
		     "mov $0x1111111111111111, %%r9; cmp %%r9, %%rsi; jne 1f\n"
		     "mov $0x2222222222222222, %%r9; cmp %%r9, %%rdi; jne 1f\n"
		     "mov $0x3333333333333333, %%r9; cmp %%r9, %%r8; jne 1f\n"
		     "mov $0x4444444444444444, %%r9; cmp %%r9, %%r15; jne 1f\n"
		     "shr $32, %%rax; jnz 1f\n"
		     "shr $32, %%rbx; jnz 1f\n"
		     "shr $32, %%rcx; jnz 1f\n"
		     "shr $32, %%rdx; jz 2f\n"
		     "1: xor %k0, %k0\n"
		     "2:\n"
		     : "=&r"(ok)
		     :
		     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r15", "cc");
	report_eq(ok, 1, "CPUID changes four registers, clears their upper halves, keeps flags");
}

void guest_main(void)
{
	vendor_and_ranges();
	features();
	osxsave();
	ospke();
	apic_bit();
	hypervisor_leaves();
	topology_and_state();
	other_registers();
}
