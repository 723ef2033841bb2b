/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI configuration ports of a bus with a host bridge alone, and the reset register. */
#ifndef ORIEL_PCI_H
#define ORIEL_PCI_H

#include <stdatomic.h>

#include "devices/bus.h"
#include "base/stop.h"

/**
 * struct pci - the ports; any vCPU may use them at once
 * @stop: told when the guest resets itself
 * @address: CONFIG_ADDRESS, which the guest reads back
 */
struct pci {
	struct stop *stop;
	atomic_uint address;
};

/**
 * pci_register() - power on and answer ports 0xcf8 to 0xcff
 * @pci: storage of the caller; stays where it is
 * @bus: of ports
 * @stop: told when the guest resets itself
 *
 * Return: 0, or -1 with the reason printed.
 */
int pci_register(struct pci *pci, struct bus *bus, struct stop *stop);

#endif
