/* SPDX-License-Identifier: GPL-2.0-only */
/* Joins a guest's serial port to standard input and output, and takes the launcher's signals. */
#ifndef ORIEL_CONSOLE_H
#define ORIEL_CONSOLE_H

#include <stdbool.h>

#include "base/event_loop.h"
#include "base/stop.h"
#include "devices/serial.h"
#include "machine/output.h"
#include "machine/terminal.h"

struct console {
	struct serial_link link; /* joins it to the serial port */
	struct stop *stop;
	struct event_loop *loop;
	struct output output; /* what the guest prints */
	struct terminal_keys keys; /* the state between two keys of a terminal */
	bool is_terminal; /* standard input is a terminal */
	bool input_open; /* standard input has not ended */
	int signal_fd; /* signals to the launcher */
	int room_fd; /* eventfd, readable when the serial port has room for input again */
};

/*
 * Take the signals over and add the console's descriptors to @loop. Call this before any thread
 * starts, so that all threads block the signals.
 */
int console_init(struct console *console, struct stop *stop, struct event_loop *loop);

/* Write the last output and give back what console_init() took. The vCPUs have ended. */
void console_destroy(struct console *console);

/*
 * Run the loop until the run ends, with the terminal in raw mode: the main thread's work
 * while vCPUs run. The serial port has been created with @console's link.
 */
void console_run(struct console *console);

#endif
