// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module and its device node: choose the vendor, claim every CPU for it, create the node, and
 * serve the node's ioctls.
 */
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/uaccess.h>
#include <asm/processor.h>

#include "abi/abi.h"
#include "core/vcpu.h"
#include "guest/clock.h"
#include "guest/cpuid_table.h"
#include "guest/fpu.h"
#include "guest/machine_check.h"
#include "guest/msr.h"
#include "host/claim.h"
#include "host/compat.h"
#include "svm/svm_ops.h"
#include "uapi/oriel.h"
#include "vmx/vmx_ops.h"

MODULE_AUTHOR("The Oriel authors");
MODULE_DESCRIPTION("Oriel, a hypervisor that can be read: KVM's ABI on VT-x and AMD-V");
MODULE_LICENSE("GPL");

static char *node = "oriel";
module_param(node, charp, 0444);
MODULE_PARM_DESC(node, "name of the device node: oriel (default) or kvm, for unmodified clients");

static int choose_vendor(void)
{
	switch (boot_cpu_data.x86_vendor) {
	case X86_VENDOR_AMD:
	case X86_VENDOR_HYGON:
		vendor_install(&svm_ops);
		return 0;
	case X86_VENDOR_INTEL:
	case X86_VENDOR_CENTAUR:
	case X86_VENDOR_ZHAOXIN:
		vendor_install(&vmx_ops);
		return 0;
	default:
		pr_err("this CPU's vendor (%s) is not supported: Oriel needs VT-x or AMD-V\n",
		       boot_cpu_data.x86_vendor_id);
		return -EOPNOTSUPP;
	}
}

/*
 * The node.
 */

/* The node's one attribute: the XCR0 bits of XSAVE components that a guest may use. */
static int node_attribute(unsigned int cmd, const struct kvm_device_attr __user *user)
{
	struct kvm_device_attr attr;

	if (copy_from_user(&attr, user, sizeof(attr)))
		return -EFAULT;
	if (attr.group || attr.attr != KVM_X86_XCOMP_GUEST_SUPP)
		return -ENXIO;
	if (cmd == KVM_HAS_DEVICE_ATTR)
		return 0;
	return put_user(fpu_host.guest_xcr0, (u64 __user *)u64_to_user_ptr(attr.addr));
}

static long node_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CREATE_VM:
		return arg ? -EINVAL : vm_create();
	case KVM_CHECK_EXTENSION:
		return capability_check(arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : VCPU_MMAP_PAGES * PAGE_SIZE;
	case KVM_GET_SUPPORTED_CPUID:
		return cpuid_ioctl_supported(user);
	case KVM_GET_MSR_INDEX_LIST:
		return msr_ioctl_list(user, false);
	case KVM_GET_MSR_FEATURE_INDEX_LIST:
		return msr_ioctl_list(user, true);
	case KVM_GET_MSRS:
		return msr_ioctl_get(NULL, user);
	case KVM_HAS_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
		return node_attribute(cmd, user);
	case KVM_X86_GET_MCE_CAP_SUPPORTED:
		return put_user(mc_supported(), (u64 __user *)user);
	case ORIEL_CHECK_EXTENSION:
		return capability_check_own(arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations node_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = node_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice node_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.fops = &node_fops,
	.mode = 0660,
};

static int create_node(void)
{
	int r;

	if (!strcmp(node, "kvm")) {
		node_device.minor = KVM_MINOR;
	} else if (strcmp(node, "oriel")) {
		pr_err("parameter node=%s: only \"oriel\" and \"kvm\" are valid\n", node);
		return -EINVAL;
	}
	node_device.name = node;
	r = misc_register(&node_device);
	if (r)
		pr_err("cannot create /dev/%s (error %d)%s\n", node, r,
		       r == -EBUSY ? ": it exists, unload the module that owns it" : "");
	return r;
}

/*
 * Load and unload.
 */

/* Set up the data that all VMs share: the FPU's layout, the clock, the CPUID of guests. */
static int setup_shared(void)
{
	int r = fpu_setup();

	if (r)
		return r;
	msr_setup();
	r = clock_setup();
	if (r)
		return r;
	r = cpuid_setup(vendor->cpuid_flags());
	if (r)
		clock_teardown();
	return r;
}

static void teardown_shared(void)
{
	cpuid_teardown();
	clock_teardown();
}

static int __init oriel_init(void)
{
	int r = choose_vendor();

	if (r)
		return r;
	r = vendor->setup();
	if (r)
		return r;
	r = setup_shared();
	if (r)
		goto no_shared;
	preempt_notifier_inc();
	r = claim_all(&vendor->owner);
	if (r)
		goto no_claim;
	r = create_node();
	if (r)
		goto no_node;
	pr_info("%s claimed on %u CPUs, node /dev/%s\n", vendor->owner.name, num_online_cpus(),
		node);
	return 0;

no_node:
	release_all();
no_claim:
	preempt_notifier_dec();
	teardown_shared();
no_shared:
	vendor->teardown();
	return r;
}
module_init(oriel_init);

static void __exit oriel_exit(void)
{
	misc_deregister(&node_device);
	release_all();
	preempt_notifier_dec();
	teardown_shared();
	vendor->teardown();
}
module_exit(oriel_exit);
