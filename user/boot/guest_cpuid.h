/* SPDX-License-Identifier: GPL-2.0-only */
/* What CPUID tells a guest: what the node supports, adapted to the guest's CPUs. */
#ifndef ORIEL_GUEST_CPUID_H
#define ORIEL_GUEST_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>

/**
 * guest_cpuid_supported() - ask the node what its guests may see
 * @node_fd: the KVM ABI's system descriptor
 *
 * Return: entries with room for GUEST_CPUID_EXTRA more, to be freed by the
 * caller, or NULL with the reason printed.
 */
struct kvm_cpuid2 *guest_cpuid_supported(int node_fd);

#define GUEST_CPUID_EXTRA 2

/**
 * guest_cpuid_adapt() - fill in what differs by guest and by vCPU
 * @cpuid: from guest_cpuid_supported(), or already adapted for another vCPU
 * @cpu: index of the vCPU and its APIC ID
 * @cpus: number of vCPUs of the guest
 * @tsc_deadline: the in-kernel local APIC has the TSC deadline timer
 *
 * One package of @cpus cores with one thread each. Leaves of the hypervisor
 * stay as the node gives them.
 */
void guest_cpuid_adapt(struct kvm_cpuid2 *cpuid, unsigned int cpu, unsigned int cpus,
		       bool tsc_deadline);

/**
 * guest_cpuid_has_mtrr() - has the guest's CPU memory type range registers
 * @cpuid: from guest_cpuid_supported()
 *
 * Return: leaf 1 EDX.MTRR.
 */
bool guest_cpuid_has_mtrr(const struct kvm_cpuid2 *cpuid);

#endif
