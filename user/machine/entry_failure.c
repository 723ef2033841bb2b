// SPDX-License-Identifier: GPL-2.0-only
/* Explains why the CPU refused to enter the guest. */
#include "machine/entry_failure.h"

#include "base/diag.h"

#include <inttypes.h>

static void print_violation(const struct oriel_entry_violation *v)
{
	diag_note("  %.*s is %#" PRIx64 ": %.*s (%.*s)", (int)sizeof(v->field), v->field,
		  (uint64_t)v->value, (int)sizeof(v->rule), v->rule, (int)sizeof(v->section),
		  v->section);
}

void entry_failure_print(unsigned int index, const struct oriel_entry_report *report)
{
	uint32_t named = report->named;

	if (named > ORIEL_ENTRY_VIOLATIONS)
		named = ORIEL_ENTRY_VIOLATIONS;
	if (!report->broken) {
		diag_error("vCPU %u: the state breaks no rule, but host CPU %u refused it", index,
			   report->cpu);
		return;
	}
	diag_error("vCPU %u: the state breaks %u rule%s for an entry; wrong fields:", index,
		   report->broken, report->broken == 1 ? "" : "s");
	for (uint32_t i = 0; i < named; i++)
		print_violation(&report->violations[i]);
	if (report->broken > named)
		diag_note("  and %u more", report->broken - named);
}
