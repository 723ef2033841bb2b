/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch and the kernel's accounting: guest time, RCU, context tracking. Back ends
 * call context_enter_guest() and context_leave_guest() right around their entry. Nothing that
 * can be traced may run between the two.
 */
#ifndef ORIEL_CONTEXT_H
#define ORIEL_CONTEXT_H

#include <linux/context_tracking.h>
#include <linux/vtime.h>
#include <asm/mce.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <asm/segment.h>

#include "host/compat.h"

/** context_enter_guest() - tell the kernel that a guest is about to run; interrupts off */
static __always_inline void context_enter_guest(void)
{
	vtime_account_guest_enter();
	if (!context_tracking_guest_enter())
		oriel_rcu_note_context_switch();
}

/**
 * context_leave_guest() - tell the kernel that the guest does not run any more; interrupts off.
 * Guest time ends later, after the interrupt that ended the guest: see run/loop.c.
 */
static __always_inline void context_leave_guest(void)
{
	context_tracking_guest_exit();
}

/*
 * Handle the machine check that ended a guest, because the exit consumed it; interrupts off, after
 * context_leave_guest(). The handler is told that it happened in user mode, because the kernel has
 * lost nothing. So the handler ends the launcher or unmaps the bad page, and does not panic.
 */
static inline void host_machine_check(void)
{
#ifdef CONFIG_X86_MCE
	struct pt_regs regs = { .cs = __USER_CS, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
#endif
}

/*
 * Raise an NMI again, because the exit that it caused consumed it (VT-x); interrupts off. The
 * host's handler has to run, and its IRET has to unblock NMIs. (With FRED an INT 2 would not come
 * to that handler: vmx/caps.c refuses such hosts.)
 */
static __always_inline void host_nmi(void)
{
	asm volatile("int $2");
}

#endif
