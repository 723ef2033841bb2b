/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI configuration ports of a bus that has only a host bridge, and the reset register. */
#ifndef ORIEL_PCI_H
#define ORIEL_PCI_H

#include "devices/device.h"

struct pci {
	struct stop *stop;
	atomic_uint address; /* CONFIG_ADDRESS, which the guest reads back */
};

int pci_create(void *device, const struct device_host *host);

#endif
