/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether this physical CPU is ours to run guests on.
 */
#ifndef ORIEL_CLAIM_H
#define ORIEL_CLAIM_H

#include <linux/types.h>

/**
 * cpu_claimed() - may a guest be entered on this CPU?
 *
 * Interrupts off. False before a CPU was claimed, and after it was given back
 * for suspend, reboot or hotplug.
 */
bool cpu_claimed(void);

#endif
