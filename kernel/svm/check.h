/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checks of VMRUN (APM 2 15.5.1) in software: they name the rule that made the CPU refuse an
 * entry. Each rule is a row of a table. Pure: also serves userspace tests.
 */
#ifndef ORIEL_SVM_CHECK_H
#define ORIEL_SVM_CHECK_H

#include <linux/kernel.h>
#include <linux/types.h>

#include "x86/entry_check.h"
#include "svm/vmcb.h"

/* The facts about the CPU on which the rules of VMRUN depend. */
struct svm_check {
	u64 cr4_reserved; /* bits that CR4 does not have */
	u64 efer_reserved; /* bits that EFER does not have */
	u8 maxphyaddr; /* physical-address width, in bits */
	bool long_mode; /* the CPU has long mode */
	bool shadow_stacks; /* the CPU has CET shadow stacks */
};

struct svm_rule {
	const char *field; /* its name */
	u16 offset; /* its offset in the VMCB */
	u8 size; /* its size in bytes */
	const char *section; /* manual and section that has the rule */
	const char *rule; /* the rule in words */
	/* Returns true if @value of the field breaks the rule. */
	bool (*broken)(const struct vmcb *vmcb, const struct svm_check *facts, u64 value,
		       u64 argument);
	u64 argument; /* of @broken */
};

/* All rules, in the manual's order. */
extern const struct svm_rule svm_rules[];
extern const size_t svm_rule_count;

/**
 * svm_check_entry() - add every rule of VMRUN that a VMCB breaks to @report: none if the CPU
 * accepts the VMCB; any context
 */
void svm_check_entry(const struct vmcb *vmcb, const struct svm_check *facts,
		     struct entry_report *report);

#endif
