// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's interrupt fabric from creation to destruction, and the ports and addresses at which the
 * guest finds its controllers.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irq/fabric.h"
#include "irq/ioapic.h"
#include "irq/lapic.h"
#include "irq/lapic_regs.h"
#include "irq/pic.h"
#include "irq/pit.h"

/* Interrupts are on. An interrupt that comes meanwhile may be deferred again. */
static void fabric_deliver_deferred(struct work_struct *work)
{
	struct irq_fabric *fabric = container_of(work, struct irq_fabric, deferred);
	struct ioapic *ioapic = READ_ONCE(fabric->ioapic);

	if (xchg(&fabric->deferred_lint0, false))
		fabric_set_lint0(fabric, false);
	fabric_send_deferred_msis(fabric);
	if (ioapic)
		ioapic_send_deferred(ioapic);
}

int fabric_init(struct irq_fabric *fabric, const struct fabric_ops *ops)
{
	fabric->ops = ops;
	mutex_init(&fabric->lock);
	INIT_HLIST_HEAD(&fabric->acks);
	INIT_WORK(&fabric->deferred, fabric_deliver_deferred);
	return init_srcu_struct(&fabric->srcu);
}

void fabric_stop(struct irq_fabric *fabric)
{
	/* Its timer raises lines of PIC and IOAPIC, and so delivers to lapics. */
	pit_destroy(fabric->pit);
	fabric->pit = NULL;
	cancel_work_sync(&fabric->deferred);
}

void fabric_destroy(struct irq_fabric *fabric)
{
	ioapic_destroy(fabric->ioapic);
	pic_destroy(fabric->pic);
	kvfree(rcu_dereference_protected(fabric->routing, true));
	kvfree(rcu_dereference_protected(fabric->lapics, true));
	cleanup_srcu_struct(&fabric->srcu);
	mutex_destroy(&fabric->lock);
}

/* Route GSIs 0 to 15 to PIC and IOAPIC, and 16 to 23 to the IOAPIC. */
static int fabric_default_routing(struct irq_fabric *fabric)
{
	struct kvm_irq_routing_entry *entries;
	u32 nr = 0, gsi;
	int err;

	entries = kcalloc(PIC_PINS + KVM_IOAPIC_NUM_PINS, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	for (gsi = 0; gsi < KVM_IOAPIC_NUM_PINS; gsi++) {
		entries[nr].gsi = gsi;
		entries[nr].type = KVM_IRQ_ROUTING_IRQCHIP;
		entries[nr].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		entries[nr++].u.irqchip.pin = gsi;
		if (gsi >= PIC_PINS)
			continue;
		entries[nr].gsi = gsi;
		entries[nr].type = KVM_IRQ_ROUTING_IRQCHIP;
		entries[nr].u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER :
							  KVM_IRQCHIP_PIC_SLAVE;
		entries[nr++].u.irqchip.pin = gsi & 7;
	}
	err = fabric_set_routing(fabric, entries, nr);
	kfree(entries);
	return err;
}

int fabric_create_irqchip(struct irq_fabric *fabric)
{
	struct ioapic *ioapic;
	struct pic *pic;
	int err;

	if (fabric_has_lapics(fabric))
		return -EEXIST;
	pic = pic_create(fabric);
	ioapic = ioapic_create(fabric);
	err = pic && ioapic ? fabric_default_routing(fabric) : -ENOMEM;
	if (err) {
		ioapic_destroy(ioapic);
		pic_destroy(pic);
		return err;
	}
	fabric->pic = pic;
	/* Store @pic before @ioapic: fabric_has_irqchip() and route_set() test @ioapic for both. */
	smp_store_release(&fabric->ioapic, ioapic);
	return 0;
}

int fabric_split_irqchip(struct irq_fabric *fabric, u64 user_pins)
{
	if (user_pins > FABRIC_MAX_GSI)
		return -EINVAL;
	if (fabric_has_lapics(fabric))
		return -EEXIST;
	fabric->user_pins = user_pins;
	/* Store @user_pins before @split: fabric_has_lapics() tests @split for both. */
	smp_store_release(&fabric->split, true);
	return 0;
}

/*
 * Only KVM_PIT_SPEAKER_DUMMY is a valid flag. The PIT may come before fabric_create_irqchip(), as
 * kvmtool does it; until then no tick has a route.
 */
int fabric_create_pit(struct irq_fabric *fabric, u32 flags)
{
	struct pit *pit;

	if (flags & ~KVM_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	if (fabric->pit)
		return -EEXIST;
	pit = pit_create(fabric, flags);
	if (!pit)
		return -ENOMEM;
	/* Store the contents before @pit: vCPUs may run, and fabric_port_owner() reads @pit. */
	smp_store_release(&fabric->pit, pit);
	return 0;
}

void fabric_add_ack(struct irq_fabric *fabric, struct irq_ack *ack)
{
	mutex_lock(&fabric->lock);
	hlist_add_head_rcu(&ack->node, &fabric->acks);
	mutex_unlock(&fabric->lock);
}

void fabric_remove_ack(struct irq_fabric *fabric, struct irq_ack *ack)
{
	mutex_lock(&fabric->lock);
	hlist_del_rcu(&ack->node);
	mutex_unlock(&fabric->lock);
}

enum port_owner { PORT_NONE, PORT_PIC, PORT_PIT };

static enum port_owner fabric_port_owner(const struct irq_fabric *fabric, u16 port)
{
	const struct pit *pit = READ_ONCE(fabric->pit);

	if (fabric_has_irqchip(fabric) && pic_covers(port))
		return PORT_PIC;
	if (pit && pit_covers(pit, port))
		return PORT_PIT;
	return PORT_NONE;
}

static u8 fabric_port_read(struct irq_fabric *fabric, u16 port)
{
	switch (fabric_port_owner(fabric, port)) {
	case PORT_PIC:
		return pic_pio_read(fabric->pic, port);
	case PORT_PIT:
		return pit_pio_read(fabric->pit, port);
	default:
		return 0xff;
	}
}

static void fabric_port_write(struct irq_fabric *fabric, u16 port, u8 val)
{
	switch (fabric_port_owner(fabric, port)) {
	case PORT_PIC:
		pic_pio_write(fabric->pic, port, val);
		break;
	case PORT_PIT:
		pit_pio_write(fabric->pit, port, val);
		break;
	default:
		break;
	}
}

int fabric_pio_read(struct irq_fabric *fabric, u16 port, unsigned int size, u32 *val)
{
	unsigned int i;

	if (fabric_port_owner(fabric, port) == PORT_NONE)
		return -EOPNOTSUPP;
	*val = 0;
	for (i = 0; i < size; i++)
		*val |= (u32)fabric_port_read(fabric, port + i) << 8 * i;
	return 0;
}

int fabric_pio_write(struct irq_fabric *fabric, u16 port, unsigned int size, u32 val)
{
	unsigned int i;

	if (fabric_port_owner(fabric, port) == PORT_NONE)
		return -EOPNOTSUPP;
	for (i = 0; i < size; i++)
		fabric_port_write(fabric, port + i, val >> 8 * i);
	return 0;
}

/* Return true if all bytes of the access lie in the lapic's page. */
static bool fabric_is_lapic(const struct lapic *lapic, u64 gpa, unsigned int len)
{
	return lapic && lapic_covers(lapic, gpa) && lapic_covers(lapic, gpa + len - 1);
}

static bool fabric_is_ioapic(const struct ioapic *ioapic, u64 gpa, unsigned int len)
{
	return ioapic && gpa - READ_ONCE(ioapic->base) <= IOAPIC_MMIO_SIZE - len;
}

int fabric_mmio_read(struct irq_fabric *fabric, struct lapic *lapic, u64 gpa, void *buf,
		     unsigned int len)
{
	struct ioapic *ioapic = READ_ONCE(fabric->ioapic);

	if (fabric_is_lapic(lapic, gpa, len))
		lapic_mmio_read(lapic, gpa & (LAPIC_MMIO_SIZE - 1), buf, len);
	else if (fabric_is_ioapic(ioapic, gpa, len))
		ioapic_mmio_read(ioapic, gpa - READ_ONCE(ioapic->base), buf, len);
	else
		return -EOPNOTSUPP;
	return 0;
}

int fabric_mmio_write(struct irq_fabric *fabric, struct lapic *lapic, u64 gpa, const void *buf,
		      unsigned int len)
{
	struct ioapic *ioapic = READ_ONCE(fabric->ioapic);

	if (fabric_is_lapic(lapic, gpa, len))
		lapic_mmio_write(lapic, gpa & (LAPIC_MMIO_SIZE - 1), buf, len);
	else if (fabric_is_ioapic(ioapic, gpa, len))
		ioapic_mmio_write(ioapic, gpa - READ_ONCE(ioapic->base), buf, len);
	else
		return -EOPNOTSUPP;
	return 0;
}
