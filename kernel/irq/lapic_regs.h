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

/**
 * lapic_reg_ptr() - where a register is kept
 * @lapic: the local APIC
 * @reg: its offset, LAPIC_*
 *
 * Return: its address in the page of registers.
 */
static inline u32 *lapic_reg_ptr(const struct lapic *lapic, u32 reg)
{
	return (u32 *)(lapic->regs + reg);
}

/**
 * lapic_get_reg() - what is kept of a register; any context
 * @lapic: the local APIC
 * @reg: its offset, LAPIC_*
 *
 * Return: the value, which is not the guest's view of those that are computed.
 */
static inline u32 lapic_get_reg(const struct lapic *lapic, u32 reg)
{
	return READ_ONCE(*lapic_reg_ptr(lapic, reg));
}

/**
 * lapic_set_reg() - keep a value, with no other effect; the vCPU's thread
 * @lapic: the local APIC
 * @reg: the register's offset, LAPIC_*
 * @val: the value
 */
static inline void lapic_set_reg(struct lapic *lapic, u32 reg, u32 val)
{
	WRITE_ONCE(*lapic_reg_ptr(lapic, reg), val);
}

/**
 * lapic_vector_word() - the word with a vector's bit, which is @vector % 32
 * @lapic: the local APIC
 * @reg: LAPIC_ISR, LAPIC_TMR or LAPIC_IRR
 * @vector: the vector
 *
 * The 32 bits of a register are followed by 96 reserved ones, so that the bit
 * operations' long is inside the register's 16 bytes and aligned.
 *
 * Return: the word's address.
 */
static inline unsigned long *lapic_vector_word(const struct lapic *lapic, u32 reg, u8 vector)
{
	return (unsigned long *)(lapic->regs + reg + (vector / 32) * 0x10);
}

/**
 * lapic_test_vector() - is a vector's bit set? Any context
 * @lapic: the local APIC
 * @reg: LAPIC_ISR, LAPIC_TMR or LAPIC_IRR
 * @vector: the vector
 *
 * Return: whether it is.
 */
static inline bool lapic_test_vector(const struct lapic *lapic, u32 reg, u8 vector)
{
	return *lapic_vector_word(lapic, reg, vector) & BIT(vector % 32);
}

/**
 * lapic_software_enabled() - is it enabled in its spurious-interrupt register? Any context
 * @lapic: the local APIC
 *
 * Return: whether it is.
 */
static inline bool lapic_software_enabled(const struct lapic *lapic)
{
	return lapic_get_reg(lapic, LAPIC_SVR) & LAPIC_SVR_ENABLE;
}

/**
 * lapic_timer_mode() - the timer's mode, from its LVT entry; any context
 * @lapic: the local APIC
 *
 * Return: the mode.
 */
static inline enum lapic_timer_mode lapic_timer_mode(const struct lapic *lapic)
{
	u32 lvt = lapic_get_reg(lapic, LAPIC_LVT_TIMER);

	return (lvt & LAPIC_LVT_TIMER_MODE) >> LAPIC_LVT_TIMER_MODE_SHIFT;
}

/**
 * lapic_x2apic_ldr() - the logical x2APIC id that follows from an id (SDM 3A 10.12.10.2)
 * @id: the local APIC's
 *
 * Return: the cluster in bits 31:16, the bit in it below.
 */
static inline u32 lapic_x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | 1u << (id & 0xf);
}

/* lapic.c */

/**
 * lapic_rule() - who may access a register
 * @lapic: the local APIC
 * @reg: its offset, a multiple of 16 below 0x400
 *
 * Return: the rule; one without any access when there is no such register.
 */
struct lapic_rule lapic_rule(const struct lapic *lapic, u32 reg);

/**
 * lapic_reg_read() - a register as the guest sees it; the vCPU's thread
 * @lapic: the local APIC
 * @reg: its offset, which the rules have let through
 *
 * Return: its value.
 */
u32 lapic_reg_read(struct lapic *lapic, u32 reg);

/**
 * lapic_reg_write() - write a register, with all that it does; the vCPU's thread, may sleep
 * @lapic: the local APIC
 * @reg: its offset, which the rules have let through
 * @val: the value; bits that cannot be written are dropped
 */
void lapic_reg_write(struct lapic *lapic, u32 reg, u32 val);

/**
 * lapic_highest_vector() - highest bit that is set; any context
 * @lapic: the local APIC
 * @reg: LAPIC_ISR, LAPIC_TMR or LAPIC_IRR
 *
 * Return: the vector, or -1.
 */
int lapic_highest_vector(const struct lapic *lapic, u32 reg);

/**
 * lapic_ppr() - the processor priority (SDM 3A 10.8.3.1); the vCPU's thread
 * @lapic: the local APIC
 *
 * Return: PPR.
 */
u32 lapic_ppr(const struct lapic *lapic);

/**
 * lapic_reset_regs() - registers as after INIT, the timer stopped; may sleep
 * @lapic: the local APIC
 */
void lapic_reset_regs(struct lapic *lapic);

/* lapic_deliver.c */

/**
 * lapic_error() - note an error for ESR and raise LVT Error; any context
 * @lapic: the local APIC
 * @bit: the error's bit of ESR
 */
void lapic_error(struct lapic *lapic, u32 bit);

/**
 * lapic_deliver_lvt() - do what an entry of the LVT says; any context
 * @lapic: the local APIC
 * @reg: offset of the entry
 */
void lapic_deliver_lvt(struct lapic *lapic, u32 reg);

/**
 * lapic_send_ipi() - send what ICR says; the vCPU's thread
 * @lapic: the sender's local APIC
 * @icr: bits 31:0 of ICR
 * @dest: the destination: an id of 8 bits, in x2APIC mode of 32
 */
void lapic_send_ipi(struct lapic *lapic, u32 icr, u32 dest);

/* lapic_timer.c; all in the vCPU's thread or under its mutex, all but the count may sleep. */

/**
 * lapic_timer_init() - make the timer of a new local APIC
 * @lapic: the local APIC
 */
void lapic_timer_init(struct lapic *lapic);

/**
 * lapic_timer_stop() - disarm the timer, whatever its mode
 * @lapic: the local APIC
 *
 * Its callback does not run any more when this returns.
 */
void lapic_timer_stop(struct lapic *lapic);

/**
 * lapic_timer_write_lvt() - write LVT Timer
 * @lapic: the local APIC
 * @lvt: the value, its reserved bits 0
 */
void lapic_timer_write_lvt(struct lapic *lapic, u32 lvt);

/**
 * lapic_timer_write_initial() - write the initial count, which starts the timer
 * @lapic: the local APIC
 * @count: in ticks of the bus clock after the divider; 0 stops it
 */
void lapic_timer_write_initial(struct lapic *lapic, u32 count);

/**
 * lapic_timer_write_divide() - write the divide configuration
 * @lapic: the local APIC
 * @divide: the value; a timer that runs goes on from its count
 */
void lapic_timer_write_divide(struct lapic *lapic, u32 divide);

/**
 * lapic_timer_count() - the current count
 * @lapic: the local APIC
 *
 * Waits for a callback that runs on another CPU: once the interrupt of a one-shot timer
 * is there, the count is 0. Not under a lock that a kick takes.
 *
 * Return: ticks that are left, 0 when it does not run or is in TSC-deadline mode.
 */
u32 lapic_timer_count(struct lapic *lapic);

/**
 * lapic_timer_restore() - go on as the registers, just set by userspace, say
 * @lapic: the local APIC
 * @count: the current count that was saved
 */
void lapic_timer_restore(struct lapic *lapic, u32 count);

#endif
