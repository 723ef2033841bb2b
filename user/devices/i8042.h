/* SPDX-License-Identifier: GPL-2.0-only */
/* A keyboard controller without a keyboard: a guest can reset the machine through it. */
#ifndef ORIEL_I8042_H
#define ORIEL_I8042_H

#include "devices/device.h"

struct i8042 {
	struct stop *stop;
	atomic_uint state; /* the output byte, and a bit that is set until the guest reads it */
};

int i8042_create(void *device, const struct device_host *host);

#endif
