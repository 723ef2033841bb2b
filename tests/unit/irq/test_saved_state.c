// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each state that a guest can bring a chip into can be saved, restored into a new VM, and saved
 * again as the same: random accesses to each chip, and a round trip after each access.
 */
#include "irq_fixture.h"

/* Each walk begins with a new VM and another seed. */
#define WALKS 16
#define STEPS 2000
#define TICK_NS 5000

static u64 seed;

/* Knuth's MMIX generator; the same numbers in each run. */
static u32 random_u32(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 32);
}

static u32 below(u32 limit)
{
	return random_u32() % limit;
}

/* The machine that the guest uses, and the one that gets its state. */
static struct fixture *from, *to;

static void create_vms(void)
{
	from = fixture_create(2);
	to = fixture_create(2);
	assert_int_equal(fabric_create_pit(&from->fabric, KVM_PIT_SPEAKER_DUMMY), 0);
	assert_int_equal(fabric_create_pit(&to->fabric, KVM_PIT_SPEAKER_DUMMY), 0);
}

static void destroy_vms(void)
{
	fixture_destroy_one(from);
	fixture_destroy(to);
}

static void walk(void (*step)(void))
{
	for (unsigned int i = 0; i < WALKS; i++) {
		seed = i;
		create_vms();
		for (unsigned int k = 0; k < STEPS; k++)
			step();
		destroy_vms();
	}
}

static void change_line(void)
{
	enum irq_source source = below(IRQ_SOURCE_RESTORED);
	u32 gsi = below(KVM_IOAPIC_NUM_PINS);

	fabric_set_gsi(&from->fabric, source, gsi, below(2));
}

static void step_pit(void)
{
	struct kvm_pit_state2 a, b;
	u16 port = below(8) ? 0x40 + below(4) : 0x61;

	if (below(3))
		pit_pio_write(from->fabric.pit, port, (u8)random_u32());
	else
		pit_pio_read(from->fabric.pit, port);
	shim_advance(below(TICK_NS));
	pit_get_state(from->fabric.pit, &a);
	assert_int_equal(pit_set_state(to->fabric.pit, &a), 0);
	pit_get_state(to->fabric.pit, &b);
	/* Channel 0 begins anew. */
	a.channels[0].count_load_time = b.channels[0].count_load_time;
	assert_memory_equal(&a, &b, sizeof(a));
}

static void test_pit(void **state)
{
	(void)state;
	walk(step_pit);
}

static void step_pic(void)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
	struct kvm_pic_state a[2], b[2];
	u16 port = ports[below(ARRAY_SIZE(ports))];

	change_line();
	if (below(3))
		pic_pio_write(from->fabric.pic, port, (u8)random_u32());
	else
		pic_pio_read(from->fabric.pic, port);
	if (!below(4))
		fabric_pic_ack(&from->fabric);
	for (unsigned int chip = 0; chip < 2; chip++) {
		pic_get_state(from->fabric.pic, chip, &a[chip]);
		pic_set_state(to->fabric.pic, chip, &a[chip]);
	}
	for (unsigned int chip = 0; chip < 2; chip++)
		pic_get_state(to->fabric.pic, chip, &b[chip]);
	assert_memory_equal(a, b, sizeof(a));
}

static void test_pic(void **state)
{
	(void)state;
	walk(step_pic);
}

static void step_ioapic(void)
{
	struct kvm_ioapic_state a, b;

	change_line();
	ioapic_reg_write(from, (u8)below(0x42), random_u32());
	if (!below(4))
		ioapic_eoi(from->fabric.ioapic, (u8)random_u32(), below(2));
	ioapic_get_state(from->fabric.ioapic, &a);
	ioapic_set_state(to->fabric.ioapic, &a);
	ioapic_get_state(to->fabric.ioapic, &b);
	/* A restored line that is due sends its message. */
	for (unsigned int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		if (a.irr & 1u << pin)
			b.redirtbl[pin].fields.remote_irr = a.redirtbl[pin].fields.remote_irr;
	assert_memory_equal(&a, &b, sizeof(a));
}

static void test_ioapic(void **state)
{
	(void)state;
	walk(step_ioapic);
}

/* Change the mode as the guest can, which takes two steps from x2APIC mode to xAPIC mode. */
static void change_mode(struct lapic *lapic)
{
	u64 base = lapic_get_base(lapic) & ~(u64)(LAPIC_BASE_ENABLE | LAPIC_BASE_EXTD);

	lapic_set_base(lapic, base | (u64)below(4) << 10, false);
}

static void access_lapic(struct lapic *lapic)
{
	u32 reg = below(KVM_APIC_REG_SIZE / 16);
	u64 val = random_u32() & (u32)(below(2) ? ~0u : 0x3ff);

	if (!lapic_x2apic(lapic))
		xwrite(lapic, reg * 16, (u32)val);
	else if (below(2))
		lapic_msr_write(lapic, LAPIC_MSR_FIRST + reg, val);
	else
		lapic_msr_read(lapic, LAPIC_MSR_FIRST + reg, &val);
}

static u32 page_count(const struct kvm_lapic_state *state)
{
	u32 count;

	memcpy(&count, state->regs + LAPIC_TMCCT, sizeof(count));
	return count;
}

static void step_lapic(void)
{
	struct lapic *lapic = from->vcpu[1].lapic, *other = to->vcpu[1].lapic;
	struct kvm_lapic_state a, b;

	if (!below(20))
		change_mode(lapic);
	access_lapic(lapic);
	if (!below(4))
		lapic_post(lapic, (u8)random_u32(), below(2));
	if (!below(4))
		take_vector(lapic);
	lapic_take_events(lapic);
	shim_advance(below(TICK_NS));
	lapic_get_state(lapic, &a);
	assert_int_equal(lapic_set_base(other, lapic_get_base(lapic), true), 0);
	assert_int_equal(lapic_set_state(other, &a), 0);
	lapic_get_state(other, &b);
	/* A periodic timer with count 0 begins a new period. */
	if (!page_count(&a))
		memcpy(b.regs + LAPIC_TMCCT, a.regs + LAPIC_TMCCT, sizeof(u32));
	assert_memory_equal(&a, &b, sizeof(a));
}

static void test_lapic(void **state)
{
	(void)state;
	walk(step_lapic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pit),
		cmocka_unit_test(test_pic),
		cmocka_unit_test(test_ioapic),
		cmocka_unit_test(test_lapic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
