// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_STATS_FD: the statistics of a VM and of a vCPU, one row each.
 */
#include <linux/kvm.h>
#include <linux/sched.h>

#include "abi/abi.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "observe/stats.h"

#define VM_STAT(field, t)                                                                \
	{                                                                                \
		.name = #field, .offset = offsetof(struct vm_stats, field), .type = (t), \
	}
#define VCPU_STAT(field)                                                      \
	{                                                                     \
		.name = #field, .offset = offsetof(struct vcpu_stats, field), \
		.type = KVM_STATS_TYPE_CUMULATIVE,                            \
	}

static const struct stats_row vm_rows[] = {
	VM_STAT(remote_tlb_flush, KVM_STATS_TYPE_CUMULATIVE),
	VM_STAT(mmu_exclusive_holds, KVM_STATS_TYPE_CUMULATIVE),
	VM_STAT(pages_4k, KVM_STATS_TYPE_INSTANT),
	VM_STAT(pages_2m, KVM_STATS_TYPE_INSTANT),
	VM_STAT(pages_1g, KVM_STATS_TYPE_INSTANT),
};

static_assert(ARRAY_SIZE(vm_rows) * sizeof(u64) == sizeof(struct vm_stats));

static const struct stats_row vcpu_rows[] = {
	VCPU_STAT(exits),
	VCPU_STAT(pf_taken),
	VCPU_STAT(tlb_flush),
	VCPU_STAT(io_exits),
	VCPU_STAT(mmio_exits),
	VCPU_STAT(signal_exits),
	VCPU_STAT(request_irq_exits),
	VCPU_STAT(irq_exits),
	VCPU_STAT(halt_exits),
	VCPU_STAT(halt_wakeup),
	VCPU_STAT(hypercalls),
	VCPU_STAT(irq_injections),
	VCPU_STAT(nmi_injections),
	VCPU_STAT(insn_emulation),
	VCPU_STAT(insn_emulation_fail),
};

static_assert(ARRAY_SIZE(vcpu_rows) * sizeof(u64) == sizeof(struct vcpu_stats));
static_assert(ARRAY_SIZE(vcpu_rows) <= STATS_MAX);

static void vm_read(const void *object, u64 *values)
{
	const struct vm *vm = object;

	*(struct vm_stats *)values = (struct vm_stats){
		.remote_tlb_flush = atomic64_read(&vm->tlb_flushes),
		.mmu_exclusive_holds = READ_ONCE(vm->memory.mmu.exclusive_holds),
		.pages_4k = mmu_leaves(&vm->memory.mmu, SL_LEVEL_4K),
		.pages_2m = mmu_leaves(&vm->memory.mmu, SL_LEVEL_2M),
		.pages_1g = mmu_leaves(&vm->memory.mmu, SL_LEVEL_1G),
	};
}

static void vm_release(void *object)
{
	vm_put(object);
}

static const struct stats_source vm_source = {
	.rows = vm_rows,
	.count = ARRAY_SIZE(vm_rows),
	.read = vm_read,
	.release = vm_release,
};

static void vcpu_read(const void *object, u64 *values)
{
	const struct vcpu *vcpu = object;

	memcpy(values, &vcpu->stats, sizeof(vcpu->stats));
}

static void vcpu_release(void *object)
{
	vm_put(((struct vcpu *)object)->vm);
}

static const struct stats_source vcpu_source = {
	.rows = vcpu_rows,
	.count = ARRAY_SIZE(vcpu_rows),
	.read = vcpu_read,
	.release = vcpu_release,
};

/* The descriptor has a reference to the VM, which also keeps the vCPUs. */
static int open_counted(struct vm *vm, const struct stats_source *source, void *object,
			const char *id)
{
	int fd;

	vm_get(vm);
	fd = stats_open(source, object, id);
	if (fd < 0)
		vm_put(vm);
	return fd;
}

int stats_open_vm(struct vm *vm)
{
	char id[32];

	snprintf(id, sizeof(id), "kvm-%d", task_pid_nr(current));
	return open_counted(vm, &vm_source, vm, id);
}

int stats_open_vcpu(struct vcpu *vcpu)
{
	char id[32];

	snprintf(id, sizeof(id), "kvm-%d/vcpu-%u", task_pid_nr(current), vcpu->id);
	return open_counted(vcpu->vm, &vcpu_source, vcpu, id);
}
