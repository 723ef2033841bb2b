// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delivery of interrupt messages: find the local APICs that a destination names, and give the
 * message to each, in any context and without a lock.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>

#include "irq/fabric.h"
#include "irq/lapic.h"
#include "irq/lapic_regs.h"

static void lapic_kick(struct lapic *lapic)
{
	lapic->fabric->ops->kick(lapic->vcpu);
}

void lapic_error(struct lapic *lapic, u32 bit)
{
	u32 lvt = lapic_get_reg(lapic, LAPIC_LVT_ERROR);

	atomic_or(bit, &lapic->errors);
	/* lapic_post() reports an illegal vector in LVT Error by calling this function again. */
	if ((lvt & LAPIC_LVT_VECTOR) >= LAPIC_FIRST_VECTOR)
		lapic_deliver_lvt(lapic, LAPIC_LVT_ERROR);
}

int lapic_post(struct lapic *lapic, u8 vector, bool level)
{
	unsigned long *irr = lapic_vector_word(lapic, LAPIC_IRR, vector);
	unsigned long *tmr = lapic_vector_word(lapic, LAPIC_TMR, vector);

	if (!lapic_enabled(lapic) || !lapic_software_enabled(lapic))
		return -1;
	if (vector < LAPIC_FIRST_VECTOR) {
		lapic_error(lapic, LAPIC_ESR_RECEIVE_VECTOR);
		return -1;
	}
	if (lapic_test_vector(lapic, LAPIC_TMR, vector) != level) {
		if (level)
			set_bit(vector % 32, tmr);
		else
			clear_bit(vector % 32, tmr);
	}
	/*
	 * A full barrier: set the bit in IRR before the flag. Pairs with the smp_mb() of
	 * lapic_accept() and lapic_reset_regs(), which clear the flag before they access IRR.
	 */
	if (test_and_set_bit(vector % 32, irr))
		return 0;
	WRITE_ONCE(lapic->irr_pending, true);
	lapic_kick(lapic);
	return 1;
}

/* Return the events once @event has joined them. */
static int events_with(int events, u32 event)
{
	/* A reset ends what came before it. */
	if (event == LAPIC_EVENT_INIT)
		return LAPIC_EVENT_INIT;
	/* One NMI can be in service while another waits (SDM 3A 6.7.1). */
	if (event == LAPIC_EVENT_NMI && events & LAPIC_EVENT_NMI)
		return events | LAPIC_EVENT_NMI2;
	return events | event;
}

bool lapic_post_event(struct lapic *lapic, u32 event, u8 sipi_vector)
{
	int old = atomic_read(&lapic->events);
	int new;

	if (event == LAPIC_EVENT_SIPI)
		WRITE_ONCE(lapic->sipi_vector, sipi_vector);
	do {
		new = events_with(old, event);
	} while (!atomic_try_cmpxchg(&lapic->events, &old, new));
	if (!(new & ~old))
		return false;
	lapic_kick(lapic);
	return true;
}

u32 lapic_take_events(struct lapic *lapic)
{
	return atomic_read(&lapic->events) ? atomic_xchg(&lapic->events, 0) : 0;
}

u32 lapic_take_nmis(struct lapic *lapic)
{
	if (!(atomic_read(&lapic->events) & LAPIC_EVENT_NMIS))
		return 0;
	return atomic_fetch_andnot(LAPIC_EVENT_NMIS, &lapic->events) & LAPIC_EVENT_NMIS;
}

void lapic_deliver_lvt(struct lapic *lapic, u32 reg)
{
	u32 lvt = lapic_get_reg(lapic, reg);

	if (lvt & LAPIC_LVT_MASKED)
		return;
	switch ((lvt & LAPIC_LVT_MODE) >> 8) {
	case LAPIC_MODE_FIXED:
		/* Only LINT0 and LINT1 can be level-triggered. Their EOI concerns no IOAPIC. */
		lapic_post(lapic, lvt & LAPIC_LVT_VECTOR, lvt & LAPIC_LVT_LEVEL);
		break;
	case LAPIC_MODE_NMI:
		lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
		break;
	case LAPIC_MODE_INIT:
		lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
		break;
	case LAPIC_MODE_EXTINT:
		lapic_kick(lapic);
		break;
	}
}

/*
 * The LVT makes the edge an NMI, a fixed interrupt, an INIT or an ExtINT. For an ExtINT the vCPU is
 * kicked, so that it looks at the PIC.
 */
void lapic_raise_lint(struct lapic *lapic, unsigned int pin)
{
	if (lapic_enabled(lapic))
		lapic_deliver_lvt(lapic, pin ? LAPIC_LVT_LINT1 : LAPIC_LVT_LINT0);
	else if (pin)
		lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
	else
		lapic_kick(lapic);
}

/* Take a message that names this lapic. The result is that of fabric_deliver() for one lapic. */
static int lapic_take(struct lapic *lapic, const struct irq_msg *msg)
{
	switch (msg->mode) {
	case LAPIC_MODE_FIXED:
	case LAPIC_MODE_LOWEST:
		return lapic_post(lapic, msg->vector, msg->level);
	case LAPIC_MODE_NMI:
		return lapic_post_event(lapic, LAPIC_EVENT_NMI, 0);
	case LAPIC_MODE_INIT:
		/* INIT level de-assert only sets arbitration ids (SDM 3A 11.6.1). */
		if (!msg->assert)
			return 0;
		return lapic_post_event(lapic, LAPIC_EVENT_INIT, 0);
	case LAPIC_MODE_SIPI:
		return lapic_post_event(lapic, LAPIC_EVENT_SIPI, msg->vector);
	case LAPIC_MODE_EXTINT:
		lapic_kick(lapic);
		return 1;
	default:
		/* Ignore SMI, as guests have no SMM, and remote read, which no CPU has any more. */
		return 0;
	}
}

static bool lapic_is_broadcast(const struct lapic *lapic, const struct irq_msg *msg)
{
	if (msg->ipi)
		return msg->dest == (msg->x2apic ? 0xffffffff : 0xff);
	if (msg->dest == 0xff)
		return !lapic->fabric->no_x2apic_broadcast || !lapic_x2apic(lapic);
	return msg->dest == 0xffffffff;
}

/* SDM 3A 11.6.2.2 and 11.12.10.2 */
static bool lapic_match_logical(const struct lapic *lapic, u32 dest)
{
	u32 ldr = lapic_get_reg(lapic, LAPIC_LDR);

	if (lapic_x2apic(lapic))
		return ldr >> 16 == dest >> 16 && ldr & dest & 0xffff;
	if (dest > 0xff)
		return false;
	ldr >>= 24;
	if (lapic_get_reg(lapic, LAPIC_DFR) & LAPIC_DFR_MODEL)
		return ldr & dest;
	return (dest >> 4 == 0xf || ldr >> 4 == dest >> 4) && ldr & dest & 0xf;
}

/* Return true if @msg names @lapic. fabric_deliver() handles the self shorthand itself. */
static bool lapic_matches(const struct lapic *lapic, const struct lapic *source,
			  const struct irq_msg *msg)
{
	if (msg->shorthand)
		return msg->shorthand == LAPIC_SHORTHAND_ALL || lapic != source;
	if (lapic_is_broadcast(lapic, msg))
		return true;
	if (msg->logical)
		return lapic_match_logical(lapic, msg->dest);
	return lapic->id == msg->dest;
}

/**
 * struct delivery - a message being delivered
 * @msg: the message
 * @source: sending lapic or NULL
 * @lowest: it goes to one of the matching lapics only
 * @best: with @lowest: the best lapic that was offered the message so far
 * @result: return value of fabric_deliver()
 */
struct delivery {
	const struct irq_msg *msg;
	const struct lapic *source;
	bool lowest;
	struct lapic *best;
	int result;
};

/* The lower priority wins. If equal, the lapic wins that won less recently (SDM 3A 11.6.2.4). */
static bool lapic_beats(const struct lapic *lapic, const struct lapic *best)
{
	u32 ppr = lapic_ppr(lapic);
	u32 best_ppr = lapic_ppr(best);

	if (ppr != best_ppr)
		return ppr < best_ppr;
	return (s32)(READ_ONCE(lapic->arb) - READ_ONCE(best->arb)) < 0;
}

static void delivery_take(struct delivery *d, struct lapic *lapic)
{
	int result = lapic_take(lapic, d->msg);

	if (result >= 0)
		d->result = max(d->result, 0) + result;
}

/* Offer the message to a lapic, which may be NULL. */
static void delivery_offer(struct delivery *d, struct lapic *lapic)
{
	if (!lapic || !lapic_enabled(lapic) || !lapic_matches(lapic, d->source, d->msg))
		return;
	if (!d->lowest)
		delivery_take(d, lapic);
	else if (lapic_software_enabled(lapic) && (!d->best || lapic_beats(lapic, d->best)))
		d->best = lapic;
}

/*
 * Find the APIC ids that a message can name: the returned count of ids, from *@first on. Keep the
 * count small: with up to 1024 vCPUs most messages must not visit every lapic.
 */
static u32 message_ids(struct irq_fabric *fabric, const struct lapic_map *map,
		       const struct irq_msg *msg, u32 *first)
{
	bool broadcast = msg->dest == 0xff || msg->dest == 0xffffffff;
	u32 count = map->size;

	*first = 0;
	if (!msg->shorthand && !broadcast && !msg->logical) {
		*first = msg->dest;
		count = 1;
	} else if (!msg->shorthand && !broadcast && !atomic_read(&fabric->xapics)) {
		/* In x2APIC mode 16 consecutive ids are a cluster (SDM 3A 11.12.10.2). */
		*first = msg->dest >> 16 << 4;
		count = 16;
	}
	return *first < map->size ? min(count, map->size - *first) : 0;
}

static void delivery_scan(struct delivery *d, struct irq_fabric *fabric,
			  const struct lapic_map *map)
{
	u32 first, count = message_ids(fabric, map, d->msg, &first), id;

	if (!count)
		return;
	for (id = array_index_nospec(first, map->size); count; id++, count--)
		delivery_offer(d, rcu_dereference(map->by_id[id]));
}

/* Return true if only one of the lapics that the message names gets it. */
static bool picks_one(const struct irq_msg *msg)
{
	return msg->mode == LAPIC_MODE_LOWEST || (msg->redirect && msg->logical);
}

bool fabric_defers(struct irq_fabric *fabric, const struct irq_msg *msg)
{
	const struct lapic_map *map;
	bool many = false;
	u32 first;

	if (!irqs_disabled())
		return false;
	rcu_read_lock();
	map = rcu_dereference(fabric->lapics);
	if (map)
		many = message_ids(fabric, map, msg, &first) > FABRIC_MANY;
	rcu_read_unlock();
	return many;
}

int fabric_deliver(struct irq_fabric *fabric, struct lapic *source, const struct irq_msg *msg)
{
	struct delivery d = {
		.msg = msg,
		.source = source,
		.lowest = picks_one(msg),
		.result = -1,
	};
	struct lapic_map *map;

	if (msg->shorthand == LAPIC_SHORTHAND_SELF) {
		delivery_take(&d, source);
		return d.result;
	}
	rcu_read_lock();
	map = rcu_dereference(fabric->lapics);
	if (map)
		delivery_scan(&d, fabric, map);
	if (d.best) {
		WRITE_ONCE(d.best->arb, atomic_inc_return(&fabric->arb));
		delivery_take(&d, d.best);
	}
	rcu_read_unlock();
	return d.result;
}

/* Decode the lower half of ICR (SDM 3A 11.6.1); the caller sets the destination. */
static struct irq_msg icr_message(const struct lapic *lapic, u32 icr)
{
	return (struct irq_msg){
		.vector = icr & LAPIC_LVT_VECTOR,
		.mode = (icr & LAPIC_LVT_MODE) >> 8,
		.shorthand = icr >> 18 & 3,
		.logical = icr & LAPIC_ICR_LOGICAL,
		/* The trigger mode matters only for INIT de-assert. */
		.assert = !(icr & LAPIC_ICR_LEVEL) || icr & LAPIC_ICR_ASSERT,
		.ipi = true,
		.x2apic = lapic_x2apic(lapic),
	};
}

void lapic_send_ipi(struct lapic *lapic, u32 icr, u32 dest)
{
	struct irq_msg msg = icr_message(lapic, icr);

	msg.dest = dest;
	if (msg.mode <= LAPIC_MODE_LOWEST && msg.vector < LAPIC_FIRST_VECTOR)
		lapic_error(lapic, LAPIC_ESR_SEND_VECTOR);
	else
		fabric_deliver(lapic->fabric, lapic, &msg);
}

int lapic_multicast(struct lapic *lapic, u32 icr, u32 first, u64 ids)
{
	struct irq_msg msg = icr_message(lapic, icr);
	int count = 0;

	if (msg.logical || msg.shorthand)
		return -EINVAL;
	/* The hypercall's ids have 32 bits in both modes: 0xff is an id, not a broadcast. */
	msg.x2apic = true;
	for (; ids && first < FABRIC_MAX_APIC_ID; ids &= ids - 1) {
		msg.dest = first + __ffs(ids);
		if (fabric_deliver(lapic->fabric, lapic, &msg) >= 0)
			count++;
	}
	return count;
}

void fabric_set_lint0(struct irq_fabric *fabric, bool again)
{
	struct lapic_map *map;
	u32 id;

	rcu_read_lock();
	map = rcu_dereference(fabric->lapics);
	if (map && map->size > FABRIC_MANY && irqs_disabled()) {
		WRITE_ONCE(fabric->deferred_lint0, true);
		schedule_work(&fabric->deferred);
		map = NULL;
	}
	for (id = 0; map && id < map->size; id++) {
		struct lapic *lapic = rcu_dereference(map->by_id[id]);

		if (lapic && !(again && lapic_accepts_extint(lapic)))
			lapic_raise_lint(lapic, 0);
	}
	rcu_read_unlock();
}
