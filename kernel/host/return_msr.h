/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs whose host value matters only in userspace. After an exit they keep the guest's value;
 * the host's is restored on the way to userspace.
 */
#ifndef ORIEL_RETURN_MSR_H
#define ORIEL_RETURN_MSR_H

#include <linux/types.h>

/* The kernel itself uses none of them: it executes no SYSCALL, and no RDTSCP for TSC_AUX. */
enum return_msr {
	RETURN_MSR_TSC_AUX,
	RETURN_MSR_STAR,
	RETURN_MSR_LSTAR,
	RETURN_MSR_SYSCALL_MASK,
	RETURN_MSRS
};

/**
 * return_msr_set() - give an MSR, if the CPU has it, the guest's value; interrupts off, CPU claimed
 */
void return_msr_set(enum return_msr msr, u64 value);
/** return_msr_cpu_enable() - read the host's values on this CPU; interrupts off */
void return_msr_cpu_enable(void);
/** return_msr_cpu_disable() - restore the host's values on this CPU; interrupts off */
void return_msr_cpu_disable(void);

#endif
