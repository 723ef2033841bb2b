// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254: counts and outputs of all modes, access and latch sequences, gate
 * and speaker port, channel 0's interrupts and kept ticks, saved state.
 */
#include "irq_fixture.h"

#define CONTROL 0x43
#define SPEAKER 0x61
#define VECTOR 0x30

static struct fixture *f;
static struct pit *pit;
static struct lapic *lapic;
static s64 loaded;

/* GSI 0 goes to IOAPIC pin 0, edge-triggered and unmasked; the PIC is masked. */
static int setup(void **state)
{
	(void)state;
	f = fixture_create(1);
	assert_int_equal(fabric_create_pit(&f->fabric, KVM_PIT_SPEAKER_DUMMY), 0);
	pit = f->fabric.pit;
	lapic = f->vcpu[0].lapic;
	enable_xapic(lapic);
	ioapic_program(f, 0, VECTOR);
	assert_int_equal(fabric_pio_write(&f->fabric, 0x21, 1, 0xff), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_destroy(f);
	return 0;
}

static u8 in(u16 port)
{
	return pit_pio_read(pit, port);
}

static void out(u16 port, u8 val)
{
	pit_pio_write(pit, port, val);
}

static u8 speaker(void)
{
	return in(SPEAKER);
}

/* Program a channel with both bytes, and note when counting began. */
static void program(unsigned int channel, u8 mode, bool bcd, u16 count)
{
	out(CONTROL, (u8)(channel << 6 | 0x30 | mode << 1 | bcd));
	out((u16)(0x40 + channel), (u8)count);
	out((u16)(0x40 + channel), (u8)(count >> 8));
	loaded = shim_now;
}

/* Let time pass until channels have counted @tick ticks since @loaded. */
static void to_tick(u64 tick)
{
	s64 at = loaded + (s64)DIV_ROUND_UP(tick * NSEC_PER_SEC, PIT_FREQUENCY_HZ);

	assert_true(at >= shim_now);
	shim_advance((u64)(at - shim_now));
}

static u16 read_count(unsigned int channel)
{
	u8 low = in((u16)(0x40 + channel));

	return (u16)(low | in((u16)(0x40 + channel)) << 8);
}

/* Latch and read the status of one channel by a read-back command. */
static u8 status(unsigned int channel)
{
	out(CONTROL, (u8)(0xe0 | 2u << channel));
	return in((u16)(0x40 + channel));
}

static bool output(unsigned int channel)
{
	return status(channel) & 0x80;
}

static void gate2(bool level)
{
	out(SPEAKER, level);
}

static void test_ports(void **state)
{
	struct fixture *plain = fixture_create(0);
	u32 val;

	(void)state;
	for (u16 port = 0; port < 0x100; port++)
		assert_int_equal(pit_covers(pit, port),
				 (port >= 0x40 && port <= 0x43) || port == 0x61);
	assert_int_equal(in(CONTROL), 0xff);
	/* Without KVM_PIT_SPEAKER_DUMMY port 0x61 is somebody else's. */
	assert_int_equal(fabric_create_pit(&plain->fabric, 2), -EINVAL);
	assert_int_equal(fabric_create_pit(&plain->fabric, 0), 0);
	assert_int_equal(fabric_create_pit(&plain->fabric, 0), -EEXIST);
	assert_int_equal(fabric_pio_read(&plain->fabric, 0x61, 1, &val), -EOPNOTSUPP);
	assert_int_equal(fabric_pio_read(&plain->fabric, 0x40, 1, &val), 0);
	fixture_destroy(plain);
}

/* kvmtool makes the PIT before the irqchip: until then ticks have no effect. */
static void test_before_the_irqchip(void **state)
{
	struct irq_fabric early = {};

	(void)state;
	assert_int_equal(fabric_init(&early, f->fabric.ops), 0);
	assert_int_equal(fabric_create_pit(&early, 0), 0);
	pit_pio_write(early.pit, CONTROL, 0x34);
	pit_pio_write(early.pit, 0x40, 0);
	pit_pio_write(early.pit, 0x40, 0x10);
	shim_advance(10000000);
	assert_int_equal(fabric_create_irqchip(&early), 0);
	/* Cascaded, vectors from 0x20 on, nothing masked. */
	assert_int_equal(fabric_pio_write(&early, 0x20, 1, 0x11), 0);
	assert_int_equal(fabric_pio_write(&early, 0x21, 1, 0x20), 0);
	assert_int_equal(fabric_pio_write(&early, 0x21, 1, 0x04), 0);
	assert_int_equal(fabric_pio_write(&early, 0x21, 1, 0x01), 0);
	assert_false(fabric_pic_pending(&early));
	shim_advance(10000000);
	assert_true(fabric_pic_pending(&early));
	assert_int_equal(fabric_pic_ack(&early), 0x20);
	fabric_stop(&early);
	fabric_destroy(&early);
}

static void test_mode0(void **state)
{
	(void)state;
	gate2(true);
	program(2, 0, false, 1000);
	assert_int_equal(read_count(2), 1000);
	assert_false(output(2));
	to_tick(400);
	assert_int_equal(read_count(2), 600);
	assert_false(output(2));
	to_tick(999);
	assert_false(output(2));
	to_tick(1000);
	assert_true(output(2));
	assert_int_equal(read_count(2), 0);
	to_tick(1001); /* counts on from the largest count */
	assert_int_equal(read_count(2), 0xffff);
	assert_true(output(2));
	/* A new count starts from the beginning, with OUT low. */
	out(0x42, 0x10);
	out(0x42, 0x00);
	assert_false(output(2));
}

static void test_mode0_gate_holds(void **state)
{
	(void)state;
	gate2(true);
	program(2, 0, false, 1000);
	to_tick(300);
	gate2(false);
	assert_int_equal(read_count(2), 700);
	shim_advance(10000000);
	assert_int_equal(read_count(2), 700);
	assert_false(output(2));
	gate2(true);
	loaded = shim_now;
	to_tick(699);
	assert_false(output(2));
	to_tick(701);
	assert_true(output(2));
	/* A count is loaded while the gate is low. */
	gate2(false);
	program(2, 0, false, 50);
	shim_advance(10000000);
	assert_int_equal(read_count(2), 50);
	gate2(true);
	loaded = shim_now;
	to_tick(50);
	assert_true(output(2));
}

static void test_mode1(void **state)
{
	(void)state;
	gate2(false);
	program(2, 1, false, 100);
	shim_advance(1000000);
	assert_true(output(2)); /* no trigger yet */
	assert_int_equal(status(2) & 0x40, 0x40);
	gate2(true);
	loaded = shim_now;
	assert_false(output(2));
	to_tick(60);
	assert_int_equal(read_count(2), 40);
	gate2(false); /* the level does not matter */
	to_tick(80);
	assert_int_equal(read_count(2), 20);
	gate2(true); /* retriggered */
	loaded = shim_now;
	to_tick(10);
	gate2(true); /* the gate is high already */
	assert_int_equal(read_count(2), 90);
	to_tick(99);
	assert_false(output(2));
	to_tick(100);
	assert_true(output(2));
}

static void test_mode2(void **state)
{
	(void)state;
	gate2(true);
	program(2, 2, false, 10);
	for (unsigned int tick = 0; tick < 35; tick++) {
		to_tick(tick);
		assert_int_equal(read_count(2), 10 - tick % 10);
		assert_int_equal(output(2), tick % 10 != 9);
	}
	to_tick(39);
	assert_false(output(2));
	gate2(false);
	assert_true(output(2));
	/* After a control word nothing counts until a count is written. */
	out(CONTROL, 0xb4);
	gate2(true);
	shim_advance(1000000);
	assert_int_equal(status(2), 0xf4);
	gate2(false);
	/* A low gate lets a count be loaded, but does not let it count. */
	program(2, 2, false, 20);
	assert_int_equal(status(2), 0xb4);
	program(2, 2, false, 10);
	gate2(true); /* starts from the beginning */
	loaded = shim_now;
	to_tick(9);
	assert_false(output(2));
}

static void test_mode3(void **state)
{
	static const u16 even[] = { 6, 4, 2, 6, 4, 2 };
	static const u16 odd[] = { 4, 2, 0, 4, 2 };

	(void)state;
	gate2(true);
	program(2, 3, false, 6);
	for (unsigned int tick = 0; tick < 18; tick++) {
		to_tick(tick);
		assert_int_equal(read_count(2), even[tick % 6]);
		assert_int_equal(output(2), tick % 6 < 3);
	}
	program(2, 3, false, 5);
	for (unsigned int tick = 0; tick < 15; tick++) {
		to_tick(tick);
		assert_int_equal(read_count(2), odd[tick % 5]);
		assert_int_equal(output(2), tick % 5 < 3);
	}
}

static void test_mode4(void **state)
{
	(void)state;
	gate2(true);
	program(2, 4, false, 20);
	assert_true(output(2));
	to_tick(19);
	assert_true(output(2));
	assert_int_equal(read_count(2), 1);
	to_tick(20);
	assert_false(output(2)); /* the strobe */
	to_tick(21);
	assert_true(output(2));
	assert_int_equal(read_count(2), 0xffff);
}

static void test_mode5(void **state)
{
	(void)state;
	gate2(false);
	program(2, 5, false, 20);
	shim_advance(1000000);
	assert_true(output(2));
	gate2(true);
	loaded = shim_now;
	to_tick(10);
	gate2(false);
	gate2(true);
	loaded = shim_now;
	to_tick(19);
	assert_true(output(2));
	to_tick(20);
	assert_false(output(2));
	to_tick(21);
	assert_true(output(2));
}

/* Modes 6 and 7 are modes 2 and 3. */
static void test_mode_aliases(void **state)
{
	(void)state;
	gate2(true);
	program(2, 6, false, 10);
	assert_int_equal(status(2), 0xb4);
	program(2, 7, false, 10);
	assert_int_equal(status(2), 0xb6);
}

static void test_count_0_is_the_largest(void **state)
{
	(void)state;
	gate2(true);
	program(2, 2, false, 0);
	assert_int_equal(read_count(2), 0);
	to_tick(1);
	assert_int_equal(read_count(2), 0xffff);
	to_tick(65535);
	assert_int_equal(read_count(2), 1);
	to_tick(65536);
	assert_int_equal(read_count(2), 0);
}

static void test_bcd(void **state)
{
	(void)state;
	gate2(true);
	program(2, 2, true, 0x1234);
	assert_int_equal(read_count(2), 0x1234);
	to_tick(35);
	assert_int_equal(read_count(2), 0x1199);
	to_tick(1233);
	assert_int_equal(read_count(2), 0x0001);
	assert_false(output(2));
	assert_int_equal(status(2), 0x35);
	program(2, 0, true, 0);
	assert_int_equal(read_count(2), 0);
	to_tick(1);
	assert_int_equal(read_count(2), 0x9999);
	to_tick(10000);
	assert_int_equal(read_count(2), 0);
	assert_true(output(2));
	to_tick(10001);
	assert_int_equal(read_count(2), 0x9999);
}

static void test_access_modes(void **state)
{
	(void)state;
	gate2(true);
	out(CONTROL, 0x94); /* channel 2, low byte, mode 2 */
	out(0x42, 200);
	loaded = shim_now;
	to_tick(5);
	assert_int_equal(in(0x42), 195);
	assert_int_equal(in(0x42), 195);
	out(CONTROL, 0xa4); /* high byte */
	out(0x42, 0x12);
	assert_int_equal(in(0x42), 0x12);
	assert_int_equal(in(0x42), 0x12);
	out(CONTROL, 0xb4); /* low, then high */
	out(0x42, 0x34);
	assert_int_equal(status(2) & 0x40, 0x40); /* not loaded yet */
	out(0x42, 0x12);
	assert_int_equal(status(2) & 0x40, 0);
	assert_int_equal(in(0x42), 0x34);
	assert_int_equal(in(0x42), 0x12);
	assert_int_equal(in(0x42), 0x34);
}

static void test_counter_latch(void **state)
{
	(void)state;
	gate2(true);
	program(2, 2, false, 1000);
	to_tick(100);
	out(CONTROL, 0x80);
	to_tick(300);
	out(CONTROL, 0x80); /* ignored until the first latched count is read */
	assert_int_equal(read_count(2), 900);
	assert_int_equal(read_count(2), 700);
	/* After one byte is read, the other byte still comes from the latch. */
	out(CONTROL, 0x80);
	assert_int_equal(in(0x42), 700 & 0xff);
	to_tick(600);
	assert_int_equal(in(0x42), 700 >> 8);
	assert_int_equal(read_count(2), 400);
	/* A control word drops a latched count. */
	out(CONTROL, 0x80);
	program(2, 2, false, 500);
	assert_int_equal(read_count(2), 500);
	/* One byte is enough in the one-byte modes. */
	out(CONTROL, 0x94);
	out(0x42, 100);
	loaded = shim_now;
	to_tick(10);
	out(CONTROL, 0x80);
	to_tick(20);
	assert_int_equal(in(0x42), 90);
	assert_int_equal(in(0x42), 80);
}

static void test_read_back(void **state)
{
	(void)state;
	gate2(true);
	program(0, 2, false, 1000);
	program(1, 3, false, 2000);
	program(2, 0, false, 3000);
	to_tick(100);
	out(CONTROL, 0xce); /* count and status of all */
	to_tick(200);
	assert_int_equal(in(0x40), 0xb4);
	assert_int_equal(read_count(0), 900);
	assert_int_equal(in(0x41), 0xb6);
	assert_int_equal(read_count(1), 1800);
	assert_int_equal(in(0x42), 0x30);
	assert_int_equal(read_count(2), 2900);
	/* Count of channel 1 alone. */
	out(CONTROL, 0xd4);
	to_tick(300);
	assert_int_equal(read_count(1), 1600);
	assert_int_equal(read_count(0), 700);
	/* The first status stays until it is read. */
	out(CONTROL, 0xe8);
	to_tick(3000);
	out(CONTROL, 0xe8);
	assert_int_equal(in(0x42), 0x30);
	assert_int_equal(status(2), 0xb0);
	/* A control word sets the null-count bit and drops a latched status. */
	out(CONTROL, 0xe8);
	out(CONTROL, 0xb4);
	assert_int_equal(status(2), 0xf4);
}

static void test_speaker_port(void **state)
{
	u8 refresh;

	(void)state;
	assert_int_equal(speaker() & 0x0f, 0);
	out(SPEAKER, 0xff);
	assert_int_equal(speaker() & 0x0f, 3);
	program(2, 0, false, 100);
	assert_int_equal(speaker() & 0x20, 0);
	to_tick(100);
	assert_int_equal(speaker() & 0x20, 0x20);
	refresh = speaker() & 0x10;
	shim_advance(15085);
	assert_int_not_equal(speaker() & 0x10, refresh);
	shim_advance(15085);
	assert_int_equal(speaker() & 0x10, refresh);
}

/* Take a tick and end it. Return false if none was delivered. */
static bool tick(void)
{
	if (take_vector(lapic) != VECTOR)
		return false;
	eoi(lapic);
	return true;
}

static void test_periodic_interrupts(void **state)
{
	(void)state;
	for (u8 mode = 2; mode <= 3; mode++) {
		program(0, mode, false, 11932);
		for (u64 n = 1; n < 300; n++) {
			to_tick(n * 11932 - 1);
			assert_false(tick());
			to_tick(n * 11932 + 1);
			assert_true(tick());
		}
		/* A control word stops it. */
		out(CONTROL, 0x30);
		assert_int_equal(shim_timers_armed(), 0);
	}
}

static void test_oneshot_interrupts(void **state)
{
	(void)state;
	program(0, 0, false, 5000);
	to_tick(4999);
	assert_false(tick());
	to_tick(5001);
	assert_true(tick());
	assert_int_equal(shim_timers_armed(), 0);
	program(0, 4, false, 100);
	to_tick(102);
	assert_true(tick());
	/* Channel 0's gate never triggers modes 1 and 5. */
	program(0, 1, false, 100);
	assert_int_equal(shim_timers_armed(), 0);
	program(0, 5, false, 100);
	assert_int_equal(shim_timers_armed(), 0);
}

static void test_other_channels_do_not_interrupt(void **state)
{
	(void)state;
	gate2(true);
	program(1, 2, false, 1000);
	program(2, 2, false, 1000);
	assert_int_equal(shim_timers_armed(), 0);
}

static void test_rate_is_limited(void **state)
{
	unsigned int n = 0;

	(void)state;
	program(0, 2, false, 1);
	for (int i = 0; i < 1000; i++) {
		shim_advance(100000);
		while (tick())
			n++;
	}
	assert_in_range(n, 480, 500); /* 100 ms at 5 kHz at most */
}

/* The guest gets a tick for each period, however late it is (11932 ticks: 100 Hz). */
static void test_no_tick_is_lost(void **state)
{
	unsigned int n = 0;

	(void)state;
	program(0, 2, false, 11932);
	to_tick(10 * 11932 + 10);
	while (tick())
		n++;
	assert_int_equal(n, 10);
	/* More ticks come while the guest takes the ones that were kept. */
	to_tick(20 * 11932 + 10);
	assert_true(tick());
	assert_true(tick());
	to_tick(25 * 11932 + 10);
	n = 2;
	while (tick())
		n++;
	assert_int_equal(n, 15);
	/* More ticks come while one is in service. */
	to_tick(26 * 11932 + 10);
	assert_int_equal(take_vector(lapic), VECTOR);
	to_tick(29 * 11932 + 10);
	eoi(lapic);
	n = 1;
	while (tick())
		n++;
	assert_int_equal(n, 4);
}

static void slow_kick(void *vcpu)
{
	fixture_kick(vcpu);
	shim_now += 700000;
}

/* Ticks that take longer than their period still leave the host's CPU some time. */
static void test_slow_tick(void **state)
{
	struct fabric_ops slow = fixture_ops;
	ktime_t begun = shim_now;
	unsigned int n = 0;

	(void)state;
	slow.kick = slow_kick;
	f->fabric.ops = &slow;
	program(0, 2, false, 1);
	for (int i = 0; i < 10; i++) {
		shim_advance(shim_next_expiry() - shim_now);
		assert_true(shim_next_expiry() > shim_now);
	}
	f->fabric.ops = &fixture_ops;
	/* No tick that passed meanwhile is lost. */
	shim_advance(shim_next_expiry() - shim_now);
	while (tick())
		n++;
	assert_in_range(n, (shim_now - begun) / 200400, (shim_now - begun) / 200200);
}

/* The hrtimer comes late: all ticks since the last one count. */
static void test_late_timer(void **state)
{
	unsigned int n = 0;

	(void)state;
	program(0, 2, false, 11932);
	shim_now += 50350000; /* 5 periods pass unnoticed */
	shim_advance(0);
	while (tick())
		n++;
	assert_int_equal(n, 5);
	to_tick(6 * 11932 + 1);
	assert_true(tick());
}

static void test_without_reinjection(void **state)
{
	(void)state;
	pit_set_reinject(pit, false);
	program(0, 2, false, 11932);
	to_tick(10 * 11932 + 10);
	assert_true(tick());
	assert_false(tick());
	/* Switching reinjection off drops the ticks that were kept. */
	pit_set_reinject(pit, true);
	to_tick(20 * 11932 + 10);
	pit_set_reinject(pit, false);
	assert_true(tick());
	assert_false(tick());
}

static void test_masked_ticks_are_lost(void **state)
{
	(void)state;
	ioapic_program(f, 0, VECTOR | IOAPIC_RTE_MASK);
	program(0, 2, false, 11932);
	to_tick(10 * 11932 + 10);
	ioapic_program(f, 0, VECTOR);
	assert_false(tick());
	to_tick(11 * 11932 + 10);
	assert_true(tick());
	assert_false(tick());
	/* A new count drops the ticks that were kept, with or without a control word. */
	to_tick(20 * 11932 + 10);
	program(0, 2, false, 11932);
	assert_true(tick());
	assert_false(tick());
	to_tick(10 * 11932 + 10);
	out(0x40, 0x9c);
	out(0x40, 0x2e);
	assert_true(tick());
	assert_false(tick());
}

static void test_ticks_through_the_pic(void **state)
{
	unsigned int n = 0;

	(void)state;
	ioapic_program(f, 0, VECTOR | IOAPIC_RTE_MASK);
	pic_pio_write(f->fabric.pic, 0x20, 0x11);
	pic_pio_write(f->fabric.pic, 0x21, 0x20);
	pic_pio_write(f->fabric.pic, 0x21, 0x04);
	pic_pio_write(f->fabric.pic, 0x21, 0x01);
	program(0, 2, false, 11932);
	to_tick(10 * 11932 + 10);
	/* Linux masks the pin, ends the interrupt and unmasks the pin. */
	while (fabric_pic_pending(&f->fabric)) {
		assert_int_equal(fabric_pic_ack(&f->fabric), 0x20);
		pic_pio_write(f->fabric.pic, 0x21, 0x01);
		pic_pio_write(f->fabric.pic, 0x20, 0x60);
		pic_pio_write(f->fabric.pic, 0x21, 0x00);
		n++;
	}
	assert_int_equal(n, 10);
}

static void test_state_round_trip(void **state)
{
	struct kvm_pit_state2 a, b;

	(void)state;
	out(SPEAKER, 3);
	program(2, 3, false, 1000);
	program(1, 2, true, 0x500);
	program(0, 2, false, 11932);
	to_tick(100);
	out(CONTROL, 0xc2); /* latch count and status of channel 0 */
	out(0x42, 0x77); /* half a count */
	pit_get_state(pit, &a);
	assert_int_equal(a.flags, KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	assert_int_equal(a.channels[0].count, 11932);
	assert_int_equal(a.channels[0].mode, 2);
	assert_int_equal(a.channels[0].rw_mode, 3);
	assert_int_equal(a.channels[0].count_latched, 3);
	assert_int_equal(a.channels[0].status_latched, 1);
	assert_int_equal(a.channels[0].latched_count, 11832);
	assert_int_equal(a.channels[1].bcd, 1);
	assert_int_equal(a.channels[1].count, 500);
	assert_int_equal(a.channels[2].write_state, 4);
	assert_int_equal(a.channels[2].write_latch, 0x77);
	assert_int_equal(a.channels[2].gate, 1);

	fixture_destroy(f);
	setup(NULL);
	assert_int_equal(pit_set_state(pit, &a), 0);
	pit_get_state(pit, &b);
	a.channels[0].count_load_time = shim_now; /* channel 0 starts over */
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(in(0x40), 0xb4);
	assert_int_equal(read_count(0), 11832);
	loaded = shim_now;
	to_tick(11932 + 1);
	assert_true(tick());
	assert_int_equal(speaker() & 3, 3);
}

static void test_state_hpet_legacy(void **state)
{
	struct kvm_pit_state2 s;

	(void)state;
	program(0, 2, false, 11932);
	pit_get_state(pit, &s);
	s.flags |= KVM_PIT_FLAGS_HPET_LEGACY;
	assert_int_equal(pit_set_state(pit, &s), 0);
	assert_int_equal(shim_timers_armed(), 0);
	program(0, 2, false, 1000);
	assert_int_equal(shim_timers_armed(), 0);
	pit_get_state(pit, &s);
	assert_int_equal(s.flags, KVM_PIT_FLAGS_HPET_LEGACY);
	s.flags = 0;
	assert_int_equal(pit_set_state(pit, &s), 0);
	assert_int_equal(shim_timers_armed(), 1);
}

static void test_state_held_by_gate(void **state)
{
	struct kvm_pit_state2 s;

	(void)state;
	gate2(true);
	program(2, 4, false, 1000);
	to_tick(300);
	gate2(false);
	shim_advance(10000000);
	pit_get_state(pit, &s);
	shim_advance(10000000);
	assert_int_equal(pit_set_state(pit, &s), 0);
	gate2(true);
	/* Time between get and set counts, as it does for a count that runs. */
	assert_in_range(read_count(2), 0xffff - 11932 + 698, 0xffff - 11932 + 702);
}

static void test_state_fresh(void **state)
{
	struct kvm_pit_state2 s;

	(void)state;
	pit_get_state(pit, &s);
	assert_int_equal(s.channels[0].gate, 1);
	assert_int_equal(s.channels[2].gate, 0);
	assert_int_equal(pit_set_state(pit, &s), 0);
	assert_int_equal(shim_timers_armed(), 0);
	memset(&s, 0, sizeof(s)); /* count 0 is 65536 */
	s.channels[0].mode = 2;
	assert_int_equal(pit_set_state(pit, &s), 0);
	pit_get_state(pit, &s);
	assert_int_equal(s.channels[0].count, 65536);
	assert_int_equal(s.channels[0].gate, 1);
	assert_int_equal(shim_timers_armed(), 1);
	s.channels[0].mode = 5; /* never triggered */
	assert_int_equal(pit_set_state(pit, &s), 0);
	assert_int_equal(shim_timers_armed(), 0);
}

static void test_state_hostile(void **state)
{
	struct kvm_pit_state2 good, bad, after;

	(void)state;
	program(0, 2, false, 11932);
	pit_get_state(pit, &good);
#define REFUSED(field, value)                                        \
	do {                                                         \
		bad = good;                                          \
		bad.field = value;                                   \
		assert_int_equal(pit_set_state(pit, &bad), -EINVAL); \
		pit_get_state(pit, &after);                          \
		assert_memory_equal(&good, &after, sizeof(good));    \
	} while (0)
	REFUSED(flags, 4);
	REFUSED(channels[0].count, 65537);
	REFUSED(channels[1].mode, 6);
	REFUSED(channels[2].rw_mode, 4);
	REFUSED(channels[2].count_latched, 5);
	REFUSED(channels[2].read_state, 5);
	REFUSED(channels[2].write_state, 5);
#undef REFUSED
	bad = good;
	bad.channels[1].count_load_time = INT64_MAX;
	bad.channels[2].count_load_time = INT64_MIN;
	bad.channels[2].gate = 255;
	assert_int_equal(pit_set_state(pit, &bad), 0);
	read_count(1);
	read_count(2);
	assert_int_equal(speaker() & 1, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ports),
		TEST(test_before_the_irqchip),
		TEST(test_mode0),
		TEST(test_mode0_gate_holds),
		TEST(test_mode1),
		TEST(test_mode2),
		TEST(test_mode3),
		TEST(test_mode4),
		TEST(test_mode5),
		TEST(test_mode_aliases),
		TEST(test_count_0_is_the_largest),
		TEST(test_bcd),
		TEST(test_access_modes),
		TEST(test_counter_latch),
		TEST(test_read_back),
		TEST(test_speaker_port),
		TEST(test_periodic_interrupts),
		TEST(test_oneshot_interrupts),
		TEST(test_other_channels_do_not_interrupt),
		TEST(test_rate_is_limited),
		TEST(test_no_tick_is_lost),
		TEST(test_slow_tick),
		TEST(test_late_timer),
		TEST(test_without_reinjection),
		TEST(test_masked_ticks_are_lost),
		TEST(test_ticks_through_the_pic),
		TEST(test_state_round_trip),
		TEST(test_state_hpet_legacy),
		TEST(test_state_held_by_gate),
		TEST(test_state_fresh),
		TEST(test_state_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
