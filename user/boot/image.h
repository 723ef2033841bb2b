/* SPDX-License-Identifier: GPL-2.0-only */
/* A kernel or initrd file. Each read is checked against the end of the file. */
#ifndef ORIEL_IMAGE_H
#define ORIEL_IMAGE_H

#include <stdint.h>

/**
 * struct image - an open file
 * @path: for messages; the caller keeps it
 * @fd: open for reading
 * @size: in bytes, when the file was opened
 */
struct image {
	const char *path;
	int fd;
	uint64_t size;
};

/* Open a regular file. */
int image_open(struct image *image, const char *path);

void image_close(struct image *image);

/*
 * Check that the file has @len bytes at @offset; both may be any value, as a file's header
 * may say anything. A message says that @what was expected there.
 */
int image_check(const struct image *image, uint64_t offset, uint64_t len, const char *what);

/* The same check, then read the bytes into @buffer. */
int image_read(const struct image *image, uint64_t offset, void *buffer, uint64_t len,
	       const char *what);

#endif
