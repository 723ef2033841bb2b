/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the files of abi/ alone: the descriptors and the ioctls behind them. Functions on
 * a vCPU run with its mutex held and the vCPU loaded, unless they say otherwise; all may
 * sleep.
 */
#ifndef ORIEL_ABI_H
#define ORIEL_ABI_H

#include <linux/kvm.h>
#include <linux/types.h>

struct vcpu;
struct vm;

/*
 * vm_file.c and vcpu_file.c
 */

/** vm_create() - KVM_CREATE_VM; a descriptor, -ENOMEM or -EMFILE */
int vm_create(void);

/**
 * vcpu_create() - KVM_CREATE_VCPU
 * @vm: its lock held
 *
 * Return: a descriptor, or -EINVAL, -EEXIST, -ENOMEM, -EMFILE.
 */
int vcpu_create(struct vm *vm, u32 id);

/** vcpu_destroy() - free a vCPU that nobody can reach any more */
void vcpu_destroy(struct vcpu *vcpu);

/*
 * kvm_run.c
 */

/**
 * vcpu_run() - KVM_RUN; the vCPU is not yet loaded
 *
 * Return: 0 with vcpu->run filled in, -EINTR, -EAGAIN after a processor's first INIT, or
 * another errno.
 */
int vcpu_run(struct vcpu *vcpu);

/*
 * stats.c
 */

/** stats_open_vm() - KVM_GET_STATS_FD of a VM; a descriptor, -ENOMEM or -EMFILE */
int stats_open_vm(struct vm *vm);
/** stats_open_vcpu() - KVM_GET_STATS_FD of a vCPU */
int stats_open_vcpu(struct vcpu *vcpu);

/*
 * capability.c
 */

/** capability_check() - KVM_CHECK_EXTENSION: 0 if absent, else 1 or the documented number */
int capability_check(unsigned long cap);
/** capability_check_own() - ORIEL_CHECK_EXTENSION: the same for ORIEL_CAP_* */
int capability_check_own(unsigned long cap);
/** capability_enable_vm() - KVM_ENABLE_CAP; takes @vm->lock */
int capability_enable_vm(struct vm *vm, const struct kvm_enable_cap *cap);
/** capability_enable_vcpu() - KVM_ENABLE_CAP on a vCPU */
int capability_enable_vcpu(struct vcpu *vcpu, const struct kvm_enable_cap *cap);

/*
 * irqchip.c: ioctls about interrupt chips and routes; each takes the VM's lock where it is needed
 */

/** irqchip_init() - a fabric with no chips yet, for a new VM */
void irqchip_init(struct vm *vm);

int irqchip_set_line(struct vm *vm, struct kvm_irq_level *line);
int irqchip_set_line_status(struct vm *vm, struct kvm_irq_level *line);
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
 * regs.c: registers between the ABI's structures, in kernel memory, and struct cpu_state
 */

/** regs_get() - KVM_GET_REGS */
void regs_get(struct vcpu *vcpu, struct kvm_regs *regs);

/** regs_set() - KVM_SET_REGS; a pending exception of the old state is dropped */
void regs_set(struct vcpu *vcpu, const struct kvm_regs *regs);

/** sregs_get() - KVM_GET_SREGS */
void sregs_get(struct vcpu *vcpu, struct kvm_sregs *sregs);

/**
 * sregs_set() - KVM_SET_SREGS
 * @vcpu: the vCPU
 * @sregs: the registers
 *
 * Return: 0, or -EINVAL for registers that no CPU could have together; nothing
 * has changed then.
 */
int sregs_set(struct vcpu *vcpu, const struct kvm_sregs *sregs);

/** sregs2_get() - KVM_GET_SREGS2; vm->memory.srcu held, may sleep */
void sregs2_get(struct vcpu *vcpu, struct kvm_sregs2 *sregs2);

/**
 * sregs2_set() - KVM_SET_SREGS2
 * @vcpu: the vCPU, vm->memory.srcu held; may sleep
 * @sregs2: the registers
 *
 * Return: as sregs_set(), and -EINVAL for unknown flags, or PDPTEs without PAE
 * paging, or with reserved bits where the CPU keeps them.
 */
int sregs2_set(struct vcpu *vcpu, const struct kvm_sregs2 *sregs2);

/** debugregs_get() - KVM_GET_DEBUGREGS */
void debugregs_get(struct vcpu *vcpu, struct kvm_debugregs *regs);

/**
 * debugregs_set() - KVM_SET_DEBUGREGS
 * @vcpu: the vCPU
 * @regs: the registers
 *
 * Return: 0, or -EINVAL for flags or for bits 63:32 of DR6 or DR7.
 */
int debugregs_set(struct vcpu *vcpu, const struct kvm_debugregs *regs);

/** mp_state_get() - KVM_GET_MP_STATE; serves an INIT or SIPI that waits, so first of all */
void mp_state_get(struct vcpu *vcpu, struct kvm_mp_state *state);

/**
 * mp_state_set() - KVM_SET_MP_STATE
 * @vcpu: the vCPU
 * @state: the state
 *
 * Return: 0, or -EINVAL for a state that does not exist, or one but RUNNABLE
 * without an in-kernel irqchip.
 */
int mp_state_set(struct vcpu *vcpu, const struct kvm_mp_state *state);

/** translate_get() - KVM_TRANSLATE; vm->memory.srcu held */
void translate_get(struct vcpu *vcpu, struct kvm_translation *translation);

/*
 * vcpu_events.c
 */

/**
 * events_settle() - userspace is about to read CR2 or DR6
 * @vcpu: the vCPU
 *
 * A client that has not turned KVM_CAP_EXCEPTION_PAYLOAD on finds there what a pending
 * exception leaves, for it has no other way to move that to another vCPU.
 */
void events_settle(struct vcpu *vcpu);

/** events_get() - KVM_GET_VCPU_EVENTS */
void events_get(struct vcpu *vcpu, struct kvm_vcpu_events *events);

/**
 * events_set() - KVM_SET_VCPU_EVENTS
 * @vcpu: the vCPU
 * @events: the events
 *
 * Return: 0, or -EINVAL for unknown flags or an impossible event.
 */
int events_set(struct vcpu *vcpu, const struct kvm_vcpu_events *events);

/*
 * msr_list.c
 */

/**
 * msr_ioctl_list() - KVM_GET_MSR_INDEX_LIST, KVM_GET_MSR_FEATURE_INDEX_LIST
 * @user: where the list goes
 * @features: which of the two
 *
 * Return: 0, -E2BIG with nmsrs set to what is needed, -EFAULT.
 */
int msr_ioctl_list(struct kvm_msr_list __user *user, bool features);

/**
 * msr_ioctl_get() - KVM_GET_MSRS
 * @vcpu: the vCPU, or NULL for the feature MSRs of the system ioctl
 * @user: list
 *
 * Return: how many were read, -E2BIG, -ENOMEM, -EFAULT.
 */
int msr_ioctl_get(struct vcpu *vcpu, struct kvm_msrs __user *user);

/**
 * msr_ioctl_set() - KVM_SET_MSRS
 * @vcpu: the vCPU
 * @user: list
 *
 * Return: how many were written, -E2BIG, -ENOMEM, -EFAULT.
 */
int msr_ioctl_set(struct vcpu *vcpu, struct kvm_msrs __user *user);

/*
 * vfio.c
 */

/**
 * vfio_create_device() - KVM_CREATE_DEVICE
 * @vm: the VM; its lock is taken
 * @create: type and flags; gets the descriptor, but for KVM_CREATE_DEVICE_TEST
 *
 * The device has a reference to @vm and ends with its last descriptor.
 *
 * Return: 0, -ENODEV for a type other than VFIO, -EBUSY when the VM has one already,
 * -ENOMEM, -EMFILE.
 */
int vfio_create_device(struct vm *vm, struct kvm_create_device *create);

#endif
