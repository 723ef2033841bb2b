/* SPDX-License-Identifier: GPL-2.0-only */
/* Members of structures that no test uses, for userspace unit tests. */
#ifndef SHIM_LINUX_XARRAY_H
#define SHIM_LINUX_XARRAY_H

struct xarray {
	int unused;
};

#endif
