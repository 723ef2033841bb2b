/* SPDX-License-Identifier: GPL-2.0-only */
/* Error numbers, for userspace unit tests. */
#ifndef SHIM_LINUX_ERRNO_H
#define SHIM_LINUX_ERRNO_H

/* libc's <errno.h> needs the system's <linux/errno.h>, which this file hides. */
#include_next <linux/errno.h>
#include <errno.h>

#endif
