/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of devices, and one machine's devices: one for each row. */
#ifndef ORIEL_DEVICE_TABLE_H
#define ORIEL_DEVICE_TABLE_H

#include "devices/device.h"

struct device_table;

/* Create a device for each row. Return: NULL if one fails, after printing the reason. */
struct device_table *device_table_create(const struct device_host *host);

/* Destroy the devices, the last one first. No vCPU runs any more. */
void device_table_destroy(struct device_table *table);

#endif
