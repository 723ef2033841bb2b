// SPDX-License-Identifier: GPL-2.0-only
/* Writes ACPI Machine Language: only the terms that the DSDT of a small PC needs. */
#include "boot/aml.h"

#include <string.h>

/* ACPI 6.5 20.2 and 6.4.2 */
#define OP_NAME 0x08
#define OP_BYTE 0x0a
#define OP_WORD 0x0b
#define OP_DWORD 0x0c
#define OP_SCOPE 0x10
#define OP_BUFFER 0x11
#define OP_PACKAGE 0x12
#define OP_EXT 0x5b
#define OP_EXT_DEVICE 0x82
#define RESOURCE_IO 0x47
#define RESOURCE_IO_DECODE16 0x01
#define RESOURCE_IRQ_NO_FLAGS 0x22
#define RESOURCE_END 0x79

void aml_init(struct aml *aml, uint8_t *bytes, size_t room)
{
	memset(aml, 0, sizeof(*aml));
	aml->bytes = bytes;
	aml->room = room;
}

static void put(struct aml *aml, const void *bytes, size_t size)
{
	if (aml->overflow || size > aml->room - aml->size) {
		aml->overflow = true;
		return;
	}
	memcpy(aml->bytes + aml->size, bytes, size);
	aml->size += size;
}

static void put_byte(struct aml *aml, uint8_t byte)
{
	put(aml, &byte, 1);
}

static void open_package(struct aml *aml)
{
	if (aml->depth == AML_MAX_DEPTH)
		aml->overflow = true;
	else
		aml->starts[aml->depth++] = aml->size;
}

/* A PkgLength counts its own bytes too (ACPI 6.5 20.2.4). Two bytes are enough for 4 KiB. */
static size_t encode_length(size_t content, uint8_t bytes[2])
{
	if (content + 1 < 0x40) {
		bytes[0] = (uint8_t)(content + 1);
		return 1;
	}
	bytes[0] = 0x40 | ((content + 2) & 0xf);
	bytes[1] = (uint8_t)((content + 2) >> 4);
	return 2;
}

void aml_end(struct aml *aml)
{
	size_t start, content, extra;
	uint8_t length[2];

	if (aml->overflow)
		return;
	start = aml->starts[--aml->depth];
	content = aml->size - start;
	extra = encode_length(content, length);
	if (content + 2 > 0xfff || extra > aml->room - aml->size) {
		aml->overflow = true;
		return;
	}
	memmove(aml->bytes + start + extra, aml->bytes + start, content);
	memcpy(aml->bytes + start, length, extra);
	aml->size += extra;
}

void aml_scope(struct aml *aml, const char *name)
{
	put_byte(aml, OP_SCOPE);
	open_package(aml);
	put(aml, name, strlen(name));
}

void aml_device(struct aml *aml, const char *name)
{
	put_byte(aml, OP_EXT);
	put_byte(aml, OP_EXT_DEVICE);
	open_package(aml);
	put(aml, name, strlen(name));
}

void aml_name(struct aml *aml, const char *name)
{
	put_byte(aml, OP_NAME);
	put(aml, name, strlen(name));
}

void aml_integer(struct aml *aml, uint32_t value)
{
	/* ZeroOp and OneOp are the bytes 0 and 1, without an opcode before them. */
	if (value > 0xffff)
		put_byte(aml, OP_DWORD);
	else if (value > 0xff)
		put_byte(aml, OP_WORD);
	else if (value > 1)
		put_byte(aml, OP_BYTE);
	for (uint32_t rest = value, more = 1; more; more = rest) {
		put_byte(aml, (uint8_t)rest);
		rest >>= 8;
	}
}

static unsigned int hex_digit(char digit)
{
	return digit <= '9' ? (unsigned int)(digit - '0') : (unsigned int)(digit - 'A') + 10;
}

void aml_eisa_id(struct aml *aml, const char *id)
{
	/* Compressed to 32 bits, most significant byte first (ACPI 6.5 19.3.4). */
	uint32_t value = (uint32_t)(id[0] - '@') << 26 | (uint32_t)(id[1] - '@') << 21 |
			 (uint32_t)(id[2] - '@') << 16 | hex_digit(id[3]) << 12 |
			 hex_digit(id[4]) << 8 | hex_digit(id[5]) << 4 | hex_digit(id[6]);

	put_byte(aml, OP_DWORD);
	for (int shift = 24; shift >= 0; shift -= 8)
		put_byte(aml, (uint8_t)(value >> shift));
}

void aml_package(struct aml *aml, uint8_t count)
{
	put_byte(aml, OP_PACKAGE);
	open_package(aml);
	put_byte(aml, count);
}

void aml_isa_resources(struct aml *aml, uint16_t port, uint8_t count, unsigned int irq)
{
	const uint8_t low = (uint8_t)port, high = (uint8_t)(port >> 8);
	const uint8_t resources[] = {
		RESOURCE_IO,
		RESOURCE_IO_DECODE16,
		low, /* lowest base */
		high,
		low, /* highest base, the same: the ports are fixed */
		high,
		1, /* alignment */
		count,
		RESOURCE_IRQ_NO_FLAGS,
		(uint8_t)(1U << irq),
		(uint8_t)(1U << irq >> 8),
		RESOURCE_END,
		0, /* no checksum */
	};

	put_byte(aml, OP_BUFFER);
	open_package(aml);
	aml_integer(aml, sizeof(resources));
	put(aml, resources, sizeof(resources));
	aml_end(aml);
}
