/* SPDX-License-Identifier: GPL-2.0-only */
/* A 16550A UART whose line ends at the launcher's console. */
#ifndef ORIEL_SERIAL_H
#define ORIEL_SERIAL_H

#include <pthread.h>

#include "devices/device.h"

#define SERIAL_FIFO_SIZE 16
#define SERIAL_LINE_SIZE 256

/*
 * Joins the UART to the other end of its line.
 * The other end sets the first three before the UART is created.
 */
struct serial_link {
	/* Takes a byte that the guest transmits; may block, because no lock is held. */
	void (*output)(void *context, uint8_t byte);
	/* Called once there is room for input again after there was too little. */
	void (*room)(void *context);
	void *context; /* argument of @output and @room */
	struct serial *serial; /* set when the UART is created */
};

struct serial {
	pthread_mutex_t lock; /* protects all below */
	struct irq_line irq;
	bool irq_level; /* level of @irq */
	struct serial_link *link; /* the other end of the line */
	uint16_t divisor; /* divisor latch; it does not change the speed */
	uint8_t ier; /* Interrupt Enable Register */
	uint8_t fcr; /* FIFO Control Register, the bits that stay */
	uint8_t lcr; /* Line Control Register */
	uint8_t mcr; /* Modem Control Register */
	uint8_t msr_delta; /* the bits of the Modem Status Register that report changes */
	uint8_t scr; /* Scratch Register */
	bool thre_pending; /* the transmitter-empty interrupt is due */
	/* Number of reads of the Line Status Register in a row that found no byte. */
	unsigned int lsr_polls;
	uint8_t fifo[SERIAL_FIFO_SIZE]; /* bytes received, for the guest to read */
	unsigned int fifo_count; /* bytes in @fifo */
	uint8_t line[SERIAL_LINE_SIZE]; /* bytes typed but not received yet */
	unsigned int line_start; /* index in @line of the first byte */
	unsigned int line_count; /* bytes in @line */
	bool room_wanted; /* call the link's room() once @line has room */
};

int serial_create(void *device, const struct device_host *host);

/*
 * Put bytes on the line towards the guest. Any thread. Return: the number of bytes taken. If it is
 * less than @len, the link's room() is called once there is room again.
 */
size_t serial_input(struct serial *serial, const uint8_t *bytes, size_t len);

/*
 * Any thread. Return: the number of bytes that serial_input() would take. If it is 0, the link's
 * room() is called once there is room again.
 */
size_t serial_room(struct serial *serial);

#endif
