/* SPDX-License-Identifier: GPL-2.0-only */
/* The system's KVM ABI on top of the shim's types, for userspace unit tests. */
#ifndef SHIM_LINUX_KVM_H
#define SHIM_LINUX_KVM_H

#include <asm/types.h>
#include <linux/types.h>

#include_next <linux/kvm.h>

#endif
