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
 * struct vm_dma - what a VM has to do about devices of the host
 * @device: userspace has made the VFIO device; under vm->lock
 * @noncoherent: a device may access memory past the caches
 * @cpus: physical CPUs whose caches may hold what vCPUs have written, but for those
 *	that vCPUs are on; valid once @noncoherent has been set, until the VM is freed
 * @lock: held while CPUs of @cpus write back
 */
struct vm_dma {
	bool device;
	bool noncoherent;
	cpumask_var_t cpus;
	struct mutex lock; /* @cpus, while it is emptied */
};

/**
 * vfio_init() - a VM without devices of the host
 * @dma: zeroed
 */
void vfio_init(struct vm_dma *dma);

/**
 * vfio_destroy() - free what vfio_create_device() allocated
 * @dma: of a VM that nobody can reach any more
 */
void vfio_destroy(struct vm_dma *dma);

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

/**
 * vfio_write_back() - WBINVD of a guest
 * @dma: of its VM
 *
 * Does nothing where all devices snoop the caches. May sleep. Called by the thread of the
 * vCPU, loaded: on return no CPU's caches have what the vCPU wrote before.
 */
void vfio_write_back(struct vm_dma *dma);

/**
 * vfio_note_leaving() - a vCPU leaves this physical CPU
 * @dma: of its VM
 *
 * Preemption off.
 */
static inline void vfio_note_leaving(struct vm_dma *dma)
{
	/* Pairs with set_noncoherent(): @cpus is there. */
	if (unlikely(smp_load_acquire(&dma->noncoherent)))
		cpumask_set_cpu(smp_processor_id(), dma->cpus);
}

#endif
