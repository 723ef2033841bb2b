/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which physical CPUs are this module's to run guests on.
 */
#ifndef ORIEL_CLAIM_H
#define ORIEL_CLAIM_H

#include <linux/types.h>

/**
 * struct claim_owner - how a CPU is claimed
 * @name: the CPU extension, for messages
 * @kvm_module: the in-tree KVM's module that may own it, for messages
 * @enable: turn the extension on, interrupts off; an errno if another owner has it
 * @disable: turn it off, interrupts off; works in a crash, in NMI context
 */
struct claim_owner {
	const char *name;
	const char *kvm_module;
	int (*enable)(void);
	void (*disable)(void);
};

/** claim_all() - claim all CPUs, those that come later too; 0 or an errno after a pr_err() */
int claim_all(const struct claim_owner *owner);
/** release_all() - give them back */
void release_all(void);

/**
 * cpu_claimed() - may a guest be entered on this CPU?
 *
 * Interrupts off. False before a CPU was claimed, and after it was given back for suspend,
 * reboot or hotplug.
 */
bool cpu_claimed(void);

#endif
