// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_HAS_DEVICE_ATTR, KVM_GET_DEVICE_ATTR and KVM_SET_DEVICE_ATTR on the node and on
 * a vCPU: values that have no ioctl of their own.
 */
#include <linux/errno.h>
#include <linux/uaccess.h>

#include "abi/abi.h"
#include "core/vcpu.h"
#include "guest/clock.h"
#include "guest/fpu.h"

int attribute_ioctl_node(unsigned int cmd, const struct kvm_device_attr __user *user)
{
	struct kvm_device_attr attr;

	if (copy_from_user(&attr, user, sizeof(attr)))
		return -EFAULT;
	if (attr.group || attr.attr != KVM_X86_XCOMP_GUEST_SUPP)
		return -ENXIO;
	switch (cmd) {
	case KVM_HAS_DEVICE_ATTR:
		return 0;
	case KVM_GET_DEVICE_ATTR:
		return put_user(fpu_host.guest_xcr0, (u64 __user *)u64_to_user_ptr(attr.addr));
	default:
		return -ENOTTY;
	}
}

int attribute_ioctl_vcpu(struct vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	struct kvm_device_attr attr;
	u64 __user *value;
	u64 offset;

	if (copy_from_user(&attr, (void __user *)arg, sizeof(attr)))
		return -EFAULT;
	if (attr.group != KVM_VCPU_TSC_CTRL || attr.attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	value = u64_to_user_ptr(attr.addr);
	switch (cmd) {
	case KVM_HAS_DEVICE_ATTR:
		return 0;
	case KVM_GET_DEVICE_ATTR:
		return put_user(vcpu->clock.tsc_offset, value);
	case KVM_SET_DEVICE_ATTR:
		if (get_user(offset, value))
			return -EFAULT;
		clock_set_tsc_offset(vcpu, offset);
		return 0;
	default:
		return -ENOTTY;
	}
}
