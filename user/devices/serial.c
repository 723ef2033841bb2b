// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A UART whose line ends at the launcher's console (National Semiconductor PC16550D data
 * sheet).
 *
 * A byte is transmitted at once. Input waits on the line until the guest listens: it enables
 * the receive interrupt, or it polls. So bytes that are typed or piped in early are not lost
 * when a booting kernel probes and resets the UART.
 */
#include "devices/serial.h"

#include "base/layout.h"

#include <string.h>

enum serial_register {
	REG_DATA = 0, /* or the low byte of the divisor */
	REG_IER = 1, /* or its high byte */
	REG_IIR_FCR = 2,
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_MSR = 6,
	REG_SCR = 7,
	REG_COUNT,
};

#define IER_RECEIVE 0x01
#define IER_TRANSMIT 0x02
#define IER_MODEM 0x08
#define IER_MASK 0x0f
#define IIR_NONE 0x01
#define IIR_MODEM 0x00
#define IIR_TRANSMIT 0x02
#define IIR_RECEIVE 0x04
#define IIR_TIMEOUT 0x0c
#define IIR_FIFO 0xc0
#define FCR_ENABLE 0x01
#define FCR_CLEAR_RECEIVE 0x02
#define FCR_TRIGGER_SHIFT 6
#define LCR_DLAB 0x80
#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_MASK 0x1f
#define LSR_DATA 0x01
#define LSR_TRANSMIT_EMPTY 0x60
#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80

#define POLLS_THAT_LISTEN 16 /* reads of LSR in a row that show a polling guest */

static bool looped(const struct serial *serial)
{
	return serial->mcr & MCR_LOOP;
}

static uint8_t modem_status(const struct serial *serial)
{
	uint8_t mcr = serial->mcr, status = 0;

	if (!looped(serial))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (mcr & MCR_RTS)
		status |= MSR_CTS;
	if (mcr & MCR_DTR)
		status |= MSR_DSR;
	if (mcr & MCR_OUT1)
		status |= MSR_RI;
	if (mcr & MCR_OUT2)
		status |= MSR_DCD;
	return status;
}

static unsigned int fifo_size(const struct serial *serial)
{
	return serial->fcr & FCR_ENABLE ? SERIAL_FIFO_SIZE : 1;
}

static uint8_t receive_cause(const struct serial *serial)
{
	static const uint8_t triggers[] = { 1, 4, 8, 14 };

	if (!(serial->fcr & FCR_ENABLE) ||
	    serial->fifo_count >= triggers[serial->fcr >> FCR_TRIGGER_SHIFT])
		return IIR_RECEIVE;
	return IIR_TIMEOUT; /* the line looks idle to the guest */
}

/* Return: the pending interrupt of the highest priority, as IIR shows it. */
static uint8_t interrupt_cause(const struct serial *serial)
{
	if (serial->ier & IER_RECEIVE && serial->fifo_count)
		return receive_cause(serial);
	if (serial->ier & IER_TRANSMIT && serial->thre_pending)
		return IIR_TRANSMIT;
	if (serial->ier & IER_MODEM && serial->msr_delta)
		return IIR_MODEM;
	return IIR_NONE;
}

/* On a PC the interrupt is connected only while OUT2 is set, and not in loopback mode. */
static void update_irq(struct serial *serial)
{
	bool level = interrupt_cause(serial) != IIR_NONE && serial->mcr & MCR_OUT2 &&
		     !looped(serial);

	if (level == serial->irq_level)
		return;
	serial->irq_level = level;
	irq_line_set(&serial->irq, level);
}

static bool guest_listens(const struct serial *serial)
{
	/* A guest that only probes enables the interrupt too, but does not set OUT2. */
	return (serial->ier & IER_RECEIVE && serial->mcr & MCR_OUT2) ||
	       serial->lsr_polls >= POLLS_THAT_LISTEN;
}

static void receive_line(struct serial *serial)
{
	if (looped(serial) || !guest_listens(serial))
		return;
	while (serial->line_count && serial->fifo_count < fifo_size(serial)) {
		serial->fifo[serial->fifo_count++] = serial->line[serial->line_start];
		serial->line_start = (serial->line_start + 1) % SERIAL_LINE_SIZE;
		serial->line_count--;
	}
	if (serial->room_wanted && serial->line_count < SERIAL_LINE_SIZE) {
		serial->room_wanted = false;
		serial->link->room(serial->link->context);
	}
}

static uint8_t read_data(struct serial *serial)
{
	uint8_t byte = serial->fifo[0];

	if (serial->fifo_count) {
		serial->fifo_count--;
		memmove(serial->fifo, serial->fifo + 1, serial->fifo_count);
	}
	return byte;
}

static uint8_t read_iir(struct serial *serial)
{
	uint8_t cause = interrupt_cause(serial);

	if (cause == IIR_TRANSMIT)
		serial->thre_pending = false;
	return cause | (serial->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t read_lsr(struct serial *serial)
{
	if (serial->fifo_count)
		return LSR_TRANSMIT_EMPTY | LSR_DATA;
	if (serial->lsr_polls < POLLS_THAT_LISTEN)
		serial->lsr_polls++;
	return LSR_TRANSMIT_EMPTY;
}

static uint8_t read_msr(struct serial *serial)
{
	uint8_t status = modem_status(serial) | serial->msr_delta;

	serial->msr_delta = 0;
	return status;
}

static uint8_t read_register(struct serial *serial, enum serial_register reg)
{
	bool dlab = serial->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		return dlab ? (uint8_t)serial->divisor : read_data(serial);
	case REG_IER:
		return dlab ? (uint8_t)(serial->divisor >> 8) : serial->ier;
	case REG_IIR_FCR:
		return read_iir(serial);
	case REG_LCR:
		return serial->lcr;
	case REG_MCR:
		return serial->mcr;
	case REG_LSR:
		return read_lsr(serial);
	case REG_MSR:
		return read_msr(serial);
	default:
		return serial->scr;
	}
}

static uint64_t serial_read(void *device, uint64_t offset, unsigned int len)
{
	struct serial *serial = device;
	uint8_t value;

	(void)len;
	pthread_mutex_lock(&serial->lock);
	if (offset != REG_LSR)
		serial->lsr_polls = 0;
	value = read_register(serial, (enum serial_register)offset);
	receive_line(serial);
	update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
	return value;
}

/* Return: true if the byte goes out on the line. */
static bool write_data(struct serial *serial, uint8_t value)
{
	serial->thre_pending = true;
	if (!looped(serial))
		return true;
	if (serial->fifo_count < fifo_size(serial))
		serial->fifo[serial->fifo_count++] = value;
	return false;
}

static void write_ier(struct serial *serial, uint8_t value)
{
	/* The transmitter is always empty, so its interrupt is due once the guest enables it. */
	if (value & IER_TRANSMIT && !(serial->ier & IER_TRANSMIT))
		serial->thre_pending = true;
	serial->ier = value & IER_MASK;
}

/* Put received bytes back on the line. To the guest they arrive a moment later. */
static void unreceive(struct serial *serial)
{
	while (serial->fifo_count && serial->line_count < SERIAL_LINE_SIZE) {
		serial->line_start = (serial->line_start + SERIAL_LINE_SIZE - 1) % SERIAL_LINE_SIZE;
		serial->line[serial->line_start] = serial->fifo[--serial->fifo_count];
		serial->line_count++;
	}
}

static void write_fcr(struct serial *serial, uint8_t value)
{
	/*
	 * A change of the FIFO's mode clears the receiver. When Linux opens the port, it enables
	 * the interrupt first and the FIFO later. The bytes that were typed before must not be
	 * lost, so put them back on the line.
	 */
	if ((value ^ serial->fcr) & FCR_ENABLE) {
		unreceive(serial);
		serial->fifo_count = 0;
	}
	if (value & FCR_CLEAR_RECEIVE)
		serial->fifo_count = 0;
	serial->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | 3 << FCR_TRIGGER_SHIFT) : 0;
}

static void write_mcr(struct serial *serial, uint8_t value)
{
	uint8_t old = modem_status(serial), changed;

	serial->mcr = value & MCR_MASK;
	changed = old ^ modem_status(serial);
	serial->msr_delta |= (changed >> 4) & 0xb;
	/* A change of the ring indicator counts only when it ends (data sheet 8.8, TERI). */
	if (changed & old & MSR_RI)
		serial->msr_delta |= MSR_RI >> 4;
}

static bool write_register(struct serial *serial, enum serial_register reg, uint8_t value)
{
	bool dlab = serial->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		if (!dlab)
			return write_data(serial, value);
		serial->divisor = (uint16_t)((serial->divisor & 0xff00) | value);
		break;
	case REG_IER:
		if (dlab)
			serial->divisor = (uint16_t)((serial->divisor & 0xff) | value << 8);
		else
			write_ier(serial, value);
		break;
	case REG_IIR_FCR:
		write_fcr(serial, value);
		break;
	case REG_LCR:
		serial->lcr = value;
		break;
	case REG_MCR:
		write_mcr(serial, value);
		break;
	case REG_SCR:
		serial->scr = value;
		break;
	default:
		break; /* writes to LSR and MSR have no effect */
	}
	return false;
}

static void serial_write(void *device, uint64_t offset, uint64_t value, unsigned int len)
{
	struct serial *serial = device;
	bool transmit;

	(void)len;
	pthread_mutex_lock(&serial->lock);
	serial->lsr_polls = 0;
	transmit = write_register(serial, (enum serial_register)offset, (uint8_t)value);
	receive_line(serial);
	update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
	/* Drop the lock before: output may block, and the main thread needs the lock for keys. */
	if (transmit)
		serial->link->output(serial->link->context, (uint8_t)value);
}

int serial_create(void *device, const struct device_host *host)
{
	struct serial *serial = device;
	const struct bus_range ports = {
		.name = "serial port",
		.base = LAYOUT_SERIAL,
		.size = REG_COUNT,
		.width = 1,
		.read = serial_read,
		.write = serial_write,
		.device = serial,
	};

	pthread_mutex_init(&serial->lock, NULL);
	serial->irq = device_irq_line(host, LAYOUT_SERIAL_IRQ);
	serial->divisor = 12; /* 9600 baud, as firmware leaves it */
	serial->lcr = 0x03;
	serial->link = host->serial_link;
	serial->link->serial = serial;
	return bus_register(host->ports, &ports);
}

size_t serial_input(struct serial *serial, const uint8_t *bytes, size_t len)
{
	size_t taken = 0;

	pthread_mutex_lock(&serial->lock);
	for (; taken < len && serial->line_count < SERIAL_LINE_SIZE; taken++) {
		unsigned int end = (serial->line_start + serial->line_count) % SERIAL_LINE_SIZE;

		serial->line[end] = bytes[taken];
		serial->line_count++;
	}
	if (taken < len)
		serial->room_wanted = true;
	receive_line(serial);
	update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
	return taken;
}

size_t serial_room(struct serial *serial)
{
	size_t room;

	pthread_mutex_lock(&serial->lock);
	room = SERIAL_LINE_SIZE - serial->line_count;
	if (!room)
		serial->room_wanted = true;
	pthread_mutex_unlock(&serial->lock);
	return room;
}
