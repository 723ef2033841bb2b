/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes ACPI Machine Language: just the terms that a DSDT for a bare PC needs. */
#ifndef ORIEL_AML_H
#define ORIEL_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_MAX_DEPTH 4

/**
 * struct aml - a stream of AML in a buffer of fixed size
 * @bytes: the buffer
 * @room: of it, in bytes
 * @size: used so far
 * @depth: packages open
 * @starts: where the length of each open package goes
 * @overflow: something did not fit; the stream is worthless
 */
struct aml {
	uint8_t *bytes;
	size_t room;
	size_t size;
	unsigned int depth;
	size_t starts[AML_MAX_DEPTH];
	bool overflow;
};

/**
 * aml_init() - start an empty stream
 * @aml: storage of the caller
 * @bytes: buffer
 * @room: of @bytes, in bytes
 */
void aml_init(struct aml *aml, uint8_t *bytes, size_t room);

/**
 * aml_scope() - open Scope (@name)
 * @aml: stream
 * @name: four characters, or a root path like "\\_SB_"
 */
void aml_scope(struct aml *aml, const char *name);

/**
 * aml_device() - open Device (@name)
 * @aml: stream
 * @name: four characters
 */
void aml_device(struct aml *aml, const char *name);

/**
 * aml_end() - close the innermost scope, device, package or resource template
 * @aml: stream
 */
void aml_end(struct aml *aml);

/**
 * aml_name() - begin Name (@name, ...); what is written next is its value
 * @aml: stream
 * @name: four characters, or a root path
 */
void aml_name(struct aml *aml, const char *name);

/**
 * aml_integer() - an integer constant
 * @aml: stream
 * @value: of 32 bits
 */
void aml_integer(struct aml *aml, uint32_t value);

/**
 * aml_eisa_id() - EISAID ("@id")
 * @aml: stream
 * @id: three capitals and four hexadecimal digits
 */
void aml_eisa_id(struct aml *aml, const char *id);

/**
 * aml_package() - open Package () of @count elements, written next
 * @aml: stream
 * @count: of elements
 */
void aml_package(struct aml *aml, uint8_t count);

/**
 * aml_isa_resources() - ResourceTemplate () { IO (...) IRQNoFlags () {...} }
 * @aml: stream
 * @port: first I/O port
 * @count: of ports
 * @irq: ISA interrupt, 0 to 15
 */
void aml_isa_resources(struct aml *aml, uint16_t port, uint8_t count, unsigned int irq);

#endif
