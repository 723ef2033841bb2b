/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_HAS_DEVICE_ATTR, KVM_GET_DEVICE_ATTR and KVM_SET_DEVICE_ATTR on the node and on
 * a vCPU.
 */
#ifndef ORIEL_ATTRIBUTE_H
#define ORIEL_ATTRIBUTE_H

#include <linux/kvm.h>
#include <linux/types.h>

struct vcpu;

/**
 * attribute_ioctl_node() - an attribute of the node
 * @cmd: KVM_HAS_DEVICE_ATTR or KVM_GET_DEVICE_ATTR
 * @user: struct kvm_device_attr
 *
 * Return: 0, -ENXIO for one that is not there, -EFAULT, -ENOTTY.
 */
int attribute_ioctl_node(unsigned int cmd, const struct kvm_device_attr __user *user);

/**
 * attribute_ioctl_vcpu() - an attribute of a vCPU
 * @vcpu: the vCPU, its mutex held, loaded
 * @cmd: KVM_HAS_DEVICE_ATTR, KVM_GET_DEVICE_ATTR or KVM_SET_DEVICE_ATTR
 * @user: struct kvm_device_attr
 *
 * Return: as attribute_ioctl_node().
 */
int attribute_ioctl_vcpu(struct vcpu *vcpu, unsigned int cmd,
			 const struct kvm_device_attr __user *user);

#endif
