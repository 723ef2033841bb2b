// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries that the CPU refuses: for state that the ABI accepts and no CPU enters with, KVM_RUN
 * must end with KVM_EXIT_FAIL_ENTRY, and ORIEL_GET_ENTRY_REPORT must name the field that is
 * wrong. KTAP on stdout.
 *
 *	entryfail [-d /dev/oriel]
 *
 * On the in-tree KVM, which explains nothing, all is skipped.
 */
#include <cpuid.h>
#include <signal.h>

#include "../../uapi/oriel.h"
#include "hostile.h"
#include "rawvm.h"

#define PORT_MARK 0x50
#define NOT_CANONICAL 0x0000800000000000ull
#define RFLAGS_IF (1u << 9)
#define RFLAGS_VM (1u << 17)

/* An interrupt's vector. */
#define VECTOR 0x20

/* Exit reason 33 with bit 31, VM-instruction error 7 (SDM 3C 27.8, 31.4). */
#define INVALID_GUEST_STATE 0x80000021u
#define INVALID_CONTROLS 7u
/* QEMU's CPU has 32 of its 64 bits (APM 2 appendix C). */
#define VMEXIT_INVALID 0xffffffffu

GUEST_CODE(mark_code, "1: out %al, $0x50\n"
		      "jmp 1b");

/* ---- the CPU ---- */

static bool signature_is(unsigned int leaf, const char *text)
{
	unsigned int eax, regs[3];

	__cpuid(leaf, eax, regs[0], regs[1], regs[2]);
	return !memcmp(regs, text, sizeof(regs));
}

static bool is_amd(void)
{
	/* In the order EBX, ECX, EDX; the CPU's name goes on in EDX. */
	return signature_is(0, "AuthcAMDenti");
}

static bool is_qemu(void)
{
	unsigned int eax, ebx, ecx, edx;

	__cpuid(1, eax, ebx, ecx, edx);
	return ecx >> 31 && signature_is(0x40000000, "TCGTCGTCGTCG");
}

/* ---- machines ---- */

static bool explains(void)
{
	if (ioctl(kvm, ORIEL_CHECK_EXTENSION, ORIEL_CAP_ENTRY_REPORT) > 0)
		return true;
	skipped = "this node has no ORIEL_CHECK_EXTENSION";
	return false;
}

static struct machine new_mark_machine(void)
{
	struct machine m = new_machine(1, false, mark_code, mark_code_end);

	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE });
	return m;
}

static void expect_no_report(const struct machine *m)
{
	struct oriel_entry_report report;

	errno = 0;
	check(ioctl(m->vcpu[0], ORIEL_GET_ENTRY_REPORT, &report) < 0, "there is a report");
	check_equal(errno, ENODATA, "errno without a report");
}

static void expect_entry(const struct machine *m, const char *what)
{
	int reason = run(m, 0);

	if (reason != KVM_EXIT_IO || m->run[0]->io.port != PORT_MARK)
		complain("%s: KVM_RUN gives %d", what, reason);
}

/* Return true if the text is a string that is not empty. */
static bool ends(const char *text, size_t size)
{
	return text[0] && memchr(text, 0, size);
}

/* Check the properties of every report. */
static void check_report(const struct machine *m, const struct oriel_entry_report *report)
{
	uint32_t i;

	check_equal(report->reason, m->run[0]->fail_entry.hardware_entry_failure_reason,
		    "the report's reason");
	check_equal(report->cpu, m->run[0]->fail_entry.cpu, "the report's CPU");
	/* fail_entry.cpu is documented under this capability. */
	check(extension(KVM_CAP_LAST_CPU) == 1, "KVM_CAP_LAST_CPU");
	check(report->named <= ORIEL_ENTRY_VIOLATIONS && report->named <= report->broken,
	      "more rules are named than there are");
	for (i = 0; i < ARRAY_SIZE(report->reserved); i++)
		check_equal(report->reserved[i], 0, "a reserved word");
	for (i = 0; i < ORIEL_ENTRY_VIOLATIONS; i++) {
		const struct oriel_entry_violation *v = &report->violations[i];
		static const struct oriel_entry_violation nothing;

		if (i >= report->named) {
			check(!memcmp(v, &nothing, sizeof(nothing)), "what is unused is not 0");
			continue;
		}
		check(ends(v->field, sizeof(v->field)), "a field has no name");
		check(ends(v->section, sizeof(v->section)), "a rule has no section");
		check(ends(v->rule, sizeof(v->rule)), "a rule has no text");
		printf("# %s %#llx: %s (%s)\n", v->field, (unsigned long long)v->value, v->rule,
		       v->section);
	}
}

/* The entry must fail, and the report name @field first, among @broken rules. */
static void expect_failure(const struct machine *m, uint32_t reason, const char *field,
			   uint32_t broken)
{
	struct oriel_entry_report report;
	int exit_reason = run(m, 0);

	if (exit_reason != KVM_EXIT_FAIL_ENTRY) {
		complain("%s: KVM_RUN gives %d", field, exit_reason);
		return;
	}
	check_equal((uint32_t)m->run[0]->fail_entry.hardware_entry_failure_reason, reason,
		    "the reason");
	/* The ioctl must overwrite all of the structure. */
	memset(&report, 0x5a, sizeof(report));
	MUST(m->vcpu[0], ORIEL_GET_ENTRY_REPORT, &report);
	check_report(m, &report);
	check_equal(report.broken, broken, "rules broken");
	if (!report.named || strcmp(report.violations[0].field, field))
		complain("%s is not named", field);
}

/* ---- tests ---- */

static void test_discovery(void)
{
	if (!explains())
		return;
	check_equal(ioctl(kvm, ORIEL_CHECK_EXTENSION, ORIEL_CAP_ENTRY_REPORT), 1,
		    "ORIEL_CAP_ENTRY_REPORT");
	check_equal(ioctl(kvm, ORIEL_CHECK_EXTENSION, 0x7fffffff), 0, "an unknown capability");
	check_equal(ioctl(kvm, ORIEL_CHECK_EXTENSION, ~0ul), 0, "an impossible capability");
}

static void test_no_failure(void)
{
	struct machine m;

	if (!explains())
		return;
	m = new_mark_machine();
	expect_no_report(&m);
	expect_entry(&m, "an entry like any other");
	expect_no_report(&m);
	check(ioctl(m.vcpu[0], _IO(ORIELIO, 0x7f), 0) < 0 && errno == ENOTTY,
	      "an unknown ioctl is not ENOTTY");
	free_machine(&m);
}

/* The event that a refused entry was to inject still waits. */
static void expect_kept(const struct machine *m, unsigned int vector)
{
	struct kvm_vcpu_events events = { 0 };

	MUST(m->vcpu[0], KVM_GET_VCPU_EVENTS, &events);
	check_equal(events.exception.injected, 1, "the exception waits");
	check_equal(events.exception.nr, vector, "its vector");
}

/* An exception whose vector is not an exception's (APM 2 15.20); KVM_SET_VCPU_EVENTS accepts it. */
static void test_svm_event(void)
{
	struct kvm_vcpu_events none = { 0 };
	struct kvm_vcpu_events events = { .exception = { .injected = 1, .nr = 31 } };
	struct machine m;

	if (!explains())
		return;
	if (!is_amd()) {
		skipped = "this CPU has no SVM";
		return;
	}
	if (!is_qemu()) {
		skipped = "that vector 31 is refused is known of QEMU's CPU only";
		return;
	}
	m = new_mark_machine();
	MUST(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events);
	expect_failure(&m, VMEXIT_INVALID, "eventinj", 1);
	expect_kept(&m, 31);
	MUST(m.vcpu[0], KVM_SET_VCPU_EVENTS, &none);
	/* QEMU's CPU saves a RIP here that it has not loaded, so set RIP. */
	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE });
	expect_entry(&m, "after the event is taken back");
	free_machine(&m);
}

/* ---- VMX ---- */

/* In flat protected mode, @corrupt makes @field wrong. */
struct corruption {
	const char *field;
	uint32_t broken;
	void (*corrupt)(struct kvm_sregs *sregs);
};

static void ss_read_only(struct kvm_sregs *sregs)
{
	sregs->ss.type = 1;
}

static void cs_of_user(struct kvm_sregs *sregs)
{
	sregs->cs.dpl = 3;
}

static void cs_odd_limit(struct kvm_sregs *sregs)
{
	sregs->cs.limit = 0xfffff000;
}

static void ds_of_system(struct kvm_sregs *sregs)
{
	sregs->ds.s = 0;
}

static void es_not_readable(struct kvm_sregs *sregs)
{
	sregs->es.type = 9;
}

static void ldtr_of_task(struct kvm_sregs *sregs)
{
	sregs->ldt.present = 1;
	sregs->ldt.unusable = 0;
	sregs->ldt.s = 0;
	sregs->ldt.type = 9;
}

static void tr_unusable(struct kvm_sregs *sregs)
{
	sregs->tr.unusable = 1;
}

static void fs_not_canonical(struct kvm_sregs *sregs)
{
	sregs->fs.base = NOT_CANONICAL;
}

static void ss_too_wide(struct kvm_sregs *sregs)
{
	sregs->ss.base = 1ull << 32;
}

static void gdtr_not_canonical(struct kvm_sregs *sregs)
{
	sregs->gdt.base = NOT_CANONICAL;
}

static bool wants_vmx(void)
{
	if (!explains())
		return false;
	if (!is_amd())
		return true;
	skipped = "this CPU has no VMX";
	return false;
}

static void test_vmx_segments(void)
{
	static const struct corruption corruptions[] = {
		{ "guest_ss_access_rights", 1, ss_read_only },
		{ "guest_cs_access_rights", 1, cs_of_user },
		{ "guest_cs_access_rights", 1, cs_odd_limit },
		{ "guest_ds_access_rights", 1, ds_of_system },
		{ "guest_es_access_rights", 1, es_not_readable },
		{ "guest_ldtr_access_rights", 1, ldtr_of_task },
		/* A TR that is unusable is not present either. */
		{ "guest_tr_access_rights", 2, tr_unusable },
		{ "guest_fs_base", 1, fs_not_canonical },
		{ "guest_ss_base", 1, ss_too_wide },
		{ "guest_gdtr_base", 1, gdtr_not_canonical },
	};
	struct kvm_sregs good, bad;
	struct machine m;
	size_t i;

	if (!wants_vmx())
		return;
	m = new_mark_machine();
	MUST(m.vcpu[0], KVM_GET_SREGS, &good);
	for (i = 0; i < ARRAY_SIZE(corruptions); i++) {
		bad = good;
		corruptions[i].corrupt(&bad);
		MUST(m.vcpu[0], KVM_SET_SREGS, &bad);
		expect_failure(&m, INVALID_GUEST_STATE, corruptions[i].field,
			       corruptions[i].broken);
		MUST(m.vcpu[0], KVM_SET_SREGS, &good);
		expect_entry(&m, corruptions[i].field);
	}
	free_machine(&m);
}

static void test_vmx_rip_and_rflags(void)
{
	struct kvm_regs good = { .rip = CODE };
	struct machine m;

	if (!wants_vmx())
		return;
	m = new_mark_machine();
	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE, .rflags = 1u << 3 });
	expect_failure(&m, INVALID_GUEST_STATE, "guest_rflags", 1);
	set_regs(&m, 0, &good);
	expect_entry(&m, "after RFLAGS");
	set_regs(&m, 0, &(struct kvm_regs){ .rip = 1ull << 32 });
	expect_failure(&m, INVALID_GUEST_STATE, "guest_rip", 1);
	set_regs(&m, 0, &good);
	expect_entry(&m, "after RIP");
	free_machine(&m);
}

/* Virtual-8086 mode with flat segments breaks three rules for each of six segments. */
static void test_vmx_many_rules(void)
{
	struct machine m;

	if (!wants_vmx())
		return;
	m = new_mark_machine();
	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE, .rflags = RFLAGS_VM });
	expect_failure(&m, INVALID_GUEST_STATE, "guest_es_base", 18);
	free_machine(&m);
}

/* The CPU refuses #GP without an error code before it looks at the guest's state. */
static void test_vmx_event(void)
{
	struct kvm_vcpu_events none = { 0 };
	struct kvm_vcpu_events events = { .exception = { .injected = 1, .nr = 13 } };
	struct machine m;

	if (!wants_vmx())
		return;
	m = new_mark_machine();
	MUST(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events);
	expect_failure(&m, INVALID_CONTROLS, "entry_interruption_info", 1);
	expect_kept(&m, 13);
	MUST(m.vcpu[0], KVM_SET_VCPU_EVENTS, &none);
	expect_entry(&m, "after the event is taken back");
	free_machine(&m);
}

/* If the state is refused, the interrupt that was to be injected is not lost. */
static void test_vmx_interrupt(void)
{
	struct kvm_interrupt interrupt = { .irq = VECTOR };
	struct kvm_sregs good, bad;
	struct machine m;

	if (!wants_vmx())
		return;
	m = new_mark_machine();
	set_gate(&m, VECTOR, CODE);
	MUST(m.vcpu[0], KVM_GET_SREGS, &good);
	bad = good;
	ds_of_system(&bad);
	MUST(m.vcpu[0], KVM_SET_SREGS, &bad);
	set_regs(&m, 0, &(struct kvm_regs){ .rip = CODE, .rflags = RFLAGS_IF });
	MUST(m.vcpu[0], KVM_INTERRUPT, &interrupt);
	expect_failure(&m, INVALID_GUEST_STATE, "guest_ds_access_rights", 1);
	MUST(m.vcpu[0], KVM_SET_SREGS, &good);
	expect_entry(&m, "the handler");
	/* EFLAGS, CS and EIP are on the handler's stack. */
	check_equal(get_regs(&m, 0).rsp, STACK - 12, "the handler's stack");
	free_machine(&m);
}

/* ---- any state ---- */

#define RANDOM_STATES 4000u
/* A CPU refuses most of the random states, and enters some. */
#define RANDOM_ENOUGH (RANDOM_STATES / 20)

/* Most often attributes that segments of every mode have, sometimes some that none may have. */
static void random_segment(struct kvm_segment *segment)
{
	if (one_in(4))
		segment->type = random_number() % 16;
	if (one_in(16))
		segment->s ^= 1;
	if (one_in(8))
		segment->dpl = random_number() % 4;
	if (one_in(16))
		segment->unusable ^= 1;
	if (one_in(8))
		segment->g ^= 1;
	if (one_in(8))
		segment->limit = random_number();
	if (one_in(8))
		segment->selector = random_number();
	if (one_in(32))
		segment->base = (uint64_t)random_number() << 32 | random_number();
}

static void random_sregs(struct kvm_sregs *sregs)
{
	struct kvm_segment *const segments[] = { &sregs->cs, &sregs->ss, &sregs->ds, &sregs->es,
						 &sregs->fs, &sregs->gs, &sregs->tr, &sregs->ldt };
	unsigned int changes = 1 + random_number() % 4;

	while (changes--)
		random_segment(segments[random_number() % ARRAY_SIZE(segments)]);
	if (one_in(3))
		sregs->cr0 = one_in(2) ? 0x10 : 0x80000011;
	/* Long mode, in compatibility mode. */
	if (sregs->cr0 >> 31 && one_in(2)) {
		sregs->cr4 |= 0x20;
		sregs->efer = 0x500;
	}
	/*
	 * Bochs requires this of code; the manual required it before there were unrestricted
	 * guests.
	 */
	sregs->cs.selector = (sregs->cs.selector & ~3) | sregs->cs.dpl;
	if (one_in(32))
		sregs->gdt.base = (uint64_t)random_number() << 32;
}

/* Try one random state, and count it as refused or entered. */
static void run_random(const struct machine *m, const struct kvm_sregs *good, uint32_t *refused,
		       uint32_t *entered)
{
	struct kvm_regs regs = { .rip = CODE, .rsp = STACK };
	struct oriel_entry_report report = { 0 };
	struct kvm_sregs sregs = *good;

	random_sregs(&sregs);
	if (one_in(8))
		regs.rflags = 1u << random_number() % 22;
	/* Without interrupts, and without a single step after each instruction. */
	regs.rflags &= ~0x300ull;
	if (ioctl(m->vcpu[0], KVM_SET_SREGS, &sregs) < 0)
		return;
	set_regs(m, 0, &regs);
	if (run(m, 0) != KVM_EXIT_FAIL_ENTRY) {
		(*entered)++;
		return;
	}
	(*refused)++;
	MUST(m->vcpu[0], ORIEL_GET_ENTRY_REPORT, &report);
	if (!report.broken)
		complain("state %u is refused, and no rule is broken", *refused + *entered);
}

static void test_vmx_random(void)
{
	uint32_t refused = 0, entered = 0;
	struct kvm_sregs good;
	struct machine m;
	size_t i;

	if (!wants_vmx())
		return;
	m = new_mark_machine();
	MUST(m.vcpu[0], KVM_GET_SREGS, &good);
	/* OUT ends the guest wherever it goes. */
	for (i = 0; i < RAM_SIZE; i += 2)
		memcpy(m.ram + i, mark_code, 2);
	for (i = 0; i < RANDOM_STATES; i++)
		run_random(&m, &good, &refused, &entered);
	printf("# %u states refused, %u entered\n", refused, entered);
	check(refused >= RANDOM_ENOUGH, "too few states are refused");
	check(entered >= RANDOM_ENOUGH, "too few states are entered");
	free_machine(&m);
}

static const struct test tests[] = {
	TEST(discovery),    TEST(no_failure),	      TEST(svm_event),
	TEST(vmx_segments), TEST(vmx_rip_and_rflags), TEST(vmx_many_rules),
	TEST(vmx_event),    TEST(vmx_random),	      TEST(vmx_interrupt),
};

int main(int argc, char **argv)
{
	signal(SIGALRM, on_hang);
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
