/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMCS in memory, in states that every CPU accepts, and changes to it.
 */
#ifndef ORIEL_VMCS_FIXTURE_H
#define ORIEL_VMCS_FIXTURE_H

#include "vmx/check.h"

enum guest_state {
	REAL, /* real mode, an unrestricted guest */
	PROTECTED, /* 32-bit protected mode without paging */
	PAE, /* 32-bit protected mode with PAE paging */
	V86, /* a virtual-8086 task */
	LONG, /* 64-bit mode */
	COMPATIBILITY, /* 16-bit code in IA-32e mode */
	RESTRICTED, /* a guest with paging, that is not unrestricted */
	GUEST_STATES
};

/* A change to one field. A list of changes ends with op NONE. */
struct change {
	enum { NONE, SET_TO, BITS_ON, BITS_OFF } op;
	enum vmcs_field field;
	u64 value;
};

#define SET(field, value)                   \
	{                                   \
		SET_TO, vmcs_##field, value \
	}
#define ON(field, bits)                     \
	{                                   \
		BITS_ON, vmcs_##field, bits \
	}
#define OFF(field, bits)                     \
	{                                    \
		BITS_OFF, vmcs_##field, bits \
	}

/* Field encodings are below this (SDM 3D table 25-21 and appendix B). */
#define VMCS_FIELDS 0x7000

struct vmcs_fixture {
	u64 field[VMCS_FIELDS];
	bool absent[VMCS_FIELDS]; /* fields that this CPU lacks: to read one fails the test */
	struct vmx_caps caps;
	struct vmx_check source;
	struct entry_report report;
};

/* A rule that a test expects the check to name; @rule is a part of its text. */
struct expectation {
	const char *field;
	const char *section;
	const char *rule;
};

/* Set the fixture to a state that the CPU accepts. */
void vmcs_fixture_init(struct vmcs_fixture *fixture, enum guest_state state);

void vmcs_change(struct vmcs_fixture *fixture, const struct change *change);

/* Check the VMCS, store the result in fixture->report and remember the rules that it names. */
void vmcs_check(struct vmcs_fixture *fixture);

/* Fail the test unless the report names exactly these rules. The list ends with field NULL. */
void vmcs_expect(const struct vmcs_fixture *fixture, const struct expectation *expected);

/* Return true if any vmcs_check() so far has named a rule. */
bool vmcs_was_named(const char *field, const char *rule);

#endif
