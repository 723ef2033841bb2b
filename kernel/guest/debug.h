/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The debug registers while the guest runs: their values are the guest's or userspace's, which the
 * guest does not see (KVM_SET_GUEST_DEBUG).
 *
 * Neither VMCS nor VMCB holds the breakpoint addresses. They are loaded into the CPU if a
 * breakpoint is enabled, or if the guest accessed the registers: then it may use them without
 * intercepts until the next exit.
 */
#ifndef ORIEL_DEBUG_H
#define ORIEL_DEBUG_H

#include <linux/compiler.h>
#include <linux/hw_breakpoint.h>
#include <linux/kvm.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>

#include "core/vcpu.h"

/**
 * guest_debug_owns_db() - are #DB and the debug registers userspace's? Then each access of the
 * guest to a debug register exits, and vcpu->state has the guest's values of all of them.
 */
static inline bool guest_debug_owns_db(const struct guest_debug *debug)
{
	return debug->control & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP);
}

/** guest_debug_owns_bp() - are the #BPs of INT3 userspace's? */
static inline bool guest_debug_owns_bp(const struct guest_debug *debug)
{
	return debug->control & KVM_GUESTDBG_USE_SW_BP;
}

/** guest_debug_blocks() - do interrupts and NMIs have to wait? */
static inline bool guest_debug_blocks(const struct guest_debug *debug)
{
	return debug->control & KVM_GUESTDBG_BLOCKIRQ;
}

/** guest_debug_dr() - the breakpoint addresses in force; @guest has the guest's */
static inline const u64 *guest_debug_dr(const struct guest_debug *debug, const u64 *guest)
{
	return debug->control & KVM_GUESTDBG_USE_HW_BP ? debug->dr : guest;
}

/** guest_debug_dr7() - the DR7 in force; @guest is the guest's */
static inline u64 guest_debug_dr7(const struct guest_debug *debug, u64 guest)
{
	return debug->control & KVM_GUESTDBG_USE_HW_BP ? debug->dr7 : guest;
}

/**
 * guest_debug_hide_tf() - the guest's RFLAGS, from the hardware's; @before: the guest's before it
 * ran. While the hardware's TF is userspace's, nothing tells whether the guest has set TF too: a
 * step over POPF that sets TF loses it.
 */
static inline u64 guest_debug_hide_tf(struct guest_debug *debug, u64 rflags, u64 before)
{
	if (likely(!(debug->control & KVM_GUESTDBG_SINGLESTEP)))
		return rflags;
	/* Delivery of an event clears TF, and the IRET of its handler sets TF again. */
	debug->stepping = rflags & X86_EFLAGS_TF;
	return rflags & (before | ~(u64)X86_EFLAGS_TF);
}

/** guest_debug_show_tf() - the hardware's RFLAGS, from the guest's */
static inline u64 guest_debug_show_tf(const struct guest_debug *debug, u64 rflags)
{
	return debug->stepping ? rflags | X86_EFLAGS_TF : rflags;
}

/**
 * debugreg_enter() - load the breakpoint addresses in force if @dr7 of this entry makes them
 * matter; interrupts off. vcpu->state.dr is always up to date outside the guest.
 */
static inline void debugreg_enter(const struct vcpu *vcpu, u64 dr7)
{
	const u64 *dr;

	if (likely(!vcpu->breakpoints_live && !(dr7 & DR7_ENABLED)))
		return;
	dr = guest_debug_dr(&vcpu->debug, vcpu->state.dr);
	/* The host's DR7 must never be in force with the guest's addresses. */
	if (hw_breakpoint_active())
		set_debugreg(0, 7);
	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
}

/**
 * debugreg_leave() - read the addresses that the guest wrote, and load the host's; interrupts off.
 * The exit left DR7 disabled (APM 2 15.6.1, SDM 3C 28.5.1). Return true if the guest had the
 * registers without intercepts; then the back end intercepts them again.
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
