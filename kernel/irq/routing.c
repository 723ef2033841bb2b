// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSI routing: from a GSI to pins and messages, and from an MSI to local APICs. The table is
 * immutable; a change replaces it by a new one (irq_fabric.srcu).
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irq/fabric.h"
#include "irq/ioapic.h"
#include "irq/lapic_regs.h"
#include "irq/pic.h"

#define PIC_CHIP_PINS (PIC_PINS / 2)

/* Message data (SDM 3A 11.11.2). */
#define MSI_DATA_VECTOR GENMASK(7, 0)
#define MSI_DATA_LEVEL BIT(15)

/**
 * struct irq_route - one destination of a GSI
 * @msi: it is an MSI to local APICs, else a pin
 * @chip: KVM_IRQCHIP_* of the pin
 * @pin: pin of @chip
 * @address_lo: MSI address, low half
 * @address_hi: MSI address, high half
 * @data: MSI data
 */
struct irq_route {
	bool msi;
	u8 chip;
	u8 pin;
	u32 address_lo;
	u32 address_hi;
	u32 data;
};

/**
 * struct irq_routing - a routing table
 * @gsis: greatest GSI in it plus one
 * @first: for each GSI the index of its first @route; @gsis + 1 entries, which lie
 *	behind @route in the same allocation
 * @user_vectors: vectors of level-triggered MSIs from pins of userspace's IOAPIC
 * @pin_gsi: the GSI that goes to a pin, or -1
 * @route: routes by ascending GSI
 */
struct irq_routing {
	u32 gsis;
	u16 *first;
	DECLARE_BITMAP(user_vectors, 256);
	s16 pin_gsi[KVM_NR_IRQCHIPS][KVM_IOAPIC_NUM_PINS];
	struct irq_route route[];
};

static bool msi_address_valid(const struct irq_fabric *fabric, u32 address_hi)
{
	/* With 32-bit ids the high half carries bits 31:8 of the destination. */
	return !fabric->ids32 || !(address_hi & 0xff);
}

/* An MSI may have a device id. No interrupt controller of x86 looks at it. */
#define MSI_FLAGS KVM_MSI_VALID_DEVID

static bool entry_valid(const struct irq_fabric *fabric, const struct kvm_irq_routing_entry *entry)
{
	const u32 flags = entry->type == KVM_IRQ_ROUTING_MSI ? MSI_FLAGS : 0;

	if (entry->gsi >= FABRIC_MAX_GSI || entry->flags & ~flags)
		return false;
	switch (entry->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (fabric->split)
			return false;
		if (entry->u.irqchip.irqchip == KVM_IRQCHIP_IOAPIC)
			return entry->u.irqchip.pin < KVM_IOAPIC_NUM_PINS;
		return entry->u.irqchip.irqchip < KVM_NR_IRQCHIPS &&
		       entry->u.irqchip.pin < PIC_CHIP_PINS;
	case KVM_IRQ_ROUTING_MSI:
		return msi_address_valid(fabric, entry->u.msi.address_hi);
	default:
		return false;
	}
}

static void route_fill(const struct irq_fabric *fabric, struct irq_routing *table,
		       struct irq_route *route, const struct kvm_irq_routing_entry *entry)
{
	if (entry->type == KVM_IRQ_ROUTING_MSI) {
		route->msi = true;
		route->address_lo = entry->u.msi.address_lo;
		route->address_hi = entry->u.msi.address_hi;
		route->data = entry->u.msi.data;
		if (entry->gsi < fabric->user_pins && route->data & MSI_DATA_LEVEL)
			__set_bit(route->data & MSI_DATA_VECTOR, table->user_vectors);
		return;
	}
	route->chip = entry->u.irqchip.irqchip;
	route->pin = entry->u.irqchip.pin;
	table->pin_gsi[route->chip][route->pin] = entry->gsi;
}

/* Sort the entries by GSI; those of one GSI keep their order. */
static void table_fill(const struct irq_fabric *fabric, struct irq_routing *table,
		       const struct kvm_irq_routing_entry *entries, u32 nr)
{
	u32 i, gsi;

	memset(table->pin_gsi, 0xff, sizeof(table->pin_gsi));
	for (i = 0; i < nr; i++)
		table->first[entries[i].gsi + 1]++;
	for (gsi = 0; gsi < table->gsis; gsi++)
		table->first[gsi + 1] += table->first[gsi];
	/* Fill backwards, so that first[gsi + 1] ends at the GSI's first route. */
	for (i = nr; i-- > 0;)
		route_fill(fabric, table, &table->route[--table->first[entries[i].gsi + 1]],
			   &entries[i]);
	memmove(table->first, table->first + 1, table->gsis * sizeof(table->first[0]));
	table->first[table->gsis] = nr;
}

static struct irq_routing *table_create(const struct irq_fabric *fabric,
					const struct kvm_irq_routing_entry *entries, u32 nr)
{
	struct irq_routing *table;
	u32 i, gsis = 0;

	for (i = 0; i < nr; i++)
		gsis = max(gsis, entries[i].gsi + 1);
	table = kvzalloc(struct_size(table, route, nr) + (gsis + 1) * sizeof(table->first[0]),
			 GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;
	table->gsis = gsis;
	table->first = (u16 *)&table->route[nr];
	table_fill(fabric, table, entries, nr);
	return table;
}

static bool entries_valid(const struct irq_fabric *fabric,
			  const struct kvm_irq_routing_entry *entries, u32 nr)
{
	u32 i;

	if (nr > FABRIC_MAX_GSI)
		return false;
	for (i = 0; i < nr; i++)
		if (!entry_valid(fabric, &entries[i]))
			return false;
	return true;
}

/* Return true if each GSI goes to one MSI, or to at most one pin of each chip. */
static bool table_valid(const struct irq_routing *table)
{
	u32 gsi, i, j;

	for (gsi = 0; gsi < table->gsis; gsi++)
		for (i = table->first[gsi]; i < table->first[gsi + 1]; i++)
			for (j = table->first[gsi]; j < i; j++)
				if (table->route[i].msi || table->route[j].msi ||
				    table->route[i].chip == table->route[j].chip)
					return false;
	return true;
}

int fabric_set_routing(struct irq_fabric *fabric, const struct kvm_irq_routing_entry *entries,
		       u32 nr)
{
	struct irq_routing *table, *old;

	if (!entries_valid(fabric, entries, nr))
		return -EINVAL;
	table = table_create(fabric, entries, nr);
	if (!table)
		return -ENOMEM;
	if (!table_valid(table)) {
		kvfree(table);
		return -EINVAL;
	}
	mutex_lock(&fabric->lock);
	old = rcu_replace_pointer(fabric->routing, table, lockdep_is_held(&fabric->lock));
	mutex_unlock(&fabric->lock);
	if (!old)
		return 0;
	/* Once the ioctl returns, no interrupt may take an old route: userspace relies on it. */
	synchronize_srcu_expedited(&fabric->srcu);
	kvfree(old);
	return 0;
}

/* SDM 3A 11.11.1 and 11.11.2 */
static struct irq_msg msi_message(const struct irq_fabric *fabric, u32 address_lo, u32 address_hi,
				  u32 data)
{
	struct irq_msg msg = {
		.dest = address_lo >> 12 & 0xff,
		.vector = data,
		.mode = data >> 8 & 7,
		.logical = address_lo & BIT(2),
		.redirect = address_lo & BIT(3),
		.level = data & MSI_DATA_LEVEL,
		.assert = true,
	};

	if (fabric->ids32)
		msg.dest |= address_hi & 0xffffff00;
	return msg;
}

int fabric_deliver_msi(struct irq_fabric *fabric, const struct kvm_msi *msi)
{
	struct irq_msg msg = msi_message(fabric, msi->address_lo, msi->address_hi, msi->data);

	if (msi->flags & ~MSI_FLAGS || !msi_address_valid(fabric, msi->address_hi))
		return -EINVAL;
	return max(fabric_deliver(fabric, NULL, &msg), 0);
}

/* Send the MSI of a GSI, now or soon. */
static int route_send_msi(struct irq_fabric *fabric, u32 gsi, const struct irq_route *route)
{
	struct irq_msg msg = msi_message(fabric, route->address_lo, route->address_hi, route->data);

	if (!fabric_defers(fabric, &msg))
		return fabric_deliver(fabric, NULL, &msg);
	if (test_and_set_bit(gsi, fabric->deferred_msis))
		return 0;
	schedule_work(&fabric->deferred);
	return 1;
}

/* Send the MSI that the GSI has now; it has one at most. Without an MSI send nothing. */
static void send_deferred_msi(struct irq_fabric *fabric, u32 gsi)
{
	int idx = srcu_read_lock(&fabric->srcu);
	const struct irq_routing *table = srcu_dereference(fabric->routing, &fabric->srcu);

	if (table && gsi < table->gsis && table->first[gsi] < table->first[gsi + 1]) {
		const struct irq_route *route = &table->route[table->first[gsi]];

		if (route->msi)
			route_send_msi(fabric, gsi, route);
	}
	srcu_read_unlock(&fabric->srcu, idx);
}

void fabric_send_deferred_msis(struct irq_fabric *fabric)
{
	unsigned int gsi;

	for_each_set_bit(gsi, fabric->deferred_msis, FABRIC_MAX_GSI)
		if (test_and_clear_bit(gsi, fabric->deferred_msis))
			send_deferred_msi(fabric, gsi);
}

static int route_set(struct irq_fabric *fabric, u32 gsi, const struct irq_route *route,
		     enum irq_source source, enum line_change change)
{
	struct ioapic *ioapic = READ_ONCE(fabric->ioapic);

	/* A rising edge sends a message; there is no line to lower. */
	if (route->msi)
		return change != LINE_LOWER ? route_send_msi(fabric, gsi, route) : -1;
	if (!ioapic)
		return -1;
	if (route->chip == KVM_IRQCHIP_IOAPIC)
		return ioapic_set_irq(ioapic, route->pin, change, source);
	return pic_set_irq(fabric->pic, route->chip * PIC_CHIP_PINS + route->pin, change, source);
}

static int change_gsi(struct irq_fabric *fabric, enum irq_source source, u32 gsi,
		      enum line_change change)
{
	const struct irq_routing *table;
	int result = -1, idx;
	u32 i;

	idx = srcu_read_lock(&fabric->srcu);
	table = srcu_dereference(fabric->routing, &fabric->srcu);
	if (table && gsi < table->gsis) {
		gsi = array_index_nospec(gsi, table->gsis);
		for (i = table->first[gsi]; i < table->first[gsi + 1]; i++) {
			int one = route_set(fabric, gsi, &table->route[i], source, change);

			if (one >= 0)
				result = max(result, 0) + one;
		}
	}
	srcu_read_unlock(&fabric->srcu, idx);
	return result;
}

int fabric_set_gsi(struct irq_fabric *fabric, enum irq_source source, u32 gsi, bool level)
{
	return change_gsi(fabric, source, gsi, level ? LINE_RAISE : LINE_LOWER);
}

int fabric_pulse_gsi(struct irq_fabric *fabric, enum irq_source source, u32 gsi)
{
	return change_gsi(fabric, source, gsi, LINE_PULSE);
}

bool fabric_is_user_vector(struct irq_fabric *fabric, u8 vector)
{
	const struct irq_routing *table;
	bool found;
	int idx;

	idx = srcu_read_lock(&fabric->srcu);
	table = srcu_dereference(fabric->routing, &fabric->srcu);
	found = table && test_bit(vector, table->user_vectors);
	srcu_read_unlock(&fabric->srcu, idx);
	return found;
}

void fabric_notify_ack(struct irq_fabric *fabric, unsigned int chip, unsigned int pin)
{
	const struct irq_routing *table;
	struct irq_ack *ack;
	int gsi, idx;

	if (!fabric_has_acks(fabric))
		return;
	idx = srcu_read_lock(&fabric->srcu);
	table = srcu_dereference(fabric->routing, &fabric->srcu);
	gsi = table ? table->pin_gsi[chip][pin] : -1;
	if (gsi >= 0) {
		hlist_for_each_entry_srcu(ack, &fabric->acks, node,
					  srcu_read_lock_held(&fabric->srcu))
			if (ack->gsi == (u32)gsi)
				ack->acked(ack);
	}
	srcu_read_unlock(&fabric->srcu, idx);
}
