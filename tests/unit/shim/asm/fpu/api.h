/* SPDX-License-Identifier: GPL-2.0-only */
/* Members of structures that no test uses, for userspace unit tests. */
#ifndef SHIM_ASM_FPU_API_H
#define SHIM_ASM_FPU_API_H

struct fpu_guest {
	int unused;
};

#endif
