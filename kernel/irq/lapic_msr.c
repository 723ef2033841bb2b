// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC as MSRs: the x2APIC registers 0x800-0x8ff (SDM 3A 10.12.1) and
 * the switch between modes, IA32_APIC_BASE.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "irq/fabric.h"
#include "irq/lapic.h"
#include "irq/lapic_regs.h"

/* Bits 63:32 are the destination; bit 12 is ignored (SDM 3A 10.12.9). */
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

	if (lapic_msr_rule(lapic, msr, LAPIC_ACCESS_MSR_READ, &rule))
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

	if (lapic_msr_rule(lapic, msr, LAPIC_ACCESS_MSR_WRITE, &rule))
		return -EINVAL;
	if (reg == LAPIC_ICR)
		return lapic_write_icr64(lapic, val);
	if (val & ~(u64)(rule.writable | rule.read_only))
		return -EINVAL;
	if (reg == LAPIC_SELF_IPI)
		/* The same as an ICR write with the self shorthand (SDM 3A 10.12.11). */
		lapic_send_ipi(lapic, (u32)val | LAPIC_SHORTHAND_SELF << 18, 0);
	else
		lapic_reg_write(lapic, reg, val);
	return 0;
}

/* SDM 3A figure 10-27: from x2APIC mode the way is through disabled. */
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

/* The id and, in x2APIC mode, the logical id follow the mode. */
static void lapic_set_mode_ids(struct lapic *lapic)
{
	if (lapic_x2apic(lapic)) {
		lapic_set_reg(lapic, LAPIC_ID, lapic->id);
		lapic_set_reg(lapic, LAPIC_LDR, lapic_x2apic_ldr(lapic->id));
	} else {
		lapic_set_reg(lapic, LAPIC_ID, lapic->id << 24);
		lapic_set_reg(lapic, LAPIC_LDR, 0);
	}
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
	/* Disabling it loses its state (SDM 3A 10.4.3). */
	if (old & LAPIC_BASE_ENABLE && !(base & LAPIC_BASE_ENABLE))
		lapic_reset_regs(lapic);
	return 0;
}
