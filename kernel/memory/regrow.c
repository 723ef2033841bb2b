// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way back to large leaves on CPUs where these must not be executable: code that runs splits
 * them (fault.c), and they stay split when the code has gone. From time to time remove the small
 * leaves of a part of the memory. Data comes back by large leaves; code splits them again.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

#include "memory/mmu.h"

/* Many small turns, so that running code has few faults at a time. */
#define TURNS_PER_PERIOD 60

static unsigned int regrow_period = 3600;
module_param(regrow_period, uint, 0444);
MODULE_PARM_DESC(regrow_period, "seconds until pages split for code grow back (3600; 0: never)");

/* Deal with the next share of the memory. The last turn of a round may find less. */
static void take_turn(struct memory *memory)
{
	const struct memslots *slots = memory_slots(memory);
	u64 left = 0;
	u32 i;

	for (i = 0; i < slots->count; i++)
		left += slots->by_gfn[i]->npages;
	left = DIV_ROUND_UP(left, TURNS_PER_PERIOD);
	for (i = 0; i < slots->count && left; i++) {
		const struct memslot *slot = slots->by_gfn[i];
		gfn_t first = max(slot->base_gfn, memory->regrow_next);
		gfn_t end = min(slot->base_gfn + slot->npages, first + left);

		if (first >= end || memslot_is_logged(slot))
			continue;
		memory->regrow_next = mmu_collapse(memory, slot, first, end);
		left -= end - first;
	}
	if (left)
		memory->regrow_next = 0;
}

static void wait_for_turn(struct memory *memory)
{
	unsigned long delay = (unsigned long)regrow_period * HZ / TURNS_PER_PERIOD;

	queue_delayed_work(system_unbound_wq, &memory->regrow, delay);
}

static void regrow(struct work_struct *work)
{
	struct memory *memory = container_of(to_delayed_work(work), struct memory, regrow);

	/* When the client's address space has ended, there is nothing left to do. */
	if (!mmget_not_zero(memory->mm))
		return;
	/* mmu_best_level() may look at the host's page tables only in this address space. */
	kthread_use_mm(memory->mm);
	mutex_lock(&memory->lock);
	take_turn(memory);
	mutex_unlock(&memory->lock);
	kthread_unuse_mm(memory->mm);
	mmput(memory->mm);
	wait_for_turn(memory);
}

void mmu_regrow_start(struct memory *memory)
{
	INIT_DELAYED_WORK(&memory->regrow, regrow);
	if (regrow_period && !mmu_large_leaf_may_execute())
		wait_for_turn(memory);
}

void mmu_regrow_stop(struct memory *memory)
{
	cancel_delayed_work_sync(&memory->regrow);
}
