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
		diag_error("vCPU %u: no rule for an entry is found broken; the CPU is host CPU %u",
			   index, report->cpu);
		return;
	}
	diag_error("vCPU %u: %u rule%s for an entry %s broken; what is named here must be set "
		   "otherwise:",
		   index, report->broken, report->broken == 1 ? "" : "s",
		   report->broken == 1 ? "is" : "are");
	for (uint32_t i = 0; i < named; i++)
		print_violation(&report->violations[i]);
	if (report->broken > named)
		diag_note("  and %u more", report->broken - named);
}
