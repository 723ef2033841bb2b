/* SPDX-License-Identifier: GPL-2.0-only */
/* A 16550A UART whose line is the launcher's terminal. */
#ifndef ORIEL_SERIAL_H
#define ORIEL_SERIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/bus.h"
#include "devices/irq_line.h"

#define SERIAL_FIFO_SIZE 16
#define SERIAL_LINE_SIZE 256

/**
 * struct serial_host - what the UART is wired to
 * @irq: its interrupt
 * @output: takes a transmitted byte; may block, no lock is held
 * @room: there is room for input again after serial_input() took too little
 * @context: handed to @output and @room
 */
struct serial_host {
	struct irq_line irq;
	void (*output)(void *context, uint8_t byte);
	void (*room)(void *context);
	void *context;
};

/**
 * struct serial - one UART
 * @lock: protects all below
 * @host: what it is wired to
 * @divisor: divisor latch, without effect on speed
 * @ier: Interrupt Enable Register
 * @fcr: FIFO Control Register, bits that stay
 * @lcr: Line Control Register
 * @mcr: Modem Control Register
 * @msr_delta: change bits of the Modem Status Register
 * @scr: Scratch Register
 * @thre_pending: the transmitter-empty interrupt is due
 * @irq_level: of the interrupt line
 * @lsr_polls: reads of an empty Line Status Register in a row
 * @fifo: received, for the guest to read
 * @fifo_count: bytes in @fifo
 * @line: typed, not yet received
 * @line_start: first byte in @line
 * @line_count: bytes in @line
 * @host_waits: @room is to be called
 */
struct serial {
	pthread_mutex_t lock;
	struct serial_host host;
	uint16_t divisor;
	uint8_t ier;
	uint8_t fcr;
	uint8_t lcr;
	uint8_t mcr;
	uint8_t msr_delta;
	uint8_t scr;
	bool thre_pending;
	bool irq_level;
	unsigned int lsr_polls;
	uint8_t fifo[SERIAL_FIFO_SIZE];
	unsigned int fifo_count;
	uint8_t line[SERIAL_LINE_SIZE];
	unsigned int line_start;
	unsigned int line_count;
	bool host_waits;
};

/**
 * serial_init() - power on
 * @serial: storage of the caller
 * @host: copied
 */
void serial_init(struct serial *serial, const struct serial_host *host);

/**
 * serial_register() - let it answer its eight ports
 * @serial: as initialised; stays where it is
 * @bus: of ports
 * @base: first port
 *
 * Return: 0, or -1 with the reason printed.
 */
int serial_register(struct serial *serial, struct bus *bus, uint64_t base);

/**
 * serial_input() - put bytes on the line towards the guest
 * @serial: as initialised
 * @bytes: what was typed
 * @len: how many
 *
 * Any thread. Return: how many were taken; when fewer than @len, the host's
 * room() is called once there is room again.
 */
size_t serial_input(struct serial *serial, const uint8_t *bytes, size_t len);

/**
 * serial_room() - how many bytes serial_input() would take
 * @serial: as initialised
 *
 * Any thread. Return: bytes; when 0, the host's room() will be called.
 */
size_t serial_room(struct serial *serial);

#endif
