/* SPDX-License-Identifier: GPL-2.0-only */
/* One line to the person at the terminal: what was wrong, where, what to do. */
#ifndef ORIEL_DIAG_H
#define ORIEL_DIAG_H

#include <stdio.h>

/**
 * diag_set_stream() - choose where diagnostics go
 * @stream: an open stream, or NULL for the standard error again
 *
 * Set before threads start; the stream stays the caller's.
 */
void diag_set_stream(FILE *stream);

/**
 * diag_error() - print one line "oriel: ..." of an error
 * @fmt: printf format without a trailing newline
 *
 * Any thread. Return: always -1, so that a failing function can end with it.
 */
int diag_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * diag_note() - print one line "oriel: ..." that is no error
 * @fmt: printf format without a trailing newline
 *
 * Any thread.
 */
void diag_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
