// SPDX-License-Identifier: GPL-2.0-only
/* The main thread's loop while vCPUs run: it waits for descriptors and calls their owners. */
#include "base/event_loop.h"

#include "base/diag.h"

#include <poll.h>

int event_loop_add(struct event_loop *loop, const struct event_watch *watch)
{
	if (loop->count == EVENT_LOOP_MAX)
		return diag_error("the event loop is full (%u watches)", loop->count);
	loop->watches[loop->count++] = *watch;
	return 0;
}

static void wait_once(struct event_loop *loop, const struct stop *stop)
{
	/* The last entry is the end of the run. It needs no service: it only ends the wait. */
	struct pollfd fds[EVENT_LOOP_MAX + 1];

	for (unsigned int i = 0; i < loop->count; i++) {
		const struct event_watch *watch = &loop->watches[i];
		bool wanted = !watch->wanted || watch->wanted(watch->context);

		/* poll() passes over a negative descriptor. */
		fds[i] = (struct pollfd){ .fd = wanted ? watch->fd : -1, .events = POLLIN };
	}
	fds[loop->count] = (struct pollfd){ .fd = stop->eventfd, .events = POLLIN };
	if (poll(fds, loop->count + 1, -1) < 0)
		return;
	for (unsigned int i = 0; i < loop->count; i++) {
		if (fds[i].revents)
			loop->watches[i].ready(loop->watches[i].context);
	}
}

void event_loop_run(struct event_loop *loop, const struct stop *stop)
{
	while (stop_requested(stop) < 0)
		wait_once(loop, stop);
}
