// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI configuration ports of a bus without devices, and the reset register among
 * them.
 *
 * CONFIG_ADDRESS keeps its value, which tells a kernel that configuration
 * mechanism 1 is there; CONFIG_DATA reads all ones, which says of every slot that
 * it is empty (PCI Local Bus 3.0 3.2.2.3). Without ports at all Linux complains.
 * Only a whole doubleword is CONFIG_ADDRESS: a byte at 0xcf9 is the reset control
 * register of PC chip sets, which the FADT names.
 */
#include "pci.h"

#include "diag.h"
#include "layout.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_ADDRESS_VALID 0x80fffffcU /* the reserved bits read as zero */
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
		atomic_store(&pci->address, (unsigned int)value & CONFIG_ADDRESS_VALID);
	} else if (len == 1 && offset == RESET_OFFSET && value & RESET_CPU) {
		diag_note("the guest reset itself (port %#x)", LAYOUT_RESET_CONTROL);
		stop_request(pci->stop, EXIT_STATUS_RESET);
	}
}

int pci_register(struct pci *pci, struct bus *bus, struct stop *stop)
{
	const struct bus_range address = {
		.name = "PCI configuration address",
		.base = CONFIG_ADDRESS,
		.size = 4,
		.width = 4,
		.read = read_address,
		.write = write_address,
		.device = pci,
	};

	pci->stop = stop;
	atomic_init(&pci->address, 0);
	return bus_register(bus, &address);
}
