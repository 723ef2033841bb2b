/* SPDX-License-Identifier: GPL-2.0-only */
/* The main thread's loop while vCPUs run: it waits for descriptors and calls their owners. */
#ifndef ORIEL_EVENT_LOOP_H
#define ORIEL_EVENT_LOOP_H

#include <stdbool.h>

#include "base/stop.h"

#define EVENT_LOOP_MAX 16

/**
 * struct event_watch - a descriptor that the loop waits for
 * @fd: the descriptor
 * @wanted: called before each wait; the loop leaves the descriptor out while this returns
 *	false. NULL: always wanted
 * @ready: called when @fd is readable, at its end or in error
 * @context: argument of @wanted and @ready
 */
struct event_watch {
	int fd;
	bool (*wanted)(void *context);
	void (*ready)(void *context);
	void *context;
};

/**
 * struct event_loop - all zeros at first; only the main thread uses it
 * @count: number of watches
 * @watches: served in this order when several descriptors are ready
 */
struct event_loop {
	unsigned int count;
	struct event_watch watches[EVENT_LOOP_MAX];
};

/* Add a copy of @watch. There is no removal: the loop ends before its watches' owners do. */
int event_loop_add(struct event_loop *loop, const struct event_watch *watch);

/* Serve the watches until somebody calls stop_request(). */
void event_loop_run(struct event_loop *loop, const struct stop *stop);

#endif
