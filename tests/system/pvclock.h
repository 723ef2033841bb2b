/* SPDX-License-Identifier: GPL-2.0-only */
/* kvmclock in a guest's memory (Documentation/virt/kvm/x86/msr.rst). */
#ifndef ORIEL_PVCLOCK_H
#define ORIEL_PVCLOCK_H

#include <stdint.h>

struct time_info {
	uint32_t version;
	uint32_t pad0;
	uint64_t tsc_timestamp;
	uint64_t system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
	uint8_t pad[2];
};

#endif
