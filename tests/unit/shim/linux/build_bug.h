/* SPDX-License-Identifier: GPL-2.0-only */
/* Assertions at compile time, for userspace unit tests. */
#ifndef SHIM_LINUX_BUILD_BUG_H
#define SHIM_LINUX_BUILD_BUG_H

/* C11's has a second argument, which the kernel leaves out. */
#undef static_assert
#define static_assert(condition) _Static_assert(condition, #condition)

#endif
