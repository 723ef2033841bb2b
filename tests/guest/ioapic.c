// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOAPIC: registers, the PIT's edges, the serial port's level with remote IRR
 * and EOI, masks, destinations, and NMI delivery.
 */
#include "guest.h"

#define VECTOR 0x55
#define SERIAL_PIN 4
#define LEVEL BIT(15)
#define MASKED BIT(16)
#define REMOTE_IRR BIT(14)
#define LOGICAL BIT(11)

static unsigned int pit_pin;
static live unsigned int level_count;

static void registers(void)
{
	u32 version = ioapic_read(1);
	u64 entry = 0xa5000000000187a9 & ~LOGICAL;

	report_eq(version >> 16 & 0xff, 23, "24 pins");
	report((version & 0xff) == 0x11 || (version & 0xff) == 0x20, "version 0x%x",
	       version & 0xff);
	ioapic_write(0, 0x05000000);
	report_eq(ioapic_read(0) & 0x0f000000, 0x05000000, "the id");
	ioapic_write(0, 0);
	for (unsigned int pin = 0; pin < 24; pin++) {
		ioapic_set_entry(pin, entry | pin);
		if (ioapic_entry(pin) != (entry | pin)) {
			report_eq(ioapic_entry(pin), entry | pin, "entry %u reads back", pin);
			return;
		}
	}
	report(true, "24 entries read back");
	ioapic_set_entry(3, MASKED | LEVEL | REMOTE_IRR | BIT(12) | VECTOR);
	report_eq(ioapic_entry(3), MASKED | LEVEL | VECTOR,
		  "remote IRR and delivery status are read-only");
	for (unsigned int pin = 0; pin < 24; pin++)
		ioapic_set_entry(pin, MASKED);
}

/* One period of the PIT. Its pin is 2 if ACPI says so, else 0. */
static void pit_edges(void)
{
	static const unsigned int pins[] = { 2, 0 };

	pit_pin = 2;
	for (unsigned int i = 0; i < ARRAY_SIZE(pins); i++)
		ioapic_set_entry(pins[i], VECTOR + i);
	pit_set(0, 2, 11932);
	while (!irq_count[VECTOR] && !irq_count[VECTOR + 1])
		sti_hlt_cli();
	pit_pin = irq_count[VECTOR] ? 2 : 0;
	report(true, "the PIT is on pin %u", pit_pin);
	ioapic_set_entry(2 - pit_pin, MASKED);
	ioapic_set_entry(pit_pin, VECTOR);
	irq_window();
	irq_count[VECTOR] = 0;
	report(sleep_count(&irq_count[VECTOR], 10), "10 edges of the PIT");
	report(!(ioapic_entry(pit_pin) & REMOTE_IRR), "an edge leaves no remote IRR");

	ioapic_set_entry(pit_pin, MASKED | VECTOR);
	irq_window();
	irq_count[VECTOR] = 0;
	sti();
	linger();
	linger();
	cli();
	report_eq(irq_count[VECTOR], 0, "masked, none comes");
	ioapic_set_entry(pit_pin, VECTOR);
	report(sleep_count(&irq_count[VECTOR], 1), "unmasked, they come again");
	pit_stop();
	irq_window();
	ioapic_set_entry(pit_pin, MASKED);
}

/*
 * Make one edge of the PIT. The 8259A, all masked, gets it too and keeps it, which shows when it
 * has come.
 */
static void one_pit_edge(void)
{
	/* An edge of an earlier mode must not come after pic_init(). */
	pit_stop();
	pic_init(0x20);
	pit_set(0, 0, 100);
	if (!pic_await(1))
		report(false, "no edge from the PIT");
	/* The 8259A may get the edge before the IOAPIC does. */
	pit_stop();
}

/* Mode 0 makes one edge; while the entry is masked it is lost. */
static void lost_edge(void)
{
	irq_count[VECTOR] = 0;
	ioapic_set_entry(pit_pin, MASKED | VECTOR);
	one_pit_edge();
	ioapic_set_entry(pit_pin, VECTOR);
	irq_window();
	linger();
	irq_window();
	report_eq(irq_count[VECTOR], 0, "an edge while masked is lost");
	ioapic_set_entry(pit_pin, MASKED);
}

static void serial_irq(bool on)
{
	out8(SERIAL_PORT + 4, on ? 0x0b : 0x03);
	out8(SERIAL_PORT + 1, on ? 0x02 : 0x00);
}

/* Leave the line up until the handler has run three times. */
static void level_handler(struct regs *regs)
{
	(void)regs;
	if (++level_count == 3) {
		in8(SERIAL_PORT + 2);
		out8(SERIAL_PORT + 1, 0);
	}
	apic_write(APIC_EOI, 0);
}

static live bool inside_irr, inside_tmr;

static void level_once(struct regs *regs)
{
	inside_irr = ioapic_entry(SERIAL_PIN) & REMOTE_IRR;
	inside_tmr = apic_test(APIC_TMR, regs->vector);
	serial_irq(false);
	in8(SERIAL_PORT + 2);
	level_count++;
	apic_write(APIC_EOI, 0);
}

static void window(void)
{
	for (int i = 0; i < 8; i++)
		irq_window();
}

static void levels(void)
{
	trap_handler(VECTOR, level_once);
	ioapic_set_entry(SERIAL_PIN, LEVEL | VECTOR);
	level_count = 0;
	serial_irq(true);
	report(ioapic_entry(SERIAL_PIN) & REMOTE_IRR, "a level sets remote IRR");
	window();
	report_eq(level_count, 1, "a level that goes away comes once");
	report(inside_irr, "remote IRR is set until EOI");
	report(inside_tmr, "TMR says level");
	report(!(ioapic_entry(SERIAL_PIN) & REMOTE_IRR), "EOI clears remote IRR");

	trap_handler(VECTOR, level_handler);
	level_count = 0;
	serial_irq(true);
	window();
	report_eq(level_count, 3, "a level that stays comes again after each EOI");
	serial_irq(false);

	ioapic_set_entry(SERIAL_PIN, MASKED | LEVEL | VECTOR);
	level_count = 0;
	serial_irq(true);
	window();
	report_eq(level_count, 0, "masked, a level does not come");
	report(!(ioapic_entry(SERIAL_PIN) & REMOTE_IRR), "masked, no remote IRR");
	trap_handler(VECTOR, level_once);
	ioapic_write(0x10 + SERIAL_PIN * 2, LEVEL | VECTOR);
	window();
	report_eq(level_count, 1, "unmasked, a level that is up comes");
	ioapic_set_entry(SERIAL_PIN, MASKED);
	serial_irq(false);
}

/* SDM 3A 11.8.5: with suppression, software has to write the IOAPIC's EOI register. */
static void test_suppression(void)
{
	if (!(apic_read(APIC_VERSION) & BIT(24))) {
		report_skip("no EOI-broadcast suppression", "suppressed EOI");
		return;
	}
	trap_handler(VECTOR, level_once);
	ioapic_set_entry(SERIAL_PIN, LEVEL | VECTOR);
	apic_write(APIC_SVR, 0x11ff);
	level_count = 0;
	serial_irq(true);
	window();
	report(ioapic_entry(SERIAL_PIN) & REMOTE_IRR, "suppressed EOI: remote IRR stays");
	*(live u32 *)(IOAPIC_BASE + 0x40) = VECTOR;
	report(!(ioapic_entry(SERIAL_PIN) & REMOTE_IRR), "IOAPIC EOI register clears it");
	apic_write(APIC_SVR, 0x1ff);
	ioapic_set_entry(SERIAL_PIN, MASKED);
}

/* One edge of the PIT, sent as @entry says. */
static void one_edge(u64 entry)
{
	irq_count[VECTOR] = 0;
	ioapic_set_entry(pit_pin, entry);
	one_pit_edge();
	window();
	ioapic_set_entry(pit_pin, MASKED);
}

static live unsigned int nmis;

static void nmi(struct regs *regs)
{
	(void)regs;
	nmis++;
}

static void destinations(void)
{
	u64 id = apic_read(APIC_ID) >> 24;

	trap_handler(VECTOR, irq_count_handler);
	one_edge(id << 56 | VECTOR);
	report_eq(irq_count[VECTOR], 1, "physical destination, this CPU");
	one_edge((id + 1) << 56 | VECTOR);
	report_eq(irq_count[VECTOR], 0, "physical destination, nobody");
	one_edge(0xffULL << 56 | VECTOR);
	report_eq(irq_count[VECTOR], 1, "physical broadcast");
	apic_write(APIC_DFR, 0xffffffff);
	apic_write(APIC_LDR, 0x08000000);
	one_edge(0x08ULL << 56 | LOGICAL | VECTOR);
	report_eq(irq_count[VECTOR], 1, "logical destination, this CPU");
	one_edge(0xf7ULL << 56 | LOGICAL | VECTOR);
	report_eq(irq_count[VECTOR], 0, "logical destination, others");
	one_edge(id << 56 | 0x100 | VECTOR);
	report_eq(irq_count[VECTOR], 1, "lowest priority");
	trap_handler(VEC_NMI, nmi);
	one_edge(id << 56 | APIC_ICR_NMI | VECTOR);
	report(nmis == 1 && !irq_count[VECTOR], "delivery mode NMI");
	ioapic_set_entry(pit_pin, MASKED);
}

void guest_main(void)
{
	apic_enable();
	trap_handler(VECTOR, irq_count_handler);
	trap_handler(VECTOR + 1, irq_count_handler);
	registers();
	pit_edges();
	lost_edge();
	destinations();
	levels();
	test_suppression();
}
