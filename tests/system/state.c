// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's state as userspace reads and writes it: registers with PDPTEs, events on
 * their way in, and registers in struct kvm_run. KTAP on stdout.
 *
 *	state [-d /dev/oriel]
 *
 * It passes on the in-tree KVM as well, which confirms its expectations.
 */
#include <stddef.h>

#include "rawvm.h"

#define PORT_MARK 0x50
#define PORT_HANDLER 0x51

/* In RAM: the tables of PAE paging. */
#define PDPT 0x5000UL
#define DIRECTORY 0x6000UL

#define RFLAGS_TF 0x100u
#define CR0_PG 0x80000000UL
#define CR4_PAE 0x20UL
#define PRESENT_WRITABLE 3
#define LARGE_PAGE 0x80

GUEST_CODE(mark_code, "1: out %al, $0x50\n"
		      "jmp 1b");

/* Reads memory at %esi. */
GUEST_CODE(load_code, "1: mov (%esi), %eax\n"
		      "out %al, $0x50\n"
		      "jmp 1b");

/* At 0 the interrupted code; at 32 a handler that shows CR2, DR6 and its return address. */
GUEST_CODE(handler_code, "1: out %al, $0x50\n"
			 "jmp 1b\n"
			 ".org handler_code + 16\n"
			 "int3\n"
			 "out %al, $0x50\n"
			 ".org handler_code + 32\n"
			 "mov %cr2, %eax\n"
			 "mov %dr6, %ebx\n"
			 "mov (%esp), %ecx\n"
			 "mov 4(%esp), %edx\n"
			 "out %al, $0x51\n"
			 "hlt");
/* At 32 a handler that continues with a stack where there is no memory. */
GUEST_CODE(lost_stack_code, "1: out %al, $0x50\n"
			    "jmp 1b\n"
			    ".org lost_stack_code + 32\n"
			    "out %al, $0x51\n"
			    "mov $0x10000000, %esp\n"
			    "iret");
#define AT_INT3 (CODE + 16)
#define HANDLER (CODE + 32)

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

/* Map the first 2 MiB onto themselves through the directory, if the PDPTE is present. */
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

/* On Intel the PDPTEs are registers: memory may have changed since they were loaded. */
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

/* ---- KVM_GET_VCPU_EVENTS and KVM_SET_VCPU_EVENTS ---- */

static void enable(const struct machine *m, uint32_t cap)
{
	struct kvm_enable_cap enable = { .cap = cap, .args = { 1 } };

	MUST(m->vm, KVM_ENABLE_CAP, &enable);
}

static struct kvm_vcpu_events get_events(const struct machine *m)
{
	struct kvm_vcpu_events events = { 0 };

	MUST(m->vcpu[0], KVM_GET_VCPU_EVENTS, &events);
	return events;
}

static uint64_t get_cr2(const struct machine *m)
{
	struct kvm_sregs sregs = { 0 };

	MUST(m->vcpu[0], KVM_GET_SREGS, &sregs);
	return sregs.cr2;
}

static uint64_t get_dr6(const struct machine *m)
{
	struct kvm_debugregs regs = { 0 };

	MUST(m->vcpu[0], KVM_GET_DEBUGREGS, &regs);
	return regs.dr6;
}

/* Make a machine whose handler gets an exception. */
static struct machine handling_machine(unsigned int vector, uint64_t rip)
{
	struct machine m = MACHINE(false, handler);
	struct kvm_regs regs = { .rip = rip };

	set_gate(&m, vector, HANDLER);
	set_regs(&m, 0, &regs);
	return m;
}

static void test_events_flags(void)
{
	struct machine m = MACHINE(false, mark);
	struct kvm_vcpu_events events = get_events(&m);

	check(!(events.flags & KVM_VCPUEVENT_VALID_PAYLOAD), "a payload that was not asked for");
	events.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	expect_errno(ioctl(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events), EINVAL,
		     "a payload before KVM_ENABLE_CAP");
	events.flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	expect_errno(ioctl(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events), EINVAL,
		     "a triple fault before KVM_ENABLE_CAP");
	events.flags = KVM_VCPUEVENT_VALID_SMM;
	MUST(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events);
	start(&m);
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs");
	free_machine(&m);
}

static void test_events_bad_exception(void)
{
	struct machine m = MACHINE(false, mark);
	struct kvm_vcpu_events events;

	if (missing(KVM_CAP_EXCEPTION_PAYLOAD, "no KVM_CAP_EXCEPTION_PAYLOAD"))
		goto out;
	enable(&m, KVM_CAP_EXCEPTION_PAYLOAD);
	events = get_events(&m);
	check(events.flags & KVM_VCPUEVENT_VALID_PAYLOAD, "KVM_VCPUEVENT_VALID_PAYLOAD");
	events.exception.pending = 1;
	events.exception.nr = 32;
	expect_errno(ioctl(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events), EINVAL, "exception 32");
	events.exception.nr = 2;
	expect_errno(ioctl(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events), EINVAL, "an NMI");
out:
	free_machine(&m);
}

/* Let an exception wait. CR2 and DR6 do not have its values before the guest runs. */
static struct machine pending_exception(unsigned int vector, bool has_payload, uint64_t payload)
{
	struct machine m = handling_machine(vector, CODE);
	uint64_t cr2 = get_cr2(&m), dr6 = get_dr6(&m);
	struct kvm_vcpu_events events;

	enable(&m, KVM_CAP_EXCEPTION_PAYLOAD);
	events = get_events(&m);
	events.exception.pending = 1;
	events.exception.nr = vector;
	events.exception.has_error_code = vector == 14;
	events.exception_has_payload = has_payload;
	events.exception_payload = payload;
	MUST(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events);
	events = get_events(&m);
	check_equal(events.exception.pending, 1, "pending");
	check_equal(events.exception.injected, 0, "injected");
	check_equal(events.exception.nr, vector, "vector");
	check_equal(events.exception_has_payload, has_payload, "has a payload");
	check_equal(get_cr2(&m), cr2, "CR2 before it is delivered");
	check_equal(get_dr6(&m), dr6, "DR6 before it is delivered");
	expect_port(&m, run(&m, 0), PORT_HANDLER, "it is delivered");
	events = get_events(&m);
	check_equal(events.exception.pending, 0, "pending afterwards");
	return m;
}

static void check_cr2(uint64_t got, uint64_t want)
{
	if (on_bochs_svm())
		skipped = "Bochs' SVM loses the CR2 of a #PF that is injected";
	else
		check_equal(got, want, "CR2");
}

static void test_payload_is_cr2(void)
{
	struct machine m;

	if (missing(KVM_CAP_EXCEPTION_PAYLOAD, "no KVM_CAP_EXCEPTION_PAYLOAD"))
		return;
	m = pending_exception(14, true, 0xdead0000);
	check_cr2(get_regs(&m, 0).rax, 0xdead0000);
	/* The error code, then RIP. */
	check_equal(get_regs(&m, 0).rdx, CODE, "where it returns to");
	free_machine(&m);
}

static void test_payload_is_dr6(void)
{
	struct machine m;

	if (missing(KVM_CAP_EXCEPTION_PAYLOAD, "no KVM_CAP_EXCEPTION_PAYLOAD"))
		return;
	m = pending_exception(1, true, 1 << 14 | 2);
	check_equal(get_regs(&m, 0).rbx, 0xffff4ff2, "DR6");
	check_equal(get_regs(&m, 0).rcx, CODE, "where it returns to");
	free_machine(&m);
}

static void test_payload_may_be_absent(void)
{
	struct machine m;

	if (missing(KVM_CAP_EXCEPTION_PAYLOAD, "no KVM_CAP_EXCEPTION_PAYLOAD"))
		return;
	m = pending_exception(1, false, 1 << 14);
	check_equal(get_regs(&m, 0).rbx, 0xffff0ff0, "DR6");
	free_machine(&m);
	m = pending_exception(14, false, 0xdead0000);
	check_cr2(get_regs(&m, 0).rax, 0);
	free_machine(&m);
}

/* A #BP of the INT3 at RIP: its handler returns behind the INT3. */
static void test_breakpoint_is_handed_on(void)
{
	struct machine m = handling_machine(3, AT_INT3);
	struct kvm_vcpu_events events = get_events(&m);

	events.exception.injected = 1;
	events.exception.nr = 3;
	MUST(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events);
	expect_port(&m, run(&m, 0), PORT_HANDLER, "it is delivered");
	check_equal(get_regs(&m, 0).rcx, AT_INT3 + 1, "where it returns to");
	free_machine(&m);
}

static void test_triple_fault_waits(void)
{
	struct machine m = MACHINE(false, mark);
	struct kvm_vcpu_events events;

	if (missing(KVM_CAP_X86_TRIPLE_FAULT_EVENT, "no KVM_CAP_X86_TRIPLE_FAULT_EVENT"))
		goto out;
	enable(&m, KVM_CAP_X86_TRIPLE_FAULT_EVENT);
	start(&m);
	events = get_events(&m);
	check(events.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT, "KVM_VCPUEVENT_VALID_TRIPLE_FAULT");
	check_equal(events.triple_fault.pending, 0, "pending");
	events.triple_fault.pending = 1;
	MUST(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events);
	check_equal(get_events(&m).triple_fault.pending, 1, "pending once it was set");
	events.triple_fault.pending = 0;
	MUST(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events);
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs when it was taken back");
	events = get_events(&m);
	events.triple_fault.pending = 1;
	MUST(m.vcpu[0], KVM_SET_VCPU_EVENTS, &events);
	check_equal(run(&m, 0), KVM_EXIT_SHUTDOWN, "it shuts down");
	check_equal(get_events(&m).triple_fault.pending, 0, "pending afterwards");
out:
	free_machine(&m);
}

/*
 * An NMI waits for the IRET of the NMI before it, and the IRET cannot be executed. The way to
 * notice the end of the blocking must not show in the registers.
 */
static void test_nmi_waits_for_iret(void)
{
	struct machine m;

	if (bochs_svm_cannot("Bochs' SVM: an injected NMI hangs"))
		return;
	m = MACHINE(false, lost_stack);
	set_gate(&m, 2, HANDLER);
	start(&m);
	expect_port(&m, run(&m, 0), PORT_MARK, "before the NMI");
	MUST(m.vcpu[0], KVM_NMI, 0);
	expect_port(&m, run(&m, 0), PORT_HANDLER, "the NMI");
	MUST(m.vcpu[0], KVM_NMI, 0);
	check_equal(run(&m, 0), KVM_EXIT_INTERNAL_ERROR, "IRET");
	check_equal(get_regs(&m, 0).rflags & RFLAGS_TF, 0, "RFLAGS.TF");
	check_equal(get_events(&m).nmi.pending, 1, "NMIs that wait");
	free_machine(&m);
}

/* ---- registers in struct kvm_run ---- */

#define ALL_GROUPS (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)

static void test_sync_regs_refused(void)
{
	struct machine m = MACHINE(false, mark);
	struct kvm_run *r = m.run[0];

	if (missing(KVM_CAP_SYNC_REGS, "no KVM_CAP_SYNC_REGS"))
		goto out;
	check_equal(extension(KVM_CAP_SYNC_REGS), ALL_GROUPS, "KVM_CAP_SYNC_REGS");
	start(&m);
	r->kvm_valid_regs = ALL_GROUPS | 8;
	check_equal(-run_once(&m, 0), EINVAL, "an unknown group to be shown");
	r->kvm_valid_regs = 0;
	r->kvm_dirty_regs = 1ull << 63;
	check_equal(-run_once(&m, 0), EINVAL, "an unknown group to be taken");
	MUST(m.vcpu[0], KVM_GET_SREGS, &r->s.regs.sregs);
	r->s.regs.sregs.cr4 |= 1ull << 63;
	r->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
	check_equal(-run_once(&m, 0), EINVAL, "CR4 bit 63");
	r->s.regs.events.flags = 1u << 31;
	r->kvm_dirty_regs = KVM_SYNC_X86_EVENTS;
	check_equal(-run_once(&m, 0), EINVAL, "an unknown flag of events");
	r->kvm_dirty_regs = 0;
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs");
out:
	free_machine(&m);
}

static void test_sync_regs_shown(void)
{
	struct machine m = MACHINE(false, load);
	struct kvm_sync_regs *shown = &m.run[0]->s.regs;
	struct kvm_vcpu_events events = { 0 };
	struct kvm_sregs sregs = { 0 };
	struct kvm_regs regs;

	if (missing(KVM_CAP_SYNC_REGS, "no KVM_CAP_SYNC_REGS"))
		goto out;
	start(&m);
	*ram_u32(&m, DATA) = 0x600d;
	memset(shown, 0x55, sizeof(*shown));
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs");
	check_equal(shown->regs.rax, 0x5555555555555555, "what was not asked for");
	memset(shown, 0, sizeof(*shown));
	m.run[0]->kvm_valid_regs = ALL_GROUPS;
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs on");
	regs = get_regs(&m, 0);
	MUST(m.vcpu[0], KVM_GET_SREGS, &sregs);
	MUST(m.vcpu[0], KVM_GET_VCPU_EVENTS, &events);
	check_equal(shown->regs.rax, 0x600d, "RAX");
	check(!memcmp(&shown->regs, &regs, sizeof(regs)), "registers");
	check(!memcmp(&shown->sregs, &sregs, sizeof(sregs)), "system registers");
	check(!memcmp(&shown->events, &events, sizeof(events)), "events");
	settle(&m, 0);
	check_equal(shown->regs.rip, get_regs(&m, 0).rip, "also when it is interrupted");
out:
	free_machine(&m);
}

static void test_sync_regs_taken(void)
{
	struct machine m = MACHINE(false, load);
	struct kvm_run *r = m.run[0];

	if (missing(KVM_CAP_SYNC_REGS, "no KVM_CAP_SYNC_REGS"))
		goto out;
	*ram_u32(&m, DATA) = 0x600d;
	MUST(m.vcpu[0], KVM_GET_SREGS, &r->s.regs.sregs);
	r->s.regs.regs = (struct kvm_regs){ .rip = CODE, .rflags = 2, .rsi = DATA - 0x100 };
	r->s.regs.sregs.ds.base = 0x100;
	r->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs");
	check_equal(get_regs(&m, 0).rax, 0x600d, "RAX");
	check_equal(r->kvm_dirty_regs, 0, "kvm_dirty_regs");
	/* Without its bit no group is taken. */
	r->s.regs.regs.rip = 0;
	check_equal(run(&m, 0), KVM_EXIT_IO, "it runs on");
out:
	free_machine(&m);
}

/* ---- KVM_GET_MP_STATE ---- */

#define MSI_NMI 0x400
#define MSI_INIT 0x500
#define MSI_STARTUP 0x600

static void signal_msi(const struct machine *m, uint32_t apic_id, uint32_t data)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000 | apic_id << 12, .data = data };

	check_equal(ioctl(m->vm, KVM_SIGNAL_MSI, &msi), 1, "KVM_SIGNAL_MSI");
}

/* The in-tree KVM finds a new local APIC only after its state was set. */
static struct machine two_processors(void)
{
	struct machine m = new_machine(2, true, mark_code, mark_code_end);
	struct kvm_lapic_state lapic = { 0 };

	MUST(m.vcpu[1], KVM_GET_LAPIC, &lapic);
	MUST(m.vcpu[1], KVM_SET_LAPIC, &lapic);
	return m;
}

static uint32_t get_mp_state(const struct machine *m, unsigned int i)
{
	struct kvm_mp_state state = { .mp_state = ~0u };

	MUST(m->vcpu[i], KVM_GET_MP_STATE, &state);
	return state.mp_state;
}

static void test_init_ends_run(void)
{
	struct machine m = two_processors();

	signal_msi(&m, 1, MSI_INIT);
	check_equal(-run_once(&m, 1), EAGAIN, "KVM_RUN of an uninitialized processor");
	check_equal(get_mp_state(&m, 1), KVM_MP_STATE_INIT_RECEIVED, "after it");
	signal_msi(&m, 1, MSI_STARTUP | CODE >> 12);
	check_equal(run(&m, 1), KVM_EXIT_IO, "it runs");
	free_machine(&m);
}

#define SOFT_VECTOR 0x40

/* The handler runs, and returns to the RIP that userspace has set with the INT n. */
static void expect_soft_interrupt(const struct machine *m, uint64_t rip, const char *what)
{
	struct kvm_vcpu_events events = get_events(m);
	struct kvm_regs regs = { .rip = rip };

	set_regs(m, 0, &regs);
	events.interrupt.injected = 1;
	events.interrupt.soft = 1;
	events.interrupt.nr = SOFT_VECTOR;
	MUST(m->vcpu[0], KVM_SET_VCPU_EVENTS, &events);
	expect_port(m, run(m, 0), PORT_HANDLER, what);
	check_equal(get_regs(m, 0).rcx, rip, what);
	check_equal(get_events(m).interrupt.injected, 0, "injected afterwards");
}

/* No memory is mapped for the guest yet, so exits cut the first delivery short. */
static void test_soft_interrupt_is_delivered(void)
{
	struct machine m = handling_machine(SOFT_VECTOR, CODE);

	expect_soft_interrupt(&m, CODE + 3, "the first INT n");
	expect_soft_interrupt(&m, CODE + 7, "the second");
	free_machine(&m);
}

/* The state that can be saved includes an INIT or SIPI that has arrived. */
static void test_mp_state_has_what_arrived(void)
{
	struct machine m = two_processors();
	struct kvm_sregs sregs = { 0 };

	check_equal(get_mp_state(&m, 0), KVM_MP_STATE_RUNNABLE, "the bootstrap processor");
	check_equal(get_mp_state(&m, 1), KVM_MP_STATE_UNINITIALIZED, "another");
	signal_msi(&m, 1, MSI_INIT);
	check_equal(get_mp_state(&m, 1), KVM_MP_STATE_INIT_RECEIVED, "after an INIT");
	signal_msi(&m, 1, MSI_STARTUP | CODE >> 12);
	check_equal(get_mp_state(&m, 1), KVM_MP_STATE_RUNNABLE, "after a SIPI");
	MUST(m.vcpu[1], KVM_GET_SREGS, &sregs);
	check_equal(sregs.cs.base, CODE, "the base of CS");
	check_equal(get_regs(&m, 1).rip, 0, "RIP");
	check_equal(run(&m, 1), KVM_EXIT_IO, "it runs");
	free_machine(&m);
}

static uint8_t pending_nmis(const struct machine *m, unsigned int i)
{
	struct kvm_vcpu_events events = { 0 };

	MUST(m->vcpu[i], KVM_GET_VCPU_EVENTS, &events);
	return events.nmi.pending;
}

/* NMIs that another processor sent are in the events, whatever is read first. */
static void test_events_have_what_arrived(void)
{
	struct machine m = two_processors();

	signal_msi(&m, 1, MSI_NMI);
	check_equal(pending_nmis(&m, 1), 1, "an NMI");
	check_equal(get_mp_state(&m, 1), KVM_MP_STATE_UNINITIALIZED, "the other state");
	check_equal(pending_nmis(&m, 1), 1, "after it was read");
	free_machine(&m);
	m = two_processors();
	signal_msi(&m, 1, MSI_NMI);
	signal_msi(&m, 1, MSI_NMI);
	/* Linux 6.1 does not tell how many there are. */
	check_equal(pending_nmis(&m, 1), on_oriel() ? 2 : 1, "two NMIs");
	free_machine(&m);
}

static void test_init_ends_nmi(void)
{
	struct machine m = two_processors();

	signal_msi(&m, 1, MSI_NMI);
	signal_msi(&m, 1, MSI_INIT);
	check_equal(get_mp_state(&m, 1), KVM_MP_STATE_INIT_RECEIVED, "after an INIT");
	check_equal(pending_nmis(&m, 1), 0, "an NMI from before it");
	free_machine(&m);
}

static const struct test tests[] = {
	/* Registers. */
	TEST(sregs2_is_sregs),
	TEST(sregs2_refused),
	TEST(sregs2_reads_pdptes),
	TEST(sregs2_brings_pdptes),
	/* Events. */
	TEST(events_flags),
	TEST(events_bad_exception),
	TEST(payload_is_cr2),
	TEST(payload_is_dr6),
	TEST(payload_may_be_absent),
	TEST(breakpoint_is_handed_on),
	TEST(triple_fault_waits),
	TEST(nmi_waits_for_iret),
	TEST(soft_interrupt_is_delivered),
	/* The rest. */
	TEST(sync_regs_refused),
	TEST(sync_regs_shown),
	TEST(sync_regs_taken),
	TEST(init_ends_run),
	TEST(mp_state_has_what_arrived),
	TEST(events_have_what_arrived),
	TEST(init_ends_nmi),
};

int main(int argc, char **argv)
{
	return run_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
