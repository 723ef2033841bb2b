/* SPDX-License-Identifier: GPL-2.0-only */
/* Module parameters, for userspace unit tests. */
#ifndef SHIM_LINUX_MODULEPARAM_H
#define SHIM_LINUX_MODULEPARAM_H

/* The parameter of the source that is tested. */
extern unsigned int *shim_param;

#define module_param(name, type, mode) unsigned int *shim_param = &(name)
#define MODULE_PARM_DESC(name, text) _Static_assert(sizeof(text), "")

#endif
