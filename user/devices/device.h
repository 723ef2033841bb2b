/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device of the guest: the row that describes it, and the parts of the machine that it gets.
 *
 * Each device has a file of its own and one row in machine/device_table.c. It does not know
 * KVM's ABI, the vCPUs or other devices. Any vCPU thread may access its registers at any time.
 */
#ifndef ORIEL_DEVICE_H
#define ORIEL_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/event_loop.h"
#include "base/memory.h"
#include "base/stop.h"
#include "devices/bus.h"

struct serial_link;

/* The line from a device to an input of the interrupt controllers. */
struct irq_line {
	/* Drives the line; devices call it only when the level changes. */
	void (*set)(void *context, unsigned int irq, bool level);
	void *context; /* argument of @set */
	unsigned int irq; /* number of the input, an argument of @set */
};

/* The parts of the machine that its devices use. */
struct device_host {
	struct bus *ports;
	struct stop *stop;
	struct event_loop *loop; /* serves the devices' descriptors in the main thread */
	const struct guest_memory *memory;
	/* Drives an input of the interrupt controllers; any thread. */
	void (*set_irq)(void *context, unsigned int irq, bool level);
	void *irq_context; /* argument of @set_irq */
	struct serial_link *serial_link; /* joins the serial port to the console */
	atomic_uint *progress_code; /* the guest's last progress code, for a crash report */
	uint32_t exit_port; /* --exit-port, or DEBUG_PORTS_NO_EXIT */
};

/* A row of the table of devices. */
struct device_class {
	const char *name; /* for messages */
	size_t size; /* of the device's struct; the table allocates it, zeroed */
	/*
	 * Powers the device on and puts it on its bus. No vCPU runs yet. When it fails it prints
	 * the reason, gives back what it took and returns -1.
	 */
	int (*create)(void *device, const struct device_host *host);
	/* Gives back what @create took; no vCPU runs any more. NULL: nothing to do. */
	void (*destroy)(void *device);
};

static inline struct irq_line device_irq_line(const struct device_host *host, unsigned int irq)
{
	return (struct irq_line){ .set = host->set_irq, .context = host->irq_context, .irq = irq };
}

static inline void irq_line_set(const struct irq_line *line, bool level)
{
	line->set(line->context, line->irq, level);
}

#endif
