/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of a run: any device or thread asks for it; the first one decides the exit status. */
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
	EXIT_STATUS_SIGNAL = 128, /* plus the signal's number, as in shells */
};

/* The end of a run. */
struct stop {
	atomic_int status; /* exit status of the launcher, or -1 while the guest runs */
	int eventfd; /* readable once @status is set; it wakes the main thread */
};

int stop_init(struct stop *stop);

/* Call this when no other thread uses @stop any more. */
void stop_destroy(struct stop *stop);

/*
 * End the run with an exit status from 0 to 255. Any thread; never blocks; safe in a signal
 * handler. Later requests are ignored, because they may be consequences of the first.
 */
void stop_request(struct stop *stop, int status);

/* Any thread. Return: the status of the first stop_request(), or -1 while the guest runs. */
int stop_requested(const struct stop *stop);

#endif
