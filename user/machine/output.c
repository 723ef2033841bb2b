// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the guest's output to standard output, line by line when it comes fast.
 *
 * A system call for each byte would cost more than the exit that brought the byte, most of all on
 * an emulated host.
 */
#include "machine/output.h"

#include "base/diag.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define DELAY_NS 5000000L /* too short for a person to notice */
#define FINISH_WAIT_MS 100

int output_init(struct output *output, struct stop *stop)
{
	memset(output, 0, sizeof(*output));
	pthread_mutex_init(&output->lock, NULL);
	output->stop = stop;
	output->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (output->timer_fd < 0)
		return diag_error("timerfd_create: %s", strerror(errno));
	return 0;
}

static bool wait_for_terminal(int timeout_ms)
{
	struct pollfd terminal = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&terminal, 1, timeout_ms) > 0 || (timeout_ms < 0 && errno == EINTR);
}

static void drop_front(struct output *output, size_t count)
{
	output->count -= (unsigned int)count;
	memmove(output->bytes, output->bytes + count, output->count);
}

static void flush(struct output *output)
{
	while (output->count && stop_requested(output->stop) < 0) {
		ssize_t done = write(STDOUT_FILENO, output->bytes, output->count);

		if (done > 0) {
			drop_front(output, (size_t)done);
		} else if (errno != EINTR && (errno != EAGAIN || !wait_for_terminal(-1))) {
			diag_error("standard output: %s", strerror(errno));
			stop_request(output->stop, EXIT_STATUS_ERROR);
		}
	}
}

static void start_timer(const struct output *output)
{
	const struct itimerspec soon = { .it_value.tv_nsec = DELAY_NS };

	timerfd_settime(output->timer_fd, 0, &soon, NULL);
}

void output_byte(struct output *output, uint8_t byte)
{
	pthread_mutex_lock(&output->lock);
	/* After the end of the run nothing is written, so bytes are lost if the buffer is full. */
	if (output->count < OUTPUT_SIZE)
		output->bytes[output->count++] = byte;
	if (byte == '\n' || output->count == OUTPUT_SIZE)
		flush(output);
	else if (output->count == 1)
		start_timer(output);
	pthread_mutex_unlock(&output->lock);
}

void output_tick(struct output *output)
{
	uint64_t expirations;

	if (read(output->timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
	if (pthread_mutex_trylock(&output->lock)) {
		/* The thread that holds the lock may add a byte after its last write. */
		start_timer(output);
		return;
	}
	flush(output);
	pthread_mutex_unlock(&output->lock);
}

void output_finish(struct output *output)
{
	while (output->count && wait_for_terminal(FINISH_WAIT_MS)) {
		ssize_t done = write(STDOUT_FILENO, output->bytes, output->count);

		if (done <= 0)
			break;
		drop_front(output, (size_t)done);
	}
	close(output->timer_fd);
}
