// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ioctls whose argument is a structure of fixed size.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "abi/ioctl.h"

/* A structure of at most this many bytes is copied to the stack. Few are larger. */
#define ON_STACK 320

static long carry_out(void *object, ioctl_function function, size_t size, unsigned int direction,
		      void *data, void __user *user)
{
	long r;

	/* Userspace writes with _IOC_WRITE, so copy in, and reads with _IOC_READ, so copy out. */
	if (direction & _IOC_WRITE) {
		if (copy_from_user(data, user, size))
			return -EFAULT;
	} else {
		memset(data, 0, size);
	}
	r = function(object, data);
	if (r >= 0 && direction & _IOC_READ && copy_to_user(user, data, size))
		return -EFAULT;
	return r;
}

long ioctl_copy(void *object, ioctl_function function, unsigned int number, unsigned int direction,
		unsigned long arg)
{
	void __user *user = (void __user *)arg;
	size_t size = _IOC_SIZE(number);
	u64 stack[ON_STACK / sizeof(u64)];
	void *data = stack;
	long r;

	if (size > sizeof(stack)) {
		data = kmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!data)
			return -ENOMEM;
	}
	r = carry_out(object, function, size, direction, data, user);
	if (data != stack)
		kfree(data);
	return r;
}
