// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC of one vCPU: registers in both modes, priorities, mode
 * switches, errors, local pins, saved state. Timer and IPIs have files of their
 * own.
 */
#include <pthread.h>
#include <sched.h>

#include "irq_fixture.h"

static struct fixture *f;
static struct lapic *lapic;

static int setup(void **state)
{
	(void)state;
	f = fixture_create(1);
	lapic = f->vcpu[0].lapic;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_destroy(f);
	return 0;
}

static void test_power_on(void **state)
{
	(void)state;
	assert_int_equal(lapic_get_base(lapic), 0xfee00900);
	assert_int_equal(xread(lapic, LAPIC_ID), 0);
	assert_int_equal(xread(lapic, LAPIC_VERSION), 0x00050014);
	assert_int_equal(xread(lapic, LAPIC_SVR), 0xff);
	assert_int_equal(xread(lapic, LAPIC_DFR), 0xffffffff);
	assert_int_equal(xread(lapic, LAPIC_LDR), 0);
	assert_int_equal(xread(lapic, LAPIC_TPR), 0);
	assert_int_equal(xread(lapic, LAPIC_LVT_LINT0), 0x700);
	for (u32 reg = LAPIC_LVT_TIMER; reg <= LAPIC_LVT_ERROR; reg += 0x10)
		if (reg != LAPIC_LVT_LINT0)
			assert_int_equal(xread(lapic, reg), 0x10000);
	assert_true(lapic_accepts_extint(lapic));
	assert_false(lapic_has_work(lapic));
}

static void test_lint0_as_bare_metal(void **state)
{
	(void)state;
	f->fabric.lint0_masked = true;
	lapic_reset(lapic, false);
	assert_int_equal(xread(lapic, LAPIC_LVT_LINT0), 0x10000);
	assert_false(lapic_accepts_extint(lapic));
}

/* The value of each register after a write of all ones; no address may be an error. */
static void test_writable_bits(void **state)
{
	static const struct {
		u32 reg, expect;
	} regs[] = {
		{ LAPIC_ID, 0 },
		{ LAPIC_VERSION, 0x00050014 },
		{ LAPIC_APR, 0 },
		{ LAPIC_PPR, 0 },
		{ LAPIC_RRD, 0 },
		{ LAPIC_LDR, 0xff000000 },
		{ LAPIC_DFR, 0xffffffff },
		{ LAPIC_SVR, 0x3ff },
		{ LAPIC_ISR, 0 },
		{ LAPIC_TMR, 0 },
		{ LAPIC_IRR, 0 },
		{ LAPIC_ICR2, 0xff000000 },
		{ LAPIC_LVT_TIMER, 0x700ff },
		{ LAPIC_LVT_THERMAL, 0x107ff },
		{ LAPIC_LVT_PMC, 0x107ff },
		{ LAPIC_LVT_LINT0, 0x1a7ff },
		{ LAPIC_LVT_LINT1, 0x1a7ff },
		{ LAPIC_LVT_ERROR, 0x100ff },
		{ LAPIC_TMCCT, 0 },
		{ LAPIC_TDCR, 0xb },
		{ LAPIC_TPR, 0xff },
	};

	(void)state;
	enable_xapic(lapic);
	for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++) {
		xwrite(lapic, regs[i].reg, 0xffffffff);
		assert_int_equal(xread(lapic, regs[i].reg), regs[i].expect);
	}
	xwrite(lapic, LAPIC_ESR, 0);
	assert_int_equal(xread(lapic, LAPIC_ESR), 0);
}

static void test_access_size(void **state)
{
	u8 bytes[8];
	u64 wide = ~0ull;

	(void)state;
	lapic_mmio_read(lapic, LAPIC_VERSION + 2, bytes, 1);
	assert_int_equal(bytes[0], 5);
	lapic_mmio_read(lapic, LAPIC_VERSION + 3, bytes, 2);
	assert_int_equal(bytes[0] | bytes[1], 0);
	lapic_mmio_read(lapic, LAPIC_VERSION, &wide, 8);
	assert_int_equal(wide, 0);

	/* Only an aligned 32-bit write has an effect. */
	bytes[0] = 0x55;
	lapic_mmio_write(lapic, LAPIC_TPR, bytes, 1);
	lapic_mmio_write(lapic, LAPIC_TPR, bytes, 8);
	lapic_mmio_write(lapic, LAPIC_TPR + 4, bytes, 4);
	assert_int_equal(xread(lapic, LAPIC_TPR), 0);
}

static void test_illegal_register(void **state)
{
	static const u32 holes[] = { 0x000, 0x010, 0x040, 0x2f0, 0x3a0, 0x400, 0xff0 };

	(void)state;
	enable_xapic(lapic);
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		assert_int_equal(xread(lapic, holes[i]), 0);
		assert_int_equal(xread(lapic, LAPIC_ESR), 0);
		xwrite(lapic, LAPIC_ESR, 0);
		assert_int_equal(xread(lapic, LAPIC_ESR), 0x80);
		xwrite(lapic, LAPIC_ESR, 0);
		assert_int_equal(xread(lapic, LAPIC_ESR), 0);
		xwrite(lapic, holes[i], 1);
		xwrite(lapic, LAPIC_ESR, 0);
		assert_int_equal(xread(lapic, LAPIC_ESR), 0x80);
		xwrite(lapic, LAPIC_ESR, 0);
	}
	/* EOI and self-IPI cannot be read in the page, but reading them is no error. */
	xread(lapic, LAPIC_EOI);
	xread(lapic, LAPIC_SELF_IPI);
	xwrite(lapic, LAPIC_ESR, 0);
	assert_int_equal(xread(lapic, LAPIC_ESR), 0);
}

static void test_error_interrupt(void **state)
{
	(void)state;
	enable_xapic(lapic);
	xwrite(lapic, LAPIC_LVT_ERROR, 0xe0);
	xread(lapic, 0x040);
	assert_int_equal(take_vector(lapic), 0xe0);
	eoi(lapic);
	/* A message with an illegal vector is not accepted. */
	assert_int_equal(lapic_post(lapic, 15, false), -1);
	assert_int_equal(take_vector(lapic), 0xe0);
	eoi(lapic);
	xwrite(lapic, LAPIC_ESR, 0);
	assert_int_equal(xread(lapic, LAPIC_ESR), 0xc0);
	/* An illegal vector in LVT Error itself must not recurse. */
	xwrite(lapic, LAPIC_LVT_ERROR, 0x0f);
	assert_int_equal(lapic_post(lapic, 3, false), -1);
	assert_int_equal(take_vector(lapic), -1);
}

static void test_post_and_accept(void **state)
{
	(void)state;
	/* Software-disabled: fixed interrupts are not accepted. */
	assert_int_equal(lapic_post(lapic, 0x40, false), -1);
	enable_xapic(lapic);
	assert_int_equal(lapic_post(lapic, 0x40, false), 1);
	assert_int_equal(f->vcpu[0].kicks, 1);
	assert_int_equal(lapic_post(lapic, 0x40, false), 0);
	assert_int_equal(f->vcpu[0].kicks, 1);
	assert_true(lapic_has_work(lapic));
	assert_int_equal(xread(lapic, LAPIC_IRR + 0x20), 1);

	assert_int_equal(take_vector(lapic), 0x40);
	assert_false(lapic_has_work(lapic));
	assert_int_equal(xread(lapic, LAPIC_IRR + 0x20), 0);
	assert_int_equal(xread(lapic, LAPIC_ISR + 0x20), 1);
	/* A second interrupt of the same vector waits for the EOI. */
	assert_int_equal(lapic_post(lapic, 0x40, false), 1);
	assert_int_equal(lapic_pending(lapic), -1);
	assert_int_equal(lapic_highest_irr(lapic), 0x40);
	eoi(lapic);
	assert_int_equal(xread(lapic, LAPIC_ISR + 0x20), 0);
	assert_int_equal(take_vector(lapic), 0x40);
	eoi(lapic);
	eoi(lapic); /* nothing in service: no effect */
}

static void test_every_vector(void **state)
{
	(void)state;
	enable_xapic(lapic);
	for (int v = 16; v < 256; v++)
		assert_int_equal(lapic_post(lapic, (u8)v, v & 1), 1);
	assert_int_equal(xread(lapic, LAPIC_IRR), 0xffff0000);
	assert_int_equal(xread(lapic, LAPIC_TMR), 0xaaaa0000);
	assert_int_equal(xread(lapic, LAPIC_TMR + 0x70), 0xaaaaaaaa);
	for (int v = 255; v >= 16; v--) {
		assert_int_equal(take_vector(lapic), v);
		eoi(lapic);
	}
	assert_int_equal(take_vector(lapic), -1);
	assert_false(lapic_has_work(lapic));
	/* TMR has the trigger mode of the last message. */
	lapic_post(lapic, 0x81, false);
	lapic_post(lapic, 0x80, true);
	assert_int_equal(xread(lapic, LAPIC_TMR + 0x40), 0xaaaaaaa9);
}

#define RACERS 3
#define RACE_POSTS 50000

static atomic_t race_done;

/* Post one vector again and again; a post that coalesces does not count. */
static void *race(void *arg)
{
	u8 vector = (u8)(0x40 + 0x21 * (uintptr_t)arg);

	for (int posted = 0; posted < RACE_POSTS;) {
		if (lapic_post(lapic, vector, false) == 1)
			posted++;
		else
			sched_yield();
	}
	atomic_inc(&race_done);
	return NULL;
}

static void race_kick(void *vcpu)
{
	(void)vcpu;
}

/*
 * Other threads post while the vCPU takes vectors: each accepted post is taken
 * once, and none is left when lapic_has_work() returns false.
 */
static void test_posts_race_with_accept(void **state)
{
	static const struct fabric_ops ops = { .kick = race_kick };
	pthread_t threads[RACERS];
	int taken = 0;

	(void)state;
	enable_xapic(lapic);
	f->fabric.ops = &ops;
	atomic_set(&race_done, 0);
	for (uintptr_t i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, (void *)i), 0);
	while (atomic_read(&race_done) < RACERS || lapic_has_work(lapic)) {
		if (!lapic_has_work(lapic)) {
			sched_yield();
		} else if (take_vector(lapic) >= 0) {
			taken++;
			eoi(lapic);
		}
	}
	for (int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(taken, RACERS * RACE_POSTS);
	assert_int_equal(lapic_highest_irr(lapic), -1);
	f->fabric.ops = &fixture_ops;
}

static void test_nesting(void **state)
{
	(void)state;
	enable_xapic(lapic);
	lapic_post(lapic, 0x45, false);
	assert_int_equal(take_vector(lapic), 0x45);
	lapic_post(lapic, 0x4f, false); /* same class: it waits */
	assert_int_equal(take_vector(lapic), -1);
	lapic_post(lapic, 0x50, false); /* higher class: it nests */
	assert_int_equal(take_vector(lapic), 0x50);
	assert_int_equal(xread(lapic, LAPIC_PPR), 0x50);
	eoi(lapic);
	assert_int_equal(xread(lapic, LAPIC_PPR), 0x40);
	assert_int_equal(take_vector(lapic), -1);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), 0x4f);
}

/* PPR for all classes of TPR and ISR (SDM 3A 11.8.3.1). */
static void test_ppr(void **state)
{
	(void)state;
	enable_xapic(lapic);
	for (int v = 0x15; v < 0x100; v += 0x10) {
		xwrite(lapic, LAPIC_TPR, 0);
		lapic_post(lapic, (u8)v, false);
		assert_int_equal(take_vector(lapic), v);
		for (int tpr = 0x03; tpr < 0x100; tpr += 0x10) {
			u32 expect = (tpr & 0xf0) >= (v & 0xf0) ? tpr : v & 0xf0;

			xwrite(lapic, LAPIC_TPR, (u32)tpr);
			assert_int_equal(xread(lapic, LAPIC_PPR), expect);
		}
		eoi(lapic);
	}
}

static void test_tpr_and_cr8(void **state)
{
	(void)state;
	enable_xapic(lapic);
	lapic_post(lapic, 0x61, false);
	for (u64 cr8 = 0; cr8 < 16; cr8++) {
		assert_int_equal(lapic_set_cr8(lapic, cr8), 0);
		assert_int_equal(xread(lapic, LAPIC_TPR), cr8 << 4);
		assert_int_equal(lapic_get_cr8(lapic), cr8);
		assert_int_equal(lapic_pending(lapic), cr8 < 6 ? 0x61 : -1);
	}
	assert_int_equal(lapic_set_cr8(lapic, 16), -EINVAL);
	assert_int_equal(lapic_set_cr8(lapic, 1ull << 63), -EINVAL);
	xwrite(lapic, LAPIC_TPR, 0x5f);
	assert_int_equal(lapic_get_cr8(lapic), 5);
	assert_int_equal(lapic_pending(lapic), 0x61);
}

static void test_vapic_word(void **state)
{
	(void)state;
	enable_xapic(lapic);
	assert_int_equal(lapic_vapic_word(lapic), 0);
	lapic_set_tpr(lapic, 0x35);
	assert_int_equal(xread(lapic, LAPIC_TPR), 0x35);
	assert_int_equal(lapic_get_tpr(lapic), 0x35);
	lapic_post(lapic, 0x61, false);
	lapic_post(lapic, 0xf2, false);
	assert_int_equal(lapic_vapic_word(lapic), 0xf2000035);
	assert_int_equal(take_vector(lapic), 0xf2);
	assert_int_equal(lapic_vapic_word(lapic), 0x6100f035);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), 0x61);
	assert_int_equal(lapic_vapic_word(lapic), 0x00006035);
}

static void test_silent_eoi(void **state)
{
	(void)state;
	enable_xapic(lapic);
	assert_false(lapic_eoi_is_silent(lapic, 0x61));
	lapic_post(lapic, 0x61, false);
	assert_false(lapic_eoi_is_silent(lapic, 0x61)); /* the vector is still in IRR */
	assert_int_equal(take_vector(lapic), 0x61);
	assert_true(lapic_eoi_is_silent(lapic, 0x61));
	assert_false(lapic_eoi_is_silent(lapic, 0x41)); /* another vector is in service */
	/* Another vector waits for the end of this one, or for interrupting it. */
	lapic_post(lapic, 0x41, false);
	assert_false(lapic_eoi_is_silent(lapic, 0x61));
	lapic_post(lapic, 0x71, false);
	assert_int_equal(take_vector(lapic), 0x71);
	assert_false(lapic_eoi_is_silent(lapic, 0x71));
	lapic_end_of_interrupt(lapic);
	lapic_end_of_interrupt(lapic);
	assert_int_equal(take_vector(lapic), 0x41);
	assert_true(lapic_eoi_is_silent(lapic, 0x41));
	/* Two vectors are in service, and an EOI ends the higher. */
	lapic_post(lapic, 0x81, false);
	assert_int_equal(take_vector(lapic), 0x81);
	assert_true(lapic_eoi_is_silent(lapic, 0x81));
	assert_false(lapic_eoi_is_silent(lapic, 0x41));
	lapic_end_of_interrupt(lapic);
	assert_true(lapic_eoi_is_silent(lapic, 0x41));
	lapic_end_of_interrupt(lapic);
	assert_false(lapic_eoi_is_silent(lapic, 0x41));
	assert_int_equal(xread(lapic, LAPIC_ISR + 0x20), 0);
}

/* The IOAPIC has to hear of the EOI of a level-triggered interrupt. */
static void test_level_eoi_is_not_silent(void **state)
{
	(void)state;
	enable_xapic(lapic);
	lapic_post(lapic, 0x61, true);
	assert_int_equal(take_vector(lapic), 0x61);
	assert_false(lapic_eoi_is_silent(lapic, 0x61));
	lapic_end_of_interrupt(lapic);
	lapic_post(lapic, 0x61, false);
	assert_int_equal(take_vector(lapic), 0x61);
	assert_true(lapic_eoi_is_silent(lapic, 0x61));
}

static void no_ack(struct irq_ack *ack)
{
	(void)ack;
}

/* A listener for a pin's acknowledgment hears of an edge-triggered pin too. */
static void test_heard_eoi_is_not_silent(void **state)
{
	struct irq_ack ack = { .gsi = 5, .acked = no_ack };

	(void)state;
	enable_xapic(lapic);
	ioapic_program(f, 5, 0x61);
	fabric_add_ack(&f->fabric, &ack);
	lapic_post(lapic, 0x61, false);
	assert_int_equal(take_vector(lapic), 0x61);
	assert_false(lapic_eoi_is_silent(lapic, 0x61));
	lapic_end_of_interrupt(lapic);
	/* No pin has this vector. */
	lapic_post(lapic, 0x71, false);
	assert_int_equal(take_vector(lapic), 0x71);
	assert_true(lapic_eoi_is_silent(lapic, 0x71));
	fabric_remove_ack(&f->fabric, &ack);
}

static void test_is_tpr(void **state)
{
	const u64 page = 0xfee00000;

	(void)state;
	assert_true(lapic_is_tpr(lapic, page + LAPIC_TPR));
	assert_false(lapic_is_tpr(lapic, page + LAPIC_TPR + 1));
	assert_false(lapic_is_tpr(lapic, page + LAPIC_PPR));
	assert_false(lapic_is_tpr(lapic, page + LAPIC_MMIO_SIZE + LAPIC_TPR));
	enable_x2apic(lapic);
	assert_false(lapic_is_tpr(lapic, page + LAPIC_TPR));
}

static void test_software_disable(void **state)
{
	(void)state;
	enable_xapic(lapic);
	xwrite(lapic, LAPIC_LVT_TIMER, 0x31);
	lapic_post(lapic, 0x44, false);
	xwrite(lapic, LAPIC_SVR, 0xef);
	/* LVTs are masked and stay masked; a vector in IRR is still delivered. */
	assert_int_equal(xread(lapic, LAPIC_LVT_TIMER), 0x10031);
	xwrite(lapic, LAPIC_LVT_TIMER, 0x32);
	assert_int_equal(xread(lapic, LAPIC_LVT_TIMER), 0x10032);
	assert_int_equal(lapic_post(lapic, 0x45, false), -1);
	assert_int_equal(take_vector(lapic), 0x44);
	assert_int_equal(xread(lapic, LAPIC_SVR), 0xef);
}

static void test_global_disable(void **state)
{
	(void)state;
	enable_xapic(lapic);
	lapic_post(lapic, 0x44, false);
	assert_int_equal(lapic_set_base(lapic, 0xfee00100, false), 0);
	assert_int_equal(lapic_pending(lapic), -1);
	assert_int_equal(lapic_post(lapic, 0x45, false), -1);
	assert_int_equal(xread(lapic, LAPIC_VERSION), 0xffffffff);
	xwrite(lapic, LAPIC_TPR, 0x20);
	assert_true(lapic_accepts_extint(lapic));
	/* When it is enabled again, its state is that of power-on, with LINT0 masked. */
	assert_int_equal(lapic_set_base(lapic, 0xfee00900, false), 0);
	assert_int_equal(xread(lapic, LAPIC_SVR), 0xff);
	assert_int_equal(xread(lapic, LAPIC_TPR), 0);
	assert_int_equal(lapic_pending(lapic), -1);
	assert_false(lapic_accepts_extint(lapic));
}

static void test_base_values(void **state)
{
	const struct lapic_features none = { .maxphyaddr = 36 };
	struct lapic *fresh = lapic_create(&f->fabric, &f->vcpu[1], 1, false);

	(void)state;
	/* Features before the guest has a CPUID. */
	assert_false(IS_ERR(fresh));
	assert_int_equal(lapic_set_base(fresh, 1ull << 35 | 0x800, true), 0);
	assert_int_equal(lapic_set_base(fresh, 1ull << 36 | 0x800, true), -EINVAL);
	assert_int_equal(lapic_set_base(fresh, 0xfee00c00, true), -EINVAL);
	lapic_destroy(fresh);
	assert_int_equal(lapic_set_base(lapic, 0xfee00901, true), -EINVAL);
	assert_int_equal(lapic_set_base(lapic, 0xfee00b00, true), -EINVAL);
	assert_int_equal(lapic_set_base(lapic, 0xfee00500, true), -EINVAL);
	assert_int_equal(lapic_set_base(lapic, 1ull << 40 | 0x900, true), -EINVAL);
	assert_int_equal(lapic_set_base(lapic, 0x123456900, false), 0);
	assert_true(lapic_covers(lapic, 0x123456fff));
	assert_false(lapic_covers(lapic, 0x123457000));
	assert_false(lapic_covers(lapic, 0x123455fff));
	lapic_set_features(lapic, &none);
	assert_int_equal(lapic_set_base(lapic, 0xfee00d00, true), -EINVAL);
	assert_int_equal(lapic_set_base(lapic, 1ull << 36 | 0x900, true), -EINVAL);
}

/* From each mode to each mode, by the guest and by the host (SDM 3A figure 11-27). */
static void test_base_transitions(void **state)
{
	static const u64 modes[] = { 0xfee00100, 0xfee00900, 0xfee00d00 };
	static const bool allowed[3][3] = {
		{ true, true, false },
		{ true, true, true },
		{ true, false, true },
	};

	(void)state;
	for (int from = 0; from < 3; from++) {
		for (int to = 0; to < 3; to++) {
			assert_int_equal(lapic_set_base(lapic, modes[from], true), 0);
			assert_int_equal(lapic_set_base(lapic, modes[to], false),
					 allowed[from][to] ? 0 : -EINVAL);
			assert_int_equal(lapic_get_base(lapic),
					 modes[allowed[from][to] ? to : from]);
			assert_int_equal(atomic_read(&f->fabric.xapics), !lapic_x2apic(lapic));
		}
	}
}

static void test_x2apic_registers(void **state)
{
	u64 val;

	(void)state;
	assert_int_equal(lapic_msr_read(lapic, 0x802, &val), -EINVAL);
	assert_int_equal(lapic_msr_write(lapic, 0x808, 0), -EINVAL);
	xwrite(lapic, LAPIC_TPR, 0x30);
	enable_x2apic(lapic);
	assert_int_equal(lapic_msr_read(lapic, 0x808, &val), 0);
	assert_int_equal(val, 0x30);
	assert_int_equal(xread(lapic, LAPIC_TPR), 0xffffffff);
	assert_int_equal(lapic_msr_read(lapic, 0x803, &val), 0);
	assert_int_equal(val, 0x00050014);
	assert_int_equal(lapic_msr_read(lapic, 0x80d, &val), 0);
	assert_int_equal(val, 1);
}

/* x2APIC MSRs that can be read, and that can be written with 0 (SDM 3A table 11-6). */
static void test_x2apic_access(void **state)
{
	(void)state;
	enable_x2apic(lapic);
	for (u32 msr = 0x800; msr <= 0x8ff; msr++) {
		bool vectors = msr >= 0x810 && msr <= 0x827;
		bool lvt = msr >= 0x832 && msr <= 0x837;
		bool both = msr == 0x808 || msr == 0x80f || msr == 0x828 || msr == 0x830 || lvt ||
			    msr == 0x838 || msr == 0x83e;
		bool readable = both || vectors || msr == 0x802 || msr == 0x803 || msr == 0x80a ||
				msr == 0x80d || msr == 0x839;
		bool writable = both || msr == 0x80b || msr == 0x83f;
		u64 val;

		assert_int_equal(lapic_msr_read(lapic, msr, &val), readable ? 0 : -EINVAL);
		assert_int_equal(lapic_msr_write(lapic, msr, 0), writable ? 0 : -EINVAL);
	}
}

/* A write with one reserved bit set is #GP; with one defined bit set it is not. */
static void test_x2apic_reserved_bits(void **state)
{
	static const struct {
		u32 msr;
		u64 legal;
	} regs[] = {
		{ 0x808, 0xff },
		{ 0x80b, 0 },
		{ 0x80f, 0x3ff },
		{ 0x828, 0 },
		{ 0x830, 0xffffffff000cdfff },
		{ 0x832, 0x710ff },
		{ 0x833, 0x117ff },
		{ 0x834, 0x117ff },
		{ 0x835, 0x1f7ff },
		{ 0x836, 0x1f7ff },
		{ 0x837, 0x110ff },
		{ 0x838, 0xffffffff },
		{ 0x83e, 0xb },
		{ 0x83f, 0xff },
	};

	(void)state;
	enable_x2apic(lapic);
	for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++) {
		for (unsigned int bit = 0; bit < 64; bit++) {
			bool legal = regs[i].legal >> bit & 1;

			assert_int_equal(lapic_msr_write(lapic, regs[i].msr, 1ull << bit),
					 legal ? 0 : -EINVAL);
		}
	}
}

static void test_tsc_deadline_bit_needs_feature(void **state)
{
	const struct lapic_features features = { .maxphyaddr = 40, .x2apic = true };

	(void)state;
	lapic_set_features(lapic, &features);
	enable_xapic(lapic);
	xwrite(lapic, LAPIC_LVT_TIMER, 0x60020);
	assert_int_equal(xread(lapic, LAPIC_LVT_TIMER), 0x20020);
	xwrite(lapic, LAPIC_LVT_TIMER, 0);
	enable_x2apic(lapic);
	assert_int_equal(lapic_msr_write(lapic, 0x832, 0x40020), -EINVAL);
}

static void test_events(void **state)
{
	(void)state;
	assert_true(lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x9a));
	assert_false(lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x9b));
	assert_int_equal(f->vcpu[0].kicks, 1);
	assert_int_equal(lapic->sipi_vector, 0x9b);
	assert_true(lapic_has_work(lapic));
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_SIPI);
	assert_int_equal(lapic_take_events(lapic), 0);
	assert_false(lapic_has_work(lapic));
	lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x10);
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_INIT | LAPIC_EVENT_SIPI);
}

/* An INIT ends what came before it, and nothing that comes after it. */
static void test_init_is_the_first_event(void **state)
{
	(void)state;
	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x10);
	lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
	lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
	assert_true(lapic_post_event(lapic, LAPIC_EVENT_INIT, 0));
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_INIT);
	lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
	lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
	assert_false(lapic_post_event(lapic, LAPIC_EVENT_INIT, 0));
	lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_INIT | LAPIC_EVENT_NMI);
}

/* Two NMIs are two: the CPU latches one while another is in service. */
static void test_nmis_are_counted(void **state)
{
	(void)state;
	assert_int_equal(lapic_take_nmis(lapic), 0);
	assert_true(lapic_post_event(lapic, LAPIC_EVENT_NMI, 0));
	assert_true(lapic_post_event(lapic, LAPIC_EVENT_NMI, 0));
	assert_false(lapic_post_event(lapic, LAPIC_EVENT_NMI, 0));
	assert_int_equal(f->vcpu[0].kicks, 2);
	assert_int_equal(lapic_take_nmis(lapic), LAPIC_EVENT_NMIS);
	assert_false(lapic_has_work(lapic));
	/* Taken alone, they leave the other events. */
	lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 0x10);
	lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
	assert_int_equal(lapic_take_nmis(lapic), LAPIC_EVENT_NMI);
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_INIT | LAPIC_EVENT_SIPI);
}

static void test_local_pins(void **state)
{
	(void)state;
	enable_xapic(lapic);
	lapic_raise_lint(lapic, 1); /* masked after reset */
	assert_false(lapic_has_work(lapic));
	xwrite(lapic, LAPIC_LVT_LINT1, 0x400);
	lapic_raise_lint(lapic, 1);
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_NMI);
	xwrite(lapic, LAPIC_LVT_LINT1, 0x500);
	lapic_raise_lint(lapic, 1);
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_INIT);
	xwrite(lapic, LAPIC_LVT_LINT1, 0x200); /* SMI: ignored */
	lapic_raise_lint(lapic, 1);
	assert_false(lapic_has_work(lapic));
	xwrite(lapic, LAPIC_LVT_LINT0, 0x33);
	assert_false(lapic_accepts_extint(lapic));
	lapic_raise_lint(lapic, 0);
	assert_int_equal(take_vector(lapic), 0x33);

	xwrite(lapic, LAPIC_LVT_LINT0, 0x700);
	f->vcpu[0].kicks = 0;
	lapic_raise_lint(lapic, 0);
	assert_int_equal(f->vcpu[0].kicks, 1);
	assert_true(lapic_accepts_extint(lapic));
	xwrite(lapic, LAPIC_LVT_LINT0, 0x10700);
	assert_false(lapic_accepts_extint(lapic));

	/* The pins of a disabled APIC are the CPU's INTR and NMI. */
	lapic_set_base(lapic, 0xfee00100, false);
	lapic_raise_lint(lapic, 1);
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_NMI);
	f->vcpu[0].kicks = 0;
	lapic_raise_lint(lapic, 0);
	assert_int_equal(f->vcpu[0].kicks, 1);
}

static void test_init_reset(void **state)
{
	(void)state;
	enable_x2apic(lapic);
	lapic_msr_write(lapic, 0x808, 0x40);
	lapic_post(lapic, 0x80, false);
	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 1);
	lapic_reset(lapic, true);
	/* INIT keeps the mode, and a SIPI that was posted after it. */
	assert_int_equal(lapic_get_base(lapic), 0xfee00d00);
	assert_int_equal(lapic_get_cr8(lapic), 0);
	assert_int_equal(lapic_pending(lapic), -1);
	assert_int_equal(lapic_take_events(lapic), LAPIC_EVENT_SIPI);
	lapic_post_event(lapic, LAPIC_EVENT_SIPI, 1);
	lapic_post(lapic, 0x05, false); /* an illegal vector */
	lapic_reset(lapic, false);
	assert_int_equal(lapic_take_events(lapic), 0);
	xwrite(lapic, LAPIC_ESR, 0);
	assert_int_equal(xread(lapic, LAPIC_ESR), 0);
	assert_int_equal(lapic_get_base(lapic), 0xfee00900);
	assert_int_equal(atomic_read(&f->fabric.xapics), 1);
}

static void test_state_round_trip(void **state)
{
	struct kvm_lapic_state a, b;

	(void)state;
	enable_xapic(lapic);
	xwrite(lapic, LAPIC_TPR, 0x21);
	xwrite(lapic, LAPIC_LDR, 0x04000000);
	xwrite(lapic, LAPIC_DFR, 0x0fffffff);
	xwrite(lapic, LAPIC_ICR2, 0x05000000);
	xwrite(lapic, LAPIC_LVT_LINT1, 0x400);
	lapic_post(lapic, 0x91, true);
	assert_int_equal(take_vector(lapic), 0x91);
	lapic_post(lapic, 0x92, false);
	lapic_get_state(lapic, &a);

	lapic_reset(lapic, false);
	f->vcpu[0].kicks = 0;
	assert_int_equal(lapic_set_state(lapic, &a), 0);
	assert_int_equal(f->vcpu[0].kicks, 1);
	lapic_get_state(lapic, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(xread(lapic, LAPIC_PPR), 0x90);
	assert_int_equal(lapic_pending(lapic), -1);
	eoi(lapic);
	assert_int_equal(take_vector(lapic), 0x92);
}

/* The ids follow the mode, also after INIT and back in xAPIC mode. */
static void test_ids(void **state)
{
	struct lapic *other = lapic_create(&f->fabric, &f->vcpu[1], 0x25, false);
	u64 val;

	(void)state;
	assert_false(IS_ERR(other));
	lapic_publish(other);
	lapic_set_features(other, &lapic->features);
	assert_int_equal(xread(other, LAPIC_ID), 0x25000000);
	enable_x2apic(other);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lapic_msr_read(other, 0x802, &val), 0);
		assert_int_equal(val, 0x25);
		assert_int_equal(lapic_msr_read(other, 0x80d, &val), 0);
		assert_int_equal(val, 0x00020020);
		lapic_reset(other, true);
	}
	assert_int_equal(lapic_set_base(other, 0xfee00000, false), 0);
	assert_int_equal(lapic_set_base(other, 0xfee00800, false), 0);
	assert_int_equal(xread(other, LAPIC_ID), 0x25000000);
	assert_int_equal(xread(other, LAPIC_LDR), 0);
	/* Only userspace can go from x2APIC mode to xAPIC mode directly. */
	assert_int_equal(lapic_set_base(other, 0xfee00c00, true), 0);
	assert_int_equal(lapic_set_base(other, 0xfee00800, true), 0);
	assert_int_equal(xread(other, LAPIC_ID), 0x25000000);
	assert_int_equal(xread(other, LAPIC_LDR), 0);
	lapic_destroy(other);
}

static u32 page_reg(const struct kvm_lapic_state *page, u32 reg)
{
	u32 val;

	memcpy(&val, page->regs + reg, sizeof(val));
	return val;
}

static void test_state_details(void **state)
{
	struct kvm_lapic_state page;
	u64 val;

	(void)state;
	enable_xapic(lapic);
	xread(lapic, 0x040);
	xwrite(lapic, LAPIC_ESR, 0);
	xwrite(lapic, LAPIC_TPR, 0x45);
	lapic_get_state(lapic, &page);
	assert_int_equal(page_reg(&page, LAPIC_PPR), 0x45);
	lapic_reset(lapic, false);
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	assert_int_equal(xread(lapic, LAPIC_ESR), 0x80);

	lapic_reset(lapic, false);
	enable_x2apic(lapic);
	assert_int_equal(lapic_msr_write(lapic, 0x830, 0x1234567800000041), 0);
	lapic_get_state(lapic, &page);
	assert_int_equal(page_reg(&page, LAPIC_ICR2), 0x12345678);
	lapic_reset(lapic, true);
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	assert_int_equal(lapic_msr_read(lapic, 0x830, &val), 0);
	assert_int_equal(val, 0x1234567800000041);
}

static void test_state_hostile(void **state)
{
	struct kvm_lapic_state page;

	(void)state;
	memset(&page, 0xff, sizeof(page));
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	assert_int_equal(xread(lapic, LAPIC_ID), 0);
	assert_int_equal(xread(lapic, LAPIC_VERSION), 0x00050014);
	assert_int_equal(xread(lapic, LAPIC_ISR), 0xffffffff);
	assert_int_equal(xread(lapic, LAPIC_LVT_TIMER), 0x700ff);
	assert_int_equal(xread(lapic, LAPIC_SVR), 0x3ff);
	assert_int_equal(xread(lapic, LAPIC_ICR), ~(u32)LAPIC_ICR_STATUS);
	assert_int_equal(lapic_pending(lapic), -1);
}

/* Userspace may leave illegal vectors in IRR; they are below any TPR. */
static void test_state_illegal_vectors(void **state)
{
	struct kvm_lapic_state page;

	(void)state;
	enable_xapic(lapic);
	lapic_get_state(lapic, &page);
	memset(page.regs + LAPIC_IRR, 0xff, 2);
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	assert_int_equal(xread(lapic, LAPIC_IRR), 0xffff);
	assert_int_equal(lapic_pending(lapic), -1);
	lapic_post(lapic, 0x31, false);
	assert_int_equal(take_vector(lapic), 0x31);
	eoi(lapic);
	assert_int_equal(lapic_pending(lapic), -1);
}

static void test_state_x2apic_id(void **state)
{
	struct kvm_lapic_state page;
	struct lapic *other;
	u32 id;

	(void)state;
	other = lapic_create(&f->fabric, &f->vcpu[1], 0x105, false);
	assert_false(IS_ERR(other));
	lapic_set_features(other, &lapic->features);
	enable_x2apic(other);
	f->fabric.ids32 = true;
	lapic_get_state(other, &page);
	memcpy(&id, page.regs + LAPIC_ID, 4);
	assert_int_equal(id, 0x105);
	assert_int_equal(lapic_set_state(other, &page), 0);
	id = 0x106;
	memcpy(page.regs + LAPIC_ID, &id, 4);
	assert_int_equal(lapic_set_state(other, &page), -EINVAL);
	lapic_destroy(other);

	enable_x2apic(lapic);
	f->fabric.ids32 = false;
	lapic_get_state(lapic, &page);
	assert_int_equal(lapic_set_state(lapic, &page), 0);
	page.regs[LAPIC_ID + 3] = 1;
	assert_int_equal(lapic_set_state(lapic, &page), -EINVAL);
}

static void test_create_errors(void **state)
{
	struct fixture_vcpu vcpu = {};

	(void)state;
	assert_int_equal(PTR_ERR(lapic_create(&f->fabric, &vcpu, 0, false)), -EEXIST);
	assert_int_equal(PTR_ERR(lapic_create(&f->fabric, &vcpu, 4096, false)), -EINVAL);
	vcpu.lapic = lapic_create(&f->fabric, &vcpu, 4095, false);
	assert_false(IS_ERR(vcpu.lapic));
	assert_int_equal(atomic_read(&f->fabric.xapics), 2);
	lapic_publish(vcpu.lapic);
	lapic_destroy(vcpu.lapic);
	lapic_destroy(NULL);
	assert_int_equal(atomic_read(&f->fabric.xapics), 1);
}

/* A vCPU whose creation fails later has had no messages, and its end waits for nobody. */
static void test_not_published(void **state)
{
	const struct kvm_msi msi = { .address_lo = 0xfee07000, .data = 0x41 };
	struct fixture_vcpu vcpu = {};

	(void)state;
	vcpu.lapic = lapic_create(&f->fabric, &vcpu, 7, false);
	enable_xapic(vcpu.lapic);
	assert_int_equal(fabric_deliver_msi(&f->fabric, &msi), 0);
	assert_int_equal(lapic_pending(vcpu.lapic), -1);
	lapic_publish(vcpu.lapic);
	assert_int_equal(fabric_deliver_msi(&f->fabric, &msi), 1);
	assert_int_equal(lapic_pending(vcpu.lapic), 0x41);
	lapic_destroy(vcpu.lapic);
	assert_int_equal(f->fabric.srcu.waits, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_power_on),
		TEST(test_lint0_as_bare_metal),
		TEST(test_writable_bits),
		TEST(test_access_size),
		TEST(test_illegal_register),
		TEST(test_error_interrupt),
		TEST(test_post_and_accept),
		TEST(test_every_vector),
		TEST(test_posts_race_with_accept),
		TEST(test_nesting),
		TEST(test_ppr),
		TEST(test_tpr_and_cr8),
		TEST(test_vapic_word),
		TEST(test_silent_eoi),
		TEST(test_level_eoi_is_not_silent),
		TEST(test_heard_eoi_is_not_silent),
		TEST(test_is_tpr),
		TEST(test_software_disable),
		TEST(test_global_disable),
		TEST(test_base_values),
		TEST(test_base_transitions),
		TEST(test_x2apic_registers),
		TEST(test_x2apic_access),
		TEST(test_x2apic_reserved_bits),
		TEST(test_tsc_deadline_bit_needs_feature),
		TEST(test_events),
		TEST(test_init_is_the_first_event),
		TEST(test_nmis_are_counted),
		TEST(test_local_pins),
		TEST(test_init_reset),
		TEST(test_state_round_trip),
		TEST(test_ids),
		TEST(test_state_details),
		TEST(test_state_hostile),
		TEST(test_state_illegal_vectors),
		TEST(test_state_x2apic_id),
		TEST(test_create_errors),
		TEST(test_not_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
