/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt controllers and the interval timer, as far as guests share code
 * for them.
 */
#ifndef GUEST_APIC_H
#define GUEST_APIC_H

#include "trap.h"

#define LAPIC_BASE 0xfee00000ULL
#define IOAPIC_BASE 0xfec00000ULL

/* Register offsets (SDM 3A table 11-1). */
#define APIC_ID 0x20
#define APIC_VERSION 0x30
#define APIC_TPR 0x80
#define APIC_PPR 0xa0
#define APIC_EOI 0xb0
#define APIC_LDR 0xd0
#define APIC_DFR 0xe0
#define APIC_SVR 0xf0
#define APIC_ISR 0x100
#define APIC_TMR 0x180
#define APIC_IRR 0x200
#define APIC_ESR 0x280
#define APIC_ICR 0x300
#define APIC_ICR2 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_THERMAL 0x330
#define APIC_LVT_PMC 0x340
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0
#define X2APIC_SELF_IPI 0x3f0

#define APIC_SVR_ENABLE 0x100
#define APIC_LVT_MASKED 0x10000
#define APIC_TIMER_PERIODIC 0x20000
#define APIC_TIMER_DEADLINE 0x40000
#define APIC_ICR_FIXED 0
#define APIC_ICR_NMI 0x400
#define APIC_ICR_EXTINT 0x700
#define APIC_ICR_ASSERT 0x4000
#define APIC_ICR_LEVEL 0x8000
#define APIC_ICR_SELF 0x40000
#define APIC_ICR_ALL 0x80000
#define APIC_ICR_OTHERS 0xc0000

#define APIC_BASE_BSP BIT(8)
#define APIC_BASE_EXTD BIT(10)
#define APIC_BASE_ENABLE BIT(11)

#define PIC1 0x20
#define PIC2 0xa0

/* The registers through whichever of the two interfaces is on. */
u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 value);

/* One of the 256 bits of ISR, TMR or IRR. */
bool apic_test(u32 base, unsigned int vector);

/* Software-enabled, spurious vector 0xff, TPR 0, all LVT entries masked. */
void apic_enable(void);
void x2apic_enable(void);
/* Through the disabled state, the only legal way back (SDM 3A 11.12.5). */
void xapic_enable(void);
bool x2apic_on(void);

/* A fixed interrupt to this CPU. */
void apic_self_ipi(unsigned int vector);
void apic_icr(u32 value);

/* A handler that counts in irq_count[] and writes EOI. */
void irq_count_handler(struct regs *regs);
extern live unsigned int irq_count[256];

/* Spins, with interrupts as they are, until *count >= want; false: gave up. */
bool wait_count(live unsigned int *count, unsigned int want);
/* The same, asleep in HLT with interrupts on in between. */
bool sleep_count(live unsigned int *count, unsigned int want);
/* Must a wait that began at TSC @start end? Only a hang lasts so long. */
bool waited_long(u64 start);
/* Runs a while, in which a pending or wrongly armed interrupt would come. */
void linger(void);

u32 ioapic_read(unsigned int reg);
void ioapic_write(unsigned int reg, u32 value);
void ioapic_set_entry(unsigned int pin, u64 entry);
u64 ioapic_entry(unsigned int pin);

/* Both 8259A, vectors @base to @base + 15, all masked. */
void pic_init(u8 base);
void pic_mask(u16 mask);

/* Waits until the first 8259A's IRR has all of @mask; false: gave up. */
bool pic_await(u8 mask);

void pit_set(unsigned int channel, unsigned int mode, u16 count);

/*
 * Stops channel 0, whose last edge has come then to all that are to get it: mode 5
 * counts when its gate rises, which is tied high.
 */
void pit_stop(void);

/* Make the edges of channel 0 NMIs, or not, on whichever pin this machine has it. */
void pit_nmis(bool on);
/*
 * HLT with IF clear, and NMIs every @count ticks: on a busy host the first may come before
 * the HLT, and the next one ends that. @behind is where it returns to then.
 */
void pit_nmi_hlt(u16 count, live u64 *behind);

#endif
