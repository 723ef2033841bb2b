/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VFIO device of a VM, which says which of the host's devices access the
 * guest's memory, and what follows where such a device does not snoop the caches.
 */
#ifndef ORIEL_VFIO_H
#define ORIEL_VFIO_H

#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/smp.h>
#include <linux/types.h>

struct vm;

/**
 * vfio_create_device() - KVM_CREATE_DEVICE
 * @vm: the VM; its lock is taken
 * @create: type and flags; gets the descriptor, but for KVM_CREATE_DEVICE_TEST
 *
 * The device has a reference to @vm and ends with its last descriptor.
 *
 * Return: 0, -ENODEV for a type other than VFIO, -EBUSY when the VM has one already,
 * -ENOMEM, -EMFILE.
 */
int vfio_create_device(struct vm *vm, struct kvm_create_device *create);

#endif
