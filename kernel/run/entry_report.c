// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report about a vCPU's last failed entry, for the kernel log and for userspace.
 */
#include <linux/build_bug.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

#include "core/vcpu.h"
#include "host/compat.h"
#include "run/entry_report.h"
#include "uapi/oriel.h"

/* Userspace can make many entries fail: keep the log readable. */
static DEFINE_RATELIMIT_STATE(log_limit, 5 * HZ, 4);

static void log_failure(u32 id, const struct entry_failure *failure)
{
	const struct entry_report *report = &failure->report;
	u32 i;

	if (!__ratelimit(&log_limit))
		return;
	pr_warn("vCPU %u: the CPU refused the entry, reason %#llx%s\n", id, failure->reason,
		report->count ? "" : ": no broken rule was found");
	for (i = 0; i < entry_report_kept(report); i++) {
		const struct entry_violation *v = &report->violations[i];

		pr_warn("vCPU %u: %s is %#llx: %s (%s)\n", id, v->field, v->value, v->rule,
			v->section);
	}
	if (report->count > ENTRY_MAX_VIOLATIONS)
		pr_warn("vCPU %u: and %u more\n", id, report->count - ENTRY_MAX_VIOLATIONS);
}

void entry_report_make(struct vcpu *vcpu, u64 reason)
{
	struct entry_failure *failure = &vcpu->entry_failure;

	*failure = (struct entry_failure){
		.valid = true,
		.reason = reason,
		.cpu = vcpu->last_cpu,
	};
	vendor->explain(vcpu, &failure->report);
	log_failure(vcpu->id, failure);
}

int entry_report_get(const struct vcpu *vcpu, struct oriel_entry_report *user)
{
	const struct entry_failure *failure = &vcpu->entry_failure;
	u32 i;

	BUILD_BUG_ON(ORIEL_ENTRY_VIOLATIONS != ENTRY_MAX_VIOLATIONS);
	if (!failure->valid)
		return -ENODATA;
	user->reason = failure->reason;
	user->cpu = failure->cpu;
	user->broken = failure->report.count;
	user->named = entry_report_kept(&failure->report);
	for (i = 0; i < user->named; i++) {
		const struct entry_violation *from = &failure->report.violations[i];
		struct oriel_entry_violation *to = &user->violations[i];

		to->value = from->value;
		strscpy(to->field, from->field, sizeof(to->field));
		strscpy(to->section, from->section, sizeof(to->section));
		strscpy(to->rule, from->rule, sizeof(to->rule));
	}
	return 0;
}
