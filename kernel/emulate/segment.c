// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors in guest memory (SDM 3A 3.4.5, 3.5), for the instructions that load a segment
 * register other than CS, and for task switches.
 */
#include <linux/kernel.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"

/* Find the descriptor of a selector that is not null. Return false if it is in no table. */
bool segment_find_descriptor(const struct cpu_state *state, u16 selector, u64 *linear)
{
	const struct cpu_segment *ldtr = &state->seg[SEG_LDTR];

	*linear = selector & ~7;
	if (!(selector & SELECTOR_TI)) {
		*linear += state->gdtr.base;
		return (selector | 7) <= state->gdtr.limit;
	}
	*linear += ldtr->base;
	return ldtr->attrib & SEG_ATTR_P && (selector | 7) <= ldtr->limit;
}

static struct cpu_segment unpack(u16 selector, u64 raw)
{
	struct cpu_segment seg = {
		.selector = selector,
		.attrib = (raw >> 40 & 0xff) | (raw >> 44 & 0xf00),
		.limit = (raw & 0xffff) | (raw >> 32 & 0xf0000),
		.base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000),
	};

	if (seg.attrib & SEG_ATTR_G)
		seg.limit = seg.limit << 12 | 0xfff;
	return seg;
}

/* Read the descriptor at @linear, of 8 bytes, into @seg with the selector that names it. */
enum emul_result segment_read_descriptor(struct emul *e, u64 linear, u16 selector,
					 struct cpu_segment *seg)
{
	u64 raw;
	enum emul_result result = emul_system_read(e, linear, &raw, sizeof(raw));

	if (result == EMUL_DONE)
		*seg = unpack(selector, raw);
	return result;
}

/*
 * Set TYPE_* bits in a descriptor as the CPU does, with a locked access (SDM 3A 9.1.2.1), and in
 * @seg, which was read from there. EMUL_AGAIN: the descriptor has changed.
 */
enum emul_result segment_set_type(struct emul *e, u64 descriptor, struct cpu_segment *seg, u8 bits)
{
	u64 linear = descriptor + DESCRIPTOR_ACCESS;
	u8 old = seg->attrib, new = old | bits, cpl = e->cpl;
	enum emul_result result;

	seg->attrib |= bits;
	if (old == new)
		return EMUL_DONE;
	result = emul_system_probe_write(e, linear, 1);
	if (result)
		return result;
	/* The CPU accesses the table itself, whatever the privilege of the task. */
	e->cpl = 0;
	result = e->ops->exchange(e, linear, &old, &new, 1);
	e->cpl = cpl;
	return result;
}

/*
 * Return true if a register, ES to GS, may hold the segment at privilege @cpl. A segment that is
 * not present may pass.
 */
bool segment_suits(const struct cpu_segment *seg, enum cpu_seg index, u8 cpl)
{
	u8 dpl = (seg->attrib & SEG_ATTR_DPL) >> SEG_ATTR_DPL_SHIFT;
	u8 rpl = seg->selector & SELECTOR_RPL;
	bool code = seg->attrib & TYPE_CODE;
	bool conforming = code && seg->attrib & TYPE_CONFORMING;

	if (!(seg->attrib & SEG_ATTR_S))
		return false;
	if (index == SEG_CS)
		return code && (conforming ? dpl <= rpl : dpl == rpl);
	if (index == SEG_SS)
		return !code && seg->attrib & TYPE_WRITABLE && dpl == cpl && rpl == cpl;
	if (code && !(seg->attrib & TYPE_READABLE))
		return false;
	return conforming || (dpl >= cpl && dpl >= rpl);
}

/*
 * Accesses of the CPU itself. They are probed first, so that MMIO is found, and the result is
 * EMUL_UNKNOWN, before a device is accessed.
 */

enum emul_result emul_probe_memory(struct emul *e, u64 linear, unsigned int len,
				   unsigned int access)
{
	enum emul_result result = e->ops->probe(e, linear, len, access);

	return result == EMUL_USER ? EMUL_UNKNOWN : result;
}

enum emul_result emul_system_read(struct emul *e, u64 linear, void *buf, unsigned int len)
{
	return emul_probe_memory(e, linear, len, EMUL_ACCESS_SYSTEM) ?:
		       e->ops->read(e, linear, buf, len, EMUL_ACCESS_SYSTEM);
}

enum emul_result emul_system_probe_write(struct emul *e, u64 linear, unsigned int len)
{
	return emul_probe_memory(e, linear, len, EMUL_ACCESS_SYSTEM | EMUL_ACCESS_WRITE);
}
