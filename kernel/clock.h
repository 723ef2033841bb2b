/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's time: its TSC, and kvmclock (Documentation/virt/kvm/x86/msr.rst
 * of the kernel), which turns the TSC into nanoseconds since boot.
 */
#ifndef ORIEL_CLOCK_H
#define ORIEL_CLOCK_H

#include <linux/spinlock_types.h>
#include <linux/types.h>

struct kvm_clock_data;
struct vcpu;
struct vm;

/**
 * struct clock_sample - one moment, seen on two clocks
 * @tsc: host TSC
 * @boot_ns: kvmclock's base on the host: raw monotonic time plus suspended time
 */
struct clock_sample {
	u64 tsc;
	s64 boot_ns;
};

/**
 * struct vm_clock - time of a VM
 * @lock: protects the rest; taken with preemption on
 * @offset: kvmclock less the host's base, in ns
 * @wall_clock_gpa: last value of MSR_KVM_WALL_CLOCK(_NEW)
 * @tsc_offset: TSC offset shared by the vCPUs that are synchronized
 * @tsc_written: value of the last TSC write
 * @tsc_written_ns: host base at that write
 * @tsc_generation: grows when a write starts a new synchronized group
 * @tsc_known: there has been a TSC write
 * @stable: all vCPUs share @master: it is one clock for all
 * @master: the moment from which all vCPUs count while @stable
 */
struct vm_clock {
	spinlock_t lock;
	s64 offset;
	u64 wall_clock_gpa;
	u64 tsc_offset;
	u64 tsc_written;
	s64 tsc_written_ns;
	u32 tsc_generation;
	bool tsc_known;
	bool stable;
	struct clock_sample master;
};

/**
 * struct vcpu_clock - time of a vCPU
 * @system_time_msr: last value of MSR_KVM_SYSTEM_TIME(_NEW); bit 0 enables
 * @version: of the structure in guest memory, even when it is not being written
 * @stopped: tell the guest that it was stopped (KVM_KVMCLOCK_CTRL)
 * @tsc_adjust: IA32_TSC_ADJUST
 * @tsc_khz: frequency the guest is told, in kHz
 * @tsc_generation: group of vm_clock this vCPU is in
 * @last_host_tsc: host TSC when the vCPU last left a CPU, 0 before
 */
struct vcpu_clock {
	u64 system_time_msr;
	u32 version;
	bool stopped;
	u64 tsc_adjust;
	u32 tsc_khz;
	u32 tsc_generation;
	u64 last_host_tsc;
};

/**
 * clock_setup() - follow the host's clock source; once, at load
 *
 * May sleep.
 *
 * Return: 0 or an errno.
 */
int clock_setup(void);

/**
 * clock_teardown() - undo clock_setup(); no VM exists any more
 *
 * May sleep.
 */
void clock_teardown(void);

/**
 * clock_host_stable() - can kvmclock be one clock for all vCPUs of a VM?
 *
 * True when the host itself tells time by a TSC it trusts on all CPUs.
 * Any context.
 *
 * Return: whether CPUID may say CLOCKSOURCE_STABLE_BIT.
 */
bool clock_host_stable(void);

/**
 * clock_vm_init() - kvmclock of a new VM starts at 0
 * @vm: VM, not yet published
 *
 * Any context.
 */
void clock_vm_init(struct vm *vm);

/**
 * clock_vcpu_init() - a new vCPU: TSC 0, in step with its siblings
 * @vcpu: vCPU; its vendor state exists
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
 * @vcpu: vCPU, loaded, its mutex held
 *
 * May sleep: writes guest memory. Enables nothing the guest has not enabled.
 */
void clock_update(struct vcpu *vcpu);

/**
 * clock_get_msr() - read one of the MSRs of this file
 * @vcpu: vCPU, its mutex held
 * @index: IA32_TSC, IA32_TSC_ADJUST, MSR_KVM_{SYSTEM_TIME,WALL_CLOCK}(_NEW)
 * @host: read by userspace, not by the guest
 * @data: receives the value
 *
 * Return: 0, or 1 when the MSR is none of these or does not exist for the
 * guest.
 */
int clock_get_msr(struct vcpu *vcpu, u32 index, bool host, u64 *data);

/**
 * clock_set_msr() - write one of the MSRs of this file
 * @vcpu: vCPU, its mutex held
 * @index: as for clock_get_msr()
 * @host: written by userspace, not by the guest
 * @data: value
 *
 * May sleep: the wall clock is written to guest memory at once. When the TSC
 * changed, a TSC deadline has been aimed anew.
 *
 * Return: as clock_get_msr(), and 1 for a bad value.
 */
int clock_set_msr(struct vcpu *vcpu, u32 index, bool host, u64 data);

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
