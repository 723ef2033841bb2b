/* SPDX-License-Identifier: GPL-2.0-only */
/* Model-specific registers, for userspace unit tests: the test has them. */
#ifndef SHIM_ASM_MSR_H
#define SHIM_ASM_MSR_H

#include <linux/types.h>

int shim_rdmsr(u32 index, u64 *data);
int shim_wrmsr(u32 index, u64 data);

#define rdmsrl_safe(index, data) shim_rdmsr(index, data)
#define wrmsrl_safe(index, data) shim_wrmsr(index, data)
#define wrmsrl(index, data) ((void)shim_wrmsr(index, data))

#endif
