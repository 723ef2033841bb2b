// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors (SDM 3A 3.4.5, 3.5), and instructions that load a segment register other
 * than CS from one.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"
#include "emulate/segment.h"

/* A sibling that changes the descriptor all the time must not keep the host here. */
#define LOAD_TRIES 8

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

enum emul_result segment_read_descriptor(struct emul *e, u64 linear, u16 selector,
					 struct cpu_segment *seg)
{
	u64 raw;
	enum emul_result result = system_read(e, linear, &raw, sizeof(raw));

	if (result == EMUL_DONE)
		*seg = unpack(selector, raw);
	return result;
}

enum emul_result segment_set_type(struct emul *e, u64 descriptor, struct cpu_segment *seg, u8 bits)
{
	u64 linear = descriptor + DESCRIPTOR_ACCESS;
	u8 old = seg->attrib, new = old | bits, cpl = e->cpl;
	enum emul_result result;

	seg->attrib |= bits;
	if (old == new)
		return EMUL_DONE;
	result = system_probe_write(e, linear, 1);
	if (result)
		return result;
	/* It is the CPU's access, whatever the task's privilege. */
	e->cpl = 0;
	result = e->ops->exchange(e, linear, &old, &new, 1);
	e->cpl = cpl;
	return result;
}

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
 * Linear accesses of the CPU itself. What is accessed is probed first, so that a device
 * is found out without an access to it.
 */

enum emul_result probe_memory(struct emul *e, u64 linear, unsigned int len, unsigned int access)
{
	enum emul_result result = e->ops->probe(e, linear, len, access);

	return result == EMUL_USER ? EMUL_UNKNOWN : result;
}

enum emul_result system_read(struct emul *e, u64 linear, void *buf, unsigned int len)
{
	return probe_memory(e, linear, len, EMUL_ACCESS_SYSTEM) ?:
		       e->ops->read(e, linear, buf, len, EMUL_ACCESS_SYSTEM);
}

enum emul_result system_probe_write(struct emul *e, u64 linear, unsigned int len)
{
	return probe_memory(e, linear, len, EMUL_ACCESS_SYSTEM | EMUL_ACCESS_WRITE);
}

/*
 * MOV, POP and LDS.
 */

static enum emul_result refuse(struct emul *e, u8 vector, u16 selector)
{
	emul_raise(e, vector);
	e->fault.has_error_code = true;
	e->fault.error_code = selector & ~SELECTOR_RPL;
	return EMUL_FAULT;
}

/* Where 64-bit mode wants no stack segment, one without a descriptor will do
 * (SDM 3A 5.4.1.1).
 */
static bool null_allowed(const struct emul *e, u8 seg, u16 selector)
{
	if (seg != SEG_SS)
		return true;
	return e->insn.mode == INSN_MODE_64 && e->cpl != 3 && (selector & SELECTOR_RPL) == e->cpl;
}

/* The hidden part says that there is none; of SS it still has the privilege. */
static enum emul_result load_null(struct emul *e, u8 seg, u16 selector)
{
	struct cpu_segment *s = &e->state->seg[seg];

	if (!null_allowed(e, seg, selector))
		return refuse(e, EXC_GP, 0);
	*s = (struct cpu_segment){ .selector = selector };
	if (seg == SEG_SS)
		s->attrib = e->cpl << SEG_ATTR_DPL_SHIFT;
	return EMUL_DONE;
}

static enum emul_result load_once(struct emul *e, u8 seg, u16 selector)
{
	struct cpu_segment loaded;
	enum emul_result result;
	u64 linear;

	if (!segment_find_descriptor(e->state, selector, &linear))
		return refuse(e, EXC_GP, selector);
	result = segment_read_descriptor(e, linear, selector, &loaded);
	if (result)
		return result;
	if (!segment_suits(&loaded, seg, e->cpl))
		return refuse(e, EXC_GP, selector);
	if (!(loaded.attrib & SEG_ATTR_P))
		return refuse(e, seg == SEG_SS ? EXC_SS : EXC_NP, selector);
	result = segment_set_type(e, linear, &loaded, TYPE_ACCESSED);
	if (result == EMUL_DONE)
		e->state->seg[seg] = loaded;
	return result;
}

static enum emul_result load_protected(struct emul *e, u8 seg, u16 selector)
{
	enum emul_result result;
	unsigned int i = 0;

	if (!(selector & ~SELECTOR_RPL))
		return load_null(e, seg, selector);
	/* Again from here: what was read from a device must not be read once more. */
	do {
		result = load_once(e, seg, selector);
	} while (result == EMUL_AGAIN && ++i < LOAD_TRIES);
	return result;
}

static enum emul_result load_segment(struct emul *e, u8 seg, u16 selector)
{
	enum emul_result result = EMUL_DONE;

	if (emul_real(e)) {
		e->state->seg[seg].selector = selector;
		e->state->seg[seg].base = selector << 4;
	} else {
		result = load_protected(e, seg, selector);
	}
	e->segs_loaded = result == EMUL_DONE;
	return result;
}

/* MOV from a segment register: to memory always 2 bytes (SDM 2B MOV). */
static enum emul_result exec_store_sreg(struct emul *e)
{
	u8 seg = e->insn.modrm >> 3 & 7;

	if (seg > SEG_GS)
		return emul_raise(e, EXC_UD);
	return emul_write_rm(e, e->insn.has_mem ? 2 : e->insn.operand_size,
			     e->state->seg[seg].selector);
}

static enum emul_result exec_load_sreg(struct emul *e)
{
	u8 seg = e->insn.modrm >> 3 & 7;
	enum emul_result ret;
	u64 selector;

	if (seg > SEG_GS || seg == SEG_CS)
		return emul_raise(e, EXC_UD);
	ret = emul_read_operand(e, e->insn.src, 0, &selector);
	if (!ret)
		ret = load_segment(e, seg, selector);
	e->shadow = !ret && seg == SEG_SS;
	return ret;
}

/* The register is in the opcode, as in that of PUSH. */
static enum emul_result exec_pop_sreg(struct emul *e)
{
	unsigned int width = emul_stack_size(e);
	u8 seg = e->insn.opcode >> 3 & 7;
	enum emul_result ret;
	u64 value;

	ret = emul_peek(e, &value);
	if (!ret)
		ret = load_segment(e, seg, value);
	if (ret)
		return ret;
	e->shadow = seg == SEG_SS;
	emul_write_gpr(e, GPR_RSP, width, e->state->gpr[GPR_RSP] + e->insn.operand_size);
	return EMUL_DONE;
}

/* LES C4, LDS C5, LSS 0F B2, LFS 0F B4, LGS 0F B5: an offset, then a selector. */
static enum emul_result exec_load_far(struct emul *e)
{
	const struct insn *insn = &e->insn;
	unsigned int size = insn->operand_size;
	u8 seg = insn->map == INSN_MAP_0F ? insn->opcode & 7 :
		 insn->opcode == 0xc4	  ? SEG_ES :
					    SEG_DS;
	u8 pointer[8 + 2];
	u16 selector;
	u64 offset = 0;
	enum emul_result ret =
		emul_read_memory(e, insn->segment, emul_memory_offset(e), pointer, size + 2, 0);

	if (ret)
		return ret;
	memcpy(&offset, pointer, size);
	memcpy(&selector, pointer + size, 2);
	ret = load_segment(e, seg, selector);
	if (ret)
		return ret;
	e->shadow = seg == SEG_SS;
	return emul_write_operand(e, insn->dst, offset);
}

enum emul_result exec_segment(struct emul *e)
{
	switch (e->insn.op) {
	case OP_LOAD_SREG:
		return exec_load_sreg(e);
	case OP_LOAD_FAR:
		return exec_load_far(e);
	case OP_POP_SREG:
		return exec_pop_sreg(e);
	}
	return exec_store_sreg(e);
}
