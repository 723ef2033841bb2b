/* SPDX-License-Identifier: GPL-2.0-only */
/* Two ports for debugging a guest: it writes its exit status and its progress code. */
#ifndef ORIEL_DEBUG_PORTS_H
#define ORIEL_DEBUG_PORTS_H

#include "devices/device.h"

#define DEBUG_PORTS_NO_EXIT UINT32_MAX
#define DEBUG_PORTS_NO_CODE UINT32_MAX

struct debug_ports {
	struct stop *stop;
	atomic_uint *code; /* keeps the last byte written to port 0x80, or DEBUG_PORTS_NO_CODE */
};

int debug_ports_create(void *device, const struct device_host *host);

#endif
