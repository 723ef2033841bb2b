/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt fabric of a VM: its local APICs and interrupt controllers, the way of a GSI or an
 * MSI to them, and their requests to the rest of the module. It knows nothing of vendors, file
 * descriptors or ioctls.
 *
 * A function may be called in any context, hard irqs included, with no lock of the fabric held,
 * unless its comment says otherwise. Functions that "may sleep" need process context.
 */
#ifndef ORIEL_IRQ_FABRIC_H
#define ORIEL_IRQ_FABRIC_H

#include <linux/atomic.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct lapic;

/* GSIs, and entries of the routing table (KVM_CAP_IRQ_ROUTING). */
#define FABRIC_MAX_GSI 4096

/* Greatest APIC id plus one (KVM_CAP_MAX_VCPU_ID). */
#define FABRIC_MAX_APIC_ID 4096

/*
 * The drivers of a line. A level-triggered line is asserted while any of them asserts it, so
 * each has a vote of its own on each pin.
 */
enum irq_source {
	IRQ_SOURCE_USER, /* KVM_IRQ_LINE and edge-triggered irqfds */
	IRQ_SOURCE_PIT,
	IRQ_SOURCE_RESAMPLE, /* all irqfds with a resamplefd, together */
	IRQ_SOURCE_COUNT
};

/**
 * struct fabric_ops - requests of the fabric to the owner of the vCPUs
 * @kick: make the vCPU look at its lapic and at the PIC soon: wake it when it sleeps, make it
 *	leave the guest when it is in it. Called after the new state was stored.
 *	Any context, with raw spinlocks held too; may be called for the running vCPU itself.
 * @guest_tsc: the vCPU's TSC now, in the guest's ticks (offset and scale
 *	applied). vCPU thread or under the vCPU's mutex.
 * @tsc_to_ns: nanoseconds that @ticks of the guest's TSC take, rounded up and
 *	saturated at S64_MAX, so that a deadline never fires early. Same context.
 * @counts_deadline: return true if the CPU counts to a TSC deadline by itself while the
 *	vCPU runs: see lapic_held_deadline(). Optional. Any context.
 * @user_eoi: the vCPU ended a level-triggered interrupt of an IOAPIC in userspace,
 *	which has to be told. vCPU thread or under the vCPU's mutex.
 *
 * The first argument is always the cookie given to lapic_create().
 */
struct fabric_ops {
	void (*kick)(void *vcpu);
	u64 (*guest_tsc)(void *vcpu);
	u64 (*tsc_to_ns)(void *vcpu, u64 ticks);
	bool (*counts_deadline)(void *vcpu);
	void (*user_eoi)(void *vcpu, u8 vector);
};

/**
 * struct irq_fabric - the interrupt controllers of one VM
 * @ops: provided by the owner of the vCPUs
 * @lock: serializes creation and removal of parts and changes of the routing
 * @lapics: local APICs by APIC id; read under RCU
 * @routing: GSI routing table; read under RCU
 * @acks: struct irq_ack listeners; read under RCU, written under @lock
 * @pic: dual 8259, NULL without an in-kernel irqchip
 * @ioapic: I/O APIC, NULL without an in-kernel irqchip
 * @pit: 8254, NULL until created
 * @split: local APICs alone: userspace has PIC and IOAPIC
 * @user_pins: with @split: GSIs below it are pins of userspace's IOAPIC
 * @xapics: number of lapics that are not in x2APIC mode
 * @arb: advances at each lowest-priority delivery and breaks its ties
 * @ids32: MSI and lapic state carry 32-bit APIC ids (KVM_X2APIC_API_USE_32BIT_IDS)
 * @no_x2apic_broadcast: destination 0xff of an MSI or RTE is no broadcast for an
 *	x2APIC-mode lapic (KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
 * @lint0_masked: the BSP's LVT LINT0 starts masked, as on bare metal
 *	(KVM_X86_QUIRK_LINT0_REENABLED disabled)
 *
 * Embedded in the owner's VM structure. The flags are set before they matter:
 * before the first vCPU runs.
 */
struct irq_fabric {
	const struct fabric_ops *ops;
	struct mutex lock; /* creation, removal, routing */
	struct lapic_map __rcu *lapics;
	struct irq_routing __rcu *routing;
	struct hlist_head acks;
	struct pic *pic;
	struct ioapic *ioapic;
	struct pit *pit;
	bool split;
	u32 user_pins;
	atomic_t xapics;
	atomic_t arb;
	bool ids32;
	bool no_x2apic_broadcast;
	bool lint0_masked;
};

/**
 * struct irq_ack - a listener told when the guest acknowledges a GSI
 * @node: in irq_fabric.acks
 * @gsi: the GSI
 * @acked: called at the guest's EOI (lapic or PIC) with no lock of the fabric
 *	held, under RCU, in atomic context; may raise or lower GSIs
 */
struct irq_ack {
	struct hlist_node node;
	u32 gsi;
	void (*acked)(struct irq_ack *ack);
};

/**
 * struct irq_msg - an interrupt message on its way to local APICs
 * @dest: destination, physical or logical; ignored with a shorthand
 * @vector: vector
 * @mode: delivery mode, enum lapic_mode
 * @shorthand: ICR bits 19:18, enum lapic_shorthand
 * @logical: @dest is a logical destination
 * @level: level-triggered
 * @assert: level bit of the ICR; true for all messages but INIT de-assert
 * @redirect: MSI redirection hint: a logical @dest means one of the group
 * @ipi: sent by a local APIC, so that the sender's mode decides which @dest is a broadcast
 * @x2apic: sender is in x2APIC mode (meaningful with @ipi)
 */
struct irq_msg {
	u32 dest;
	u8 vector;
	u8 mode;
	u8 shorthand;
	bool logical;
	bool level;
	bool assert;
	bool redirect;
	bool ipi;
	bool x2apic;
};

/** fabric_init() - no controllers and no routing; @fabric is zeroed, @ops must outlive it */
void fabric_init(struct irq_fabric *fabric, const struct fabric_ops *ops);

/** fabric_destroy() - after all lapics, when nobody raises interrupts any more; may sleep */
void fabric_destroy(struct irq_fabric *fabric);

/**
 * fabric_create_irqchip() - PIC, IOAPIC and default routing (KVM_CREATE_IRQCHIP); may sleep
 *
 * Before the first lapic is created. Returns 0, -EEXIST or -ENOMEM.
 */
int fabric_create_irqchip(struct irq_fabric *fabric);

/**
 * fabric_split_irqchip() - local APICs alone (KVM_CAP_SPLIT_IRQCHIP)
 * @user_pins: GSIs below it are pins of userspace's IOAPIC; at most FABRIC_MAX_GSI
 *
 * Before the first lapic is created. No GSI has a route then. Returns 0, -EINVAL or -EEXIST.
 */
int fabric_split_irqchip(struct irq_fabric *fabric, u64 user_pins);

/**
 * fabric_create_pit() - 8254 (KVM_CREATE_PIT2); may sleep
 * @flags: KVM_PIT_SPEAKER_DUMMY or 0
 *
 * It may come before the irqchip, as kvmtool makes it; ticks have no route until then. Returns
 * 0, -EINVAL for unknown flags, -EEXIST or -ENOMEM.
 */
int fabric_create_pit(struct irq_fabric *fabric, u32 flags);

/** fabric_has_irqchip() - return true if PIC and IOAPIC exist */
static inline bool fabric_has_irqchip(const struct irq_fabric *fabric)
{
	return READ_ONCE(fabric->ioapic);
}

/** fabric_has_lapics() - return true if each vCPU gets a lapic */
static inline bool fabric_has_lapics(const struct irq_fabric *fabric)
{
	return fabric_has_irqchip(fabric) || READ_ONCE(fabric->split);
}

/**
 * fabric_set_gsi() - drive a GSI
 * @gsi: any value; one without a route is ignored
 * @level: true asserts
 *
 * Return: as KVM_IRQ_LINE_STATUS: > 0 number of places it was delivered to,
 * 0 coalesced with one still pending, -1 masked, nobody there, or no route.
 */
int fabric_set_gsi(struct irq_fabric *fabric, enum irq_source source, u32 gsi, bool level);

/** fabric_pulse_gsi() - assert a GSI and deassert it: one edge; the assertion's result */
int fabric_pulse_gsi(struct irq_fabric *fabric, enum irq_source source, u32 gsi);

/**
 * fabric_deliver_msi() - deliver a message-signalled interrupt (KVM_SIGNAL_MSI)
 * @msi: address and data as a device would write them (SDM 3A 10.11)
 *
 * Return: > 0 delivered, 0 coalesced or blocked by the guest, -EINVAL for
 * flags other than a device id, or an address the VM's id format forbids.
 */
int fabric_deliver_msi(struct irq_fabric *fabric, const struct kvm_msi *msi);

/**
 * fabric_set_routing() - replace the routing table (KVM_SET_GSI_ROUTING); may sleep
 * @entries: @nr entries in kernel memory; with 0, NULL, all routes go
 *
 * Lines that are asserted stay as they are on their pins. Interrupts raised
 * meanwhile take the old or the new route, never a mixture.
 *
 * Return: 0; -EINVAL: @nr > FABRIC_MAX_GSI, GSI out of range, flags other than an
 * MSI's device id, unknown type, chip or pin, any chip when there is none, a second
 * MSI or a second entry for the same chip on one GSI, MSI address not valid;
 * -ENOMEM. On error nothing has changed.
 */
int fabric_set_routing(struct irq_fabric *fabric, const struct kvm_irq_routing_entry *entries,
		       u32 nr);

/** fabric_pic_pending() - return true if the PIC asserts INTR; see lapic_accepts_extint() */
bool fabric_pic_pending(const struct irq_fabric *fabric);

/** fabric_pic_ack() - INTA cycle: the vector to inject, IR7's (spurious) if the request is gone */
int fabric_pic_ack(struct irq_fabric *fabric);

/**
 * fabric_pio_read() - read an I/O port of PIC or PIT; vCPU thread, may sleep
 * @size: 1, 2 or 4 bytes
 * @val: value read; a wide access is split into bytes, as the ISA bus does, and
 *	ports that are none of the fabric's read as ones
 *
 * Return: 0, -EOPNOTSUPP if @port is none of the fabric's.
 */
int fabric_pio_read(struct irq_fabric *fabric, u16 port, unsigned int size, u32 *val);
/** fabric_pio_write() - write an I/O port of PIC or PIT; as fabric_pio_read() */
int fabric_pio_write(struct irq_fabric *fabric, u16 port, unsigned int size, u32 val);

/**
 * fabric_mmio_read() - read the local APIC's page or the IOAPIC; vCPU thread, may sleep
 * @lapic: the vCPU's
 * @len: 1 to 8 bytes
 *
 * Return: 0, -EOPNOTSUPP if neither covers all of the access.
 */
int fabric_mmio_read(struct irq_fabric *fabric, struct lapic *lapic, u64 gpa, void *buf,
		     unsigned int len);
/** fabric_mmio_write() - write the local APIC's page or the IOAPIC; as fabric_mmio_read() */
int fabric_mmio_write(struct irq_fabric *fabric, struct lapic *lapic, u64 gpa, const void *buf,
		      unsigned int len);

/*
 * Between the parts of the fabric.
 */

/**
 * fabric_deliver() - deliver a message to the local APICs it names
 * @source: sending lapic, for shorthands; NULL for IOAPIC and MSI
 *
 * Return: > 0 number of lapics that accepted it anew, 0 all had it pending
 * already, -1 no lapic matched or accepted.
 */
int fabric_deliver(struct irq_fabric *fabric, struct lapic *source, const struct irq_msg *msg);

/** fabric_set_lint0() - the PIC's output, wired to LINT0 of all lapics, rose */
void fabric_set_lint0(struct irq_fabric *fabric);

/** fabric_is_user_vector() - a level-triggered MSI route of a pin in userspace has @vector */
bool fabric_is_user_vector(struct irq_fabric *fabric, u8 vector);

/** fabric_add_ack() - tell a listener, all but @node filled in, of acknowledged GSIs; may sleep */
void fabric_add_ack(struct irq_fabric *fabric, struct irq_ack *ack);
/** fabric_remove_ack() - tell it no more; sleeps for a grace period, then @ack may be freed */
void fabric_remove_ack(struct irq_fabric *fabric, struct irq_ack *ack);

/** fabric_has_acks() - return true if there are listeners */
static inline bool fabric_has_acks(const struct irq_fabric *fabric)
{
	return !hlist_empty(&fabric->acks);
}

/** fabric_notify_ack() - tell the listeners that a pin of KVM_IRQCHIP_* @chip was acknowledged */
void fabric_notify_ack(struct irq_fabric *fabric, unsigned int chip, unsigned int pin);

#endif
