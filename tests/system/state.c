// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's state as userspace reads and writes it: registers with PDPTEs, events on
 * their way in, and registers in struct kvm_run. KTAP on stdout.
 *
 *	state [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well: its expectations are facts.
 */
#include <cpuid.h>
#include <stddef.h>

#include "rawvm.h"

#define PORT_MARK 0x50

/* In RAM: the tables of PAE paging. */
#define PDPT 0x5000UL
#define DIRECTORY 0x6000UL

#define CR0_PG (1UL << 31)
#define CR4_PAE (1UL << 5)
#define PRESENT_WRITABLE 3
#define LARGE_PAGE 0x80

GUEST_CODE(mark_code, "1: out %al, $0x50\n"
		      "jmp 1b");

/* Reads memory at %esi. */
GUEST_CODE(load_code, "1: mov (%esi), %eax\n"
		      "out %al, $0x50\n"
		      "jmp 1b");

#define MACHINE(irqchip, name) new_machine(1, irqchip, name##_code, name##_code_end)

static bool missing(int cap, const char *what)
{
	if (extension(cap) > 0)
		return false;
	skipped = what;
	return true;
}

static void start(const struct machine *m)
{
	struct kvm_regs regs = { .rip = CODE, .rbp = DATA, .rsi = DATA };

	set_regs(m, 0, &regs);
}

static void expect_errno(int result, int want, const char *what)
{
	check_equal(result < 0 ? errno : 0, want, what);
}

/* ---- KVM_GET_SREGS2 and KVM_SET_SREGS2 ---- */

static void test_sregs2_is_sregs(void)
{
	const size_t common = offsetof(struct kvm_sregs, interrupt_bitmap);
	struct machine m = MACHINE(false, mark);
	struct kvm_sregs2 sregs2 = { 0 };
	struct kvm_sregs sregs = { 0 };

	if (missing(KVM_CAP_SREGS2, "no KVM_CAP_SREGS2"))
		goto out;
	MUST(m.vcpu[0], KVM_GET_SREGS, &sregs);
	MUST(m.vcpu[0], KVM_GET_SREGS2, &sregs2);
	check(!memcmp(&sregs, &sregs2, common), "the two differ");
	check_equal(sregs2.flags, 0, "flags without PAE paging");
	sregs2.cr2 = 0x1234;
	sregs2.es.base = 0x100;
	MUST(m.vcpu[0], KVM_SET_SREGS2, &sregs2);
	MUST(m.vcpu[0], KVM_GET_SREGS, &sregs);
	check_equal(sregs.cr2, 0x1234, "CR2");
	check_equal(sregs.es.base, 0x100, "the base of ES");
	start(&m);
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs");
out:
	free_machine(&m);
}

static void test_sregs2_refused(void)
{
	struct machine m = MACHINE(false, mark);
	struct kvm_sregs2 sregs2 = { 0 };

	if (missing(KVM_CAP_SREGS2, "no KVM_CAP_SREGS2"))
		goto out;
	MUST(m.vcpu[0], KVM_GET_SREGS2, &sregs2);
	sregs2.flags = 2;
	expect_errno(ioctl(m.vcpu[0], KVM_SET_SREGS2, &sregs2), EINVAL, "an unknown flag");
	sregs2.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	expect_errno(ioctl(m.vcpu[0], KVM_SET_SREGS2, &sregs2), EINVAL, "PDPTEs without PAE");
	sregs2.flags = 0;
	sregs2.cr4 |= 1UL << 63;
	expect_errno(ioctl(m.vcpu[0], KVM_SET_SREGS2, &sregs2), EINVAL, "CR4 bit 63");
out:
	free_machine(&m);
}

/* The first 2 MiB mapped onto themselves by the directory, if the PDPTE is there. */
static void set_pae(const struct machine *m)
{
	uint64_t *directory = (uint64_t *)(m->ram + DIRECTORY);
	uint64_t *pdpt = (uint64_t *)(m->ram + PDPT);
	struct kvm_sregs2 sregs2 = { 0 };

	pdpt[0] = DIRECTORY | 1;
	directory[0] = LARGE_PAGE | PRESENT_WRITABLE;
	MUST(m->vcpu[0], KVM_GET_SREGS2, &sregs2);
	sregs2.cr3 = PDPT;
	sregs2.cr4 |= CR4_PAE;
	sregs2.cr0 |= CR0_PG;
	MUST(m->vcpu[0], KVM_SET_SREGS2, &sregs2);
}

static void test_sregs2_reads_pdptes(void)
{
	struct machine m = MACHINE(false, load);
	struct kvm_sregs2 sregs2 = { 0 };

	if (missing(KVM_CAP_SREGS2, "no KVM_CAP_SREGS2"))
		goto out;
	set_pae(&m);
	start(&m);
	*ram_u32(&m, DATA) = 0x600d;
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs with PAE paging");
	check_equal(get_regs(&m, 0).rax, 0x600d, "what it read");
	MUST(m.vcpu[0], KVM_GET_SREGS2, &sregs2);
	check_equal(sregs2.flags, KVM_SREGS2_FLAGS_PDPTRS_VALID, "flags with PAE paging");
	/* QEMU's TCG sets an accessed bit there. */
	check_equal(sregs2.pdptrs[0] & ~0x20ull, DIRECTORY | 1, "PDPTE 0");
	check_equal(sregs2.pdptrs[1], 0, "PDPTE 1");
	MUST(m.vcpu[0], KVM_SET_SREGS2, &sregs2);
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs on");
out:
	free_machine(&m);
}

static bool on_intel(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
}

/* On Intel they are registers of their own: memory may have changed since. */
static void test_sregs2_brings_pdptes(void)
{
	struct machine m = MACHINE(false, load);
	struct kvm_sregs2 sregs2 = { 0 };

	if (missing(KVM_CAP_SREGS2, "no KVM_CAP_SREGS2"))
		goto out;
	if (!on_intel()) {
		skipped = "AMD's nested paging walks the PDPTEs in memory";
		goto out;
	}
	set_pae(&m);
	start(&m);
	MUST(m.vcpu[0], KVM_GET_SREGS2, &sregs2);
	memset(m.ram + PDPT, 0, 32);
	MUST(m.vcpu[0], KVM_SET_SREGS2, &sregs2);
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs with the PDPTEs given");
out:
	free_machine(&m);
}

static const struct test tests[] = {
	TEST(sregs2_is_sregs),
	TEST(sregs2_refused),
	TEST(sregs2_reads_pdptes),
	TEST(sregs2_brings_pdptes),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
