// SPDX-License-Identifier: GPL-2.0-only
/*
 * A local APIC from creation to destruction, and the path of a vector from IRR through ISR to
 * its EOI.
 *
 * Any CPU may post a vector, without a lock. The flag lapic.irr_pending saves the vCPU the scan
 * of an empty IRR. The flag must not stay clear while a vector is in IRR, so the order of the
 * stores matters:
 *
 * 1. lapic_post() sets the bit in IRR, then the flag.
 * 2. lapic_accept() clears the flag, then scans IRR and sets the flag again if a bit is left.
 * 3. lapic_reset_regs() clears the flag, then IRR.
 *
 * Each function has a full barrier between its two accesses. So either the bit of step 1 is seen
 * by the scan of step 2 and cleared by step 3, or step 1 sets the flag after they cleared it.
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

static int highest_vector(const struct lapic *lapic, u32 reg)
{
	int i;

	for (i = 7; i >= 0; i--) {
		u32 word = lapic_get_reg(lapic, reg + i * 0x10);

		if (word)
			return i * 32 + fls(word) - 1;
	}
	return -1;
}

/* SDM 3A 11.8.3.1 */
u32 lapic_ppr(const struct lapic *lapic)
{
	u32 tpr = lapic_get_reg(lapic, LAPIC_TPR);
	int isr = highest_vector(lapic, LAPIC_ISR);
	u32 service = isr < 0 ? 0 : isr & 0xf0;

	return (tpr & 0xf0) >= service ? tpr : service;
}

/* run/inject.c asks for an exit when TPR falls only if IRR has a vector. */
int lapic_highest_irr(struct lapic *lapic)
{
	if (!READ_ONCE(lapic->irr_pending))
		return -1;
	return highest_vector(lapic, LAPIC_IRR);
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

	WRITE_ONCE(lapic->irr_pending, false);
	/*
	 * Clear the flag before reading IRR; pairs with test_and_set_bit() in lapic_post(),
	 * which orders the bit in IRR before the flag.
	 */
	smp_mb();
	if (highest_vector(lapic, LAPIC_IRR) >= 0)
		WRITE_ONCE(lapic->irr_pending, true);
}

/* Tell userspace's IOAPIC of an EOI, if a level-triggered pin of it sends this vector. */
static void lapic_user_eoi(struct lapic *lapic, u8 vector)
{
	struct irq_fabric *fabric = lapic->fabric;

	if (lapic_test_vector(lapic, LAPIC_TMR, vector) && fabric_is_user_vector(fabric, vector))
		fabric->ops->user_eoi(lapic->vcpu, vector);
}

/* SDM 3A 11.8.5 */
void lapic_end_of_interrupt(struct lapic *lapic)
{
	struct irq_fabric *fabric = lapic->fabric;
	struct ioapic *ioapic = READ_ONCE(fabric->ioapic);
	int vector = highest_vector(lapic, LAPIC_ISR);
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

/*
 * For this @vector has to be the highest in service and edge-triggered, its EOI must concern no
 * listener, and IRR must be empty. A vector that is posted later kicks the vCPU.
 */
bool lapic_eoi_is_silent(struct lapic *lapic, u8 vector)
{
	struct irq_fabric *fabric = lapic->fabric;
	struct ioapic *ioapic = READ_ONCE(fabric->ioapic);

	if (lapic_highest_irr(lapic) >= 0 || highest_vector(lapic, LAPIC_ISR) != vector ||
	    lapic_test_vector(lapic, LAPIC_TMR, vector))
		return false;
	return !ioapic || !fabric_has_acks(fabric) || !ioapic_handles(ioapic, vector);
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

u32 lapic_vapic_word(struct lapic *lapic)
{
	int isr = highest_vector(lapic, LAPIC_ISR);
	int irr = lapic_highest_irr(lapic);

	return (u32)max(irr, 0) << 24 | (max(isr, 0) & 0xf0) << 8 | lapic_get_tpr(lapic);
}

/*
 * Either LVT LINT0 is unmasked and in ExtINT mode, or the APIC is disabled and LINT0 is the CPU's
 * INTR pin (SDM 3A 11.4.3), which the board connects for the BSP alone.
 */
bool lapic_accepts_extint(const struct lapic *lapic)
{
	u32 lvt = lapic_get_reg(lapic, LAPIC_LVT_LINT0);

	if (!lapic_enabled(lapic))
		return lapic->base & LAPIC_BASE_BSP;
	return !(lvt & LAPIC_LVT_MASKED) && (lvt & LAPIC_LVT_MODE) >> 8 == LAPIC_MODE_EXTINT;
}

void lapic_mask_lvts(struct lapic *lapic)
{
	u32 reg;

	for (reg = LAPIC_LVT_TIMER; reg <= LAPIC_LVT_ERROR; reg += 0x10)
		lapic_set_reg(lapic, reg, lapic_get_reg(lapic, reg) | LAPIC_LVT_MASKED);
}

/* In x2APIC mode the logical id follows from the id (SDM 3A 11.12.10.2). */
void lapic_set_mode_ids(struct lapic *lapic)
{
	if (lapic_x2apic(lapic)) {
		lapic_set_reg(lapic, LAPIC_ID, lapic->id);
		lapic_set_reg(lapic, LAPIC_LDR, lapic->id >> 4 << 16 | 1u << (lapic->id & 0xf));
	} else {
		lapic_set_reg(lapic, LAPIC_ID, lapic->id << 24);
		lapic_set_reg(lapic, LAPIC_LDR, 0);
	}
}

/* SDM 3A 11.4.7.1 */
void lapic_reset_regs(struct lapic *lapic)
{
	lapic_timer_stop(lapic);
	WRITE_ONCE(lapic->irr_pending, false);
	/*
	 * Clear the flag before IRR; pairs with test_and_set_bit() in lapic_post(). A vector
	 * that is posted now is either cleared with the rest, or its flag stays.
	 */
	smp_mb();
	memset(lapic->regs, 0, KVM_APIC_REG_SIZE);
	lapic_set_mode_ids(lapic);
	lapic_set_reg(lapic, LAPIC_VERSION, LAPIC_VERSION_VALUE);
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
	 * Firmware leaves the BSP in virtual wire mode (MP specification 3.6.2.2), and a
	 * kernel that is started without firmware relies on it.
	 */
	if (bsp && !lapic->fabric->lint0_masked)
		lapic_set_reg(lapic, LAPIC_LVT_LINT0, LAPIC_MODE_EXTINT << 8);
}

void lapic_set_features(struct lapic *lapic, const struct lapic_features *features)
{
	lapic->features = *features;
	/* IA32_APIC_BASE holds at least 32 bits of address; a physical address has at most 52. */
	lapic->features.maxphyaddr = clamp_t(u8, features->maxphyaddr, 32, 52);
}

/* Make the map large enough for @size ids. The fabric's lock is held. */
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

/* Make room in the map for an id that no lapic has. */
static int lapic_map_reserve(struct irq_fabric *fabric, u32 id)
{
	struct lapic_map *map;
	int err;

	mutex_lock(&fabric->lock);
	err = lapic_map_grow(fabric, id + 1);
	map = rcu_dereference_protected(fabric->lapics, lockdep_is_held(&fabric->lock));
	if (!err && rcu_access_pointer(map->by_id[id]))
		err = -EEXIST;
	mutex_unlock(&fabric->lock);
	return err;
}

/* Enter @new, which may be NULL, into the map under an id. */
static void lapic_map_set(struct irq_fabric *fabric, u32 id, struct lapic *new)
{
	struct lapic_map *map;

	mutex_lock(&fabric->lock);
	map = rcu_dereference_protected(fabric->lapics, lockdep_is_held(&fabric->lock));
	rcu_assign_pointer(map->by_id[id], new);
	mutex_unlock(&fabric->lock);
}

void lapic_publish(struct lapic *lapic)
{
	lapic_map_set(lapic->fabric, lapic->id, lapic);
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
	/* APICv and AVIC need an aligned page. */
	lapic->regs = kzalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!lapic->regs)
		goto free_lapic;
	lapic_timer_init(lapic);
	lapic_reset(lapic, false);
	err = lapic_map_reserve(fabric, apic_id);
	if (err)
		goto free_regs;
	atomic_inc(&fabric->xapics);
	return lapic;
free_regs:
	kfree(lapic->regs);
free_lapic:
	kfree(lapic);
	return ERR_PTR(err);
}

void lapic_destroy(struct lapic *lapic)
{
	if (!lapic)
		return;
	lapic_map_set(lapic->fabric, lapic->id, NULL);
	if (!lapic_x2apic(lapic))
		atomic_dec(&lapic->fabric->xapics);
	lapic_timer_stop(lapic);
	kfree(lapic->regs);
	kfree(lapic);
}
