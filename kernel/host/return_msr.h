/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs whose host value is needed only in userspace: the guest's stays in the
 * CPU after an exit, and the host's comes back on the way to userspace.
 */
#ifndef ORIEL_RETURN_MSR_H
#define ORIEL_RETURN_MSR_H

#include <linux/types.h>

/* The kernel itself executes neither SYSCALL nor RDTSCP on what these hold. */
enum return_msr {
	RETURN_MSR_TSC_AUX,
	RETURN_MSR_STAR,
	RETURN_MSR_LSTAR,
	RETURN_MSR_SYSCALL_MASK,
	RETURN_MSRS
};

/**
 * return_msr_set() - give an MSR the guest's value until the thread returns to
 *	userspace, or the CPU to another thread that does
 * @msr: which; without effect if the CPU does not have it
 * @value: the guest's
 *
 * Interrupts off, on a CPU that is claimed.
 */
void return_msr_set(enum return_msr msr, u64 value);

/** return_msr_cpu_enable() - learn this CPU's own values; interrupts off */
void return_msr_cpu_enable(void);

/** return_msr_cpu_disable() - give this CPU its own values back; interrupts off */
void return_msr_cpu_disable(void);

#endif
