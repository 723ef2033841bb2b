/* SPDX-License-Identifier: GPL-2.0-only */
/* Static calls, as functions of that name, for userspace unit tests. */
#ifndef SHIM_LINUX_STATIC_CALL_H
#define SHIM_LINUX_STATIC_CALL_H

#define DECLARE_STATIC_CALL(name, func) extern __typeof__(func) name
#define static_call(name) name

#endif
