/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes the guest's output to standard output, line by line when it comes fast. */
#ifndef ORIEL_OUTPUT_H
#define ORIEL_OUTPUT_H

#include <pthread.h>
#include <stdint.h>

#include "base/stop.h"

#define OUTPUT_SIZE 256

/* Bytes on their way to standard output. */
struct output {
	pthread_mutex_t lock; /* protects @count and @bytes; held while they are written */
	struct stop *stop; /* requested if standard output fails */
	int timer_fd; /* timerfd, readable when output_tick() is due */
	unsigned int count; /* number of @bytes */
	/* Bytes that the guest has printed and that are not written yet. */
	uint8_t bytes[OUTPUT_SIZE];
};

int output_init(struct output *output, struct stop *stop);

/*
 * Print a byte. It is written at the end of its line, or a few milliseconds later if nothing
 * follows. Any vCPU thread. Blocks while the terminal takes nothing, until the run ends.
 */
void output_byte(struct output *output, uint8_t byte);

/*
 * Write the buffered bytes, when @timer_fd is readable. Called by the main thread, which does not
 * wait for a vCPU thread that is writing.
 */
void output_tick(struct output *output);

/*
 * Write the last bytes, as far as the terminal takes them soon, and give back what output_init()
 * took. The vCPUs have ended.
 */
void output_finish(struct output *output);

#endif
