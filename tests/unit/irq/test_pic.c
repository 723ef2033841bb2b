// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two 8259A: initialization, priorities, each EOI and rotation command,
 * special modes, polling, the cascade, edge and level, saved state.
 */
#include "irq_fixture.h"

#define MASTER 0x20
#define SLAVE 0xa0
#define USER IRQ_SOURCE_USER

static struct fixture *f;
static struct pic *pic;

static u8 in(u16 port)
{
	return pic_pio_read(pic, port);
}

static void out(u16 port, u8 val)
{
	pic_pio_write(pic, port, val);
}

/* Initialize as a PC's firmware does: vectors 0x20 and 0x28, all pins unmasked. */
static void init_pic(u8 icw4)
{
	out(MASTER, 0x11);
	out(MASTER + 1, 0x20);
	out(MASTER + 1, 0x04);
	out(MASTER + 1, icw4);
	out(SLAVE, 0x11);
	out(SLAVE + 1, 0x28);
	out(SLAVE + 1, 0x02);
	out(SLAVE + 1, icw4);
	out(MASTER + 1, 0);
	out(SLAVE + 1, 0);
}

static int setup(void **state)
{
	(void)state;
	f = fixture_create(1);
	pic = f->fabric.pic;
	init_pic(0x01);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_destroy(f);
	return 0;
}

static int set_pin(unsigned int pin, bool level)
{
	return pic_set_irq(pic, pin, level ? LINE_RAISE : LINE_LOWER, USER);
}

static int pulse(unsigned int pin)
{
	int result = set_pin(pin, true);

	set_pin(pin, false);
	return result;
}

/* Return the vector of an INTA if INTR is asserted, else -1. */
static int ack(void)
{
	return fabric_pic_pending(&f->fabric) ? fabric_pic_ack(&f->fabric) : -1;
}

static u8 isr(u16 port)
{
	out(port, 0x0b);
	return in(port);
}

static u8 irr(u16 port)
{
	out(port, 0x0a);
	return in(port);
}

static void test_ports(void **state)
{
	(void)state;
	for (unsigned int port = 0; port < 0x10000; port++) {
		bool mine = port == 0x20 || port == 0x21 || port == 0xa0 || port == 0xa1 ||
			    port == 0x4d0 || port == 0x4d1;

		assert_int_equal(pic_covers((u16)port), mine);
	}
}

static void test_each_line(void **state)
{
	(void)state;
	for (unsigned int pin = 0; pin < 16; pin++) {
		if (pin == 2)
			continue;
		assert_int_equal(ack(), -1);
		assert_int_equal(pulse(pin), 1);
		assert_int_equal(pulse(pin), 0);
		assert_int_equal(irr(pin < 8 ? MASTER : SLAVE), 1u << (pin & 7));
		assert_int_equal(ack(), 0x20 + pin);
		assert_int_equal(irr(pin < 8 ? MASTER : SLAVE), 0);
		assert_int_equal(isr(pin < 8 ? MASTER : SLAVE), 1u << (pin & 7));
		assert_int_equal(isr(MASTER), pin < 8 ? 1u << pin : 4);
		assert_int_equal(ack(), -1);
		if (pin >= 8)
			out(SLAVE, 0x20);
		out(MASTER, 0x20);
		assert_int_equal(isr(MASTER) | isr(SLAVE), 0);
	}
}

static void test_kicks_bsp(void **state)
{
	(void)state;
	f->vcpu[0].kicks = 0;
	pulse(3);
	assert_int_equal(f->vcpu[0].kicks, 1);
	assert_true(fabric_pic_pending(&f->fabric));
	assert_true(lapic_accepts_extint(f->vcpu[0].lapic));
	assert_int_equal(fabric_pic_ack(&f->fabric), 0x23);
	assert_false(fabric_pic_pending(&f->fabric));
	/* LINT0 does what its LVT says. */
	out(MASTER, 0x20);
	enable_xapic(f->vcpu[0].lapic);
	xwrite(f->vcpu[0].lapic, LAPIC_LVT_LINT0, 0x400);
	pulse(3);
	assert_int_equal(lapic_take_events(f->vcpu[0].lapic), LAPIC_EVENT_NMI);
}

static void test_fixed_priorities(void **state)
{
	static const int order[] = { 0, 1, 8, 9, 10, 11, 12, 13, 14, 15, 3, 4, 5, 6, 7 };

	(void)state;
	for (unsigned int pin = 0; pin < 16; pin++)
		pulse(pin);
	for (unsigned int i = 0; i < ARRAY_SIZE(order); i++) {
		assert_int_equal(ack(), 0x20 + order[i]);
		assert_int_equal(ack(), -1); /* the other requests have lower priority */
		if (order[i] >= 8)
			out(SLAVE, 0x20);
		out(MASTER, 0x20);
	}
	assert_int_equal(ack(), -1);
}

static void test_nesting(void **state)
{
	(void)state;
	pulse(5);
	assert_int_equal(ack(), 0x25);
	pulse(6);
	assert_int_equal(ack(), -1);
	pulse(3);
	assert_int_equal(ack(), 0x23);
	assert_int_equal(isr(MASTER), 0x28);
	out(MASTER, 0x20); /* non-specific: ends the highest */
	assert_int_equal(isr(MASTER), 0x20);
	out(MASTER, 0x20);
	assert_int_equal(ack(), 0x26);
}

static void test_mask(void **state)
{
	(void)state;
	out(MASTER + 1, 0x08);
	assert_int_equal(in(MASTER + 1), 0x08);
	assert_int_equal(pulse(3), -1);
	assert_int_equal(ack(), -1);
	assert_int_equal(irr(MASTER), 0x08); /* latched although masked */
	out(MASTER + 1, 0x00);
	assert_int_equal(ack(), 0x23);
	out(MASTER, 0x20);
	/* The cascade masks the whole slave. */
	out(MASTER + 1, 0x04);
	pulse(12);
	assert_int_equal(ack(), -1);
	out(MASTER + 1, 0x00);
	assert_int_equal(ack(), 0x2c);
}

static void test_eoi_commands(void **state)
{
	(void)state;
	pulse(6);
	assert_int_equal(ack(), 0x26);
	pulse(4);
	assert_int_equal(ack(), 0x24);
	out(MASTER, 0x66); /* specific: the lower of the two */
	assert_int_equal(isr(MASTER), 0x10);
	out(MASTER, 0x40); /* no operation */
	assert_int_equal(isr(MASTER), 0x10);
	out(MASTER, 0xe4); /* rotate on specific: 4 is lowest now */
	assert_int_equal(isr(MASTER), 0);
	pulse(4);
	pulse(5);
	assert_int_equal(ack(), 0x25);
	out(MASTER, 0xa0); /* rotate on non-specific: 5 is lowest */
	pulse(5);
	assert_int_equal(ack(), 0x24);
	out(MASTER, 0x20);
	assert_int_equal(ack(), 0x25);
	out(MASTER, 0x20);
	out(MASTER, 0xc7); /* set priority: 7 lowest again */
	pulse(1);
	pulse(7);
	assert_int_equal(ack(), 0x21);
	out(MASTER, 0x20);
	assert_int_equal(ack(), 0x27);
}

static void test_auto_eoi(void **state)
{
	(void)state;
	init_pic(0x03);
	pulse(4);
	pulse(11);
	assert_int_equal(ack(), 0x2b);
	assert_int_equal(isr(MASTER) | isr(SLAVE), 0);
	assert_int_equal(ack(), 0x24);
	assert_int_equal(isr(MASTER), 0);
	/* Two requests of the slave: its INT falls and rises between them. */
	pulse(9);
	pulse(14);
	assert_int_equal(ack(), 0x29);
	assert_int_equal(ack(), 0x2e);
	assert_int_equal(ack(), -1);
}

static unsigned int acks;

static void count_ack(struct irq_ack *ack)
{
	assert_int_equal(ack->gsi, 8);
	acks++;
}

/* In AEOI mode listeners are told at the INTA. */
static void test_auto_eoi_is_told(void **state)
{
	struct irq_ack listener = { .gsi = 8, .acked = count_ack };

	(void)state;
	acks = 0;
	fabric_add_ack(&f->fabric, &listener);
	init_pic(0x03);
	pulse(1);
	pulse(8);
	assert_int_equal(ack(), 0x21);
	assert_int_equal(acks, 0);
	assert_int_equal(ack(), 0x28);
	assert_int_equal(acks, 1);
	/* A poll acknowledges too. */
	pulse(8);
	out(SLAVE, 0x0c);
	assert_int_equal(in(SLAVE), 0x80);
	assert_int_equal(acks, 2);
	fabric_remove_ack(&f->fabric, &listener);
}

static void test_rotate_on_auto_eoi(void **state)
{
	(void)state;
	init_pic(0x03);
	out(MASTER, 0x80);
	pulse(3);
	pulse(4);
	assert_int_equal(ack(), 0x23);
	pulse(3); /* pin 3 has the lowest priority now */
	assert_int_equal(ack(), 0x24);
	assert_int_equal(ack(), 0x23);
	pulse(4);
	assert_int_equal(ack(), 0x24);
	out(MASTER, 0x00);
	pulse(6);
	assert_int_equal(ack(), 0x26);
	pulse(5);
	pulse(6);
	assert_int_equal(ack(), 0x25); /* priorities do not rotate any more */
	assert_int_equal(ack(), 0x26);
}

static void test_special_mask_mode(void **state)
{
	(void)state;
	pulse(3);
	assert_int_equal(ack(), 0x23);
	pulse(6);
	assert_int_equal(ack(), -1);
	out(MASTER + 1, 0x08);
	assert_int_equal(ack(), -1);
	out(MASTER, 0x68); /* set special mask mode */
	assert_int_equal(ack(), 0x26);
	/* A non-specific EOI does not end a masked level in this mode. */
	out(MASTER, 0x20);
	assert_int_equal(isr(MASTER), 0x08);
	out(MASTER, 0x20);
	assert_int_equal(isr(MASTER), 0x08);
	pulse(7);
	assert_int_equal(ack(), 0x27);
	out(MASTER, 0x20);
	out(MASTER, 0x48); /* reset it */
	pulse(6);
	assert_int_equal(ack(), -1);
	out(MASTER, 0x63);
	assert_int_equal(ack(), 0x26);
}

static void test_special_fully_nested(void **state)
{
	(void)state;
	init_pic(0x01);
	pulse(12);
	assert_int_equal(ack(), 0x2c);
	pulse(9);
	assert_int_equal(ack(), -1); /* the master has IR2 in service */
	init_pic(0x11);
	pulse(12);
	assert_int_equal(ack(), 0x2c);
	pulse(9);
	assert_int_equal(ack(), 0x29);
	assert_int_equal(isr(SLAVE), 0x12);
	pulse(15);
	assert_int_equal(ack(), -1);
}

static void test_poll(void **state)
{
	(void)state;
	out(MASTER, 0x0c);
	assert_int_equal(in(MASTER), 0);
	pulse(5);
	pulse(10);
	out(MASTER, 0x0c);
	assert_int_equal(in(MASTER), 0x82);
	assert_int_equal(isr(MASTER), 0x04);
	out(SLAVE, 0x0c);
	assert_int_equal(in(SLAVE), 0x82);
	assert_int_equal(isr(SLAVE), 0x04);
	out(SLAVE, 0x20);
	out(MASTER, 0x20);
	out(MASTER, 0x0c);
	assert_int_equal(in(MASTER + 1), 0x85); /* either port answers */
	assert_int_equal(in(MASTER + 1), 0); /* only once */
	assert_false(fabric_pic_pending(&f->fabric));
	out(MASTER, 0x20);
	pulse(0);
	out(MASTER, 0x0c);
	assert_int_equal(in(MASTER), 0x80);
}

static void test_spurious(void **state)
{
	(void)state;
	assert_int_equal(fabric_pic_ack(&f->fabric), 0x27);
	assert_int_equal(isr(MASTER), 0);
	/* The pin is masked between INTR and INTA. */
	pulse(4);
	assert_true(fabric_pic_pending(&f->fabric));
	out(MASTER + 1, 0x10);
	assert_false(fabric_pic_pending(&f->fabric));
	assert_int_equal(fabric_pic_ack(&f->fabric), 0x27);
	assert_int_equal(isr(MASTER), 0);
	out(MASTER + 1, 0);
	assert_int_equal(ack(), 0x24);
	out(MASTER, 0x20);
	/* When the slave's request goes away, so does the master's. */
	pulse(12);
	out(SLAVE + 1, 0x10);
	assert_false(fabric_pic_pending(&f->fabric));
	assert_int_equal(irr(MASTER), 0);
}

static void test_level_triggered(void **state)
{
	(void)state;
	out(0x4d0, 0xff);
	out(0x4d1, 0xff);
	assert_int_equal(in(0x4d0), 0xf8);
	assert_int_equal(in(0x4d1), 0xde);
	assert_int_equal(set_pin(5, true), 1);
	assert_int_equal(set_pin(5, true), 0);
	assert_int_equal(ack(), 0x25);
	assert_int_equal(irr(MASTER), 0x20);
	out(MASTER, 0x20);
	assert_int_equal(ack(), 0x25); /* the line is still asserted */
	set_pin(5, false);
	out(MASTER, 0x20);
	assert_int_equal(ack(), -1);
	/* The request is withdrawn before the INTA. */
	set_pin(11, true);
	assert_true(fabric_pic_pending(&f->fabric));
	set_pin(11, false);
	assert_false(fabric_pic_pending(&f->fabric));
}

static void test_shared_level(void **state)
{
	(void)state;
	out(0x4d1, 0x08);
	set_pin(11, true);
	pic_set_irq(pic, 11, LINE_RAISE, IRQ_SOURCE_RESAMPLE);
	set_pin(11, false);
	assert_int_equal(ack(), 0x2b);
	out(SLAVE, 0x20);
	out(MASTER, 0x20);
	assert_int_equal(ack(), 0x2b);
	pic_set_irq(pic, 11, LINE_LOWER, IRQ_SOURCE_RESAMPLE);
	out(SLAVE, 0x20);
	out(MASTER, 0x20);
	assert_int_equal(ack(), -1);
}

static void test_elcr_change(void **state)
{
	(void)state;
	set_pin(10, true);
	assert_int_equal(ack(), 0x2a);
	out(SLAVE, 0x20);
	out(MASTER, 0x20);
	assert_int_equal(ack(), -1); /* edge: once */
	out(0x4d1, 0x04);
	assert_int_equal(ack(), 0x2a); /* level: the line is high */
}

/* A request that waits for the slave's EOI makes a new edge on the cascade then. */
static void test_cascade_edges(void **state)
{
	(void)state;
	pulse(9);
	pulse(14);
	assert_int_equal(ack(), 0x29);
	out(MASTER, 0x20);
	assert_int_equal(ack(), -1); /* the slave's pin 9 is still in service */
	out(SLAVE, 0x20);
	assert_int_equal(ack(), 0x2e);
	out(SLAVE, 0x20);
	out(MASTER, 0x20);
	assert_int_equal(ack(), -1);
	assert_int_equal(isr(MASTER) | isr(SLAVE) | irr(MASTER) | irr(SLAVE), 0);
}

static void test_icw_sequences(void **state)
{
	struct kvm_pic_state s;

	(void)state;
	init_pic(0x13); /* with modes that ICW1 clears */
	out(MASTER, 0x0c);
	out(MASTER + 1, 0xaa);
	pulse(3);
	out(MASTER, 0xc3);
	out(MASTER, 0x68);
	out(MASTER, 0x0b);
	out(MASTER, 0x10); /* without ICW4 */
	pic_get_state(pic, false, &s);
	assert_int_equal(s.imr | s.isr | s.irr | s.special_mask | s.read_reg_select, 0);
	assert_int_equal(s.auto_eoi | s.special_fully_nested_mode | s.poll, 0);
	assert_int_equal(s.priority_add, 0);
	assert_int_equal(s.init_state, 1);
	out(MASTER + 1, 0x77);
	out(MASTER + 1, 0x04);
	out(MASTER + 1, 0x5a); /* OCW1 again */
	assert_int_equal(in(MASTER + 1), 0x5a);
	pic_get_state(pic, false, &s);
	assert_int_equal(s.irq_base, 0x70);
	assert_int_equal(s.auto_eoi, 0);
	/* With ICW4: AEOI and SFNM. */
	out(MASTER, 0x11);
	out(MASTER + 1, 0x40);
	out(MASTER + 1, 0x04);
	out(MASTER + 1, 0x13);
	out(MASTER + 1, 0xff);
	pic_get_state(pic, false, &s);
	assert_int_equal(s.auto_eoi, 1);
	assert_int_equal(s.special_fully_nested_mode, 1);
	assert_int_equal(s.imr, 0xff);
	/* An edge-triggered line that is high needs a new edge after ICW1. */
	init_pic(0x01);
	set_pin(3, true);
	init_pic(0x01);
	set_pin(3, true);
	assert_int_equal(ack(), -1);
	set_pin(3, false);
	set_pin(3, true);
	assert_int_equal(ack(), 0x23);
}

static void test_state_round_trip(void **state)
{
	struct kvm_pic_state a[2], b[2];

	(void)state;
	out(0x4d1, 0x08);
	out(MASTER + 1, 0x50);
	pulse(1);
	assert_int_equal(ack(), 0x21);
	set_pin(11, true);
	set_pin(6, true);
	pulse(4);
	pic_get_state(pic, false, &a[0]);
	pic_get_state(pic, true, &a[1]);
	assert_int_equal(a[0].elcr_mask, 0xf8);
	assert_int_equal(a[1].elcr_mask, 0xde);

	fixture_destroy(f);
	setup(NULL);
	pic_set_state(pic, false, &a[0]);
	pic_set_state(pic, true, &a[1]);
	pic_get_state(pic, false, &b[0]);
	pic_get_state(pic, true, &b[1]);
	assert_memory_equal(a, b, sizeof(a));
	assert_int_equal(ack(), -1);
	out(MASTER, 0x20);
	assert_int_equal(ack(), 0x2b);
	set_pin(11, false);
	out(SLAVE, 0x20);
	out(MASTER, 0x20);
	assert_int_equal(ack(), -1);
	out(MASTER + 1, 0);
	assert_int_equal(ack(), 0x24);
	out(MASTER, 0x20);
	assert_int_equal(ack(), 0x26);
	out(MASTER, 0x20);
	/* Pin 6 is still high: the assertion by another source is no edge. */
	pic_set_irq(pic, 6, LINE_RAISE, IRQ_SOURCE_RESAMPLE);
	assert_int_equal(ack(), -1);
}

/* Save one chip and restore it into a new VM. */
static void move_to_new_vm(bool slave)
{
	struct kvm_pic_state s;

	pic_get_state(pic, slave, &s);
	fixture_destroy(f);
	setup(NULL);
	pic_set_state(pic, slave, &s);
}

/*
 * A restored line does not tell which source asserted it: the first source that lowers it ends the
 * assertion.
 */
static void test_restored_edge_ends(void **state)
{
	(void)state;
	pic_set_irq(pic, 0, LINE_RAISE, IRQ_SOURCE_PIT);
	assert_int_equal(ack(), 0x20);
	out(MASTER, 0x20);
	move_to_new_vm(false);
	/* The first pulse finds the line high. The others are edges. */
	assert_int_equal(pic_set_irq(pic, 0, LINE_PULSE, IRQ_SOURCE_PIT), 0);
	for (int i = 0; i < 99; i++) {
		assert_int_equal(pic_set_irq(pic, 0, LINE_PULSE, IRQ_SOURCE_PIT), 1);
		assert_int_equal(ack(), 0x20);
		out(MASTER, 0x20);
	}
}

static void test_restored_level_ends(void **state)
{
	(void)state;
	out(0x4d1, 0x08);
	pic_set_irq(pic, 11, LINE_RAISE, IRQ_SOURCE_RESAMPLE);
	move_to_new_vm(true);
	assert_int_equal(ack(), 0x2b);
	pic_set_irq(pic, 11, LINE_LOWER, IRQ_SOURCE_RESAMPLE);
	out(SLAVE, 0x20);
	out(MASTER, 0x20);
	assert_int_equal(ack(), -1);
}

static struct kvm_pic_state seen;

static void look_at_kick(void *vcpu)
{
	fixture_kick(vcpu);
	pic_get_state(pic, false, &seen);
}

/* Nobody finds the line asserted by a pulse, neither during it nor after it. */
static void test_pulse_is_one_change(void **state)
{
	struct fabric_ops looks = fixture_ops;

	(void)state;
	looks.kick = look_at_kick;
	f->fabric.ops = &looks;
	f->vcpu[0].kicks = 0;
	assert_int_equal(fabric_pulse_gsi(&f->fabric, IRQ_SOURCE_PIT, 0), 1);
	assert_int_equal(f->vcpu[0].kicks, 1);
	assert_int_equal(seen.irr, 0x01);
	assert_int_equal(seen.last_irr, 0);
	f->fabric.ops = &fixture_ops;
	assert_int_equal(fabric_pulse_gsi(&f->fabric, IRQ_SOURCE_PIT, 0), 0);
	assert_int_equal(ack(), 0x20);
}

/* LINT0 in NMI mode gets an NMI of each tick, although no INTA ends the request. */
static void test_nmi_of_each_edge(void **state)
{
	struct lapic *lapic = f->vcpu[0].lapic;

	(void)state;
	out(MASTER + 1, 0xfe);
	enable_xapic(lapic);
	xwrite(lapic, LAPIC_LVT_LINT0, 0x400);
	for (int i = 0; i < 100; i++) {
		fabric_pulse_gsi(&f->fabric, IRQ_SOURCE_PIT, 0);
		assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_NMI);
	}
	/* Not of an edge that INTR does not show. */
	pulse(3);
	assert_false(lapic_has_work(lapic));
	out(MASTER + 1, 0xff);
	pulse(0);
	assert_false(lapic_has_work(lapic));
	/* The same from the slave. */
	out(MASTER + 1, 0xfb);
	pulse(8);
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_NMI);
	pulse(8);
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_NMI);
	/* An ExtINT is not taken yet, and needs no second kick. */
	xwrite(lapic, LAPIC_LVT_LINT0, 0x700);
	f->vcpu[0].kicks = 0;
	pulse(8);
	assert_int_equal(f->vcpu[0].kicks, 0);
}

/* A restored request asserts INTR as a new one does. */
static void test_state_delivers(void **state)
{
	struct kvm_pic_state s = { .irr = 0x08, .irq_base = 0x20 };

	(void)state;
	f->vcpu[0].kicks = 0;
	pic_set_state(pic, false, &s);
	assert_int_equal(f->vcpu[0].kicks, 1);
	assert_int_equal(ack(), 0x23);
}

static void test_state_hostile(void **state)
{
	struct kvm_pic_state s;

	(void)state;
	memset(&s, 0xff, sizeof(s));
	pic_set_state(pic, false, &s);
	pic_set_state(pic, true, &s);
	for (int i = 0; i < 20; i++)
		assert_in_range(fabric_pic_ack(&f->fabric), 0, 255);
	pic_get_state(pic, true, &s);
	assert_int_equal(s.elcr_mask, 0xde);
	assert_int_equal(s.elcr, 0xde);
	assert_int_equal(s.priority_add, 7);
	assert_int_equal(s.irq_base, 0xf8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ports),
		TEST(test_each_line),
		TEST(test_kicks_bsp),
		TEST(test_fixed_priorities),
		TEST(test_nesting),
		TEST(test_mask),
		TEST(test_eoi_commands),
		TEST(test_auto_eoi),
		TEST(test_auto_eoi_is_told),
		TEST(test_rotate_on_auto_eoi),
		TEST(test_special_mask_mode),
		TEST(test_special_fully_nested),
		TEST(test_poll),
		TEST(test_spurious),
		TEST(test_level_triggered),
		TEST(test_shared_level),
		TEST(test_elcr_change),
		TEST(test_cascade_edges),
		TEST(test_icw_sequences),
		TEST(test_state_round_trip),
		TEST(test_restored_edge_ends),
		TEST(test_restored_level_ends),
		TEST(test_pulse_is_one_change),
		TEST(test_nmi_of_each_edge),
		TEST(test_state_delivers),
		TEST(test_state_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
