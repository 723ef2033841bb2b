// SPDX-License-Identifier: GPL-2.0-only
/* The CMOS clock: every format of the time, setting it, interrupts, memory sizes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/timerfd.h>

#include "devices/bus.h"
#include "devices/rtc.h"

#define NOW 1792495505 /* Tuesday, 2026-10-20 11:25:05 UTC */

static struct rtc rtc;
static struct bus bus;
static struct event_loop loop;
static time_t host;
static bool irq;

static time_t now(void)
{
	return host;
}

static void set_irq(void *context, unsigned int number, bool level)
{
	(void)context;
	assert_int_equal(number, 8);
	assert_true(level != irq);
	irq = level;
}

static int setup(void **state)
{
	const struct guest_memory memory = { .size = 0x200000000, .low_size = 0xc0000000 };
	const struct device_host machine = {
		.ports = &bus,
		.loop = &loop,
		.memory = &memory,
		.set_irq = set_irq,
	};

	(void)state;
	host = NOW;
	irq = false;
	bus_init(&bus, "port", 0xffff);
	memset(&rtc, 0, sizeof(rtc));
	memset(&loop, 0, sizeof(loop));
	if (rtc_create(&rtc, &machine))
		return -1;
	assert_int_equal(loop.count, 1);
	assert_int_equal(loop.watches[0].fd, rtc.timer_fd);
	rtc.now = now;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rtc_destroy(&rtc);
	return 0;
}

static uint8_t get(uint8_t index)
{
	uint8_t value;

	bus_write(&bus, 0x70, &index, 1);
	bus_read(&bus, 0x71, &value, 1);
	return value;
}

static void set(uint8_t index, uint8_t value)
{
	bus_write(&bus, 0x70, &index, 1);
	bus_write(&bus, 0x71, &value, 1);
}

static void test_bcd(void **state)
{
	(void)state;
	assert_int_equal(get(0x00), 0x05);
	assert_int_equal(get(0x02), 0x25);
	assert_int_equal(get(0x04), 0x11);
	assert_int_equal(get(0x06), 3);
	assert_int_equal(get(0x07), 0x20);
	assert_int_equal(get(0x08), 0x10);
	assert_int_equal(get(0x09), 0x26);
	assert_int_equal(get(0x32), 0x20);
}

static void test_binary(void **state)
{
	(void)state;
	set(0x0b, 0x06);
	assert_int_equal(get(0x02), 25);
	assert_int_equal(get(0x09), 26);
	assert_int_equal(get(0x32), 20);
}

static void test_twelve_hours(void **state)
{
	static const struct {
		int hour;
		uint8_t value;
	} cases[] = { { 0, 0x12 },  { 1, 0x01 },  { 11, 0x11 },
		      { 12, 0x92 }, { 13, 0x81 }, { 23, 0x91 } };

	(void)state;
	set(0x0b, 0x00);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		host = NOW + (cases[i].hour - 11) * 3600;
		assert_int_equal(get(0x04), cases[i].value);
		set(0x04, cases[i].value);
		assert_int_equal(get(0x04), cases[i].value);
		assert_int_equal(rtc.offset, 0);
	}
}

static void test_status_registers(void **state)
{
	(void)state;
	/* The clock never shows an update in progress, is always valid and has no interrupt. */
	assert_int_equal(get(0x0a), 0x26);
	assert_int_equal(get(0x0b), 0x02);
	assert_int_equal(get(0x0c), 0x00);
	assert_int_equal(get(0x0d), 0x80);
	set(0x0a, 0xff);
	assert_int_equal(get(0x0a), 0x7f);
	set(0x0c, 0xff);
	set(0x0d, 0x00);
	assert_int_equal(get(0x0c), 0x00);
	assert_int_equal(get(0x0d), 0x80);
}

/*
 * While SET is set, the guest may write the parts of a date in any order: here it writes
 * 31 January by way of "31 February".
 */
static void test_setting(void **state)
{
	(void)state;
	host = NOW;
	set(0x0b, 0x82);
	set(0x08, 0x02);
	set(0x07, 0x31);
	set(0x08, 0x01);
	set(0x09, 0x99);
	set(0x32, 0x19);
	set(0x04, 0x23);
	set(0x02, 0x59);
	set(0x00, 0x58);
	host += 10;
	assert_int_equal(get(0x00), 0x58);
	set(0x0b, 0x02);
	assert_int_equal(get(0x00), 0x58);
	assert_int_equal(get(0x07), 0x31);
	host += 2;
	assert_int_equal(get(0x00), 0x00);
	assert_int_equal(get(0x04), 0x00);
	assert_int_equal(get(0x07), 0x01);
	assert_int_equal(get(0x08), 0x02);
	assert_int_equal(get(0x09), 0x99);
	assert_int_equal(get(0x32), 0x19);
	assert_int_equal(get(0x06), 2);
}

static void test_setting_at_once(void **state)
{
	(void)state;
	set(0x02, 0x30);
	assert_int_equal(get(0x02), 0x30);
	assert_int_equal(get(0x04), 0x11);
	assert_int_equal(rtc.offset, 5 * 60);
}

/* Write any value to any register in any format: the clock still shows two decimal digits. */
static void test_nonsense(void **state)
{
	static const uint8_t regs[] = { 0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32 };

	(void)state;
	for (unsigned int format = 0; format < 256; format += 2) {
		for (unsigned int i = 0; i < sizeof(regs); i++) {
			set(0x0b, (uint8_t)format);
			set(regs[i], (uint8_t)(0xff - format / 16));
			set(0x0b, (uint8_t)(format & 0x7f));
		}
		set(0x0b, 0x02);
		for (unsigned int i = 0; i < sizeof(regs); i++)
			assert_true((get(regs[i]) & 0xf) <= 9 && get(regs[i]) >> 4 <= 9);
	}
}

static bool armed(void)
{
	struct itimerspec timer;

	assert_int_equal(timerfd_gettime(rtc.timer_fd, &timer), 0);
	return timer.it_interval.tv_sec;
}

static void tick(time_t when)
{
	host = when;
	loop.watches[0].ready(loop.watches[0].context);
}

static void test_alarm(void **state)
{
	(void)state;
	set(0x01, 0x10);
	set(0x03, 0x25);
	set(0x05, 0x11);
	assert_false(armed());
	set(0x0b, 0x22);
	assert_true(armed());
	tick(NOW + 4);
	assert_false(irq);
	tick(NOW + 5);
	assert_true(irq);
	assert_int_equal(get(0x0c), 0xb0);
	assert_false(irq);
	assert_int_equal(get(0x0c), 0x00);
	set(0x0b, 0x02);
	assert_false(armed());
}

/* When the main thread comes late, no alarm is lost. */
static void test_late_alarm(void **state)
{
	(void)state;
	set(0x01, 0x10);
	set(0x03, 0xff);
	set(0x05, 0xc0);
	set(0x0b, 0x22);
	tick(NOW + 50);
	assert_true(irq);
	get(0x0c);
	tick(NOW + 60);
	assert_false(irq);
	tick(NOW + 65);
	assert_true(irq);
	get(0x0c);
	/* When the host's clock jumps far, the launcher does not loop for long. */
	tick((time_t)NOW + 1000000000);
	tick(0);
}

static void test_update_interrupt(void **state)
{
	(void)state;
	set(0x0b, 0x12);
	assert_true(armed());
	tick(NOW + 1);
	assert_true(irq);
	assert_int_equal(get(0x0c) & 0x90, 0x90);
	/* Disabling the interrupt lowers its line; the flag stays set. */
	tick(NOW + 2);
	assert_true(irq);
	set(0x0b, 0x02);
	assert_false(irq);
	assert_int_equal(get(0x0c) & 0x90, 0x10);
	/* There are no updates while the guest sets the clock. */
	set(0x0b, 0x92);
	assert_false(armed());
}

static void test_memory_sizes(void **state)
{
	(void)state;
	assert_int_equal(get(0x15) | get(0x16) << 8, 640);
	assert_int_equal(get(0x17) | get(0x18) << 8, 0xffff);
	assert_int_equal(get(0x34) | get(0x35) << 8, (0xc0000000 - 0x1000000) >> 16);
	assert_int_equal(get(0x5b) | get(0x5c) << 8 | get(0x5d) << 16, 0x140000000 >> 16);
}

static void test_plain_memory(void **state)
{
	uint8_t value;

	(void)state;
	set(0x40, 0x5a);
	assert_int_equal(get(0x40), 0x5a);
	/* Bit 7 of the index masks NMIs; it is not part of the register's number. */
	assert_int_equal(get(0xc0), 0x5a);
	assert_int_equal(get(0x7f), 0);
	set(0x7f, 0x11);
	assert_int_equal(get(0x7f), 0x11);
	bus_read(&bus, 0x70, &value, 1);
	assert_int_equal(value, 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bcd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_binary, setup, teardown),
		cmocka_unit_test_setup_teardown(test_twelve_hours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_status_registers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_setting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_setting_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alarm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_alarm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_update_interrupt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plain_memory, setup, teardown),
	};

	return cmocka_run_group_tests_name("rtc", tests, NULL, NULL);
}
