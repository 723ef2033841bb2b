/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The I/O APIC (82093AA data sheet), with 24 pins and version 0x11. This version has no EOI
 * register: the EOI that a local APIC broadcasts ends a level-triggered interrupt.
 */
#ifndef ORIEL_IRQ_IOAPIC_H
#define ORIEL_IRQ_IOAPIC_H

#include <linux/bitmap.h>
#include <linux/kvm.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "irq/fabric.h"

#define IOAPIC_DEFAULT_BASE 0xfec00000ull
#define IOAPIC_MMIO_SIZE 0x100
/* Redirection table entry (82093AA 3.2.4). */
#define IOAPIC_RTE_VECTOR GENMASK_ULL(7, 0)
#define IOAPIC_RTE_MODE GENMASK_ULL(10, 8)
#define IOAPIC_RTE_LOGICAL BIT_ULL(11)
#define IOAPIC_RTE_STATUS BIT_ULL(12)
#define IOAPIC_RTE_POLARITY BIT_ULL(13)
#define IOAPIC_RTE_REMOTE_IRR BIT_ULL(14)
#define IOAPIC_RTE_LEVEL BIT_ULL(15)
#define IOAPIC_RTE_MASK BIT_ULL(16)
#define IOAPIC_RTE_DEST GENMASK_ULL(63, 56)

/* An I/O APIC. */
struct ioapic {
	struct irq_fabric *fabric;
	raw_spinlock_t lock; /* protects what follows; taken in hard irq */
	u64 base; /* guest-physical address of its registers */
	u8 select; /* IOREGSEL */
	u8 id; /* IOAPICID, bits 27:24 of the register */
	u32 irr; /* pins whose line is asserted */
	u64 rte[KVM_IOAPIC_NUM_PINS]; /* redirection table */
	u8 sources[KVM_IOAPIC_NUM_PINS]; /* for each pin the enum irq_source bits that assert it */
	u32 deferred; /* pins whose message waits (fabric_defers()) */
	u64 deferred_rte[KVM_IOAPIC_NUM_PINS]; /* the entries of these pins, when they sent */
	/* Vectors that any RTE holds; an EOI of another vector need not take @lock. */
	DECLARE_BITMAP(vectors, 256);
};

/** ioapic_create() - all pins are masked, as after a reset; NULL if out of memory; may sleep */
struct ioapic *ioapic_create(struct irq_fabric *fabric);
/** ioapic_destroy() - @ioapic is NULL, or nobody uses it any more */
void ioapic_destroy(struct ioapic *ioapic);
/** ioapic_mmio_read() - read 1 to 8 bytes below IOAPIC_MMIO_SIZE; 0 where no register is */
void ioapic_mmio_read(struct ioapic *ioapic, u32 offset, void *buf, unsigned int len);
/** ioapic_mmio_write() - write in the same range; only the lowest 4 bytes count */
void ioapic_mmio_write(struct ioapic *ioapic, u32 offset, const void *buf, unsigned int len);
/**
 * ioapic_set_irq() - drive a pin, below KVM_IOAPIC_NUM_PINS; any context. Return > 0 if delivered
 * or deasserted; 0 if coalesced: an edge-triggered line was asserted already, or remote IRR is set;
 * -1 if masked or not accepted. The result of LINE_PULSE is that of LINE_RAISE.
 */
int ioapic_set_irq(struct ioapic *ioapic, unsigned int pin, enum line_change change,
		   enum irq_source source);
/** ioapic_send_deferred() - deliver the messages that wait; process context */
void ioapic_send_deferred(struct ioapic *ioapic);
/**
 * ioapic_eoi() - a local APIC has ended an interrupt: call the listeners for each pin with @vector.
 * If it was level-triggered (@level, from TMR), also clear remote IRR, and deliver again if the
 * line is still asserted. vCPU thread, no fabric lock held.
 */
void ioapic_eoi(struct ioapic *ioapic, u8 vector, bool level);

/** ioapic_handles() - return true if an EOI of this vector concerns ioapic_eoi(); any context */
static inline bool ioapic_handles(const struct ioapic *ioapic, u8 vector)
{
	return test_bit(vector, ioapic->vectors);
}

void ioapic_get_state(struct ioapic *ioapic, struct kvm_ioapic_state *state);
/**
 * ioapic_set_state() - KVM_SET_IRQCHIP; reserved bits are dropped. A line that is asserted here
 * stays so until any source lowers it, and its interrupt is delivered if it is due.
 */
void ioapic_set_state(struct ioapic *ioapic, const struct kvm_ioapic_state *state);

#endif
