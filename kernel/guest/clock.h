/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's time: its TSC, and kvmclock (Documentation/virt/kvm/x86/msr.rst of the kernel),
 * which turns the TSC into nanoseconds since boot. Functions on a vCPU run with its mutex held.
 */
#ifndef ORIEL_CLOCK_H
#define ORIEL_CLOCK_H

#include <linux/types.h>

struct kvm_clock_data;
struct vcpu;
struct vm;

/**
 * clock_setup() - follow the host's clock source; once, at load; may sleep. Return 0, or -ENODEV
 * after one line in the log if the kernel does not know its TSC's frequency.
 */
int clock_setup(void);
void clock_teardown(void); /* may sleep */
/** clock_vm_init() - start the kvmclock of a new VM at 0; may sleep */
void clock_vm_init(struct vm *vm);
/** clock_vm_destroy() - before the VM's vCPUs are freed; may sleep */
void clock_vm_destroy(struct vm *vm);
/** clock_slots_changed() - memslots were published: a pair may have memory now; any context */
void clock_slots_changed(struct vm *vm);
/**
 * clock_vcpu_init() - start a new vCPU's TSC at 0, in step with its siblings. The vCPU has its
 * vendor state, and is not yet in vm->vcpus.
 */
void clock_vcpu_init(struct vcpu *vcpu);
/**
 * clock_load() - the vCPU's thread starts to run on this CPU; if @moved, it was on another, or on
 * none. Keep the guest's TSC from going back where the TSCs of the host's CPUs differ or a suspend
 * has reset them, and have kvmclock published anew where it depends on the CPU. Preemption off;
 * after the vendor's vcpu_load().
 */
void clock_load(struct vcpu *vcpu, bool moved);
/** clock_put() - the vCPU's thread leaves this CPU; preemption off */
void clock_put(struct vcpu *vcpu);
/**
 * clock_update() - serve REQ_CLOCK_UPDATE: publish kvmclock, if the guest has enabled it. The vCPU
 * is loaded, and vm->memory.srcu is held; may sleep.
 */
void clock_update(struct vcpu *vcpu);

/*
 * Rows of guest/msr_table.c; vm->memory.srcu held. A write may sleep, because it writes the wall
 * clock to guest memory at once. After a change of the TSC it aims a TSC deadline anew.
 */
int clock_read_tsc(struct vcpu *vcpu, u32 index, bool host, u64 *data);
int clock_write_tsc(struct vcpu *vcpu, u32 index, bool host, u64 data);
int clock_write_tsc_adjust(struct vcpu *vcpu, u32 index, bool host, u64 data);
int clock_write_system_time(struct vcpu *vcpu, u32 index, bool host, u64 data);
int clock_read_wall_clock(struct vcpu *vcpu, u32 index, bool host, u64 *data);
int clock_write_wall_clock(struct vcpu *vcpu, u32 index, bool host, u64 data);

/** clock_set_tsc_offset() - KVM_VCPU_TSC_OFFSET: set the guest TSC less the host TSC, in ticks */
void clock_set_tsc_offset(struct vcpu *vcpu, u64 offset);
/** clock_guest_tsc() - read the TSC as RDTSC in the guest does now */
u64 clock_guest_tsc(struct vcpu *vcpu);
/** clock_tsc_to_ns() - the time that guest TSC ticks take, in ns, rounded up, at most S64_MAX */
u64 clock_tsc_to_ns(struct vcpu *vcpu, u64 ticks);
void clock_get(struct vm *vm, struct kvm_clock_data *data);
/** clock_set() - KVM_SET_CLOCK; -EINVAL for a flag that does not exist */
int clock_set(struct vm *vm, const struct kvm_clock_data *data);
/** clock_stopped() - KVM_KVMCLOCK_CTRL; -EINVAL if the guest has not enabled kvmclock */
int clock_stopped(struct vcpu *vcpu);
/**
 * clock_set_tsc_khz() - KVM_SET_TSC_KHZ; 0 stands for the host's frequency. There is no TSC
 * scaling: -EINVAL for a frequency that is not the host's, too, within the tolerance of
 * tsc_khz_tolerated().
 */
int clock_set_tsc_khz(struct vcpu *vcpu, u64 khz);
u32 clock_get_tsc_khz(const struct vcpu *vcpu);

#endif
