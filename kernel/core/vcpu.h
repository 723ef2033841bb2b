/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual CPU: what the neutral side keeps of it, and what its parts may
 * ask of each other.
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

/* A vCPU's mapping: kvm_run, the page for port data, the ring of coalesced writes. */
#define VCPU_MMAP_PAGES (COALESCED_PAGE_OFFSET + 1)

/* Pending requests, bits of vcpu->requests: one word is tested per entry. */
enum vcpu_request {
	REQ_EVENT, /* choose again which event to inject */
	REQ_TLB_FLUSH, /* drop all translations before entering */
	REQ_CLOCK_UPDATE, /* publish kvmclock anew */
	REQ_STEAL_TIME, /* the vCPU runs again: say so, and for how long it did not */
	REQ_MSR_FILTER, /* have the hardware intercept what the filter denies */
	REQ_DEBUG_STEP, /* an instruction that userspace steps over is done: KVM_EXIT_DEBUG */
	REQ_TRIPLE_FAULT, /* the guest shut down: KVM_EXIT_SHUTDOWN */
	REQ_TPR_ACCESS, /* the guest accessed TPR: KVM_EXIT_TPR_ACCESS */
	REQ_IOAPIC_EOI, /* an EOI for userspace's IOAPIC: KVM_EXIT_IOAPIC_EOI */
	REQ_DIRTY_RING_FULL, /* KVM_EXIT_DIRTY_RING_FULL, until it is no longer so */
};

/* Requests that end KVM_RUN. */
#define REQS_EXIT \
	(BIT(REQ_DEBUG_STEP) | BIT(REQ_TRIPLE_FAULT) | BIT(REQ_TPR_ACCESS) | BIT(REQ_IOAPIC_EOI))

/* Where the vCPU's thread is, for those who kick it. */
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
 * @type: what it is; EVENT_NONE when there is none
 * @vector: interrupt or exception vector
 * @has_error_code: an error code is pushed
 * @error_code: its value
 * @soft: #BP or #OF, of the instruction at RIP if that is INT3 or INTO
 * @length: bytes of that instruction, which delivery steps over; 0 for none
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
 * @id: number given by userspace; also its initial APIC ID
 * @last_cpu: physical CPU it was last loaded on, or -1
 * @mutex: held by whichever ioctl works on the vCPU
 * @error: the errno of EXIT_ERROR
 * @requests: bits of enum vcpu_request
 * @mode: enum vcpu_mode; written with interrupts off
 * @cpu: physical CPU of the thread inside KVM_RUN, valid while in the guest
 * @run: the page shared with userspace; the next page is for port data
 * @state: registers; a group is valid while its bit is in @cached
 * @cached: STATE_* groups of @state that are up to date
 * @dirty: STATE_* groups of @state to commit before the next entry
 * @cr8: task priority where there is no @lapic
 * @event: being injected; kept until an exit shows that it was delivered
 * @exception: waits for its turn to become @event
 * @exception_pending: whether there is an @exception
 * @nmi_pending: NMIs waiting, at most two (SDM 3A 6.7.1)
 * @irq_queued: vector queued by KVM_INTERRUPT or taken back, or -1
 * @extint: vector of userspace's PIC for a vCPU with a @lapic, or -1
 * @eoi_vector: what REQ_IOAPIC_EOI is about
 * @mp_state: KVM_MP_STATE_*
 * @kicked: KVM_HC_KICK_CPU named it: the next HLT, or the one it is in, ends at once.
 *	Set by others
 * @kick_unknown: userspace made it runnable, and may not know of a kick before that
 * @wait: where a halted vCPU sleeps
 * @task: the thread inside KVM_RUN, for vcpu_yield()
 * @preempt: tells when the thread changes CPU
 * @sigset: signals that KVM_RUN lets through
 * @sigset_active: whether @sigset was given
 * @lapic: its local APIC, NULL without an in-kernel irqchip
 * @apic_base: IA32_APIC_BASE where there is no @lapic
 * @vapic: guest memory that stands for its TPR
 * @pv_eoi: guest memory that stands for its EOI
 * @return_msrs_set: the CPU has the guest's IA32_TSC_AUX, see return_msr.h
 * @breakpoints_live: the debug registers are the guest's own for one entry, see debug.h
 * @debug: what userspace debugs of the guest
 * @emul: the instruction being emulated
 * @access: what it did so far that must not be done twice
 * @cpuid: what CPUID answers
 * @fpu: FPU and extended states
 * @clock: kvmclock and TSC
 * @steal_time: what it did not run although it wanted to
 * @dirty_ring: what it wrote, if the VM has rings
 * @msrs: MSRs that only the guest uses
 * @mc: machine-check banks
 * @stats: what is counted
 * @pv_enforced: KVM's own features are those that its CPUID names, no others
 * @entry_failure: the last entry that the CPU refused
 */
struct vcpu {
	struct vm *vm;
	u32 id;
	int last_cpu;
	struct mutex mutex; /* all of the vCPU, but what others post */
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

/**
 * vcpu_need() - make sure that groups of vcpu->state are up to date
 * @vcpu: the vCPU, its mutex held
 * @groups: STATE_* bits
 */
static inline void vcpu_need(struct vcpu *vcpu, u32 groups)
{
	groups &= ~vcpu->cached;
	if (groups)
		vendor_call(fetch)(vcpu, groups);
}

/**
 * vcpu_touch() - groups of vcpu->state were changed: commit them before entry
 * @vcpu: the vCPU, its mutex held
 * @groups: STATE_* bits, each needed before
 */
static inline void vcpu_touch(struct vcpu *vcpu, u32 groups)
{
	vcpu->dirty |= groups;
	vcpu->cached |= groups;
}

/**
 * vcpu_settle() - commit pending changes now, before the back end touches a part
 *	of what they change, such as the base of FS
 * @vcpu: the vCPU, its mutex held
 * @groups: STATE_* bits
 */
static inline void vcpu_settle(struct vcpu *vcpu, u32 groups)
{
	groups &= vcpu->dirty;
	if (!groups)
		return;
	vendor_call(commit)(vcpu, groups);
	vcpu->dirty &= ~groups;
}

/** exit_error() - have KVM_RUN fail with an errno */
static inline enum exit_fate exit_error(struct vcpu *vcpu, int error)
{
	vcpu->error = error;
	return EXIT_ERROR;
}

/**
 * vcpu_has_pv() - may the guest use one of KVM's features?
 * @vcpu: the vCPU, its mutex held
 * @feature: KVM_FEATURE_*
 */
static inline bool vcpu_has_pv(const struct vcpu *vcpu, unsigned int feature)
{
	return !vcpu->pv_enforced || vcpu->cpuid.facts.pv_features & BIT(feature);
}

/**
 * vcpu_make_request() - have something done before the next entry
 * @vcpu: the vCPU
 * @request: enum vcpu_request
 *
 * Any context. From another thread a vcpu_kick() goes with it.
 */
static inline void vcpu_make_request(struct vcpu *vcpu, enum vcpu_request request)
{
	/* What the request is about must be visible before the bit. */
	smp_wmb();
	set_bit(request, &vcpu->requests);
}

/**
 * vcpu_test_request() - take a request
 * @vcpu: the vCPU, its mutex held
 * @request: enum vcpu_request
 *
 * Return: whether it was pending; it no longer is.
 */
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
 * vcpu_kick() - have the vCPU look at its requests soon
 *
 * Wakes it when it sleeps and makes it leave the guest when it is in it. Any context,
 * interrupts on or off.
 */
void vcpu_kick(struct vcpu *vcpu);

/* The vCPU that this CPU's current thread works on; run/load.c writes it. */
DECLARE_PER_CPU(struct vcpu *, loaded_vcpu);

/**
 * vcpu_loaded() - the vCPU that the current thread works on; any context of the thread
 *
 * Return: from vcpu_load() to vcpu_put() that vCPU, else NULL.
 */
static inline struct vcpu *vcpu_loaded(void)
{
	/* It changes with the thread, so it is the same on whichever CPU the thread reads it. */
	return this_cpu_read(loaded_vcpu);
}

/** vcpu_find() - the vCPU with an APIC id, or NULL; any context; @vm keeps it alive */
struct vcpu *vcpu_find(struct vm *vm, u64 apic_id);

#endif
