/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations of a vendor, one row each: VENDOR_OP(type, name, parameters). A file that
 * includes this one defines VENDOR_OP first.
 *
 * An operation on a vCPU runs in the vCPU's thread, with its mutex held and the vCPU loaded, unless
 * its row says otherwise.
 */

/* Read the CPU's capabilities, allocate data that all VMs share. An errno comes with a pr_err(). */
VENDOR_OP(int, setup, void)
/* Undo setup; no CPU has the extension enabled any more. */
VENDOR_OP(void, teardown, void)
/* Return the CPUID_HOST_* features that the back end supports on this machine, after setup. */
VENDOR_OP(u32, cpuid_flags, void)

/* Allocate the control structure; may sleep; not loaded. */
VENDOR_OP(int, vcpu_create, struct vcpu *vcpu)
/* Free the control structure; may sleep; not loaded, and no thread can reach the vCPU. */
VENDOR_OP(void, vcpu_destroy, struct vcpu *vcpu)
/* Reset the control structure as after power-on, or as INIT does. */
VENDOR_OP(void, vcpu_reset, struct vcpu *vcpu, bool init)
/* The vCPU's thread starts to use the vCPU, or comes to this CPU; preemption off. */
VENDOR_OP(void, vcpu_load, struct vcpu *vcpu)
/* The thread stops using the vCPU, or leaves this CPU; preemption off; the pointer may be NULL. */
VENDOR_OP(void, vcpu_put, struct vcpu *vcpu)

/* Run the guest until a VM exit; interrupts off. */
VENDOR_OP(void, enter, struct vcpu *vcpu)
/*
 * After an exit, forget vcpu->event; or call vcpu_requeue_event() if the exit cut the delivery of
 * an event short.
 */
VENDOR_OP(void, recover, struct vcpu *vcpu)
/* Handle the exit; memory.srcu held; may sleep. */
VENDOR_OP(enum exit_fate, handle_exit, struct vcpu *vcpu)

/* Fill in STATE_* groups of vcpu->state from the hardware. */
VENDOR_OP(void, fetch, struct vcpu *vcpu, u32 groups)
/* Write STATE_* groups of vcpu->state to the hardware. */
VENDOR_OP(void, commit, struct vcpu *vcpu, u32 groups)
/* Return the SHADOW_* bits in force. */
VENDOR_OP(u32, get_shadow, struct vcpu *vcpu)
/* Replace the SHADOW_* bits. */
VENDOR_OP(void, set_shadow, struct vcpu *vcpu, u32 shadow)
/* Return true from the delivery of an NMI until the guest executes IRET. */
VENDOR_OP(bool, nmi_blocked, struct vcpu *vcpu)
/* Set or clear the blocking of NMIs. */
VENDOR_OP(void, set_nmi_blocked, struct vcpu *vcpu, bool blocked)
/* Let the next entry deliver vcpu->event, which may be EVENT_NONE. */
VENDOR_OP(void, inject, struct vcpu *vcpu)
/* Let the guest exit as soon as one of the conditions WINDOW_* holds; 0 asks for no exit. */
VENDOR_OP(void, request_window, struct vcpu *vcpu, u32 windows)
/* Return the length of the instruction that exited; 0 if the hardware does not say. */
VENDOR_OP(u32, insn_length, struct vcpu *vcpu)

/* Read an MSR that the back end keeps; 1 if it does not keep it. */
VENDOR_OP(int, get_msr, struct vcpu *vcpu, u32 index, u64 *data)
/* Write an MSR that the back end keeps; 1 if it does not keep it. The caller checks addresses. */
VENDOR_OP(int, set_msr, struct vcpu *vcpu, u32 index, u64 data)
/* Intercept the MSRs for which msr_filter_denies() is true; memory.srcu held. */
VENDOR_OP(void, filter_msrs, struct vcpu *vcpu)
/* Drop this vCPU's translations before its next entry. */
VENDOR_OP(void, flush_tlb, struct vcpu *vcpu)
/* Make the guest's TSC the host's TSC plus @offset. */
VENDOR_OP(void, set_tsc_offset, struct vcpu *vcpu, u64 offset)
/* Return the number of the last exit, and its qualification in @info. */
VENDOR_OP(u64, exit_code, struct vcpu *vcpu, u64 info[2])
/* After a refused entry, repeat the CPU's checks in software and fill in @report. */
VENDOR_OP(void, explain, struct vcpu *vcpu, struct entry_report *report)
