// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's descriptor: its ioctls, its mapping, and the creation and end of the vCPU.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "abi/abi.h"
#include "abi/ioctl.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/clock.h"
#include "guest/cpuid_table.h"
#include "guest/dirty_ring.h"
#include "guest/fpu.h"
#include "guest/machine_check.h"
#include "guest/raise.h"
#include "guest/reset.h"
#include "guest/vapic.h"
#include "host/claim.h"
#include "irq/lapic.h"
#include "run/entry_report.h"
#include "run/exit_debug.h"
#include "run/run.h"
#include "uapi/oriel.h"

/* kvm_run and the port page. */
#define RUN_ORDER 1

/*
 * Ioctls: vcpu_ioctls.h has their list.
 */

/* NMI and INIT messages that are deferred belong to the saved state. */
static void get_events(struct vcpu *vcpu, struct kvm_vcpu_events *events)
{
	fabric_flush(&vcpu->vm->fabric);
	events_get(vcpu, events);
}

static void get_mp_state(struct vcpu *vcpu, struct kvm_mp_state *state)
{
	fabric_flush(&vcpu->vm->fabric);
	mp_state_get(vcpu, state);
}

static int get_lapic(struct vcpu *vcpu, struct kvm_lapic_state *state)
{
	if (!vcpu->lapic)
		return -EINVAL;
	fabric_flush(&vcpu->vm->fabric);
	lapic_get_state(vcpu->lapic, state);
	return 0;
}

static int set_lapic(struct vcpu *vcpu, const struct kvm_lapic_state *state)
{
	if (!vcpu->lapic)
		return -EINVAL;
	/* A message that is on its way belongs to the state that this one replaces. */
	fabric_flush(&vcpu->vm->fabric);
	vcpu_make_request(vcpu, REQ_EVENT);
	return lapic_set_state(vcpu->lapic, state);
}

static int queue_interrupt(struct vcpu *vcpu, const struct kvm_interrupt *interrupt)
{
	if (interrupt->irq >= KVM_NR_INTERRUPTS)
		return -EINVAL;
	vcpu_make_request(vcpu, REQ_EVENT);
	if (!vcpu->lapic) {
		vcpu->irq_queued = interrupt->irq;
		return 0;
	}
	if (fabric_has_irqchip(&vcpu->vm->fabric))
		return -ENXIO;
	if (vcpu->extint >= 0)
		return -EEXIST;
	/* Userspace's PIC has acknowledged the interrupt, which waits until LINT0 lets it pass. */
	vcpu->extint = interrupt->irq;
	return 0;
}

static int queue_nmi(struct vcpu *vcpu)
{
	vcpu_post_nmi(vcpu);
	return 0;
}

static int get_xsave(struct vcpu *vcpu, struct kvm_xsave __user *user)
{
	return fpu_ioctl_get_xsave(vcpu, user, sizeof(struct kvm_xsave));
}

static int get_xsave2(struct vcpu *vcpu, struct kvm_xsave __user *user)
{
	return fpu_ioctl_get_xsave(vcpu, user, fpu_xsave_size());
}

static int set_signal_mask(struct vcpu *vcpu, struct kvm_signal_mask __user *user)
{
	sigset_t sigset;
	u32 len;

	if (!user) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (get_user(len, &user->len))
		return -EFAULT;
	if (len != sizeof(sigset))
		return -EINVAL;
	if (copy_from_user(&sigset, user->sigset, sizeof(sigset)))
		return -EFAULT;
	sigdelsetmask(&sigset, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = sigset;
	vcpu->sigset_active = true;
	return 0;
}

static void update_lapic_features(struct vcpu *vcpu)
{
	const struct cpuid_facts *facts = &vcpu->cpuid.facts;

	if (vcpu->lapic)
		lapic_set_features(vcpu->lapic, &(struct lapic_features){
							.maxphyaddr = facts->maxphyaddr,
							.x2apic = facts->x2apic,
							.tsc_deadline = facts->tsc_deadline,
						});
}

static int set_cpuid(struct vcpu *vcpu, struct kvm_cpuid __user *user)
{
	int r = cpuid_ioctl_set(vcpu, user);

	if (!r)
		update_lapic_features(vcpu);
	return r;
}

static int set_cpuid2(struct vcpu *vcpu, struct kvm_cpuid2 __user *user)
{
	int r = cpuid_ioctl_set2(vcpu, user);

	if (!r)
		update_lapic_features(vcpu);
	return r;
}

/* Find the u64 in userspace of a vCPU's one attribute, its TSC offset; 0, -EFAULT or -ENXIO. */
static int find_attribute(const struct kvm_device_attr __user *user, u64 __user **value)
{
	struct kvm_device_attr attr;

	if (copy_from_user(&attr, user, sizeof(attr)))
		return -EFAULT;
	if (attr.group != KVM_VCPU_TSC_CTRL || attr.attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	*value = u64_to_user_ptr(attr.addr);
	return 0;
}

static int has_attribute(struct vcpu *vcpu, const struct kvm_device_attr __user *user)
{
	u64 __user *value;

	return find_attribute(user, &value);
}

static int get_attribute(struct vcpu *vcpu, const struct kvm_device_attr __user *user)
{
	u64 __user *value;

	return find_attribute(user, &value) ?: put_user(vcpu->clock.tsc_offset, value);
}

static int set_attribute(struct vcpu *vcpu, const struct kvm_device_attr __user *user)
{
	u64 __user *value;
	u64 offset;
	int r = find_attribute(user, &value);

	if (r)
		return r;
	if (get_user(offset, value))
		return -EFAULT;
	clock_set_tsc_offset(vcpu, offset);
	return 0;
}

#define IOCTL IOCTL_DEFINE
#define IOCTL_VOID IOCTL_DEFINE_VOID
#define IOCTL_USER(number, function, type)
#define IOCTL_ARG(number, function)
#define IOCTL_NONE(number, function)
#include "abi/vcpu_ioctls.h"

/* Hold srcu, because some of the functions use memslots. */
static long copy_ioctl(struct vcpu *vcpu, ioctl_function function, unsigned int cmd,
		       unsigned long arg)
{
	int srcu = srcu_read_lock(&vcpu->vm->memory.srcu);
	long r = ioctl_copy(vcpu, function, cmd, _IOC_DIR(cmd), arg);

	srcu_read_unlock(&vcpu->vm->memory.srcu, srcu);
	return r;
}

static long dispatch(struct vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
#define IOCTL(number, function, type) \
	case number:                  \
		return copy_ioctl(vcpu, ioctl_##function, cmd, arg);
#define IOCTL_VOID IOCTL
#define IOCTL_USER(number, function, type) \
	case number:                       \
		return function(vcpu, (type __user *)arg);
#define IOCTL_ARG(number, function) \
	case number:                \
		return function(vcpu, arg);
#define IOCTL_NONE(number, function) \
	case number:                 \
		return function(vcpu);
#include "abi/vcpu_ioctls.h"
	default:
		return -ENOTTY;
	}
}

/* All ioctls but KVM_RUN. */
static long state_ioctl(struct vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	long r;

	vcpu_load(vcpu);
	/* Where VT-x is another hypervisor's, the vCPU's VMCS cannot be read or written. */
	r = likely(cpu_claimed()) ? dispatch(vcpu, cmd, arg) : -EIO;
	vcpu_put(vcpu);
	return r;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vcpu *vcpu = file->private_data;
	long r;

	if (vcpu->vm->memory.mm != current->mm)
		return -EIO;
	if (cmd != KVM_RUN && _IOC_TYPE(cmd) != KVMIO && _IOC_TYPE(cmd) != ORIELIO)
		return -ENOTTY;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	if (cmd == KVM_RUN)
		r = arg ? -EINVAL : vcpu_run(vcpu);
	else
		r = state_ioctl(vcpu, cmd, arg);
	mutex_unlock(&vcpu->mutex);
	return r;
}

static vm_fault_t run_fault(struct vm_fault *vmf)
{
	struct vcpu *vcpu = vmf->vma->vm_file->private_data;
	struct page *page = dirty_ring_page(vcpu, vmf->pgoff);

	if (vmf->pgoff < 1 << RUN_ORDER)
		page = virt_to_page((void *)vcpu->run + (vmf->pgoff << PAGE_SHIFT));
	else if (vmf->pgoff == COALESCED_PAGE_OFFSET)
		page = virt_to_page(vcpu->vm->coalesced.ring);
	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct run_vm_ops = {
	.fault = run_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!dirty_ring_may_map(file->private_data, vma))
		return -EINVAL;
	vma->vm_ops = &run_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct vcpu *vcpu = file->private_data;

	vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

/*
 * Creation.
 */

static int create_lapic(struct vcpu *vcpu)
{
	struct irq_fabric *fabric = &vcpu->vm->fabric;
	struct lapic *lapic;

	vcpu->apic_base = LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE;
	if (!fabric_has_lapics(fabric))
		return 0;
	lapic = lapic_create(fabric, vcpu, vcpu->id, vcpu->id == vcpu->vm->bsp_id);
	if (IS_ERR(lapic))
		return PTR_ERR(lapic);
	vcpu->lapic = lapic;
	if (vcpu->id != vcpu->vm->bsp_id)
		vcpu->mp_state = KVM_MP_STATE_UNINITIALIZED;
	return 0;
}

static int create_parts(struct vcpu *vcpu)
{
	int r;

	vcpu->run = (struct kvm_run *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_COMP,
						       RUN_ORDER);
	if (!vcpu->run)
		return -ENOMEM;
	r = fpu_create(vcpu);
	if (!r)
		r = dirty_ring_create(vcpu);
	if (!r)
		r = vendor_call(vcpu_create)(vcpu);
	if (!r)
		r = create_lapic(vcpu);
	return r;
}

static struct vcpu *vcpu_alloc(struct vm *vm, u32 id)
{
	struct vcpu *vcpu = kzalloc(vendor->vcpu_size, GFP_KERNEL_ACCOUNT);
	int r;

	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->irq_queued = -1;
	vcpu->extint = -1;
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	vcpu_load_init(vcpu);
	r = create_parts(vcpu);
	if (r) {
		vcpu_destroy(vcpu);
		return ERR_PTR(r);
	}
	vcpu_load(vcpu);
	cpuid_init_vcpu(vcpu);
	vcpu_reset(vcpu, false);
	clock_vcpu_init(vcpu);
	r = likely(cpu_claimed()) ? 0 : -EIO;
	vcpu_put(vcpu);
	if (r) {
		vcpu_destroy(vcpu);
		return ERR_PTR(r);
	}
	return vcpu;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	lapic_destroy(vcpu->lapic);
	vendor_call(vcpu_destroy)(vcpu);
	fpu_destroy(vcpu);
	cpuid_free(&vcpu->cpuid);
	dirty_ring_destroy(vcpu);
	if (vcpu->run)
		free_pages((unsigned long)vcpu->run, RUN_ORDER);
	kfree(vcpu);
}

/* Publish the vCPU and make its descriptor, which has a reference to the VM. */
static int vcpu_publish(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	file = anon_inode_getfile("oriel-vcpu", &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	vm_get(vm);
	if (vcpu->lapic)
		lapic_publish(vcpu->lapic);
	vm->vcpus[vm->vcpu_count] = vcpu;
	/* A thread that reads the new count must see the vCPU: pairs with vcpu_count(). */
	smp_store_release(&vm->vcpu_count, vm->vcpu_count + 1);
	fd_install(fd, file);
	return fd;
}

int vcpu_create(struct vm *vm, u32 id)
{
	struct vcpu *vcpu;
	int r;

	if (id >= (vm->vcpu_id_limit ?: VM_MAX_VCPU_ID) || vm->vcpu_count >= VM_MAX_VCPUS)
		return -EINVAL;
	if (vcpu_find(vm, id))
		return -EEXIST;
	vcpu = vcpu_alloc(vm, id);
	if (IS_ERR(vcpu))
		return PTR_ERR(vcpu);
	r = vcpu_publish(vcpu);
	if (r < 0)
		vcpu_destroy(vcpu);
	return r;
}
