/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's log from now on: the lines that a test causes, and errors among them. */
#ifndef ORIEL_KERNEL_LOG_H
#define ORIEL_KERNEL_LOG_H

#include <stdbool.h>

/* The position in the log. */
struct kernel_log {
	int fd; /* of /dev/kmsg, or -1 */
	int error; /* errno if the log cannot be read, or 0 */
};

/* Begin at the end of the log. If the log cannot be read, it stays empty. */
void kernel_log_open(struct kernel_log *log);

void kernel_log_close(struct kernel_log *log);

/* Write a line to the log if this is allowed: a crash's log then names the test. */
void kernel_log_mark(const struct kernel_log *log, const char *text);

/* Return: true if a line of the log reports an error of the kernel. */
bool kernel_log_is_error(const char *line);

/*
 * Return: the new lines, each with "# kernel: " before it, or NULL if there are none; the caller
 * frees them. *@error becomes true if one of them is an error.
 */
char *kernel_log_take(struct kernel_log *log, bool *error);

#endif
