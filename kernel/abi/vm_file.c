// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtual machine: creation, its file descriptor and ioctls, and what
 * concerns all of its vCPUs at once.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "abi/abi.h"
#include "abi/enable.h"
#include "abi/extension.h"
#include "abi/ioctl.h"
#include "abi/irqchip.h"
#include "abi/vfio.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/clock.h"
#include "guest/dirty_ring.h"
#include "guest/dma.h"
#include "run/exit_msr.h"

/* Three pages at the address given to KVM_SET_TSS_ADDR have to lie below 4 GiB. */
#define TSS_ADDR_MAX (0x100000000ull - 3 * PAGE_SIZE)

/* The least that KVM takes for its number of table pages. */
#define MMU_PAGES_MIN 64

/*
 * Memory and time.
 */

static int do_set_memory_region(void *vm, void *data)
{
	return memory_set_region(&((struct vm *)vm)->memory, data);
}

static int do_get_dirty_log(void *vm, void *data)
{
	return dirty_log_get(&((struct vm *)vm)->memory, data);
}

static int do_clear_dirty_log(void *vm, void *data)
{
	return dirty_log_clear(&((struct vm *)vm)->memory, data);
}

static int do_get_clock(void *vm, void *data)
{
	clock_get(vm, data);
	return 0;
}

static int do_set_clock(void *vm, void *data)
{
	return clock_set(vm, data);
}

/* Where VMX without unrestricted guest keeps a page table: nobody needs it. */
static int do_set_identity_map(void *object, void *data)
{
	struct vm *vm = object;
	int r;

	mutex_lock(&vm->lock);
	r = vm->vcpu_count ? -EINVAL : 0;
	mutex_unlock(&vm->lock);
	return r;
}

static int do_enable_cap(void *vm, void *data)
{
	return enable_vm_cap(vm, data);
}

static int do_set_msr_filter(void *vm, void *data)
{
	return msr_filter_set(vm, data);
}

static int do_create_device(void *vm, void *data)
{
	return vfio_create_device(vm, data);
}

static const struct ioctl_entry vm_ioctls[] = {
	{ KVM_ENABLE_CAP, do_enable_cap },
	{ KVM_SET_USER_MEMORY_REGION, do_set_memory_region },
	{ KVM_GET_DIRTY_LOG, do_get_dirty_log },
	{ KVM_CLEAR_DIRTY_LOG, do_clear_dirty_log, _IOC_WRITE },
	{ KVM_SET_IDENTITY_MAP_ADDR, do_set_identity_map },
	{ KVM_GET_CLOCK, do_get_clock },
	{ KVM_SET_CLOCK, do_set_clock },
	{ KVM_X86_SET_MSR_FILTER, do_set_msr_filter },
	{ KVM_CREATE_DEVICE, do_create_device },
};

static int create_vcpu(struct vm *vm, unsigned long id)
{
	int r;

	if (id >= VM_MAX_VCPU_ID)
		return -EINVAL;
	mutex_lock(&vm->lock);
	r = vcpu_create(vm, id);
	mutex_unlock(&vm->lock);
	return r;
}

static int set_boot_cpu_id(struct vm *vm, unsigned long id)
{
	int r = -EBUSY;

	mutex_lock(&vm->lock);
	if (!vm->vcpu_count) {
		/* An id that no vCPU gets leaves the VM without a BSP, as asked. */
		vm->bsp_id = id;
		r = 0;
	}
	mutex_unlock(&vm->lock);
	return r;
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vm *vm = file->private_data;
	long r;

	if (vm->memory.mm != current->mm)
		return -EIO;
	if (_IOC_TYPE(cmd) != KVMIO)
		return -ENOTTY;
	switch (cmd) {
	case KVM_CREATE_VCPU:
		return create_vcpu(vm, arg);
	case KVM_RESET_DIRTY_RINGS:
		return dirty_rings_reset(vm);
	case KVM_SET_TSS_ADDR:
		/* Real mode needs no TSS of the host's: unrestricted guest, AMD-V. */
		return arg > TSS_ADDR_MAX ? -EINVAL : 0;
	case KVM_SET_NR_MMU_PAGES:
		/* It limits shadow paging: tables of the second level follow what is mapped. */
		return arg < MMU_PAGES_MIN ? -EINVAL : 0;
	case KVM_GET_STATS_FD:
		return stats_open_vm(vm);
	case KVM_SET_BOOT_CPU_ID:
		return set_boot_cpu_id(vm, arg);
	case KVM_CHECK_EXTENSION:
		return extension_check(arg);
	default:
		/* Interrupts first: userspace's devices raise them all the time. */
		r = irqchip_ioctl(vm, cmd, arg);
		if (r != -ENOTTY)
			return r;
		return ioctl_fixed(vm, vm_ioctls, ARRAY_SIZE(vm_ioctls), cmd, arg);
	}
}

static int vm_release(struct inode *inode, struct file *file)
{
	vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/*
 * Life and death.
 */

static void slots_changed(struct memory *memory)
{
	struct vm *vm = container_of(memory, struct vm, memory);

	/* The new memory may still say of a vCPU that it is stopped. */
	if (READ_ONCE(vm->steal_time_used))
		vm_make_request_all(vm, REQ_STEAL_TIME);
}

static const struct memory_ops memory_ops = {
	.flush_tlbs = vm_flush_tlbs,
	.slots_changed = slots_changed,
	.ring_has_room = dirty_ring_has_room,
	.ring_push = dirty_ring_push,
};

/* What needs no more than to be freed. */
static void free_parts(struct vm *vm)
{
	free_page((unsigned long)vm->coalesced.ring);
	free_cpumask_var(vm->flushed_cpus);
	kfree(vm->vcpus);
	kfree(vm);
}

static void vm_free(struct vm *vm)
{
	u32 i;

	/* First of all: until then the notifier flushes the vCPUs' TLBs. */
	memory_stop(&vm->memory);
	irqfds_destroy(&vm->irqfds);
	for (i = 0; i < vm->vcpu_count; i++)
		vcpu_destroy(vm->vcpus[i]);
	ioeventfds_destroy(&vm->ioeventfds);
	fabric_destroy(&vm->fabric);
	msr_filter_destroy(vm);
	memory_destroy(&vm->memory);
	coalesced_destroy(&vm->coalesced);
	dma_destroy(&vm->dma);
	free_parts(vm);
}

static struct vm *vm_alloc(void)
{
	struct vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int r = -ENOMEM;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	refcount_set(&vm->refs, 1);
	mutex_init(&vm->lock);
	vm->release = vm_free;
	vm->vcpus = kcalloc(VM_MAX_VCPUS, sizeof(*vm->vcpus), GFP_KERNEL_ACCOUNT);
	coalesced_init(&vm->coalesced, (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT));
	if (vm->vcpus && vm->coalesced.ring &&
	    zalloc_cpumask_var(&vm->flushed_cpus, GFP_KERNEL_ACCOUNT))
		r = memory_init(&vm->memory, vendor->format, &memory_ops);
	if (r) {
		free_parts(vm);
		return ERR_PTR(r);
	}
	irqchip_init(vm);
	irqfds_init(&vm->irqfds, &vm->fabric);
	ioeventfds_init(&vm->ioeventfds);
	clock_vm_init(vm);
	dma_init(&vm->dma);
	return vm;
}

int vm_create(void)
{
	struct vm *vm = vm_alloc();
	int fd;

	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = anon_inode_getfd("oriel-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		vm_put(vm);
	return fd;
}
