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

struct stats_row {
	const char *name; /* the name that KVM uses, if KVM has the statistic */
	u32 offset; /* of the value among all values, in bytes */
	u32 type; /* KVM_STATS_TYPE_CUMULATIVE or KVM_STATS_TYPE_INSTANT */
};

/* The owner of some statistics. */
struct stats_source {
	const struct stats_row *rows; /* one for each value */
	u32 count; /* of rows and of values, at most STATS_MAX */
	void (*read)(const void *object, u64 *values); /* copies the current values */
	void (*release)(void *object); /* called when the descriptor is closed */
};

/**
 * stats_open() - make a descriptor for read() and pread(), from which a program reads @id; may
 * sleep. @source must outlive it; @object is the argument of @source->read and @source->release,
 * and lives until the latter. Return a descriptor; -ENOMEM or -EMFILE, without a call of
 * @source->release.
 */
int stats_open(const struct stats_source *source, void *object, const char *id);

#endif
