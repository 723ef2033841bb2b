/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions that only the files of abi/ call: descriptors and their ioctls.
 *
 * A function on a vCPU runs with the vCPU's mutex held and the vCPU loaded, unless it says
 * otherwise. All functions may sleep.
 */
#ifndef ORIEL_ABI_H
#define ORIEL_ABI_H

#include <linux/kvm.h>
#include <linux/types.h>

struct vcpu;
struct vm;

/* vm_file.c and vcpu_file.c */

/** vm_create() - KVM_CREATE_VM; returns a descriptor or an errno */
int vm_create(void);
/** vcpu_create() - KVM_CREATE_VCPU; @vm->lock held; returns a descriptor or an errno */
int vcpu_create(struct vm *vm, u32 id);
/** vcpu_destroy() - free a vCPU that no thread can reach any more */
void vcpu_destroy(struct vcpu *vcpu);

/* kvm_run.c */

/** vcpu_run() - KVM_RUN; the vCPU is not loaded; returns as vcpu_run_loop(), or -EINVAL */
int vcpu_run(struct vcpu *vcpu);

/* statistics.c: KVM_GET_STATS_FD; they return a descriptor or an errno */

int stats_open_vm(struct vm *vm);
int stats_open_vcpu(struct vcpu *vcpu);

/* capability.c */

/** capability_check() - KVM_CHECK_EXTENSION: return 0, or the capability's documented value */
int capability_check(unsigned long cap);
/** capability_check_own() - ORIEL_CHECK_EXTENSION: the same for ORIEL_CAP_* */
int capability_check_own(unsigned long cap);
/** capability_enable_vm() - KVM_ENABLE_CAP; takes @vm->lock */
int capability_enable_vm(struct vm *vm, const struct kvm_enable_cap *cap);
int capability_enable_vcpu(struct vcpu *vcpu, const struct kvm_enable_cap *cap);

/* irqchip.c: ioctls about interrupt chips and routes; they take the VM's lock themselves */

/** irqchip_init() - give a new VM a fabric without chips; return 0 or -ENOMEM */
int irqchip_init(struct vm *vm);
int irqchip_set_line(struct vm *vm, const struct kvm_irq_level __user *user);
int irqchip_set_line_status(struct vm *vm, struct kvm_irq_level __user *user);
int irqchip_signal_msi(struct vm *vm, const struct kvm_msi *msi);
int irqchip_create(struct vm *vm);
int irqchip_get(struct vm *vm, struct kvm_irqchip *chip);
int irqchip_set(struct vm *vm, const struct kvm_irqchip *chip);
int irqchip_create_pit2(struct vm *vm, const struct kvm_pit_config *config);
int irqchip_get_pit2(struct vm *vm, struct kvm_pit_state2 *state);
int irqchip_set_pit2(struct vm *vm, const struct kvm_pit_state2 *state);
int irqchip_reinject_control(struct vm *vm, const struct kvm_reinject_control __user *user);
int irqchip_set_routing(struct vm *vm, struct kvm_irq_routing __user *user);

/*
 * regs.c: the ioctls of these names, which convert between the ABI's structures and struct
 * cpu_state. If a function that sets registers returns -EINVAL, it has changed nothing.
 * sregs_set(), sregs2_get(), sregs2_set() and translate_get() need vm->memory.srcu held.
 */

void regs_get(struct vcpu *vcpu, struct kvm_regs *regs);
/** regs_set() - KVM_SET_REGS; drops a pending exception, because the old registers raised it */
void regs_set(struct vcpu *vcpu, const struct kvm_regs *regs);
void sregs_get(struct vcpu *vcpu, struct kvm_sregs *sregs);
/** sregs_set() - KVM_SET_SREGS; -EINVAL for values that no CPU can have at the same time */
int sregs_set(struct vcpu *vcpu, const struct kvm_sregs *sregs);
void sregs2_get(struct vcpu *vcpu, struct kvm_sregs2 *sregs2);
/**
 * sregs2_set() - KVM_SET_SREGS2; as sregs_set(); -EINVAL also for unknown flags, for PDPTEs without
 * PAE paging, and for reserved bits in PDPTEs that the CPU loads
 */
int sregs2_set(struct vcpu *vcpu, const struct kvm_sregs2 *sregs2);
void debugregs_get(struct vcpu *vcpu, struct kvm_debugregs *regs);
/** debugregs_set() - KVM_SET_DEBUGREGS; -EINVAL for flags, and for bits 63:32 of DR6 or DR7 */
int debugregs_set(struct vcpu *vcpu, const struct kvm_debugregs *regs);
/** mp_state_get() - KVM_GET_MP_STATE; serves a waiting INIT or SIPI, which changes registers */
void mp_state_get(struct vcpu *vcpu, struct kvm_mp_state *state);
/** mp_state_set() - KVM_SET_MP_STATE; without a local APIC only RUNNABLE is valid */
int mp_state_set(struct vcpu *vcpu, const struct kvm_mp_state *state);
void translate_get(struct vcpu *vcpu, struct kvm_translation *translation);

/* vcpu_events.c */

/**
 * events_settle() - write a pending exception's value into CR2 or DR6, before userspace reads them,
 * for a client without KVM_CAP_EXCEPTION_PAYLOAD, which cannot move the value to another vCPU
 * otherwise
 */
void events_settle(struct vcpu *vcpu);
void events_get(struct vcpu *vcpu, struct kvm_vcpu_events *events);
/** events_set() - KVM_SET_VCPU_EVENTS; -EINVAL for unknown flags or an impossible event */
int events_set(struct vcpu *vcpu, const struct kvm_vcpu_events *events);

/* msr_list.c */

/**
 * msr_ioctl_list() - KVM_GET_MSR_INDEX_LIST, or KVM_GET_MSR_FEATURE_INDEX_LIST for @features.
 * Return 0; -E2BIG if the list is too short, with the right number in nmsrs; -EFAULT.
 */
int msr_ioctl_list(struct kvm_msr_list __user *user, bool features);
/**
 * msr_ioctl_get() - KVM_GET_MSRS; without @vcpu, of the feature MSRs, which the node's ioctl reads.
 * Return the number of MSRs read, -E2BIG, -ENOMEM, -EFAULT.
 */
int msr_ioctl_get(struct vcpu *vcpu, struct kvm_msrs __user *user);
/** msr_ioctl_set() - KVM_SET_MSRS; the number of MSRs written, or the errors of msr_ioctl_get() */
int msr_ioctl_set(struct vcpu *vcpu, struct kvm_msrs __user *user);

/* vfio.c */

/**
 * vfio_create_device() - KVM_CREATE_DEVICE with the type and flags of @create, which receives the
 * descriptor, unless the flag is KVM_CREATE_DEVICE_TEST. Takes @vm->lock. The device has a
 * reference to @vm, and is freed when its descriptor is closed. Return 0; -ENODEV for another type
 * than VFIO; -EBUSY if the VM has such a device; -ENOMEM; -EMFILE.
 */
int vfio_create_device(struct vm *vm, struct kvm_create_device *create);

#endif
