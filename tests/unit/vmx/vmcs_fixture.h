/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMCS in memory, in states that every CPU enters, and changes to it.
 */
#ifndef ORIEL_VMCS_FIXTURE_H
#define ORIEL_VMCS_FIXTURE_H

#include "vmx/check_rules.h"

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

/* A change to one field; a list of them ends with op NONE. */
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
	bool absent[VMCS_FIELDS]; /* fields that this CPU has not: reading them fails the test */
	struct vmx_caps caps;
	struct vmx_check source;
	struct entry_report report;
};

/* What a test expects to be named; rule: a part of the rule's text. */
struct expectation {
	const char *field;
	const char *section;
	const char *rule;
};

/* The fixture, in a state that is entered. */
void vmcs_fixture_init(struct vmcs_fixture *fixture, enum guest_state state);

void vmcs_change(struct vmcs_fixture *fixture, const struct change *change);

/* Checks the VMCS; fixture->report is the result, and what it names is remembered. */
void vmcs_check(struct vmcs_fixture *fixture);

/* Fails the test unless exactly these rules are named; the list ends with field NULL. */
void vmcs_expect(const struct vmcs_fixture *fixture, const struct expectation *expected);

/* Whether a rule was named in any vmcs_check() so far. */
bool vmcs_was_named(const char *field, const char *rule);

#endif
