/* SPDX-License-Identifier: GPL-2.0-only */
/* Ask the host's CPU if it accepts a value of an MSR. */
#ifndef ORIEL_TRY_MSR_H
#define ORIEL_TRY_MSR_H

#include <linux/irqflags.h>
#include <asm/msr.h>

/**
 * host_accepts_msr() - return true if the MSR exists and takes @data, by a write; it then has its
 * old value again. Only for an MSR that a write changes nothing else with.
 */
static inline bool host_accepts_msr(u32 index, u64 data)
{
	unsigned long flags;
	bool accepts;
	u64 host;

	local_irq_save(flags);
	accepts = !rdmsrl_safe(index, &host) && !wrmsrl_safe(index, data);
	if (accepts)
		wrmsrl(index, host);
	local_irq_restore(flags);
	return accepts;
}

#endif
