// SPDX-License-Identifier: GPL-2.0-only
/* HLT: only an interrupt or NMI ends it, and none is lost on the way to sleep. */
#include "guest.h"

#define TIMER 0x45

static live u64 irq_rip;

static void record(struct regs *regs)
{
	irq_rip = regs->rip;
	irq_count_handler(regs);
}

static void simple(void)
{
	u64 behind;

	apic_write(APIC_TIMER_INITIAL, 2000000);
	asm volatile("sti; hlt; 1: cli; lea 1b(%%rip), %0" : "=r"(behind) : : "memory");
	report_eq(irq_count[TIMER], 1, "HLT ends with a timer interrupt");
	report_eq(irq_rip, behind, "its return address is behind HLT");
}

static void test_pending(void)
{
	irq_count[TIMER] = 0;
	apic_self_ipi(TIMER);
	sti_hlt_cli();
	report_eq(irq_count[TIMER], 1, "HLT with an interrupt pending does not sleep");
}

/* Deadlines from long past to soon: each must end its HLT, at whatever instruction it comes. */
static void no_lost_wakeup(void)
{
	irq_count[TIMER] = 0;
	for (unsigned int i = 0; i < 300; i++) {
		apic_write(APIC_TIMER_INITIAL, 1 + i * 97);
		sti_hlt_cli();
		while (irq_count[TIMER] <= i)
			sti_hlt_cli();
	}
	report_eq(irq_count[TIMER], 300, "300 timers, from at once to soon, none lost");
}

/* The period is longer than the handler takes, even on a slow host. */
static void periodic(void)
{
	irq_count[TIMER] = 0;
	apic_write(APIC_LVT_TIMER, APIC_TIMER_PERIODIC | TIMER);
	apic_write(APIC_TIMER_INITIAL, 5000000);
	report(sleep_count(&irq_count[TIMER], 50), "50 periods asleep");
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_LVT_TIMER, TIMER);
	irq_window();
}

/* A blocked interrupt does not end HLT, but the timer after it does. */
static void blocked(void)
{
	trap_handler(0x35, irq_count_handler);
	irq_count[TIMER] = 0;
	write_cr8(3);
	apic_self_ipi(0x35);
	apic_write(APIC_TIMER_INITIAL, 1000000);
	sti_hlt_cli();
	report(irq_count[TIMER] == 1 && !irq_count[0x35], "TPR holds back while asleep");
	write_cr8(0);
	irq_window();
	report_eq(irq_count[0x35], 1, "and lets it in afterwards");
}

static live unsigned int nmis;
static live u64 behind_hlt;

static void nmi(struct regs *regs)
{
	nmis += regs->rip == behind_hlt;
}

/* IF is clear and an interrupt is pending: only an NMI may end HLT. */
static void with_if_clear(void)
{
	trap_handler(VEC_NMI, nmi);
	irq_count[TIMER] = 0;
	apic_self_ipi(TIMER);
	pit_nmi_hlt(20000, &behind_hlt);
	report(nmis >= 1 && !irq_count[TIMER], "with IF clear an NMI ends it, no interrupt does");
	irq_window();
	report_eq(irq_count[TIMER], 1, "the interrupt is still there");
}

/* The registers of a vCPU stay the same while it sleeps, and perhaps changes CPU. */
static void test_registers(void)
{
	u64 sum = 0;

	apic_write(APIC_TIMER_INITIAL, 1000000);
	asm volatile("mov $0x1111, %%rbx; mov $0x2222, %%rsi; mov $0x3333, %%r8\n\t"
		     "mov $0x4444, %%r12; mov $0x5555, %%r15\n\t"
		     "sti; hlt; cli\n\t"
		     "lea (%%rbx,%%rsi), %0; add %%r8, %0; add %%r12, %0; add %%r15, %0"
		     : "=&r"(sum)
		     :
		     : "rbx", "rsi", "r8", "r12", "r15", "memory");
	report_eq(sum, 0xffff, "registers survive HLT");
}

void guest_main(void)
{
	apic_enable();
	trap_handler(TIMER, record);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, TIMER);
	simple();
	test_pending();
	no_lost_wakeup();
	periodic();
	blocked();
	with_if_clear();
	test_registers();
}
