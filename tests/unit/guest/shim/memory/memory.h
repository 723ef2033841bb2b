/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's memory, which the test has, for userspace unit tests. */
#ifndef SHIM_MEMORY_MEMORY_H
#define SHIM_MEMORY_MEMORY_H

#include <linux/types.h>

#include "x86/address.h"

struct memory {
	int unused;
};

int memory_read(const struct memory *memory, gpa_t gpa, void *buf, size_t len);
int memory_write(struct memory *memory, gpa_t gpa, const void *buf, size_t len);

#endif
