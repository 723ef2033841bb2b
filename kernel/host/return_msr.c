// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs whose host value a user-return notifier restores on the way to userspace.
 */
#include <linux/percpu.h>
#include <linux/user-return-notifier.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "host/return_msr.h"

static const u32 indexes[RETURN_MSRS] = {
	[RETURN_MSR_TSC_AUX] = MSR_TSC_AUX,
	[RETURN_MSR_STAR] = MSR_STAR,
	[RETURN_MSR_LSTAR] = MSR_LSTAR,
	[RETURN_MSR_SYSCALL_MASK] = MSR_SYSCALL_MASK,
};

/**
 * struct return_msrs - the MSRs of one CPU
 * @notifier: called on the way to userspace while @registered
 * @registered: an MSR may have a guest's value
 * @host: the host's values
 * @now: the values that the MSRs have
 */
struct return_msrs {
	struct user_return_notifier notifier;
	bool registered;
	u64 host[RETURN_MSRS];
	u64 now[RETURN_MSRS];
};

static DEFINE_PER_CPU(struct return_msrs, return_msrs);

static bool exists(enum return_msr msr)
{
	return msr != RETURN_MSR_TSC_AUX || boot_cpu_has(X86_FEATURE_RDTSCP) ||
	       boot_cpu_has(X86_FEATURE_RDPID);
}

static void write(struct return_msrs *rm, enum return_msr msr, u64 value)
{
	if (rm->now[msr] == value)
		return;
	rm->now[msr] = value;
	wrmsrl(indexes[msr], value);
}

static void on_user_return(struct user_return_notifier *notifier)
{
	struct return_msrs *rm = container_of(notifier, struct return_msrs, notifier);
	unsigned long flags;
	int i;

	/* A CPU that goes offline calls this from an interrupt. */
	local_irq_save(flags);
	if (rm->registered) {
		rm->registered = false;
		user_return_notifier_unregister(notifier);
	}
	for (i = 0; i < RETURN_MSRS; i++)
		write(rm, i, rm->host[i]);
	local_irq_restore(flags);
}

void return_msr_set(enum return_msr msr, u64 value)
{
	struct return_msrs *rm = this_cpu_ptr(&return_msrs);

	if (rm->now[msr] == value || !exists(msr))
		return;
	if (!rm->registered) {
		rm->notifier.on_user_return = on_user_return;
		user_return_notifier_register(&rm->notifier);
		rm->registered = true;
	}
	write(rm, msr, value);
}

void return_msr_cpu_enable(void)
{
	struct return_msrs *rm = this_cpu_ptr(&return_msrs);
	int i;

	for (i = 0; i < RETURN_MSRS; i++) {
		if (exists(i))
			rdmsrl(indexes[i], rm->host[i]);
		rm->now[i] = rm->host[i];
	}
}

void return_msr_cpu_disable(void)
{
	struct return_msrs *rm = this_cpu_ptr(&return_msrs);

	if (rm->registered)
		on_user_return(&rm->notifier);
}
