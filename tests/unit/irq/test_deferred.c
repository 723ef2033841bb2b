// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts for many local APICs: with interrupts off none is kicked, and all get them soon.
 */
#include "irq_fixture.h"

#include <linux/eventfd.h>
#include <linux/workqueue.h>

#include "irq/irqfd.h"

#define MANY 64
#define GSI 100
#define PIN 20
#define VECTOR 0x61
#define ALL 0xffull

static struct fixture *f;
static struct irqfds irqfds;
static int fd;

static void start(unsigned int vcpus)
{
	f = fixture_create(vcpus);
	enable_all(f, false);
	irqfds_init(&irqfds, &f->fabric);
	fd = shim_eventfd_open();
	fixture_kicks_irqs_off = 0;
}

static int setup(void **state)
{
	(void)state;
	start(MANY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	shim_eventfd_close(fd);
	irqfds_destroy(&irqfds);
	fixture_destroy(f);
	assert_int_equal(shim_run_work(), 0);
	assert_int_equal(shim_eventfds(), 0);
	return 0;
}

static void irqfd(u32 gsi, u32 flags)
{
	const struct kvm_irqfd args = { .fd = (u32)fd, .gsi = gsi, .flags = flags };

	assert_int_equal(irqfds_change(&irqfds, &args), 0);
}

static void route_msi(u64 dest)
{
	const struct kvm_irq_routing_entry entry = {
		.gsi = GSI,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000 | (u32)dest << 12, .data = VECTOR },
	};

	assert_int_equal(fabric_set_routing(&f->fabric, &entry, 1), 0);
}

/* Each lapic takes the vector once. */
static void all_take(int vector)
{
	for (unsigned int i = 0; i < f->vcpus; i++) {
		assert_int_equal(take_vector(f->vcpu[i].lapic), vector);
		if (vector >= 0)
			eoi(f->vcpu[i].lapic);
	}
}

static void test_msi(void **state)
{
	(void)state;
	route_msi(ALL);
	irqfd(GSI, 0);
	shim_eventfd_write(fd);
	shim_eventfd_write(fd);
	all_take(-1);
	assert_int_equal(shim_run_work(), 1);
	all_take(VECTOR);
	all_take(-1);
	assert_int_equal(fixture_kicks_irqs_off, 0);
	/* The next signal is not lost. */
	shim_eventfd_write(fd);
	assert_int_equal(shim_run_work(), 1);
	all_take(VECTOR);
}

/* A message to one lapic is delivered at once, although interrupts are off. */
static void test_msi_to_one(void **state)
{
	(void)state;
	route_msi(3);
	irqfd(GSI, 0);
	shim_eventfd_write(fd);
	assert_int_equal(take_vector(f->vcpu[3].lapic), VECTOR);
	assert_int_equal(fixture_kicks_irqs_off, 1);
}

/* With interrupts on, all are. */
static void test_from_a_thread(void **state)
{
	const struct kvm_msi msi = { .address_lo = 0xfeeff000, .data = VECTOR };

	(void)state;
	assert_int_equal(fabric_deliver_msi(&f->fabric, &msi), MANY);
	all_take(VECTOR);
	route_msi(ALL);
	assert_int_equal(fabric_pulse_gsi(&f->fabric, IRQ_SOURCE_USER, GSI), MANY);
	all_take(VECTOR);
}

/* A VM with few vCPUs never waits. */
static void test_few(void **state)
{
	(void)state;
	teardown(state);
	start(FABRIC_MANY);
	route_msi(ALL);
	irqfd(GSI, 0);
	shim_eventfd_write(fd);
	all_take(VECTOR);
}

/* Once KVM_SET_GSI_ROUTING returns, no interrupt takes the old route. */
static void test_route_changes(void **state)
{
	(void)state;
	route_msi(ALL);
	irqfd(GSI, 0);
	shim_eventfd_write(fd);
	route_msi(3);
	fabric_flush(&f->fabric);
	assert_int_equal(take_vector(f->vcpu[3].lapic), VECTOR);
	eoi(f->vcpu[3].lapic);
	all_take(-1);
	route_msi(ALL);
	shim_eventfd_write(fd);
	assert_int_equal(fabric_set_routing(&f->fabric, NULL, 0), 0);
	fabric_flush(&f->fabric);
	all_take(-1);
}

/* The last interrupt of an irqfd has arrived when the irqfd is gone. */
static void test_irqfd_ends(void **state)
{
	(void)state;
	route_msi(ALL);
	irqfd(GSI, 0);
	shim_eventfd_write(fd);
	irqfd(GSI, KVM_IRQFD_FLAG_DEASSIGN);
	all_take(VECTOR);
}

/* The IOAPIC's lock turns interrupts off in a thread, too. */
static void test_pin(void **state)
{
	(void)state;
	ioapic_program(f, PIN, ALL << 56 | VECTOR);
	irqfd(PIN, 0);
	shim_eventfd_write(fd);
	assert_int_equal(fabric_pulse_gsi(&f->fabric, IRQ_SOURCE_USER, PIN), 0);
	/* The message is that of the edge. */
	ioapic_program(f, PIN, ALL << 56 | IOAPIC_RTE_MASK | (VECTOR + 1));
	all_take(-1);
	assert_int_equal(shim_run_work(), 1);
	all_take(VECTOR);
	ioapic_program(f, PIN, ALL << 56 | VECTOR);
	assert_int_equal(fabric_pulse_gsi(&f->fabric, IRQ_SOURCE_USER, PIN), 1);
	assert_int_equal(shim_run_work(), 1);
	all_take(VECTOR);
	assert_int_equal(fixture_kicks_irqs_off, 0);
}

static void test_level(void **state)
{
	(void)state;
	ioapic_program(f, PIN, ALL << 56 | IOAPIC_RTE_LEVEL | VECTOR);
	assert_int_equal(fabric_set_gsi(&f->fabric, IRQ_SOURCE_USER, PIN, true), 1);
	assert_true(ioapic_rte(f, PIN) & IOAPIC_RTE_REMOTE_IRR);
	assert_int_equal(fabric_set_gsi(&f->fabric, IRQ_SOURCE_USER, PIN, true), 0);
	assert_int_equal(shim_run_work(), 1);
	assert_int_equal(take_vector(f->vcpu[5].lapic), VECTOR);
	/* The line is still asserted at the EOI: all get it again. */
	eoi(f->vcpu[5].lapic);
	assert_int_equal(shim_run_work(), 1);
	assert_int_equal(take_vector(f->vcpu[5].lapic), VECTOR);
	assert_int_equal(fabric_set_gsi(&f->fabric, IRQ_SOURCE_USER, PIN, false), 1);
	eoi(f->vcpu[5].lapic);
	assert_false(ioapic_rte(f, PIN) & IOAPIC_RTE_REMOTE_IRR);
	assert_int_equal(fixture_kicks_irqs_off, 0);
}

/* A message that nobody accepts does not block the pin. */
static void test_level_not_accepted(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		xwrite(f->vcpu[i].lapic, LAPIC_SVR, 0xff);
	ioapic_program(f, PIN, ALL << 56 | IOAPIC_RTE_LEVEL | VECTOR);
	assert_int_equal(fabric_set_gsi(&f->fabric, IRQ_SOURCE_USER, PIN, true), 1);
	assert_int_equal(shim_run_work(), 1);
	assert_false(ioapic_rte(f, PIN) & IOAPIC_RTE_REMOTE_IRR);
	enable_all(f, false);
	assert_int_equal(fabric_set_gsi(&f->fabric, IRQ_SOURCE_USER, PIN, true), 1);
	assert_int_equal(shim_run_work(), 1);
	assert_int_equal(take_vector(f->vcpu[5].lapic), VECTOR);
}

/* A pin's new message, which has waited for the old one, is sent if nobody accepts the old one. */
static void test_level_rewritten(void **state)
{
	(void)state;
	/* No lapic has this logical destination. */
	ioapic_program(f, PIN, 0x40ull << 56 | IOAPIC_RTE_LOGICAL | IOAPIC_RTE_LEVEL | VECTOR);
	assert_int_equal(fabric_set_gsi(&f->fabric, IRQ_SOURCE_USER, PIN, true), 1);
	ioapic_program(f, PIN, 3ull << 56 | IOAPIC_RTE_LEVEL | (VECTOR + 1));
	assert_int_equal(take_vector(f->vcpu[3].lapic), -1);
	assert_int_equal(shim_run_work(), 1);
	assert_int_equal(take_vector(f->vcpu[3].lapic), VECTOR + 1);
}

/* Of the lapics that a message names one takes it, but all have to be looked at. */
static void test_lowest_priority(void **state)
{
	const u64 lowest = IOAPIC_RTE_LOGICAL | 1 << 8;

	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		xwrite(f->vcpu[i].lapic, LAPIC_LDR, i == 7 ? 0x80000000 : 0);
	ioapic_program(f, PIN, 0x80ull << 56 | lowest | VECTOR);
	assert_int_equal(fabric_pulse_gsi(&f->fabric, IRQ_SOURCE_USER, PIN), 1);
	assert_int_equal(take_vector(f->vcpu[7].lapic), -1);
	assert_int_equal(shim_run_work(), 1);
	assert_int_equal(take_vector(f->vcpu[7].lapic), VECTOR);
	assert_int_equal(fixture_kicks_irqs_off, 0);
}

/* A saved state replaces what was on its way. */
static void test_restored(void **state)
{
	struct kvm_ioapic_state saved;

	(void)state;
	ioapic_get_state(f->fabric.ioapic, &saved);
	ioapic_program(f, PIN, ALL << 56 | VECTOR);
	fabric_pulse_gsi(&f->fabric, IRQ_SOURCE_USER, PIN);
	ioapic_set_state(f->fabric.ioapic, &saved);
	fabric_flush(&f->fabric);
	all_take(-1);
}

/* The PIT's hard timer drives a pin of the IOAPIC, and through the PIC LINT0 of all lapics. */
static void test_pit(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		xwrite(f->vcpu[i].lapic, LAPIC_LVT_LINT0, VECTOR + 1);
	ioapic_program(f, 0, ALL << 56 | VECTOR);
	/* Cascaded, vectors from 0x20 on, nothing masked. */
	assert_int_equal(fabric_pio_write(&f->fabric, 0x20, 1, 0x11), 0);
	assert_int_equal(fabric_pio_write(&f->fabric, 0x21, 1, 0x20), 0);
	assert_int_equal(fabric_pio_write(&f->fabric, 0x21, 1, 0x04), 0);
	assert_int_equal(fabric_pio_write(&f->fabric, 0x21, 1, 0x01), 0);
	assert_int_equal(fabric_create_pit(&f->fabric, 0), 0);
	pit_pio_write(f->fabric.pit, 0x43, 0x34);
	pit_pio_write(f->fabric.pit, 0x40, 0);
	pit_pio_write(f->fabric.pit, 0x40, 0x10);
	shim_advance(4000000);
	all_take(-1);
	assert_int_equal(fixture_kicks_irqs_off, 0);
	assert_int_equal(shim_run_work(), 1);
	all_take(VECTOR + 1);
	all_take(VECTOR);
	all_take(-1);
	assert_int_equal(fixture_kicks_irqs_off, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_msi),
		TEST(test_msi_to_one),
		TEST(test_from_a_thread),
		TEST(test_few),
		TEST(test_route_changes),
		TEST(test_irqfd_ends),
		TEST(test_pin),
		TEST(test_level),
		TEST(test_level_not_accepted),
		TEST(test_level_rewritten),
		TEST(test_lowest_priority),
		TEST(test_restored),
		TEST(test_pit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
