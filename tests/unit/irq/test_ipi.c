// SPDX-License-Identifier: GPL-2.0-only
/* Messages between local APICs: destinations, shorthands and delivery modes. */
#include "irq_fixture.h"

#define VECTOR 0x55
#define LOGICAL (1u << 11)
#define ASSERT (1u << 14)
#define LEVEL (1u << 15)
#define MODE(m) ((u32)(m) << 8)
#define SHORTHAND(s) ((u32)(s) << 18)

static struct fixture *f;

static int teardown(void **state)
{
	(void)state;
	fixture_destroy(f);
	return 0;
}

static void start(unsigned int vcpus, bool x2apic)
{
	f = fixture_create(vcpus);
	enable_all(f, x2apic);
}

/* Send an IPI from vCPU @from, through the page or the MSR by its mode. */
static void send(unsigned int from, u32 icr, u32 dest)
{
	struct lapic *lapic = f->vcpu[from].lapic;

	if (lapic_x2apic(lapic)) {
		assert_int_equal(lapic_msr_write(lapic, 0x830, (u64)dest << 32 | icr), 0);
	} else {
		xwrite(lapic, LAPIC_ICR2, dest << 24);
		xwrite(lapic, LAPIC_ICR, icr);
	}
}

/* Return a mask of the first 64 vCPUs that have VECTOR pending, and take it. */
static u64 receivers(void)
{
	u64 mask = 0;

	for (unsigned int i = 0; i < f->vcpus && i < 64; i++) {
		if (take_vector(f->vcpu[i].lapic) == VECTOR) {
			mask |= 1ull << i;
			eoi(f->vcpu[i].lapic);
		}
	}
	return mask;
}

static u64 event_receivers(u32 event)
{
	u64 mask = 0;

	for (unsigned int i = 0; i < f->vcpus && i < 64; i++)
		if (lapic_take_events(f->vcpu[i].lapic) == event)
			mask |= 1ull << i;
	return mask;
}

static void test_physical(void **state)
{
	(void)state;
	start(8, false);
	for (unsigned int i = 0; i < 8; i++) {
		send(0, VECTOR, i);
		assert_int_equal(receivers(), 1u << i);
	}
	send(0, VECTOR, 8); /* no such lapic */
	assert_int_equal(receivers(), 0);
	send(3, VECTOR, 0xff);
	assert_int_equal(receivers(), 0xff);
	assert_int_equal(xread(f->vcpu[3].lapic, LAPIC_ICR), VECTOR);
	assert_int_equal(xread(f->vcpu[3].lapic, LAPIC_ICR2), 0xff000000);
}

static void test_physical_x2apic(void **state)
{
	u64 val;

	(void)state;
	start(8, true);
	for (unsigned int i = 0; i < 8; i++) {
		send(1, VECTOR, i);
		assert_int_equal(receivers(), 1u << i);
	}
	send(1, VECTOR, 0xff); /* an id, not a broadcast */
	assert_int_equal(receivers(), 0);
	send(1, VECTOR, 0xffffffff);
	assert_int_equal(receivers(), 0xff);
	assert_int_equal(lapic_msr_read(f->vcpu[1].lapic, 0x830, &val), 0);
	assert_int_equal(val, 0xffffffff00000000 | VECTOR);
}

static void test_shorthands(void **state)
{
	(void)state;
	for (int x2apic = 0; x2apic < 2; x2apic++) {
		start(5, x2apic);
		send(2, VECTOR | SHORTHAND(1), 0);
		assert_int_equal(receivers(), 0x04);
		send(2, VECTOR | SHORTHAND(2), 0);
		assert_int_equal(receivers(), 0x1f);
		send(2, VECTOR | SHORTHAND(3), 0);
		assert_int_equal(receivers(), 0x1b);
		if (!x2apic)
			fixture_destroy(f);
	}
}

static void test_self_ipi_msr(void **state)
{
	(void)state;
	start(2, true);
	assert_int_equal(lapic_msr_write(f->vcpu[1].lapic, 0x83f, VECTOR), 0);
	assert_int_equal(receivers(), 2);
	assert_int_equal(lapic_msr_write(f->vcpu[1].lapic, 0x83f, 0x155), -EINVAL);
}

static void test_logical_flat(void **state)
{
	(void)state;
	start(8, false);
	for (unsigned int i = 0; i < 8; i++)
		xwrite(f->vcpu[i].lapic, LAPIC_LDR, 1u << (24 + i));
	for (unsigned int mask = 0; mask < 256; mask++) {
		send(0, VECTOR | LOGICAL, mask);
		assert_int_equal(receivers(), mask);
	}
}

static void test_logical_flat_broadcast(void **state)
{
	(void)state;
	start(4, false); /* no LDR is set: only the broadcast reaches them */
	send(0, VECTOR | LOGICAL, 0x7f);
	assert_int_equal(receivers(), 0);
	send(0, VECTOR | LOGICAL, 0xff);
	assert_int_equal(receivers(), 0xf);
}

/* Cluster model: 4 bits of cluster, 4 bits within (SDM 3A 11.6.2.2). */
static void test_logical_cluster(void **state)
{
	(void)state;
	start(12, false);
	for (unsigned int i = 0; i < 12; i++) {
		xwrite(f->vcpu[i].lapic, LAPIC_DFR, 0x0fffffff);
		xwrite(f->vcpu[i].lapic, LAPIC_LDR, (i / 4 << 4 | 1u << i % 4) << 24);
	}
	for (unsigned int cluster = 0; cluster < 3; cluster++) {
		for (unsigned int mask = 0; mask < 16; mask++) {
			send(0, VECTOR | LOGICAL, cluster << 4 | mask);
			assert_int_equal(receivers(), (u64)mask << 4 * cluster);
		}
	}
	send(0, VECTOR | LOGICAL, 0x3f);
	assert_int_equal(receivers(), 0);
	send(0, VECTOR | LOGICAL, 0xf5); /* cluster 15: all clusters */
	assert_int_equal(receivers(), 0x555);
}

static void test_logical_x2apic(void **state)
{
	(void)state;
	start(40, true);
	for (unsigned int cluster = 0; cluster < 2; cluster++) {
		for (unsigned int bit = 0; bit < 16; bit++) {
			send(5, VECTOR | LOGICAL, cluster << 16 | 1u << bit);
			assert_int_equal(receivers(), 1ull << (cluster * 16 + bit));
		}
	}
	send(5, VECTOR | LOGICAL, 0x0001a5a5);
	assert_int_equal(receivers(), 0xa5a50000);
	send(5, VECTOR | LOGICAL, 0x0002ffff);
	assert_int_equal(receivers(), 0xff00000000);
	send(5, VECTOR | LOGICAL, 0x0003ffff);
	assert_int_equal(receivers(), 0);
}

/* One vCPU in xAPIC mode must hide neither itself nor the others from messages. */
static void test_logical_mixed(void **state)
{
	(void)state;
	f = fixture_create(4);
	enable_xapic(f->vcpu[0].lapic);
	xwrite(f->vcpu[0].lapic, LAPIC_LDR, 0x01000000);
	for (unsigned int i = 1; i < 4; i++)
		enable_x2apic(f->vcpu[i].lapic);
	send(1, VECTOR | LOGICAL, 0x0000000e);
	assert_int_equal(receivers(), 0xe);
	send(1, VECTOR | LOGICAL, 0x00000009);
	assert_int_equal(receivers(), 0x9);
	send(1, VECTOR | LOGICAL, 0x00010001);
	assert_int_equal(receivers(), 0);
}

static void test_lowest_priority(void **state)
{
	(void)state;
	start(4, false);
	for (unsigned int i = 0; i < 4; i++) {
		xwrite(f->vcpu[i].lapic, LAPIC_LDR, 1u << (24 + i));
		xwrite(f->vcpu[i].lapic, LAPIC_TPR, i == 2 ? 0x10 : 0x20);
	}
	for (int i = 0; i < 3; i++) {
		send(0, VECTOR | MODE(1) | LOGICAL, 0x0f);
		assert_int_equal(receivers(), 0x4);
	}
	/* Only a lapic that the message names is selected. */
	send(0, VECTOR | MODE(1) | LOGICAL, 0x08);
	assert_int_equal(receivers(), 0x8);
	/* A software-disabled lapic is not selected. */
	xwrite(f->vcpu[2].lapic, LAPIC_SVR, 0xff);
	send(0, VECTOR | MODE(1) | LOGICAL, 0x06);
	assert_int_equal(receivers(), 0x2);
}

static void test_lowest_priority_takes_turns(void **state)
{
	u64 seen = 0;

	(void)state;
	start(4, true);
	for (int i = 0; i < 4; i++) {
		u64 one;

		send(0, VECTOR | MODE(1) | LOGICAL, 0xf);
		one = receivers();
		assert_int_equal(__builtin_popcountll(one), 1);
		seen |= one;
	}
	assert_int_equal(seen, 0xf);
}

static void test_in_service_counts_for_lowest(void **state)
{
	(void)state;
	start(2, true);
	lapic_post(f->vcpu[0].lapic, 0x80, false);
	assert_int_equal(take_vector(f->vcpu[0].lapic), 0x80);
	for (int i = 0; i < 3; i++) {
		send(1, VECTOR | MODE(1) | LOGICAL, 0x3);
		assert_int_equal(receivers(), 0x2);
	}
}

static void test_init_and_sipi(void **state)
{
	(void)state;
	start(3, false);
	send(0, MODE(5) | ASSERT | LEVEL, 1);
	assert_int_equal(f->vcpu[1].kicks, 1);
	assert_int_equal(event_receivers(LAPIC_EVENT_INIT), 0x2);
	send(0, MODE(5) | LEVEL, 1); /* level de-assert: ignored */
	assert_int_equal(event_receivers(LAPIC_EVENT_INIT), 0);
	send(0, MODE(5), 1); /* an edge is taken */
	assert_int_equal(event_receivers(LAPIC_EVENT_INIT), 0x2);
	send(0, MODE(6) | 0x9f, 2);
	assert_int_equal(f->vcpu[2].lapic->sipi_vector, 0x9f);
	assert_int_equal(event_receivers(LAPIC_EVENT_SIPI), 0x4);
	/* A kernel starts its other processors so; software-disabled ones take part. */
	xwrite(f->vcpu[2].lapic, LAPIC_SVR, 0xff);
	send(0, MODE(5) | ASSERT | SHORTHAND(3), 0);
	send(0, MODE(6) | 0x08 | SHORTHAND(3), 0);
	assert_int_equal(event_receivers(LAPIC_EVENT_INIT | LAPIC_EVENT_SIPI), 0x6);
}

static void test_nmi_and_others(void **state)
{
	(void)state;
	start(3, false);
	send(0, MODE(4) | SHORTHAND(3), 0);
	assert_int_equal(event_receivers(LAPIC_EVENT_NMI), 0x6);
	send(0, MODE(4) | SHORTHAND(1), 0);
	assert_int_equal(event_receivers(LAPIC_EVENT_NMI), 0x1);
	/* SMI and remote read are ignored. */
	send(0, MODE(2), 1);
	send(0, MODE(3), 1);
	assert_int_equal(f->vcpu[1].kicks, 1);
	assert_false(lapic_has_work(f->vcpu[1].lapic));
	/* ExtINT kicks, so that the vCPU looks at the PIC. */
	send(0, MODE(7), 1);
	assert_int_equal(f->vcpu[1].kicks, 2);
}

static void test_disabled_target(void **state)
{
	(void)state;
	start(2, false);
	lapic_set_base(f->vcpu[1].lapic, 0xfee00000, true);
	send(0, VECTOR, 1);
	send(0, MODE(4), 1);
	send(0, MODE(5), 1);
	assert_false(lapic_has_work(f->vcpu[1].lapic));
}

static void test_send_errors(void **state)
{
	struct lapic *lapic;

	(void)state;
	start(2, false);
	lapic = f->vcpu[0].lapic;
	send(0, 0x0f, 1);
	send(0, 0x03 | MODE(1), 1);
	assert_false(lapic_has_work(f->vcpu[1].lapic));
	xwrite(lapic, LAPIC_ESR, 0);
	assert_int_equal(xread(lapic, LAPIC_ESR), 0x20);
	/* NMI, INIT and SIPI have no illegal vectors. */
	send(0, MODE(6) | 0x01, 1);
	xwrite(lapic, LAPIC_ESR, 0);
	assert_int_equal(xread(lapic, LAPIC_ESR), 0);
	xwrite(f->vcpu[1].lapic, LAPIC_ESR, 0);
	assert_int_equal(xread(f->vcpu[1].lapic, LAPIC_ESR), 0);
}

/* The trigger mode of ICR matters for INIT de-assert alone. */
static void test_ipi_is_edge(void **state)
{
	(void)state;
	start(2, false);
	send(0, VECTOR | LEVEL | ASSERT, 1);
	assert_int_equal(xread(f->vcpu[1].lapic, LAPIC_TMR + 0x20), 0);
	assert_int_equal(receivers(), 2);
}

static void test_1024_vcpus(void **state)
{
	(void)state;
	start(1024, true);
	send(7, VECTOR, 1023);
	assert_int_equal(take_vector(f->vcpu[1023].lapic), VECTOR);
	send(7, VECTOR | LOGICAL, 63u << 16 | 0x8001);
	assert_int_equal(take_vector(f->vcpu[1008].lapic), VECTOR);
	assert_int_equal(lapic_highest_irr(f->vcpu[1023].lapic), VECTOR);
	send(7, 0x66 | SHORTHAND(3), 0);
	for (unsigned int i = 0; i < 1024; i++)
		assert_int_equal(lapic_highest_irr(f->vcpu[i].lapic), i == 7 ? -1 : 0x66);
	send(7, 0x77, 0xffffffff);
	for (unsigned int i = 0; i < 1024; i++)
		assert_int_equal(lapic_highest_irr(f->vcpu[i].lapic), 0x77);
}

/* An AP above 255 is in xAPIC mode when an x2APIC BSP starts it. */
static void test_start_of_high_id(void **state)
{
	(void)state;
	f = fixture_create(300);
	enable_x2apic(f->vcpu[0].lapic);
	send(0, MODE(5) | ASSERT, 299);
	send(0, MODE(6) | 0x11, 299);
	assert_int_equal(lapic_take_events(f->vcpu[299].lapic),
			 LAPIC_EVENT_INIT | LAPIC_EVENT_SIPI);
	assert_int_equal(f->vcpu[43].kicks, 0); /* 299 & 0xff */
}

static int multicast(unsigned int from, u32 icr, u32 first, u64 ids)
{
	return lapic_multicast(f->vcpu[from].lapic, icr, first, ids);
}

static void test_multicast(void **state)
{
	(void)state;
	start(16, true);
	assert_int_equal(multicast(0, VECTOR, 0, 0x8421), 4);
	assert_int_equal(receivers(), 0x8421);
	/* Bit 0 is the first id; the sender's own is allowed. */
	assert_int_equal(multicast(5, VECTOR, 4, 0x3), 2);
	assert_int_equal(receivers(), 0x30);
	/* A vCPU that has the vector pending counts as a receiver; an unused id does not. */
	assert_int_equal(multicast(0, VECTOR, 15, 0x1), 1);
	assert_int_equal(multicast(0, VECTOR, 15, 0x7), 1);
	assert_int_equal(receivers(), 0x8000);
	assert_int_equal(multicast(0, VECTOR, FABRIC_MAX_APIC_ID, ~0ull), 0);
	assert_int_equal(multicast(0, VECTOR, ~0u, ~0ull), 0);
	assert_int_equal(multicast(0, VECTOR, 0, 0), 0);
	assert_int_equal(multicast(1, MODE(LAPIC_MODE_NMI), 0, 0x6), 2);
	assert_int_equal(event_receivers(LAPIC_EVENT_NMI), 0x6);
	/* No logical destination or shorthand: the ids alone name the receivers. */
	assert_int_equal(multicast(0, VECTOR | LOGICAL, 0, 1), -EINVAL);
	assert_int_equal(multicast(0, VECTOR | SHORTHAND(LAPIC_SHORTHAND_ALL), 0, 1), -EINVAL);
	assert_int_equal(receivers(), 0);
}

/* 0xff is an id like any other, in xAPIC mode too. */
static void test_multicast_is_no_broadcast(void **state)
{
	(void)state;
	start(257, false);
	assert_int_equal(multicast(0, VECTOR, 0xff, 0x3), 2);
	assert_int_equal(receivers(), 0);
	assert_int_equal(take_vector(f->vcpu[0xff].lapic), VECTOR);
	assert_int_equal(take_vector(f->vcpu[0x100].lapic), VECTOR);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_physical),
		TEST(test_physical_x2apic),
		TEST(test_shorthands),
		TEST(test_self_ipi_msr),
		TEST(test_logical_flat),
		TEST(test_logical_flat_broadcast),
		TEST(test_logical_cluster),
		TEST(test_logical_x2apic),
		TEST(test_logical_mixed),
		TEST(test_lowest_priority),
		TEST(test_lowest_priority_takes_turns),
		TEST(test_in_service_counts_for_lowest),
		TEST(test_init_and_sipi),
		TEST(test_nmi_and_others),
		TEST(test_disabled_target),
		TEST(test_send_errors),
		TEST(test_ipi_is_edge),
		TEST(test_multicast),
		TEST(test_multicast_is_no_broadcast),
		TEST(test_1024_vcpus),
		TEST(test_start_of_high_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
