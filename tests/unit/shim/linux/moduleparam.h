/* SPDX-License-Identifier: GPL-2.0-only */
/* Module parameters, for userspace unit tests. */
#ifndef SHIM_LINUX_MODULEPARAM_H
#define SHIM_LINUX_MODULEPARAM_H

/* A test changes a parameter through shim_param_NAME(). */
#define module_param(name, type, mode) \
	type *shim_param_##name(void); \
	type *shim_param_##name(void)  \
	{                              \
		return &name;          \
	}
#define MODULE_PARM_DESC(name, text) _Static_assert(sizeof(text), "")

#endif
