/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of a vCPU's descriptor, one row each, except KVM_RUN. vcpu_file.c turns the rows into
 * functions and a switch (see ioctl.h). The forms of a row, and the function that each names:
 *
 *   IOCTL(number, function, type)       int function(vcpu, type *)
 *   IOCTL_VOID(number, function, type)  void function(vcpu, type *)
 *   IOCTL_USER(number, function, type)  function(vcpu, type __user *)
 *   IOCTL_ARG(number, function)         function(vcpu, argument)
 *   IOCTL_NONE(number, function)        function(vcpu)
 *
 * The first two copy the structure in and out, as the number encodes it, and hold memory.srcu
 * around the function.
 */

/* Registers and events. */
IOCTL_VOID(KVM_GET_REGS, regs_get, struct kvm_regs)
IOCTL_VOID(KVM_SET_REGS, regs_set, struct kvm_regs)
IOCTL_VOID(KVM_GET_SREGS, sregs_get, struct kvm_sregs)
IOCTL(KVM_SET_SREGS, sregs_set, struct kvm_sregs)
IOCTL_VOID(KVM_GET_SREGS2, sregs2_get, struct kvm_sregs2)
IOCTL(KVM_SET_SREGS2, sregs2_set, struct kvm_sregs2)
IOCTL_VOID(KVM_GET_VCPU_EVENTS, get_events, struct kvm_vcpu_events)
IOCTL(KVM_SET_VCPU_EVENTS, events_set, struct kvm_vcpu_events)
IOCTL_VOID(KVM_GET_DEBUGREGS, debugregs_get, struct kvm_debugregs)
IOCTL(KVM_SET_DEBUGREGS, debugregs_set, struct kvm_debugregs)
IOCTL(KVM_SET_GUEST_DEBUG, guest_debug_set, struct kvm_guest_debug)
IOCTL_VOID(KVM_GET_MP_STATE, get_mp_state, struct kvm_mp_state)
IOCTL(KVM_SET_MP_STATE, mp_state_set, struct kvm_mp_state)
IOCTL_VOID(KVM_TRANSLATE, translate_get, struct kvm_translation)

/* MSRs, CPUID, FPU. */
IOCTL_USER(KVM_GET_MSRS, msr_ioctl_get, struct kvm_msrs)
IOCTL_USER(KVM_SET_MSRS, msr_ioctl_set, struct kvm_msrs)
IOCTL_USER(KVM_SET_CPUID, set_cpuid, struct kvm_cpuid)
IOCTL_USER(KVM_SET_CPUID2, set_cpuid2, struct kvm_cpuid2)
IOCTL_USER(KVM_GET_CPUID2, cpuid_ioctl_get2, struct kvm_cpuid2)
IOCTL_USER(KVM_GET_FPU, fpu_ioctl_get_fpu, struct kvm_fpu)
IOCTL_USER(KVM_SET_FPU, fpu_ioctl_set_fpu, struct kvm_fpu)
IOCTL_USER(KVM_GET_XSAVE, get_xsave, struct kvm_xsave)
IOCTL_USER(KVM_GET_XSAVE2, get_xsave2, struct kvm_xsave)
IOCTL_USER(KVM_SET_XSAVE, fpu_ioctl_set_xsave, struct kvm_xsave)
IOCTL_USER(KVM_GET_XCRS, fpu_ioctl_get_xcrs, struct kvm_xcrs)
IOCTL_USER(KVM_SET_XCRS, fpu_ioctl_set_xcrs, struct kvm_xcrs)

/* Interrupts. */
IOCTL(KVM_INTERRUPT, queue_interrupt, struct kvm_interrupt)
IOCTL_NONE(KVM_NMI, queue_nmi)
IOCTL(KVM_GET_LAPIC, get_lapic, struct kvm_lapic_state)
IOCTL(KVM_SET_LAPIC, set_lapic, struct kvm_lapic_state)
IOCTL(KVM_SET_VAPIC_ADDR, vapic_set_addr, struct kvm_vapic_addr)
IOCTL(KVM_TPR_ACCESS_REPORTING, vapic_set_reporting, struct kvm_tpr_access_ctl)

/* Time, machine checks and the rest. */
IOCTL_NONE(KVM_GET_TSC_KHZ, clock_get_tsc_khz)
IOCTL_ARG(KVM_SET_TSC_KHZ, clock_set_tsc_khz)
IOCTL_NONE(KVM_KVMCLOCK_CTRL, clock_stopped)
IOCTL(KVM_X86_SETUP_MCE, mc_setup, u64)
IOCTL(KVM_X86_SET_MCE, mc_report, struct kvm_x86_mce)
IOCTL_USER(KVM_SET_SIGNAL_MASK, set_signal_mask, struct kvm_signal_mask)
IOCTL(KVM_ENABLE_CAP, capability_enable_vcpu, struct kvm_enable_cap)
IOCTL_USER(KVM_HAS_DEVICE_ATTR, has_attribute, struct kvm_device_attr)
IOCTL_USER(KVM_GET_DEVICE_ATTR, get_attribute, struct kvm_device_attr)
IOCTL_USER(KVM_SET_DEVICE_ATTR, set_attribute, struct kvm_device_attr)
IOCTL_NONE(KVM_GET_STATS_FD, stats_open_vcpu)
IOCTL(ORIEL_GET_ENTRY_REPORT, entry_report_get, struct oriel_entry_report)

#undef IOCTL
#undef IOCTL_VOID
#undef IOCTL_USER
#undef IOCTL_ARG
#undef IOCTL_NONE
