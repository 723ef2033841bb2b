/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The symbols of syscall_asm.S for syscall.c: code that C does not call itself, and the values
 * that it has seen.
 */
#ifndef GUEST_SYSCALL_H
#define GUEST_SYSCALL_H

#include "cpu.h"

void syscall_entry(void);
void syscall_user(void *arg);
void sysenter_entry(void);
void sysenter_user(void *arg);
void compat_code(void *arg);
extern u8 syscall_behind[];

/* In the kernel, after SYSCALL. */
extern u64 syscall_calls, syscall_rcx, syscall_r11, syscall_flags, syscall_cs, syscall_ss;
/* In user mode, after SYSRET. */
extern u64 syscall_back_cs, syscall_back_ss, syscall_back_flags;
extern u64 sysenter_calls;
extern u32 compat_result, compat_vendor;

#endif
