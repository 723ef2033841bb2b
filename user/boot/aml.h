/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes ACPI Machine Language: only the terms that the DSDT of a small PC needs. */
#ifndef ORIEL_AML_H
#define ORIEL_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_MAX_DEPTH 4

/**
 * struct aml - AML that is being written to a buffer
 * @bytes: the buffer
 * @room: size of the buffer in bytes
 * @size: number of bytes written so far
 * @depth: number of packages that are open
 * @starts: for each open package, the offset at which its length belongs
 * @overflow: something did not fit, and the AML is of no use
 */
struct aml {
	uint8_t *bytes;
	size_t room;
	size_t size;
	unsigned int depth;
	size_t starts[AML_MAX_DEPTH];
	bool overflow;
};

void aml_init(struct aml *aml, uint8_t *bytes, size_t room);

/*
 * A @name has four characters; that of a scope or of a Name may also be a path from the root
 * like "\\_SB_". aml_end() closes what was opened last.
 */

/* Open Scope (@name). */
void aml_scope(struct aml *aml, const char *name);

/* Open Device (@name). */
void aml_device(struct aml *aml, const char *name);

/* Open Package () of @count elements, which are written next. */
void aml_package(struct aml *aml, uint8_t count);

/* Close a scope, a device or a package. */
void aml_end(struct aml *aml);

/* Begin Name (@name, ...); its value is written next. */
void aml_name(struct aml *aml, const char *name);

void aml_integer(struct aml *aml, uint32_t value);

/* EISAID ("@id"): three capital letters and four hexadecimal digits. */
void aml_eisa_id(struct aml *aml, const char *id);

/* ResourceTemplate () { IO (...) IRQNoFlags () {...} } of @count ports and one ISA interrupt. */
void aml_isa_resources(struct aml *aml, uint16_t port, uint8_t count, unsigned int irq);

#endif
