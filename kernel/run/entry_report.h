/* SPDX-License-Identifier: GPL-2.0-only */
/* The report about a vCPU's last failed entry, for the kernel log and for userspace. */
#ifndef ORIEL_ENTRY_REPORT_H
#define ORIEL_ENTRY_REPORT_H

#include <linux/types.h>

struct oriel_entry_report;
struct vcpu;

/**
 * entry_report_make() - fill in vcpu->entry_failure after the CPU has refused an entry for @reason,
 * and log it. The vCPU is loaded, and its mutex held; its control structure has not changed since
 * the entry. May sleep.
 */
void entry_report_make(struct vcpu *vcpu, u64 reason);
/** entry_report_get() - ORIEL_GET_ENTRY_REPORT; -ENODATA when no entry has failed */
int entry_report_get(const struct vcpu *vcpu, struct oriel_entry_report *user);

#endif
