/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device of the guest: how it is made and what it is made with.
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

/**
 * struct irq_line - the line from a device to an input of the interrupt controllers
 * @set: drives the line; devices call it only when the level changes
 * @context: argument of @set
 * @irq: number of the input, an argument of @set
 */
struct irq_line {
	void (*set)(void *context, unsigned int irq, bool level);
	void *context;
	unsigned int irq;
};

/**
 * struct device_host - the parts of the machine that its devices use
 * @ports: port I/O
 * @stop: the end of the run
 * @loop: serves a device's descriptors in the main thread
 * @memory: of the guest
 * @set_irq: drives an input of the interrupt controllers; any thread
 * @irq_context: argument of @set_irq
 * @serial_link: joins the serial port to the console
 * @progress_code: the guest's last progress code, for a crash report
 * @exit_port: --exit-port, or DEBUG_PORTS_NO_EXIT
 */
struct device_host {
	struct bus *ports;
	struct stop *stop;
	struct event_loop *loop;
	const struct guest_memory *memory;
	void (*set_irq)(void *context, unsigned int irq, bool level);
	void *irq_context;
	struct serial_link *serial_link;
	atomic_uint *progress_code;
	uint32_t exit_port;
};

/**
 * struct device_class - a row of the table of devices
 * @name: for messages
 * @size: of the device's struct; the table allocates it, zeroed
 * @create: powers the device on and puts it on its bus. No vCPU runs yet. When it
 *	fails it prints the reason, gives back what it took and returns -1
 * @destroy: gives back what @create took; no vCPU runs any more. NULL: nothing to do
 */
struct device_class {
	const char *name;
	size_t size;
	int (*create)(void *device, const struct device_host *host);
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
