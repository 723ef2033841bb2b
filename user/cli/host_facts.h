/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts about this machine on which it depends whether it can run guests. */
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
 * struct host_facts - the facts about this machine
 * @vendor: of the CPU
 * @has_virtualization: CPUID lists AMD-V or VT-x
 * @has_nested_paging: the CPU has nested paging (AMD) or EPT with unrestricted guest (Intel)
 * @nested_paging_known: @has_nested_paging is known
 * @kernel_sees_it: /proc/cpuinfo has the flag svm or vmx
 * @firmware: whether firmware has enabled virtualization, by the CPU's MSR
 * @module_loaded: oriel.ko is loaded
 * @kvm_module: name of the in-tree KVM's vendor module if it is loaded, or NULL
 * @node: path of the module's node
 * @node_error: errno of open() of the node, or 0
 * @node_is_kvm_abi: the node answers KVM_GET_API_VERSION with KVM's version
 * @vm_error: errno of KVM_CREATE_VM, or 0
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

void host_facts_gather(struct host_facts *facts);

/*
 * Print a line about each part: what is there or, when something is missing, what to type.
 * Return: true when guests can run.
 */
bool host_facts_report(const struct host_facts *facts, FILE *out);

#endif
