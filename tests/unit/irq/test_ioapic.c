// SPDX-License-Identifier: GPL-2.0-only
/* The I/O APIC: registers, edges and levels, remote IRR and EOI, saved state. */
#include "irq_fixture.h"

#define VECTOR 0x71
#define LEVEL IOAPIC_RTE_LEVEL
#define REMOTE_IRR IOAPIC_RTE_REMOTE_IRR
#define MASKED IOAPIC_RTE_MASK
#define USER IRQ_SOURCE_USER

static struct fixture *f;
static struct ioapic *ioapic;
static struct lapic *lapic;

static int setup(void **state)
{
	(void)state;
	f = fixture_create(4);
	ioapic = f->fabric.ioapic;
	lapic = f->vcpu[0].lapic;
	enable_all(f, false);
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
	return ioapic_set_irq(ioapic, pin, level ? LINE_RAISE : LINE_LOWER, USER);
}

static int pulse(unsigned int pin)
{
	int result = set_pin(pin, true);

	assert_int_equal(set_pin(pin, false), 1);
	return result;
}

static void test_registers(void **state)
{
	(void)state;
	assert_int_equal(ioapic_reg_read(f, 1), 0x00170011);
	assert_int_equal(ioapic_reg_read(f, 0), 0);
	ioapic_reg_write(f, 0, 0xffffffff);
	assert_int_equal(ioapic_reg_read(f, 0), 0x0f000000);
	assert_int_equal(ioapic_reg_read(f, 2), 0x0f000000);
	ioapic_reg_write(f, 1, 0xffffffff); /* read-only */
	ioapic_reg_write(f, 2, 0);
	assert_int_equal(ioapic_reg_read(f, 1), 0x00170011);
	assert_int_equal(ioapic_reg_read(f, 2), 0x0f000000);
	for (unsigned int pin = 0; pin < 24; pin++)
		assert_int_equal(ioapic_rte(f, pin), MASKED);
	/* No register lies before, between or after these. */
	for (unsigned int i = 3; i < 256; i++) {
		if (i >= 0x10 && i < 0x40)
			continue;
		ioapic_reg_write(f, (u8)i, 0xffffffff);
		assert_int_equal(ioapic_reg_read(f, (u8)i), 0);
	}
	for (unsigned int pin = 0; pin < 24; pin++)
		assert_int_equal(ioapic_rte(f, pin), MASKED);
}

static void test_rte_bits(void **state)
{
	(void)state;
	for (unsigned int pin = 0; pin < 24; pin++) {
		ioapic_reg_write(f, (u8)(0x10 + 2 * pin), 0xffffffff);
		assert_int_equal(ioapic_rte(f, pin), 0x1afff);
		ioapic_reg_write(f, (u8)(0x11 + 2 * pin), 0xffffffff);
		assert_int_equal(ioapic_rte(f, pin), 0xff0000000001afffull);
		ioapic_reg_write(f, (u8)(0x10 + 2 * pin), 0x10000);
		assert_int_equal(ioapic_rte(f, pin), 0xff00000000010000ull);
	}
}

static void test_window(void **state)
{
	u64 val = 0xffffffffffffff21;
	u8 byte;

	(void)state;
	ioapic_mmio_write(ioapic, 0, &val, 8);
	val = ~0ull;
	ioapic_mmio_read(ioapic, 0, &val, 8);
	assert_int_equal(val, 0x21);
	byte = 1;
	ioapic_mmio_write(ioapic, 0, &byte, 1);
	ioapic_mmio_read(ioapic, 0x10, &byte, 1);
	assert_int_equal(byte, 0x11);
	/* Other offsets have no register: version 0x11 has no EOI register. */
	for (u32 offset = 1; offset < IOAPIC_MMIO_SIZE; offset++) {
		if (offset == 0x10)
			continue;
		val = ~0ull;
		ioapic_mmio_write(ioapic, offset, &val, 4);
		ioapic_mmio_read(ioapic, offset, &val, 8);
		assert_int_equal(val, 0);
	}
}

static void test_edge(void **state)
{
	(void)state;
	assert_int_equal(set_pin(5, true), -1); /* masked: the edge is lost */
	ioapic_program(f, 5, VECTOR);
	assert_int_equal(take_vector(lapic), -1);
	assert_int_equal(set_pin(5, true), 0); /* the line is high already */
	assert_int_equal(set_pin(5, false), 1);
	assert_int_equal(set_pin(5, true), 1);
	assert_int_equal(set_pin(5, true), 0);
	assert_int_equal(ioapic_rte(f, 5), VECTOR);
	assert_int_equal(take_vector(lapic), VECTOR);
	assert_int_equal(xread(lapic, LAPIC_TMR + 0x30), 0);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), -1);
	set_pin(5, false);
	/* A second edge coalesces with a first that was not taken yet. */
	assert_int_equal(pulse(5), 1);
	assert_int_equal(pulse(5), 0);
	/* An edge while the vector is in service waits in IRR. */
	assert_int_equal(take_vector(lapic), VECTOR);
	assert_int_equal(pulse(5), 1);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), VECTOR);
}

static void test_level(void **state)
{
	(void)state;
	ioapic_program(f, 10, VECTOR | LEVEL);
	assert_int_equal(set_pin(10, true), 1);
	assert_int_equal(ioapic_rte(f, 10), VECTOR | LEVEL | REMOTE_IRR);
	assert_int_equal(set_pin(10, true), 0);
	assert_int_equal(take_vector(lapic), VECTOR);
	assert_int_equal(xread(lapic, LAPIC_TMR + 0x30), 1u << 17);
	/* The line is still asserted at the EOI, so the pin sends once more. */
	eoi(lapic);
	assert_int_equal(ioapic_rte(f, 10), VECTOR | LEVEL | REMOTE_IRR);
	assert_int_equal(take_vector(lapic), VECTOR);
	set_pin(10, false);
	assert_int_equal(ioapic_rte(f, 10), VECTOR | LEVEL | REMOTE_IRR);
	eoi(lapic);
	assert_int_equal(ioapic_rte(f, 10), VECTOR | LEVEL);
	assert_int_equal(take_vector(lapic), -1);
}

static void test_level_unmask(void **state)
{
	(void)state;
	ioapic_program(f, 10, VECTOR | LEVEL | MASKED);
	assert_int_equal(set_pin(10, true), -1);
	ioapic_program(f, 10, VECTOR | LEVEL);
	assert_int_equal(take_vector(lapic), VECTOR);
	/* The pin is masked during service: the EOI clears remote IRR and sends nothing. */
	ioapic_program(f, 10, VECTOR | LEVEL | MASKED);
	eoi(lapic);
	assert_int_equal(ioapic_rte(f, 10), VECTOR | LEVEL | MASKED);
	assert_int_equal(take_vector(lapic), -1);
	ioapic_program(f, 10, VECTOR | LEVEL);
	assert_int_equal(take_vector(lapic), VECTOR);
	set_pin(10, false);
	eoi(lapic);
}

/* Linux ends an interrupt without EOI broadcast by a change to edge and back. */
static void test_remote_irr_cleared_by_edge(void **state)
{
	(void)state;
	ioapic_program(f, 10, VECTOR | LEVEL);
	set_pin(10, true);
	set_pin(10, false);
	assert_true(ioapic_rte(f, 10) & REMOTE_IRR);
	ioapic_program(f, 10, VECTOR | MASKED);
	ioapic_program(f, 10, VECTOR | LEVEL);
	assert_int_equal(ioapic_rte(f, 10), VECTOR | LEVEL);
}

static void test_shared_line(void **state)
{
	(void)state;
	ioapic_program(f, 10, VECTOR | LEVEL);
	assert_int_equal(set_pin(10, true), 1);
	assert_int_equal(ioapic_set_irq(ioapic, 10, LINE_RAISE, IRQ_SOURCE_RESAMPLE), 0);
	set_pin(10, false);
	assert_int_equal(take_vector(lapic), VECTOR);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), VECTOR);
	ioapic_set_irq(ioapic, 10, LINE_LOWER, IRQ_SOURCE_RESAMPLE);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), -1);
}

/* Two pins have one vector: an EOI ends both. */
static void test_shared_vector(void **state)
{
	(void)state;
	ioapic_program(f, 10, VECTOR | LEVEL);
	ioapic_program(f, 11, VECTOR | LEVEL);
	assert_int_equal(set_pin(10, true), 1);
	assert_int_equal(set_pin(11, true), 0);
	assert_int_equal(take_vector(lapic), VECTOR);
	set_pin(10, false);
	eoi(lapic);
	assert_int_equal(ioapic_rte(f, 10), VECTOR | LEVEL);
	assert_int_equal(ioapic_rte(f, 11), VECTOR | LEVEL | REMOTE_IRR);
	assert_int_equal(take_vector(lapic), VECTOR);
}

/* The EOI of an IPI does not end a level-triggered pin that has the same vector. */
static void test_edge_ipi_with_level_vector(void **state)
{
	(void)state;
	ioapic_program(f, 10, VECTOR | LEVEL | 1ull << 56); /* to vCPU 1 */
	set_pin(10, true);
	lapic_post(lapic, VECTOR, false);
	assert_int_equal(take_vector(lapic), VECTOR);
	eoi(lapic);
	assert_true(ioapic_rte(f, 10) & REMOTE_IRR);
	assert_int_equal(take_vector(f->vcpu[1].lapic), VECTOR);
	set_pin(10, false);
	eoi(f->vcpu[1].lapic);
	assert_false(ioapic_rte(f, 10) & REMOTE_IRR);
}

static void test_destinations(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		xwrite(f->vcpu[i].lapic, LAPIC_LDR, 1u << (24 + i));
	ioapic_program(f, 3, VECTOR | 2ull << 56);
	pulse(3);
	assert_int_equal(take_vector(f->vcpu[2].lapic), VECTOR);
	ioapic_program(f, 3, VECTOR | IOAPIC_RTE_LOGICAL | 0xaull << 56);
	assert_int_equal(pulse(3), 2);
	eoi(f->vcpu[2].lapic);
	assert_int_equal(take_vector(f->vcpu[0].lapic), -1);
	assert_int_equal(take_vector(f->vcpu[1].lapic), VECTOR);
	assert_int_equal(take_vector(f->vcpu[2].lapic), -1);
	assert_int_equal(take_vector(f->vcpu[3].lapic), VECTOR);
	ioapic_program(f, 3, VECTOR | 0xffull << 56);
	assert_int_equal(pulse(3), 4);
	ioapic_program(f, 3, VECTOR | 9ull << 56);
	assert_int_equal(pulse(3), -1); /* no such lapic */
}

static void test_delivery_modes(void **state)
{
	(void)state;
	ioapic_program(f, 3, 0x400 | 1ull << 56);
	assert_int_equal(pulse(3), 1);
	assert_int_equal(lapic_take_events(f->vcpu[1].lapic), LAPIC_EVENT_NMI);
	ioapic_program(f, 3, 0x500 | 1ull << 56);
	assert_int_equal(pulse(3), 1);
	assert_int_equal(lapic_take_events(f->vcpu[1].lapic), LAPIC_EVENT_INIT);
	/* NMI is edge-triggered in either trigger mode. */
	ioapic_program(f, 3, 0x400 | LEVEL | 1ull << 56);
	assert_int_equal(pulse(3), 1);
	assert_false(ioapic_rte(f, 3) & REMOTE_IRR);
	/* Lowest-priority mode selects one lapic of a group, and can be level-triggered. */
	for (unsigned int i = 0; i < 4; i++) {
		xwrite(f->vcpu[i].lapic, LAPIC_LDR, 1u << (24 + i));
		xwrite(f->vcpu[i].lapic, LAPIC_TPR, i == 3 ? 0 : 0x10);
	}
	ioapic_program(f, 4, VECTOR | 0x100 | LEVEL | IOAPIC_RTE_LOGICAL | 0xfull << 56);
	assert_int_equal(set_pin(4, true), 1);
	assert_int_equal(take_vector(f->vcpu[3].lapic), VECTOR);
	assert_true(ioapic_rte(f, 4) & REMOTE_IRR);
	set_pin(4, false);
	eoi(f->vcpu[3].lapic);
}

static void test_not_accepted(void **state)
{
	(void)state;
	xwrite(lapic, LAPIC_SVR, 0xff); /* software-disabled */
	ioapic_program(f, 10, VECTOR | LEVEL);
	assert_int_equal(set_pin(10, true), -1);
	assert_false(ioapic_rte(f, 10) & REMOTE_IRR);
	enable_xapic(lapic);
	ioapic_program(f, 10, VECTOR | LEVEL);
	assert_int_equal(take_vector(lapic), VECTOR);
}

static void test_broadcast_in_x2apic_mode(void **state)
{
	(void)state;
	for (unsigned int i = 1; i < 4; i++)
		enable_x2apic(f->vcpu[i].lapic);
	ioapic_program(f, 3, VECTOR | 0xffull << 56);
	assert_int_equal(pulse(3), 4);
	f->fabric.no_x2apic_broadcast = true;
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(take_vector(f->vcpu[i].lapic), VECTOR);
	assert_int_equal(pulse(3), 1);
	assert_int_equal(lapic_highest_irr(f->vcpu[0].lapic), VECTOR);
}

static void test_state_round_trip(void **state)
{
	struct kvm_ioapic_state a, b;

	(void)state;
	ioapic_reg_write(f, 0, 0x05000000);
	ioapic_program(f, 4, 0x44 | 3ull << 56);
	ioapic_program(f, 10, VECTOR | LEVEL);
	set_pin(10, true);
	set_pin(4, true);
	ioapic_get_state(ioapic, &a);
	assert_int_equal(a.base_address, 0xfec00000);
	assert_int_equal(a.id, 5);
	assert_int_equal(a.irr, 1u << 10);
	assert_int_equal(a.redirtbl[10].bits, VECTOR | LEVEL | REMOTE_IRR);
	assert_int_equal(a.redirtbl[10].fields.remote_irr, 1);

	fixture_destroy(f);
	setup(NULL);
	ioapic_set_state(ioapic, &a);
	ioapic_get_state(ioapic, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	/* The restored interrupt was sent already: it is sent again after its EOI alone. */
	assert_int_equal(take_vector(lapic), -1);
	lapic_post(lapic, VECTOR, true);
	assert_int_equal(take_vector(lapic), VECTOR);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), VECTOR);
	set_pin(10, false);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), -1);
}

/*
 * A restored line does not tell which source asserted it: the first source that lowers it ends the
 * assertion, here a resampling irqfd's, and the line's other sources stay.
 */
static void test_restored_line_ends(void **state)
{
	struct kvm_ioapic_state s;

	(void)state;
	ioapic_program(f, 10, VECTOR | LEVEL);
	ioapic_set_irq(ioapic, 10, LINE_RAISE, IRQ_SOURCE_RESAMPLE);
	ioapic_get_state(ioapic, &s);
	fixture_destroy(f);
	setup(NULL);
	ioapic_set_state(ioapic, &s);
	ioapic_set_irq(ioapic, 10, LINE_RAISE, IRQ_SOURCE_RESAMPLE);
	ioapic_set_irq(ioapic, 10, LINE_RAISE, USER);
	ioapic_set_irq(ioapic, 10, LINE_LOWER, IRQ_SOURCE_RESAMPLE);
	assert_true(ioapic->irr & 1u << 10);
	ioapic_set_irq(ioapic, 10, LINE_LOWER, USER);
	assert_false(ioapic->irr & 1u << 10);
	/* In the same VM: the irqfd still asserts the line. */
	ioapic_set_irq(ioapic, 10, LINE_RAISE, IRQ_SOURCE_RESAMPLE);
	ioapic_get_state(ioapic, &s);
	ioapic_set_state(ioapic, &s);
	ioapic_set_irq(ioapic, 10, LINE_LOWER, IRQ_SOURCE_RESAMPLE);
	assert_false(ioapic->irr & 1u << 10);
	/* A state without it ends it as well. */
	set_pin(10, true);
	ioapic_get_state(ioapic, &s);
	ioapic_set_state(ioapic, &s);
	s.irr = 0;
	ioapic_set_state(ioapic, &s);
	assert_false(ioapic->irr & 1u << 10);
}

static void test_state_delivers(void **state)
{
	struct kvm_ioapic_state s = { .base_address = 0xfec10000 };

	(void)state;
	for (unsigned int pin = 0; pin < 24; pin++)
		s.redirtbl[pin].bits = MASKED;
	s.redirtbl[9].bits = VECTOR | LEVEL;
	s.redirtbl[7].bits = 0x61;
	s.irr = 1u << 9 | 1u << 7 | 1u << 3;
	ioapic_set_state(ioapic, &s);
	assert_int_equal(take_vector(lapic), VECTOR);
	assert_int_equal(lapic_highest_irr(lapic), 0x61);
	assert_int_equal(ioapic->base, 0xfec10000);
}

static void test_state_hostile(void **state)
{
	struct kvm_ioapic_state s;

	(void)state;
	memset(&s, 0xff, sizeof(s));
	ioapic_set_state(ioapic, &s);
	for (unsigned int pin = 0; pin < 24; pin++)
		assert_int_equal(ioapic_rte(f, pin), 0xff0000000001afffull);
	ioapic_get_state(ioapic, &s);
	assert_int_equal(s.id, 0xf);
	assert_int_equal(s.irr & ~0xffffffu, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_registers),
		TEST(test_rte_bits),
		TEST(test_window),
		TEST(test_edge),
		TEST(test_level),
		TEST(test_level_unmask),
		TEST(test_remote_irr_cleared_by_edge),
		TEST(test_shared_line),
		TEST(test_shared_vector),
		TEST(test_edge_ipi_with_level_vector),
		TEST(test_destinations),
		TEST(test_delivery_modes),
		TEST(test_not_accepted),
		TEST(test_broadcast_in_x2apic_mode),
		TEST(test_state_round_trip),
		TEST(test_restored_line_ends),
		TEST(test_state_delivers),
		TEST(test_state_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
