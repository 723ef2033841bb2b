/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtual machine: its memory, its vCPUs and its interrupt chips. */
#ifndef ORIEL_VM_H
#define ORIEL_VM_H

#include <linux/cpumask.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "core/parts.h"
#include "irq/coalesced.h"
#include "irq/fabric.h"
#include "irq/ioeventfd.h"
#include "irq/irqfd.h"
#include "memory/memory.h"

struct msr_filter;
struct vcpu;

/* The values of KVM_CAP_MAX_VCPUS and KVM_CAP_MAX_VCPU_ID. */
#define VM_MAX_VCPUS 1024
#define VM_MAX_VCPU_ID FABRIC_MAX_APIC_ID

struct vm {
	struct memory memory;
	refcount_t refs; /* each descriptor (VM, vCPU, statistics, VFIO device) holds one */
	void (*release)(struct vm *vm); /* called when the last reference is dropped */
	struct mutex lock; /* changes of vCPUs and interrupt chips; before @memory.lock */
	struct vcpu **vcpus; /* in order of creation; an element never changes */
	u32 vcpu_count; /* number of valid @vcpus; grows with release semantics */
	u32 yielded_to; /* index of the vCPU that got the last directed yield (run/yield.c) */
	u32 bsp_id; /* id of the bootstrap processor's vCPU */
	/* KVM_CAP_EXIT_ON_EMULATION_FAILURE: unknown instructions exit to userspace at any CPL. */
	bool unknown_insns_exit;
	u32 vcpu_id_limit; /* vCPU ids are below it; 0 if userspace has not set it */
	/* MSRs that userspace denies, or NULL; under @memory.srcu, replaced under @lock. */
	struct msr_filter __rcu *msr_filter;
	u32 msr_exits; /* KVM_MSR_EXIT_REASON_*: refused accesses that exit to userspace */
	atomic64_t tlb_flushes; /* calls of vm_flush_tlbs() */
	/* CPUs that the last of these calls interrupted; under @memory.mmu.lock, exclusive. */
	cpumask_var_t flushed_cpus;
	u64 quirks_off; /* KVM_X86_QUIRK_* that userspace has turned off */
	u32 exits_off; /* KVM_X86_DISABLE_EXITS_*; constant once there are vCPUs */
	bool platform_info_hidden; /* the guest gets #GP for MSR_PLATFORM_INFO */
	/* KVM_CAP_EXCEPTION_PAYLOAD: userspace saves pending exceptions with their CR2 or DR6. */
	bool exception_payload;
	/* KVM_CAP_X86_TRIPLE_FAULT_EVENT: userspace saves a pending shutdown. */
	bool triple_fault_event;
	struct irq_fabric fabric;
	struct irqfds irqfds;
	struct ioeventfds ioeventfds;
	struct coalesced coalesced;
	struct vm_clock clock;
	bool steal_time_used; /* a vCPU has, or had, steal time enabled */
	struct vm_dma dma;
};

static inline void vm_get(struct vm *vm)
{
	refcount_inc(&vm->refs);
}

/** vm_put() - drop a reference; the last one frees the VM and its vCPUs */
static inline void vm_put(struct vm *vm)
{
	if (refcount_dec_and_test(&vm->refs))
		vm->release(vm);
}

/** vm_quirk_on() - return true if userspace has not turned this KVM_X86_QUIRK_* off */
static inline bool vm_quirk_on(const struct vm *vm, u64 quirk)
{
	return !(READ_ONCE(vm->quirks_off) & quirk);
}

/** vm_flush_tlbs() - memory_ops.flush_tlbs */
void vm_flush_tlbs(struct memory *memory);
/**
 * vm_make_request_all() - make a request (enum vcpu_request) for every vCPU, kick it, and do not
 * wait. Interrupts on; spinlocks may be held.
 */
void vm_make_request_all(struct vm *vm, unsigned int request);

#endif
