/* SPDX-License-Identifier: GPL-2.0-only */
/* Direct-mapped memory, for userspace unit tests: physical is virtual. */
#ifndef SHIM_LINUX_IO_H
#define SHIM_LINUX_IO_H

#include <linux/types.h>

static inline u64 virt_to_phys(const void *address)
{
	return (uintptr_t)address;
}

static inline void *phys_to_virt(u64 address)
{
	return (void *)(uintptr_t)address;
}

#endif
