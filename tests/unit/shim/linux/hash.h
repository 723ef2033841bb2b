/* SPDX-License-Identifier: GPL-2.0-only */
/* Hashes, for userspace unit tests. */
#ifndef SHIM_LINUX_HASH_H
#define SHIM_LINUX_HASH_H

#include <linux/types.h>

static inline u32 hash_32(u32 value, unsigned int bits)
{
	return value * 0x61c88647u >> (32 - bits);
}

#endif
