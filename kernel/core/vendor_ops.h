/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations of a vendor, one row each: VENDOR_OP(type, name, parameters). A file that
 * includes this one defines VENDOR_OP first.
 *
 * The rows from enter to recover run with preemption off. handle_exit may sleep. All others
 * run in the vCPU's thread with its mutex held, unless the row says more.
 */

/* Read the CPU's capabilities, allocate the data of all VMs; an errno after one pr_err(). */
VENDOR_OP(int, setup, void)
/* Undo setup; no CPU has the extension enabled any more. */
VENDOR_OP(void, teardown, void)
/* Enable the extension on this CPU; interrupts off; -EBUSY if another owner has it. */
VENDOR_OP(int, cpu_enable, void)
/* Disable it; interrupts off; idempotent; works in a crash too, in NMI context. */
VENDOR_OP(void, cpu_disable, void)
/* Return the CPUID_HOST_* features that the back end supports on this machine; after setup. */
VENDOR_OP(u32, cpuid_flags, void)

/* Allocate the control structure; may sleep. */
VENDOR_OP(int, vcpu_create, struct vcpu *vcpu)
/* Free the control structure; may sleep. */
VENDOR_OP(void, vcpu_destroy, struct vcpu *vcpu)
/* Put the control structure into its state after power-on, or after INIT. */
VENDOR_OP(void, vcpu_reset, struct vcpu *vcpu, bool init)
/* The vCPU's thread starts to run on this CPU; preemption off. */
VENDOR_OP(void, vcpu_load, struct vcpu *vcpu)
/* The thread leaves the vCPU or this CPU; preemption off; may be NULL. */
VENDOR_OP(void, vcpu_put, struct vcpu *vcpu)

/* Run the guest until a VM exit; interrupts off. */
VENDOR_OP(void, enter, struct vcpu *vcpu)
/*
 * After an exit, forget vcpu->event; or hand the event to vcpu_requeue_event() if its delivery was
 * cut short.
 */
VENDOR_OP(void, recover, struct vcpu *vcpu)
/* Dispatch the exit. */
VENDOR_OP(enum exit_fate, handle_exit, struct vcpu *vcpu)

/* Fill in STATE_* groups of vcpu->state from the hardware. */
VENDOR_OP(void, fetch, struct vcpu *vcpu, u32 groups)
/* Write STATE_* groups of vcpu->state to the hardware. */
VENDOR_OP(void, commit, struct vcpu *vcpu, u32 groups)
/* Return the SHADOW_* bits in force. */
VENDOR_OP(u32, get_shadow, struct vcpu *vcpu)
/* Replace the SHADOW_* bits. */
VENDOR_OP(void, set_shadow, struct vcpu *vcpu, u32 shadow)
/* Return true if an NMI was delivered and IRET has not yet run. */
VENDOR_OP(bool, nmi_blocked, struct vcpu *vcpu)
/* Set or clear the blocking of NMIs. */
VENDOR_OP(void, set_nmi_blocked, struct vcpu *vcpu, bool blocked)
/* Deliver vcpu->event at the next entry, or nothing if it has none. */
VENDOR_OP(void, inject, struct vcpu *vcpu)
/* Exit as soon as an event named by WINDOW_* can be taken; 0: stop TPR exits. */
VENDOR_OP(void, request_window, struct vcpu *vcpu, u32 windows)
/* Return the length of the instruction that exited; 0 if the hardware does not say. */
VENDOR_OP(u32, insn_length, struct vcpu *vcpu)

/* Read an MSR that lives in the control structure; 1 if it does not live there. */
VENDOR_OP(int, get_msr, struct vcpu *vcpu, u32 index, u64 *data)
/* Write such an MSR; 1 if it does not live there or the value is bad. */
VENDOR_OP(int, set_msr, struct vcpu *vcpu, u32 index, u64 data)
/* Intercept the MSRs that msr_filter_denies(); memory.srcu held. */
VENDOR_OP(void, filter_msrs, struct vcpu *vcpu)
/* Drop this vCPU's translations before its next entry. */
VENDOR_OP(void, flush_tlb, struct vcpu *vcpu)
/* Make the guest's TSC the host's plus @offset. */
VENDOR_OP(void, set_tsc_offset, struct vcpu *vcpu, u64 offset)
/* Return the number of the last exit, and its qualification in @info. */
VENDOR_OP(u64, exit_code, struct vcpu *vcpu, u64 info[2])
/* After a refused entry, run the software copy of the CPU's checks. */
VENDOR_OP(void, explain, struct vcpu *vcpu, struct entry_report *report)
