/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's clocks, which the test sets, for userspace unit tests. */
#ifndef SHIM_LINUX_TIMEKEEPING_H
#define SHIM_LINUX_TIMEKEEPING_H

#include <linux/ktime.h>
#include <linux/types.h>

struct system_time_snapshot {
	u64 cycles;
	ktime_t real;
	ktime_t raw;
	u8 cs_was_changed_seq;
};

void ktime_get_snapshot(struct system_time_snapshot *snapshot);

#endif
