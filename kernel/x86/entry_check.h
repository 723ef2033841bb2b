/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which rules of the manual an entry to the guest breaks: what the software copies
 * of the CPUs' checks have to say. Pure: also serves userspace tests.
 */
#ifndef ORIEL_ENTRY_CHECK_H
#define ORIEL_ENTRY_CHECK_H

#include <linux/types.h>

#define ENTRY_MAX_VIOLATIONS 16

/**
 * struct entry_violation - one rule that is broken
 * @rule: the rule in plain words
 * @section: manual and section that has it
 * @field: the field of the VMCS or VMCB that breaks it, in lower case
 * @value: what the field holds
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
 * struct entry_report - what a check found
 * @count: rules broken, which may be more than there is room for
 * @violations: the first of them, in the order in which the CPU checks
 */
struct entry_report {
	u32 count;
	struct entry_violation violations[ENTRY_MAX_VIOLATIONS];
};

/**
 * entry_report_add() - a rule is broken
 * @report: where to note it
 * @violation: rule, section, field and value
 *
 * Any context. Beyond ENTRY_MAX_VIOLATIONS it is only counted.
 */
static inline void entry_report_add(struct entry_report *report,
				    const struct entry_violation *violation)
{
	if (report->count < ENTRY_MAX_VIOLATIONS)
		report->violations[report->count] = *violation;
	report->count++;
}

/**
 * entry_report_kept() - how many violations the report names
 * @report: a report
 *
 * Any context. Return: valid elements of @report->violations.
 */
static inline u32 entry_report_kept(const struct entry_report *report)
{
	return report->count < ENTRY_MAX_VIOLATIONS ? report->count : ENTRY_MAX_VIOLATIONS;
}

#endif
