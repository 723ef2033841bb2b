// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM and its interrupt fabric: the services of vCPUs that the fabric calls, and the ioctls about
 * interrupt chips and routes.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "abi/abi.h"
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

	/* In a deep MWAIT the CPU may stop counting. */
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

int irqchip_init(struct vm *vm)
{
	return fabric_init(&vm->fabric, &fabric_ops);
}

/*
 * Ioctls.
 */

int irqchip_create(struct vm *vm)
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

int irqchip_create_pit2(struct vm *vm, const struct kvm_pit_config *config)
{
	int r;

	mutex_lock(&vm->lock);
	r = fabric_create_pit(&vm->fabric, config->flags);
	mutex_unlock(&vm->lock);
	return r;
}

/*
 * Copied here and not by ioctl_copy(): the devices of userspace call it all the time. Return 0 or
 * an errno, and in @status what became of the interrupt.
 */
static int set_line(struct vm *vm, const struct kvm_irq_level __user *user, s32 *status)
{
	struct kvm_irq_level line;

	if (copy_from_user(&line, user, sizeof(line)))
		return -EFAULT;
	if (!fabric_has_lapics(&vm->fabric))
		return -ENXIO;
	*status = fabric_set_gsi(&vm->fabric, IRQ_SOURCE_USER, line.irq, line.level);
	return 0;
}

int irqchip_set_line(struct vm *vm, const struct kvm_irq_level __user *user)
{
	s32 status;

	return set_line(vm, user, &status);
}

int irqchip_set_line_status(struct vm *vm, struct kvm_irq_level __user *user)
{
	s32 status;

	return set_line(vm, user, &status) ?: put_user(status, &user->status);
}

int irqchip_get(struct vm *vm, struct kvm_irqchip *chip)
{
	struct irq_fabric *fabric = &vm->fabric;

	if (!fabric_has_irqchip(fabric))
		return -ENXIO;
	fabric_flush(fabric);
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

int irqchip_set(struct vm *vm, const struct kvm_irqchip *chip)
{
	struct irq_fabric *fabric = &vm->fabric;

	if (!fabric_has_irqchip(fabric))
		return -ENXIO;
	/* A message that is on its way belongs to the state that this one replaces. */
	fabric_flush(fabric);
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

int irqchip_get_pit2(struct vm *vm, struct kvm_pit_state2 *state)
{
	if (!vm->fabric.pit)
		return -ENXIO;
	pit_get_state(vm->fabric.pit, state);
	return 0;
}

int irqchip_set_pit2(struct vm *vm, const struct kvm_pit_state2 *state)
{
	return vm->fabric.pit ? pit_set_state(vm->fabric.pit, state) : -ENXIO;
}

/* The ioctl's number does not encode the size of the structure. */
int irqchip_reinject_control(struct vm *vm, const struct kvm_reinject_control __user *user)
{
	struct kvm_reinject_control control;

	if (copy_from_user(&control, user, sizeof(control)))
		return -EFAULT;
	if (!vm->fabric.pit)
		return -ENXIO;
	pit_set_reinject(vm->fabric.pit, control.pit_reinject);
	return 0;
}

int irqchip_signal_msi(struct vm *vm, const struct kvm_msi *msi)
{
	if (!fabric_has_lapics(&vm->fabric))
		return -EINVAL;
	return fabric_deliver_msi(&vm->fabric, msi);
}

int irqchip_set_routing(struct vm *vm, struct kvm_irq_routing __user *user)
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
