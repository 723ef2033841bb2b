// SPDX-License-Identifier: GPL-2.0-only
/*
 * Joins a guest's serial port to standard input and output, and waits for the end.
 *
 * A terminal is always read, for its escape keys; what a guest that does not
 * listen leaves no room for is lost, as on a real line. A pipe or file is read
 * only as far as there is room: nothing of it is lost.
 */
#include "machine/console.h"

#include "base/diag.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { POLL_STOP, POLL_SIGNAL, POLL_ROOM, POLL_OUTPUT, POLL_WATCH, POLL_INPUT, POLL_COUNT };

int console_init(struct console *console, struct stop *stop)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };
	sigset_t set;

	memset(console, 0, sizeof(*console));
	console->stop = stop;
	console->input_open = true;
	signal(SIGPIPE, SIG_IGN); /* a reader that went away shows in write() */
	sigemptyset(&set);
	for (unsigned int i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	console->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (console->signal_fd < 0)
		return diag_error("signalfd: %s", strerror(errno));
	console->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (console->room_fd < 0) {
		close(console->signal_fd);
		return diag_error("eventfd: %s", strerror(errno));
	}
	if (!output_init(&console->output, stop))
		return 0;
	close(console->room_fd);
	close(console->signal_fd);
	return -1;
}

void console_destroy(struct console *console)
{
	output_finish(&console->output);
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

	/* It can only fail with a full counter, which is readable too. */
	if (write(console->room_fd, &one, sizeof(one)) < 0)
		return;
}

void console_host(struct console *console, struct serial_host *host)
{
	host->output = print_byte;
	host->room = wake_for_room;
	host->context = console;
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
			serial_input(console->serial, &keys[i], 1);
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

static void read_input(struct console *console)
{
	size_t room = console->is_terminal ? SERIAL_LINE_SIZE : serial_room(console->serial);
	uint8_t bytes[SERIAL_LINE_SIZE];
	ssize_t count;

	if (!room)
		return;
	count = read(STDIN_FILENO, bytes, room);
	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (count <= 0) /* the end, or a terminal that is gone: the guest goes on */
		console->input_open = false;
	else if (console->is_terminal)
		type_keys(console, bytes, (size_t)count);
	else
		serial_input(console->serial, bytes, (size_t)count);
}

static void handle_signal(struct console *console)
{
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
		 * After SIGSTOP the terminal is a shell's, whatever we think of it. In
		 * the background, changing it would stop us again.
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

static bool wants_input(struct console *console)
{
	return console->input_open && (console->is_terminal || serial_room(console->serial));
}

static void wait_once(struct console *console, const struct console_watch *watch)
{
	struct pollfd fds[POLL_COUNT] = {
		[POLL_STOP] = { .fd = console->stop->eventfd, .events = POLLIN },
		[POLL_SIGNAL] = { .fd = console->signal_fd, .events = POLLIN },
		[POLL_ROOM] = { .fd = console->room_fd, .events = POLLIN },
		[POLL_OUTPUT] = { .fd = console->output.timer_fd, .events = POLLIN },
		[POLL_WATCH] = { .fd = watch->fd, .events = POLLIN },
		[POLL_INPUT] = { .fd = wants_input(console) ? STDIN_FILENO : -1, .events = POLLIN },
	};
	uint64_t wakes;

	if (poll(fds, POLL_COUNT, -1) < 0)
		return;
	if (fds[POLL_SIGNAL].revents)
		handle_signal(console);
	if (fds[POLL_ROOM].revents && read(console->room_fd, &wakes, sizeof(wakes)) < 0)
		return;
	if (fds[POLL_OUTPUT].revents)
		output_tick(&console->output);
	if (fds[POLL_WATCH].revents)
		watch->ready(watch->context);
	if (fds[POLL_INPUT].revents)
		read_input(console);
}

void console_run(struct console *console, struct serial *serial, const struct console_watch *watch)
{
	console->serial = serial;
	console->is_terminal = terminal_raw();
	while (stop_requested(console->stop) < 0)
		wait_once(console, watch);
	terminal_restore();
}
