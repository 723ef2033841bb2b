// SPDX-License-Identifier: GPL-2.0-only
/*
 * WBINVD of a guest with a device of the host that does not snoop the caches: write back the caches
 * of each CPU that a vCPU has run on.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <asm/smp.h>

#include "guest/dma.h"

void dma_init(struct vm_dma *dma)
{
	mutex_init(&dma->lock);
}

void dma_destroy(struct vm_dma *dma)
{
	free_cpumask_var(dma->cpus);
}

void dma_write_back(struct vm_dma *dma)
{
	int cpu;

	/* Pairs with set_noncoherent(): @cpus is there. */
	if (likely(!smp_load_acquire(&dma->noncoherent)))
		return;
	/* If the thread has moved since the exit, dma_note_leaving() has noted the CPU it left. */
	cpumask_set_cpu(raw_smp_processor_id(), dma->cpus);
	/*
	 * Without the lock, another vCPU could find a CPU's bit clear, and return to its guest
	 * before that CPU has written its caches back.
	 */
	mutex_lock(&dma->lock);
	for_each_cpu(cpu, dma->cpus) {
		/* Clear the bit first: a vCPU that leaves meanwhile sets it for the next WBINVD. */
		if (cpumask_test_and_clear_cpu(cpu, dma->cpus))
			wbinvd_on_cpu(cpu);
		cond_resched();
	}
	mutex_unlock(&dma->lock);
}
