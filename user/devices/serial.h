/* SPDX-License-Identifier: GPL-2.0-only */
/* A 16550A UART whose line ends at the launcher's console. */
#ifndef ORIEL_SERIAL_H
#define ORIEL_SERIAL_H

#include <pthread.h>

#include "devices/device.h"

#define SERIAL_FIFO_SIZE 16
#define SERIAL_LINE_SIZE 256

/**
 * struct serial_link - joins the UART to the other end of its line
 * @output: takes a byte that the guest transmits; may block, for no lock is held
 * @room: called once there is room for input again after there was too little
 * @context: argument of @output and @room
 * @serial: set when the UART is created
 *
 * The other end sets the first three before the UART is created.
 */
struct serial_link {
	void (*output)(void *context, uint8_t byte);
	void (*room)(void *context);
	void *context;
	struct serial *serial;
};

/**
 * struct serial - the UART
 * @lock: protects all below
 * @irq: its interrupt
 * @irq_level: level of @irq
 * @link: the other end of the line
 * @divisor: divisor latch; it does not change the speed
 * @ier: Interrupt Enable Register
 * @fcr: FIFO Control Register, the bits that stay
 * @lcr: Line Control Register
 * @mcr: Modem Control Register
 * @msr_delta: the bits of the Modem Status Register that say what changed
 * @scr: Scratch Register
 * @thre_pending: the transmitter-empty interrupt is due
 * @lsr_polls: number of reads of the Line Status Register in a row that found no byte
 * @fifo: bytes received, for the guest to read
 * @fifo_count: bytes in @fifo
 * @line: bytes typed that are not received yet
 * @line_start: index in @line of the first one
 * @line_count: bytes in @line
 * @room_wanted: call the link's room() once @line has room
 */
struct serial {
	pthread_mutex_t lock;
	struct irq_line irq;
	bool irq_level;
	struct serial_link *link;
	uint16_t divisor;
	uint8_t ier;
	uint8_t fcr;
	uint8_t lcr;
	uint8_t mcr;
	uint8_t msr_delta;
	uint8_t scr;
	bool thre_pending;
	unsigned int lsr_polls;
	uint8_t fifo[SERIAL_FIFO_SIZE];
	unsigned int fifo_count;
	uint8_t line[SERIAL_LINE_SIZE];
	unsigned int line_start;
	unsigned int line_count;
	bool room_wanted;
};

int serial_create(void *device, const struct device_host *host);

/*
 * Put bytes on the line towards the guest. Any thread. Return: the number of bytes taken;
 * when it is less than @len, the link's room() is called once there is room again.
 */
size_t serial_input(struct serial *serial, const uint8_t *bytes, size_t len);

/*
 * Any thread. Return: the number of bytes that serial_input() would take; when it is 0, the
 * link's room() is called once there is room again.
 */
size_t serial_room(struct serial *serial);

#endif
