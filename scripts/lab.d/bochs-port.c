// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a Bochs host's channels in the host: it writes frames to port 0xE9, which
 * costs the host one tick for each byte. A serial port costs thousands.
 *   bochs-port streams OUT ERR   copy two pipes, named by path, to o and e
 *   bochs-port send CHANNEL      copy stdin to a channel
 *   bochs-port off               end Bochs
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

#define DATA_PORT 0xe9
#define END_PORT 0x8900

/* Copy once from fd to the channel. Return: the result of read(). */
static ssize_t copy(int fd, char channel)
{
	static unsigned char frame[4 + 16384];
	ssize_t size = read(fd, frame + 4, sizeof(frame) - 4);

	if (size <= 0)
		return size;
	frame[0] = 0x1e;
	frame[1] = (unsigned char)channel;
	frame[2] = size & 0xff;
	frame[3] = (unsigned char)(size >> 8);
	outsb(DATA_PORT, frame, 4 + (unsigned long)size);
	return size;
}

/* Copy both pipes in one process, so that no frame can come inside another. */
static int streams(const char *out, const char *err)
{
	struct pollfd fds[] = {
		{ .fd = open(out, O_RDONLY), .events = POLLIN },
		{ .fd = open(err, O_RDONLY), .events = POLLIN },
	};
	static const char channels[] = "oe";
	int open_ends = 2;
	int i;

	while (open_ends && (poll(fds, 2, -1) > 0 || errno == EINTR)) {
		for (i = 0; i < 2; i++) {
			if (fds[i].revents && copy(fds[i].fd, channels[i]) <= 0) {
				fds[i].fd = -1;
				open_ends--;
			}
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *action = argc > 1 ? argv[1] : "";

	if (iopl(3)) {
		perror("bochs-port: iopl");
		return 1;
	}
	if (!strcmp(action, "streams") && argc == 4)
		return streams(argv[2], argv[3]);
	if (!strcmp(action, "send") && argc == 3) {
		while (copy(STDIN_FILENO, argv[2][0]) > 0)
			continue;
		return 0;
	}
	if (!strcmp(action, "off"))
		for (action = "Shutdown"; *action; action++)
			outb(*action, END_PORT);
	return 1;
}
