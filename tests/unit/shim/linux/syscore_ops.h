/* SPDX-License-Identifier: GPL-2.0-only */
/* Callbacks of suspend and resume, which the test calls, for userspace unit tests. */
#ifndef SHIM_LINUX_SYSCORE_OPS_H
#define SHIM_LINUX_SYSCORE_OPS_H

struct syscore_ops {
	int (*suspend)(void);
	void (*resume)(void);
};

#endif
