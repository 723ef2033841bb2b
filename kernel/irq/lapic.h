/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of a vCPU, xAPIC and x2APIC (SDM 3A chapter 10).
 *
 * Its registers belong to the vCPU: a function is called by the vCPU's thread, or by one that
 * holds the vCPU's mutex. Functions "in any context" are also called by others, in hard irqs
 * too: interrupts are posted without a lock into IRR and the event bits. Functions that "may
 * sleep" wait for the timer's callback.
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

/* IA32_APIC_BASE (SDM 3A 10.4.4, 10.12.1). */
#define LAPIC_BASE_BSP BIT(8)
#define LAPIC_BASE_EXTD BIT(10)
#define LAPIC_BASE_ENABLE BIT(11)

/* First and last x2APIC MSR (SDM 3A 10.12.1.2). */
#define LAPIC_MSR_FIRST 0x800
#define LAPIC_MSR_LAST 0x8ff
#define LAPIC_MSR_TPR 0x808

/* Bits of lapic_take_events(). */
#define LAPIC_EVENT_INIT BIT(0)
#define LAPIC_EVENT_SIPI BIT(1)
#define LAPIC_EVENT_NMI BIT(2)

/**
 * struct lapic_features - the guest's CPUID about its local APIC
 * @maxphyaddr: physical address width in bits (CPUID 0x80000008 EAX[7:0])
 * @x2apic: CPUID.1:ECX[21]
 * @tsc_deadline: CPUID.1:ECX[24]
 */
struct lapic_features {
	u8 maxphyaddr;
	bool x2apic;
	bool tsc_deadline;
};

/**
 * struct lapic_timer - the APIC timer
 * @hrtimer: armed while counting
 * @expires: host monotonic time at which the count reaches 0, in ns
 * @period: time a full count takes, in ns
 * @deadline: IA32_TSC_DEADLINE, 0 when disarmed
 * @held: the CPU counts to @deadline, and @hrtimer does not
 * @divide: divisor, a power of two from 1 to 128
 */
struct lapic_timer {
	struct hrtimer hrtimer;
	ktime_t expires;
	u64 period;
	u64 deadline;
	bool held;
	u32 divide;
};

/**
 * struct lapic - a local APIC
 * @fabric: the VM's fabric
 * @vcpu: cookie for fabric_ops
 * @regs: registers in the layout of the xAPIC page, which APICv and AVIC also want; any CPU
 *	may write IRR and TMR, with atomics
 * @base: IA32_APIC_BASE
 * @id: x2APIC id; its low byte is the xAPIC id
 * @features: see lapic_set_features()
 * @irr_pending: IRR may hold a vector; lapic.c has the order in which both are written
 * @events: LAPIC_EVENT_*, atomic
 * @sipi_vector: vector of the last SIPI, valid with LAPIC_EVENT_SIPI
 * @arb: irq_fabric.arb when it last won a lowest-priority arbitration
 * @errors: ESR bits found since ESR was last written, atomic
 * @timer: APIC timer
 */
struct lapic {
	struct irq_fabric *fabric;
	void *vcpu;
	u8 *regs;
	u64 base;
	u32 id;
	struct lapic_features features;
	bool irr_pending;
	atomic_t events;
	u8 sipi_vector;
	u32 arb;
	atomic_t errors;
	struct lapic_timer timer;
};

/**
 * lapic_create() - give a vCPU its local APIC, in the power-on state; may sleep
 * @vcpu: cookie for fabric_ops, valid until lapic_destroy() returns
 * @apic_id: below FABRIC_MAX_APIC_ID, unique in the VM
 * @bsp: it is the bootstrap processor's
 *
 * Return: the lapic, which messages reach, or ERR_PTR(-EINVAL, -EEXIST, -ENOMEM).
 */
struct lapic *lapic_create(struct irq_fabric *fabric, void *vcpu, u32 apic_id, bool bsp);

/** lapic_destroy() - free a lapic, or NULL, whose vCPU does not run; sleeps for a grace period */
void lapic_destroy(struct lapic *lapic);

/**
 * lapic_reset() - RESET or INIT; may sleep
 * @init: INIT: IA32_APIC_BASE is kept (SDM 3A 10.4.7.3), as are events posted
 *	after this INIT was taken; else power-on, and events are dropped
 */
void lapic_reset(struct lapic *lapic, bool init);

/** lapic_set_features() - follow the guest's CPUID; initially 36 bits and neither feature */
void lapic_set_features(struct lapic *lapic, const struct lapic_features *features);

/**
 * lapic_has_work() - may anything be pending? Cheap, for before an entry; any context
 *
 * False: neither a vector is in IRR nor an event is posted. True: ask lapic_take_events() and
 * lapic_pending(). The PIC is apart: fabric_pic_pending().
 *
 * lapic_post() and lapic_post_event() store before they kick. So a vCPU that asks after a kick,
 * or with interrupts off after it has stored VCPU_IN_GUEST, misses nothing.
 */
static inline bool lapic_has_work(const struct lapic *lapic)
{
	return READ_ONCE(lapic->irr_pending) || atomic_read(&lapic->events);
}

/** lapic_pending() - highest vector in IRR if its class is above PPR's, or -1 */
int lapic_pending(struct lapic *lapic);

/**
 * lapic_highest_irr() - highest vector in IRR whatever PPR says, or -1; any context
 *
 * The vendor sets the TPR threshold, or the intercept of CR8 writes, by it.
 */
int lapic_highest_irr(struct lapic *lapic);

/** lapic_accept() - move the vector of lapic_pending() from IRR to ISR; it will be injected */
void lapic_accept(struct lapic *lapic, u8 vector);

/**
 * lapic_accepts_extint() - return true if LINT0 passes the PIC's INTR to the CPU; any context
 *
 * Either LVT LINT0 is unmasked and in ExtINT mode, or the APIC is disabled and LINT0 is the
 * CPU's INTR pin (SDM 3A 10.4.3), which the board connects for the BSP alone.
 */
bool lapic_accepts_extint(const struct lapic *lapic);

/** lapic_end_of_interrupt() - EOI (SDM 3A 10.8.5) */
void lapic_end_of_interrupt(struct lapic *lapic);

/**
 * lapic_eoi_is_silent() - return true if an EOI would only take @vector out of service
 * @vector: lapic_accept() has taken it
 *
 * This is so while it is the highest in service, is edge-triggered, acknowledges no pin that
 * has a listener, and no other vector waits. A vector that is posted later kicks the vCPU.
 */
bool lapic_eoi_is_silent(struct lapic *lapic, u8 vector);

/**
 * lapic_take_events() - take the posted INIT, SIPI and NMI: LAPIC_EVENT_* bits
 *
 * INIT comes before SIPI when both are set. The caller drops an event that the vCPU cannot use
 * now (SIPI when it does not wait for one), and keeps an NMI that is blocked.
 */
u32 lapic_take_events(struct lapic *lapic);

/**
 * lapic_post_event() - post INIT, SIPI or NMI, and kick; any context
 * @event: one of LAPIC_EVENT_*; INIT cancels a SIPI that is not taken yet
 * @sipi_vector: with LAPIC_EVENT_SIPI: page number of the start address
 *
 * Return: true if it was not pending already.
 */
bool lapic_post_event(struct lapic *lapic, u32 event, u8 sipi_vector);

/**
 * lapic_multicast() - send an IPI to up to 64 processors by their ids
 * @lapic: of the sender
 * @icr: vector and delivery mode as in the lower half of ICR
 * @first: APIC id of bit 0 of @ids
 *
 * Return: how many took it; -EINVAL if @icr has a logical destination or a shorthand.
 */
int lapic_multicast(struct lapic *lapic, u32 icr, u32 first, u64 ids);

/** lapic_enabled() - IA32_APIC_BASE enables it; any context */
static inline bool lapic_enabled(const struct lapic *lapic)
{
	return READ_ONCE(lapic->base) & LAPIC_BASE_ENABLE;
}

/** lapic_x2apic() - it is in x2APIC mode; any context */
static inline bool lapic_x2apic(const struct lapic *lapic)
{
	return READ_ONCE(lapic->base) & LAPIC_BASE_EXTD;
}

/** lapic_covers() - @gpa lies in the xAPIC page of this vCPU */
static inline bool lapic_covers(const struct lapic *lapic, u64 gpa)
{
	return gpa - (lapic->base & ~(u64)(LAPIC_MMIO_SIZE - 1)) < LAPIC_MMIO_SIZE;
}

/** lapic_is_tpr() - @gpa is the address of TPR in the xAPIC page */
bool lapic_is_tpr(const struct lapic *lapic, u64 gpa);

/**
 * lapic_mmio_read() - read the xAPIC page
 * @offset: offset in the page
 * @buf: receives @len bytes; all ones when the page is not there (APIC disabled or
 *	in x2APIC mode), zeroes for a reserved register or an access that crosses
 *	the 32 bits of a register
 * @len: 1 to 8
 */
void lapic_mmio_read(struct lapic *lapic, u32 offset, void *buf, unsigned int len);

/**
 * lapic_mmio_write() - write the xAPIC page, with all side effects; may sleep
 * @len: 1 to 8; all but an aligned 32-bit access is ignored (SDM 3A 10.4.1)
 */
void lapic_mmio_write(struct lapic *lapic, u32 offset, const void *buf, unsigned int len);

/** lapic_msr_read() - RDMSR of LAPIC_MSR_FIRST to _LAST; 0, or -EINVAL: inject #GP(0) */
int lapic_msr_read(struct lapic *lapic, u32 msr, u64 *val);
/** lapic_msr_write() - WRMSR, with all side effects; returns the same; may sleep */
int lapic_msr_write(struct lapic *lapic, u32 msr, u64 val);

/** lapic_get_base() - IA32_APIC_BASE */
static inline u64 lapic_get_base(const struct lapic *lapic)
{
	return lapic->base;
}

/**
 * lapic_set_base() - write IA32_APIC_BASE; may sleep
 * @host: for userspace, which SDM 3A 10.12.5 does not bind: any change of mode is allowed
 *
 * Return: 0, -EINVAL: inject #GP(0) or refuse the ioctl.
 */
int lapic_set_base(struct lapic *lapic, u64 base, bool host);

/** lapic_registers() - the page of registers for the CPU, which may change TPR in the guest */
void *lapic_registers(struct lapic *lapic);

/* CR8 is the upper half of TPR. Setting a reserved bit of it is -EINVAL: inject #GP(0). */
u64 lapic_get_cr8(const struct lapic *lapic);
int lapic_set_cr8(struct lapic *lapic, u64 cr8);
u8 lapic_get_tpr(const struct lapic *lapic);
void lapic_set_tpr(struct lapic *lapic, u8 tpr);

/**
 * lapic_vapic_word() - the word for KVM_SET_VAPIC_ADDR
 *
 * Return: TPR in bits 7:0, the class of the highest vector in ISR in bits 15:8, the
 * highest vector in IRR in bits 31:24; 0 where there is none.
 */
u32 lapic_vapic_word(struct lapic *lapic);

/**
 * lapic_get_state() - all registers (KVM_GET_LAPIC)
 * @state: the xAPIC page's first KiB. In x2APIC mode ICR[63:32] is at 0x310 and
 *	the id at 0x20 is 32 bits wide if irq_fabric.ids32, else in bits 31:24
 */
void lapic_get_state(struct lapic *lapic, struct kvm_lapic_state *state);

/**
 * lapic_set_state() - replace all registers (KVM_SET_LAPIC); may sleep
 * @lapic: its IA32_APIC_BASE is already right
 * @state: reserved bits are dropped; a count that was running goes on from its current count
 *
 * Return: 0, -EINVAL if in x2APIC mode the id is another's; nothing changed.
 */
int lapic_set_state(struct lapic *lapic, const struct kvm_lapic_state *state);

/** lapic_get_tsc_deadline() - IA32_TSC_DEADLINE; 0 if disarmed, fired or in another timer mode */
u64 lapic_get_tsc_deadline(struct lapic *lapic);
/** lapic_set_tsc_deadline() - write it; 0 disarms; ignored in other timer modes; may sleep */
void lapic_set_tsc_deadline(struct lapic *lapic, u64 deadline);

/** lapic_held_deadline() - guest TSC to which the CPU has to count, or 0 */
static inline u64 lapic_held_deadline(const struct lapic *lapic)
{
	return lapic->timer.held ? lapic->timer.deadline : 0;
}

/** lapic_deadline_due() - the CPU has counted to the held deadline; nothing happens too early */
void lapic_deadline_due(struct lapic *lapic);
/** lapic_timer_sleep() - the vCPU will sleep, so the host's timer has to wake it; may sleep */
void lapic_timer_sleep(struct lapic *lapic);
/** lapic_tsc_changed() - the guest's TSC was written: compute the deadline anew; may sleep */
void lapic_tsc_changed(struct lapic *lapic);

#endif
