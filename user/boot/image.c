// SPDX-License-Identifier: GPL-2.0-only
/* A kernel or initrd file. Each read is checked against the end of the file. */
#include "boot/image.h"

#include "base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int image_open(struct image *image, const char *path)
{
	struct stat stat;

	image->path = path;
	/* With O_NONBLOCK, open() does not wait for a writer if the file is a FIFO. */
	image->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (image->fd < 0)
		return diag_error("%s: %s", path, strerror(errno));
	if (fstat(image->fd, &stat) || !S_ISREG(stat.st_mode)) {
		image_close(image);
		return diag_error("%s: not a regular file", path);
	}
	image->size = (uint64_t)stat.st_size;
	return 0;
}

void image_close(struct image *image)
{
	close(image->fd);
	image->fd = -1;
}

int image_check(const struct image *image, uint64_t offset, uint64_t len, const char *what)
{
	if (offset <= image->size && len <= image->size - offset)
		return 0;
	return diag_error("%s: truncated: expected %s (%" PRIu64 " bytes) at offset %#" PRIx64
			  ", but the file ends at %#" PRIx64,
			  image->path, what, len, offset, image->size);
}

int image_read(const struct image *image, uint64_t offset, void *buffer, uint64_t len,
	       const char *what)
{
	uint8_t *to = buffer;

	if (image_check(image, offset, len, what))
		return -1;
	while (len) {
		ssize_t done = pread(image->fd, to, len, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return diag_error("%s: cannot read %s at offset %#" PRIx64 ": %s",
					  image->path, what, offset,
					  done ? strerror(errno) : "the file became shorter");
		to += done;
		offset += (uint64_t)done;
		len -= (uint64_t)done;
	}
	return 0;
}
