/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUID as a guest sees it: the leaves that the node supports, changed for the guest's CPUs. */
#ifndef ORIEL_GUEST_CPUID_H
#define ORIEL_GUEST_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>

/* Number of entries that guest_cpuid_adapt() may add. */
#define GUEST_CPUID_EXTRA 2

/*
 * Ask the node for the leaves that it supports. Return: entries with room for
 * GUEST_CPUID_EXTRA more, which the caller frees, or NULL after printing the reason.
 */
struct kvm_cpuid2 *guest_cpuid_supported(int node_fd);

/*
 * Change the leaves that depend on the guest and on the vCPU: a package of @cpus cores with one
 * thread each, of which this is number @cpu, with @cpu as its APIC ID. @tsc_deadline: the local
 * APIC has the TSC deadline timer. The hypervisor's leaves stay as the node gives them. @cpuid
 * may already have been adapted for another vCPU of the same guest.
 */
void guest_cpuid_adapt(struct kvm_cpuid2 *cpuid, unsigned int cpu, unsigned int cpus,
		       bool tsc_deadline);

/* Return: true if the guest's CPU has memory type range registers (leaf 1 EDX.MTRR). */
bool guest_cpuid_has_mtrr(const struct kvm_cpuid2 *cpuid);

#endif
