/* SPDX-License-Identifier: GPL-2.0-only */
/* The flush of the L1 data cache before a guest is entered (L1TF). */
#ifndef ORIEL_L1D_H
#define ORIEL_L1D_H

#include <linux/jump_label.h>
#include <linux/types.h>

/* On this machine l1d_flush() has something to do. */
DECLARE_STATIC_KEY_FALSE(l1d_needs_flush);

/** l1d_setup() - follow the kernel's l1tf= option; return 0, or an errno before l1d_teardown() */
int l1d_setup(void);
void l1d_teardown(void);
/**
 * l1d_flush() - flush the L1 data cache of this CPU, unless the host's mode leaves that out while
 * no secrets can be in it; interrupts off, and nothing of the host may run before the entry
 * @secrets: code that may have read secrets has run since the last flush; cleared
 */
void l1d_flush(bool *secrets);

#endif
