/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's time: its TSC, and kvmclock (Documentation/virt/kvm/x86/msr.rst
 * of the kernel), which turns the TSC into nanoseconds since boot.
 */
#ifndef ORIEL_CLOCK_H
#define ORIEL_CLOCK_H

#include <linux/spinlock_types.h>
#include <linux/types.h>

#include "x86/clock_scale.h"

struct kvm_clock_data;
struct vcpu;
struct vm;

/**
 * clock_setup() - follow the host's clock source; once, at load
 *
 * May sleep.
 *
 * Return: 0, or -ENODEV after one line in the log when the kernel does not
 * know its TSC's frequency.
 */
int clock_setup(void);

/**
 * clock_teardown() - undo clock_setup(); no VM exists any more
 *
 * May sleep.
 */
void clock_teardown(void);

/**
 * clock_vm_init() - kvmclock of a new VM starts at 0
 * @vm: VM, not yet published
 *
 * Any context.
 */
void clock_vm_init(struct vm *vm);

/**
 * clock_vcpu_init() - a new vCPU: TSC 0, in step with its siblings
 * @vcpu: vCPU; its vendor state exists, it is not yet in vm->vcpus
 *
 * May sleep.
 */
void clock_vcpu_init(struct vcpu *vcpu);

/**
 * clock_load() - the vCPU's thread starts to run on this CPU
 * @vcpu: vCPU
 * @moved: it was on another CPU, or on none
 *
 * Preemption off. Keeps the guest's TSC from going back where the host's TSCs
 * differ, and has kvmclock published anew where it depends on the CPU. After
 * the vendor's vcpu_load().
 */
void clock_load(struct vcpu *vcpu, bool moved);

/**
 * clock_put() - the vCPU's thread leaves this CPU
 * @vcpu: vCPU
 *
 * Preemption off.
 */
void clock_put(struct vcpu *vcpu);

/**
 * clock_update() - serve REQ_CLOCK_UPDATE: publish kvmclock to the guest
 * @vcpu: vCPU, loaded, its mutex and vm->memory.srcu held
 *
 * May sleep: writes guest memory. Enables nothing the guest has not enabled.
 */
void clock_update(struct vcpu *vcpu);

/*
 * Rows of guest/msr_table.c. A write may sleep: the wall clock is written to guest memory at once.
 * When the TSC changed, a TSC deadline has been aimed anew.
 */
int clock_read_tsc(struct vcpu *vcpu, u32 index, bool host, u64 *data);
int clock_write_tsc(struct vcpu *vcpu, u32 index, bool host, u64 data);
int clock_write_tsc_adjust(struct vcpu *vcpu, u32 index, bool host, u64 data);
int clock_write_system_time(struct vcpu *vcpu, u32 index, bool host, u64 data);
int clock_read_wall_clock(struct vcpu *vcpu, u32 index, bool host, u64 *data);
int clock_write_wall_clock(struct vcpu *vcpu, u32 index, bool host, u64 data);

/**
 * clock_set_tsc_offset() - KVM_VCPU_TSC_OFFSET: userspace says what the TSC is, to the tick
 * @vcpu: vCPU, its mutex held, loaded
 * @offset: guest TSC less host TSC
 *
 * May sleep.
 */
void clock_set_tsc_offset(struct vcpu *vcpu, u64 offset);

/**
 * clock_guest_tsc() - what RDTSC in the guest reads now
 * @vcpu: vCPU, its mutex held
 *
 * Any context.
 *
 * Return: guest TSC.
 */
u64 clock_guest_tsc(struct vcpu *vcpu);

/**
 * clock_tsc_to_ns() - how long guest TSC ticks take
 * @vcpu: vCPU
 * @ticks: ticks
 *
 * Any context.
 *
 * Return: ns, rounded up, at most S64_MAX.
 */
u64 clock_tsc_to_ns(struct vcpu *vcpu, u64 ticks);

/**
 * clock_get() - KVM_GET_CLOCK
 * @vm: VM
 * @data: receives time and flags
 *
 * May sleep.
 */
void clock_get(struct vm *vm, struct kvm_clock_data *data);

/**
 * clock_set() - KVM_SET_CLOCK
 * @vm: VM
 * @data: new time; with KVM_CLOCK_REALTIME advanced by the time since then
 *
 * May sleep.
 *
 * Return: 0, or -EINVAL for a flag that does not exist.
 */
int clock_set(struct vm *vm, const struct kvm_clock_data *data);

/**
 * clock_stopped() - KVM_KVMCLOCK_CTRL: tell the guest that it was stopped
 * @vcpu: vCPU, its mutex held
 *
 * Any context.
 *
 * Return: 0, or -EINVAL when the guest has not enabled kvmclock.
 */
int clock_stopped(struct vcpu *vcpu);

/**
 * clock_set_tsc_khz() - KVM_SET_TSC_KHZ
 * @vcpu: vCPU, its mutex held
 * @khz: frequency, 0 for the host's
 *
 * There is no TSC scaling: what is asked for must be what the host has, to
 * within the tolerance of tsc_khz_tolerated(). Any context.
 *
 * Return: 0 or -EINVAL.
 */
int clock_set_tsc_khz(struct vcpu *vcpu, u64 khz);

/**
 * clock_get_tsc_khz() - KVM_GET_TSC_KHZ
 * @vcpu: vCPU, its mutex held
 *
 * Any context.
 *
 * Return: kHz of the guest's TSC.
 */
u32 clock_get_tsc_khz(const struct vcpu *vcpu);

#endif
