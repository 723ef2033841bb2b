/* SPDX-License-Identifier: GPL-2.0-only */
/* Two ports for whoever debugs a guest: its exit status and its progress code. */
#ifndef ORIEL_DEBUG_PORTS_H
#define ORIEL_DEBUG_PORTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "devices/bus.h"
#include "base/stop.h"

#define DEBUG_PORTS_NO_EXIT UINT32_MAX
#define DEBUG_PORTS_NO_CODE UINT32_MAX

/**
 * struct debug_ports - both ports; any vCPU may use them at once
 * @stop: told the status that the guest writes to the exit port
 * @code: last progress ("POST") code written to port 0x80, or DEBUG_PORTS_NO_CODE
 */
struct debug_ports {
	struct stop *stop;
	atomic_uint code;
};

/**
 * debug_ports_register() - answer port 0x80 and the exit port
 * @ports: storage of the caller; stays where it is
 * @bus: of ports
 * @stop: told the status that the guest writes
 * @exit_port: number of the exit port, or DEBUG_PORTS_NO_EXIT
 *
 * Return: 0, or -1 with the reason printed: the port is a device's.
 */
int debug_ports_register(struct debug_ports *ports, struct bus *bus, struct stop *stop,
			 uint32_t exit_port);

#endif
