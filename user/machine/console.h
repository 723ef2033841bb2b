/* SPDX-License-Identifier: GPL-2.0-only */
/* Joins a guest's serial port to standard input and output, and waits for the end. */
#ifndef ORIEL_CONSOLE_H
#define ORIEL_CONSOLE_H

#include <signal.h>
#include <stdbool.h>

#include "machine/output.h"
#include "machine/terminal.h"
#include "devices/serial.h"
#include "base/stop.h"

/**
 * struct console_watch - something else that the main thread waits for
 * @fd: readable when it happens
 * @ready: called then
 * @context: handed to @ready
 */
struct console_watch {
	int fd;
	void (*ready)(void *context);
	void *context;
};

/**
 * struct console - one guest's console
 * @serial: the guest's end
 * @stop: the end of the run
 * @output: what the guest prints
 * @keys: the state between two keys
 * @is_terminal: standard input is one
 * @input_open: standard input has not ended
 * @signal_fd: signals to the launcher
 * @room_fd: eventfd, readable when the serial port takes input again
 */
struct console {
	struct serial *serial;
	struct stop *stop;
	struct output output;
	struct terminal_keys keys;
	bool is_terminal;
	bool input_open;
	int signal_fd;
	int room_fd;
};

/**
 * console_init() - take signals; before any thread starts
 * @console: storage of the caller
 * @stop: the end of the run
 *
 * Return: 0, or -1 with the reason printed.
 */
int console_init(struct console *console, struct stop *stop);

/**
 * console_destroy() - give back what console_init() took
 * @console: as initialised; the vCPUs have ended
 */
void console_destroy(struct console *console);

/**
 * console_host() - what to wire to the serial port
 * @console: as initialised
 * @host: its output, room and context are set
 */
void console_host(struct console *console, struct serial_host *host);

/**
 * console_run() - pass input to the guest until the run ends
 * @console: as initialised
 * @serial: the guest's end
 * @watch: something else to wait for
 *
 * The main thread's work while vCPUs run. The terminal is raw meanwhile.
 */
void console_run(struct console *console, struct serial *serial, const struct console_watch *watch);

#endif
