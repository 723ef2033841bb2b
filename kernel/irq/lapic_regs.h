/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of the local APIC (SDM 3A table 10-1) and what its source files
 * share among themselves.
 */
#ifndef ORIEL_IRQ_LAPIC_REGS_H
#define ORIEL_IRQ_LAPIC_REGS_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "lapic.h"

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

/* Version 0x14, six LVT entries, no EOI-broadcast suppression (SDM 3A 10.4.8). */
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

/* ESR (SDM 3A 10.5.3). */
#define LAPIC_ESR_SEND_VECTOR BIT(5)
#define LAPIC_ESR_RECEIVE_VECTOR BIT(6)
#define LAPIC_ESR_REGISTER BIT(7)
#define LAPIC_ESR_ALL GENMASK(7, 0)

/* ICR (SDM 3A 10.6.1, 10.12.9). */
#define LAPIC_ICR_STATUS BIT(12)
#define LAPIC_ICR_VALID 0x000ccfffu
#define LAPIC_ICR_LOGICAL BIT(11)
#define LAPIC_ICR_ASSERT BIT(14)
#define LAPIC_ICR_LEVEL BIT(15)

/* Delivery modes, in ICR, LVT, RTE and MSI alike (SDM 3A 10.6.1). */
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

/* Destination shorthands (SDM 3A 10.6.1). */
enum lapic_shorthand {
	LAPIC_SHORTHAND_NONE,
	LAPIC_SHORTHAND_SELF,
	LAPIC_SHORTHAND_ALL,
	LAPIC_SHORTHAND_OTHERS,
};

/* Vectors below are reserved for exceptions (SDM 3A 10.5.2). */
#define LAPIC_FIRST_VECTOR 16

/**
 * struct lapic_map - the lapics of a fabric by APIC id
 * @rcu: for freeing
 * @size: entries of @by_id
 * @by_id: NULL where there is none
 */
struct lapic_map {
	struct rcu_head rcu;
	u32 size;
	struct lapic __rcu *by_id[];
};

/**
 * struct lapic_rule - who may access a register, and which bits exist
 * @access: LAPIC_ACCESS_* bits
 * @writable: bits a write sets
 * @read_only: bits a write leaves alone; what is in neither mask is reserved
 */
struct lapic_rule {
	u8 access;
	u32 writable;
	u32 read_only;
};

#define LAPIC_ACCESS_READ BIT(0) /* xAPIC */
#define LAPIC_ACCESS_WRITE BIT(1)
#define LAPIC_ACCESS_MSR_READ BIT(2) /* x2APIC */
#define LAPIC_ACCESS_MSR_WRITE BIT(3)

static inline u32 *lapic_reg_ptr(const struct lapic *lapic, u32 reg)
{
	return (u32 *)(lapic->regs + reg);
}

static inline u32 lapic_get_reg(const struct lapic *lapic, u32 reg)
{
	return READ_ONCE(*lapic_reg_ptr(lapic, reg));
}

static inline void lapic_set_reg(struct lapic *lapic, u32 reg, u32 val)
{
	WRITE_ONCE(*lapic_reg_ptr(lapic, reg), val);
}

/*
 * A vector's bit in ISR, TMR or IRR. The 32 bits of a register are followed by
 * 96 reserved ones, so that the bit operations' long is inside the register's 16
 * bytes and aligned.
 */
static inline unsigned long *lapic_vector_word(const struct lapic *lapic, u32 reg, u8 vector)
{
	return (unsigned long *)(lapic->regs + reg + (vector / 32) * 0x10);
}

static inline bool lapic_test_vector(const struct lapic *lapic, u32 reg, u8 vector)
{
	return *lapic_vector_word(lapic, reg, vector) & BIT(vector % 32);
}

static inline bool lapic_software_enabled(const struct lapic *lapic)
{
	return lapic_get_reg(lapic, LAPIC_SVR) & LAPIC_SVR_ENABLE;
}

static inline enum lapic_timer_mode lapic_timer_mode(const struct lapic *lapic)
{
	u32 lvt = lapic_get_reg(lapic, LAPIC_LVT_TIMER);

	return (lvt & LAPIC_LVT_TIMER_MODE) >> LAPIC_LVT_TIMER_MODE_SHIFT;
}

/* The logical x2APIC id is derived from the id (SDM 3A 10.12.10.2). */
static inline u32 lapic_x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | 1u << (id & 0xf);
}

/* lapic.c: the rule of a register; offset is a multiple of 16 below 0x400. */
struct lapic_rule lapic_rule(const struct lapic *lapic, u32 reg);

/* lapic.c: read or write a register that the rules let through. */
u32 lapic_reg_read(struct lapic *lapic, u32 reg);
void lapic_reg_write(struct lapic *lapic, u32 reg, u32 val);

/* lapic.c: highest bit of ISR, IRR or TMR, or -1; and PPR (SDM 3A 10.8.3.1). */
int lapic_highest_vector(const struct lapic *lapic, u32 reg);
u32 lapic_ppr(const struct lapic *lapic);

/* lapic.c: registers as after INIT; the timer is stopped. */
void lapic_reset_regs(struct lapic *lapic);

/* lapic_deliver.c: note an error in ESR and raise LVT Error. Any context. */
void lapic_error(struct lapic *lapic, u32 bit);

/* lapic_deliver.c: do what an LVT entry says. Any context. */
void lapic_deliver_lvt(struct lapic *lapic, u32 reg);

/* lapic_deliver.c: send what ICR says. vCPU thread. */
void lapic_send_ipi(struct lapic *lapic, u32 icr, u32 dest);

/* lapic_timer.c; all in the vCPU's thread or under its mutex, may sleep. */
void lapic_timer_init(struct lapic *lapic);
void lapic_timer_stop(struct lapic *lapic);
void lapic_timer_write_lvt(struct lapic *lapic, u32 lvt);
void lapic_timer_write_initial(struct lapic *lapic, u32 count);
void lapic_timer_write_divide(struct lapic *lapic, u32 divide);
u32 lapic_timer_count(const struct lapic *lapic);
void lapic_timer_restore(struct lapic *lapic, u32 count);

#endif
