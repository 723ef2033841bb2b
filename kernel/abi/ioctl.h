/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ioctls whose argument is a structure of fixed size: copied in, handed to a
 * function, copied out.
 */
#ifndef ORIEL_IOCTL_H
#define ORIEL_IOCTL_H

#include <linux/types.h>

/**
 * struct ioctl_entry - one such ioctl
 * @cmd: its number, which says the size and the directions
 * @handler: does the work on the copy; @object is the file's
 * @dir: _IOC_READ, _IOC_WRITE or both, if @cmd has it wrong; else 0
 */
struct ioctl_entry {
	unsigned int cmd;
	int (*handler)(void *object, void *data);
	unsigned int dir;
};

/**
 * ioctl_fixed() - find and carry out an ioctl of a table
 * @object: handed to the handler
 * @table: entries
 * @count: how many
 * @cmd: what userspace asked for
 * @arg: user pointer
 *
 * May sleep. The structure is copied back only when the handler succeeds.
 *
 * Return: what the handler returned, -EFAULT, -ENOMEM, or -ENOTTY when @table
 * does not have @cmd.
 */
long ioctl_fixed(void *object, const struct ioctl_entry *table, size_t count, unsigned int cmd,
		 unsigned long arg);

#endif
