/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes ACPI Machine Language: only the terms that the DSDT of a small PC needs. */
#ifndef ORIEL_AML_H
#define ORIEL_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_MAX_DEPTH 4

/* AML that is being written to a buffer. */
struct aml {
	uint8_t *bytes; /* the buffer */
	size_t room; /* size of the buffer in bytes */
	size_t size; /* number of bytes written so far */
	unsigned int depth; /* number of packages that are open */
	/* For each open package, the offset at which its length belongs. */
	size_t starts[AML_MAX_DEPTH];
	bool overflow; /* something did not fit, and the AML is of no use */
};

void aml_init(struct aml *aml, uint8_t *bytes, size_t room);

/*
 * A @name has four characters; that of a scope or of a Name may also be a path from the root
 * like "\\_SB_". aml_end() closes the scope, device or package that was opened last.
 */

void aml_scope(struct aml *aml, const char *name);
void aml_device(struct aml *aml, const char *name);

/* Open Package () of @count elements, which are written next. */
void aml_package(struct aml *aml, uint8_t count);

void aml_end(struct aml *aml);

/* Begin Name (@name, ...); its value is written next. */
void aml_name(struct aml *aml, const char *name);

void aml_integer(struct aml *aml, uint32_t value);

/* EISAID ("@id"): three capital letters and four hexadecimal digits. */
void aml_eisa_id(struct aml *aml, const char *id);

/* ResourceTemplate () { IO (...) IRQNoFlags () {...} } of @count ports and one ISA interrupt. */
void aml_isa_resources(struct aml *aml, uint16_t port, uint8_t count, unsigned int irq);

#endif
