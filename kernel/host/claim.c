// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim every CPU for this module, through hotplug, suspend and reboot.
 */
#include <linux/cpu.h>
#include <linux/preempt.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/processor.h>
#include <asm/reboot.h>

#include "host/claim.h"
#include "host/compat.h"
#include "host/return_msr.h"

static DEFINE_PER_CPU(bool, claimed);
static const struct claim_owner *owner;

/* Return false before the claim, and after the release for suspend, reboot or hotplug. */
bool cpu_claimed(void)
{
	return this_cpu_read(claimed);
}

static void claim_cpu(void *failures)
{
	if (__this_cpu_read(claimed))
		return;
	if (owner->enable()) {
		atomic_inc(failures);
		return;
	}
	return_msr_cpu_enable();
	__this_cpu_write(claimed, true);
}

static void release_cpu(void *unused)
{
	if (!__this_cpu_read(claimed))
		return;
	__this_cpu_write(claimed, false);
	return_msr_cpu_disable();
	owner->disable();
}

/* After a crash another kernel may run on this CPU, and it must find SVM or VMX off. */
static void release_cpu_in_crash(void)
{
	if (__this_cpu_read(claimed))
		owner->disable();
}

static int cpu_comes(unsigned int cpu)
{
	atomic_t failures = ATOMIC_INIT(0);
	unsigned long flags;

	local_irq_save(flags);
	claim_cpu(&failures);
	local_irq_restore(flags);
	/* The CPU comes online all the same. A vCPU that runs on it gets EIO. */
	if (atomic_read(&failures))
		pr_err("CPU %u is held by another hypervisor: no vCPU can run there\n", cpu);
	return 0;
}

static int cpu_goes(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	release_cpu(NULL);
	local_irq_restore(flags);
	return 0;
}

static int on_suspend(ORIEL_SYSCORE_ARGUMENT)
{
	release_cpu(NULL);
	return 0;
}

static void on_resume(ORIEL_SYSCORE_ARGUMENT)
{
	cpu_comes(smp_processor_id());
}

/* Suspend takes every CPU but the boot CPU through hotplug. */
ORIEL_SYSCORE(syscore, on_suspend, on_resume);

static int on_reboot(struct notifier_block *nb, unsigned long event, void *unused)
{
	on_each_cpu(release_cpu, NULL, 1);
	return NOTIFY_OK;
}

static struct notifier_block reboot_notifier = {
	.notifier_call = on_reboot,
};

static void explain_busy(bool in_tree)
{
	if (in_tree)
		pr_err("the in-tree KVM is loaded and owns %s: unload it first (rmmod %s kvm)\n",
		       owner->name, owner->kvm_module);
	else
		pr_err("%s is in use by another hypervisor on this machine: unload it first (rmmod %s kvm)\n",
		       owner->name, owner->kvm_module);
}

int claim_all(const struct claim_owner *new_owner)
{
	atomic_t failures = ATOMIC_INIT(0);
	bool in_tree;
	int r;

	owner = new_owner;
	cpus_read_lock();
	/* The in-tree KVM occupies this state as long as it is loaded, even without a VM. */
	r = cpuhp_setup_state_nocalls_cpuslocked(ORIEL_CPUHP_STATE, "x86/oriel:online", cpu_comes,
						 cpu_goes);
	in_tree = r == -EBUSY;
	if (!r) {
		on_each_cpu(claim_cpu, &failures, 1);
		if (atomic_read(&failures)) {
			on_each_cpu(release_cpu, NULL, 1);
			cpuhp_remove_state_nocalls_cpuslocked(ORIEL_CPUHP_STATE);
			r = -EBUSY;
		}
	}
	cpus_read_unlock();
	if (r) {
		explain_busy(in_tree);
		return r;
	}
	oriel_register_syscore(&syscore);
	register_reboot_notifier(&reboot_notifier);
	cpu_emergency_register_virt_callback(release_cpu_in_crash);
	return 0;
}

void release_all(void)
{
	cpu_emergency_unregister_virt_callback(release_cpu_in_crash);
	unregister_reboot_notifier(&reboot_notifier);
	oriel_unregister_syscore(&syscore);
	cpus_read_lock();
	cpuhp_remove_state_nocalls_cpuslocked(ORIEL_CPUHP_STATE);
	on_each_cpu(release_cpu, NULL, 1);
	cpus_read_unlock();
}
