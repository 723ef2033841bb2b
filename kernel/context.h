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

#include "compat.h"

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

#endif
