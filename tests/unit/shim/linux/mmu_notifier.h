/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes of an address space, which a userspace unit test announces itself. */
#ifndef SHIM_LINUX_MMU_NOTIFIER_H
#define SHIM_LINUX_MMU_NOTIFIER_H

#include <linux/types.h>

struct mm_struct;

struct mmu_notifier {
	const struct mmu_notifier_ops *ops;
};

struct mmu_notifier_range {
	unsigned long start;
	unsigned long end;
	bool blockable;
};

struct mmu_notifier_ops {
	int (*invalidate_range_start)(struct mmu_notifier *notifier,
				      const struct mmu_notifier_range *range);
	void (*invalidate_range_end)(struct mmu_notifier *notifier,
				     const struct mmu_notifier_range *range);
	int (*clear_flush_young)(struct mmu_notifier *notifier, struct mm_struct *mm,
				 unsigned long start, unsigned long end);
	int (*clear_young)(struct mmu_notifier *notifier, struct mm_struct *mm, unsigned long start,
			   unsigned long end);
	int (*test_young)(struct mmu_notifier *notifier, struct mm_struct *mm,
			  unsigned long address);
	void (*release)(struct mmu_notifier *notifier, struct mm_struct *mm);
};

static inline bool mmu_notifier_range_blockable(const struct mmu_notifier_range *range)
{
	return range->blockable;
}

static inline int mmu_notifier_register(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	(void)notifier;
	(void)mm;
	return 0;
}

static inline void mmu_notifier_unregister(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	notifier->ops->release(notifier, mm);
}

#endif
