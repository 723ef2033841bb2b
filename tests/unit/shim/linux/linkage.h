/* SPDX-License-Identifier: GPL-2.0-only */
/* How assembly is called, for userspace unit tests: like C. */
#ifndef SHIM_LINUX_LINKAGE_H
#define SHIM_LINUX_LINKAGE_H

#define asmlinkage

#endif
