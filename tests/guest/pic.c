// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8259A pair: masks, priorities, EOI commands, automatic EOI, level
 * triggering, and the way through LINT0.
 */
#include "guest.h"

#define BASE 0x20
#define TIMER (BASE + 0)
#define SERIAL (BASE + 4)
#define ELCR1 0x4d0
#define ELCR2 0x4d1

static live unsigned int order[8], taken;
static live u8 isr_inside;
static u8 eoi; /* the OCW2 that handlers write; 0: none */

static void handler(struct regs *regs)
{
	unsigned int vector = regs->vector;

	out8(PIC1, 0x0b);
	isr_inside = in8(PIC1);
	order[taken++ & 7] = vector;
	if (vector == SERIAL) {
		out8(SERIAL_PORT + 1, 0);
		in8(SERIAL_PORT + 2);
	}
	if (eoi)
		out8(PIC1, eoi == 0x60 ? eoi | (vector & 7) : eoi);
}

static u8 irr(void)
{
	out8(PIC1, 0x0a);
	return in8(PIC1);
}

static u8 isr(void)
{
	out8(PIC1, 0x0b);
	return in8(PIC1);
}

static void serial_irq(bool on)
{
	out8(SERIAL_PORT + 4, on ? 0x0b : 0x03);
	out8(SERIAL_PORT + 1, on ? 0x02 : 0x00);
	if (!on)
		in8(SERIAL_PORT + 2);
}

/* Make an edge on IRQ 0, which is pending on return. */
static void timer_irq(void)
{
	pit_set(0, 0, 200);
	if (!pic_await(1))
		report(false, "no edge from the PIT");
}

static void window(void)
{
	for (int i = 0; i < 6; i++)
		irq_window();
}

static void start(void)
{
	serial_irq(false);
	pit_stop();
	pic_init(BASE);
	out8(ELCR1, 0);
	out8(ELCR2, 0);
	taken = 0;
	eoi = 0x20;
}

static void registers(void)
{
	start();
	for (unsigned int i = 0; i < 256; i += 0x55) {
		pic_mask(i << 8 | (u8)~i);
		report(in8(PIC1 + 1) == (u8)~i && in8(PIC2 + 1) == i, "masks read back: 0x%x", i);
	}
	pic_mask(0xffff);
	out8(ELCR1, 0xff);
	out8(ELCR2, 0xff);
	report_eq(in8(ELCR1), 0xf8, "ELCR: IRQ 0, 1 and 2 stay edge");
	report_eq(in8(ELCR2), 0xde, "ELCR: IRQ 8 and 13 stay edge");
}

static void simple(void)
{
	start();
	timer_irq();
	report(irr() & 1, "IRR has IRQ 0 though it is masked");
	window();
	report_eq(taken, 0, "masked, it does not come");
	pic_mask(0xfffe);
	window();
	report(taken == 1 && order[0] == TIMER, "unmasked, it comes");
	report_eq(isr_inside, 1, "ISR inside the handler");
	report_eq(isr() | (irr() & 1), 0, "EOI clears ISR; IRR is clear");
}

static void priorities(void)
{
	start();
	serial_irq(true);
	timer_irq();
	pic_mask(0xffee);
	report_eq(irr() & 0x11, 0x11, "IRQ 0 and IRQ 4 in IRR");
	window();
	report(taken == 2 && order[0] == TIMER && order[1] == SERIAL, "IRQ 0 before IRQ 4");

	/* IRQ 4 has to wait for the EOI of IRQ 0. */
	start();
	eoi = 0;
	timer_irq();
	pic_mask(0xffee);
	window();
	serial_irq(true);
	window();
	report_eq(taken, 1, "no IRQ 4 while IRQ 0 is in service");
	out8(PIC1, 0x20);
	window();
	report(taken == 2 && order[1] == SERIAL, "non-specific EOI lets it in");
	out8(PIC1, 0x64);
	report_eq(isr(), 0, "specific EOI");
}

static void special_mask(void)
{
	start();
	eoi = 0;
	timer_irq();
	pic_mask(0xffee);
	window();
	pic_mask(0xffef);
	out8(PIC1, 0x68);
	serial_irq(true);
	window();
	report_known(taken == 2 && order[1] == SERIAL, true,
		     kvm_fault("KVM's 8259A has no special mask mode"),
		     "special mask: lower ones come");
	out8(PIC1, 0x48);
	out8(PIC1, 0x60);
	out8(PIC1, 0x64);
}

static void rotation(void)
{
	start();
	out8(PIC1, 0xc3); /* IRQ 3 is the lowest, IRQ 4 the highest */
	serial_irq(true);
	timer_irq();
	pic_mask(0xffee);
	window();
	report(taken == 2 && order[0] == SERIAL && order[1] == TIMER, "set priority");
	out8(PIC1, 0xc7);
}

static void automatic_eoi(void)
{
	start();
	out8(PIC1, 0x11);
	out8(PIC1 + 1, BASE);
	out8(PIC1 + 1, 4);
	out8(PIC1 + 1, 3);
	eoi = 0;
	timer_irq();
	pic_mask(0xffee);
	window();
	serial_irq(true);
	window();
	report_eq(taken, 2, "automatic EOI");
	report_eq(isr(), 0, "automatic EOI leaves ISR clear");
}

static void polling(void)
{
	start();
	timer_irq();
	pic_mask(0xfffe);
	out8(PIC1, 0x0c);
	report_known(in8(PIC1), 0x80, kvm_fault("KVM's 8259A leaves bit 7 clear"),
		     "poll finds IRQ 0");
	if (isr())
		report_eq(isr(), 1, "poll acknowledges");
	else
		report_skip("this 8259A leaves ISR clear", "poll acknowledges");
	out8(PIC1, 0x20);
	window();
	report_eq(taken, 0, "what was polled does not come");
}

static live unsigned int levels;

static void level_handler(struct regs *regs)
{
	(void)regs;
	if (++levels == 3)
		serial_irq(false);
	out8(PIC1, 0x20);
}

static void level_triggered(void)
{
	start();
	trap_handler(SERIAL, level_handler);
	out8(ELCR1, 0x10);
	pic_mask(0xffef);
	serial_irq(true);
	window();
	report_eq(levels, 3, "level: again until the line is down");
	report_eq(irr() & 0x10, 0, "level: IRR follows the line");
	trap_handler(SERIAL, handler);
	out8(ELCR1, 0);
}

static void through_lint0(void)
{
	start();
	timer_irq();
	pic_mask(0xfffe);
	apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED | APIC_ICR_EXTINT);
	window();
	report_eq(taken, 0, "LINT0 masked: nothing comes");
	apic_write(APIC_LVT_LINT0, APIC_ICR_EXTINT);
	window();
	report_known(taken, 1, kvm_fault("KVM looks only when something else happens"),
		     "LINT0 open: it comes");
	report(!apic_test(APIC_ISR, TIMER), "it is not in the APIC's ISR");
	/*
	 * TPR does not hold ExtINT back. CR8 is not written while an ExtINT is due: QEMU's TCG
	 * aborts if it has to ask for a virtual interrupt then (7.2, write_crN).
	 */
	start();
	write_cr8(15);
	timer_irq();
	pic_mask(0xfffe);
	window();
	report_eq(taken, 1, "TPR does not hold it back");
	write_cr8(0);
}

static void halt(void)
{
	start();
	pic_mask(0xfffe);
	pit_set(0, 0, 3000);
	while (!taken)
		sti_hlt_cli();
	report_eq(taken, 1, "it ends HLT");
	/* With the APIC off, the 8259A is wired to the CPU. */
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~APIC_BASE_ENABLE);
	pit_set(0, 0, 3000);
	while (taken < 2)
		sti_hlt_cli();
	report_eq(taken, 2, "it ends HLT with the APIC off");
}

void guest_main(void)
{
	apic_enable();
	apic_write(APIC_LVT_LINT0, APIC_ICR_EXTINT);
	trap_handler(TIMER, handler);
	trap_handler(SERIAL, handler);
	registers();
	simple();
	priorities();
	special_mask();
	rotation();
	automatic_eoi();
	polling();
	level_triggered();
	through_lint0();
	halt();
}
