/* SPDX-License-Identifier: GPL-2.0-only */
/* The physical CPUs that this module has claimed to run guests on. */
#ifndef ORIEL_CLAIM_H
#define ORIEL_CLAIM_H

#include <linux/types.h>

/* The extension that is turned on to claim a CPU. Both callbacks run with interrupts off. */
struct claim_owner {
	const char *name; /* for messages */
	const char *kvm_module; /* the in-tree KVM's module that may use it, for messages */
	int (*enable)(void); /* returns an errno if another hypervisor uses it */
	void (*disable)(void); /* called after a crash too, in NMI context */
};

/** claim_all() - claim all CPUs, and those that come online later; reports an error itself */
int claim_all(const struct claim_owner *owner);
void release_all(void);
/**
 * cpu_claimed() - return true if a guest may be entered on this CPU; any context. The answer lasts
 * while interrupts are off.
 */
bool cpu_claimed(void);

#endif
