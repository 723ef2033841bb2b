/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last failed entry of a vCPU: explained once, told to the log and to userspace.
 */
#ifndef ORIEL_ENTRY_REPORT_H
#define ORIEL_ENTRY_REPORT_H

#include <linux/types.h>

struct oriel_entry_report;
struct vcpu;

/**
 * entry_report_make() - explain an entry that the CPU has just refused; may sleep
 * @vcpu: loaded, its mutex held; its control structure as at the entry
 * @reason: the CPU's reason
 *
 * Fills in vcpu->entry_failure and tells the kernel log, rate-limited.
 */
void entry_report_make(struct vcpu *vcpu, u64 reason);

/** entry_report_get() - ORIEL_GET_ENTRY_REPORT; -ENODATA when no entry has failed */
int entry_report_get(const struct vcpu *vcpu, struct oriel_entry_report *user);

#endif
