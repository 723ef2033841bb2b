// SPDX-License-Identifier: GPL-2.0-only
/* Hypercalls, and the instructions of a hypervisor, which a guest does not have. */
#include "guest.h"

#define KVM_ENOSYS 1000
#define KVM_EPERM 1

static u64 hypercall(u64 number)
{
	u64 result;

	if (vendor_is_amd())
		asm volatile("vmmcall" : "=a"(result) : "a"(number), "b"(1UL), "c"(2UL) : "memory");
	else
		asm volatile("vmcall" : "=a"(result) : "a"(number), "b"(1UL), "c"(2UL) : "memory");
	return result;
}

static void user_hypercall(void *arg)
{
	*(live u64 *)arg = hypercall(1);
}

static void calls(void)
{
	live u64 result = 0;

	report_eq(hypercall(0x12345), -KVM_ENOSYS, "an unknown hypercall: -KVM_ENOSYS");
	report_eq(hypercall(0x1234500000001), -KVM_ENOSYS, "all 64 bits count");
	report_eq(hypercall(1), 0, "KVM_HC_VAPIC_POLL_IRQ");
	user_run(user_hypercall, (void *)&result, 0);
	report_eq(result, -KVM_EPERM, "from user mode: -KVM_EPERM");
}

/* All #UD: EFER.SVME and CR4.VMXE are off, and cannot be set. */
static void absent(void)
{
	const char *gif = kvm_fault("KVM gives every guest the virtual GIF");

	report_eq(attempt("vmrun", : : "a"(0)), VEC_UD, "VMRUN: #UD");
	report_eq(attempt("vmload", : : "a"(0)), VEC_UD, "VMLOAD: #UD");
	report_eq(attempt("vmsave", : : "a"(0)), VEC_UD, "VMSAVE: #UD");
	report_known(attempt("stgi", :), VEC_UD, gif, "STGI: #UD");
	report_known(attempt("clgi", :), VEC_UD, gif, "CLGI: #UD");
	report_eq(attempt("skinit", : : "a"(0)), VEC_UD, "SKINIT: #UD");
	report_eq(attempt("invlpga", : : "a"(0), "c"(0)), VEC_UD, "INVLPGA: #UD");
	report_eq(attempt("vmxoff", :), VEC_UD, "VMXOFF: #UD");
	report_eq(attempt("vmlaunch", :), VEC_UD, "VMLAUNCH: #UD");
	report_eq(attempt("vmread %%rax, %%rcx", :), VEC_UD, "VMREAD: #UD");
	report_eq(attempt("rsm", :), VEC_UD, "RSM: #UD");
	report_eq(attempt("getsec", : : "a"(0)), VEC_UD, "GETSEC: #UD");
}

/*
 * Instructions that CPUID does not offer. MONITOR on KVM is a no-op, because some systems need
 * that.
 */
static void without_cpuid(void)
{
	unsigned int got;

	if (!(cpuid(1, 0).ecx & BIT(3))) {
		got = attempt("monitor", : : "a"(0x1000), "c"(0), "d"(0));
		report(got == VEC_UD || got == NO_TRAP, "MONITOR: #UD or nothing");
		got = attempt("mwait", : : "a"(0), "c"(0));
		report(got == VEC_UD || got == NO_TRAP, "MWAIT: #UD or nothing");
	}
	if (!(cpuid(0x80000001, 0).edx & BIT(27)))
		report_eq(attempt("rdtscp", : : : "rax", "rcx", "rdx"), VEC_UD, "RDTSCP: #UD");
	if (!(cpuid7_ebx() & BIT(10)))
		report_eq(attempt("invpcid (%0), %1",
				  :
				  : "r"(guest_end), "r"(0UL)),
			  VEC_UD, "INVPCID: #UD");
}

static void pmc(void)
{
	/* There may be no counters; with them or without, the guest continues. */
	unsigned int got = attempt("rdpmc", : : "c"(0x3fffffff) : "rax", "rdx");

	report_eq(got, VEC_GP, "RDPMC of no counter: #GP");
}

void guest_main(void)
{
	calls();
	absent();
	without_cpuid();
	pmc();
}
