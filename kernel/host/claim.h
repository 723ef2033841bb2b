/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The physical CPUs that this module has claimed to run guests on.
 */
#ifndef ORIEL_CLAIM_H
#define ORIEL_CLAIM_H

#include <linux/types.h>

/**
 * struct claim_owner - the extension that is turned on to claim a CPU
 * @name: its name, for messages
 * @kvm_module: the in-tree KVM's module that may use it, for messages
 * @enable: turn it on, interrupts off; return an errno if another hypervisor uses it
 * @disable: turn it off, interrupts off; called after a crash too, in NMI context
 */
struct claim_owner {
	const char *name;
	const char *kvm_module;
	int (*enable)(void);
	void (*disable)(void);
};

/** claim_all() - claim all CPUs, and those that come online later; reports an error itself */
int claim_all(const struct claim_owner *owner);
void release_all(void);

/**
 * cpu_claimed() - return true if a guest may be entered on this CPU; interrupts off
 *
 * False before the CPU is claimed, and after it is released for suspend, reboot or hotplug.
 */
bool cpu_claimed(void);

#endif
