/* SPDX-License-Identifier: GPL-2.0-only */
/* The main thread's loop while vCPUs run: it waits for descriptors and calls their owners. */
#ifndef ORIEL_EVENT_LOOP_H
#define ORIEL_EVENT_LOOP_H

#include <stdbool.h>

#include "base/stop.h"

#define EVENT_LOOP_MAX 16

/* A descriptor that the loop waits for. */
struct event_watch {
	int fd;
	/*
	 * Called before each wait; the loop leaves the descriptor out while this returns false.
	 * NULL: always wanted.
	 */
	bool (*wanted)(void *context);
	/* Called when @fd is readable, at its end or in error. */
	void (*ready)(void *context);
	void *context; /* argument of @wanted and @ready */
};

/* All zeros at first; only the main thread uses it. */
struct event_loop {
	unsigned int count; /* number of watches */
	/* Served in this order when several descriptors are ready. */
	struct event_watch watches[EVENT_LOOP_MAX];
};

/* Add a copy of @watch. It stays: the loop ends before the owners of its watches do. */
int event_loop_add(struct event_loop *loop, const struct event_watch *watch);

/* Serve the watches until somebody calls stop_request(). */
void event_loop_run(struct event_loop *loop, const struct stop *stop);

#endif
