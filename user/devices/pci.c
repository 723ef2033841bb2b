// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI configuration ports of a bus that has a host bridge and no devices (PCI Local Bus 3.0
 * 3.2.2.3 and 6.1), and the reset register, which lies among these ports.
 *
 * Without a host bridge Linux complains that it finds no way to access configuration space.
 * The ACPI tables have no PCI root, so Linux does not scan the bus. CONFIG_ADDRESS takes only
 * accesses of four bytes: the single byte at 0xcf9 is the reset control register of PC chip
 * sets, which the FADT names.
 *
 * The bridge has the AGP capability, with an aperture that has no address. On AMD families 0Fh
 * and 10h Linux searches for an AGP bridge early, twice, in all 8192 slots of 256 buses,
 * until it finds one. Without such a bridge, the 32768 exits of these searches took an eighth of
 * the time to boot on an emulated host.
 */
#include "devices/pci.h"

#include "base/diag.h"
#include "base/layout.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define ADDRESS_VALID 0x80fffffcU /* the reserved bits read as zero */
#define ADDRESS_ENABLE 0x80000000U
#define ADDRESS_FUNCTION 0x00ffff00U /* bus, device and function; the bridge's are all zero */
#define ADDRESS_REGISTER 0x000000fcU
#define BRIDGE_ID 0x0d578086U /* a bridge of virtual machines, for which no kernel has quirks */
#define BRIDGE_STATUS 0x00100000U /* the list of capabilities exists */
#define BRIDGE_CLASS 0x06000000U
#define BRIDGE_CAPABILITIES 0x40U /* AGP 3.0 interface specification 4.1.1 */
#define AGP_CAPABILITY 0x00300002U
#define AGP_APERTURE_SIZE 0x00000f3fU /* 4 MiB, the smallest */
#define RESET_OFFSET (LAYOUT_RESET_CONTROL - CONFIG_ADDRESS)
#define RESET_CPU 0x04U

static uint64_t read_address(void *device, uint64_t offset, unsigned int len)
{
	struct pci *pci = device;

	(void)offset;
	return len == 4 ? atomic_load(&pci->address) : UINT64_MAX;
}

static void write_address(void *device, uint64_t offset, uint64_t value, unsigned int len)
{
	struct pci *pci = device;

	if (len == 4) {
		atomic_store(&pci->address, (unsigned int)value & ADDRESS_VALID);
	} else if (len == 1 && offset == RESET_OFFSET && value & RESET_CPU) {
		diag_note("the guest reset itself (port %#x)", LAYOUT_RESET_CONTROL);
		stop_request(pci->stop, EXIT_STATUS_RESET);
	}
}

static uint32_t read_bridge(unsigned int reg)
{
	switch (reg) {
	case 0x00:
		return BRIDGE_ID;
	case 0x04:
		return BRIDGE_STATUS;
	case 0x08:
		return BRIDGE_CLASS;
	case 0x34:
		return BRIDGE_CAPABILITIES;
	case BRIDGE_CAPABILITIES:
		return AGP_CAPABILITY;
	case BRIDGE_CAPABILITIES + 0x14:
		return AGP_APERTURE_SIZE;
	default:
		return 0;
	}
}

static uint64_t read_data(void *device, uint64_t offset, unsigned int len)
{
	struct pci *pci = device;
	unsigned int address = atomic_load(&pci->address);

	(void)len;
	if (!(address & ADDRESS_ENABLE) || address & ADDRESS_FUNCTION)
		return UINT64_MAX; /* this slot has no device */
	return read_bridge(address & ADDRESS_REGISTER) >> (8 * offset);
}

int pci_create(void *device, const struct device_host *host)
{
	struct pci *pci = device;
	const struct bus_range address = {
		.name = "PCI configuration address",
		.base = CONFIG_ADDRESS,
		.size = 4,
		.width = 4,
		.read = read_address,
		.write = write_address,
		.device = pci,
	};
	const struct bus_range data = {
		.name = "PCI configuration data",
		.base = CONFIG_DATA,
		.size = 4,
		.width = 4,
		.read = read_data,
		.device = pci,
	};

	pci->stop = host->stop;
	atomic_init(&pci->address, 0);
	return bus_register(host->ports, &address) || bus_register(host->ports, &data) ? -1 : 0;
}
