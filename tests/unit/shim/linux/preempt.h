/* SPDX-License-Identifier: GPL-2.0-only */
/* Preemption and interrupts, which no test has, for userspace unit tests. */
#ifndef SHIM_LINUX_PREEMPT_H
#define SHIM_LINUX_PREEMPT_H

struct preempt_notifier {
	int unused;
};

#define local_irq_save(flags) ((void)((flags) = 0))
#define local_irq_restore(flags) ((void)(flags))

#endif
