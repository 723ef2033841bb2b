/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual CPU: the neutral side's part of it, and how the parts reach its registers.
 *
 * Lazy state
 *
 * The registers are in struct cpu_state and in the hardware (VMCS or VMCB, which VMREAD and
 * VMWRITE make dear). They travel in groups, STATE_*, and only when somebody asks.
 *
 *   1. A group whose bit is in vcpu->cached is valid in vcpu->state. Reading needs the bit:
 *      vcpu_need() fetches the groups that lack it.
 *   2. A group whose bit is in vcpu->dirty has changed in vcpu->state since the hardware had
 *      it. Whoever changes a register calls vcpu_touch() afterwards. Dirty implies cached. A
 *      group is fetched before a part of it is changed, or the commit would write stale rest.
 *   3. The next entry commits the dirty groups and clears vcpu->dirty (switch_world()); nothing
 *      else has to be written.
 *   4. The guest runs: the back end's enter() clears vcpu->cached. Bits of CR0 and CR4 that the
 *      guest cannot change without an exit stay right in vcpu->state at all times, and may be
 *      read without a fetch; so may the breakpoint addresses.
 *   5. The back end may be asked for groups only while the vCPU is loaded: on VT-x the VMCS is
 *      current then (vcpu_load()).
 *   6. vcpu_settle() commits early, where a back end is about to change in the hardware a part of
 *      what a dirty group holds, such as the base of FS.
 *
 *                   vcpu_need(): fetch()                vcpu_touch()
 *      not cached -----------------------> cached --------------------> cached and dirty
 *           ^                              |    ^                            |
 *           |                              |    +--- commit(): vcpu_settle(),+
 *           +------- enter() --------------+         switch_world()
 *
 * Locks: the vCPU's mutex protects all of it, but for what the members' comments say others
 * post. Functions on a vCPU expect it to be held unless they say 'any context'.
 */
#ifndef ORIEL_VCPU_H
#define ORIEL_VCPU_H

#include <linux/bitops.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/signal_types.h>
#include <linux/types.h>

#include "core/parts.h"
#include "core/vendor.h"
#include "emulate/execute.h"
#include "irq/coalesced.h"
#include "x86/cpu_state.h"
#include "x86/cpuid.h"

struct lapic;
struct vm;

/* Pages of a vCPU's mapping: kvm_run, port data, the ring of coalesced writes. */
#define VCPU_MMAP_PAGES (COALESCED_PAGE_OFFSET + 1)

/* Bits of vcpu->requests, which is tested before each entry. */
enum vcpu_request {
	REQ_EVENT, /* choose again an event to inject */
	REQ_TLB_FLUSH, /* drop all translations before entering */
	REQ_CLOCK_UPDATE, /* publish kvmclock anew */
	REQ_STEAL_TIME, /* tell the guest that the vCPU runs again, and how long it did not */
	REQ_MSR_FILTER, /* intercept the MSRs that the filter denies */
	REQ_DEBUG_STEP, /* a single step for userspace is done: KVM_EXIT_DEBUG */
	REQ_TRIPLE_FAULT, /* the guest shut down: KVM_EXIT_SHUTDOWN */
	REQ_TPR_ACCESS, /* the guest accessed TPR: KVM_EXIT_TPR_ACCESS */
	REQ_IOAPIC_EOI, /* an EOI for userspace's IOAPIC: KVM_EXIT_IOAPIC_EOI */
	REQ_DIRTY_RING_FULL, /* KVM_EXIT_DIRTY_RING_FULL, until userspace has made room */
};

/* Requests that end KVM_RUN. */
#define REQS_EXIT \
	(BIT(REQ_DEBUG_STEP) | BIT(REQ_TRIPLE_FAULT) | BIT(REQ_TPR_ACCESS) | BIT(REQ_IOAPIC_EOI))

/* The place of the vCPU's thread, for vcpu_kick(); run/loop.c has the protocol. */
enum vcpu_mode {
	VCPU_OUTSIDE,
	VCPU_IN_GUEST,
};

enum event_type {
	EVENT_NONE,
	EVENT_IRQ, /* external interrupt */
	EVENT_NMI,
	EVENT_EXCEPTION, /* a fault or trap */
	EVENT_SOFT_INT, /* INT n from KVM_SET_VCPU_EVENTS: delivery skips no instruction */
};

/**
 * struct vcpu_event - the one event chosen for the next entry
 * @type: EVENT_NONE when there is no event
 * @vector: interrupt or exception vector
 * @has_error_code: delivery pushes @error_code
 * @error_code: see @has_error_code
 * @soft: #BP or #OF; it comes from the instruction at RIP if that is INT3 or INTO
 * @length: bytes of that instruction, which delivery steps over; 0 if there is none
 */
struct vcpu_event {
	enum event_type type;
	u8 vector;
	bool has_error_code;
	u32 error_code;
	bool soft;
	u8 length;
};

/**
 * struct vcpu - one virtual CPU
 * @vm: the VM it belongs to
 * @id: given by userspace; also the initial APIC ID
 * @last_cpu: physical CPU it was last loaded on, or -1
 * @mutex: held by the ioctl that works on the vCPU
 * @requests: bits of enum vcpu_request; any thread sets them
 * @mode: enum vcpu_mode; written with interrupts off
 * @cpu: physical CPU of the thread, valid while @mode is VCPU_IN_GUEST
 * @run: the page shared with userspace; the next page is for port data
 * @error: the errno of EXIT_ERROR
 * @state: registers; a group is valid while its bit is in @cached
 * @cached: STATE_* groups of @state that are up to date
 * @dirty: STATE_* groups of @state to commit before the next entry
 * @cr8: task priority where there is no @lapic
 * @event: the event to inject; kept until an exit shows that it was delivered
 * @exception: waits until it becomes @event
 * @exception_pending: @exception is valid
 * @nmi_pending: NMIs waiting, at most two (SDM 3A 6.7.1)
 * @irq_queued: vector of KVM_INTERRUPT, or of an interrupt whose delivery was cut short; or -1
 * @extint: vector of userspace's PIC for a vCPU with a @lapic, or -1
 * @eoi_vector: the vector of REQ_IOAPIC_EOI
 * @mp_state: KVM_MP_STATE_*
 * @kicked: another vCPU's KVM_HC_KICK_CPU named this one: its current or next HLT ends at once
 * @kick_unknown: userspace made it runnable, and may not have known of a kick before that
 * @wait: a halted vCPU sleeps here
 * @task: the thread inside KVM_RUN, for vcpu_yield()
 * @preempt: reports when the thread changes CPU
 * @sigset: signals that KVM_RUN lets through
 * @sigset_active: @sigset is valid
 * @lapic: its local APIC, NULL without an in-kernel irqchip
 * @apic_base: IA32_APIC_BASE where there is no @lapic
 * @vapic: guest memory that stands for the TPR
 * @pv_eoi: guest memory that stands for the EOI register
 * @return_msrs_set: the CPU has the guest's IA32_TSC_AUX (host/return_msr.h)
 * @breakpoints_live: the guest has its own debug registers for one entry (guest/debug.h)
 * @debug: debugging by userspace
 * @emul: the instruction being emulated
 * @access: the accesses that it made so far and must not make twice
 * @cpuid: the answers of CPUID
 * @fpu: FPU and extended states
 * @clock: kvmclock and TSC
 * @steal_time: the time that it waited for a CPU
 * @dirty_ring: the pages that it wrote, if the VM has rings
 * @msrs: MSRs that only the guest uses
 * @mc: machine-check banks
 * @stats: counters
 * @pv_enforced: the guest may use only those of KVM's features that its CPUID names
 * @entry_failure: the last entry that the CPU refused
 */
struct vcpu {
	struct vm *vm;
	u32 id;
	int last_cpu;
	struct mutex mutex; /* all of the vCPU but requests and posted events */
	unsigned long requests;
	int mode;
	int cpu;
	struct kvm_run *run;
	int error;

	struct cpu_state state;
	u32 cached;
	u32 dirty;
	u8 cr8;

	struct vcpu_event event;
	struct cpu_exception exception;
	bool exception_pending;
	u8 nmi_pending;
	int irq_queued;
	int extint;
	u8 eoi_vector;
	u32 mp_state;
	bool kicked;
	bool kick_unknown;

	struct rcuwait wait;
	struct task_struct __rcu *task;
	struct preempt_notifier preempt;
	sigset_t sigset;
	bool sigset_active;

	struct lapic *lapic;
	u64 apic_base;
	struct vcpu_vapic vapic;
	struct vcpu_pv_eoi pv_eoi;
	bool return_msrs_set;
	bool breakpoints_live;
	struct guest_debug debug;
	struct emul emul;
	struct vcpu_access access;
	struct cpuid_table cpuid;
	struct vcpu_fpu fpu;
	struct vcpu_clock clock;
	struct vcpu_steal_time steal_time;
	struct dirty_ring dirty_ring;
	struct vcpu_msrs msrs;
	struct vcpu_mc mc;
	struct vcpu_stats stats;
	bool pv_enforced;
	struct entry_failure entry_failure;
};

/** vcpu_need() - bring STATE_* groups of vcpu->state up to date */
static inline void vcpu_need(struct vcpu *vcpu, u32 groups)
{
	groups &= ~vcpu->cached;
	if (groups)
		vendor_call(fetch)(vcpu, groups);
}

/** vcpu_touch() - mark STATE_* groups of vcpu->state changed: they are committed before entry */
static inline void vcpu_touch(struct vcpu *vcpu, u32 groups)
{
	vcpu->dirty |= groups;
	vcpu->cached |= groups;
}

/** vcpu_settle() - commit STATE_* groups now, before the back end changes one of their registers */
static inline void vcpu_settle(struct vcpu *vcpu, u32 groups)
{
	groups &= vcpu->dirty;
	if (!groups)
		return;
	vendor_call(commit)(vcpu, groups);
	vcpu->dirty &= ~groups;
}

/** exit_error() - make KVM_RUN fail with an errno */
static inline enum exit_fate exit_error(struct vcpu *vcpu, int error)
{
	vcpu->error = error;
	return EXIT_ERROR;
}

/** vcpu_has_pv() - return true if the guest may use one of KVM's features, KVM_FEATURE_* */
static inline bool vcpu_has_pv(const struct vcpu *vcpu, unsigned int feature)
{
	return !vcpu->pv_enforced || vcpu->cpuid.facts.pv_features & BIT(feature);
}

/**
 * vcpu_make_request() - make the vCPU do something before its next entry
 *
 * Any context. Another thread than the vCPU's calls vcpu_kick() after it.
 */
static inline void vcpu_make_request(struct vcpu *vcpu, enum vcpu_request request)
{
	/* The data that belongs to the request must be visible before the bit. */
	smp_wmb();
	set_bit(request, &vcpu->requests);
}

/** vcpu_test_request() - take a request: return true if it was pending, and clear it */
static inline bool vcpu_test_request(struct vcpu *vcpu, enum vcpu_request request)
{
	if (!test_bit(request, &vcpu->requests))
		return false;
	clear_bit(request, &vcpu->requests);
	/* Pairs with vcpu_make_request(). */
	smp_mb__after_atomic();
	return true;
}

/**
 * vcpu_kick() - make the vCPU look at its requests soon
 *
 * Wakes it if it sleeps, and makes it leave the guest if it is there. Any context, interrupts on
 * or off.
 */
void vcpu_kick(struct vcpu *vcpu);

/* The vCPU that this CPU's current thread works on; run/load.c writes it. */
DECLARE_PER_CPU(struct vcpu *, loaded_vcpu);

/**
 * vcpu_loaded() - the vCPU that the current thread has between vcpu_load() and vcpu_put(), or NULL
 *
 * Any context of the thread.
 */
static inline struct vcpu *vcpu_loaded(void)
{
	/* It follows the thread from CPU to CPU, so a migration in the middle does no harm. */
	return this_cpu_read(loaded_vcpu);
}

/** vcpu_find() - the vCPU with an APIC id, or NULL; any context; @vm keeps it alive */
struct vcpu *vcpu_find(struct vm *vm, u64 apic_id);

#endif
