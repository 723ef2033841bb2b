/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics: what is counted of a VM and of a vCPU, and KVM_GET_STATS_FD.
 */
#ifndef ORIEL_STATS_H
#define ORIEL_STATS_H

#include <linux/types.h>

struct vcpu;
struct vm;

/**
 * struct vm_stats - of a VM
 * @remote_tlb_flush: times that all vCPUs had to drop their translations
 * @pages_4k: leaves of second-level tables by size, now
 * @pages_2m: see @pages_4k
 * @pages_1g: see @pages_4k
 */
struct vm_stats {
	u64 remote_tlb_flush;
	u64 pages_4k;
	u64 pages_2m;
	u64 pages_1g;
};

/**
 * struct vcpu_stats - of a vCPU, since it was created; changed by its thread alone
 * @exits: VM exits
 * @pf_taken: second-level page faults
 * @tlb_flush: times that its translations were dropped
 * @io_exits: IN, OUT, INS and OUTS
 * @mmio_exits: accesses to memory that userspace was asked for
 * @signal_exits: times that a signal ended KVM_RUN
 * @request_irq_exits: returns because KVM_INTERRUPT has become possible
 * @irq_exits: interrupts of the host
 * @halt_exits: HLT
 * @halt_wakeup: ends of HLT
 * @hypercalls: VMCALL and VMMCALL
 * @irq_injections: interrupts given to the guest
 * @nmi_injections: NMIs given to the guest
 * @insn_emulation: instructions executed in software
 * @insn_emulation_fail: those that could not be
 */
struct vcpu_stats {
	u64 exits;
	u64 pf_taken;
	u64 tlb_flush;
	u64 io_exits;
	u64 mmio_exits;
	u64 signal_exits;
	u64 request_irq_exits;
	u64 irq_exits;
	u64 halt_exits;
	u64 halt_wakeup;
	u64 hypercalls;
	u64 irq_injections;
	u64 nmi_injections;
	u64 insn_emulation;
	u64 insn_emulation_fail;
};

/**
 * stats_open() - KVM_GET_STATS_FD
 * @vm: the VM, which stays until the descriptor is closed
 * @vcpu: one of its vCPUs, or NULL for the statistics of the VM
 *
 * May sleep.
 *
 * Return: a descriptor for read() and pread(), -ENOMEM, -EMFILE.
 */
int stats_open(struct vm *vm, struct vcpu *vcpu);

#endif
