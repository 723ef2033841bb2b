/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel is told around the world switch: guest time, RCU, context
 * tracking. Back ends put these right around their entry; nothing that can be
 * traced may run between them.
 */
#ifndef ORIEL_CONTEXT_H
#define ORIEL_CONTEXT_H

#include <linux/context_tracking.h>
#include <linux/vtime.h>

#include "host/compat.h"

/** context_enter_guest() - the CPU is about to enter a guest; interrupts off */
static __always_inline void context_enter_guest(void)
{
	vtime_account_guest_enter();
	if (!context_tracking_guest_enter())
		oriel_rcu_note_context_switch();
}

/**
 * context_leave_guest() - the CPU came back from a guest; interrupts off
 *
 * Guest time goes on until the interrupt that ended the guest was taken: see
 * run.c.
 */
static __always_inline void context_leave_guest(void)
{
	context_tracking_guest_exit();
}

/**
 * host_machine_check() - a machine check ended the guest, and the exit swallowed
 *	it: raise it again in the host; interrupts off
 */
static __always_inline void host_machine_check(void)
{
	asm volatile("int $18");
}

/**
 * host_nmi() - an NMI ended the guest, and the exit swallowed it (VT-x): the
 *	host's handler has to run, and its IRET to unblock NMIs; interrupts off
 */
static __always_inline void host_nmi(void)
{
	asm volatile("int $2");
}

#endif
