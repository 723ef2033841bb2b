// SPDX-License-Identifier: GPL-2.0-only
/* The UART: registers, interrupts, FIFO, probing, input that is typed early. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "devices/bus.h"
#include "devices/serial.h"

#define BASE 0x3f8
#define DATA (BASE + 0)
#define IER (BASE + 1)
#define IIR (BASE + 2)
#define FCR (BASE + 2)
#define LCR (BASE + 3)
#define MCR (BASE + 4)
#define LSR (BASE + 5)
#define MSR (BASE + 6)
#define SCR (BASE + 7)

static struct serial serial;
static struct bus bus;
static char sent[64];
static unsigned int sent_count, irq_changes, room_calls;
static bool irq;

static void set_irq(void *context, unsigned int number, bool level)
{
	(void)context;
	assert_int_equal(number, 4);
	assert_true(level != irq);
	irq = level;
	irq_changes++;
}

static void output(void *context, uint8_t byte)
{
	(void)context;
	assert_true(sent_count < sizeof(sent));
	sent[sent_count++] = (char)byte;
}

static void room(void *context)
{
	(void)context;
	room_calls++;
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	bus_read(&bus, port, &value, 1);
	return value;
}

static void out(uint16_t port, uint8_t value)
{
	bus_write(&bus, port, &value, 1);
}

static uint8_t cause(void)
{
	uint8_t iir = in(IIR);

	return iir & 0xf;
}

static bool data_ready(void)
{
	uint8_t lsr = in(LSR);

	return lsr & 1;
}

static uint8_t modem_lines(void)
{
	uint8_t msr = in(MSR);

	return msr & 0xf0;
}

static uint8_t modem_changes(void)
{
	uint8_t msr = in(MSR);

	return msr & 0xf;
}

static size_t type(const char *text)
{
	return serial_input(&serial, (const uint8_t *)text, strlen(text));
}

static int setup(void **state)
{
	static struct serial_link link = { .output = output, .room = room };
	const struct device_host host = {
		.ports = &bus,
		.set_irq = set_irq,
		.serial_link = &link,
	};

	(void)state;
	sent_count = 0;
	irq_changes = 0;
	room_calls = 0;
	irq = false;
	memset(&serial, 0, sizeof(serial));
	bus_init(&bus, "port", 0xffff);
	return serial_create(&serial, &host);
}

/* Open the port as a driver with interrupts does. */
static void open_port(void)
{
	out(FCR, 0x01);
	out(MCR, 0x0b);
	out(IER, 0x01);
}

static void test_output(void **state)
{
	(void)state;
	out(DATA, 'h');
	out(DATA, 'i');
	assert_int_equal(sent_count, 2);
	assert_memory_equal(sent, "hi", 2);
	assert_int_equal(in(LSR), 0x60);
}

static void test_divisor_latch(void **state)
{
	(void)state;
	out(LCR, 0x83);
	out(DATA, 0x01);
	out(IER, 0x02);
	assert_int_equal(in(DATA), 0x01);
	assert_int_equal(in(IER), 0x02);
	out(LCR, 0x03);
	assert_int_equal(in(IER), 0);
	assert_int_equal(sent_count, 0);
	assert_int_equal(in(LCR), 0x03);
}

static void test_word_access(void **state)
{
	const uint8_t word[2] = { 'x', 0x02 };

	(void)state;
	bus_write(&bus, DATA, word, 2);
	assert_int_equal(sent[0], 'x');
	assert_int_equal(in(IER), 0x02);
}

/* Linux and other kernels recognise a 16550A by these checks. */
static void test_probe(void **state)
{
	(void)state;
	out(SCR, 0x5a);
	assert_int_equal(in(SCR), 0x5a);
	out(IER, 0);
	assert_int_equal(in(IER), 0);
	out(IER, 0x0f);
	assert_int_equal(in(IER), 0x0f);
	out(IER, 0xff);
	assert_int_equal(in(IER), 0x0f);
	out(IER, 0);
	out(MCR, 0x1a);
	assert_int_equal(modem_lines(), 0x90);
	out(MCR, 0);
	assert_int_equal(modem_lines(), 0xb0);
	assert_int_equal(in(IIR) >> 6, 0);
	out(FCR, 0x01);
	assert_int_equal(in(IIR) >> 6, 3);
	out(FCR, 0x00);
	assert_int_equal(in(IIR) >> 6, 0);
	assert_int_equal(irq_changes, 0);
}

static void test_loopback(void **state)
{
	(void)state;
	out(FCR, 0x01);
	out(MCR, 0x1f);
	out(IER, 0x01);
	assert_int_equal(type("outside"), 7);
	for (unsigned int i = 0; i < 20; i++)
		out(DATA, (uint8_t)('a' + i));
	assert_int_equal(sent_count, 0);
	for (unsigned int i = 0; i < 16; i++) {
		assert_int_equal(in(LSR), 0x61);
		assert_int_equal(in(DATA), 'a' + i);
	}
	assert_int_equal(in(LSR), 0x60);
	assert_int_equal(irq_changes, 0);
	/* The line is connected again. */
	out(MCR, 0x0b);
	assert_int_equal(in(DATA), 'o');
}

static void test_receive_interrupt(void **state)
{
	(void)state;
	open_port();
	assert_false(irq);
	assert_int_equal(type("ab"), 2);
	assert_true(irq);
	assert_int_equal(cause(), 0x4);
	assert_int_equal(in(LSR), 0x61);
	assert_int_equal(in(DATA), 'a');
	assert_true(irq);
	assert_int_equal(in(DATA), 'b');
	assert_false(irq);
	assert_int_equal(cause(), 0x1);
	assert_int_equal(irq_changes, 2);
}

static void test_trigger_level(void **state)
{
	(void)state;
	open_port();
	out(FCR, 0x41);
	type("abc");
	assert_int_equal(cause(), 0xc);
	type("d");
	assert_int_equal(cause(), 0x4);
}

static void test_transmit_interrupt(void **state)
{
	(void)state;
	out(MCR, 0x08);
	out(IER, 0x02);
	assert_true(irq);
	assert_int_equal(in(IIR), 0x02);
	assert_false(irq);
	assert_int_equal(in(IIR), 0x01);
	out(DATA, 'x');
	assert_true(irq);
	/* Enabling the interrupt again does not raise it again. */
	assert_int_equal(in(IIR), 0x02);
	out(IER, 0x02);
	assert_false(irq);
}

static void test_priority(void **state)
{
	(void)state;
	open_port();
	out(IER, 0x0b);
	out(MCR, 0x18);
	out(MCR, 0x0b);
	type("x");
	assert_int_equal(cause(), 0x4);
	in(DATA);
	assert_int_equal(cause(), 0x2);
	assert_int_equal(cause(), 0x0);
	assert_int_not_equal(modem_changes(), 0);
	assert_int_equal(cause(), 0x1);
	assert_false(irq);
}

static void test_out2_gates_the_interrupt(void **state)
{
	(void)state;
	out(IER, 0x02);
	assert_false(irq);
	out(MCR, 0x08);
	assert_true(irq);
	out(MCR, 0x00);
	assert_false(irq);
}

/* Of the ring indicator only the end of a ring counts as a change. */
static void test_modem_status_changes(void **state)
{
	(void)state;
	out(MCR, 0x10);
	in(MSR);
	out(MCR, 0x14);
	assert_int_equal(in(MSR), 0x40);
	out(MCR, 0x10);
	assert_int_equal(in(MSR), 0x04);
	out(MCR, 0x12);
	assert_int_equal(in(MSR), 0x11);
	assert_int_equal(in(MSR), 0x10);
}

/* Input that is typed before the guest listens survives the guest's probe and its resets. */
static void test_early_input_is_kept(void **state)
{
	(void)state;
	assert_int_equal(type("early"), 5);
	out(IER, 0x0f);
	assert_int_equal(in(DATA), 0);
	out(IER, 0x00);
	out(FCR, 0x07);
	assert_int_equal(in(LSR), 0x60);
	assert_int_equal(in(DATA), 0);
	open_port();
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(in(DATA), "early"[i]);
}

static void test_polling_guest(void **state)
{
	unsigned int polls = 0;

	(void)state;
	type("ok");
	while (!data_ready())
		assert_true(++polls < 100);
	assert_int_equal(in(DATA), 'o');
	while (!data_ready())
		assert_true(++polls < 100);
	assert_int_equal(in(DATA), 'k');
}

static void test_fifo_and_line_limits(void **state)
{
	uint8_t many[SERIAL_LINE_SIZE + 100];

	(void)state;
	memset(many, 'm', sizeof(many));
	open_port();
	assert_int_equal(serial_room(&serial), SERIAL_LINE_SIZE);
	/* The bytes fill the line first; then some move on into the FIFO. */
	assert_int_equal(serial_input(&serial, many, sizeof(many)), SERIAL_LINE_SIZE);
	assert_int_equal(room_calls, 1);
	assert_int_equal(serial_room(&serial), SERIAL_FIFO_SIZE);
	assert_int_equal(serial_input(&serial, many, sizeof(many)), SERIAL_FIFO_SIZE);
	assert_int_equal(serial_room(&serial), 0);
	assert_int_equal(room_calls, 1);
	in(DATA);
	assert_int_equal(room_calls, 2);
	in(DATA);
	assert_int_equal(room_calls, 2);
	for (unsigned int i = 2; i < SERIAL_LINE_SIZE + SERIAL_FIFO_SIZE; i++)
		assert_int_equal(in(DATA), 'm');
	assert_int_equal(in(LSR), 0x60);
	assert_false(irq);
}

/* Linux opens the port in this order. Input that was typed before is not lost. */
static void test_enabling_the_fifo_late(void **state)
{
	(void)state;
	out(MCR, 0x08);
	out(IER, 0x01);
	type("xyz");
	assert_int_equal(in(IIR), 0x04);
	out(FCR, 0x01);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(in(DATA), "xyz"[i]);
	assert_int_equal(in(LSR), 0x60);
}

static void test_changing_the_mode_with_a_full_line(void **state)
{
	uint8_t many[SERIAL_LINE_SIZE];

	(void)state;
	memset(many, 'm', sizeof(many));
	open_port();
	serial_input(&serial, many, sizeof(many));
	serial_input(&serial, many, SERIAL_FIFO_SIZE);
	assert_int_equal(serial_room(&serial), 0);
	/* Without the FIFO the UART holds one byte; the others are lost, as in a real one. */
	out(FCR, 0x00);
	for (unsigned int i = 0; i < SERIAL_LINE_SIZE; i++)
		assert_int_equal(in(DATA), 'm');
	assert_int_equal(in(LSR), 0x60);
}

static void test_clearing_the_fifo(void **state)
{
	(void)state;
	open_port();
	type("gone");
	out(FCR, 0x03);
	assert_int_equal(in(LSR), 0x60);
	assert_false(irq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_output, setup),
		cmocka_unit_test_setup(test_divisor_latch, setup),
		cmocka_unit_test_setup(test_word_access, setup),
		cmocka_unit_test_setup(test_probe, setup),
		cmocka_unit_test_setup(test_loopback, setup),
		cmocka_unit_test_setup(test_receive_interrupt, setup),
		cmocka_unit_test_setup(test_trigger_level, setup),
		cmocka_unit_test_setup(test_transmit_interrupt, setup),
		cmocka_unit_test_setup(test_priority, setup),
		cmocka_unit_test_setup(test_out2_gates_the_interrupt, setup),
		cmocka_unit_test_setup(test_modem_status_changes, setup),
		cmocka_unit_test_setup(test_early_input_is_kept, setup),
		cmocka_unit_test_setup(test_polling_guest, setup),
		cmocka_unit_test_setup(test_fifo_and_line_limits, setup),
		cmocka_unit_test_setup(test_enabling_the_fifo_late, setup),
		cmocka_unit_test_setup(test_changing_the_mode_with_a_full_line, setup),
		cmocka_unit_test_setup(test_clearing_the_fifo, setup),
	};

	return cmocka_run_group_tests_name("serial", tests, NULL, NULL);
}
