// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested page tables: how their entries look (APM 2 15.25). They are ordinary
 * long-mode entries in which every guest access counts as a user access.
 */
#include <linux/mem_encrypt.h>
#include <asm/cpufeature.h>
#include <asm/pgtable_types.h>

#include "memory/table.h"
#include "svm/svm.h"

struct sl_format npt_format = {
	.present = _PAGE_PRESENT,
	.table = _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED,
	.leaf = _PAGE_PRESENT | _PAGE_USER,
	.write = _PAGE_RW,
	.no_exec = _PAGE_NX,
	.accessed = _PAGE_ACCESSED,
	.dirty = _PAGE_DIRTY,
	.large = _PAGE_PSE,
	/*
	 * Of the host's PAT, entries that are the same after reset and under Linux. The
	 * guest's PAT always counts as well (APM 2 15.25.8).
	 */
	.memtype = {
		[SL_WB] = 0,
		[SL_GUEST] = 0,
		[SL_WC] = _PAGE_PWT,
		[SL_UC] = _PAGE_PCD | _PAGE_PWT,
	},
	.max_leaf = SL_LEVEL_2M,
};

void npt_format_init(void)
{
	/* Where the host encrypts its memory the tables do as well (APM 2 7.10). */
	npt_format.table |= sme_me_mask;
	npt_format.memtype[SL_WB] |= sme_me_mask;
	npt_format.memtype[SL_GUEST] |= sme_me_mask;
	npt_format.addr = GENMASK_ULL(boot_cpu_data.x86_phys_bits - 1, PAGE_SHIFT);
	/* The depth is that of the host's own paging (APM 2 15.25.3). */
	npt_format.levels = cpu_feature_enabled(X86_FEATURE_LA57) ? 5 : 4;
	if (boot_cpu_has(X86_FEATURE_GBPAGES))
		npt_format.max_leaf = SL_LEVEL_1G;
}
