/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registers that userspace's debugging takes from the guest: which values are in force, and
 * how the guest is kept from seeing that (KVM_SET_GUEST_DEBUG).
 */
#ifndef ORIEL_DEBUG_H
#define ORIEL_DEBUG_H

#include <linux/compiler.h>
#include <linux/kvm.h>
#include <asm/processor-flags.h>

#include "core/parts.h"

/**
 * guest_debug_owns_db() - are #DB and the debug registers userspace's?
 * @debug: a vCPU's
 *
 * Then every access of the guest to a debug register exits and vcpu->state has the
 * guest's values of all of them.
 */
static inline bool guest_debug_owns_db(const struct guest_debug *debug)
{
	return debug->control & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP);
}

/**
 * guest_debug_owns_bp() - are INT3s userspace's?
 * @debug: a vCPU's
 */
static inline bool guest_debug_owns_bp(const struct guest_debug *debug)
{
	return debug->control & KVM_GUESTDBG_USE_SW_BP;
}

/**
 * guest_debug_blocks() - do interrupts and NMIs have to wait?
 * @debug: a vCPU's
 */
static inline bool guest_debug_blocks(const struct guest_debug *debug)
{
	return debug->control & KVM_GUESTDBG_BLOCKIRQ;
}

/**
 * guest_debug_dr() - the breakpoint addresses that are in force
 * @debug: a vCPU's
 * @guest: the guest's own
 */
static inline const u64 *guest_debug_dr(const struct guest_debug *debug, const u64 *guest)
{
	return debug->control & KVM_GUESTDBG_USE_HW_BP ? debug->dr : guest;
}

/**
 * guest_debug_dr7() - the DR7 that is in force
 * @debug: a vCPU's
 * @guest: the guest's own
 */
static inline u64 guest_debug_dr7(const struct guest_debug *debug, u64 guest)
{
	return debug->control & KVM_GUESTDBG_USE_HW_BP ? debug->dr7 : guest;
}

/**
 * guest_debug_hide_tf() - the guest's RFLAGS, from the hardware's
 * @debug: a vCPU's
 * @rflags: the hardware's
 * @before: the guest's before it ran
 *
 * What the guest did to a TF that was not its own cannot be told from nothing: a step
 * over POPF that sets TF loses it.
 */
static inline u64 guest_debug_hide_tf(struct guest_debug *debug, u64 rflags, u64 before)
{
	if (likely(!(debug->control & KVM_GUESTDBG_SINGLESTEP)))
		return rflags;
	/* Delivery of an event clears it, and the IRET behind that sets it again. */
	debug->stepping = rflags & X86_EFLAGS_TF;
	return rflags & (before | ~(u64)X86_EFLAGS_TF);
}

/**
 * guest_debug_show_tf() - the hardware's RFLAGS, from the guest's
 * @debug: a vCPU's
 * @rflags: the guest's
 */
static inline u64 guest_debug_show_tf(const struct guest_debug *debug, u64 rflags)
{
	return debug->stepping ? rflags | X86_EFLAGS_TF : rflags;
}

#endif
