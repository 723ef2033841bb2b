// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and kicks: how any thread makes one vCPU, or all of a VM, do something before the
 * next entry.
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
	/* The request first, then the mode: pairs with run_once(). */
	smp_mb();
	if (READ_ONCE(vcpu->mode) == VCPU_IN_GUEST && READ_ONCE(vcpu->cpu) != cpu)
		smp_send_reschedule(READ_ONCE(vcpu->cpu));
	put_cpu();
}

struct vcpu *vcpu_find(struct vm *vm, u64 apic_id)
{
	/* Who sees the count sees the vCPUs: pairs with vcpu_publish(). */
	u32 count = smp_load_acquire(&vm->vcpu_count);
	u32 i;

	for (i = 0; i < count; i++)
		if (vm->vcpus[i]->id == apic_id)
			return vm->vcpus[i];
	return NULL;
}

void vm_make_request_all(struct vm *vm, unsigned int request)
{
	/* Pairs with vcpu_publish(). */
	u32 count = smp_load_acquire(&vm->vcpu_count);
	u32 i;

	for (i = 0; i < count; i++) {
		vcpu_make_request(vm->vcpus[i], request);
		vcpu_kick(vm->vcpus[i]);
	}
}

static void acknowledge(void *unused)
{
	/* To run this the CPU has left the guest, and will see the request. */
}

void vm_flush_tlbs(struct memory *memory)
{
	struct vm *vm = container_of(memory, struct vm, memory);
	/* Pairs with vcpu_publish(). */
	u32 count = smp_load_acquire(&vm->vcpu_count);
	u32 i;

	lockdep_assert_held_write(&memory->mmu.lock);
	atomic64_inc(&vm->tlb_flushes);
	for (i = 0; i < count; i++)
		vcpu_make_request(vm->vcpus[i], REQ_TLB_FLUSH);
	/* The requests, then the modes: pairs with run_once(). */
	smp_mb();
	cpumask_clear(vm->flushed_cpus);
	for (i = 0; i < count; i++) {
		struct vcpu *vcpu = vm->vcpus[i];

		/* Pairs with the release after the exit. */
		if (smp_load_acquire(&vcpu->mode) == VCPU_IN_GUEST)
			__cpumask_set_cpu(READ_ONCE(vcpu->cpu), vm->flushed_cpus);
	}
	/* All are interrupted before any is waited for. */
	on_each_cpu_mask(vm->flushed_cpus, acknowledge, NULL, true);
}
