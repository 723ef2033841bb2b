/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices of the host that access a guest's memory past the caches. */
#ifndef ORIEL_DMA_H
#define ORIEL_DMA_H

#include <linux/cpumask.h>
#include <linux/smp.h>

#include "core/parts.h"

void dma_init(struct vm_dma *dma);
/** dma_destroy() - free what vfio_create_device() allocated; nobody can reach the VM any more */
void dma_destroy(struct vm_dma *dma);
/**
 * dma_write_back() - WBINVD of a guest: on return no CPU's caches have data that the vCPU wrote
 * before. Do nothing if all devices snoop the caches. Called by the vCPU's thread, loaded; may
 * sleep.
 */
void dma_write_back(struct vm_dma *dma);

/** dma_note_leaving() - a vCPU leaves this physical CPU; preemption off */
static inline void dma_note_leaving(struct vm_dma *dma)
{
	/* Pairs with set_noncoherent(): @cpus is there. */
	if (unlikely(smp_load_acquire(&dma->noncoherent)))
		cpumask_set_cpu(smp_processor_id(), dma->cpus);
}

#endif
