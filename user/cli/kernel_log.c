// SPDX-License-Identifier: GPL-2.0-only
/* Reads the kernel's log through /dev/kmsg. */
#include "cli/kernel_log.h"

#include "base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kernel's limit for a record (Documentation/ABI/testing/dev-kmsg). */
#define RECORD_SIZE 8192

void kernel_log_open(struct kernel_log *log)
{
	log->error = 0;
	log->fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (log->fd < 0)
		log->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log->fd < 0 || lseek(log->fd, 0, SEEK_END) < 0)
		log->error = errno;
}

void kernel_log_close(struct kernel_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

void kernel_log_mark(const struct kernel_log *log, const char *text)
{
	char line[128];
	int length = snprintf(line, sizeof(line), "<6>oriel check: %s\n", text);

	/* Each write is a line of its own. dprintf() would seek first, which the file refuses. */
	if (log->fd >= 0 && write(log->fd, line, (size_t)length) < 0)
		diag_note("the kernel's log does not take a line: %s", strerror(errno));
}

/* Errors of the kernel. Its lines about a process that fails have other words around them. */
static const char *const errors[] = {
	"WARNING: ",
	"BUG: ",
	"kernel BUG at ",
	"Oops",
	"Kernel panic",
	"general protection fault, ",
	"general protection fault: ",
	"divide error: ",
	"invalid opcode: ",
	"stack segment: ",
	"double fault: ",
	"unchecked MSR access",
	"soft lockup",
	"hard LOCKUP",
	"detected stall",
	"blocked for more than",
	"scheduling while atomic",
	"Bad page",
	"Bad rss-counter",
	"refcount_t: ",
	"list_add corruption",
	"list_del corruption",
	"memory corruption",
};

bool kernel_log_is_error(const char *line)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (strstr(line, errors[i]))
			return true;
	}
	return false;
}

/* A record is "LEVEL,NUMBER,TIME,FLAGS;TEXT", then lines of a dictionary. */
static const char *record_text(char *record)
{
	char *text = strchr(record, ';');

	text = text ? text + 1 : record;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

char *kernel_log_take(struct kernel_log *log, bool *error)
{
	char record[RECORD_SIZE + 1], *lines = NULL;
	size_t size = 0;
	FILE *out;

	*error = false;
	if (log->fd < 0 || log->error)
		return NULL;
	out = open_memstream(&lines, &size);
	if (!out)
		return NULL;
	for (;;) {
		ssize_t length = read(log->fd, record, RECORD_SIZE);
		const char *text;

		/* EPIPE: the kernel has overwritten the next record. */
		if (length < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (length <= 0)
			break;
		record[length] = '\0';
		text = record_text(record);
		*error |= kernel_log_is_error(text);
		fprintf(out, "# kernel: %s\n", text);
	}
	fclose(out);
	if (size)
		return lines;
	free(lines);
	return NULL;
}
