/* SPDX-License-Identifier: GPL-2.0-only */
/* Work in an interrupt, which the test runs, for userspace unit tests. */
#ifndef SHIM_LINUX_IRQ_WORK_H
#define SHIM_LINUX_IRQ_WORK_H

struct irq_work {
	void (*func)(struct irq_work *work);
};

#define DEFINE_IRQ_WORK(name, f) struct irq_work name = { .func = (f) }

void irq_work_queue(struct irq_work *work);
void irq_work_sync(struct irq_work *work);

#endif
