/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting for another CPU: there is none in a unit test. */
#ifndef SHIM_LINUX_PROCESSOR_H
#define SHIM_LINUX_PROCESSOR_H

static inline void cpu_relax(void)
{
}

#endif
