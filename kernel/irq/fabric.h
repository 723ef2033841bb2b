/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt fabric of a VM: its local APICs and interrupt controllers, the path of a GSI or
 * an MSI to them, and the operations through which they call the rest of the module. It knows
 * nothing of vendors, file descriptors or ioctls.
 *
 * A function may be called in any context, hard irqs included, with no lock of the fabric held,
 * unless its comment says otherwise. Functions that "may sleep" need process context.
 */
#ifndef ORIEL_IRQ_FABRIC_H
#define ORIEL_IRQ_FABRIC_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct lapic;

/* GSIs, and entries of the routing table (KVM_CAP_IRQ_ROUTING). */
#define FABRIC_MAX_GSI 4096

/* Greatest APIC id plus one (KVM_CAP_MAX_VCPU_ID). */
#define FABRIC_MAX_APIC_ID 4096

/* With interrupts off, no message is delivered to more local APICs than this (fabric_defers()). */
#define FABRIC_MANY 16

/*
 * The sources that drive lines. A level-triggered line is asserted as long as any source asserts
 * it, so each pin has one bit for each source.
 */
enum irq_source {
	IRQ_SOURCE_USER, /* KVM_IRQ_LINE and edge-triggered irqfds */
	IRQ_SOURCE_PIT,
	IRQ_SOURCE_RESAMPLE, /* all irqfds with a resamplefd, together */
	IRQ_SOURCE_RESTORED, /* KVM_SET_IRQCHIP, until the first source lowers the line */
	IRQ_SOURCE_COUNT
};

enum line_change {
	LINE_LOWER,
	LINE_RAISE,
	LINE_PULSE, /* raise and lower, so that nobody sees the line asserted */
};

/**
 * irq_sources_set() - return the sources that assert a line once @source raises or lowers it. A
 * saved line does not tell which source asserted it. So a source that lowers the line also ends the
 * assertion that was restored.
 */
static inline u8 irq_sources_set(u8 sources, enum irq_source source, bool level)
{
	if (level)
		return sources | BIT(source);
	return sources & ~(BIT(source) | BIT(IRQ_SOURCE_RESTORED));
}

/** irq_sources_restore() - return the sources once KVM_SET_IRQCHIP has set the line */
static inline u8 irq_sources_restore(u8 sources, bool level)
{
	sources &= ~(BIT(IRQ_SOURCE_USER) | BIT(IRQ_SOURCE_RESTORED));
	return level ? sources | BIT(IRQ_SOURCE_RESTORED) : sources;
}

/*
 * Operations that the owner of the vCPUs provides. The first argument is the cookie given to
 * lapic_create(). Those on the TSC are called by the vCPU's thread or under its mutex, as is
 * @user_eoi; the others in any context.
 */
struct fabric_ops {
	/*
	 * Make the vCPU look at its lapic and the PIC soon: wake it, or make it leave the guest.
	 * The fabric stores the new state before it kicks. Raw spinlocks may be held; the vCPU may
	 * be the caller's own.
	 */
	void (*kick)(void *vcpu);
	u64 (*guest_tsc)(void *vcpu); /* the guest's ticks: offset and scale applied */
	/*
	 * Rounds up, at most S64_MAX. A deadline in the hrtimer can still be early by as much as
	 * NTP slews CLOCK_MONOTONIC, 500 ppm at most.
	 */
	u64 (*tsc_to_ns)(void *vcpu, u64 ticks);
	/* Optional: the CPU counts to a deadline by itself (lapic_held_deadline()). */
	bool (*counts_deadline)(void *vcpu);
	/* The vCPU ended a level-triggered interrupt of userspace's IOAPIC. */
	void (*user_eoi)(void *vcpu, u8 vector);
};

/*
 * The interrupt controllers of one VM. Embedded in the owner's VM structure; the owner sets the
 * last three flags before the first vCPU runs.
 */
struct irq_fabric {
	const struct fabric_ops *ops;
	struct mutex lock; /* creation and removal of parts, changes of @routing */
	/*
	 * Readers hold it while they use @routing, @acks or the irqfds of a resampler; a change
	 * waits for them. With plain RCU an expedited grace period would interrupt every CPU of the
	 * host, and another one would take too long.
	 */
	struct srcu_struct srcu;
	/*
	 * Local APICs by APIC id; read under RCU, which protects only the map: a lapic stays until
	 * the VM ends.
	 */
	struct lapic_map __rcu *lapics;
	struct irq_routing __rcu *routing; /* GSI routing table; read under @srcu */
	struct hlist_head acks; /* struct irq_ack; read under @srcu, written under @lock */
	struct pic *pic; /* dual 8259; NULL without an in-kernel irqchip */
	struct ioapic *ioapic; /* NULL without an in-kernel irqchip */
	struct pit *pit; /* 8254, NULL until created */
	/* Delivers what fabric_defers() keeps back: the next two members, and pins of @ioapic. */
	struct work_struct deferred;
	DECLARE_BITMAP(deferred_msis, FABRIC_MAX_GSI); /* GSIs whose MSI waits; atomic */
	bool deferred_lint0; /* an edge at LINT0 of all lapics waits */
	bool split; /* the module has the local APICs only; userspace has PIC and IOAPIC */
	u32 user_pins; /* with @split: a GSI below this number is a pin of userspace's IOAPIC */
	atomic_t xapics; /* number of lapics that are not in x2APIC mode */
	atomic_t arb; /* lowest-priority deliveries: chooses among lapics of equal priority */
	bool ids32; /* 32-bit APIC ids in MSI and lapic state (KVM_X2APIC_API_USE_32BIT_IDS) */
	/*
	 * Destination 0xff of an MSI or RTE is no broadcast for a lapic in x2APIC mode
	 * (KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK).
	 */
	bool no_x2apic_broadcast;
	/*
	 * The BSP's LVT LINT0 starts masked, as on bare metal (KVM_X86_QUIRK_LINT0_REENABLED is
	 * disabled).
	 */
	bool lint0_masked;
};

/* A listener for the guest's acknowledgments of a GSI. */
struct irq_ack {
	struct hlist_node node; /* in irq_fabric.acks */
	u32 gsi;
	/*
	 * Called at the guest's EOI (lapic or PIC) with no lock of the fabric held, under @srcu of
	 * the fabric; must not sleep; may raise or lower GSIs.
	 */
	void (*acked)(struct irq_ack *ack);
};

/* An interrupt message on its way to local APICs. */
struct irq_msg {
	u32 dest; /* physical or logical; ignored with a shorthand */
	u8 vector;
	u8 mode; /* enum lapic_mode */
	u8 shorthand; /* enum lapic_shorthand: ICR bits 19:18 */
	bool logical; /* @dest is a logical destination */
	bool level; /* level-triggered */
	bool assert; /* level bit of the ICR; true for all messages but INIT de-assert */
	bool redirect; /* MSI redirection hint: a logical @dest means one of the group */
	bool ipi; /* sent by a local APIC, whose mode decides which @dest is a broadcast */
	bool x2apic; /* with @ipi: the sender is in x2APIC mode */
};

/**
 * fabric_init() - start without controllers; @fabric is zeroed, @ops must outlive it. Return 0 or
 * -ENOMEM.
 */
int fabric_init(struct irq_fabric *fabric, const struct fabric_ops *ops);
/**
 * fabric_stop() - the VM ends: no vCPU runs, and no ioctl or irqfd raises an interrupt. On return
 * no timer does either, and the lapics can be destroyed. May sleep.
 */
void fabric_stop(struct irq_fabric *fabric);
/**
 * fabric_flush() - wait until each interrupt that was raised before has arrived at its lapics; may
 * sleep; no lock of the fabric held
 */
static inline void fabric_flush(struct irq_fabric *fabric)
{
	flush_work(&fabric->deferred);
}

/** fabric_destroy() - after fabric_stop() and after all lapics; may sleep */
void fabric_destroy(struct irq_fabric *fabric);
/**
 * fabric_create_irqchip() - KVM_CREATE_IRQCHIP, before the first lapic; may sleep. Return 0,
 * -EEXIST or -ENOMEM.
 */
int fabric_create_irqchip(struct irq_fabric *fabric);
/**
 * fabric_split_irqchip() - KVM_CAP_SPLIT_IRQCHIP, before the first lapic: no GSI gets a route.
 * Those below @user_pins, at most FABRIC_MAX_GSI, are pins of userspace's IOAPIC. Return 0, -EINVAL
 * or -EEXIST.
 */
int fabric_split_irqchip(struct irq_fabric *fabric, u64 user_pins);
/** fabric_create_pit() - KVM_CREATE_PIT2; may sleep. Return 0, -EINVAL, -EEXIST or -ENOMEM. */
int fabric_create_pit(struct irq_fabric *fabric, u32 flags);

static inline bool fabric_has_irqchip(const struct irq_fabric *fabric)
{
	return READ_ONCE(fabric->ioapic);
}

/* Return true if each vCPU gets a lapic. */
static inline bool fabric_has_lapics(const struct irq_fabric *fabric)
{
	return fabric_has_irqchip(fabric) || READ_ONCE(fabric->split);
}

/**
 * fabric_set_gsi() - drive a GSI; one without a route is ignored. Return, as KVM_IRQ_LINE_STATUS
 * does, how many places have taken it; 0 if it has merged with an interrupt that is still pending;
 * -1 if it is masked, reaches no lapic or has no route. A message that is deferred counts as taken.
 */
int fabric_set_gsi(struct irq_fabric *fabric, enum irq_source source, u32 gsi, bool level);
/** fabric_pulse_gsi() - send one edge, LINE_PULSE; return the assertion's result */
int fabric_pulse_gsi(struct irq_fabric *fabric, enum irq_source source, u32 gsi);
/**
 * fabric_deliver_msi() - KVM_SIGNAL_MSI: address and data as a device would write them (SDM 3A
 * 11.11). Return > 0 if it is delivered; 0 if it has merged with a pending one or the guest blocks
 * it; -EINVAL for flags other than a device id's, or an address with reserved bits (ids32).
 */
int fabric_deliver_msi(struct irq_fabric *fabric, const struct kvm_msi *msi);
/**
 * fabric_set_routing() - KVM_SET_GSI_ROUTING: replace the table; no @entries remove all routes; may
 * sleep. An asserted pin stays so; an interrupt that is raised meanwhile takes the old routes or
 * the new, never a mixture. Return 0, or an errno, and nothing has changed: -ENOMEM; -EINVAL: @nr >
 * FABRIC_MAX_GSI, GSI out of range, flags other than an MSI's device id, unknown type, chip or pin,
 * a chip in a VM with a split irqchip, a second MSI or a second entry for the same chip on one GSI,
 * MSI address not valid.
 */
int fabric_set_routing(struct irq_fabric *fabric, const struct kvm_irq_routing_entry *entries,
		       u32 nr);
/** fabric_pic_pending() - return true if the PIC asserts INTR; see lapic_accepts_extint() */
bool fabric_pic_pending(const struct irq_fabric *fabric);
/** fabric_pic_ack() - acknowledge the interrupt as the CPU's INTA cycle does; return its vector */
int fabric_pic_ack(struct irq_fabric *fabric);
/**
 * fabric_pio_read() - access a port of PIC or PIT with @size 1, 2 or 4 bytes; vCPU thread, may
 * sleep. A wide access is split into bytes, as the ISA bus does it; a byte at another port reads as
 * ones. Return 0, or -EOPNOTSUPP if @port is not the fabric's. The same holds for
 * fabric_pio_write().
 */
int fabric_pio_read(struct irq_fabric *fabric, u16 port, unsigned int size, u32 *val);
int fabric_pio_write(struct irq_fabric *fabric, u16 port, unsigned int size, u32 val);
/**
 * fabric_mmio_read() - access @lapic's page (@lapic may be NULL) or the IOAPIC with @len 1 to 8
 * bytes; vCPU thread, may sleep. Return 0, or -EOPNOTSUPP if neither covers all of the access. The
 * same holds for fabric_mmio_write().
 */
int fabric_mmio_read(struct irq_fabric *fabric, struct lapic *lapic, u64 gpa, void *buf,
		     unsigned int len);
int fabric_mmio_write(struct irq_fabric *fabric, struct lapic *lapic, u64 gpa, const void *buf,
		      unsigned int len);

/* Between the parts of the fabric. */

/**
 * fabric_deliver() - deliver a message to the local APICs it names; @source is the sender, for
 * shorthands, or NULL. Return the number of lapics where it is newly pending; 0 if it was pending
 * in all of them already; -1 if no lapic matched or accepted it.
 */
int fabric_deliver(struct irq_fabric *fabric, struct lapic *source, const struct irq_msg *msg);
/**
 * fabric_defers() - return true if a message must not be delivered now: interrupts are off, and its
 * destination covers more than FABRIC_MANY APIC ids, so many vCPUs may have to be woken. The caller
 * keeps it, and schedules @fabric->deferred.
 */
bool fabric_defers(struct irq_fabric *fabric, const struct irq_msg *msg);
/** fabric_send_deferred_msis() - deliver the MSIs that wait; process context */
void fabric_send_deferred_msis(struct irq_fabric *fabric);
/**
 * fabric_set_lint0() - raise LINT0 of all lapics, to which the PIC's output is wired. @again: the
 * output has fallen and risen, so a vCPU that takes an ExtINT has been kicked already.
 */
void fabric_set_lint0(struct irq_fabric *fabric, bool again);
/** fabric_is_user_vector() - return true for a level-triggered MSI of userspace's IOAPIC */
bool fabric_is_user_vector(struct irq_fabric *fabric, u8 vector);
/** fabric_add_ack() - add a listener, of which the caller has filled in all but @node; may sleep */
void fabric_add_ack(struct irq_fabric *fabric, struct irq_ack *ack);
/**
 * fabric_remove_ack() - remove it; may sleep. Wait for a grace period of @fabric->srcu before you
 * free @ack.
 */
void fabric_remove_ack(struct irq_fabric *fabric, struct irq_ack *ack);

static inline bool fabric_has_acks(const struct irq_fabric *fabric)
{
	return !hlist_empty(&fabric->acks);
}

/** fabric_notify_ack() - the guest has acknowledged a pin of KVM_IRQCHIP_* @chip: call listeners */
void fabric_notify_ack(struct irq_fabric *fabric, unsigned int chip, unsigned int pin);

#endif
