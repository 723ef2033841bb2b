/* SPDX-License-Identifier: GPL-2.0-only */
/* Says in words why the CPU refused to enter the guest. */
#ifndef ORIEL_ENTRY_FAILURE_H
#define ORIEL_ENTRY_FAILURE_H

#include "uapi/oriel.h"

/**
 * entry_failure_print() - print each rule that an entry broke
 * @index: number of the vCPU
 * @report: of ORIEL_GET_ENTRY_REPORT
 */
void entry_failure_print(unsigned int index, const struct oriel_entry_report *report);

#endif
