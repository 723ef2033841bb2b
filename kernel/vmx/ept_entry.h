/* SPDX-License-Identifier: GPL-2.0-only */
/* The bits of an EPT entry (SDM 3C 29.3.2). A unit test reads this too. */
#ifndef ORIEL_EPT_ENTRY_H
#define ORIEL_EPT_ENTRY_H

#include <linux/bits.h>

#include "memory/table.h"

#define EPT_READ BIT_ULL(0)
#define EPT_WRITE BIT_ULL(1)
#define EPT_EXEC BIT_ULL(2)
#define EPT_MEMTYPE_SHIFT 3
#define EPT_IGNORE_PAT BIT_ULL(6)
#define EPT_LARGE BIT_ULL(7)
#define EPT_ACCESSED BIT_ULL(8)
#define EPT_DIRTY BIT_ULL(9)

/* Memory types as MTRRs name them (SDM 3A table 12-8). */
#define MEMTYPE_UC 0ull
#define MEMTYPE_WC 1ull
#define MEMTYPE_WB 6ull

/*
 * RAM is write-back whatever the guest's PAT says, because the host uses it too. The exception is
 * RAM that the guest shares with a device which does not snoop the caches.
 *
 * Where the guest's PAT counts, it combines with these types as it does with MTRRs elsewhere (SDM
 * 3A table 12-7). So the guest's driver gets write combining in a device's memory if it asks for
 * it, and nothing that is cached.
 */
#define EPT_WB (MEMTYPE_WB << EPT_MEMTYPE_SHIFT)
#define EPT_WC (MEMTYPE_WC << EPT_MEMTYPE_SHIFT)
#define EPT_UC (MEMTYPE_UC << EPT_MEMTYPE_SHIFT)
#define EPT_MEMTYPES                                                                      \
	{                                                                                 \
		[SL_WB] = EPT_WB | EPT_IGNORE_PAT, [SL_GUEST] = EPT_WB, [SL_WC] = EPT_WC, \
		[SL_UC] = EPT_UC,                                                         \
	}

#endif
