/* SPDX-License-Identifier: GPL-2.0-only */
/* Limits of the kernel's types, for userspace unit tests. */
#ifndef SHIM_LINUX_LIMITS_H
#define SHIM_LINUX_LIMITS_H

#include_next <linux/limits.h>

#include <limits.h>
#include <stdint.h>

#define U8_MAX UINT8_MAX
#define U16_MAX UINT16_MAX
#define U32_MAX UINT32_MAX
#define U64_MAX (~0ULL)
#define S64_MAX INT64_MAX
#define S64_MIN INT64_MIN

#endif
