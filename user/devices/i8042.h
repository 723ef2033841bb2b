/* SPDX-License-Identifier: GPL-2.0-only */
/* A keyboard controller without a keyboard: enough to reset the machine through it. */
#ifndef ORIEL_I8042_H
#define ORIEL_I8042_H

#include <stdatomic.h>
#include <stdint.h>

#include "devices/bus.h"
#include "base/stop.h"

/**
 * struct i8042 - the controller; any vCPU may use it at once
 * @stop: told when the guest resets itself
 * @state: output byte and whether it is to be read
 */
struct i8042 {
	struct stop *stop;
	atomic_uint state;
};

/**
 * i8042_register() - power on and answer ports 0x60 and 0x64
 * @i8042: storage of the caller; stays where it is
 * @bus: of ports
 * @stop: told when the guest resets itself
 *
 * Return: 0, or -1 with the reason printed.
 */
int i8042_register(struct i8042 *i8042, struct bus *bus, struct stop *stop);

#endif
