// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saving and restoring a local APIC: KVM_GET_LAPIC and KVM_SET_LAPIC, whose page
 * is laid out as the xAPIC's.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "irq/fabric.h"
#include "irq/lapic.h"
#include "irq/lapic_regs.h"

/* Registers that are taken from a restored page under their rule's mask. */
static const u16 plain_regs[] = {
	LAPIC_TPR,	   LAPIC_SVR,	  LAPIC_ICR,	   LAPIC_LVT_TIMER,
	LAPIC_LVT_THERMAL, LAPIC_LVT_PMC, LAPIC_LVT_LINT0, LAPIC_LVT_LINT1,
	LAPIC_LVT_ERROR,   LAPIC_TMICT,	  LAPIC_TDCR,
};

static u32 page_get(const struct kvm_lapic_state *state, u32 reg)
{
	u32 val;

	memcpy(&val, state->regs + reg, sizeof(val));
	return val;
}

static void page_set(struct kvm_lapic_state *state, u32 reg, u32 val)
{
	memcpy(state->regs + reg, &val, sizeof(val));
}

void lapic_get_state(struct lapic *lapic, struct kvm_lapic_state *state)
{
	/* Before the copy: a count of 0 means that the interrupt is in it. */
	u32 count = lapic_timer_count(lapic);

	memcpy(state->regs, lapic->regs, sizeof(state->regs));
	page_set(state, LAPIC_TMCCT, count);
	page_set(state, LAPIC_PPR, lapic_ppr(lapic));
	if (lapic_x2apic(lapic) && !lapic->fabric->ids32)
		page_set(state, LAPIC_ID, lapic->id << 24);
}

/* KVM_SET_LAPIC of an x2APIC is refused if it would change the id. */
static bool state_id_valid(const struct lapic *lapic, const struct kvm_lapic_state *state)
{
	u32 id = page_get(state, LAPIC_ID);

	if (!lapic_x2apic(lapic))
		return true;
	return lapic->fabric->ids32 ? id == lapic->id : id >> 24 == lapic->id;
}

/*
 * A set of 256 vectors. The first 16 are illegal (SDM 3A 10.8.4) and KVM keeps them
 * all the same: their class is 0, so that none is ever delivered.
 */
static void restore_vectors(struct lapic *lapic, const struct kvm_lapic_state *state, u32 reg)
{
	u32 i;

	for (i = 0; i < 8; i++)
		lapic_set_reg(lapic, reg + i * 0x10, page_get(state, reg + i * 0x10));
}

static void restore_mode_regs(struct lapic *lapic, const struct kvm_lapic_state *state)
{
	u32 icr2 = page_get(state, LAPIC_ICR2);

	if (lapic_x2apic(lapic)) {
		lapic_set_reg(lapic, LAPIC_ICR2, icr2);
		return;
	}
	lapic_set_reg(lapic, LAPIC_ICR2, icr2 & lapic_rule(lapic, LAPIC_ICR2).writable);
	lapic_set_reg(lapic, LAPIC_LDR,
		      page_get(state, LAPIC_LDR) & lapic_rule(lapic, LAPIC_LDR).writable);
	lapic_set_reg(lapic, LAPIC_DFR, page_get(state, LAPIC_DFR) | LAPIC_DFR_RESERVED);
}

int lapic_set_state(struct lapic *lapic, const struct kvm_lapic_state *state)
{
	unsigned int i;

	if (!state_id_valid(lapic, state))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(plain_regs); i++) {
		u32 reg = plain_regs[i];

		lapic_set_reg(lapic, reg, page_get(state, reg) & lapic_rule(lapic, reg).writable);
	}
	lapic_set_reg(lapic, LAPIC_ESR, page_get(state, LAPIC_ESR) & LAPIC_ESR_ALL);
	restore_mode_regs(lapic, state);
	restore_vectors(lapic, state, LAPIC_ISR);
	restore_vectors(lapic, state, LAPIC_TMR);
	restore_vectors(lapic, state, LAPIC_IRR);
	lapic_timer_restore(lapic, page_get(state, LAPIC_TMCCT));
	WRITE_ONCE(lapic->irr_pending, true);
	lapic->fabric->ops->kick(lapic->vcpu);
	return 0;
}
