/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory types of an NPT entry. A unit test reads this too. */
#ifndef ORIEL_NPT_ENTRY_H
#define ORIEL_NPT_ENTRY_H

#include <linux/bits.h>

#include "memory/table.h"

/* PWT and PCD, as in every page table (APM 2 5.4.1). */
#define NPT_PWT BIT_ULL(3)
#define NPT_PCD BIT_ULL(4)

/*
 * Indexes into the host's PAT, as Linux sets it: 0 WB, 1 WC, 2 UC-. The guest's PAT always takes
 * part too: the host's type is meant to act as an MTRR would (APM 2 15.25.8). UC- is the type of
 * the host's own mappings of device registers. It lets the guest's driver have write combining in
 * a device's memory, and nothing that is cached.
 */
#define NPT_MEMTYPES                                                               \
	{                                                                          \
		[SL_WB] = 0, [SL_GUEST] = 0, [SL_WC] = NPT_PWT, [SL_UC] = NPT_PCD, \
	}

#endif
