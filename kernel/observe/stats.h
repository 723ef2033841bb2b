/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A descriptor that reads as statistics in the form of KVM_GET_STATS_FD: a header, an id, a
 * description of each statistic, and their values. Its owner supplies the table and the values.
 */
#ifndef ORIEL_STATS_H
#define ORIEL_STATS_H

#include <linux/types.h>

/* The most rows of a table; the value of each is 8 bytes. */
#define STATS_MAX 64

/**
 * struct stats_row - one statistic
 * @name: the name that KVM uses, if KVM has the statistic
 * @offset: of the value, in bytes
 * @type: KVM_STATS_TYPE_CUMULATIVE or KVM_STATS_TYPE_INSTANT
 */
struct stats_row {
	const char *name;
	u32 offset;
	u32 type;
};

/**
 * struct stats_source - the owner of some statistics
 * @rows: one for each value, in the order of the values
 * @count: at most STATS_MAX
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
 * stats_open() - make a descriptor
 * @source: must outlive it
 * @object: handed to @source->read; it must live until @source->release
 * @id: the id that the descriptor shows
 *
 * May sleep.
 *
 * Return: a descriptor for read() and pread(), or -ENOMEM, -EMFILE: @source->release is not
 * called then.
 */
int stats_open(const struct stats_source *source, void *object, const char *id);

#endif
