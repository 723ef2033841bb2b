// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC: its registers behind IOREGSEL and IOWIN, and its pins. A pin sends a message
 * when its line is asserted. An EOI ends the interrupt of a level-triggered pin.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irq/fabric.h"
#include "irq/ioapic.h"
#include "irq/lapic_regs.h"

/* Offsets of the registers that the guest sees (82093AA 3.1). */
#define IOREGSEL 0x00
#define IOWIN 0x10

/* Registers that IOREGSEL selects (82093AA 3.2). */
#define IOAPIC_ID 0x00
#define IOAPIC_VER 0x01
#define IOAPIC_ARB 0x02
#define IOAPIC_REDTBL 0x10

/* Version 0x11; 23 is the number of the last pin. */
#define IOAPIC_VER_VALUE ((KVM_IOAPIC_NUM_PINS - 1) << 16 | 0x11)

#define IOAPIC_RTE_LOW_WRITABLE                                                                 \
	((u32)(IOAPIC_RTE_VECTOR | IOAPIC_RTE_MODE | IOAPIC_RTE_LOGICAL | IOAPIC_RTE_POLARITY | \
	       IOAPIC_RTE_LEVEL | IOAPIC_RTE_MASK))

struct ioapic *ioapic_create(struct irq_fabric *fabric)
{
	struct ioapic *ioapic = kzalloc(sizeof(*ioapic), GFP_KERNEL_ACCOUNT);
	unsigned int pin;

	if (!ioapic)
		return NULL;
	ioapic->fabric = fabric;
	raw_spin_lock_init(&ioapic->lock);
	ioapic->base = IOAPIC_DEFAULT_BASE;
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		ioapic->rte[pin] = IOAPIC_RTE_MASK;
	return ioapic;
}

void ioapic_destroy(struct ioapic *ioapic)
{
	kfree(ioapic);
}

/* Only fixed and lowest-priority interrupts can be level-triggered (82093AA 3.2.4). */
static bool rte_is_level(u64 rte)
{
	return rte & IOAPIC_RTE_LEVEL && (rte & IOAPIC_RTE_MODE) >> 8 <= LAPIC_MODE_LOWEST;
}

static struct irq_msg rte_message(u64 rte)
{
	return (struct irq_msg){
		.dest = rte >> 56,
		.vector = rte & IOAPIC_RTE_VECTOR,
		.mode = (rte & IOAPIC_RTE_MODE) >> 8,
		.logical = rte & IOAPIC_RTE_LOGICAL,
		.level = rte_is_level(rte),
		.assert = true,
	};
}

/* Keep a pin's message for ioapic_send_deferred(). Return 0 if one waits already. Lock held. */
static int ioapic_defer(struct ioapic *ioapic, unsigned int pin)
{
	bool waits = ioapic->deferred & BIT(pin);

	ioapic->deferred_rte[pin] = ioapic->rte[pin];
	ioapic->deferred |= BIT(pin);
	schedule_work(&ioapic->fabric->deferred);
	return !waits;
}

/* Send a pin's message, unless the pin is masked or waits for an EOI. Lock held. */
static int ioapic_send(struct ioapic *ioapic, unsigned int pin)
{
	u64 rte = ioapic->rte[pin];
	struct irq_msg msg = rte_message(rte);
	int result;

	if (rte & IOAPIC_RTE_MASK)
		return -1;
	if (msg.level && rte & IOAPIC_RTE_REMOTE_IRR)
		return 0;
	if (fabric_defers(ioapic->fabric, &msg))
		result = ioapic_defer(ioapic, pin);
	else
		result = fabric_deliver(ioapic->fabric, NULL, &msg);
	/* A lapic that accepts the interrupt sets remote IRR (82093AA 3.2.4). */
	if (msg.level && result >= 0)
		ioapic->rte[pin] |= IOAPIC_RTE_REMOTE_IRR;
	return result;
}

/* Send for a level-triggered pin whose line is asserted. Lock held. */
static void ioapic_service_level(struct ioapic *ioapic, unsigned int pin)
{
	if (ioapic->irr & BIT(pin) && rte_is_level(ioapic->rte[pin]))
		ioapic_send(ioapic, pin);
}

/*
 * No lapic accepted the deferred message of a level-triggered pin: no EOI will clear remote IRR. If
 * the guest has changed the entry since then (@rte), the pin has waited with its new message. Lock
 * held.
 */
static void ioapic_refused(struct ioapic *ioapic, unsigned int pin, u64 rte)
{
	bool changed = (ioapic->rte[pin] ^ rte) & ~(u64)IOAPIC_RTE_REMOTE_IRR;

	/* A newer message waits, and has set remote IRR. */
	if (ioapic->deferred & BIT(pin))
		return;
	ioapic->rte[pin] &= ~IOAPIC_RTE_REMOTE_IRR;
	if (changed)
		ioapic_service_level(ioapic, pin);
}

void ioapic_send_deferred(struct ioapic *ioapic)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	while (ioapic->deferred) {
		unsigned int pin = __ffs(ioapic->deferred);
		u64 rte = ioapic->deferred_rte[pin];
		struct irq_msg msg = rte_message(rte);
		int result;

		ioapic->deferred &= ~BIT(pin);
		raw_spin_unlock_irqrestore(&ioapic->lock, flags);
		result = fabric_deliver(ioapic->fabric, NULL, &msg);
		raw_spin_lock_irqsave(&ioapic->lock, flags);
		if (msg.level && result < 0)
			ioapic_refused(ioapic, pin, rte);
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* Lock held. */
static int ioapic_drive(struct ioapic *ioapic, unsigned int pin, bool level, enum irq_source source)
{
	bool was_high = ioapic->irr & BIT(pin);

	ioapic->sources[pin] = irq_sources_set(ioapic->sources[pin], source, level);
	if (!ioapic->sources[pin]) {
		ioapic->irr &= ~BIT(pin);
		return 1;
	}
	ioapic->irr |= BIT(pin);
	if (rte_is_level(ioapic->rte[pin]) || !was_high)
		return ioapic_send(ioapic, pin);
	return 0;
}

int ioapic_set_irq(struct ioapic *ioapic, unsigned int pin, enum line_change change,
		   enum irq_source source)
{
	unsigned long flags;
	int result;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	result = ioapic_drive(ioapic, pin, change != LINE_LOWER, source);
	if (change == LINE_PULSE)
		ioapic_drive(ioapic, pin, false, source);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	return result;
}

/* Return a mask of the pins with this vector. Lock held. */
static u32 ioapic_pins_of(const struct ioapic *ioapic, u8 vector)
{
	unsigned int pin;
	u32 pins = 0;

	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		if ((ioapic->rte[pin] & IOAPIC_RTE_VECTOR) == vector)
			pins |= BIT(pin);
	return pins;
}

void ioapic_eoi(struct ioapic *ioapic, u8 vector, bool level)
{
	unsigned long flags, pins;
	unsigned int pin;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	pins = ioapic_pins_of(ioapic, vector);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);

	/* Tell the listeners first: they may lower the line, so that it is not sent again. */
	for_each_set_bit(pin, &pins, KVM_IOAPIC_NUM_PINS)
		fabric_notify_ack(ioapic->fabric, KVM_IRQCHIP_IOAPIC, pin);
	if (!level)
		return;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	pins = ioapic_pins_of(ioapic, vector);
	for_each_set_bit(pin, &pins, KVM_IOAPIC_NUM_PINS) {
		ioapic->rte[pin] &= ~IOAPIC_RTE_REMOTE_IRR;
		ioapic_service_level(ioapic, pin);
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* Compute @vectors after a change of the table. Lock held; ioapic_handles() reads without it. */
static void ioapic_collect_vectors(struct ioapic *ioapic)
{
	DECLARE_BITMAP(vectors, 256) = {};
	unsigned int i;

	for (i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		__set_bit(ioapic->rte[i] & IOAPIC_RTE_VECTOR, vectors);
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		WRITE_ONCE(ioapic->vectors[i], vectors[i]);
}

static void ioapic_write_rte(struct ioapic *ioapic, unsigned int index, u32 val)
{
	unsigned int pin = index / 2;
	u64 *rte = &ioapic->rte[pin];

	if (index & 1) {
		*rte = (u32)*rte | ((u64)val << 32 & IOAPIC_RTE_DEST);
	} else {
		*rte &= ~(u64)IOAPIC_RTE_LOW_WRITABLE;
		*rte |= val & IOAPIC_RTE_LOW_WRITABLE;
		/* An edge-triggered pin has no remote IRR (82093AA 3.2.4). */
		if (!rte_is_level(*rte))
			*rte &= ~IOAPIC_RTE_REMOTE_IRR;
		ioapic_collect_vectors(ioapic);
	}
	ioapic_service_level(ioapic, pin);
}

static u32 ioapic_read_reg(const struct ioapic *ioapic)
{
	unsigned int index = ioapic->select - IOAPIC_REDTBL;

	switch (ioapic->select) {
	case IOAPIC_ID:
	case IOAPIC_ARB:
		return ioapic->id << 24;
	case IOAPIC_VER:
		return IOAPIC_VER_VALUE;
	}
	if (index >= 2 * KVM_IOAPIC_NUM_PINS)
		return 0;
	index = array_index_nospec(index, 2 * KVM_IOAPIC_NUM_PINS);
	return ioapic->rte[index / 2] >> (index & 1 ? 32 : 0);
}

static void ioapic_write_reg(struct ioapic *ioapic, u32 val)
{
	unsigned int index = ioapic->select - IOAPIC_REDTBL;

	if (ioapic->select == IOAPIC_ID)
		ioapic->id = val >> 24 & 0xf;
	else if (index < 2 * KVM_IOAPIC_NUM_PINS)
		ioapic_write_rte(ioapic, array_index_nospec(index, 2 * KVM_IOAPIC_NUM_PINS), val);
}

void ioapic_mmio_read(struct ioapic *ioapic, u32 offset, void *buf, unsigned int len)
{
	unsigned long flags;
	u64 val = 0;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	if (offset == IOREGSEL)
		val = ioapic->select;
	else if (offset == IOWIN)
		val = ioapic_read_reg(ioapic);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
	memcpy(buf, &val, len);
}

void ioapic_mmio_write(struct ioapic *ioapic, u32 offset, const void *buf, unsigned int len)
{
	unsigned long flags;
	u32 val = 0;

	memcpy(&val, buf, min_t(unsigned int, len, sizeof(val)));
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	if (offset == IOREGSEL)
		ioapic->select = val;
	else if (offset == IOWIN)
		ioapic_write_reg(ioapic, val);
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

void ioapic_get_state(struct ioapic *ioapic, struct kvm_ioapic_state *state)
{
	unsigned long flags;
	unsigned int pin;

	memset(state, 0, sizeof(*state));
	raw_spin_lock_irqsave(&ioapic->lock, flags);
	state->base_address = ioapic->base;
	state->ioregsel = ioapic->select;
	state->id = ioapic->id;
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		state->redirtbl[pin].bits = ioapic->rte[pin];
		/* An edge is over once it has been sent. Only a level can still be asserted. */
		if (rte_is_level(ioapic->rte[pin]))
			state->irr |= ioapic->irr & BIT(pin);
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* Lock held. */
static void ioapic_restore_pin(struct ioapic *ioapic, unsigned int pin, u64 rte, bool irr)
{
	rte &= IOAPIC_RTE_DEST | IOAPIC_RTE_LOW_WRITABLE | IOAPIC_RTE_REMOTE_IRR;
	if (!rte_is_level(rte))
		rte &= ~IOAPIC_RTE_REMOTE_IRR;
	ioapic->rte[pin] = rte;
	ioapic->sources[pin] = irq_sources_restore(ioapic->sources[pin], irr && rte_is_level(rte));
	ioapic->irr &= ~BIT(pin);
	if (ioapic->sources[pin])
		ioapic->irr |= BIT(pin);
}

void ioapic_set_state(struct ioapic *ioapic, const struct kvm_ioapic_state *state)
{
	unsigned long flags;
	unsigned int pin;

	raw_spin_lock_irqsave(&ioapic->lock, flags);
	WRITE_ONCE(ioapic->base, state->base_address);
	ioapic->select = state->ioregsel;
	ioapic->id = state->id & 0xf;
	ioapic->deferred = 0;
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		ioapic_restore_pin(ioapic, pin, state->redirtbl[pin].bits, state->irr & BIT(pin));
	ioapic_collect_vectors(ioapic);
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		if (rte_is_level(ioapic->rte[pin]))
			ioapic_service_level(ioapic, pin);
		else if (state->irr & BIT(pin))
			ioapic_send(ioapic, pin);
	}
	raw_spin_unlock_irqrestore(&ioapic->lock, flags);
}
