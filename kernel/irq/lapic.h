/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of a vCPU, xAPIC and x2APIC (SDM 3A chapter 10). Registers
 * belong to the vCPU's thread; interrupts are posted from anywhere without a
 * lock into IRR and the event bits.
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
struct irq_msg;

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
 * enum lapic_timer_mode - LVT timer bits 18:17 (SDM 3A 10.5.4)
 * @LAPIC_TIMER_ONESHOT: count down once
 * @LAPIC_TIMER_PERIODIC: count down, reload
 * @LAPIC_TIMER_DEADLINE: fire when the TSC reaches IA32_TSC_DEADLINE
 */
enum lapic_timer_mode {
	LAPIC_TIMER_ONESHOT,
	LAPIC_TIMER_PERIODIC,
	LAPIC_TIMER_DEADLINE,
};

/**
 * struct lapic_features - what the guest's CPUID says of its local APIC
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
 * @held: the CPU counts to @deadline, not @hrtimer
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
 * @regs: registers in the layout of the xAPIC page, which is also what APICv and
 *	AVIC want; IRR and TMR are written atomically by anyone
 * @base: IA32_APIC_BASE
 * @id: x2APIC id; its low byte is the xAPIC id
 * @features: see lapic_set_features()
 * @irr_pending: IRR may hold a vector; set after IRR, cleared before it is scanned
 * @events: LAPIC_EVENT_*, atomic
 * @sipi_vector: vector of the last SIPI, valid with LAPIC_EVENT_SIPI
 * @arb: when it last won a lowest-priority arbitration
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
 * lapic_create() - give a vCPU its local APIC
 * @fabric: the VM's fabric
 * @vcpu: cookie for fabric_ops, valid until lapic_destroy() returns
 * @apic_id: below FABRIC_MAX_APIC_ID, unique in the VM
 * @bsp: whether it is the bootstrap processor's
 *
 * It is in the power-on state and reachable when this returns.
 *
 * Context: process, may sleep.
 * Return: the lapic, or ERR_PTR(-EINVAL, -EEXIST, -ENOMEM).
 */
struct lapic *lapic_create(struct irq_fabric *fabric, void *vcpu, u32 apic_id, bool bsp);

/**
 * lapic_destroy() - take a local APIC out of the fabric and free it
 * @lapic: lapic or NULL; its vCPU does not run
 *
 * Context: process, sleeps for a grace period.
 */
void lapic_destroy(struct lapic *lapic);

/**
 * lapic_reset() - RESET or INIT
 * @lapic: lapic
 * @init: INIT: IA32_APIC_BASE is kept (SDM 3A 10.4.7.3), as are events posted
 *	after this INIT was taken; else power-on, and events are dropped
 *
 * Context: vCPU thread or vCPU mutex held, may sleep.
 */
void lapic_reset(struct lapic *lapic, bool init);

/**
 * lapic_set_features() - follow the guest's CPUID
 * @lapic: lapic
 * @features: copied. Without a call: 36 bits, no x2APIC, no TSC deadline
 *
 * Context: vCPU thread or vCPU mutex held.
 */
void lapic_set_features(struct lapic *lapic, const struct lapic_features *features);

/**
 * lapic_has_work() - cheap test before entry: may anything be pending?
 * @lapic: lapic
 *
 * False means neither a vector in IRR nor an event. True means: ask
 * lapic_take_events() and lapic_pending(). The PIC is apart:
 * fabric_pic_pending().
 *
 * Context: any. Pairs with the kick: state is written before the kick, so one
 * who reads this after having been kicked, or with interrupts off after having
 * said that it is in the guest, misses nothing.
 */
static inline bool lapic_has_work(const struct lapic *lapic)
{
	return READ_ONCE(lapic->irr_pending) || atomic_read(&lapic->events);
}

/**
 * lapic_enabled() - whether IA32_APIC_BASE enables it
 * @lapic: lapic
 */
static inline bool lapic_enabled(const struct lapic *lapic)
{
	return READ_ONCE(lapic->base) & LAPIC_BASE_ENABLE;
}

/**
 * lapic_x2apic() - whether it is in x2APIC mode
 * @lapic: lapic
 */
static inline bool lapic_x2apic(const struct lapic *lapic)
{
	return READ_ONCE(lapic->base) & LAPIC_BASE_EXTD;
}

/**
 * lapic_pending() - highest vector that may be delivered now
 * @lapic: lapic
 *
 * Context: vCPU thread or vCPU mutex held.
 * Return: vector whose class is above PPR's, or -1.
 */
int lapic_pending(struct lapic *lapic);

/**
 * lapic_highest_irr() - highest vector in IRR whatever PPR says
 * @lapic: lapic
 *
 * What a vendor needs to set the TPR threshold or intercept CR8 writes.
 *
 * Context: any.
 * Return: vector or -1.
 */
int lapic_highest_irr(struct lapic *lapic);

/**
 * lapic_accept() - the CPU takes a vector: IRR to ISR
 * @lapic: lapic
 * @vector: what lapic_pending() returned
 *
 * Context: vCPU thread, once it is sure to inject.
 */
void lapic_accept(struct lapic *lapic, u8 vector);

/**
 * lapic_accepts_extint() - whether LINT0 passes the PIC's INTR to the CPU
 * @lapic: lapic
 *
 * LVT LINT0 is unmasked and in ExtINT mode, or the APIC is disabled and LINT0
 * is the CPU's INTR pin (SDM 3A 10.4.3; on the BSP only, where the board has
 * the wire).
 *
 * Context: any.
 */
bool lapic_accepts_extint(const struct lapic *lapic);

/**
 * lapic_end_of_interrupt() - EOI (SDM 3A 10.8.5)
 * @lapic: lapic
 *
 * Context: vCPU thread.
 */
void lapic_end_of_interrupt(struct lapic *lapic);

/**
 * lapic_eoi_is_silent() - would an EOI do nothing but take an interrupt out of service?
 * @lapic: lapic
 * @vector: of the interrupt, which lapic_accept() has taken
 *
 * True while it is the highest in service, is edge-triggered and acknowledges nothing that
 * is listened to, and no other waits. One that comes later kicks the vCPU.
 *
 * Context: vCPU thread.
 */
bool lapic_eoi_is_silent(struct lapic *lapic, u8 vector);

/**
 * lapic_take_events() - take the posted INIT, SIPI and NMI
 * @lapic: lapic
 *
 * INIT comes before SIPI when both are set. Events the vCPU cannot use now
 * (SIPI when it does not wait for one) are to be dropped by the caller; an NMI
 * that is blocked is the caller's to keep.
 *
 * Context: vCPU thread.
 * Return: LAPIC_EVENT_* bits, now clear in @lapic.
 */
u32 lapic_take_events(struct lapic *lapic);

/**
 * lapic_post_event() - post INIT, SIPI or NMI, and kick
 * @lapic: lapic
 * @event: one of LAPIC_EVENT_*; INIT cancels a SIPI that is not taken yet
 * @sipi_vector: with LAPIC_EVENT_SIPI: page number of the start address
 *
 * Context: any, hard irq included.
 * Return: true if it was not pending already.
 */
bool lapic_post_event(struct lapic *lapic, u32 event, u8 sipi_vector);

/**
 * lapic_multicast() - send an IPI to up to 64 processors by their ids
 * @lapic: of the sender
 * @icr: vector and delivery mode as in the lower half of ICR
 * @first: APIC id that bit 0 of @ids stands for
 * @ids: a bit for each of the ids from @first on
 *
 * Context: vCPU thread.
 * Return: how many took it; -EINVAL if @icr has a logical destination or a shorthand.
 */
int lapic_multicast(struct lapic *lapic, u32 icr, u32 first, u64 ids);

/**
 * lapic_post() - post a vector into IRR, and kick
 * @lapic: lapic
 * @vector: below 16 is an error the ESR shows
 * @level: level-triggered: its EOI goes to the IOAPIC
 *
 * Context: any, hard irq included.
 * Return: 1 posted, 0 already pending, -1 not accepted (software-disabled or
 * an illegal vector).
 */
int lapic_post(struct lapic *lapic, u8 vector, bool level);

/**
 * lapic_raise_lint() - an edge on a local interrupt pin
 * @lapic: lapic
 * @pin: 0 or 1
 *
 * Does what LVT LINT0 or LINT1 says: NMI, fixed, INIT, or for ExtINT kicks so
 * that the vCPU looks at the PIC.
 *
 * Context: any, hard irq included.
 */
void lapic_raise_lint(struct lapic *lapic, unsigned int pin);

/**
 * lapic_covers() - whether an address lies in the xAPIC page of this vCPU
 * @lapic: lapic
 * @gpa: guest-physical address
 */
static inline bool lapic_covers(const struct lapic *lapic, u64 gpa)
{
	return gpa - (lapic->base & ~(u64)(LAPIC_MMIO_SIZE - 1)) < LAPIC_MMIO_SIZE;
}

/**
 * lapic_mmio_read() - read the xAPIC page
 * @lapic: lapic
 * @offset: offset in the page
 * @buf: receives @len bytes; all ones when the page is not there (APIC disabled or
 *	in x2APIC mode), zeroes for a reserved register or an access that crosses
 *	the 32 bits of a register
 * @len: 1 to 8
 *
 * Context: vCPU thread.
 */
void lapic_mmio_read(struct lapic *lapic, u32 offset, void *buf, unsigned int len);

/**
 * lapic_mmio_write() - write the xAPIC page, with all side effects
 * @lapic: lapic
 * @offset: offset in the page
 * @buf: @len bytes
 * @len: 1 to 8; all but an aligned 32-bit access is ignored (SDM 3A 10.4.1)
 *
 * Context: vCPU thread, may sleep.
 */
void lapic_mmio_write(struct lapic *lapic, u32 offset, const void *buf, unsigned int len);

/**
 * lapic_msr_read() - RDMSR of 0x800-0x8ff
 * @lapic: lapic
 * @msr: LAPIC_MSR_FIRST to LAPIC_MSR_LAST
 * @val: value
 *
 * Context: vCPU thread or vCPU mutex held.
 * Return: 0, -EINVAL: inject #GP(0).
 */
int lapic_msr_read(struct lapic *lapic, u32 msr, u64 *val);

/**
 * lapic_msr_write() - WRMSR of 0x800-0x8ff, with all side effects
 * @lapic: lapic
 * @msr: LAPIC_MSR_FIRST to LAPIC_MSR_LAST
 * @val: value
 *
 * Context: vCPU thread or vCPU mutex held, may sleep.
 * Return: 0, -EINVAL: inject #GP(0).
 */
int lapic_msr_write(struct lapic *lapic, u32 msr, u64 val);

/**
 * lapic_get_base() - IA32_APIC_BASE
 * @lapic: lapic
 */
static inline u64 lapic_get_base(const struct lapic *lapic)
{
	return lapic->base;
}

/**
 * lapic_set_base() - write IA32_APIC_BASE
 * @lapic: lapic
 * @base: new value
 * @host: on behalf of userspace: only the value is checked, not the way to it
 *	(SDM 3A 10.12.5 binds the guest)
 *
 * Context: vCPU thread or vCPU mutex held, may sleep.
 * Return: 0, -EINVAL: inject #GP(0) or refuse the ioctl.
 */
int lapic_set_base(struct lapic *lapic, u64 base, bool host);

/**
 * lapic_get_tsc_deadline() - IA32_TSC_DEADLINE
 * @lapic: lapic
 *
 * Context: vCPU thread or vCPU mutex held.
 * Return: the deadline; 0 when disarmed, fired or in another timer mode.
 */
u64 lapic_get_tsc_deadline(struct lapic *lapic);

/**
 * lapic_set_tsc_deadline() - write IA32_TSC_DEADLINE
 * @lapic: lapic
 * @deadline: guest TSC at which to fire, 0 disarms; ignored in other timer modes
 *
 * Context: vCPU thread or vCPU mutex held, may sleep.
 */
void lapic_set_tsc_deadline(struct lapic *lapic, u64 deadline);

/**
 * lapic_held_deadline() - the deadline to which the CPU has to count
 * @lapic: lapic
 *
 * Context: vCPU thread.
 * Return: guest TSC at which to call lapic_deadline_due(), or 0.
 */
static inline u64 lapic_held_deadline(const struct lapic *lapic)
{
	return lapic->timer.held ? lapic->timer.deadline : 0;
}

/**
 * lapic_deadline_due() - the CPU says that the held deadline has come
 * @lapic: lapic
 *
 * Before its time nothing happens. Context: vCPU thread.
 */
void lapic_deadline_due(struct lapic *lapic);

/**
 * lapic_timer_sleep() - the vCPU is about to sleep: the host's timer has to wake it
 * @lapic: lapic
 *
 * Context: vCPU thread, may sleep.
 */
void lapic_timer_sleep(struct lapic *lapic);

/**
 * lapic_tsc_changed() - the guest's TSC was written: aim the deadline anew
 * @lapic: lapic
 *
 * Context: vCPU thread or vCPU mutex held, may sleep.
 */
void lapic_tsc_changed(struct lapic *lapic);

/**
 * lapic_registers() - the page with the registers, for hardware that works on it
 * @lapic: the local APIC
 *
 * Its TPR may change while the vCPU is in the guest.
 *
 * Return: an aligned page.
 */
void *lapic_registers(struct lapic *lapic);

/**
 * lapic_get_cr8() - CR8, the upper half of TPR
 * @lapic: lapic
 *
 * Context: vCPU thread or vCPU mutex held.
 */
u64 lapic_get_cr8(const struct lapic *lapic);

/**
 * lapic_set_cr8() - write CR8
 * @lapic: lapic
 * @cr8: new value
 *
 * Context: vCPU thread or vCPU mutex held.
 * Return: 0, -EINVAL for reserved bits: inject #GP(0).
 */
int lapic_set_cr8(struct lapic *lapic, u64 cr8);

/**
 * lapic_get_tpr() - TPR, all eight bits
 * @lapic: lapic
 *
 * Context: vCPU thread or vCPU mutex held.
 */
u8 lapic_get_tpr(const struct lapic *lapic);

/**
 * lapic_set_tpr() - write TPR
 * @lapic: lapic
 * @tpr: new value
 *
 * Context: vCPU thread or vCPU mutex held.
 */
void lapic_set_tpr(struct lapic *lapic, u8 tpr);

/**
 * lapic_is_tpr() - whether an address is that of TPR in the xAPIC page
 * @lapic: lapic
 * @gpa: guest-physical address
 *
 * Context: vCPU thread.
 */
bool lapic_is_tpr(const struct lapic *lapic, u64 gpa);

/**
 * lapic_vapic_word() - what the word of KVM_SET_VAPIC_ADDR holds
 * @lapic: lapic
 *
 * Context: vCPU thread or vCPU mutex held.
 * Return: TPR in bits 7:0, the class of the highest vector in ISR in bits 15:8, the
 * highest vector in IRR in bits 31:24; 0 where there is none.
 */
u32 lapic_vapic_word(struct lapic *lapic);

/**
 * lapic_get_state() - all registers (KVM_GET_LAPIC)
 * @lapic: lapic
 * @state: the xAPIC page's first KiB. In x2APIC mode ICR[63:32] is at 0x310 and
 *	the id at 0x20 is 32 bits wide if irq_fabric.ids32, else in bits 31:24
 *
 * Context: vCPU thread or vCPU mutex held.
 */
void lapic_get_state(struct lapic *lapic, struct kvm_lapic_state *state);

/**
 * lapic_set_state() - replace all registers (KVM_SET_LAPIC)
 * @lapic: lapic, its IA32_APIC_BASE already right
 * @state: as of lapic_get_state(); reserved bits are dropped. A count that was
 *	running goes on from its current count
 *
 * Context: vCPU thread or vCPU mutex held, may sleep.
 * Return: 0, -EINVAL if in x2APIC mode the id is another's; nothing changed.
 */
int lapic_set_state(struct lapic *lapic, const struct kvm_lapic_state *state);

#endif
