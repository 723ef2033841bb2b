/* SPDX-License-Identifier: GPL-2.0-only */
/* Preemption, which no test has, for userspace unit tests. */
#ifndef SHIM_LINUX_PREEMPT_H
#define SHIM_LINUX_PREEMPT_H

#include <linux/irqflags.h>

struct preempt_notifier {
	int unused;
};

#endif
