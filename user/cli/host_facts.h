/* SPDX-License-Identifier: GPL-2.0-only */
/* What of this machine decides whether it can run guests. */
#ifndef ORIEL_HOST_FACTS_H
#define ORIEL_HOST_FACTS_H

#include <stdbool.h>
#include <stdio.h>

#include "machine/node.h"

enum host_vendor {
	HOST_VENDOR_AMD,
	HOST_VENDOR_INTEL,
	HOST_VENDOR_OTHER,
};

enum host_firmware {
	HOST_FIRMWARE_UNKNOWN, /* the MSR cannot be read */
	HOST_FIRMWARE_ENABLED,
	HOST_FIRMWARE_DISABLED,
};

/**
 * struct host_facts - what was found
 * @vendor: of the CPU
 * @has_virtualization: CPUID says AMD-V or VT-x
 * @has_nested_paging: nested paging (AMD) or EPT with unrestricted guest (Intel)
 * @nested_paging_known: @has_nested_paging could be found out
 * @kernel_sees_it: the flag is in /proc/cpuinfo
 * @firmware: what the MSR says
 * @module_loaded: oriel.ko
 * @kvm_module: name of the in-tree KVM's vendor module when loaded, or NULL
 * @node: path of the module's node
 * @node_error: errno of opening the node, 0 when it opened
 * @node_is_kvm_abi: it answers KVM_GET_API_VERSION rightly
 * @vm_error: errno of making an empty VM, 0 when it was made
 */
struct host_facts {
	enum host_vendor vendor;
	bool has_virtualization;
	bool has_nested_paging;
	bool nested_paging_known;
	bool kernel_sees_it;
	enum host_firmware firmware;
	bool module_loaded;
	const char *kvm_module;
	char node[NODE_PATH_SIZE];
	int node_error;
	bool node_is_kvm_abi;
	int vm_error;
};

/**
 * host_facts_gather() - look at this machine
 * @facts: filled
 */
void host_facts_gather(struct host_facts *facts);

/**
 * host_facts_report() - say it to a person
 * @facts: as found
 * @out: where to print
 *
 * One line each; for what is missing, what to type.
 *
 * Return: true when guests can run.
 */
bool host_facts_report(const struct host_facts *facts, FILE *out);

#endif
