/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal on standard input: raw while a guest runs, always restored. */
#ifndef ORIEL_TERMINAL_H
#define ORIEL_TERMINAL_H

#include <stdbool.h>

/**
 * terminal_raw() - hand every key to the guest
 *
 * Without effect when standard input is no terminal. From the first call on the
 * terminal is restored when the process exits or crashes.
 *
 * Return: true when standard input is a terminal.
 */
bool terminal_raw(void);

/**
 * terminal_restore() - give the terminal back as it was
 *
 * Any number of times; safe in a signal handler.
 */
void terminal_restore(void);

#endif
