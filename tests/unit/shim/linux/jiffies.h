/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's tick, for userspace unit tests. */
#ifndef SHIM_LINUX_JIFFIES_H
#define SHIM_LINUX_JIFFIES_H

#define HZ 250

#endif
