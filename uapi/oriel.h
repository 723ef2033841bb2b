/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Oriel's extensions of the KVM ABI. A program asks for each at run time with
 * ORIEL_CHECK_EXTENSION, which fails with ENOTTY on the node of any other hypervisor.
 */
#ifndef _UAPI_ORIEL_H
#define _UAPI_ORIEL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The type of all ioctls here; KVM's is 0xAE. */
#define ORIELIO 0xDE

/*
 * On the node's descriptor; the argument is an ORIEL_CAP_* number. Returns 0 if the extension is
 * absent or unknown, else a positive number.
 */
#define ORIEL_CHECK_EXTENSION _IO(ORIELIO, 0x00)

/* 1 if ORIEL_GET_ENTRY_REPORT works. */
#define ORIEL_CAP_ENTRY_REPORT 0

#define ORIEL_ENTRY_VIOLATIONS 16

/**
 * struct oriel_entry_violation - a rule of the manual that an entry broke
 * @value: the field's value
 * @field: the field's name in the VMCS or VMCB, in lower case
 * @section: manual and section
 * @rule: the rule in plain words
 * @reserved: 0
 *
 * Strings end with a NUL.
 */
struct oriel_entry_violation {
	__u64 value;
	char field[48];
	char section[24];
	char rule[104];
	__u64 reserved;
};

/**
 * struct oriel_entry_report - why the CPU refused to enter the guest
 * @reason: hardware_entry_failure_reason of the KVM_EXIT_FAIL_ENTRY
 * @cpu: the CPU that refused
 * @broken: number of broken rules; 0 if the software copy of the CPU's checks finds none
 * @named: number of them in @violations
 * @reserved: 0
 * @violations: in the order of the CPU's checks
 */
struct oriel_entry_report {
	__u64 reason;
	__u32 cpu;
	__u32 broken;
	__u32 named;
	__u32 reserved[11];
	struct oriel_entry_violation violations[ORIEL_ENTRY_VIOLATIONS];
};

/* On a vCPU's descriptor: reports its last KVM_EXIT_FAIL_ENTRY; ENODATA if it has had none. */
#define ORIEL_GET_ENTRY_REPORT _IOR(ORIELIO, 0x40, struct oriel_entry_report)

#endif
