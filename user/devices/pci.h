/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI configuration ports of a bus with a host bridge alone, and the reset register. */
#ifndef ORIEL_PCI_H
#define ORIEL_PCI_H

#include "devices/device.h"

/**
 * struct pci - the ports
 * @stop: told when the guest resets itself
 * @address: CONFIG_ADDRESS, which the guest reads back
 */
struct pci {
	struct stop *stop;
	atomic_uint address;
};

int pci_create(void *device, const struct device_host *host);

#endif
