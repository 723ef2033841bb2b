/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual CPU: its vendor-neutral part, and access to its registers.
 *
 * Lazy state
 *
 * A register has two places: struct cpu_state, and the control structure (VMCS or VMCB). On VT-x
 * each access to a field of the VMCS is an instruction that takes time. So registers are copied in
 * groups, STATE_*, and only when they are needed.
 *
 *   1. If a group's bit in vcpu->cached is set, its registers in vcpu->state are valid. Call
 *      vcpu_need() before you read a register: it fetches the group unless the bit is set.
 *   2. If a group's bit in vcpu->dirty is set, vcpu->state is newer than the control structure.
 *      Call vcpu_touch() after you change a register. Before you change a part of a group, call
 *      vcpu_need(), or the commit writes stale values of the other registers. A dirty group is
 *      cached.
 *   3. switch_world() commits the dirty groups before each entry and clears vcpu->dirty.
 *   4. enter() clears vcpu->cached, because the guest changes registers. On AMD it then fetches
 *      STATE_GPRS and STATE_RIP at once.
 *   5. Some registers are valid in vcpu->state at all times, and need no fetch: bits of CR0 and CR4
 *      that the guest cannot change without an exit, EFER, and DR0 to DR3.
 *   6. fetch() and commit() are called only while the vCPU is loaded (vcpu_load()): then, on VT-x,
 *      its VMCS is current.
 *   7. get_msr() and set_msr() access a register that is also in a group, such as the base of FS,
 *      in the control structure. They first commit the group if it is dirty (vcpu_settle());
 *      set_msr() then clears its bit in vcpu->cached.
 *
 *                     vcpu_need(): fetch()              vcpu_touch()
 *      not cached ------------------------> cached ---------------------> cached and dirty
 *       |  ^  ^                             |  |  ^                          ^     |
 *       |  |  |                             |  |  +--------------------------|-----+
 *       |  |  +--------- enter() -----------+  |    commit(): switch_world(), vcpu_settle()
 *       |  +------------ set_msr() ------------+                             |
 *       |                                                                    |
 *       +-- vcpu_touch(), after all registers of the group were replaced ----+
 *
 * The vCPU's mutex protects all members but those whose comments say that other threads write them.
 * A function on a vCPU expects the mutex to be held, unless its comment says 'any context'.
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

/* Pages of a vCPU's mapping: kvm_run, the port page, the ring of coalesced writes. */
#define VCPU_MMAP_PAGES (COALESCED_PAGE_OFFSET + 1)

/* Bits of vcpu->requests, which are tested before each entry. */
enum vcpu_request {
	REQ_EVENT, /* choose the event to inject anew */
	REQ_TLB_FLUSH, /* drop all cached translations */
	REQ_CLOCK_UPDATE, /* publish kvmclock anew */
	REQ_STEAL_TIME, /* tell the guest that the vCPU runs again, and how long it has waited */
	REQ_MSR_FILTER, /* intercept the MSRs that the filter denies */
	REQ_DEBUG_STEP, /* guest_debug_trap() for userspace: KVM_EXIT_DEBUG */
	REQ_TRIPLE_FAULT, /* the guest shut down: KVM_EXIT_SHUTDOWN */
	REQ_TPR_ACCESS, /* the guest accessed TPR: KVM_EXIT_TPR_ACCESS */
	REQ_IOAPIC_EOI, /* an EOI for userspace's IOAPIC: KVM_EXIT_IOAPIC_EOI */
	REQ_DIRTY_RING_FULL, /* KVM_EXIT_DIRTY_RING_FULL, until userspace has made room */
};

/* Requests that always end KVM_RUN. */
#define REQS_EXIT \
	(BIT(REQ_DEBUG_STEP) | BIT(REQ_TRIPLE_FAULT) | BIT(REQ_TPR_ACCESS) | BIT(REQ_IOAPIC_EOI))

/* run/loop.c describes the protocol. */
enum vcpu_mode {
	VCPU_OUTSIDE,
	VCPU_IN_GUEST,
};

enum event_type {
	EVENT_NONE,
	EVENT_IRQ, /* external interrupt */
	EVENT_NMI,
	EVENT_EXCEPTION, /* a fault or trap */
	EVENT_SOFT_INT, /* INT n from KVM_SET_VCPU_EVENTS; delivery pushes RIP as it is */
};

/* The one event that the next entry delivers. */
struct vcpu_event {
	enum event_type type;
	u8 vector;
	bool has_error_code;
	u32 error_code;
	bool soft; /* #BP or #OF whose @length has yet to be found */
	u8 length; /* of the INT3 or INTO at RIP, which delivery steps over; 0 if there is none */
};

/* The vendor's code embeds this structure as the first member of its own structure. */
struct vcpu {
	struct vm *vm;
	u32 id; /* given by userspace; also the initial APIC ID */
	int last_cpu; /* physical CPU on which the vCPU was last loaded, or -1 */
	struct mutex mutex; /* all members that only the vCPU's thread writes */
	unsigned long requests; /* bits of enum vcpu_request; any thread sets them */
	int mode; /* enum vcpu_mode; any thread reads it */
	int cpu; /* physical CPU of the thread, valid while @mode is VCPU_IN_GUEST */
	struct kvm_run *run; /* the page shared with userspace; the port page follows it */
	int error; /* the errno of EXIT_ERROR */

	struct cpu_state state;
	u32 cached; /* STATE_* groups that are valid in @state */
	u32 dirty; /* STATE_* groups of @state that the next entry commits */
	u8 cr8; /* task priority of a vCPU without @lapic */

	struct vcpu_event event; /* kept until an exit shows that it was delivered */
	struct cpu_exception exception; /* waits until it becomes @event */
	bool exception_pending; /* @exception is valid */
	u8 nmi_pending; /* NMIs that wait, at most two (SDM 3A 6.7.1) */
	int irq_queued; /* vector of KVM_INTERRUPT, or displaced by an exception; or -1 */
	int extint; /* vector from userspace's PIC for a vCPU with @lapic; or -1 */
	u8 eoi_vector; /* of REQ_IOAPIC_EOI */
	u32 mp_state; /* KVM_MP_STATE_* */
	/* KVM_HC_KICK_CPU of another vCPU: the current or next HLT ends at once. */
	bool kicked;
	/* Userspace made the vCPU runnable, and may have lost a kick that came before that. */
	bool kick_unknown;

	struct rcuwait wait; /* the vCPU sleeps here while it is not runnable */
	struct task_struct __rcu *task; /* the thread inside KVM_RUN, for vcpu_yield() */
	struct preempt_notifier preempt; /* calls run/load.c when the thread changes CPU */
	sigset_t sigset; /* the thread's signal mask inside KVM_RUN */
	bool sigset_active; /* @sigset is valid */

	struct lapic *lapic; /* NULL without an in-kernel irqchip; any thread posts interrupts */
	u64 apic_base; /* IA32_APIC_BASE of a vCPU without @lapic */
	struct vcpu_vapic vapic;
	struct vcpu_pv_eoi pv_eoi;
	/*
	 * Code has run since the last entry that may have brought secrets of the host into the L1
	 * data cache: another thread, userspace, the executor, a second-level fault.
	 */
	bool secrets_cached;
	bool return_msrs_set; /* the CPU has the guest's IA32_TSC_AUX (host/return_msr.h) */
	bool breakpoints_live; /* the guest has its own DRs for one entry (guest/debug.h) */
	struct guest_debug debug;
	struct emul emul; /* the instruction in the executor */
	struct vcpu_access access; /* its accesses */
	struct cpuid_table cpuid;
	struct vcpu_fpu fpu;
	struct vcpu_clock clock;
	struct vcpu_steal_time steal_time;
	struct dirty_ring dirty_ring;
	struct vcpu_msrs msrs;
	struct vcpu_mc mc;
	struct vcpu_stats stats;
	bool pv_enforced; /* the guest may use only features of KVM that its CPUID has */
	struct entry_failure entry_failure;
};

/** vcpu_need() - fetch those of the STATE_* groups that are not cached */
static inline void vcpu_need(struct vcpu *vcpu, u32 groups)
{
	groups &= ~vcpu->cached;
	if (groups)
		vendor_call(fetch)(vcpu, groups);
}

/** vcpu_touch() - mark STATE_* groups of vcpu->state as changed; the next entry commits them */
static inline void vcpu_touch(struct vcpu *vcpu, u32 groups)
{
	vcpu->dirty |= groups;
	vcpu->cached |= groups;
}

/** vcpu_settle() - commit those of the STATE_* groups that are dirty */
static inline void vcpu_settle(struct vcpu *vcpu, u32 groups)
{
	groups &= vcpu->dirty;
	if (!groups)
		return;
	vendor_call(commit)(vcpu, groups);
	vcpu->dirty &= ~groups;
}

/** exit_error() - make KVM_RUN fail with errno @error, which is negative */
static inline enum exit_fate exit_error(struct vcpu *vcpu, int error)
{
	vcpu->error = error;
	return EXIT_ERROR;
}

/** vcpu_has_pv() - return true if the guest may use this feature (KVM_FEATURE_*) of KVM */
static inline bool vcpu_has_pv(const struct vcpu *vcpu, unsigned int feature)
{
	return !vcpu->pv_enforced || vcpu->cpuid.facts.pv_features & BIT(feature);
}

/**
 * vcpu_make_request() - let the vCPU serve a request before its next entry; any context. A thread
 * that is not the vCPU's calls vcpu_kick() afterwards.
 */
static inline void vcpu_make_request(struct vcpu *vcpu, enum vcpu_request request)
{
	/* The data that belongs to the request must be visible before the bit. */
	smp_wmb();
	set_bit(request, &vcpu->requests);
}

/** vcpu_test_request() - return true if a request was pending, and clear it */
static inline bool vcpu_test_request(struct vcpu *vcpu, enum vcpu_request request)
{
	if (!test_bit(request, &vcpu->requests))
		return false;
	clear_bit(request, &vcpu->requests);
	/* First the bit, then the request's data: vcpu_make_request() writes data, then bit. */
	smp_mb__after_atomic();
	return true;
}

/**
 * vcpu_kick() - make the vCPU look at its requests soon: wake it if it sleeps, and end the guest if
 * it runs. Any context, interrupts on or off.
 */
void vcpu_kick(struct vcpu *vcpu);

/* run/load.c writes it. */
DECLARE_PER_CPU(struct vcpu *, loaded_vcpu);

/** vcpu_loaded() - return the vCPU that the current thread has loaded, or NULL; any context */
static inline struct vcpu *vcpu_loaded(void)
{
	/* The variable moves with the thread: a migration during the read does no harm. */
	return this_cpu_read(loaded_vcpu);
}

/** vcpu_find() - return the vCPU with this APIC id, or NULL; @vm keeps it alive; any context */
struct vcpu *vcpu_find(struct vm *vm, u64 apic_id);

#endif
