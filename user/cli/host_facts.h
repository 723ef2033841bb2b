/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts about this machine that decide if it can run guests. */
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

/* The facts about this machine. */
struct host_facts {
	enum host_vendor vendor; /* of the CPU */
	bool has_virtualization; /* CPUID lists AMD-V or VT-x */
	/* The CPU has nested paging (AMD) or EPT with unrestricted guest (Intel). */
	bool has_nested_paging;
	bool nested_paging_known; /* @has_nested_paging is known */
	bool kernel_sees_it; /* /proc/cpuinfo has the flag svm or vmx */
	enum host_firmware firmware; /* from the MSR in which firmware enables virtualization */
	bool module_loaded;
	/* Name of the in-tree KVM's vendor module if it is loaded, or NULL. */
	const char *kvm_module;
	char node[NODE_PATH_SIZE]; /* path of the module's node */
	int node_error; /* errno of open() of the node, or 0 */
	bool node_is_kvm_abi; /* the node answers KVM_GET_API_VERSION with KVM's version */
	int vm_error; /* errno of KVM_CREATE_VM, or 0 */
};

void host_facts_gather(struct host_facts *facts);

/*
 * Print a line about each part: its name or, if it is missing, the command that helps.
 * Return: true if guests can run.
 */
bool host_facts_report(const struct host_facts *facts, FILE *out);

#endif
