/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A report of the manual's rules that an entry to the guest breaks. The checks of the CPU, done
 * again in software, fill it in. Pure: also serves userspace tests.
 */
#ifndef ORIEL_ENTRY_CHECK_H
#define ORIEL_ENTRY_CHECK_H

#include <linux/types.h>

#define ENTRY_MAX_VIOLATIONS 16

/* The strings live as long as the module. */
struct entry_violation {
	const char *rule; /* the rule in plain words */
	const char *section; /* manual and section that has the rule */
	const char *field; /* the field of the VMCS or VMCB that breaks it, in lower case */
	u64 value; /* the field's value */
};

/* The broken rules, in the order in which the CPU checks. */
struct entry_report {
	u32 count; /* may exceed the room in @violations, which has the first of them */
	struct entry_violation violations[ENTRY_MAX_VIOLATIONS];
};

/* Add a broken rule, or only count it if there is no room. */
static inline void entry_report_add(struct entry_report *report,
				    const struct entry_violation *violation)
{
	if (report->count < ENTRY_MAX_VIOLATIONS)
		report->violations[report->count] = *violation;
	report->count++;
}

/* Return the number of valid elements of @report->violations. */
static inline u32 entry_report_kept(const struct entry_report *report)
{
	return report->count < ENTRY_MAX_VIOLATIONS ? report->count : ENTRY_MAX_VIOLATIONS;
}

#endif
