/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's breakpoint addresses in the CPU's debug registers, which neither
 * VMCS nor VMCB holds. They are loaded when one of the guest's breakpoints is
 * enabled, or when it accessed the registers: then they are its own to use,
 * without intercepts, until the next exit.
 */
#ifndef ORIEL_DEBUGREG_H
#define ORIEL_DEBUGREG_H

#include <linux/hw_breakpoint.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>

#include "core/vcpu.h"
#include "guest/debug.h"

/**
 * debugreg_enter() - DR0 to DR3 to the guest's or its debugger's, where it matters
 * @vcpu: the vCPU; its state.dr is always up to date outside the guest
 * @dr7: DR7 of this entry
 *
 * Interrupts off.
 */
static inline void debugreg_enter(const struct vcpu *vcpu, u64 dr7)
{
	const u64 *dr;

	if (likely(!vcpu->breakpoints_live && !(dr7 & DR7_ENABLED)))
		return;
	dr = guest_debug_dr(&vcpu->debug, vcpu->state.dr);
	/* Never the guest's addresses with the host's DR7. */
	if (hw_breakpoint_active())
		set_debugreg(0, 7);
	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
}

/**
 * debugreg_leave() - what the guest wrote, and the host's registers back
 * @vcpu: the vCPU
 *
 * Interrupts off; the exit left DR7 disabled (APM 2 15.6.1, SDM 3C 28.5.1). The
 * back end intercepts accesses again when this was the entry without.
 *
 * Return: whether it was.
 */
static inline bool debugreg_leave(struct vcpu *vcpu)
{
	unsigned long *dr = (unsigned long *)vcpu->state.dr;
	bool was_live = vcpu->breakpoints_live;

	if (unlikely(was_live)) {
		get_debugreg(dr[0], 0);
		get_debugreg(dr[1], 1);
		get_debugreg(dr[2], 2);
		get_debugreg(dr[3], 3);
		vcpu->breakpoints_live = false;
	}
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
	return was_live;
}

#endif
