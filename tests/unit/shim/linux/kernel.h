/* SPDX-License-Identifier: GPL-2.0-only */
/* Odds and ends every kernel file expects, for userspace unit tests. */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)&((char *)(ptr))[-(long)offsetof(type, member)])
#define ALIGN(x, a) ((-1 + (x) + (a)) & -(__typeof__(x))(a))
#define ALIGN_DOWN(x, a) ((x) & -(__typeof__(x))(a))
#define IS_ALIGNED(x, a) (((x) & ~-(__typeof__(x))(a)) == 0)
#define DIV_ROUND_UP(n, d) ((-1 + (n) + (d)) / (d))
#define round_up(x, y) ALIGN(x, y)
#define round_down(x, y) ALIGN_DOWN(x, y)
#define sizeof_field(type, member) sizeof(((type *)0)->member)

#endif
