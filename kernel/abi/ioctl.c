// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ioctls whose argument is a structure of fixed size.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "abi/ioctl.h"

/* Larger structures are rare enough to be allocated. */
#define ON_STACK 320

static long carry_out(void *object, const struct ioctl_entry *entry, void *data, void __user *user)
{
	unsigned int dir = entry->dir ? entry->dir : _IOC_DIR(entry->cmd);
	size_t size = _IOC_SIZE(entry->cmd);
	long r;

	/* _IOC_WRITE is what userspace writes, that is, what is read here. */
	if (dir & _IOC_WRITE) {
		if (copy_from_user(data, user, size))
			return -EFAULT;
	} else {
		memset(data, 0, size);
	}
	r = entry->handler(object, data);
	if (r >= 0 && dir & _IOC_READ && copy_to_user(user, data, size))
		return -EFAULT;
	return r;
}

/* A function of its own: its buffer is cleared by the compiler, which a miss need not pay. */
static noinline long with_copy(void *object, const struct ioctl_entry *entry, void __user *user)
{
	u64 stack[ON_STACK / sizeof(u64)];
	void *data = stack;
	long r;

	if (_IOC_SIZE(entry->cmd) > sizeof(stack)) {
		data = kmalloc(_IOC_SIZE(entry->cmd), GFP_KERNEL_ACCOUNT);
		if (!data)
			return -ENOMEM;
	}
	r = carry_out(object, entry, data, user);
	if (data != stack)
		kfree(data);
	return r;
}

long ioctl_fixed(void *object, const struct ioctl_entry *table, size_t count, unsigned int cmd,
		 unsigned long arg)
{
	size_t i;

	for (i = 0; i < count && table[i].cmd != cmd; i++)
		;
	return i < count ? with_copy(object, &table[i], (void __user *)arg) : -ENOTTY;
}
