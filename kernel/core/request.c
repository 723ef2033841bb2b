// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and kicks: any thread can let one vCPU, or all of a VM, do something before the next
 * entry. run/loop.c describes the protocol.
 */
#include <linux/kernel.h>
#include <linux/smp.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "host/compat.h"

DEFINE_PER_CPU(struct vcpu *, loaded_vcpu);

void vcpu_kick(struct vcpu *vcpu)
{
	int cpu;

	rcuwait_wake_up(&vcpu->wait);
	cpu = get_cpu();
	/* Read the mode after the request was made. Pairs with switch_world(). */
	smp_mb();
	/* A CPU that executes a guest does not execute this code: this CPU needs no interrupt. */
	if (READ_ONCE(vcpu->mode) == VCPU_IN_GUEST && READ_ONCE(vcpu->cpu) != cpu)
		smp_send_reschedule(READ_ONCE(vcpu->cpu));
	put_cpu();
}

static u32 vcpu_count(const struct vm *vm)
{
	/* Pairs with vcpu_publish(). */
	return smp_load_acquire(&vm->vcpu_count);
}

struct vcpu *vcpu_find(struct vm *vm, u64 apic_id)
{
	u32 count = vcpu_count(vm);
	u32 i;

	for (i = 0; i < count; i++)
		if (vm->vcpus[i]->id == apic_id)
			return vm->vcpus[i];
	return NULL;
}

void vm_make_request_all(struct vm *vm, unsigned int request)
{
	u32 count = vcpu_count(vm);
	u32 i;

	for (i = 0; i < count; i++) {
		vcpu_make_request(vm->vcpus[i], request);
		vcpu_kick(vm->vcpus[i]);
	}
}

static void acknowledge(void *unused)
{
	/* The interrupt has ended the guest. The vCPU sees the request before it enters again. */
}

void vm_flush_tlbs(struct memory *memory)
{
	struct vm *vm = container_of(memory, struct vm, memory);
	u32 count = vcpu_count(vm);
	u32 i;

	lockdep_assert_held_write(&memory->mmu.lock);
	atomic64_inc(&vm->tlb_flushes);
	for (i = 0; i < count; i++)
		vcpu_make_request(vm->vcpus[i], REQ_TLB_FLUSH);
	/* Read the modes after the requests were made. Pairs with switch_world(). */
	smp_mb();
	cpumask_clear(vm->flushed_cpus);
	for (i = 0; i < count; i++) {
		struct vcpu *vcpu = vm->vcpus[i];

		/* Pairs with the release in switch_world(), after the exit. */
		if (smp_load_acquire(&vcpu->mode) == VCPU_IN_GUEST)
			__cpumask_set_cpu(READ_ONCE(vcpu->cpu), vm->flushed_cpus);
	}
	/* This interrupts all CPUs before it waits for the first. */
	on_each_cpu_mask(vm->flushed_cpus, acknowledge, NULL, true);
}
