// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's descriptor: its ioctls, and the creation and end of the VM.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/slab.h>

#include "abi/abi.h"
#include "abi/ioctl.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/clock.h"
#include "guest/dirty_ring.h"
#include "guest/dma.h"
#include "run/exit_msr.h"

/* The three pages at the address of KVM_SET_TSS_ADDR have to lie below 4 GiB. */
#define TSS_ADDR_MAX (0x100000000ull - 3 * PAGE_SIZE)

/* The smallest number that KVM accepts in KVM_SET_NR_MMU_PAGES. */
#define MMU_PAGES_MIN 64

/*
 * Ioctls: vm_ioctls.h has their list.
 */

static int clear_dirty_log(struct vm *vm, const struct kvm_clear_dirty_log *clear)
{
	return dirty_log_clear(&vm->memory, clear);
}

/* Not used: with unrestricted guest and with AMD-V, real mode needs no TSS of the host. */
static int set_tss_addr(struct vm *vm, unsigned long address)
{
	return address > TSS_ADDR_MAX ? -EINVAL : 0;
}

/* Not used: only VMX without unrestricted guest needs a page table there. */
static int set_identity_map(struct vm *vm, const u64 *address)
{
	int r;

	mutex_lock(&vm->lock);
	r = vm->vcpu_count ? -EINVAL : 0;
	mutex_unlock(&vm->lock);
	return r;
}

/* Not used: the number limits shadow paging, which Oriel does not have. */
static int set_nr_mmu_pages(struct vm *vm, unsigned long pages)
{
	return pages < MMU_PAGES_MIN ? -EINVAL : 0;
}

static int check_extension(struct vm *vm, unsigned long cap)
{
	return capability_check(cap);
}

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
		/* If userspace creates no vCPU with this id, the VM has no BSP. */
		vm->bsp_id = id;
		r = 0;
	}
	mutex_unlock(&vm->lock);
	return r;
}

#define IOCTL IOCTL_DEFINE
#define IOCTL_VOID IOCTL_DEFINE_VOID
#define IOCTL_PART(number, function, part, type)                 \
	static int ioctl_##function(void *vm, void *data)        \
	{                                                        \
		BUILD_BUG_ON(_IOC_SIZE(number) != sizeof(type)); \
		return function(&((struct vm *)vm)->part, data); \
	}
#define IOCTL_DIR(number, function, type, direction) IOCTL_DEFINE(number, function, type)
#define IOCTL_USER(number, function, type)
#define IOCTL_ARG(number, function)
#define IOCTL_NONE(number, function)
#include "abi/vm_ioctls.h"

static long dispatch(struct vm *vm, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
#define IOCTL_DIR(number, function, type, direction) \
	case number:                                 \
		return ioctl_copy(vm, ioctl_##function, cmd, direction, arg);
#define IOCTL(number, function, type) IOCTL_DIR(number, function, type, _IOC_DIR(number))
#define IOCTL_VOID IOCTL
#define IOCTL_PART(number, function, part, type) IOCTL(number, function, type)
#define IOCTL_USER(number, function, type) \
	case number:                       \
		return function(vm, (type __user *)arg);
#define IOCTL_ARG(number, function) \
	case number:                \
		return function(vm, arg);
#define IOCTL_NONE(number, function) \
	case number:                 \
		return function(vm);
#include "abi/vm_ioctls.h"
	default:
		return -ENOTTY;
	}
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vm *vm = file->private_data;

	if (vm->memory.mm != current->mm)
		return -EIO;
	return dispatch(vm, cmd, arg);
}

static int vm_release(struct inode *inode, struct file *file)
{
	struct vm *vm = file->private_data;

	/*
	 * Other descriptors may keep the VM for long. Meanwhile another VM may get its eventfds as
	 * irqfds. An irqfd takes each event before later waiters see it, so remove them all now.
	 */
	irqfds_empty(&vm->irqfds);
	vm_put(vm);
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
 * Creation and end.
 */

static void slots_changed(struct memory *memory)
{
	struct vm *vm = container_of(memory, struct vm, memory);

	clock_slots_changed(vm);
	/* The new memory may still have KVM_VCPU_PREEMPTED for a vCPU. */
	if (READ_ONCE(vm->steal_time_used))
		vm_make_request_all(vm, REQ_STEAL_TIME);
}

static const struct memory_ops memory_ops = {
	.flush_tlbs = vm_flush_tlbs,
	.slots_changed = slots_changed,
	.ring_has_room = dirty_ring_has_room,
	.ring_push = dirty_ring_push,
};

/* Free the parts that need no other clean-up. */
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

	/* These come before the vCPUs are freed: other threads make requests until then. */
	memory_stop(&vm->memory);
	clock_vm_destroy(vm);
	irqfds_destroy(&vm->irqfds);
	fabric_stop(&vm->fabric);
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
	coalesced_init(&vm->coalesced, (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT),
		       &vm->memory.srcu);
	if (!vm->vcpus || !vm->coalesced.ring ||
	    !zalloc_cpumask_var(&vm->flushed_cpus, GFP_KERNEL_ACCOUNT))
		goto no_parts;
	r = irqchip_init(vm);
	if (r)
		goto no_parts;
	r = memory_init(&vm->memory, vendor->format, &memory_ops);
	if (r)
		goto no_memory;
	irqfds_init(&vm->irqfds, &vm->fabric);
	ioeventfds_init(&vm->ioeventfds, &vm->memory.srcu);
	clock_vm_init(vm);
	dma_init(&vm->dma);
	return vm;

no_memory:
	fabric_destroy(&vm->fabric);
no_parts:
	free_parts(vm);
	return ERR_PTR(r);
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
