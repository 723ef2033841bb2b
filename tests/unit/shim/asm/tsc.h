/* SPDX-License-Identifier: GPL-2.0-only */
/* The TSC of the CPU on which the test pretends to be, for userspace unit tests. */
#ifndef SHIM_ASM_TSC_H
#define SHIM_ASM_TSC_H

#include <linux/types.h>

extern unsigned int tsc_khz;

u64 rdtsc_ordered(void);
int check_tsc_unstable(void);

#endif
