/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors in guest memory, for segment loads and task switches.
 */
#ifndef ORIEL_EMULATE_SEGMENT_H
#define ORIEL_EMULATE_SEGMENT_H

#include <linux/bits.h>
#include <linux/types.h>

#include "x86/cpu_state.h"
#include "emulate/execute.h"

#define SELECTOR_RPL GENMASK(1, 0)
#define SELECTOR_TI BIT(2)

/* Types of segments (SDM 3A 3.4.5.1, 3.5). */
#define TYPE_ACCESSED BIT(0)
#define TYPE_WRITABLE BIT(1) /* data */
#define TYPE_READABLE BIT(1) /* code */
#define TYPE_EXPAND_DOWN BIT(2) /* data */
#define TYPE_CONFORMING BIT(2) /* code */
#define TYPE_CODE BIT(3)

/* Where a descriptor has P, DPL, S and its type. */
#define DESCRIPTOR_ACCESS 5

/**
 * probe_memory() - whether an access would succeed, without it
 * @e: the guest
 * @linear: linear address
 * @len: bytes
 * @access: EMUL_ACCESS_*
 *
 * Return: EMUL_DONE, EMUL_FAULT, EMUL_AGAIN; EMUL_UNKNOWN for what is no memory.
 */
enum emul_result probe_memory(struct emul *e, u64 linear, unsigned int len, unsigned int access);

/**
 * system_read() - read guest memory as the CPU does for itself
 * @e: the guest
 * @linear: linear address
 * @buf: where to
 * @len: bytes
 *
 * Return: as probe_memory().
 */
enum emul_result system_read(struct emul *e, u64 linear, void *buf, unsigned int len);

/**
 * system_probe_write() - whether the CPU's own write would succeed, without it
 * @e: the guest
 * @linear: linear address
 * @len: bytes
 *
 * Return: as system_read().
 */
enum emul_result system_probe_write(struct emul *e, u64 linear, unsigned int len);

/**
 * segment_find_descriptor() - where the descriptor of a selector is
 * @state: its GDTR and LDTR
 * @selector: not null
 * @linear: its linear address
 *
 * Return: false if it is in no table.
 */
bool segment_find_descriptor(const struct cpu_state *state, u16 selector, u64 *linear);

/**
 * segment_read_descriptor() - read a descriptor of 8 bytes
 * @e: the guest
 * @linear: from segment_find_descriptor()
 * @selector: that goes into @seg
 * @seg: the segment that it describes
 *
 * Return: as system_read().
 */
enum emul_result segment_read_descriptor(struct emul *e, u64 linear, u16 selector,
					 struct cpu_segment *seg);

/**
 * segment_set_type() - set bits of a descriptor's type as the CPU does: locked
 * @e: the guest
 * @descriptor: where it is
 * @seg: what it held; the bits are set there too (SDM 3A 9.1.2.1)
 * @bits: TYPE_*
 *
 * Return: as system_read(); EMUL_AGAIN when it has changed.
 */
enum emul_result segment_set_type(struct emul *e, u64 descriptor, struct cpu_segment *seg, u8 bits);

/**
 * segment_suits() - may a segment be in this register at this privilege?
 * @seg: the segment, with the selector that names it
 * @index: ES to GS
 * @cpl: privilege level
 *
 * Whether it is present is not looked at.
 */
bool segment_suits(const struct cpu_segment *seg, enum cpu_seg index, u8 cpl);

#endif
