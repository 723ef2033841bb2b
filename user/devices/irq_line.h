/* SPDX-License-Identifier: GPL-2.0-only */
/* An interrupt line from a device to the guest's interrupt controllers. */
#ifndef ORIEL_IRQ_LINE_H
#define ORIEL_IRQ_LINE_H

#include <stdbool.h>

/**
 * struct irq_line - where a device's interrupt goes
 * @set: drives the line; called on changes only, by any thread
 * @context: handed to @set
 */
struct irq_line {
	void (*set)(void *context, bool level);
	void *context;
};

#endif
