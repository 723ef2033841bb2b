// SPDX-License-Identifier: GPL-2.0-only
/* ioeventfd: writes that match and do not, collisions, errors, and leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/errno.h>
#include <linux/eventfd.h>

#include "irq/ioeventfd.h"

#define DATAMATCH KVM_IOEVENTFD_FLAG_DATAMATCH
#define PIO KVM_IOEVENTFD_FLAG_PIO
#define DEASSIGN KVM_IOEVENTFD_FLAG_DEASSIGN

static struct ioeventfds doorbells;
static struct srcu_struct srcu;
static int fd, other;

static int setup(void **state)
{
	(void)state;
	init_srcu_struct(&srcu);
	ioeventfds_init(&doorbells, &srcu);
	fd = shim_eventfd_open();
	other = shim_eventfd_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	shim_eventfd_close(fd);
	shim_eventfd_close(other);
	ioeventfds_destroy(&doorbells);
	assert_int_equal(shim_eventfds(), 0);
	return 0;
}

static int change(int eventfd, u64 addr, u32 len, u32 flags, u64 datamatch)
{
	const struct kvm_ioeventfd args = {
		.fd = eventfd,
		.addr = addr,
		.len = len,
		.flags = flags,
		.datamatch = datamatch,
	};

	return ioeventfds_change(&doorbells, &args);
}

/* Write as a guest. Return 0 if nothing was signalled, 1 for @fd, 2 for @other. */
static int write_to(bool pio, u64 addr, u64 val, unsigned int len)
{
	int idx = srcu_read_lock(&srcu);
	bool hit = ioeventfds_write(&doorbells, pio, addr, &val, len);
	u64 first = shim_eventfd_read(fd), second = shim_eventfd_read(other);

	srcu_read_unlock(&srcu, idx);
	assert_int_equal(first + second, hit);
	return first ? 1 : second ? 2 : 0;
}

static void test_address_and_length(void **state)
{
	(void)state;
	assert_int_equal(write_to(false, 0xfe000000, 1, 4), 0);
	assert_int_equal(change(fd, 0xfe000000, 4, 0, 0), 0);
	assert_int_equal(write_to(false, 0xfe000000, 1, 4), 1);
	assert_int_equal(write_to(false, 0xfe000000, 0xffffffff, 4), 1);
	assert_int_equal(write_to(false, 0xfe000000, 1, 2), 0);
	assert_int_equal(write_to(false, 0xfe000000, 1, 8), 0);
	assert_int_equal(write_to(false, 0xfe000001, 1, 4), 0);
	assert_int_equal(write_to(false, 0xfdffffff, 1, 4), 0);
	assert_int_equal(write_to(true, 0xfe000000, 1, 4), 0);
	assert_int_equal(change(fd, 0xfe000000, 4, DEASSIGN, 0), 0);
	assert_int_equal(write_to(false, 0xfe000000, 1, 4), 0);
}

static void test_ports_are_apart(void **state)
{
	(void)state;
	assert_int_equal(change(fd, 0xc050, 2, PIO, 0), 0);
	assert_int_equal(change(other, 0xc050, 2, 0, 0), 0);
	assert_int_equal(write_to(true, 0xc050, 1, 2), 1);
	assert_int_equal(write_to(false, 0xc050, 1, 2), 2);
}

static void test_any_length(void **state)
{
	(void)state;
	assert_int_equal(change(fd, 0x1000, 0, 0, 0), 0);
	for (unsigned int len = 1; len <= 8; len++)
		assert_int_equal(write_to(false, 0x1000, 5, len), 1);
	assert_int_equal(write_to(false, 0x1004, 5, 4), 0);
}

static void test_datamatch(void **state)
{
	(void)state;
	assert_int_equal(change(fd, 0x1000, 2, DATAMATCH, 0x0001), 0);
	assert_int_equal(change(other, 0x1000, 2, DATAMATCH, 0x0002), 0);
	assert_int_equal(write_to(false, 0x1000, 1, 2), 1);
	assert_int_equal(write_to(false, 0x1000, 2, 2), 2);
	assert_int_equal(write_to(false, 0x1000, 3, 2), 0);
	/* Only the bytes written count. */
	assert_int_equal(write_to(false, 0x1000, 0xffff0001, 2), 1);
	/* A value that does not fit is never written. */
	assert_int_equal(change(fd, 0x2000, 1, DATAMATCH, 0x101), 0);
	assert_int_equal(write_to(false, 0x2000, 0x101, 1), 0);
	assert_int_equal(change(fd, 0x3000, 8, DATAMATCH, ~0ull), 0);
	assert_int_equal(write_to(false, 0x3000, ~0ull, 8), 1);
}

static void test_collisions(void **state)
{
	(void)state;
	assert_int_equal(change(fd, 0x1000, 4, DATAMATCH, 1), 0);
	assert_int_equal(change(other, 0x1000, 4, DATAMATCH, 1), -EEXIST);
	assert_int_equal(change(other, 0x1000, 4, 0, 0), -EEXIST);
	assert_int_equal(change(other, 0x1000, 0, 0, 0), -EEXIST);
	assert_int_equal(change(other, 0x1000, 2, 0, 0), 0);
	assert_int_equal(change(fd, 0x1000, 2, DATAMATCH, 7), -EEXIST);
	assert_int_equal(change(other, 0x1000, 4, DATAMATCH, 2), 0);
	assert_int_equal(change(fd, 0x2000, 0, 0, 0), 0);
	assert_int_equal(change(fd, 0x2000, 1, 0, 0), -EEXIST);
}

static void test_deassign(void **state)
{
	(void)state;
	assert_int_equal(change(fd, 0x1000, 4, DATAMATCH, 1), 0);
	assert_int_equal(change(fd, 0x1000, 4, DATAMATCH, 2), 0);
	assert_int_equal(change(fd, 0x1000, 2, 0, 0), 0);
	assert_int_equal(change(other, 0x1000, 4, DATAMATCH | DEASSIGN, 1), -ENOENT);
	assert_int_equal(change(fd, 0x1001, 4, DATAMATCH | DEASSIGN, 1), -ENOENT);
	assert_int_equal(change(fd, 0x1000, 4, DATAMATCH | PIO | DEASSIGN, 1), -ENOENT);
	assert_int_equal(change(fd, 0x1000, 4, DATAMATCH | DEASSIGN, 3), -ENOENT);
	assert_int_equal(change(fd, 0x1000, 4, DEASSIGN, 0), -ENOENT);
	assert_int_equal(change(fd, 0x1000, 4, DATAMATCH | DEASSIGN, 1), 0);
	assert_int_equal(write_to(false, 0x1000, 1, 4), 0);
	assert_int_equal(write_to(false, 0x1000, 2, 4), 1);
	assert_int_equal(write_to(false, 0x1000, 2, 2), 1);
	/* Without KVM_IOEVENTFD_FLAG_DATAMATCH the value is ignored. */
	assert_int_equal(change(fd, 0x1000, 2, DEASSIGN, 99), 0);
	assert_int_equal(write_to(false, 0x1000, 2, 2), 0);
}

static void test_errors(void **state)
{
	static const u32 bad_lengths[] = { 3, 5, 6, 7, 9, 16, 0xffffffff };

	(void)state;
	assert_int_equal(change(fd, 0x1000, 4, 8, 0), -EINVAL);
	assert_int_equal(change(fd, 0x1000, 0, DATAMATCH, 0), -EINVAL);
	assert_int_equal(change(fd, ~0ull - 2, 4, 0, 0), -EINVAL);
	for (unsigned int i = 0; i < 7; i++)
		assert_int_equal(change(fd, 0x1000, bad_lengths[i], 0, 0), -EINVAL);
	assert_int_equal(change(99, 0x1000, 4, 0, 0), -EBADF);
	assert_int_equal(change(fd, 0x1000, 4, DEASSIGN, 0), -ENOENT);
}

static void test_many(void **state)
{
	(void)state;
	/* Add them out of order: 7919 is prime, so that each slot below 1000 comes once. */
	for (u64 i = 0; i < IOEVENTFD_MAX; i++) {
		u64 slot = i * 7919 % IOEVENTFD_MAX;
		u64 addr = slot / 2 * 8;

		if (slot & 1)
			assert_int_equal(change(fd, addr, 4, PIO, 0), 0);
		else
			assert_int_equal(change(other, addr, 4, 0, 0), 0);
	}
	assert_int_equal(change(fd, 0x100000, 4, 0, 0), -ENOSPC);
	for (u64 addr = 0; addr < IOEVENTFD_MAX / 2; addr++) {
		assert_int_equal(write_to(true, addr * 8, 0, 4), 1);
		assert_int_equal(write_to(false, addr * 8, 0, 4), 2);
		assert_int_equal(write_to(false, addr * 8 + 1, 0, 4), 0);
	}
	for (u64 addr = 0; addr < IOEVENTFD_MAX / 2; addr++)
		assert_int_equal(change(fd, addr * 8, 4, PIO | DEASSIGN, 0), 0);
	assert_int_equal(write_to(true, 8, 0, 4), 0);
	assert_int_equal(write_to(false, 8, 0, 4), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_address_and_length),
		TEST(test_ports_are_apart),
		TEST(test_any_length),
		TEST(test_datamatch),
		TEST(test_collisions),
		TEST(test_deassign),
		TEST(test_errors),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
