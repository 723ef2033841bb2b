// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's registers as the guest reads and writes them through the
 * xAPIC page, and the path of a vector from IRR through ISR to EOI.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irq/fabric.h"
#include "irq/ioapic.h"
#include "irq/lapic.h"
#include "irq/lapic_regs.h"

#define X_READ LAPIC_ACCESS_READ
#define X_WRITE LAPIC_ACCESS_WRITE
#define M_READ LAPIC_ACCESS_MSR_READ
#define M_WRITE LAPIC_ACCESS_MSR_WRITE
#define BOTH_READ (X_READ | M_READ)
#define BOTH_WRITE (X_WRITE | M_WRITE)
#define BOTH (BOTH_READ | BOTH_WRITE)

#define LVT_LOCAL (LAPIC_LVT_VECTOR | LAPIC_LVT_MODE | LAPIC_LVT_MASKED)
#define LVT_PIN (LVT_LOCAL | LAPIC_LVT_POLARITY | LAPIC_LVT_LEVEL)
#define LVT_PIN_READ_ONLY (LAPIC_LVT_STATUS | LAPIC_LVT_REMOTE_IRR)
#define LVT_TIMER (LAPIC_LVT_VECTOR | LAPIC_LVT_MASKED | LAPIC_LVT_TIMER_MODE)
#define LVT_ERROR (LAPIC_LVT_VECTOR | LAPIC_LVT_MASKED)

/*
 * One line per register: SDM 3A tables 10-1 and 10-6 with their figures. Reserved bits
 * of ICR are kept, as by KVM; x2APIC mode refuses them.
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

struct lapic_rule lapic_rule(const struct lapic *lapic, u32 reg)
{
	struct lapic_rule rule = rules[reg / 16];

	/* Bit 18 exists with the TSC-deadline mode only (SDM 3A 10.5.1). */
	if (reg == LAPIC_LVT_TIMER && !lapic->features.tsc_deadline)
		rule.writable &= ~BIT(18);
	return rule;
}

int lapic_highest_vector(const struct lapic *lapic, u32 reg)
{
	int i;

	for (i = 7; i >= 0; i--) {
		u32 word = lapic_get_reg(lapic, reg + i * 0x10);

		if (word)
			return i * 32 + fls(word) - 1;
	}
	return -1;
}

/* SDM 3A 10.8.3.1 */
u32 lapic_ppr(const struct lapic *lapic)
{
	u32 tpr = lapic_get_reg(lapic, LAPIC_TPR);
	int isr = lapic_highest_vector(lapic, LAPIC_ISR);
	u32 service = isr < 0 ? 0 : isr & 0xf0;

	return (tpr & 0xf0) >= service ? tpr : service;
}

int lapic_highest_irr(struct lapic *lapic)
{
	if (!READ_ONCE(lapic->irr_pending))
		return -1;
	return lapic_highest_vector(lapic, LAPIC_IRR);
}

int lapic_pending(struct lapic *lapic)
{
	int vector;

	if (!lapic_enabled(lapic))
		return -1;
	vector = lapic_highest_irr(lapic);
	if (vector < 0 || (vector & 0xf0) <= (lapic_ppr(lapic) & 0xf0))
		return -1;
	return vector;
}

void lapic_accept(struct lapic *lapic, u8 vector)
{
	set_bit(vector % 32, lapic_vector_word(lapic, LAPIC_ISR, vector));
	clear_bit(vector % 32, lapic_vector_word(lapic, LAPIC_IRR, vector));

	/*
	 * Cleared before the scan: whoever posts after it sets the flag after his
	 * bit in IRR, and whoever posted before it is found by the scan.
	 */
	WRITE_ONCE(lapic->irr_pending, false);
	smp_mb(); /* pairs with the atomic in lapic_post() */
	if (lapic_highest_vector(lapic, LAPIC_IRR) >= 0)
		WRITE_ONCE(lapic->irr_pending, true);
}

/* The broadcast of an EOI to an IOAPIC that is not in the kernel. */
static void lapic_user_eoi(struct lapic *lapic, u8 vector)
{
	struct irq_fabric *fabric = lapic->fabric;

	if (lapic_test_vector(lapic, LAPIC_TMR, vector) && fabric_is_user_vector(fabric, vector))
		fabric->ops->user_eoi(lapic->vcpu, vector);
}

/* SDM 3A 10.8.5 */
void lapic_end_of_interrupt(struct lapic *lapic)
{
	struct irq_fabric *fabric = lapic->fabric;
	struct ioapic *ioapic = READ_ONCE(fabric->ioapic);
	int vector = lapic_highest_vector(lapic, LAPIC_ISR);
	bool level;

	if (vector < 0)
		return;
	clear_bit(vector % 32, lapic_vector_word(lapic, LAPIC_ISR, vector));
	if (!ioapic) {
		lapic_user_eoi(lapic, vector);
		return;
	}
	if (!ioapic_handles(ioapic, vector))
		return;
	level = lapic_test_vector(lapic, LAPIC_TMR, vector);
	if (level || fabric_has_acks(fabric))
		ioapic_eoi(ioapic, vector, level);
}

bool lapic_eoi_is_silent(struct lapic *lapic, u8 vector)
{
	struct irq_fabric *fabric = lapic->fabric;
	struct ioapic *ioapic = READ_ONCE(fabric->ioapic);

	if (lapic_highest_irr(lapic) >= 0 || lapic_highest_vector(lapic, LAPIC_ISR) != vector ||
	    lapic_test_vector(lapic, LAPIC_TMR, vector))
		return false;
	return !ioapic || !fabric_has_acks(fabric) || !ioapic_handles(ioapic, vector);
}

static void lapic_mask_lvts(struct lapic *lapic)
{
	u32 reg;

	for (reg = LAPIC_LVT_TIMER; reg <= LAPIC_LVT_ERROR; reg += 0x10)
		lapic_set_reg(lapic, reg, lapic_get_reg(lapic, reg) | LAPIC_LVT_MASKED);
}

static void lapic_write_svr(struct lapic *lapic, u32 val)
{
	lapic_set_reg(lapic, LAPIC_SVR, val);
	/* SDM 3A 10.4.7.2: software-disabled means all LVT entries masked. */
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

u32 lapic_reg_read(struct lapic *lapic, u32 reg)
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

void lapic_reg_write(struct lapic *lapic, u32 reg, u32 val)
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
		/* A write makes the errors found since the last one visible. */
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
	else if (rules[reg / 16].access & LAPIC_ACCESS_READ)
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
	else if (rules[offset / 16].access & LAPIC_ACCESS_WRITE)
		lapic_reg_write(lapic, offset, val);
}

void *lapic_registers(struct lapic *lapic)
{
	return lapic->regs;
}

u64 lapic_get_cr8(const struct lapic *lapic)
{
	return lapic_get_reg(lapic, LAPIC_TPR) >> 4;
}

int lapic_set_cr8(struct lapic *lapic, u64 cr8)
{
	if (cr8 & ~0xfull)
		return -EINVAL;
	lapic_set_reg(lapic, LAPIC_TPR, cr8 << 4);
	return 0;
}

u8 lapic_get_tpr(const struct lapic *lapic)
{
	return lapic_get_reg(lapic, LAPIC_TPR);
}

void lapic_set_tpr(struct lapic *lapic, u8 tpr)
{
	lapic_set_reg(lapic, LAPIC_TPR, tpr);
}

bool lapic_is_tpr(const struct lapic *lapic, u64 gpa)
{
	return lapic_page_present(lapic) && lapic_covers(lapic, gpa) &&
	       (gpa & (LAPIC_MMIO_SIZE - 1)) == LAPIC_TPR;
}

u32 lapic_vapic_word(struct lapic *lapic)
{
	int isr = lapic_highest_vector(lapic, LAPIC_ISR);
	int irr = lapic_highest_irr(lapic);

	return (u32)max(irr, 0) << 24 | (max(isr, 0) & 0xf0) << 8 | lapic_get_tpr(lapic);
}

bool lapic_accepts_extint(const struct lapic *lapic)
{
	u32 lvt = lapic_get_reg(lapic, LAPIC_LVT_LINT0);

	if (!lapic_enabled(lapic))
		return lapic->base & LAPIC_BASE_BSP;
	return !(lvt & LAPIC_LVT_MASKED) && (lvt & LAPIC_LVT_MODE) >> 8 == LAPIC_MODE_EXTINT;
}

/* SDM 3A 10.4.7.1 */
void lapic_reset_regs(struct lapic *lapic)
{
	lapic_timer_stop(lapic);
	/*
	 * Before IRR: a vector that is posted meanwhile is either cleared with the rest or
	 * has its flag. One that stayed in IRR without it would never be seen again.
	 */
	WRITE_ONCE(lapic->irr_pending, false);
	smp_mb(); /* pairs with the atomic in lapic_post() */
	memset(lapic->regs, 0, KVM_APIC_REG_SIZE);
	lapic_set_reg(lapic, LAPIC_ID, lapic_x2apic(lapic) ? lapic->id : lapic->id << 24);
	lapic_set_reg(lapic, LAPIC_VERSION, LAPIC_VERSION_VALUE);
	if (lapic_x2apic(lapic))
		lapic_set_reg(lapic, LAPIC_LDR, lapic_x2apic_ldr(lapic->id));
	lapic_set_reg(lapic, LAPIC_DFR, 0xffffffff);
	lapic_set_reg(lapic, LAPIC_SVR, 0xff);
	lapic_mask_lvts(lapic);
	lapic_timer_write_divide(lapic, 0);
	atomic_set(&lapic->errors, 0);
}

void lapic_reset(struct lapic *lapic, bool init)
{
	bool bsp = lapic->base & LAPIC_BASE_BSP;

	if (!init) {
		if (lapic_x2apic(lapic))
			atomic_inc(&lapic->fabric->xapics);
		WRITE_ONCE(lapic->base,
			   LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE | (bsp ? LAPIC_BASE_BSP : 0));
		atomic_set(&lapic->events, 0);
	}
	lapic_reset_regs(lapic);
	/*
	 * Firmware leaves the BSP in virtual wire mode (MP specification 3.6.2.2);
	 * a kernel that is started without firmware relies on it.
	 */
	if (bsp && !lapic->fabric->lint0_masked)
		lapic_set_reg(lapic, LAPIC_LVT_LINT0, LAPIC_MODE_EXTINT << 8);
}

void lapic_set_features(struct lapic *lapic, const struct lapic_features *features)
{
	lapic->features = *features;
	/* The page's address has at least 32 bits, a physical address at most 52. */
	lapic->features.maxphyaddr = clamp_t(u8, features->maxphyaddr, 32, 52);
}

/* Make room for an id in the map. The fabric's lock is held. */
static int lapic_map_grow(struct irq_fabric *fabric, u32 size)
{
	struct lapic_map *old, *map;

	old = rcu_dereference_protected(fabric->lapics, lockdep_is_held(&fabric->lock));
	if (old && old->size >= size)
		return 0;
	map = kvzalloc(struct_size(map, by_id, size), GFP_KERNEL_ACCOUNT);
	if (!map)
		return -ENOMEM;
	map->size = size;
	if (old)
		memcpy(map->by_id, old->by_id, old->size * sizeof(old->by_id[0]));
	rcu_assign_pointer(fabric->lapics, map);
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

/* Enter a lapic into the map: from here on others reach it. */
static int lapic_map_add(struct irq_fabric *fabric, struct lapic *lapic)
{
	struct lapic_map *map;
	int err;

	mutex_lock(&fabric->lock);
	err = lapic_map_grow(fabric, lapic->id + 1);
	if (err)
		goto out;
	map = rcu_dereference_protected(fabric->lapics, lockdep_is_held(&fabric->lock));
	if (rcu_access_pointer(map->by_id[lapic->id])) {
		err = -EEXIST;
		goto out;
	}
	atomic_inc(&fabric->xapics);
	rcu_assign_pointer(map->by_id[lapic->id], lapic);
out:
	mutex_unlock(&fabric->lock);
	return err;
}

struct lapic *lapic_create(struct irq_fabric *fabric, void *vcpu, u32 apic_id, bool bsp)
{
	struct lapic *lapic;
	int err;

	if (apic_id >= FABRIC_MAX_APIC_ID)
		return ERR_PTR(-EINVAL);
	lapic = kzalloc(sizeof(*lapic), GFP_KERNEL_ACCOUNT);
	if (!lapic)
		return ERR_PTR(-ENOMEM);
	lapic->fabric = fabric;
	lapic->vcpu = vcpu;
	lapic->id = apic_id;
	lapic->base = bsp ? LAPIC_BASE_BSP : 0;
	lapic->features.maxphyaddr = 36;
	err = -ENOMEM;
	/* A whole page, as the hardware wants it. */
	lapic->regs = kzalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!lapic->regs)
		goto free_lapic;
	lapic_timer_init(lapic);
	lapic_reset(lapic, false);
	err = lapic_map_add(fabric, lapic);
	if (err)
		goto free_regs;
	return lapic;
free_regs:
	kfree(lapic->regs);
free_lapic:
	kfree(lapic);
	return ERR_PTR(err);
}

void lapic_destroy(struct lapic *lapic)
{
	struct irq_fabric *fabric;
	struct lapic_map *map;

	if (!lapic)
		return;
	fabric = lapic->fabric;
	mutex_lock(&fabric->lock);
	map = rcu_dereference_protected(fabric->lapics, lockdep_is_held(&fabric->lock));
	RCU_INIT_POINTER(map->by_id[lapic->id], NULL);
	if (!lapic_x2apic(lapic))
		atomic_dec(&fabric->xapics);
	mutex_unlock(&fabric->lock);
	/* Messages on their way have arrived after it. */
	synchronize_rcu_expedited();
	lapic_timer_stop(lapic);
	kfree(lapic->regs);
	kfree(lapic);
}
