// SPDX-License-Identifier: GPL-2.0-only
/* Messages to the person at the terminal. */
#include "base/diag.h"

#include <stdarg.h>
#include <string.h>

static FILE *diag_stream;

void diag_set_stream(FILE *stream)
{
	diag_stream = stream;
}

#define LINE_SIZE 1024
#define PREFIX "oriel: "

__attribute__((format(printf, 1, 0))) static void diag_line(const char *fmt, va_list args)
{
	FILE *out = diag_stream ? diag_stream : stderr;
	char line[LINE_SIZE] = PREFIX;
	int len;

	len = vsnprintf(line + strlen(PREFIX), LINE_SIZE - sizeof(PREFIX), fmt, args);
	if (len < 0)
		len = 0;
	len += (int)strlen(PREFIX);
	if (len > LINE_SIZE - 2)
		len = LINE_SIZE - 2;
	line[len] = '\n';
	/* Write all of it in one call, because other threads and the guest may print there too. */
	fwrite(line, 1, (size_t)len + 1, out);
	fflush(out);
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
