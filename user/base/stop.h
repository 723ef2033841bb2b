/* SPDX-License-Identifier: GPL-2.0-only */
/* How a run ends: the first reason given by any device or thread wins. */
#ifndef ORIEL_STOP_H
#define ORIEL_STOP_H

#include <stdatomic.h>

/* Exit statuses of `oriel run` (Documentation/launcher.rst lists them). */
enum exit_status {
	EXIT_STATUS_POWER_OFF = 0,
	EXIT_STATUS_ERROR = 1,
	EXIT_STATUS_USAGE = 2,
	EXIT_STATUS_RESET = 3,
	EXIT_STATUS_CRASH = 4,
	EXIT_STATUS_QUIT = 5,
	EXIT_STATUS_SIGNAL = 128, /* plus the signal's number, as shells say it */
};

/**
 * struct stop - the end of a run, asked for once
 * @status: exit status of the launcher, or -1 while the guest runs
 * @eventfd: made readable when @status is set, to wake the main thread
 */
struct stop {
	atomic_int status;
	int eventfd;
};

/**
 * stop_init() - prepare to be told about the end
 * @stop: storage of the caller
 *
 * Return: 0, or -1 with the reason printed.
 */
int stop_init(struct stop *stop);

/**
 * stop_destroy() - give back what stop_init() took
 * @stop: as initialised; no other thread uses it any more
 */
void stop_destroy(struct stop *stop);

/**
 * stop_request() - end the run
 * @stop: as initialised
 * @status: exit status, 0 to 255
 *
 * Any thread, never blocks, safe in a signal handler. Later requests are
 * ignored: the first reason is the true one.
 */
void stop_request(struct stop *stop, int status);

/**
 * stop_requested() - is the run over
 * @stop: as initialised
 *
 * Any thread. Return: the exit status asked for, or -1 while the guest runs.
 */
int stop_requested(const struct stop *stop);

#endif
