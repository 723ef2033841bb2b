/* SPDX-License-Identifier: GPL-2.0-only */
/* A kernel or initrd file, read with every bound checked. */
#ifndef ORIEL_IMAGE_H
#define ORIEL_IMAGE_H

#include <stdint.h>

/**
 * struct image - an open file of known size
 * @path: for messages; not copied
 * @fd: open for reading
 * @size: in bytes, when it was opened
 */
struct image {
	const char *path;
	int fd;
	uint64_t size;
};

/**
 * image_open() - open a file that is to be loaded
 * @image: storage of the caller
 * @path: name of a regular file, kept while the image is open
 *
 * Return: 0, or -1 with the reason printed.
 */
int image_open(struct image *image, const char *path);

/**
 * image_close() - close it
 * @image: as opened
 */
void image_close(struct image *image);

/**
 * image_check() - is a part of the file there
 * @image: as opened
 * @offset: in bytes from the start; any value
 * @len: in bytes; any value
 * @what: what is expected there, for the message
 *
 * Return: 0, or -1 with file, offset and expectation printed.
 */
int image_check(const struct image *image, uint64_t offset, uint64_t len, const char *what);

/**
 * image_read() - read a part of the file
 * @image: as opened
 * @offset: in bytes from the start; any value
 * @buffer: room for @len bytes
 * @len: in bytes
 * @what: what is expected there, for the message
 *
 * Return: 0, or -1 with file, offset and expectation printed.
 */
int image_read(const struct image *image, uint64_t offset, void *buffer, uint64_t len,
	       const char *what);

#endif
