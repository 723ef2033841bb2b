/* SPDX-License-Identifier: GPL-2.0-only */
/* Members of structures that no test uses, for userspace unit tests. */
#ifndef SHIM_LINUX_CPUMASK_H
#define SHIM_LINUX_CPUMASK_H

typedef unsigned long cpumask_var_t[1];

#endif
