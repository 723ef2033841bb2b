/* SPDX-License-Identifier: GPL-2.0-only */
/* The timekeeper, for userspace unit tests. */
#ifndef SHIM_LINUX_TIMEKEEPER_INTERNAL_H
#define SHIM_LINUX_TIMEKEEPER_INTERNAL_H

#include <linux/clocksource.h>
#include <linux/ktime.h>
#include <linux/types.h>

struct timekeeper {
	struct {
		struct clocksource *clock;
	} tkr_mono;
	u8 cs_was_changed_seq;
	ktime_t offs_boot;
};

#endif
