/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ioctls whose argument is a structure of fixed size: a function works on a copy of it.
 *
 * vcpu_ioctls.h and vm_ioctls.h are lists of rows. vcpu_file.c and vm_file.c include their list
 * twice: first with macros like IOCTL_DEFINE, which turn a row into a function of type
 * ioctl_function; then in the switch over the ioctl's number, where a row becomes a case.
 */
#ifndef ORIEL_IOCTL_H
#define ORIEL_IOCTL_H

#include <linux/build_bug.h>
#include <linux/types.h>

typedef int (*ioctl_function)(void *object, void *data);

#define IOCTL_DEFINE(number, function, type)                     \
	static int ioctl_##function(void *object, void *data)    \
	{                                                        \
		BUILD_BUG_ON(_IOC_SIZE(number) != sizeof(type)); \
		return function(object, data);                   \
	}
#define IOCTL_DEFINE_VOID(number, function, type)                \
	static int ioctl_##function(void *object, void *data)    \
	{                                                        \
		BUILD_BUG_ON(_IOC_SIZE(number) != sizeof(type)); \
		function(object, data);                          \
		return 0;                                        \
	}

/**
 * ioctl_copy() - carry out an ioctl of a VM or vCPU @object on a copy of the structure at @arg in
 * userspace; @number encodes its size. @direction: _IOC_WRITE: copy it in; _IOC_READ: copy it out
 * if @function succeeds. May sleep. Return the result of @function, -EFAULT or -ENOMEM.
 */
long ioctl_copy(void *object, ioctl_function function, unsigned int number, unsigned int direction,
		unsigned long arg);

#endif
