// SPDX-License-Identifier: GPL-2.0-only
/*
 * Joins a guest's serial port to standard input and output, and takes the launcher's signals.
 *
 * A terminal is always read, because of the keys for the launcher. When the guest does not
 * listen and the serial port has no more room, keys are lost, as on a real line. A pipe or a
 * file is read only as far as there is room, so nothing of it is lost.
 */
#include "machine/console.h"

#include "base/diag.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int open_descriptors(struct console *console)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };
	sigset_t set;

	signal(SIGPIPE, SIG_IGN); /* write() reports a reader that went away */
	sigemptyset(&set);
	for (unsigned int i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	console->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (console->signal_fd < 0)
		return diag_error("signalfd: %s", strerror(errno));
	console->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (console->room_fd >= 0)
		return 0;
	close(console->signal_fd);
	return diag_error("eventfd: %s", strerror(errno));
}

static void close_descriptors(const struct console *console)
{
	close(console->room_fd);
	close(console->signal_fd);
}

static void print_byte(void *context, uint8_t byte)
{
	struct console *console = context;

	output_byte(&console->output, byte);
}

static void wake_for_room(void *context)
{
	const struct console *console = context;
	uint64_t one = 1;

	/* The write fails only if the counter is full, and then the descriptor is readable too. */
	if (write(console->room_fd, &one, sizeof(one)) < 0)
		return;
}

static void print_help(void)
{
	diag_note("control-a h  this help");
	diag_note("control-a x  end the guest at once");
	diag_note("control-a control-a  a control-a for the guest");
}

static void type_keys(struct console *console, const uint8_t *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		switch (terminal_key(&console->keys, keys[i])) {
		case TERMINAL_KEY_PASS:
			serial_input(console->link.serial, &keys[i], 1);
			break;
		case TERMINAL_KEY_QUIT:
			stop_request(console->stop, EXIT_STATUS_QUIT);
			return;
		case TERMINAL_KEY_HELP:
			print_help();
			break;
		case TERMINAL_KEY_NONE:
			break;
		}
	}
}

static void read_input(void *context)
{
	struct console *console = context;
	size_t room = console->is_terminal ? SERIAL_LINE_SIZE : serial_room(console->link.serial);
	uint8_t bytes[SERIAL_LINE_SIZE];
	ssize_t count;

	if (!room)
		return;
	count = read(STDIN_FILENO, bytes, room);
	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (count <= 0) /* the end, or the terminal is gone; the guest runs on */
		console->input_open = false;
	else if (console->is_terminal)
		type_keys(console, bytes, (size_t)count);
	else
		serial_input(console->link.serial, bytes, (size_t)count);
}

static void handle_signal(void *context)
{
	struct console *console = context;
	struct signalfd_siginfo info;

	if (read(console->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGTSTP:
		terminal_restore();
		raise(SIGSTOP);
		break;
	case SIGCONT:
		/*
		 * SIGSTOP cannot be caught: a shell has restored the terminal since, but
		 * terminal.c still takes it for raw, so restore it first. A change of the terminal
		 * in the background would stop this process again.
		 */
		if (console->is_terminal && tcgetpgrp(STDIN_FILENO) == getpgrp()) {
			terminal_restore();
			terminal_raw();
		}
		break;
	default:
		diag_note("ended by %s", strsignal((int)info.ssi_signo));
		stop_request(console->stop, EXIT_STATUS_SIGNAL + (int)info.ssi_signo);
		break;
	}
}

static bool wants_input(void *context)
{
	const struct console *console = context;

	return console->input_open && (console->is_terminal || serial_room(console->link.serial));
}

/* The serial port has room again, which wants_input() finds before the next wait. */
static void end_of_wake(void *context)
{
	const struct console *console = context;
	uint64_t wakes;

	if (read(console->room_fd, &wakes, sizeof(wakes)) < 0)
		return;
}

static void write_output(void *context)
{
	struct console *console = context;

	output_tick(&console->output);
}

static int add_watches(struct console *console, struct event_loop *loop)
{
	const struct event_watch watches[] = {
		{ .fd = console->signal_fd, .ready = handle_signal },
		{ .fd = console->room_fd, .ready = end_of_wake },
		{ .fd = console->output.timer_fd, .ready = write_output },
		{ .fd = STDIN_FILENO, .wanted = wants_input, .ready = read_input },
	};

	for (unsigned int i = 0; i < sizeof(watches) / sizeof(watches[0]); i++) {
		struct event_watch watch = watches[i];

		watch.context = console;
		if (event_loop_add(loop, &watch))
			return -1;
	}
	return 0;
}

int console_init(struct console *console, struct stop *stop, struct event_loop *loop)
{
	memset(console, 0, sizeof(*console));
	console->stop = stop;
	console->loop = loop;
	console->input_open = true;
	console->link.output = print_byte;
	console->link.room = wake_for_room;
	console->link.context = console;
	if (open_descriptors(console))
		return -1;
	if (output_init(&console->output, stop)) {
		close_descriptors(console);
		return -1;
	}
	if (!add_watches(console, loop))
		return 0;
	console_destroy(console);
	return -1;
}

void console_destroy(struct console *console)
{
	output_finish(&console->output);
	close_descriptors(console);
}

void console_run(struct console *console)
{
	console->is_terminal = terminal_raw();
	event_loop_run(console->loop, console->stop);
	terminal_restore();
}
