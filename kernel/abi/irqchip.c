// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between a VM and its interrupt fabric: the ioctls about interrupt chips and
 * doorbells, and what the fabric asks of the vCPUs.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "abi/ioctl.h"
#include "abi/irqchip.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/clock.h"
#include "irq/ioapic.h"
#include "irq/pic.h"
#include "irq/pit.h"

static void fabric_kick(void *cookie)
{
	struct vcpu *vcpu = cookie;

	vcpu_make_request(vcpu, REQ_EVENT);
	vcpu_kick(vcpu);
}

static u64 fabric_guest_tsc(void *cookie)
{
	return clock_guest_tsc(cookie);
}

static u64 fabric_tsc_to_ns(void *cookie, u64 ticks)
{
	return clock_tsc_to_ns(cookie, ticks);
}

static bool fabric_counts_deadline(void *cookie)
{
	const struct vcpu *vcpu = cookie;

	/* In a deep MWAIT the CPU may stop to count. */
	return vendor->deadline_timer && *vendor->deadline_timer &&
	       !(vcpu->vm->exits_off & KVM_X86_DISABLE_EXITS_MWAIT);
}

static void fabric_user_eoi(void *cookie, u8 vector)
{
	struct vcpu *vcpu = cookie;

	vcpu->eoi_vector = vector;
	vcpu_make_request(vcpu, REQ_IOAPIC_EOI);
}

static const struct fabric_ops fabric_ops = {
	.kick = fabric_kick,
	.guest_tsc = fabric_guest_tsc,
	.tsc_to_ns = fabric_tsc_to_ns,
	.counts_deadline = fabric_counts_deadline,
	.user_eoi = fabric_user_eoi,
};

void irqchip_init(struct vm *vm)
{
	fabric_init(&vm->fabric, &fabric_ops);
}

/*
 * Ioctls.
 */

static int create_irqchip(struct vm *vm)
{
	int r = -EINVAL;

	mutex_lock(&vm->lock);
	if (fabric_has_lapics(&vm->fabric))
		r = -EEXIST;
	else if (!vm->vcpu_count)
		r = fabric_create_irqchip(&vm->fabric);
	mutex_unlock(&vm->lock);
	return r;
}

static int do_create_pit2(void *object, void *data)
{
	struct vm *vm = object;
	const struct kvm_pit_config *config = data;
	int r;

	mutex_lock(&vm->lock);
	r = fabric_create_pit(&vm->fabric, config->flags);
	mutex_unlock(&vm->lock);
	return r;
}

/* What userspace's devices call most, so it is spared the table. */
static int irq_line(struct vm *vm, unsigned int cmd, struct kvm_irq_level __user *user)
{
	struct kvm_irq_level line;

	if (copy_from_user(&line, user, sizeof(line)))
		return -EFAULT;
	if (!fabric_has_lapics(&vm->fabric))
		return -ENXIO;
	line.status = fabric_set_gsi(&vm->fabric, IRQ_SOURCE_USER, line.irq, line.level);
	return cmd == KVM_IRQ_LINE_STATUS ? put_user(line.status, &user->status) : 0;
}

static int do_get_irqchip(void *object, void *data)
{
	struct irq_fabric *fabric = &((struct vm *)object)->fabric;
	struct kvm_irqchip *chip = data;

	if (!fabric_has_irqchip(fabric))
		return -ENXIO;
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_get_state(fabric->pic, chip->chip_id == KVM_IRQCHIP_PIC_SLAVE, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_get_state(fabric->ioapic, &chip->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

static int do_set_irqchip(void *object, void *data)
{
	struct irq_fabric *fabric = &((struct vm *)object)->fabric;
	const struct kvm_irqchip *chip = data;

	if (!fabric_has_irqchip(fabric))
		return -ENXIO;
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_set_state(fabric->pic, chip->chip_id == KVM_IRQCHIP_PIC_SLAVE, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_set_state(fabric->ioapic, &chip->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

static int do_get_pit2(void *object, void *data)
{
	struct irq_fabric *fabric = &((struct vm *)object)->fabric;

	if (!fabric->pit)
		return -ENXIO;
	pit_get_state(fabric->pit, data);
	return 0;
}

static int do_set_pit2(void *object, void *data)
{
	struct irq_fabric *fabric = &((struct vm *)object)->fabric;

	if (!fabric->pit)
		return -ENXIO;
	return pit_set_state(fabric->pit, data);
}

/* Its number carries no size. */
static int reinject_control(struct vm *vm, void __user *user)
{
	struct kvm_reinject_control control;

	if (copy_from_user(&control, user, sizeof(control)))
		return -EFAULT;
	if (!vm->fabric.pit)
		return -ENXIO;
	pit_set_reinject(vm->fabric.pit, control.pit_reinject);
	return 0;
}

static int do_signal_msi(void *object, void *data)
{
	struct vm *vm = object;

	if (!fabric_has_lapics(&vm->fabric))
		return -EINVAL;
	return fabric_deliver_msi(&vm->fabric, data);
}

static int do_irqfd(void *vm, void *data)
{
	return irqfds_change(&((struct vm *)vm)->irqfds, data);
}

static int do_ioeventfd(void *vm, void *data)
{
	return ioeventfds_change(&((struct vm *)vm)->ioeventfds, data);
}

static int do_register_coalesced(void *vm, void *data)
{
	return coalesced_register(&((struct vm *)vm)->coalesced, data);
}

static int do_unregister_coalesced(void *vm, void *data)
{
	return coalesced_unregister(&((struct vm *)vm)->coalesced, data);
}

static int set_gsi_routing(struct vm *vm, struct kvm_irq_routing __user *user)
{
	struct kvm_irq_routing_entry *entries = NULL;
	struct kvm_irq_routing head;
	int r;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (!fabric_has_lapics(&vm->fabric) || head.nr > FABRIC_MAX_GSI || head.flags)
		return -EINVAL;
	if (head.nr) {
		entries = vmemdup_user(user->entries, array_size(sizeof(*entries), head.nr));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	r = fabric_set_routing(&vm->fabric, entries, head.nr);
	kvfree(entries);
	return r;
}

/* What is called most comes first. */
static const struct ioctl_entry irqchip_ioctls[] = {
	{ KVM_SIGNAL_MSI, do_signal_msi },
	{ KVM_CREATE_PIT2, do_create_pit2 },
	{ KVM_GET_IRQCHIP, do_get_irqchip },
	{ KVM_SET_IRQCHIP, do_set_irqchip, _IOC_WRITE },
	{ KVM_GET_PIT2, do_get_pit2 },
	{ KVM_SET_PIT2, do_set_pit2 },
	{ KVM_IRQFD, do_irqfd },
	{ KVM_IOEVENTFD, do_ioeventfd },
	{ KVM_REGISTER_COALESCED_MMIO, do_register_coalesced },
	{ KVM_UNREGISTER_COALESCED_MMIO, do_unregister_coalesced },
};

long irqchip_ioctl(struct vm *vm, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
		return irq_line(vm, cmd, (void __user *)arg);
	case KVM_CREATE_IRQCHIP:
		return create_irqchip(vm);
	case KVM_SET_GSI_ROUTING:
		return set_gsi_routing(vm, (void __user *)arg);
	case KVM_REINJECT_CONTROL:
		return reinject_control(vm, (void __user *)arg);
	default:
		return ioctl_fixed(vm, irqchip_ioctls, ARRAY_SIZE(irqchip_ioctls), cmd, arg);
	}
}
