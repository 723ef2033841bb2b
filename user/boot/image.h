/* SPDX-License-Identifier: GPL-2.0-only */
/* A kernel or initrd file. Each read is checked against the end of the file. */
#ifndef ORIEL_IMAGE_H
#define ORIEL_IMAGE_H

#include <stdint.h>

/* An open file. */
struct image {
	const char *path; /* for messages; the caller keeps it */
	int fd;
	uint64_t size; /* in bytes, when the file was opened */
};

/* Open a regular file. */
int image_open(struct image *image, const char *path);

void image_close(struct image *image);

/*
 * Check that the file has @len bytes at @offset; both may be any value, because they come from a
 * file's header. The message of an error names @what as missing at @offset.
 */
int image_check(const struct image *image, uint64_t offset, uint64_t len, const char *what);

/* Make the same check, then read the bytes into @buffer. */
int image_read(const struct image *image, uint64_t offset, void *buffer, uint64_t len,
	       const char *what);

#endif
