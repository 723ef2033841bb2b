/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's clock source, for userspace unit tests. */
#ifndef SHIM_LINUX_CLOCKSOURCE_H
#define SHIM_LINUX_CLOCKSOURCE_H

enum vdso_clock_mode { VDSO_CLOCKMODE_NONE, VDSO_CLOCKMODE_TSC };

struct clocksource {
	enum vdso_clock_mode vdso_clock_mode;
};

#endif
