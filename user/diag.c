// SPDX-License-Identifier: GPL-2.0-only
/* One line to the person at the terminal: what was wrong, where, what to do. */
#include "diag.h"

#include <stdarg.h>

static FILE *diag_stream;

void diag_set_stream(FILE *stream)
{
	diag_stream = stream;
}

__attribute__((format(printf, 1, 0))) static void diag_line(const char *fmt, va_list args)
{
	FILE *out = diag_stream ? diag_stream : stderr;

	/* One line stays one line when several vCPU threads report at once. */
	flockfile(out);
	fputs("oriel: ", out);
	vfprintf(out, fmt, args);
	fputc('\n', out);
	fflush(out);
	funlockfile(out);
}

int diag_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	diag_line(fmt, args);
	va_end(args);
	return -1;
}

void diag_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	diag_line(fmt, args);
	va_end(args);
}
