// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to a local APIC's registers. The guest has the xAPIC page and the x2APIC MSRs
 * (SDM 3A 11.4.1, 11.12.1), and IA32_APIC_BASE, which chooses one of the two. Userspace has
 * KVM_GET_LAPIC and KVM_SET_LAPIC.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "irq/fabric.h"
#include "irq/lapic.h"
#include "irq/lapic_regs.h"

/* Kinds of access: X_ through the xAPIC page, M_ through the x2APIC MSRs. */
#define X_READ BIT(0)
#define X_WRITE BIT(1)
#define M_READ BIT(2)
#define M_WRITE BIT(3)
#define BOTH_READ (X_READ | M_READ)
#define BOTH_WRITE (X_WRITE | M_WRITE)
#define BOTH (BOTH_READ | BOTH_WRITE)

#define LVT_LOCAL (LAPIC_LVT_VECTOR | LAPIC_LVT_MODE | LAPIC_LVT_MASKED)
#define LVT_PIN (LVT_LOCAL | LAPIC_LVT_POLARITY | LAPIC_LVT_LEVEL)
#define LVT_PIN_READ_ONLY (LAPIC_LVT_STATUS | LAPIC_LVT_REMOTE_IRR)
#define LVT_TIMER (LAPIC_LVT_VECTOR | LAPIC_LVT_MASKED | LAPIC_LVT_TIMER_MODE)
#define LVT_ERROR (LAPIC_LVT_VECTOR | LAPIC_LVT_MASKED)

/**
 * struct lapic_rule - the accesses that a register allows, and its bits
 * @access: X_* and M_* bits; 0 where there is no register
 * @writable: bits that a write sets
 * @read_only: bits that a write leaves alone; a bit in neither mask is reserved
 */
struct lapic_rule {
	u8 access;
	u32 writable;
	u32 read_only;
};

/*
 * One row per register, from SDM 3A tables 11-1 and 11-6 and their figures. A write through
 * the xAPIC page keeps ICR's reserved bits, as KVM does; lapic_write_icr64() refuses them.
 */
static const struct lapic_rule rules[LAPIC_REG_COUNT] = {
	[LAPIC_ID / 16] = { BOTH_READ, 0, 0 },
	[LAPIC_VERSION / 16] = { BOTH_READ, 0, 0 },
	[LAPIC_TPR / 16] = { BOTH, 0xff, 0 },
	[LAPIC_APR / 16] = { X_READ, 0, 0 },
	[LAPIC_PPR / 16] = { BOTH_READ, 0, 0 },
	[LAPIC_EOI / 16] = { BOTH_WRITE, 0, 0 },
	[LAPIC_RRD / 16] = { X_READ, 0, 0 },
	[LAPIC_LDR / 16] = { BOTH_READ | X_WRITE, 0xff000000, 0 },
	[LAPIC_DFR / 16] = { X_READ | X_WRITE, LAPIC_DFR_MODEL, 0 },
	[LAPIC_SVR / 16] = { BOTH, 0x3ff, 0 },
	[LAPIC_ISR / 16 ... LAPIC_IRR / 16 + 7] = { BOTH_READ, 0, 0 },
	[LAPIC_ESR / 16] = { BOTH, 0, 0 },
	[LAPIC_ICR / 16] = { BOTH, ~(u32)LAPIC_ICR_STATUS, LAPIC_ICR_STATUS },
	[LAPIC_ICR2 / 16] = { X_READ | X_WRITE, 0xff000000, 0 },
	[LAPIC_LVT_TIMER / 16] = { BOTH, LVT_TIMER, LAPIC_LVT_STATUS },
	[LAPIC_LVT_THERMAL / 16] = { BOTH, LVT_LOCAL, LAPIC_LVT_STATUS },
	[LAPIC_LVT_PMC / 16] = { BOTH, LVT_LOCAL, LAPIC_LVT_STATUS },
	[LAPIC_LVT_LINT0 / 16] = { BOTH, LVT_PIN, LVT_PIN_READ_ONLY },
	[LAPIC_LVT_LINT1 / 16] = { BOTH, LVT_PIN, LVT_PIN_READ_ONLY },
	[LAPIC_LVT_ERROR / 16] = { BOTH, LVT_ERROR, LAPIC_LVT_STATUS },
	[LAPIC_TMICT / 16] = { BOTH, 0xffffffff, 0 },
	[LAPIC_TMCCT / 16] = { BOTH_READ, 0, 0 },
	[LAPIC_TDCR / 16] = { BOTH, 0xb, 0 },
	[LAPIC_SELF_IPI / 16] = { M_WRITE, LAPIC_LVT_VECTOR, 0 },
};

static struct lapic_rule lapic_rule(const struct lapic *lapic, u32 reg)
{
	struct lapic_rule rule = rules[reg / 16];

	/* Bit 18 is reserved without TSC-deadline mode (SDM 3A 11.5.1). */
	if (reg == LAPIC_LVT_TIMER && !lapic->features.tsc_deadline)
		rule.writable &= ~BIT(18);
	return rule;
}

static void lapic_write_svr(struct lapic *lapic, u32 val)
{
	lapic_set_reg(lapic, LAPIC_SVR, val);
	/* Software-disabling masks all LVT entries (SDM 3A 11.4.7.2). */
	if (!(val & LAPIC_SVR_ENABLE))
		lapic_mask_lvts(lapic);
}

static void lapic_write_lvt(struct lapic *lapic, u32 reg, u32 val)
{
	if (!lapic_software_enabled(lapic))
		val |= LAPIC_LVT_MASKED;
	if (reg == LAPIC_LVT_TIMER)
		lapic_timer_write_lvt(lapic, val);
	else
		lapic_set_reg(lapic, reg, val);
}

static u32 lapic_reg_read(struct lapic *lapic, u32 reg)
{
	switch (reg) {
	case LAPIC_APR:
	case LAPIC_RRD:
		return 0;
	case LAPIC_PPR:
		return lapic_ppr(lapic);
	case LAPIC_TMCCT:
		return lapic_timer_count(lapic);
	default:
		return lapic_get_reg(lapic, reg);
	}
}

static void lapic_reg_write(struct lapic *lapic, u32 reg, u32 val)
{
	val &= lapic_rule(lapic, reg).writable;
	switch (reg) {
	case LAPIC_EOI:
		lapic_end_of_interrupt(lapic);
		break;
	case LAPIC_DFR:
		lapic_set_reg(lapic, reg, val | LAPIC_DFR_RESERVED);
		break;
	case LAPIC_SVR:
		lapic_write_svr(lapic, val);
		break;
	case LAPIC_ESR:
		/* A write loads the errors found since the last write (SDM 3A 11.5.3). */
		lapic_set_reg(lapic, reg, atomic_xchg(&lapic->errors, 0));
		break;
	case LAPIC_ICR:
		lapic_set_reg(lapic, reg, val);
		lapic_send_ipi(lapic, val, lapic_get_reg(lapic, LAPIC_ICR2) >> 24);
		break;
	case LAPIC_LVT_TIMER ... LAPIC_LVT_ERROR:
		lapic_write_lvt(lapic, reg, val);
		break;
	case LAPIC_TMICT:
		lapic_timer_write_initial(lapic, val);
		break;
	case LAPIC_TDCR:
		lapic_timer_write_divide(lapic, val);
		break;
	default:
		lapic_set_reg(lapic, reg, val);
	}
}

/*
 * xAPIC page.
 */

static bool lapic_page_present(const struct lapic *lapic)
{
	return lapic_enabled(lapic) && !lapic_x2apic(lapic);
}

void lapic_mmio_read(struct lapic *lapic, u32 offset, void *buf, unsigned int len)
{
	u32 reg = offset & ~0xfu;
	u32 val = 0;

	if (!lapic_page_present(lapic)) {
		memset(buf, 0xff, len);
		return;
	}
	memset(buf, 0, len);
	if ((offset & 0xf) + len > sizeof(val))
		return;
	if (reg >= KVM_APIC_REG_SIZE || !rules[reg / 16].access)
		lapic_error(lapic, LAPIC_ESR_REGISTER);
	else if (rules[reg / 16].access & X_READ)
		val = lapic_reg_read(lapic, reg);
	memcpy(buf, (u8 *)&val + (offset & 0xf), len);
}

void lapic_mmio_write(struct lapic *lapic, u32 offset, const void *buf, unsigned int len)
{
	u32 val;

	if (!lapic_page_present(lapic) || len != sizeof(val) || offset & 0xf)
		return;
	memcpy(&val, buf, sizeof(val));
	if (offset >= KVM_APIC_REG_SIZE || !rules[offset / 16].access)
		lapic_error(lapic, LAPIC_ESR_REGISTER);
	else if (rules[offset / 16].access & X_WRITE)
		lapic_reg_write(lapic, offset, val);
}

bool lapic_is_tpr(const struct lapic *lapic, u64 gpa)
{
	return lapic_page_present(lapic) && lapic_covers(lapic, gpa) &&
	       (gpa & (LAPIC_MMIO_SIZE - 1)) == LAPIC_TPR;
}

/*
 * MSRs.
 */

/* ICR in x2APIC mode: bits 63:32 are the destination, bit 12 is ignored (SDM 3A 11.12.9). */
static int lapic_write_icr64(struct lapic *lapic, u64 val)
{
	u32 icr = val;

	if (icr & ~(LAPIC_ICR_VALID | LAPIC_ICR_STATUS))
		return -EINVAL;
	icr &= LAPIC_ICR_VALID;
	lapic_set_reg(lapic, LAPIC_ICR, icr);
	lapic_set_reg(lapic, LAPIC_ICR2, val >> 32);
	lapic_send_ipi(lapic, icr, val >> 32);
	return 0;
}

static int lapic_msr_rule(const struct lapic *lapic, u32 msr, u8 access, struct lapic_rule *rule)
{
	u32 index = msr - LAPIC_MSR_FIRST;

	if (!lapic_x2apic(lapic) || index >= LAPIC_REG_COUNT)
		return -EINVAL;
	*rule = lapic_rule(lapic, index * 16);
	return rule->access & access ? 0 : -EINVAL;
}

int lapic_msr_read(struct lapic *lapic, u32 msr, u64 *val)
{
	u32 reg = (msr - LAPIC_MSR_FIRST) * 16;
	struct lapic_rule rule;

	if (lapic_msr_rule(lapic, msr, M_READ, &rule))
		return -EINVAL;
	*val = lapic_reg_read(lapic, reg);
	if (reg == LAPIC_ICR)
		*val |= (u64)lapic_get_reg(lapic, LAPIC_ICR2) << 32;
	return 0;
}

int lapic_msr_write(struct lapic *lapic, u32 msr, u64 val)
{
	u32 reg = (msr - LAPIC_MSR_FIRST) * 16;
	struct lapic_rule rule;

	if (lapic_msr_rule(lapic, msr, M_WRITE, &rule))
		return -EINVAL;
	if (reg == LAPIC_ICR)
		return lapic_write_icr64(lapic, val);
	if (val & ~(u64)(rule.writable | rule.read_only))
		return -EINVAL;
	if (reg == LAPIC_SELF_IPI)
		/* Equal to an ICR write with the self shorthand (SDM 3A 11.12.11). */
		lapic_send_ipi(lapic, (u32)val | LAPIC_SHORTHAND_SELF << 18, 0);
	else
		lapic_reg_write(lapic, reg, val);
	return 0;
}

/*
 * x2APIC mode can be entered only from xAPIC mode, and left only by disabling the APIC
 * (SDM 3A figure 11-27).
 */
static bool lapic_base_transition_ok(u64 from, u64 to)
{
	const u64 x2apic = LAPIC_BASE_ENABLE | LAPIC_BASE_EXTD;

	from &= x2apic;
	to &= x2apic;
	if (to == x2apic)
		return from & LAPIC_BASE_ENABLE;
	if (from == x2apic)
		return !to;
	return true;
}

static bool lapic_base_valid(const struct lapic *lapic, u64 base)
{
	u64 valid = GENMASK_ULL(lapic->features.maxphyaddr - 1, 12) | LAPIC_BASE_ENABLE |
		    LAPIC_BASE_BSP;

	if (lapic->features.x2apic)
		valid |= LAPIC_BASE_EXTD;
	if (base & ~valid)
		return false;
	return !(base & LAPIC_BASE_EXTD) || base & LAPIC_BASE_ENABLE;
}

int lapic_set_base(struct lapic *lapic, u64 base, bool host)
{
	u64 old = lapic->base;

	if (!lapic_base_valid(lapic, base))
		return -EINVAL;
	if (!host && !lapic_base_transition_ok(old, base))
		return -EINVAL;
	WRITE_ONCE(lapic->base, base);
	if ((old ^ base) & LAPIC_BASE_EXTD) {
		if (base & LAPIC_BASE_EXTD)
			atomic_dec(&lapic->fabric->xapics);
		else
			atomic_inc(&lapic->fabric->xapics);
		lapic_set_mode_ids(lapic);
	}
	/* A disabled APIC loses its state (SDM 3A 11.4.3). */
	if (old & LAPIC_BASE_ENABLE && !(base & LAPIC_BASE_ENABLE))
		lapic_reset_regs(lapic);
	return 0;
}

/*
 * Saved state.
 */

/* Registers that KVM_SET_LAPIC copies from the page, without the bits that are reserved. */
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
	/* Read the count first: if it is 0, the interrupt is in IRR already and in the copy. */
	u32 count = lapic_timer_count(lapic);

	memcpy(state->regs, lapic->regs, sizeof(state->regs));
	page_set(state, LAPIC_TMCCT, count);
	page_set(state, LAPIC_PPR, lapic_ppr(lapic));
	if (lapic_x2apic(lapic) && !lapic->fabric->ids32)
		page_set(state, LAPIC_ID, lapic->id << 24);
}

/* KVM_SET_LAPIC must not change the id of a local APIC in x2APIC mode. */
static bool state_id_valid(const struct lapic *lapic, const struct kvm_lapic_state *state)
{
	u32 id = page_get(state, LAPIC_ID);

	if (!lapic_x2apic(lapic))
		return true;
	return lapic->fabric->ids32 ? id == lapic->id : id >> 24 == lapic->id;
}

/*
 * Restore ISR, TMR or IRR. Vectors 0 to 15 are illegal (SDM 3A 11.8.4), and KVM keeps them all
 * the same: their priority class is 0, so none is ever delivered.
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
