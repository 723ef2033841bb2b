/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of a vCPU, xAPIC and x2APIC (SDM 3A chapter 11).
 *
 * The registers belong to the vCPU: its thread calls these functions, or a thread that holds the
 * vCPU's mutex. A function "in any context" may be called by any thread and in a hard irq: it
 * posts interrupts into IRR and the event bits without a lock. A function that "may sleep" waits
 * for the timer's callback.
 */
#ifndef ORIEL_IRQ_LAPIC_H
#define ORIEL_IRQ_LAPIC_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/types.h>

struct irq_fabric;

#define LAPIC_DEFAULT_BASE 0xfee00000ull
#define LAPIC_MMIO_SIZE 0x1000
/* IA32_APIC_BASE (SDM 3A 11.4.4, 11.12.1). */
#define LAPIC_BASE_BSP BIT(8)
#define LAPIC_BASE_EXTD BIT(10)
#define LAPIC_BASE_ENABLE BIT(11)
/* First and last x2APIC MSR (SDM 3A 11.12.1.2). */
#define LAPIC_MSR_FIRST 0x800
#define LAPIC_MSR_LAST 0x8ff
#define LAPIC_MSR_TPR 0x808
/* Bits of lapic_take_events(). */
#define LAPIC_EVENT_INIT BIT(0)
#define LAPIC_EVENT_SIPI BIT(1)
#define LAPIC_EVENT_NMI BIT(2)
#define LAPIC_EVENT_NMI2 BIT(3) /* a second NMI, behind LAPIC_EVENT_NMI */
#define LAPIC_EVENT_NMIS (LAPIC_EVENT_NMI | LAPIC_EVENT_NMI2)

/* The part of the guest's CPUID that is about its local APIC. */
struct lapic_features {
	u8 maxphyaddr; /* width of a physical address in bits (CPUID 0x80000008 EAX[7:0]) */
	bool x2apic; /* CPUID.1:ECX[21] */
	bool tsc_deadline; /* CPUID.1:ECX[24] */
};

struct lapic_timer {
	struct hrtimer hrtimer; /* armed while counting */
	ktime_t expires; /* host monotonic time at which the count reaches 0, in ns */
	u64 period; /* time that a full count takes, in ns */
	u64 deadline; /* IA32_TSC_DEADLINE, 0 when disarmed */
	bool held; /* the CPU counts to @deadline, and @hrtimer does not */
	u32 divide; /* divisor, a power of two from 1 to 128 */
};

/* A local APIC. */
struct lapic {
	struct irq_fabric *fabric;
	void *vcpu; /* cookie for fabric_ops */
	/*
	 * Registers in the layout of the xAPIC page, which APICv and AVIC also want; any CPU may
	 * write IRR and TMR, with atomics.
	 */
	u8 *regs;
	u64 base; /* IA32_APIC_BASE */
	u32 id; /* x2APIC id; its low byte is the xAPIC id */
	struct lapic_features features; /* by lapic_set_features() */
	/* IRR may hold a vector; the head of lapic.c has the order of the writes. */
	bool irr_pending;
	atomic_t events; /* LAPIC_EVENT_*, atomic */
	u8 sipi_vector; /* vector of the last SIPI, valid with LAPIC_EVENT_SIPI */
	u32 arb; /* irq_fabric.arb when it last won a lowest-priority arbitration */
	atomic_t errors; /* ESR bits found since ESR was last written, atomic */
	struct lapic_timer timer;
};

/**
 * lapic_create() - give a vCPU its local APIC, in the power-on state; may sleep. No message reaches
 * it before lapic_publish(). @vcpu is the cookie for fabric_ops, valid until lapic_destroy()
 * returns; @apic_id is below FABRIC_MAX_APIC_ID, unique in the VM. Fails with ERR_PTR(-EINVAL,
 * -EEXIST, -ENOMEM).
 */
struct lapic *lapic_create(struct irq_fabric *fabric, void *vcpu, u32 apic_id, bool bsp);
/** lapic_publish() - let messages reach it, until the VM ends; may sleep; cannot fail */
void lapic_publish(struct lapic *lapic);
/**
 * lapic_destroy() - @lapic is NULL, was never published, or its fabric was stopped (fabric_stop()):
 * nobody delivers a message to it. May sleep.
 */
void lapic_destroy(struct lapic *lapic);
/**
 * lapic_reset() - power-on, which drops all events, or INIT (@init), which keeps IA32_APIC_BASE
 * (SDM 3A 11.4.7.3) and the events that were posted after this INIT was taken; may sleep
 */
void lapic_reset(struct lapic *lapic, bool init);
/** lapic_set_features() - follow the guest's CPUID; initially 36 bits and neither feature */
void lapic_set_features(struct lapic *lapic, const struct lapic_features *features);

/**
 * lapic_has_work() - return true if anything may be pending; cheap enough for each entry; any
 * context. If false, IRR holds no vector and no event is posted. If true, lapic_take_events() and
 * lapic_pending() tell what it is. The PIC's interrupt is not included: fabric_pic_pending().
 * lapic_post() and lapic_post_event() store before they kick. So a vCPU that calls this after a
 * kick, or with interrupts off after it has stored VCPU_IN_GUEST, misses nothing.
 */
static inline bool lapic_has_work(const struct lapic *lapic)
{
	return READ_ONCE(lapic->irr_pending) || atomic_read(&lapic->events);
}

/** lapic_pending() - highest vector in IRR if its class is above PPR's, or -1 */
int lapic_pending(struct lapic *lapic);
/** lapic_highest_irr() - highest vector in IRR whatever PPR is, or -1; any context */
int lapic_highest_irr(struct lapic *lapic);
/** lapic_accept() - move the vector of lapic_pending() from IRR to ISR: it will be injected */
void lapic_accept(struct lapic *lapic, u8 vector);
/** lapic_accepts_extint() - return true if LINT0 passes the PIC's INTR to the CPU; any context */
bool lapic_accepts_extint(const struct lapic *lapic);
/** lapic_end_of_interrupt() - EOI (SDM 3A 11.8.5) */
void lapic_end_of_interrupt(struct lapic *lapic);
/** lapic_eoi_is_silent() - return true if an EOI only ends @vector, now in service */
bool lapic_eoi_is_silent(struct lapic *lapic, u8 vector);
/**
 * lapic_take_events() - take the posted INIT, SIPI and NMIs: LAPIC_EVENT_* bits. If INIT is set, it
 * came first. The caller drops an event that the vCPU cannot use now (a SIPI for which it does not
 * wait), and keeps an NMI that is blocked.
 */
u32 lapic_take_events(struct lapic *lapic);
/** lapic_take_nmis() - take the NMIs alone: bits of LAPIC_EVENT_NMIS */
u32 lapic_take_nmis(struct lapic *lapic);
/**
 * lapic_post_event() - post INIT, SIPI or NMI, and kick; any context. INIT cancels the events that
 * are not taken yet; @sipi_vector of a SIPI is the page number of the start address. Return true if
 * it was not pending already; of NMIs two can be pending.
 */
bool lapic_post_event(struct lapic *lapic, u32 event, u8 sipi_vector);
/**
 * lapic_multicast() - send an IPI as in ICR[31:0] to @ids, whose bit 0 is APIC id @first. Return
 * how many took it; -EINVAL for a logical destination or a shorthand.
 */
int lapic_multicast(struct lapic *lapic, u32 icr, u32 first, u64 ids);

/* Any context. */
static inline bool lapic_enabled(const struct lapic *lapic)
{
	return READ_ONCE(lapic->base) & LAPIC_BASE_ENABLE;
}

/* Return true in x2APIC mode; any context. */
static inline bool lapic_x2apic(const struct lapic *lapic)
{
	return READ_ONCE(lapic->base) & LAPIC_BASE_EXTD;
}

/* Return true if @gpa lies in the xAPIC page of this vCPU. */
static inline bool lapic_covers(const struct lapic *lapic, u64 gpa)
{
	return gpa - (lapic->base & ~(u64)(LAPIC_MMIO_SIZE - 1)) < LAPIC_MMIO_SIZE;
}

bool lapic_is_tpr(const struct lapic *lapic, u64 gpa);
/**
 * lapic_mmio_read() - read @len bytes, 1 to 8, of the xAPIC page: all ones if there is no page
 * (APIC disabled or in x2APIC mode), zeroes for a reserved register or an access that crosses the
 * 32 bits of a register
 */
void lapic_mmio_read(struct lapic *lapic, u32 offset, void *buf, unsigned int len);
/**
 * lapic_mmio_write() - write the xAPIC page, with all side effects; may sleep. @len is 1 to 8; any
 * access but an aligned one of 32 bits is ignored (SDM 3A 11.4.1).
 */
void lapic_mmio_write(struct lapic *lapic, u32 offset, const void *buf, unsigned int len);
/** lapic_msr_read() - RDMSR of LAPIC_MSR_FIRST to _LAST; returns 0, or -EINVAL for #GP(0) */
int lapic_msr_read(struct lapic *lapic, u32 msr, u64 *val);
/** lapic_msr_write() - WRMSR, with all side effects; returns the same; may sleep */
int lapic_msr_write(struct lapic *lapic, u32 msr, u64 val);

static inline u64 lapic_get_base(const struct lapic *lapic)
{
	return lapic->base;
}

/**
 * lapic_set_base() - write IA32_APIC_BASE; may sleep. Userspace (@host) may change the mode in ways
 * that SDM 3A 11.12.5 forbids. Return 0, or -EINVAL for #GP(0) or to refuse the ioctl.
 */
int lapic_set_base(struct lapic *lapic, u64 base, bool host);
/** lapic_registers() - the page of registers; the CPU may change TPR in it while the guest runs */
void *lapic_registers(struct lapic *lapic);
/* CR8 is the upper half of TPR. A reserved bit in @cr8 makes -EINVAL, for #GP(0). */
u64 lapic_get_cr8(const struct lapic *lapic);
int lapic_set_cr8(struct lapic *lapic, u64 cr8);
u8 lapic_get_tpr(const struct lapic *lapic);
void lapic_set_tpr(struct lapic *lapic, u8 tpr);
/**
 * lapic_vapic_word() - the word for KVM_SET_VAPIC_ADDR: TPR in bits 7:0, the class of the highest
 * vector in ISR in bits 15:8, the highest vector in IRR in bits 31:24; 0 where there is none
 */
u32 lapic_vapic_word(struct lapic *lapic);
/**
 * lapic_get_state() - all registers (KVM_GET_LAPIC), as in the xAPIC page's first KiB. In x2APIC
 * mode ICR[63:32] is at 0x310 and the id at 0x20 is 32 bits wide if irq_fabric.ids32, else in bits
 * 31:24.
 */
void lapic_get_state(struct lapic *lapic, struct kvm_lapic_state *state);
/**
 * lapic_set_state() - replace all registers (KVM_SET_LAPIC), after IA32_APIC_BASE was restored; may
 * sleep. Reserved bits are dropped; a timer that was running goes on from its current count. Return
 * 0; or -EINVAL if @state has another id in x2APIC mode, and nothing has changed.
 */
int lapic_set_state(struct lapic *lapic, const struct kvm_lapic_state *state);
/** lapic_get_tsc_deadline() - IA32_TSC_DEADLINE; 0 if disarmed, fired or in another timer mode */
u64 lapic_get_tsc_deadline(struct lapic *lapic);
/** lapic_set_tsc_deadline() - write it; 0 disarms; ignored in other timer modes; may sleep */
void lapic_set_tsc_deadline(struct lapic *lapic, u64 deadline);

/* Return the guest TSC to which the CPU has to count, or 0. */
static inline u64 lapic_held_deadline(const struct lapic *lapic)
{
	return lapic->timer.held ? lapic->timer.deadline : 0;
}

/** lapic_deadline_due() - the CPU has counted: fire if the held deadline has really passed */
void lapic_deadline_due(struct lapic *lapic);
/** lapic_timer_sleep() - the vCPU will sleep, so the host's timer has to wake it; may sleep */
void lapic_timer_sleep(struct lapic *lapic);
/** lapic_tsc_changed() - the guest's TSC was written: compute the deadline anew; may sleep */
void lapic_tsc_changed(struct lapic *lapic);

#endif
