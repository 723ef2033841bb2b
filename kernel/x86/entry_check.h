/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The manual's rules that an entry to the guest breaks, as found by the software copies of the
 * CPUs' checks. Pure: also serves userspace tests.
 */
#ifndef ORIEL_ENTRY_CHECK_H
#define ORIEL_ENTRY_CHECK_H

#include <linux/types.h>

#define ENTRY_MAX_VIOLATIONS 16

/**
 * struct entry_violation - one broken rule
 * @rule: the rule in plain words
 * @section: manual and section that has the rule
 * @field: the field of the VMCS or VMCB that breaks it, in lower case
 * @value: the field's value
 *
 * The strings live as long as the module.
 */
struct entry_violation {
	const char *rule;
	const char *section;
	const char *field;
	u64 value;
};

/**
 * struct entry_report - the result of a check
 * @count: number of broken rules, which may exceed the room
 * @violations: the first of them, in the order in which the CPU checks
 */
struct entry_report {
	u32 count;
	struct entry_violation violations[ENTRY_MAX_VIOLATIONS];
};

/** entry_report_add() - note a broken rule; beyond ENTRY_MAX_VIOLATIONS only count it */
static inline void entry_report_add(struct entry_report *report,
				    const struct entry_violation *violation)
{
	if (report->count < ENTRY_MAX_VIOLATIONS)
		report->violations[report->count] = *violation;
	report->count++;
}

/** entry_report_kept() - the number of valid elements of @report->violations */
static inline u32 entry_report_kept(const struct entry_report *report)
{
	return report->count < ENTRY_MAX_VIOLATIONS ? report->count : ENTRY_MAX_VIOLATIONS;
}

#endif
