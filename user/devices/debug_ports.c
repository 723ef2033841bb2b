// SPDX-License-Identifier: GPL-2.0-only
/* Two ports for debugging a guest: it writes its exit status and its progress code. */
#include "devices/debug_ports.h"

#define PROGRESS_PORT 0x80

static void write_code(void *device, uint64_t offset, uint64_t value, unsigned int len)
{
	struct debug_ports *ports = device;

	(void)offset;
	(void)len;
	atomic_store(ports->code, (unsigned int)value);
}

static void write_exit(void *device, uint64_t offset, uint64_t value, unsigned int len)
{
	struct debug_ports *ports = device;

	(void)offset;
	(void)len;
	/* The exit status of a process has eight bits. */
	stop_request(ports->stop, (int)(value & 0xff));
}

int debug_ports_create(void *device, const struct device_host *host)
{
	struct debug_ports *ports = device;
	const struct bus_range progress = {
		.name = "progress code",
		.base = PROGRESS_PORT,
		.size = 1,
		.width = 1,
		.write = write_code,
		.device = ports,
	};
	const struct bus_range exit = {
		.name = "exit port",
		.base = host->exit_port,
		.size = 1,
		.width = 1,
		.write = write_exit,
		.device = ports,
	};

	ports->stop = host->stop;
	ports->code = host->progress_code;
	atomic_init(ports->code, DEBUG_PORTS_NO_CODE);
	if (bus_register(host->ports, &progress))
		return -1;
	return host->exit_port == DEBUG_PORTS_NO_EXIT ? 0 : bus_register(host->ports, &exit);
}
