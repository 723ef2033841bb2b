// SPDX-License-Identifier: GPL-2.0-only
/* Coalesced I/O: writes that a zone takes and does not take, a full ring, hostile rings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/errno.h>
#include <linux/mm.h>

#include "irq/coalesced.h"

static struct coalesced c;
static struct srcu_struct srcu;
static struct kvm_coalesced_mmio_ring *ring;

static int setup(void **state)
{
	(void)state;
	/* A separate allocation, so that ASan sees accesses beyond the ring. */
	ring = calloc(1, PAGE_SIZE);
	assert_non_null(ring);
	init_srcu_struct(&srcu);
	coalesced_init(&c, ring, &srcu);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	coalesced_destroy(&c);
	free(ring);
	return 0;
}

static int add(bool pio, u64 addr, u32 size)
{
	const struct kvm_coalesced_mmio_zone zone = { .addr = addr, .size = size, .pio = pio };

	return coalesced_register(&c, &zone);
}

static int take_away(bool pio, u64 addr, u32 size)
{
	const struct kvm_coalesced_mmio_zone zone = { .addr = addr, .size = size, .pio = pio };

	return coalesced_unregister(&c, &zone);
}

static bool guest_write(bool pio, u64 addr, const void *buf, unsigned int len, unsigned int count)
{
	int idx = srcu_read_lock(&srcu);
	bool taken = coalesced_write(&c, pio, addr, buf, len, count);

	srcu_read_unlock(&srcu, idx);
	return taken;
}

/* Return true if a write goes into the ring, and empty the ring again. */
static bool takes(bool pio, u64 addr, unsigned int len)
{
	const u64 data = 0x1122334455667788;
	u32 last = ring->last;
	bool taken = guest_write(pio, addr, &data, len, 1);

	assert_int_equal(ring->last != last, taken);
	if (taken) {
		const struct kvm_coalesced_mmio *entry = &ring->coalesced_mmio[last];
		u64 rest = 0;

		assert_int_equal(entry->phys_addr, addr);
		assert_int_equal(entry->len, len);
		assert_int_equal(entry->pio, pio);
		memcpy(&rest, &data, len);
		assert_memory_equal(entry->data, &rest, 8);
	}
	ring->first = ring->last;
	return taken;
}

static void test_bounds(void **state)
{
	(void)state;
	assert_false(takes(false, 0x1000, 4));
	assert_int_equal(add(false, 0x1000, 0x10), 0);
	assert_true(takes(false, 0x1000, 4));
	assert_true(takes(false, 0x100f, 1));
	assert_true(takes(false, 0x1008, 8));
	assert_false(takes(false, 0xfff, 1));
	assert_false(takes(false, 0xfff, 2));
	assert_false(takes(false, 0x100f, 2));
	assert_false(takes(false, 0x1010, 1));
	assert_false(takes(true, 0x1000, 4));
	assert_int_equal(add(true, 0x70, 1), 0);
	assert_true(takes(true, 0x70, 1));
	assert_false(takes(true, 0x70, 2));
	assert_false(takes(true, 0x71, 1));
	assert_false(takes(false, 0x70, 1));
	assert_true(takes(false, 0x1000, 4));
}

static void test_overlap(void **state)
{
	(void)state;
	assert_int_equal(add(false, 0x1000, 0x1000), 0);
	assert_int_equal(add(false, 0x1100, 0x10), 0);
	assert_int_equal(add(false, 0x1100, 0x20), 0);
	assert_true(takes(false, 0x1118, 8));
	assert_true(takes(false, 0x1ff8, 8));
	/* An access that crosses from one zone into the next lies in neither. */
	assert_int_equal(add(false, 0x2000, 0x10), 0);
	assert_false(takes(false, 0x1ffc, 8));
	assert_true(takes(false, 0x2008, 8));
}

static void test_take_away(void **state)
{
	(void)state;
	assert_int_equal(take_away(false, 0x1000, 4), 0);
	assert_int_equal(add(false, 0x1000, 0x100), 0);
	assert_int_equal(add(false, 0x1000, 0x10), 0);
	assert_int_equal(add(false, 0x3000, 0x10), 0);
	assert_int_equal(add(true, 0x1000, 0x10), 0);
	/* Neither zone contains this range. */
	assert_int_equal(take_away(false, 0x1000, 0x101), 0);
	assert_true(takes(false, 0x1080, 4));
	/* Only the wider zone contains this range. */
	assert_int_equal(take_away(false, 0x1000, 0x20), 0);
	assert_false(takes(false, 0x1080, 4));
	assert_true(takes(false, 0x1000, 4));
	assert_int_equal(take_away(false, 0x1004, 1), 0);
	assert_false(takes(false, 0x1000, 4));
	assert_true(takes(true, 0x1000, 4));
	assert_int_equal(take_away(true, 0x1000, 0x10), 0);
	assert_true(takes(false, 0x3000, 4));
	assert_int_equal(take_away(false, 0x3000, 0x10), 0);
	assert_null(c.table);
}

static void test_bad_zones(void **state)
{
	const struct kvm_coalesced_mmio_zone bad = { .addr = 1, .size = 1, .pio = 2 };

	(void)state;
	assert_int_equal(coalesced_register(&c, &bad), -EINVAL);
	assert_int_equal(coalesced_unregister(&c, &bad), -EINVAL);
	/* A zone that wraps contains nothing, and hides no other zone. */
	assert_int_equal(add(false, ~0ull - 3, 8), 0);
	assert_int_equal(add(false, 0x1000, 8), 0);
	assert_false(takes(false, ~0ull - 3, 4));
	assert_false(takes(false, 0, 4));
	assert_int_equal(take_away(false, ~0ull - 3, 8), 0);
	assert_true(takes(false, 0x1000, 8));
	assert_int_equal(add(false, 0x2000, 0), 0);
	assert_false(takes(false, 0x2000, 1));
}

static void test_many_zones(void **state)
{
	(void)state;
	for (u32 i = 0; i < COALESCED_MAX; i++)
		assert_int_equal(add(i & 1, i * 7919 % COALESCED_MAX * 16, 8), 0);
	assert_int_equal(add(false, 0, 1), -ENOSPC);
	for (u32 i = 0; i < COALESCED_MAX; i++) {
		u64 addr = i * 7919 % COALESCED_MAX * 16;

		assert_true(takes(i & 1, addr, 8));
		assert_false(takes(i & 1, addr + 8, 1));
		assert_false(takes(!(i & 1), addr, 8));
	}
	assert_int_equal(take_away(false, 0, 8), 0);
	assert_int_equal(add(false, 0, 1), 0);
}

static void test_full(void **state)
{
	const u32 room = KVM_COALESCED_MMIO_MAX - 1;
	u8 data[4 * KVM_COALESCED_MMIO_MAX] = {};

	(void)state;
	assert_int_equal(add(true, 0x40, 4), 0);
	/* Start at each place in the ring. */
	for (u32 start = 0; start < KVM_COALESCED_MMIO_MAX; start++) {
		ring->first = start;
		ring->last = start;
		assert_false(guest_write(true, 0x40, data, 4, room + 1));
		assert_int_equal(ring->last, start);
		assert_true(guest_write(true, 0x40, data, 4, room - 1));
		assert_false(guest_write(true, 0x40, data, 4, 2));
		assert_true(guest_write(true, 0x40, data, 4, 1));
		assert_false(guest_write(true, 0x40, data, 4, 1));
		assert_int_equal((ring->last + 1) % KVM_COALESCED_MMIO_MAX, start);
		ring->first = (start + 1) % KVM_COALESCED_MMIO_MAX;
		assert_true(guest_write(true, 0x40, data, 4, 1));
		assert_false(guest_write(true, 0x40, data, 4, 1));
	}
}

static void test_string(void **state)
{
	const u16 data[3] = { 0x1111, 0x2222, 0x3333 };

	(void)state;
	assert_int_equal(add(true, 0x40, 4), 0);
	ring->first = KVM_COALESCED_MMIO_MAX - 2;
	ring->last = KVM_COALESCED_MMIO_MAX - 2;
	assert_true(guest_write(true, 0x40, data, 2, 3));
	assert_int_equal(ring->last, 1);
	assert_memory_equal(ring->coalesced_mmio[KVM_COALESCED_MMIO_MAX - 2].data, &data[0], 2);
	assert_memory_equal(ring->coalesced_mmio[KVM_COALESCED_MMIO_MAX - 1].data, &data[1], 2);
	assert_memory_equal(ring->coalesced_mmio[0].data, &data[2], 2);
}

static void test_hostile_ring(void **state)
{
	static const u32 bad[] = { KVM_COALESCED_MMIO_MAX, KVM_COALESCED_MMIO_MAX + 1, 0x7fffffff,
				   0x80000000, ~0u };
	const u32 data = 0;

	(void)state;
	assert_int_equal(add(false, 0x1000, 4), 0);
	for (u32 i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ring->first = 0;
		ring->last = bad[i];
		assert_false(guest_write(false, 0x1000, &data, 4, 1));
		ring->first = bad[i];
		assert_false(guest_write(false, 0x1000, &data, 4, 1));
		ring->last = 0;
		guest_write(false, 0x1000, &data, 4, 1);
		assert_true(ring->last < KVM_COALESCED_MMIO_MAX);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bounds),    TEST(test_overlap),      TEST(test_take_away),
		TEST(test_bad_zones), TEST(test_many_zones),   TEST(test_full),
		TEST(test_string),    TEST(test_hostile_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
