// SPDX-License-Identifier: GPL-2.0-only
/* NMI: taken with IF clear, blocked until IRET, one kept; wakes HLT. */
#include "guest.h"

static live unsigned int count, depth, deepest, inside, behind_hlt;
static live u64 after_hlt;
static live enum {
	JUST_COUNT,
	SEND_TWO,
	SEND_AND_IRET,
	SEND_AND_FAULT,
	SEND_AND_FAIL_IRET,
	SEND_FROM_IRQ,
} action;

static void send(void)
{
	if (x2apic_on()) {
		wrmsr(0x830, APIC_ICR_NMI | APIC_ICR_ASSERT | rdmsr(0x802) << 32);
		return;
	}
	apic_write(APIC_ICR2, apic_read(APIC_ID));
	apic_write(APIC_ICR, APIC_ICR_NMI | APIC_ICR_ASSERT);
}

/* IRET to the next instruction, which only ends the blocking. */
static void iret_here(void)
{
	asm volatile("mov %%rsp, %%rax; mov %%ss, %%ecx; push %%rcx; push %%rax\n\t"
		     "pushf; mov %%cs, %%ecx; push %%rcx; lea 1f(%%rip), %%rax; push %%rax\n\t"
		     "iretq; 1: nop; nop"
		     :
		     :
		     : "rax", "rcx", "memory", "cc");
}

static live unsigned int gp_count;
static live u64 gp_error, gp_rflags;

/* Continue behind IRETQ, which has two bytes. */
static void on_gp(struct regs *regs)
{
	gp_count++;
	gp_error = regs->error;
	gp_rflags = regs->rflags;
	regs->rip += 2;
}

/* IRET to an invalid selector. */
static void iret_nowhere(void)
{
	asm volatile("mov %%rsp, %%rbx; mov %%ss, %%ecx; push %%rcx; push %%rbx\n\t"
		     "pushf; push $0xff8; push $0\n\t"
		     "iretq\n\t"
		     "mov %%rbx, %%rsp"
		     :
		     :
		     : "rbx", "rcx", "memory", "cc");
}

static void handler(struct regs *regs)
{
	count++;
	behind_hlt += regs->rip == after_hlt;
	if (++depth > deepest)
		deepest = depth;
	if (count == 1) {
		switch (action) {
		case SEND_TWO:
			send();
			send();
			linger();
			break;
		case SEND_AND_IRET:
			send();
			inside = count;
			iret_here();
			inside |= count << 8;
			break;
		case SEND_AND_FAULT:
			send();
			inside = count;
			attempt("ud2", :);
			asm volatile("nop; nop");
			inside |= count << 8;
			break;
		case SEND_AND_FAIL_IRET:
			send();
			iret_nowhere();
			break;
		default:
			break;
		}
	}
	depth--;
}

static void start(int what)
{
	count = 0;
	depth = 0;
	deepest = 0;
	inside = 0;
	action = what;
}

static void simple(const char *mode)
{
	start(JUST_COUNT);
	cli();
	send();
	asm volatile("nop; nop");
	report_eq(count, 1, "%s: taken with IF clear", mode);

	start(SEND_TWO);
	send();
	asm volatile("nop; nop");
	linger();
	report_eq(count, 2, "%s: two sent inside: one is kept", mode);
	report_eq(deepest, 1, "%s: none inside an NMI handler", mode);

	start(SEND_AND_IRET);
	send();
	linger();
	report_eq(inside, 0x201, "%s: IRET inside the handler ends the blocking", mode);
	report_eq(deepest, 2, "%s: and the kept one nests", mode);

	start(SEND_AND_FAULT);
	send();
	linger();
	report_eq(inside, 0x201, "%s: IRET from an exception ends the blocking too", mode);
	report_eq(count, 2, "%s: none is lost or doubled", mode);

	start(JUST_COUNT);
	for (int i = 0; i < 200; i++) {
		send();
		asm volatile("nop; nop");
	}
	report_eq(count, 200, "%s: 200 in a row", mode);
}

/* The guest must not see the hypervisor's way to notice the end of IRET. */
static void failing_iret(void)
{
	start(SEND_AND_FAIL_IRET);
	trap_handler(VEC_GP, on_gp);
	send();
	linger();
	trap_handler(VEC_GP, NULL);
	report_eq(gp_count, 1, "IRET to nowhere in an NMI handler: #GP");
	report_eq(gp_error, 0xff8, "its error code");
	report_known(gp_rflags & RFLAGS_TF, 0,
		     kvm_fault("KVM's step over the IRET is seen by the guest"), "its RFLAGS.TF");
	report_eq(count, 2, "the NMI that waited is taken");
}

static live unsigned int hlt_irq;

static void send_from_irq(struct regs *regs)
{
	(void)regs;
	hlt_irq++;
	apic_write(APIC_EOI, 0);
	send();
}

static void halt(void)
{
	/* The NMI comes from an interrupt handler, and the interrupt from HLT. */
	start(SEND_FROM_IRQ);
	trap_handler(0x40, send_from_irq);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, 0x40);
	apic_write(APIC_TIMER_INITIAL, 1000000);
	while (!hlt_irq)
		sti_hlt_cli();
	asm volatile("nop; nop");
	report_eq(count, 1, "an NMI sent by the interrupt that ended HLT");
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
}

static void halt_if_clear(void)
{
	start(JUST_COUNT);
	pit_nmi_hlt(30000, &after_hlt);
	report(count >= 1, "HLT with IF clear ends with an NMI");
	report(behind_hlt >= 1, "the NMI's return address is behind HLT");
}

static void user_loop(void *arg)
{
	(void)arg;
	while (!count)
		cpu_relax();
}

static void user_mode(void)
{
	const char *stuck = bochs_vmx_fault("Bochs' VMX: no host interrupt ends it with IF clear");
	unsigned int got;

	if (stuck) {
		report_skip(stuck, "an NMI interrupts user mode with IF clear");
		return;
	}
	start(JUST_COUNT);
	pit_nmis(true);
	pit_set(0, 0, 30000);
	got = user_run(user_loop, NULL, 0);
	report_eq(got, 0x80, "an NMI interrupts user mode with IF clear");
	pit_nmis(false);
}

/* A pending interrupt is taken after the NMI's handler, at the same instruction. */
static void both(void)
{
	start(JUST_COUNT);
	trap_handler(0x41, irq_count_handler);
	apic_self_ipi(0x41);
	send();
	asm volatile("nop; nop");
	report(count == 1 && !irq_count[0x41], "NMI first, the interrupt waits for IF");
	irq_window();
	report_eq(irq_count[0x41], 1, "then the interrupt");
}

void guest_main(void)
{
	apic_enable();
	trap_handler(VEC_NMI, handler);
	simple("xAPIC");
	if (has_x2apic()) {
		x2apic_enable();
		simple("x2APIC");
		xapic_enable();
	} else {
		report_skip("no x2APIC", "x2APIC");
	}
	failing_iret();
	halt();
	halt_if_clear();
	user_mode();
	both();
}
