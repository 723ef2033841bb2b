/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A descriptor from which a program reads statistics in the format of KVM_GET_STATS_FD. Its owner
 * supplies a table of statistics and their values.
 */
#ifndef ORIEL_STATS_H
#define ORIEL_STATS_H

#include <linux/types.h>

/* The most rows of a table; the value of each is 8 bytes. */
#define STATS_MAX 64

/**
 * struct stats_row - one statistic
 * @name: the name that KVM uses, if KVM has the statistic
 * @offset: of the value among all values, in bytes
 * @type: KVM_STATS_TYPE_CUMULATIVE or KVM_STATS_TYPE_INSTANT
 */
struct stats_row {
	const char *name;
	u32 offset;
	u32 type;
};

/**
 * struct stats_source - the owner of some statistics
 * @rows: one for each value
 * @count: of rows and of values, at most STATS_MAX
 * @read: copy the current values
 * @release: called when the descriptor is closed
 */
struct stats_source {
	const struct stats_row *rows;
	u32 count;
	void (*read)(const void *object, u64 *values);
	void (*release)(void *object);
};

/**
 * stats_open() - make a descriptor for read() and pread(); may sleep
 * @source: must outlive the descriptor
 * @object: the argument of @source->read and @source->release; must live until the latter
 * @id: a program reads it from the descriptor
 *
 * Return: a descriptor; -ENOMEM or -EMFILE, without a call of @source->release.
 */
int stats_open(const struct stats_source *source, void *object, const char *id);

#endif
