/* SPDX-License-Identifier: GPL-2.0-only */
/* kvmclock in guest memory (Documentation/virt/kvm/x86/msr.rst), for userspace unit tests. */
#ifndef SHIM_ASM_PVCLOCK_ABI_H
#define SHIM_ASM_PVCLOCK_ABI_H

#include <linux/types.h>

struct pvclock_vcpu_time_info {
	u32 version;
	u32 pad0;
	u64 tsc_timestamp;
	u64 system_time;
	u32 tsc_to_system_mul;
	s8 tsc_shift;
	u8 flags;
	u8 pad[2];
} __packed;

struct pvclock_wall_clock {
	u32 version;
	u32 sec;
	u32 nsec;
} __packed;

#define PVCLOCK_TSC_STABLE_BIT (1 << 0)
#define PVCLOCK_GUEST_STOPPED (1 << 1)

#endif
