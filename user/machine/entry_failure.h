/* SPDX-License-Identifier: GPL-2.0-only */
/* Explains why the CPU refused to enter the guest. */
#ifndef ORIEL_ENTRY_FAILURE_H
#define ORIEL_ENTRY_FAILURE_H

#include "uapi/oriel.h"

/* Print each rule that an entry of vCPU @index broke, from ORIEL_GET_ENTRY_REPORT's @report. */
void entry_failure_print(unsigned int index, const struct oriel_entry_report *report);

#endif
