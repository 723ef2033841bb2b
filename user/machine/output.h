/* SPDX-License-Identifier: GPL-2.0-only */
/* Carries what a guest prints to standard output, by lines where it comes fast. */
#ifndef ORIEL_OUTPUT_H
#define ORIEL_OUTPUT_H

#include <pthread.h>
#include <stdint.h>

#include "base/stop.h"

#define OUTPUT_SIZE 256

/**
 * struct output - bytes on their way to standard output
 * @lock: protects @count and @bytes, held while they are written
 * @stop: the end of the run
 * @timer_fd: timerfd, readable when output_tick() is due
 * @count: bytes in @bytes
 * @bytes: printed and not yet written
 */
struct output {
	pthread_mutex_t lock;
	struct stop *stop;
	int timer_fd;
	unsigned int count;
	uint8_t bytes[OUTPUT_SIZE];
};

/**
 * output_init() - nothing printed yet
 * @output: storage of the caller
 * @stop: the end of the run; told when standard output fails
 *
 * Return: 0, or -1 with the reason printed.
 */
int output_init(struct output *output, struct stop *stop);

/**
 * output_byte() - print a byte
 * @output: as initialised
 * @byte: what the guest sent
 *
 * Any vCPU thread. It is written at the end of its line, or a few milliseconds
 * later when nothing follows. Blocks while the terminal does, until the run ends.
 */
void output_byte(struct output *output, uint8_t byte);

/**
 * output_tick() - write what waits
 * @output: as initialised
 *
 * Called by the main thread when @output's timer_fd is readable. Never waits for
 * a vCPU thread that is writing.
 */
void output_tick(struct output *output);

/**
 * output_finish() - write the last of it and give back what output_init() took
 * @output: as initialised; the vCPUs have ended
 *
 * Does not wait for a terminal that takes nothing.
 */
void output_finish(struct output *output);

#endif
