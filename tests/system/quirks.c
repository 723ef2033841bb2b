// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's deviations from a processor, and how a program turns them off through
 * KVM_CAP_DISABLE_QUIRKS2. KTAP on stdout.
 *
 *	quirks [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include <linux/kvm_para.h>

#include "rawvm.h"

#define LVT_LINT0 0x350
#define LVT_MASKED 0x10000u

/*
 * At 0 OUT of port 0x7e, at 16 VMCALL, at 32 VMMCALL, at 48 MONITOR, at 64 MWAIT; all but
 * the first end at port 0x50, and the handler of #UD at 0x62.
 */
GUEST_CODE(quirk_code, "out %al, $0x7e\n"
		       "out %al, $0x50\n"
		       ".org quirk_code + 16\n"
		       "vmcall\n"
		       "out %al, $0x50\n"
		       ".org quirk_code + 32\n"
		       "vmmcall\n"
		       "out %al, $0x50\n"
		       ".org quirk_code + 48\n"
		       "monitor\n"
		       "out %al, $0x50\n"
		       ".org quirk_code + 64\n"
		       "mwait\n"
		       "out %al, $0x50\n"
		       ".org quirk_code + 80\n"
		       "out %al, $0x62");

#define OUT_7E 0u
#define VMCALL 16u
#define VMMCALL 32u
#define MONITOR 48u
#define MWAIT 64u
#define DONE 0x50
#define UD 0x62

static struct machine quirk_machine(bool irqchip)
{
	struct machine m = new_machine(1, irqchip, quirk_code, quirk_code_end);
	uint32_t *gate = ram_u32(&m, IDT + 8 * 6);

	gate[0] = 8 << 16 | (CODE + 80);
	gate[1] = 0x8e00;
	return m;
}

static int turn_off(const struct machine *m, uint64_t quirks)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DISABLE_QUIRKS2, .args = { quirks } };

	return ioctl(m->vm, KVM_ENABLE_CAP, &cap) < 0 ? -errno : 0;
}

/* Run from an instruction to a port. Return the port. */
static int go(const struct machine *m, uint32_t where, uint64_t rax)
{
	struct kvm_regs regs = { .rip = CODE + where, .rax = rax };

	set_regs(m, 0, &regs);
	check_equal(run(m, 0), KVM_EXIT_IO, "exit reason");
	return m->run[0]->io.port;
}

static void test_capability(void)
{
	struct machine m = quirk_machine(false);
	int quirks = extension(KVM_CAP_DISABLE_QUIRKS2);

	check(extension(KVM_CAP_DISABLE_QUIRKS) == 1, "KVM_CAP_DISABLE_QUIRKS");
	check(quirks & KVM_X86_QUIRK_LINT0_REENABLED, "LINT0_REENABLED");
	check_equal(turn_off(&m, quirks), 0, "all of them off");
	check_equal(turn_off(&m, 0), 0, "and on");
	check_equal(-turn_off(&m, 1ull << 40), EINVAL, "one that is not there");
	free_machine(&m);
}

static void test_out_7e(void)
{
	struct machine m = quirk_machine(false);

	check_equal(go(&m, OUT_7E, 0), 0x7e, "the port");
	check_equal(get_regs(&m, 0).rip, CODE + 2, "RIP is behind OUT");
	check_equal(run(&m, 0), KVM_EXIT_IO, "exit reason");
	check_equal(m.run[0]->io.port, DONE, "the port after it");
	check_equal(turn_off(&m, KVM_X86_QUIRK_OUT_7E_INC_RIP), 0, "off");
	check_equal(go(&m, OUT_7E, 0), 0x7e, "the port");
	check_equal(get_regs(&m, 0).rip, CODE, "RIP is at OUT");
	check_equal(run(&m, 0), KVM_EXIT_IO, "exit reason");
	check_equal(m.run[0]->io.port, DONE, "the port after it");
	free_machine(&m);
}

/* One of the two is this CPU's own. The other is #UD, or is rewritten to the first. */
static void test_foreign_hypercall(void)
{
	static const uint32_t calls[] = { VMCALL, VMMCALL };
	struct machine m = quirk_machine(false);
	int refused = 0;
	size_t i;

	check_equal(turn_off(&m, KVM_X86_QUIRK_FIX_HYPERCALL_INSN), 0, "off");
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		refused += go(&m, calls[i], KVM_HC_VAPIC_POLL_IRQ) == UD;
	check_equal(refused, 1, "#UD for the foreign one");
	check(memcmp(m.ram + CODE + VMCALL, m.ram + CODE + VMMCALL, 3), "the code stays");
	check_equal(turn_off(&m, 0), 0, "on");
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		check_equal(go(&m, calls[i], KVM_HC_VAPIC_POLL_IRQ), DONE, "both do it");
		check_equal((uint32_t)get_regs(&m, 0).rax, 0, "and succeed");
	}
	check(!memcmp(m.ram + CODE + VMCALL, m.ram + CODE + VMMCALL, 3), "both are the same now");
	free_machine(&m);
}

static void test_monitor(void)
{
	struct machine m = quirk_machine(false);

	check_equal(go(&m, MONITOR, CODE), DONE, "MONITOR does nothing");
	check_equal(go(&m, MWAIT, 0), DONE, "MWAIT does nothing");
	/* The vCPU has no CPUID, so it has no MONITOR. */
	check_equal(turn_off(&m, KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS), 0, "off");
	check_equal(go(&m, MONITOR, CODE), UD, "MONITOR is undefined");
	check_equal(go(&m, MWAIT, 0), UD, "MWAIT is undefined");
	free_machine(&m);
}

static uint32_t lint0(const struct machine *m)
{
	struct kvm_lapic_state lapic;
	uint32_t value;

	MUST(m->vcpu[0], KVM_GET_LAPIC, &lapic);
	memcpy(&value, lapic.regs + LVT_LINT0, sizeof(value));
	return value;
}

static void test_lint0(void)
{
	struct machine m = quirk_machine(true);

	check_equal(lint0(&m), 0x700, "LINT0 lets the PIC through");
	free_machine(&m);

	m = (struct machine){ .vm = ioctl(kvm, KVM_CREATE_VM, 0) };
	MUST(m.vm, KVM_CREATE_IRQCHIP, NULL);
	check_equal(turn_off(&m, KVM_X86_QUIRK_LINT0_REENABLED), 0, "off");
	m.run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	m.ram = map_memory(RAM_SIZE);
	add_vcpu(&m);
	check_equal(lint0(&m), LVT_MASKED, "LINT0 is masked");
	free_machine(&m);
}

static const struct test tests[] = {
	TEST(capability), TEST(out_7e), TEST(foreign_hypercall), TEST(monitor), TEST(lint0),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
