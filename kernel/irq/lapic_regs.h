/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of the local APIC (SDM 3A table 11-1), and functions that its source files share.
 * The rules about context in lapic.h hold here too.
 */
#ifndef ORIEL_IRQ_LAPIC_REGS_H
#define ORIEL_IRQ_LAPIC_REGS_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "irq/lapic.h"

#define LAPIC_ID 0x020
#define LAPIC_VERSION 0x030
#define LAPIC_TPR 0x080
#define LAPIC_APR 0x090
#define LAPIC_PPR 0x0a0
#define LAPIC_EOI 0x0b0
#define LAPIC_RRD 0x0c0
#define LAPIC_LDR 0x0d0
#define LAPIC_DFR 0x0e0
#define LAPIC_SVR 0x0f0
#define LAPIC_ISR 0x100
#define LAPIC_TMR 0x180
#define LAPIC_IRR 0x200
#define LAPIC_ESR 0x280
#define LAPIC_ICR 0x300
#define LAPIC_ICR2 0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_THERMAL 0x330
#define LAPIC_LVT_PMC 0x340
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define LAPIC_LVT_ERROR 0x370
#define LAPIC_TMICT 0x380
#define LAPIC_TMCCT 0x390
#define LAPIC_TDCR 0x3e0
#define LAPIC_SELF_IPI 0x3f0
#define LAPIC_REG_COUNT (KVM_APIC_REG_SIZE / 0x10)
/* Version 0x14, six LVT entries, no EOI-broadcast suppression (SDM 3A 11.4.8). */
#define LAPIC_VERSION_VALUE 0x00050014
#define LAPIC_SVR_ENABLE BIT(8)
#define LAPIC_DFR_MODEL GENMASK(31, 28)
#define LAPIC_DFR_RESERVED GENMASK(27, 0)
#define LAPIC_LVT_VECTOR GENMASK(7, 0)
#define LAPIC_LVT_MODE GENMASK(10, 8)
#define LAPIC_LVT_STATUS BIT(12)
#define LAPIC_LVT_POLARITY BIT(13)
#define LAPIC_LVT_REMOTE_IRR BIT(14)
#define LAPIC_LVT_LEVEL BIT(15)
#define LAPIC_LVT_MASKED BIT(16)
#define LAPIC_LVT_TIMER_MODE GENMASK(18, 17)
#define LAPIC_LVT_TIMER_MODE_SHIFT 17
/* ESR (SDM 3A 11.5.3). */
#define LAPIC_ESR_SEND_VECTOR BIT(5)
#define LAPIC_ESR_RECEIVE_VECTOR BIT(6)
#define LAPIC_ESR_REGISTER BIT(7)
#define LAPIC_ESR_ALL GENMASK(7, 0)
/* ICR (SDM 3A 11.6.1, 11.12.9). */
#define LAPIC_ICR_STATUS BIT(12)
#define LAPIC_ICR_VALID 0x000ccfffu
#define LAPIC_ICR_LOGICAL BIT(11)
#define LAPIC_ICR_ASSERT BIT(14)
#define LAPIC_ICR_LEVEL BIT(15)

/* Delivery modes, in ICR, LVT, RTE and MSI alike (SDM 3A 11.6.1). */
enum lapic_mode {
	LAPIC_MODE_FIXED,
	LAPIC_MODE_LOWEST,
	LAPIC_MODE_SMI,
	LAPIC_MODE_REMOTE_READ,
	LAPIC_MODE_NMI,
	LAPIC_MODE_INIT,
	LAPIC_MODE_SIPI,
	LAPIC_MODE_EXTINT,
};

/* Destination shorthands (SDM 3A 11.6.1). */
enum lapic_shorthand {
	LAPIC_SHORTHAND_NONE,
	LAPIC_SHORTHAND_SELF,
	LAPIC_SHORTHAND_ALL,
	LAPIC_SHORTHAND_OTHERS,
};

/* Lower vectors are reserved for exceptions (SDM 3A 11.5.2). */
#define LAPIC_FIRST_VECTOR 16

/* The lapics of a fabric. */
struct lapic_map {
	struct rcu_head rcu;
	u32 size;
	struct lapic __rcu *by_id[]; /* @size entries by APIC id; NULL where there is no lapic */
};

static inline u32 *lapic_reg_ptr(const struct lapic *lapic, u32 reg)
{
	return (u32 *)(lapic->regs + reg);
}

/* Return the stored value. The guest reads another if the register is computed. Any context. */
static inline u32 lapic_get_reg(const struct lapic *lapic, u32 reg)
{
	return READ_ONCE(*lapic_reg_ptr(lapic, reg));
}

/* Store a value. A write of the guest may have effects besides. */
static inline void lapic_set_reg(struct lapic *lapic, u32 reg, u32 val)
{
	WRITE_ONCE(*lapic_reg_ptr(lapic, reg), val);
}

/*
 * Return the word of LAPIC_ISR, LAPIC_TMR or LAPIC_IRR that has the bit of @vector. The number of
 * the bit is @vector % 32. A register has 32 bits, and 96 reserved bits behind them, so the long
 * that a bit operation accesses is aligned and lies inside these 16 bytes.
 */
static inline unsigned long *lapic_vector_word(const struct lapic *lapic, u32 reg, u8 vector)
{
	return (unsigned long *)(lapic->regs + reg + (vector / 32) * 0x10);
}

/* Any context. */
static inline bool lapic_test_vector(const struct lapic *lapic, u32 reg, u8 vector)
{
	return *lapic_vector_word(lapic, reg, vector) & BIT(vector % 32);
}

/* Return true if the spurious-interrupt register enables the lapic. Any context. */
static inline bool lapic_software_enabled(const struct lapic *lapic)
{
	return lapic_get_reg(lapic, LAPIC_SVR) & LAPIC_SVR_ENABLE;
}

/* lapic.c */

u32 lapic_ppr(const struct lapic *lapic);
void lapic_mask_lvts(struct lapic *lapic);
/** lapic_set_mode_ids() - set the id and the logical id to their values in this mode */
void lapic_set_mode_ids(struct lapic *lapic);
/** lapic_reset_regs() - registers as after INIT, the timer stopped; may sleep */
void lapic_reset_regs(struct lapic *lapic);

/* lapic_deliver.c */

/**
 * lapic_post() - post a vector into IRR, and kick; any context. A vector below 16 is an error that
 * ESR shows; the EOI of a level-triggered one (@level) goes to the IOAPIC. Return 1 if posted, 0 if
 * already pending, -1 if not accepted (software-disabled or an illegal vector).
 */
int lapic_post(struct lapic *lapic, u8 vector, bool level);
/** lapic_raise_lint() - an edge arrives at LINT0 or LINT1 (@pin is 0 or 1); any context */
void lapic_raise_lint(struct lapic *lapic, unsigned int pin);
/** lapic_error() - keep a bit for ESR and raise LVT Error; any context */
void lapic_error(struct lapic *lapic, u32 bit);
/** lapic_deliver_lvt() - deliver the interrupt that the LVT's entry at @reg holds; any context */
void lapic_deliver_lvt(struct lapic *lapic, u32 reg);
/** lapic_send_ipi() - @icr is ICR[31:0]; @dest has 8 bits, or 32 in x2APIC mode */
void lapic_send_ipi(struct lapic *lapic, u32 icr, u32 dest);

/* lapic_timer.c; all but lapic_timer_count() may sleep. */

void lapic_timer_init(struct lapic *lapic);
/** lapic_timer_stop() - disarm the timer in any mode; its callback has ended on return */
void lapic_timer_stop(struct lapic *lapic);
/** lapic_timer_write_lvt() - write LVT Timer; reserved bits are 0 */
void lapic_timer_write_lvt(struct lapic *lapic, u32 lvt);
/** lapic_timer_write_initial() - write the initial count, which starts the timer; 0 stops it */
void lapic_timer_write_initial(struct lapic *lapic, u32 count);
/** lapic_timer_write_divide() - write the divisor; a timer that runs goes on from its count */
void lapic_timer_write_divide(struct lapic *lapic, u32 divide);
/**
 * lapic_timer_count() - the current count; 0 when it does not run or is in TSC-deadline mode. Waits
 * for a callback that runs on another CPU, so that the count is 0 once the interrupt of a one-shot
 * timer is in IRR. The caller holds no lock that a kick takes.
 */
u32 lapic_timer_count(struct lapic *lapic);
/** lapic_timer_restore() - go on at @count; userspace has set the timer's other registers */
void lapic_timer_restore(struct lapic *lapic, u32 count);

#endif
