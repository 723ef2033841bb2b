// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254: access modes, latches, read-back, counting, the speaker port's gate,
 * and IRQ 0 through the 8259A.
 */
#include "guest.h"

#define PIT_MODE 0x43
#define SPEAKER 0x61
#define IRQ0 0x20

static void irq0(struct regs *regs)
{
	irq_count[regs->vector]++;
	out8(PIC1, 0x20);
}

static u8 status(unsigned int channel)
{
	out8(PIT_MODE, 0xe0 | 2 << channel);
	return in8(0x40 + channel);
}

static u16 latched(unsigned int channel)
{
	u8 low;

	out8(PIT_MODE, channel << 6);
	low = in8(0x40 + channel);
	return low | in8(0x40 + channel) << 8;
}

static void read_back(void)
{
	out8(SPEAKER, (in8(SPEAKER) & ~2) | 1); /* channel 2's gate */
	for (unsigned int mode = 0; mode < 6; mode++) {
		out8(PIT_MODE, 0xb0 | mode << 1);
		report_eq(status(2) & 0x3f, 0x30 | mode << 1, "mode %u: status", mode);
		if (!(status(2) & 0x40))
			report_skip("this PIT has no null-count bit", "mode %u: null count", mode);
		else
			report(true, "mode %u: null count", mode);
		out8(0x42, 0x34);
		out8(0x42, 0x12);
	}
	pit_set(2, 3, 1000);
	linger();
	report_eq(status(2) & 0x7f, 0x30 | 3 << 1, "the null count goes when it is loaded");
}

/*
 * When mode 0's count ends, it continues from the top, and the value that was read is useless.
 * That can happen on a busy host: then load the count again.
 */
#define TRIES 10000

static bool at_its_end(void)
{
	return status(2) & 0x80;
}

/* Wait for a few exits: much less than a count of 0xffff. */
static void a_while(void)
{
	for (int i = 0; i < 10; i++)
		in8(PIC1 + 1);
}

static void counting_down(void)
{
	unsigned int tries = TRIES;
	u16 first, second;

	do {
		pit_set(2, 0, 0xffff);
		first = latched(2);
		a_while();
		second = latched(2);
	} while (at_its_end() && --tries);
	report(second < first, "mode 0 counts down");
	do {
		pit_set(2, 0, 0xffff);
		first = latched(2);
		out8(PIT_MODE, 0x80);
		out8(PIT_MODE, 0x80);
		a_while();
		second = in8(0x42);
		second |= in8(0x42) << 8;
	} while (at_its_end() && --tries);
	report(second <= first, "a second latch command is ignored");
}

/* Use mode 2, which never leaves the range from 1 to the count. */
static void one_byte(void)
{
	u8 byte;

	out8(PIT_MODE, 0x94);
	out8(0x42, 200);
	byte = in8(0x42);
	report(byte && byte <= 200 && !(status(2) & 0x20), "low byte only");
	out8(PIT_MODE, 0xa4);
	out8(0x42, 0x80);
	byte = in8(0x42);
	report(byte <= 0x80 && (status(2) & 0x30) == 0x20, "high byte only");
}

static void output(void)
{
	unsigned int tries = TRIES;
	bool high;

	do {
		pit_set(2, 0, 5000);
		high = in8(SPEAKER) & 0x20;
	} while (high && --tries);
	report(!high, "mode 0: OUT is low at first");
	while (!(in8(SPEAKER) & 0x20))
		cpu_relax();
	report(true, "mode 0: OUT goes high");
	report(status(2) & 0x80, "read-back has OUT as well");
}

static void counting(void)
{
	counting_down();
	one_byte();
	output();
}

static void test_gate(void)
{
	u16 first, second;

	out8(SPEAKER, in8(SPEAKER) & ~3);
	pit_set(2, 0, 0xf000);
	first = latched(2);
	linger();
	second = latched(2);
	if (first == second)
		report(true, "gate low stops channel 2");
	else
		report_skip("this PIT counts on", "gate low stops channel 2");
	out8(SPEAKER, in8(SPEAKER) | 3);
	report_eq(in8(SPEAKER) & 3, 3, "port 0x61 reads back");
	out8(SPEAKER, in8(SPEAKER) & ~3);
}

static void one_interrupt(void)
{
	irq_count[IRQ0] = 0;
	pit_set(0, 0, 3000);
	pic_mask(0xfffe);
	report(sleep_count(&irq_count[IRQ0], 1), "mode 0: IRQ 0");
	sti();
	linger();
	cli();
	report_eq(irq_count[IRQ0], 1, "mode 0: once");
	pit_set(0, 0, 3000);
	report(sleep_count(&irq_count[IRQ0], 2), "mode 0: again with a new count");
}

static void periodic_modes(void)
{
	static const u8 modes[] = { 2, 3 };

	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		irq_count[IRQ0] = 0;
		pit_set(0, modes[i], 5000);
		report(sleep_count(&irq_count[IRQ0], 10), "mode %u: 10 interrupts, asleep",
		       modes[i]);
		sti();
		report(wait_count(&irq_count[IRQ0], 15), "mode %u: and 5, awake", modes[i]);
		cli();
	}
	pit_set(0, 0, 1);
	irq_count[IRQ0] = 0;
	out8(SPEAKER, (in8(SPEAKER) & ~2) | 1);
	pit_set(2, 0, 12 * 5000);
	sti();
	while (!(status(2) & 0x80))
		cpu_relax();
	cli();
	/* One interrupt may have waited in the PIC, and mode 0 raises one itself. */
	report(irq_count[IRQ0] <= 2, "mode 0 ends it");
	pic_mask(0xffff);
}

void guest_main(void)
{
	apic_enable();
	apic_write(APIC_LVT_LINT0, APIC_ICR_EXTINT);
	trap_handler(IRQ0, irq0);
	read_back();
	counting();
	test_gate();
	one_interrupt();
	periodic_modes();
}
