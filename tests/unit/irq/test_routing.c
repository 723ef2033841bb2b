// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSI routing and MSI: the default table, validation of a new one, delivery and
 * its status, ack listeners, and the owners of ports and addresses.
 */
#include "irq_fixture.h"

#define USER IRQ_SOURCE_USER

static struct fixture *f;

static int setup(void **state)
{
	(void)state;
	f = fixture_create(4);
	enable_all(f, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_destroy(f);
	return 0;
}

static struct kvm_irq_routing_entry pin_entry(u32 gsi, u32 chip, u32 pin)
{
	struct kvm_irq_routing_entry entry = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};

	return entry;
}

static struct kvm_irq_routing_entry msi_entry(u32 gsi, u32 dest, u32 data)
{
	struct kvm_irq_routing_entry entry = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000 | dest << 12, .data = data },
	};

	return entry;
}

static int set_routing(const struct kvm_irq_routing_entry *entries, u32 nr)
{
	return fabric_set_routing(&f->fabric, entries, nr);
}

static int pulse(u32 gsi)
{
	return fabric_pulse_gsi(&f->fabric, USER, gsi);
}

static void test_creation(void **state)
{
	struct irq_fabric plain = {};
	u32 val;

	(void)state;
	assert_int_equal(fabric_init(&plain, &fixture_ops), 0);
	assert_false(fabric_has_irqchip(&plain));
	assert_false(fabric_pic_pending(&plain));
	assert_int_equal(fabric_set_gsi(&plain, USER, 0, true), -1);
	assert_int_equal(fabric_pio_read(&plain, 0x20, 1, &val), -EOPNOTSUPP);
	assert_int_equal(fabric_mmio_read(&plain, NULL, 0xfec00000, &val, 4), -EOPNOTSUPP);
	fabric_destroy(&plain);
	assert_int_equal(fabric_create_irqchip(&f->fabric), -EEXIST);
}

static void test_default_routing(void **state)
{
	struct kvm_ioapic_state ioapic;
	struct kvm_pic_state pic[2];

	(void)state;
	for (u32 gsi = 0; gsi < 30; gsi++)
		fabric_set_gsi(&f->fabric, USER, gsi, true);
	pic_get_state(f->fabric.pic, false, &pic[0]);
	pic_get_state(f->fabric.pic, true, &pic[1]);
	assert_int_equal(pic[0].irr | 4, 0xff); /* IR2 is the slave's */
	assert_int_equal(pic[1].irr, 0xff);
	assert_int_equal(f->fabric.ioapic->irr, 0xffffff);
	ioapic_get_state(f->fabric.ioapic, &ioapic);
	assert_int_equal(fabric_set_gsi(&f->fabric, USER, 24, true), -1);
}

/* First the PIC is unmasked and the IOAPIC masked, then the other way round. */
static void test_line_status(void **state)
{
	(void)state;
	assert_int_equal(pulse(5), 1);
	assert_int_equal(pulse(5), 0);
	pic_pio_write(f->fabric.pic, 0x21, 0xff);
	assert_int_equal(pulse(5), -1);
	ioapic_program(f, 5, 0x50);
	assert_int_equal(pulse(5), 1);
	assert_int_equal(pulse(5), 0);
	assert_int_equal(take_vector(f->vcpu[0].lapic), 0x50);
	/* Both are unmasked. */
	fabric_pic_ack(&f->fabric);
	pic_pio_write(f->fabric.pic, 0x21, 0x00);
	assert_int_equal(fabric_pic_ack(&f->fabric), 5);
	assert_int_equal(pulse(5), 2);
	assert_int_equal(pulse(20), -1);
	assert_int_equal(pulse(0xffffffff), -1);
}

static void test_routing_pins(void **state)
{
	const struct kvm_irq_routing_entry entries[] = {
		pin_entry(4000, KVM_IRQCHIP_IOAPIC, 23),
		pin_entry(7, KVM_IRQCHIP_PIC_SLAVE, 1),
		pin_entry(7, KVM_IRQCHIP_IOAPIC, 2),
		pin_entry(7, KVM_IRQCHIP_PIC_MASTER, 3),
	};
	struct kvm_pic_state pic;

	(void)state;
	assert_int_equal(set_routing(entries, ARRAY_SIZE(entries)), 0);
	ioapic_program(f, 23, 0x77);
	ioapic_program(f, 2, 0x72);
	assert_int_equal(pulse(4000), 1);
	assert_int_equal(take_vector(f->vcpu[0].lapic), 0x77);
	assert_int_equal(pulse(7), 3);
	pic_get_state(f->fabric.pic, true, &pic);
	assert_int_equal(pic.irr, 2);
	pic_get_state(f->fabric.pic, false, &pic);
	assert_int_equal(pic.irr, 0x0c);
	assert_int_equal(lapic_highest_irr(f->vcpu[0].lapic), 0x72);
	assert_int_equal(pulse(23), -1);
	assert_int_equal(pulse(4001), -1);
}

static void test_routing_msi(void **state)
{
	const struct kvm_irq_routing_entry entries[] = {
		msi_entry(30, 1, 0x61),
		msi_entry(31, 2, 0x4062),
		msi_entry(32, 0xff, 0x63),
		msi_entry(33, 9, 0x64),
	};

	(void)state;
	assert_int_equal(set_routing(entries, ARRAY_SIZE(entries)), 0);
	assert_int_equal(fabric_set_gsi(&f->fabric, USER, 30, true), 1);
	assert_int_equal(fabric_set_gsi(&f->fabric, USER, 30, false), -1);
	assert_int_equal(fabric_set_gsi(&f->fabric, USER, 30, true), 0);
	assert_int_equal(take_vector(f->vcpu[1].lapic), 0x61);
	assert_int_equal(pulse(31), 1);
	assert_int_equal(take_vector(f->vcpu[2].lapic), 0x62);
	assert_int_equal(pulse(32), 4);
	assert_int_equal(pulse(33), -1);
}

static void test_routing_replaced(void **state)
{
	struct kvm_irq_routing_entry entry = pin_entry(1, KVM_IRQCHIP_IOAPIC, 1);

	(void)state;
	ioapic_program(f, 1, 0x51);
	assert_int_equal(set_routing(&entry, 1), 0);
	assert_int_equal(pulse(1), 1);
	assert_int_equal(pulse(0), -1);
	assert_int_equal(set_routing(NULL, 0), 0);
	assert_int_equal(pulse(1), -1);
}

static void refused(struct kvm_irq_routing_entry entry)
{
	struct kvm_irq_routing_entry two[2] = { pin_entry(1, KVM_IRQCHIP_IOAPIC, 1), entry };

	assert_int_equal(set_routing(&entry, 1), -EINVAL);
	assert_int_equal(set_routing(two, 2), -EINVAL);
	/* The default table is still there. */
	assert_int_equal(fabric_set_gsi(&f->fabric, USER, 16, false), 1);
}

static void test_invalid_entries(void **state)
{
	struct kvm_irq_routing_entry entry;

	(void)state;
	refused(pin_entry(4096, KVM_IRQCHIP_IOAPIC, 0));
	refused(pin_entry(0xffffffff, KVM_IRQCHIP_IOAPIC, 0));
	refused(pin_entry(2, KVM_IRQCHIP_IOAPIC, 24));
	refused(pin_entry(2, KVM_IRQCHIP_PIC_MASTER, 8));
	refused(pin_entry(2, KVM_IRQCHIP_PIC_SLAVE, 8));
	refused(pin_entry(2, 3, 0));
	refused(pin_entry(2, 0xffffffff, 0));
	entry = pin_entry(2, KVM_IRQCHIP_IOAPIC, 2);
	entry.flags = 1;
	refused(entry);
	entry = msi_entry(2, 0, 0x41);
	entry.flags = KVM_MSI_VALID_DEVID | 2;
	refused(entry);
	for (u32 type = 0; type < 8; type++) {
		if (type == KVM_IRQ_ROUTING_IRQCHIP || type == KVM_IRQ_ROUTING_MSI)
			continue;
		entry = pin_entry(2, 0, 0);
		entry.type = type;
		refused(entry);
	}
	entry = msi_entry(2, 0, 0x41);
	entry.flags = KVM_MSI_VALID_DEVID;
	assert_int_equal(set_routing(&entry, 1), 0);
}

static void test_invalid_combinations(void **state)
{
	const struct kvm_irq_routing_entry chip_twice[] = {
		pin_entry(1, KVM_IRQCHIP_IOAPIC, 1),
		pin_entry(0, KVM_IRQCHIP_IOAPIC, 1),
		pin_entry(1, KVM_IRQCHIP_IOAPIC, 2),
	};
	const struct kvm_irq_routing_entry msi_twice[] = { msi_entry(1, 0, 0x40),
							   msi_entry(1, 1, 0x40) };
	const struct kvm_irq_routing_entry pin_and_msi[] = {
		pin_entry(1, KVM_IRQCHIP_IOAPIC, 1),
		msi_entry(1, 1, 0x40),
	};

	(void)state;
	assert_int_equal(set_routing(chip_twice, 3), -EINVAL);
	assert_int_equal(set_routing(msi_twice, 2), -EINVAL);
	assert_int_equal(set_routing(pin_and_msi, 2), -EINVAL);
}

static void test_4096_routes(void **state)
{
	struct kvm_irq_routing_entry *entries = calloc(4097, sizeof(*entries));

	(void)state;
	assert_non_null(entries);
	for (u32 i = 0; i < 4097; i++)
		entries[i] = msi_entry(4095 - i % 4096, i & 3, 0x20 + i % 0xd0);
	assert_int_equal(set_routing(entries, 4097), -EINVAL);
	assert_int_equal(set_routing(entries, 4096), 0);
	for (u32 i = 0; i < 4096; i++) {
		struct lapic *lapic = f->vcpu[i & 3].lapic;

		assert_int_equal(pulse(4095 - i), 1);
		assert_int_equal(take_vector(lapic), 0x20 + i % 0xd0);
		eoi(lapic);
	}
	/* Fewer GSIs than that, with several routes each. */
	for (u32 i = 0; i < 4096; i++)
		entries[i] = pin_entry(i, KVM_IRQCHIP_IOAPIC, i % 24);
	entries[4096] = pin_entry(0, KVM_IRQCHIP_PIC_MASTER, 0);
	assert_int_equal(set_routing(entries, 4097), -EINVAL);
	assert_int_equal(set_routing(entries + 1, 4096), 0);
	free(entries);
}

static int msi(u32 lo, u32 hi, u32 data)
{
	const struct kvm_msi msg = { .address_lo = lo, .address_hi = hi, .data = data };

	return fabric_deliver_msi(&f->fabric, &msg);
}

static void test_msi_fields(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		xwrite(f->vcpu[i].lapic, LAPIC_LDR, 1u << (24 + i));
	assert_int_equal(msi(0xfee02000, 0, 0x41), 1);
	assert_int_equal(msi(0xfee02000, 0, 0x41), 0);
	assert_int_equal(take_vector(f->vcpu[2].lapic), 0x41);
	assert_int_equal(msi(0xfee0a004, 0, 0x41), 2); /* logical: vCPUs 1 and 3 */
	assert_int_equal(take_vector(f->vcpu[1].lapic), 0x41);
	assert_int_equal(take_vector(f->vcpu[3].lapic), 0x41);
	/* With the redirection hint one of the group gets it. */
	assert_int_equal(msi(0xfee0f00c, 0, 0x51), 1);
	assert_int_equal(take_vector(f->vcpu[0].lapic),
			 0x51); /* the only one without a vector in service */
	assert_int_equal(msi(0xfee01000, 0, 0x400), 1);
	assert_int_equal(lapic_take_events(f->vcpu[1].lapic), LAPIC_EVENT_NMI);
	/* Level-triggered: TMR is set. */
	assert_int_equal(msi(0xfee01000, 0, 0xc061), 1);
	assert_int_equal(xread(f->vcpu[1].lapic, LAPIC_TMR + 0x30), 2);
	assert_int_equal(msi(0xfee09000, 0, 0x41), 0); /* no such lapic */
}

static void test_msi_errors(void **state)
{
	struct kvm_msi msg = { .address_lo = 0xfee00000, .data = 0x41, .flags = 2 };
	struct kvm_irq_routing_entry entry = msi_entry(1, 0, 0x41);

	(void)state;
	assert_int_equal(fabric_deliver_msi(&f->fabric, &msg), -EINVAL);
	msg.flags = KVM_MSI_VALID_DEVID;
	msg.data = 0x42;
	assert_int_equal(fabric_deliver_msi(&f->fabric, &msg), 1);
	assert_int_equal(msi(0xfee00000, 0x01, 0x41),
			 1); /* the high half of the address is ignored */
	f->fabric.ids32 = true;
	assert_int_equal(msi(0xfee00000, 0x01, 0x41), -EINVAL);
	entry.u.msi.address_hi = 0x01;
	assert_int_equal(set_routing(&entry, 1), -EINVAL);
}

static void test_msi_32bit_ids(void **state)
{
	struct kvm_irq_routing_entry entry = msi_entry(7, 43, 0x41);
	struct fixture *big = fixture_create(300);
	const struct kvm_msi msg = {
		.address_lo = 0xfee00000 | 43 << 12,
		.address_hi = 0x100,
		.data = 0x41,
	};

	(void)state;
	enable_all(big, true);
	big->fabric.ids32 = true;
	assert_int_equal(fabric_deliver_msi(&big->fabric, &msg), 1);
	assert_int_equal(take_vector(big->vcpu[299].lapic), 0x41);
	eoi(big->vcpu[299].lapic);
	entry.u.msi.address_hi = 0x100;
	assert_int_equal(fabric_set_routing(&big->fabric, &entry, 1), 0);
	assert_int_equal(fabric_pulse_gsi(&big->fabric, USER, 7), 1);
	assert_int_equal(take_vector(big->vcpu[299].lapic), 0x41);
	big->fabric.ids32 = false;
	assert_int_equal(fabric_deliver_msi(&big->fabric, &msg), 1);
	assert_int_equal(take_vector(big->vcpu[43].lapic), 0x41);
	fixture_destroy(big);
}

static unsigned int acks;

static void count_ack(struct irq_ack *ack)
{
	(void)ack;
	acks++;
}

static void test_ack_listener(void **state)
{
	const struct kvm_irq_routing_entry entry = pin_entry(5, KVM_IRQCHIP_IOAPIC, 5);
	struct irq_ack ack = { .gsi = 5, .acked = count_ack };
	struct lapic *lapic = f->vcpu[0].lapic;

	(void)state;
	acks = 0;
	fabric_add_ack(&f->fabric, &ack);
	/* Through the PIC. */
	pulse(5);
	fabric_pic_ack(&f->fabric);
	assert_int_equal(acks, 0);
	pic_pio_write(f->fabric.pic, 0x20, 0x20);
	assert_int_equal(acks, 1);
	/* Through the IOAPIC, edge and level. */
	pic_pio_write(f->fabric.pic, 0x21, 0xff);
	ioapic_program(f, 5, 0x65);
	pulse(5);
	assert_int_equal(take_vector(lapic), 0x65);
	assert_int_equal(acks, 1);
	eoi(lapic);
	assert_int_equal(acks, 2);
	ioapic_program(f, 5, 0x65 | IOAPIC_RTE_LEVEL);
	pulse(5);
	assert_int_equal(take_vector(lapic), 0x65);
	eoi(lapic);
	assert_int_equal(acks, 3);
	/* The listener is not told of another pin, nor of a pin that has no GSI. */
	ioapic_program(f, 6, 0x66);
	pulse(6);
	assert_int_equal(take_vector(lapic), 0x66);
	eoi(lapic);
	assert_int_equal(acks, 3);
	ack.gsi = 0;
	assert_int_equal(set_routing(&entry, 1), 0);
	lapic_post(lapic, 0x66, false);
	assert_int_equal(take_vector(lapic), 0x66);
	eoi(lapic);
	assert_int_equal(acks, 3);
	fabric_remove_ack(&f->fabric, &ack);
	pulse(5);
	assert_int_equal(take_vector(lapic), 0x65);
	eoi(lapic);
	assert_int_equal(acks, 3);
}

static void lower_line(struct irq_ack *ack)
{
	acks++;
	fabric_set_gsi(&f->fabric, IRQ_SOURCE_RESAMPLE, ack->gsi, false);
}

/* A listener that lowers the line in time prevents another interrupt. */
static void test_ack_lowers_line(void **state)
{
	struct irq_ack ack = { .gsi = 10, .acked = lower_line };
	struct lapic *lapic = f->vcpu[0].lapic;

	(void)state;
	acks = 0;
	fabric_add_ack(&f->fabric, &ack);
	ioapic_program(f, 10, 0x65 | IOAPIC_RTE_LEVEL);
	fabric_set_gsi(&f->fabric, IRQ_SOURCE_RESAMPLE, 10, true);
	assert_int_equal(take_vector(lapic), 0x65);
	eoi(lapic);
	assert_int_equal(acks, 1);
	assert_int_equal(take_vector(lapic), -1);
	fabric_remove_ack(&f->fabric, &ack);
}

static void test_ports(void **state)
{
	u32 val;

	(void)state;
	assert_int_equal(fabric_create_pit(&f->fabric, 0), 0);
	assert_int_equal(fabric_pio_write(&f->fabric, 0x21, 1, 0x5a), 0);
	assert_int_equal(fabric_pio_read(&f->fabric, 0x21, 1, &val), 0);
	assert_int_equal(val, 0x5a);
	/* A wide access accesses one port after the other. */
	assert_int_equal(fabric_pio_write(&f->fabric, 0x4d0, 2, 0x4208), 0);
	assert_int_equal(fabric_pio_read(&f->fabric, 0x4d0, 4, &val), 0);
	assert_int_equal(val, 0xffff4208);
	assert_int_equal(fabric_pio_read(&f->fabric, 0x43, 2, &val), 0);
	assert_int_equal(val, 0xffff);
	assert_int_equal(fabric_pio_read(&f->fabric, 0x44, 1, &val), -EOPNOTSUPP);
	assert_int_equal(fabric_pio_write(&f->fabric, 0x1f, 2, 0), -EOPNOTSUPP);
}

static void test_addresses(void **state)
{
	struct lapic *lapic = f->vcpu[1].lapic;
	u64 val = 0;

	(void)state;
	assert_int_equal(fabric_mmio_read(&f->fabric, lapic, 0xfee00020, &val, 4), 0);
	assert_int_equal(val, 0x01000000);
	val = 0x40;
	assert_int_equal(fabric_mmio_write(&f->fabric, lapic, 0xfee00080, &val, 4), 0);
	assert_int_equal(xread(lapic, LAPIC_TPR), 0x40);
	val = 1;
	assert_int_equal(fabric_mmio_write(&f->fabric, lapic, 0xfec00000, &val, 4), 0);
	assert_int_equal(fabric_mmio_read(&f->fabric, lapic, 0xfec00010, &val, 4), 0);
	assert_int_equal(val, 0x00170011);
	assert_int_equal(fabric_mmio_read(&f->fabric, lapic, 0xfec000fc, &val, 4), 0);
	assert_int_equal(fabric_mmio_read(&f->fabric, lapic, 0xfec000fd, &val, 4), -EOPNOTSUPP);
	assert_int_equal(fabric_mmio_read(&f->fabric, lapic, 0xfebffffe, &val, 4), -EOPNOTSUPP);
	assert_int_equal(fabric_mmio_read(&f->fabric, lapic, 0xfee00ffc, &val, 4), 0);
	assert_int_equal(fabric_mmio_write(&f->fabric, lapic, 0xfee00ffd, &val, 4), -EOPNOTSUPP);
	assert_int_equal(fabric_mmio_write(&f->fabric, lapic, 0xfedffffe, &val, 4), -EOPNOTSUPP);
	assert_int_equal(fabric_mmio_read(&f->fabric, lapic, ~0ull, &val, 8), -EOPNOTSUPP);
	assert_int_equal(fabric_mmio_write(&f->fabric, NULL, 0xfee00080, &val, 4), -EOPNOTSUPP);
}

static int setup_split(void **state)
{
	(void)state;
	f = fixture_create_split(2, 24);
	enable_all(f, false);
	return 0;
}

static void test_split_creation(void **state)
{
	const struct kvm_irq_routing_entry pin = pin_entry(0, KVM_IRQCHIP_IOAPIC, 0);
	struct irq_fabric plain = {};
	u32 val;

	(void)state;
	assert_int_equal(fabric_init(&plain, &fixture_ops), 0);
	assert_false(fabric_has_lapics(&plain));
	assert_int_equal(fabric_split_irqchip(&plain, FABRIC_MAX_GSI + 1), -EINVAL);
	assert_int_equal(fabric_split_irqchip(&plain, ~0ull), -EINVAL);
	assert_int_equal(fabric_split_irqchip(&plain, FABRIC_MAX_GSI), 0);
	assert_true(fabric_has_lapics(&plain));
	assert_false(fabric_has_irqchip(&plain));
	assert_int_equal(fabric_split_irqchip(&plain, 0), -EEXIST);
	assert_int_equal(fabric_create_irqchip(&plain), -EEXIST);
	fabric_destroy(&plain);

	assert_int_equal(set_routing(&pin, 1), -EINVAL);
	assert_int_equal(pulse(0), -1);
	assert_false(fabric_pic_pending(&f->fabric));
	assert_int_equal(fabric_pio_read(&f->fabric, 0x20, 1, &val), -EOPNOTSUPP);
	assert_int_equal(fabric_mmio_read(&f->fabric, NULL, 0xfec00000, &val, 4), -EOPNOTSUPP);
}

/* Userspace's IOAPIC is told of EOIs of its level-triggered pins, and of no others. */
static void test_split_eoi(void **state)
{
	const u32 level = BIT(15) | BIT(14);
	const struct kvm_irq_routing_entry entries[] = {
		msi_entry(3, 1, 0x51 | level),
		msi_entry(4, 1, 0x52),
		msi_entry(24, 1, 0x53 | level),
		msi_entry(23, 1, 0xff | level),
	};
	static const struct {
		u32 gsi;
		u8 vector;
		bool told;
	} cases[] = {
		{ 3, 0x51, true }, { 4, 0x52, false }, { 24, 0x53, false }, { 23, 0xff, true }
	};
	struct lapic *lapic = f->vcpu[1].lapic;
	unsigned int told = 0;

	(void)state;
	assert_int_equal(set_routing(entries, 4), 0);
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(fabric_set_gsi(&f->fabric, USER, cases[i].gsi, true), 1);
		assert_int_equal(take_vector(lapic), cases[i].vector);
		assert_int_equal(fixture_user_eois, told);
		eoi(lapic);
		told += cases[i].told;
		assert_int_equal(fixture_user_eois, told);
		if (cases[i].told)
			assert_int_equal(fixture_user_vector, cases[i].vector);
	}
	/* It is not told of an edge-triggered interrupt with the same vector. */
	lapic_post(lapic, 0x51, false);
	assert_int_equal(take_vector(lapic), 0x51);
	eoi(lapic);
	assert_int_equal(fixture_user_eois, told);
	/* It is not told once no pin has the vector. */
	assert_int_equal(fabric_set_gsi(&f->fabric, USER, 3, true), 1);
	assert_int_equal(set_routing(&entries[1], 1), 0);
	assert_int_equal(take_vector(lapic), 0x51);
	eoi(lapic);
	assert_int_equal(fixture_user_eois, told);
	assert_int_equal(set_routing(NULL, 0), 0);
	assert_false(fabric_is_user_vector(&f->fabric, 0x52));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_creation),
		TEST(test_default_routing),
		TEST(test_line_status),
		TEST(test_routing_pins),
		TEST(test_routing_msi),
		TEST(test_routing_replaced),
		TEST(test_invalid_entries),
		TEST(test_invalid_combinations),
		TEST(test_4096_routes),
		TEST(test_msi_fields),
		TEST(test_msi_errors),
		TEST(test_msi_32bit_ids),
		TEST(test_ack_listener),
		TEST(test_ack_lowers_line),
		TEST(test_ports),
		TEST(test_addresses),
		cmocka_unit_test_setup_teardown(test_split_creation, setup_split, teardown),
		cmocka_unit_test_setup_teardown(test_split_eoi, setup_split, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
