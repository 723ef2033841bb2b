/* SPDX-License-Identifier: GPL-2.0-only */
/* The calling convention of assembly, for userspace unit tests: C's. */
#ifndef SHIM_LINUX_LINKAGE_H
#define SHIM_LINUX_LINKAGE_H

#define asmlinkage

#endif
