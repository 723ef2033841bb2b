/* SPDX-License-Identifier: GPL-2.0-only */
/* Interrupts of userspace unit tests: off in timers, and while a lock says so. */
#ifndef SHIM_LINUX_IRQFLAGS_H
#define SHIM_LINUX_IRQFLAGS_H

/* The number of reasons why interrupts are off on this thread; one for all of the test's files. */
__thread int shim_irqs_off __attribute__((weak));

#define irqs_disabled() (shim_irqs_off > 0)
#define local_irq_save(flags) ((flags) = (unsigned long)shim_irqs_off++)
#define local_irq_restore(flags) (shim_irqs_off = (int)(flags))

#endif
