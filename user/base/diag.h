/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages to the person at the terminal: a line says what is wrong, where, and what to do.
 *
 * Throughout the launcher, a function that returns an int returns 0, or -1 after it has
 * printed the reason with diag_error(), unless its comment says something else.
 */
#ifndef ORIEL_DIAG_H
#define ORIEL_DIAG_H

#include <stdio.h>

/*
 * Print to @stream from now on; NULL means standard error again. Call this before threads start,
 * and keep the stream open.
 */
void diag_set_stream(FILE *stream);

/*
 * Print one line "oriel: ..." about an error. @fmt has no newline at its end. Any thread.
 * Return: always -1, so that a function that fails can return the result of this call.
 */
int diag_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print one line "oriel: ..." that is no error. @fmt has no newline at its end. Any thread. */
void diag_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
