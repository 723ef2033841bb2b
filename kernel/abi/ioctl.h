/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ioctls whose argument is a structure of fixed size: copied in, handed to a function, copied
 * out.
 *
 * vcpu_ioctls.h and vm_ioctls.h are lists of rows. A descriptor's file includes its list twice:
 * first with IOCTL_DEFINE and the like, which turn a row into a function of type ioctl_function;
 * then inside the switch over the ioctl's number, where a row becomes a case.
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
 * ioctl_copy() - carry out an ioctl on a copy of its structure
 * @object: the VM or vCPU, for @function
 * @function: works on the copy
 * @number: of the ioctl; encodes the size of the structure
 * @direction: _IOC_READ: copy it out when @function succeeds; _IOC_WRITE: copy it in
 * @arg: the structure's address in userspace
 *
 * May sleep. Return: the result of @function, -EFAULT or -ENOMEM.
 */
long ioctl_copy(void *object, ioctl_function function, unsigned int number, unsigned int direction,
		unsigned long arg);

#endif
