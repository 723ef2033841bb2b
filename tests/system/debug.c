// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GUEST_DEBUG: userspace single-steps a guest, stops it at breakpoints, and hands the
 * guest's own exceptions on. KTAP on stdout.
 *
 *	debug [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations. What the emulated
 * host cannot do is skipped there.
 */
#include <stddef.h>

#include "rawvm.h"

#define PORT_MARK 0x50
#define PORT_HANDLER 0x51
#define PORT_OTHER 0x40
#define MMIO_BASE 0x10000000UL

#define VECTOR_DB 1
#define VECTOR_BP 3
#define VECTOR_IRQ 0x30

#define DR6_REST 0xffff0ff0UL
#define DR6_BD 0x2000UL
#define DR6_BS 0x4000UL
#define DR7_REST 0x400UL
#define DR7_GD 0x2000UL
#define TF 0x100UL
#define IF 0x200UL

#define ENABLE KVM_GUESTDBG_ENABLE
#define STEP (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP)
#define SOFT (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP)
#define HARD (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP)

/*
 * Each instruction of the first part has a number. The handler at 96 shows the address that it
 * returns to.
 */
GUEST_CODE(debug_code, "nop\n"
		       "mov %eax, %ecx\n"
		       "cpuid\n"
		       "in $0x40, %al\n"
		       "mov (%edi), %edx\n"
		       "mov %edx, (%ebp)\n"
		       "jmp 1f\n"
		       "hlt\n"
		       "1: out %al, $0x50\n"
		       ".org debug_code + 48\n"
		       "int3\n"
		       "nop\n"
		       "out %al, $0x50\n"
		       ".org debug_code + 64\n"
		       "mov %dr0, %eax\n"
		       "mov %dr7, %ebx\n"
		       "mov %ecx, %dr1\n"
		       "mov %dr6, %edx\n"
		       "out %al, $0x50\n"
		       ".org debug_code + 80\n"
		       "1: nop\n"
		       "jmp 1b\n"
		       ".org debug_code + 96\n"
		       "mov (%esp), %ecx\n"
		       "mov %dr6, %ebx\n"
		       "mov 8(%esp), %edx\n"
		       "out %al, $0x51\n"
		       "hlt\n"
		       ".org debug_code + 128\n"
		       "pushf\n"
		       "orl $0x100, (%esp)\n"
		       "popf\n"
		       "nop\n"
		       "nop\n"
		       "hlt\n"
		       ".org debug_code + 144\n"
		       "sti\n"
		       "nop\n"
		       "cli\n"
		       "hlt\n"
		       ".org debug_code + 160\n"
		       "push %eax\n"
		       "mov %eax, (%ebp)\n"
		       "out %al, $0x50\n"
		       "hlt");
#define AT_INT3 (CODE + 48)
#define AT_MOV_DR (CODE + 64)
#define AT_LOOP (CODE + 80)
#define HANDLER (CODE + 96)
#define AT_POPF (CODE + 128)
#define AT_STI (CODE + 144)
#define AT_TOUCH (CODE + 160)

/* The offset of each instruction of the first part, in the order of execution. */
static const uint8_t steps[] = { 0, 1, 3, 5, 7, 9, 12, 15 };
#define STEP_IN 3
#define STEP_MMIO 4

static bool missing(void)
{
	if (extension(KVM_CAP_SET_GUEST_DEBUG) > 0)
		return false;
	skipped = "no KVM_CAP_SET_GUEST_DEBUG";
	return true;
}

/* The emulated host has a fault that no hypervisor can make up for. */
static bool missing_or_tcg(const char *fault)
{
	if (missing())
		return true;
	if (!on_tcg())
		return false;
	skipped = fault;
	return true;
}

#define NO_BP "QEMU's TCG does not let a hypervisor intercept INT3"
#define NO_DR7 "QEMU's TCG does not load breakpoints with a VMCB's DR7"
#define NO_STI "QEMU's TCG steps over STI and what follows at once"

/* Return true, and skip, on a host that a single step ends. */
static bool steps_missing(void)
{
	return missing() ||
	       bochs_svm_cannot("a single step in a guest ends Bochs with SVM, with KVM too");
}

static int try_debug(const struct machine *m, uint32_t control, const uint64_t *dr)
{
	struct kvm_guest_debug debug = { .control = control };

	if (dr)
		memcpy(debug.arch.debugreg, dr, sizeof(debug.arch.debugreg));
	return ioctl(m->vcpu[0], KVM_SET_GUEST_DEBUG, &debug);
}

static void set_debug(const struct machine *m, uint32_t control, const uint64_t *dr)
{
	if (try_debug(m, control, dr))
		die("KVM_SET_GUEST_DEBUG");
}

static void start_at(const struct machine *m, uint64_t rip, uint64_t rflags)
{
	struct kvm_regs regs = {
		.rip = rip, .rflags = rflags, .rbp = DATA, .rdi = MMIO_BASE, .rsp = STACK
	};

	set_regs(m, 0, &regs);
}

/*
 * A machine with all of its memory mapped: Bochs 2.7 counts a step as done if the instruction
 * faults in the second-level tables.
 */
static struct machine mapped_machine(bool irqchip)
{
	struct machine m = new_machine(1, irqchip, debug_code, debug_code_end);

	start_at(&m, AT_TOUCH, 0);
	expect_port(&m, run(&m, 0), PORT_MARK, "the memory is touched");
	settle(&m, 0);
	return m;
}

static struct machine debugged_machine(uint64_t rip)
{
	struct machine m = mapped_machine(false);

	set_gate(&m, VECTOR_DB, HANDLER);
	set_gate(&m, VECTOR_BP, HANDLER);
	set_gate(&m, VECTOR_IRQ, HANDLER);
	start_at(&m, rip, 0);
	return m;
}

static void check_dr6(uint64_t got, uint64_t want, const char *what)
{
	if (on_bochs_svm() && got == DR6_REST)
		skipped = "Bochs' SVM loses what a #DB sets in DR6";
	else
		check_equal(got, want, what);
}

/* The next exit must be a stop at @pc. */
static bool expect_stop(const struct machine *m, uint32_t exception, uint64_t pc, uint64_t dr6,
			const char *what)
{
	const struct kvm_debug_exit_arch *debug = &m->run[0]->debug.arch;
	int reason = run(m, 0);

	if (reason != KVM_EXIT_DEBUG) {
		complain("%s: KVM_RUN gives %d at %#llx", what, reason, get_regs(m, 0).rip);
		return false;
	}
	check_equal(debug->exception, exception, what);
	check_equal(debug->pc, pc, what);
	check_equal(get_regs(m, 0).rip, pc, what);
	if (exception == VECTOR_DB)
		check_dr6(debug->dr6, dr6, what);
	return true;
}

/* ---- breakpoints in the code ---- */

static void test_int3_stops(void)
{
	struct machine m = debugged_machine(AT_INT3);
	struct kvm_regs regs;

	if (missing_or_tcg(NO_BP))
		goto out;
	set_debug(&m, SOFT, NULL);
	expect_stop(&m, VECTOR_BP, AT_INT3, 0, "INT3");
	expect_stop(&m, VECTOR_BP, AT_INT3, 0, "INT3 again");
	regs = get_regs(&m, 0);
	regs.rip++;
	set_regs(&m, 0, &regs);
	expect_port(&m, run(&m, 0), PORT_MARK, "behind it");
out:
	free_machine(&m);
}

static void test_int3_is_handed_on(void)
{
	struct machine m = debugged_machine(AT_INT3);

	if (missing_or_tcg(NO_BP))
		goto out;
	set_debug(&m, SOFT, NULL);
	expect_stop(&m, VECTOR_BP, AT_INT3, 0, "INT3");
	set_debug(&m, SOFT | KVM_GUESTDBG_INJECT_BP, NULL);
	expect_port(&m, run(&m, 0), PORT_HANDLER, "the guest's handler");
	check_equal(get_regs(&m, 0).rcx, AT_INT3 + 1, "where it returns to");
out:
	free_machine(&m);
}

static void test_int3_is_the_guests(void)
{
	struct machine m = debugged_machine(AT_INT3);

	if (missing())
		goto out;
	set_debug(&m, SOFT, NULL);
	set_debug(&m, 0, NULL);
	expect_port(&m, run(&m, 0), PORT_HANDLER, "the guest's handler");
	check_equal(get_regs(&m, 0).rcx, AT_INT3 + 1, "where it returns to");
out:
	free_machine(&m);
}

/* ---- single steps ---- */

/* Do what the instruction asks of userspace, until it is complete. */
static void take_step(const struct machine *m, size_t i)
{
	struct kvm_run *r = m->run[0];

	if (i == STEP_IN) {
		expect_port(m, run(m, 0), PORT_OTHER, "IN");
		*(uint8_t *)port_data(m, 0) = 0x77;
	} else if (i == STEP_MMIO) {
		check_equal(run(m, 0), KVM_EXIT_MMIO, "a load from a device");
		memset(r->mmio.data, 0x66, r->mmio.len);
	}
	expect_stop(m, VECTOR_DB, CODE + steps[i + 1], DR6_REST | DR6_BS, "a step");
	check_equal(get_regs(m, 0).rflags & TF, 0, "TF");
}

static void test_steps(void)
{
	struct machine m = debugged_machine(CODE);
	size_t i;

	if (steps_missing())
		goto out;
	for (i = 0; i + 1 < ARRAY_SIZE(steps) && !failed; i++) {
		set_debug(&m, STEP, NULL);
		take_step(&m, i);
	}
	check_equal(*ram_u32(&m, DATA), 0x66666666, "what was loaded and stored");
	set_debug(&m, 0, NULL);
	expect_port(&m, run(&m, 0), PORT_MARK, "without steps");
out:
	free_machine(&m);
}

/* Stepping goes on without another KVM_SET_GUEST_DEBUG. */
static void test_steps_go_on(void)
{
	struct machine m = debugged_machine(CODE);
	size_t i;

	if (steps_missing())
		goto out;
	set_debug(&m, STEP, NULL);
	for (i = 0; i < STEP_IN && !failed; i++)
		take_step(&m, i);
out:
	free_machine(&m);
}

static void test_steps_of_a_loop(void)
{
	struct machine m = debugged_machine(AT_LOOP);
	int i;

	if (steps_missing())
		goto out;
	for (i = 0; i < 20 && !failed; i++) {
		set_debug(&m, STEP, NULL);
		expect_stop(&m, VECTOR_DB, AT_LOOP + !(i & 1), DR6_REST | DR6_BS, "a step");
	}
out:
	free_machine(&m);
}

/* The guest single-steps itself, while userspace does not debug it. */
static void test_step_of_the_guest(void)
{
	struct machine m = debugged_machine(AT_POPF);

	if (steps_missing())
		goto out;
	set_debug(&m, STEP, NULL);
	expect_stop(&m, VECTOR_DB, AT_POPF + 1, DR6_REST | DR6_BS, "a step");
	start_at(&m, AT_POPF, 0);
	set_debug(&m, 0, NULL);
	expect_port(&m, run(&m, 0), PORT_HANDLER, "the guest's handler");
	/* PUSHF, OR and POPF are 1, 7 and 1 bytes. */
	check_equal(get_regs(&m, 0).rcx, AT_POPF + 10, "behind the instruction after POPF");
	check_dr6(get_regs(&m, 0).rbx, DR6_REST | DR6_BS, "DR6");
out:
	free_machine(&m);
}

/* The shadow of STI must not hide a step. */
static void test_steps_over_sti(void)
{
	struct machine m = debugged_machine(AT_STI);
	static const uint8_t at[] = { 0, 1, 2, 3 };
	size_t i;

	if (steps_missing() || missing_or_tcg(NO_STI))
		goto out;
	for (i = 1; i < ARRAY_SIZE(at) && !failed; i++) {
		set_debug(&m, STEP, NULL);
		expect_stop(&m, VECTOR_DB, AT_STI + at[i], DR6_REST | DR6_BS, "a step");
	}
out:
	free_machine(&m);
}

/* An interrupt waits in the local APIC. */
static void interrupt(const struct machine *m)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR_IRQ };
	struct kvm_lapic_state lapic = { 0 };

	MUST(m->vcpu[0], KVM_GET_LAPIC, &lapic);
	/* The spurious-interrupt vector register: enabled. */
	lapic.regs[0xf0] = 0xff;
	lapic.regs[0xf1] = 1;
	MUST(m->vcpu[0], KVM_SET_LAPIC, &lapic);
	if (ioctl(m->vm, KVM_SIGNAL_MSI, &msi) != 1)
		die("KVM_SIGNAL_MSI");
}

static void test_steps_without_interrupts(void)
{
	struct machine m = mapped_machine(true);
	int i;

	if (steps_missing())
		goto out;
	set_gate(&m, VECTOR_IRQ, HANDLER);
	start_at(&m, AT_LOOP, IF);
	interrupt(&m);
	for (i = 0; i < 4 && !failed; i++) {
		set_debug(&m, STEP | KVM_GUESTDBG_BLOCKIRQ, NULL);
		expect_stop(&m, VECTOR_DB, AT_LOOP + !(i & 1), DR6_REST | DR6_BS, "a step");
	}
	set_debug(&m, 0, NULL);
	expect_port(&m, run(&m, 0), PORT_HANDLER, "the interrupt's handler");
	check_equal(get_regs(&m, 0).rcx, AT_LOOP, "where it returns to");
	check_equal(get_regs(&m, 0).rdx & (TF | IF), IF, "its flags");
out:
	free_machine(&m);
}

/* ---- debug registers ---- */

static void test_hardware_breakpoints(void)
{
	struct machine m = debugged_machine(CODE);
	unsigned int i;

	if (missing_or_tcg(NO_DR7))
		goto out;
	for (i = 0; i < 4 && !failed; i++) {
		uint64_t dr[8] = { [7] = DR7_REST | 2u << 2 * i };

		dr[i] = CODE + steps[1];
		start_at(&m, CODE, 0);
		set_debug(&m, HARD, dr);
		expect_stop(&m, VECTOR_DB, CODE + steps[1], DR6_REST | 1u << i, "execution");
		check_equal(m.run[0]->debug.arch.dr7, dr[7], "DR7");
	}
out:
	free_machine(&m);
}

static void test_watchpoints(void)
{
	struct machine m = debugged_machine(CODE);
	unsigned int i;

	if (missing_or_tcg(NO_DR7))
		goto out;
	for (i = 0; i < 4 && !failed; i++) {
		/* A write of four bytes. */
		uint64_t dr[8] = { [7] = DR7_REST | 2u << 2 * i | 0xdull << (16 + 4 * i) };

		dr[i] = DATA;
		start_at(&m, CODE + steps[5], 0);
		set_debug(&m, HARD, dr);
		expect_stop(&m, VECTOR_DB, CODE + steps[6], DR6_REST | 1u << i, "a write");
	}
out:
	free_machine(&m);
}

/*
 * Hardware breakpoints do not see an instruction that is executed in software, such as a store
 * to a device.
 */
static void test_watchpoint_on_device(void)
{
	/* Two writes and reads of 4 bytes: the device and the word behind it. */
	const uint64_t dr[8] = { MMIO_BASE + 4,
				 MMIO_BASE, [7] = DR7_REST | 0xa | 0xdUL << 16 | 0xfUL << 20 };
	struct machine m = debugged_machine(CODE + 7);

	if (missing())
		goto out;
	if (!on_oriel()) {
		skipped = "KVM's emulated accesses have no watchpoints";
		goto out;
	}
	set_debug(&m, HARD, dr);
	check_equal(run(&m, 0), KVM_EXIT_MMIO, "the load from the device");
	expect_stop(&m, VECTOR_DB, CODE + 9, DR6_REST | 2, "behind the load");
	expect_port(&m, run(&m, 0), PORT_MARK, "and on");
out:
	free_machine(&m);
}

/* The guest reads and writes its own registers, not those of its debugger. */
static void test_registers_are_the_guests(void)
{
	struct machine m = debugged_machine(AT_MOV_DR);
	uint64_t dr[8] = { CODE, CODE, CODE, CODE, [7] = DR7_REST | 2 };
	struct kvm_debugregs regs = { .db = { 0x1234 }, .dr6 = DR6_REST | 4, .dr7 = DR7_REST };
	struct kvm_regs r = get_regs(&m, 0);

	if (missing())
		goto out;
	MUST(m.vcpu[0], KVM_SET_DEBUGREGS, &regs);
	r.rcx = 0x5678;
	set_regs(&m, 0, &r);
	set_debug(&m, HARD, dr);
	expect_port(&m, run(&m, 0), PORT_MARK, "it runs");
	r = get_regs(&m, 0);
	check_equal(r.rax, 0x1234, "DR0");
	check_equal(r.rbx, DR7_REST, "DR7");
	check_equal(r.rdx, DR6_REST | 4, "DR6");
	MUST(m.vcpu[0], KVM_GET_DEBUGREGS, &regs);
	check_equal(regs.db[1], 0x5678, "DR1, which it wrote");
	check_equal(regs.dr7, DR7_REST, "DR7 as userspace reads it");
	set_debug(&m, 0, NULL);
	start_at(&m, AT_MOV_DR, 0);
	expect_port(&m, run(&m, 0), PORT_MARK, "it runs without a debugger");
	check_equal(get_regs(&m, 0).rax, 0x1234, "DR0 afterwards");
	check_equal(get_regs(&m, 0).rdx, DR6_REST | 4, "DR6 afterwards");
out:
	free_machine(&m);
}

static void test_general_detect(void)
{
	struct machine m = debugged_machine(AT_MOV_DR);
	uint64_t dr[8] = { [7] = DR7_REST | DR7_GD };

	if (!on_oriel() &&
	    missing_or_tcg("QEMU's TCG ignores a VMCB's DR7.GD, and KVM relies on it"))
		goto out;
	if (missing())
		goto out;
	set_debug(&m, HARD, dr);
	expect_stop(&m, VECTOR_DB, AT_MOV_DR, DR6_REST | DR6_BD, "MOV DR");
out:
	free_machine(&m);
}

/* ---- what userspace has raised ---- */

static void test_db_is_injected(void)
{
	struct machine m = debugged_machine(CODE);

	if (missing())
		goto out;
	set_debug(&m, ENABLE | KVM_GUESTDBG_INJECT_DB, NULL);
	check(try_debug(&m, ENABLE | KVM_GUESTDBG_INJECT_DB, NULL) && errno == EBUSY,
	      "a second one: EBUSY");
	expect_port(&m, run(&m, 0), PORT_HANDLER, "the guest's handler");
	check_equal(get_regs(&m, 0).rcx, CODE, "where it returns to");
out:
	free_machine(&m);
}

static void test_controls(void)
{
	const int all = ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |
			KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP |
			KVM_GUESTDBG_BLOCKIRQ;

	if (!missing())
		check_equal(extension(KVM_CAP_SET_GUEST_DEBUG2), all, "KVM_CAP_SET_GUEST_DEBUG2");
}

static const struct test tests[] = {
	/* Breakpoints and steps. */
	TEST(int3_stops),
	TEST(int3_is_handed_on),
	TEST(int3_is_the_guests),
	TEST(steps),
	TEST(steps_go_on),
	TEST(steps_of_a_loop),
	TEST(step_of_the_guest),
	TEST(steps_over_sti),
	TEST(steps_without_interrupts),
	/* Debug registers. */
	TEST(hardware_breakpoints),
	TEST(watchpoints),
	TEST(watchpoint_on_device),
	TEST(registers_are_the_guests),
	TEST(general_detect),
	TEST(db_is_injected),
	TEST(controls),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
