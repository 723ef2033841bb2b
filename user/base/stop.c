// SPDX-License-Identifier: GPL-2.0-only
/* The end of a run: any device or thread asks for it; the first one decides the exit status. */
#include "base/stop.h"

#include "base/diag.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int stop_init(struct stop *stop)
{
	atomic_init(&stop->status, -1);
	stop->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop->eventfd < 0)
		return diag_error("eventfd: %s", strerror(errno));
	return 0;
}

void stop_destroy(struct stop *stop)
{
	close(stop->eventfd);
}

void stop_request(struct stop *stop, int status)
{
	uint64_t one = 1;
	int running = -1;

	if (!atomic_compare_exchange_strong(&stop->status, &running, status))
		return;
	/* The write fails only if the counter is full, and then the eventfd is readable too. */
	if (write(stop->eventfd, &one, sizeof(one)) < 0)
		return;
}

int stop_requested(const struct stop *stop)
{
	return atomic_load(&stop->status);
}
