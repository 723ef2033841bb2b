// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches (SDM 3A 8.3). A fault before the commit point leaves everything as it was; after
 * it, a fault belongs to the new task.
 */
#include <linux/string.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emulate/internal.h"
#include "emulate/task_switch.h"

/* Types of system segments (SDM 3A 3.5). */
#define TYPE_LDT 2
#define TYPE_TSS 1
#define TYPE_TSS_BUSY BIT(1)
#define TYPE_TSS_32 BIT(3)

#define ATTR_CODE (SEG_ATTR_P | SEG_ATTR_S | TYPE_CODE | TYPE_READABLE | TYPE_ACCESSED)
#define ATTR_DATA (SEG_ATTR_P | SEG_ATTR_S | TYPE_WRITABLE | TYPE_ACCESSED)
#define ATTR_V86 (ATTR_DATA | SEG_ATTR_DPL)

/* The defined flags. Bit 1 is always set (SDM 1 3.4.3). */
#define EFLAGS_FIXED BIT(1)
#define EFLAGS_DEFINED                                                                    \
	(ALU_FLAGS | X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_IOPL |    \
	 X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_VM | X86_EFLAGS_AC | X86_EFLAGS_VIF | \
	 X86_EFLAGS_VIP | X86_EFLAGS_ID)

/* L0 to L3 and LE: breakpoints that end with the old task (SDM 3B 18.2.4). */
#define DR7_LOCAL 0x155

/* The fields of a TSS that the processor reads (SDM 3A 8.2.1, 8.6). */
#define TSS_LINK 0
#define TSS32_CR3 0x1c
#define TSS32_TRAP 0x64
#define TSS32_SIZE 0x68
#define TSS16_SIZE 0x2c

/* The order of its registers: EIP, EFLAGS, EAX to EDI, ES to GS or DS, LDTR. */
enum tss_register { TSS_EIP, TSS_EFLAGS, TSS_GPR, TSS_SEG = TSS_GPR + 8 };

/**
 * struct tss_layout - one of the two kinds of TSS
 * @size: bytes
 * @registers: offset of the registers
 * @width: bytes of each of them
 * @segs: how many segment registers, without LDTR
 */
struct tss_layout {
	u8 size;
	u8 registers;
	u8 width;
	u8 segs;
};

static const struct tss_layout tss16 = { TSS16_SIZE, 0x0e, 2, 4 };
static const struct tss_layout tss32 = { TSS32_SIZE, 0x20, 4, 6 };

/**
 * struct move - a task switch in progress
 * @e: the guest
 * @how: the request
 * @descriptor: linear address of the new TSS's descriptor
 * @tr: TR of the new task
 * @from: layout of the old TSS
 * @to: layout of the new TSS
 * @image: the new TSS
 */
struct move {
	struct emul *e;
	struct task_switch *how;
	u64 descriptor;
	struct cpu_segment tr;
	const struct tss_layout *from;
	const struct tss_layout *to;
	u8 image[TSS32_SIZE];
};

static bool is_null(u16 selector)
{
	return !(selector & ~SELECTOR_RPL);
}

/* Return true if the new task will return to the old one. */
static bool is_nested(const struct move *m)
{
	return m->how->source == TASK_SWITCH_CALL || m->how->source == TASK_SWITCH_GATE;
}

static enum emul_result fail(struct move *m, u8 vector, u16 selector)
{
	m->e->fault = (struct cpu_exception){
		.vector = vector,
		.has_error_code = true,
		.error_code = (selector & ~SELECTOR_RPL) | m->how->external,
	};
	return EMUL_FAULT;
}

static enum emul_result write_system(struct emul *e, u64 linear, const void *buf, unsigned int len)
{
	return e->ops->write(e, linear, buf, len, EMUL_ACCESS_SYSTEM | EMUL_ACCESS_WRITE);
}

/*
 * Before the commit point: checks, with the exceptions of SDM 3A table 8-1, then the changes in
 * memory.
 */

static const struct tss_layout *layout(const struct cpu_segment *tr)
{
	return tr->attrib & TYPE_TSS_32 ? &tss32 : &tss16;
}

static enum emul_result find_new(struct move *m)
{
	bool iret = m->how->source == TASK_SWITCH_IRET;
	u16 selector = m->how->selector;
	u8 type = iret ? TYPE_TSS | TYPE_TSS_BUSY : TYPE_TSS;
	u8 bad = iret ? EXC_TS : EXC_GP;
	enum emul_result result;

	if (is_null(selector) || selector & SELECTOR_TI ||
	    !segment_find_descriptor(m->e->state, selector, &m->descriptor))
		return fail(m, bad, selector);
	result = segment_read_descriptor(m->e, m->descriptor, selector, &m->tr);
	if (result)
		return result;
	if ((m->tr.attrib & (SEG_ATTR_S | SEG_ATTR_TYPE) & ~TYPE_TSS_32) != type)
		return fail(m, bad, selector);
	if (!(m->tr.attrib & SEG_ATTR_P))
		return fail(m, EXC_NP, selector);
	m->to = layout(&m->tr);
	return m->tr.limit < m->to->size - 1U ? fail(m, EXC_TS, selector) : EMUL_DONE;
}

/* Return the size of the registers that are saved in a TSS. */
static unsigned int saved_size(const struct tss_layout *tss)
{
	return (TSS_SEG + tss->segs) * tss->width;
}

static u64 old_descriptor(const struct cpu_state *state)
{
	return state->gdtr.base + (state->seg[SEG_TR].selector & ~7);
}

static enum emul_result check_old(struct move *m)
{
	const struct cpu_segment *tr = &m->e->state->seg[SEG_TR];

	m->from = layout(tr);
	if (tr->limit < m->from->registers + saved_size(m->from) - 1)
		return fail(m, EXC_TS, tr->selector);
	return emul_system_probe_write(m->e, tr->base + m->from->registers, saved_size(m->from));
}

/* Check that link_tasks() will be able to write, and read the new TSS. */
static enum emul_result read_new(struct move *m)
{
	struct emul *e = m->e;
	enum emul_result result;

	if (is_nested(m))
		result = emul_system_probe_write(e, m->tr.base + TSS_LINK, 2);
	else
		result =
			emul_system_probe_write(e, old_descriptor(e->state) + DESCRIPTOR_ACCESS, 1);
	return result ?: emul_system_read(e, m->tr.base, m->image, m->to->size);
}

/* If two CPUs switch to the task at once, only one may find it available. */
static enum emul_result claim_new(struct move *m)
{
	return segment_set_type(m->e, m->descriptor, &m->tr, TYPE_TSS_BUSY);
}

/* Put the integer registers into the layout of the old TSS. */
static void pack_registers(const struct move *m, u8 *to)
{
	const struct cpu_state *state = m->e->state;
	unsigned int width = m->from->width, i;
	u32 eip = state->rip + m->how->length;
	u32 eflags = state->rflags;

	/* An instruction that finishes clears RF. After a fault it is needed to try again. */
	if (m->how->length)
		eflags &= ~X86_EFLAGS_RF;
	if (m->how->source == TASK_SWITCH_IRET)
		eflags &= ~X86_EFLAGS_NT;
	memcpy(to + TSS_EIP * width, &eip, width);
	memcpy(to + TSS_EFLAGS * width, &eflags, width);
	for (i = 0; i < TSS_SEG - TSS_GPR; i++)
		memcpy(to + (TSS_GPR + i) * width, &state->gpr[i], width);
}

static enum emul_result save_old(struct move *m)
{
	const struct cpu_state *state = m->e->state;
	u64 linear = state->seg[SEG_TR].base + m->from->registers;
	unsigned int width = m->from->width, i;
	u8 registers[TSS_SEG * 4];
	enum emul_result result;

	pack_registers(m, registers);
	result = write_system(m->e, linear, registers, TSS_SEG * width);
	/* The upper halves of the fields are reserved and stay as they are. */
	for (i = 0; i < m->from->segs && !result; i++)
		result = write_system(m->e, linear + (TSS_SEG + i) * width, &state->seg[i].selector,
				      2);
	return result;
}

/* Link the new task to the old one, or mark the old one no longer busy. */
static enum emul_result link_tasks(struct move *m)
{
	const struct cpu_state *state = m->e->state;
	u64 linear = old_descriptor(state) + DESCRIPTOR_ACCESS;
	enum emul_result result;
	u8 access;

	if (is_nested(m))
		return write_system(m->e, m->tr.base + TSS_LINK, &state->seg[SEG_TR].selector, 2);
	result = emul_system_read(m->e, linear, &access, 1);
	access &= ~TYPE_TSS_BUSY;
	return result ?: write_system(m->e, linear, &access, 1);
}

/*
 * The commit point: load the new task's registers, but no descriptors.
 */

static u32 image_register(const struct move *m, unsigned int index)
{
	unsigned int width = m->to->width;
	u32 value = 0;

	memcpy(&value, m->image + m->to->registers + index * width, width);
	return value;
}

/*
 * Load the selectors. Until the descriptors are loaded the hidden parts are not right: if one of
 * them faults, the handler must not use the segments that it finds (SDM 3A 6.15, #TS). But it has
 * to be entered at the privilege of the new task.
 */
static void load_selectors(struct move *m)
{
	struct cpu_state *state = m->e->state;
	unsigned int width = m->to->width, i;
	u16 big = width == 4 ? SEG_ATTR_DB : 0;
	u16 dpl;

	for (i = 0; i <= SEG_GS; i++) {
		u16 selector = i < m->to->segs ? image_register(m, TSS_SEG + i) : 0;

		state->seg[i] = (struct cpu_segment){ .selector = selector };
		if (state->rflags & X86_EFLAGS_VM)
			state->seg[i] = (struct cpu_segment){ selector, ATTR_V86, 0xffff,
							      (u64)selector << 4 };
	}
	state->seg[SEG_LDTR] = (struct cpu_segment){
		.selector = image_register(m, TSS_SEG + m->to->segs),
	};
	if (state->rflags & X86_EFLAGS_VM)
		return;
	dpl = (state->seg[SEG_CS].selector & SELECTOR_RPL) << SEG_ATTR_DPL_SHIFT;
	state->seg[SEG_CS].attrib = ATTR_CODE | SEG_ATTR_G | big | dpl;
	state->seg[SEG_CS].limit = 0xffffffff;
	state->seg[SEG_SS].attrib = ATTR_DATA | SEG_ATTR_G | big | dpl;
	state->seg[SEG_SS].limit = 0xffffffff;
}

static void load_registers(struct move *m)
{
	struct cpu_state *state = m->e->state;
	unsigned int i;

	state->seg[SEG_TR] = m->tr;
	state->cr0 |= CR0_TS;
	state->dr7 &= ~(u64)DR7_LOCAL;
	state->rip = image_register(m, TSS_EIP);
	state->rflags = (image_register(m, TSS_EFLAGS) & EFLAGS_DEFINED) | EFLAGS_FIXED;
	if (is_nested(m))
		state->rflags |= X86_EFLAGS_NT;
	/* The upper halves of 16-bit registers are undefined. */
	for (i = 0; i < TSS_SEG - TSS_GPR; i++)
		state->gpr[i] = image_register(m, TSS_GPR + i);
	load_selectors(m);
	m->e->cpl = cpu_cpl(state);
	m->how->committed = true;
}

/*
 * After the commit point. Each step can be repeated.
 */

static enum emul_result load_paging(struct move *m)
{
	u32 cr3;

	if (m->to != &tss32 || !(m->e->state->cr0 & CR0_PG))
		return EMUL_DONE;
	memcpy(&cr3, m->image + TSS32_CR3, sizeof(cr3));
	/* MOV to CR3 raises the same fault (SDM 3A 4.4.1). */
	return m->how->load_cr3(m->e, cr3) ? EMUL_DONE : fail(m, EXC_GP, 0);
}

static enum emul_result load_ldtr(struct move *m)
{
	struct cpu_segment *ldtr = &m->e->state->seg[SEG_LDTR];
	u16 selector = ldtr->selector;
	struct cpu_segment seg;
	enum emul_result result;
	u64 linear;

	if (is_null(selector))
		return EMUL_DONE;
	if (selector & SELECTOR_TI || !segment_find_descriptor(m->e->state, selector, &linear))
		return fail(m, EXC_TS, selector);
	result = segment_read_descriptor(m->e, linear, selector, &seg);
	if (result)
		return result;
	if ((seg.attrib & (SEG_ATTR_P | SEG_ATTR_S | SEG_ATTR_TYPE)) != (SEG_ATTR_P | TYPE_LDT))
		return fail(m, EXC_TS, selector);
	*ldtr = seg;
	return EMUL_DONE;
}

static enum emul_result load_segment(struct move *m, enum cpu_seg index)
{
	struct cpu_state *state = m->e->state;
	u16 selector = state->seg[index].selector;
	struct cpu_segment seg;
	enum emul_result result;
	u64 linear;

	if (is_null(selector) && index != SEG_CS && index != SEG_SS)
		return EMUL_DONE;
	if (is_null(selector) || !segment_find_descriptor(state, selector, &linear))
		return fail(m, EXC_TS, selector);
	result = segment_read_descriptor(m->e, linear, selector, &seg);
	if (result)
		return result;
	if (!segment_suits(&seg, index, m->e->cpl))
		return fail(m, EXC_TS, selector);
	if (!(seg.attrib & SEG_ATTR_P))
		return fail(m, index == SEG_SS ? EXC_SS : EXC_NP, selector);
	result = segment_set_type(m->e, linear, &seg, TYPE_ACCESSED);
	if (result == EMUL_DONE)
		state->seg[index] = seg;
	return result;
}

static enum emul_result load_segments(struct move *m)
{
	static const enum cpu_seg order[] = { SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS };
	enum emul_result result = EMUL_DONE;
	unsigned int i;

	if (m->e->state->rflags & X86_EFLAGS_VM)
		return EMUL_DONE;
	for (i = 0; i <= SEG_GS && !result; i++)
		result = load_segment(m, order[i]);
	return result;
}

/* Push the error code. The kind of TSS decides its width, as otherwise a gate (SDM 3A 6.13). */
static enum emul_result push_error_code(struct move *m)
{
	struct emul *e = m->e;
	u64 *rsp = &e->state->gpr[GPR_RSP];
	unsigned int size = m->to->width;
	u32 mask = e->state->seg[SEG_SS].attrib & SEG_ATTR_DB ? 0xffffffff : 0xffff;
	u32 sp = ((u32)*rsp - size) & mask;
	enum emul_result result;
	u64 linear;

	if (!m->how->has_error_code)
		return EMUL_DONE;
	e->insn.mode = emul_mode(e->state);
	result = emul_linear(e, SEG_SS, sp, size, EMUL_ACCESS_WRITE, &linear);
	if (result == EMUL_FAULT)
		e->fault.error_code |= m->how->external;
	result = result ?: emul_probe_memory(e, linear, size, EMUL_ACCESS_WRITE);
	result = result ?: e->ops->write(e, linear, &m->how->error_code, size, EMUL_ACCESS_WRITE);
	if (result == EMUL_DONE)
		*rsp = (*rsp & ~(u64)mask) | sp;
	return result;
}

/* After the commit point the switch cannot be tried again from its start. */
#define SETTLE_TRIES 8

static enum emul_result settle(struct move *m)
{
	enum emul_result result;
	unsigned int i = 0;

	do {
		result = load_paging(m) ?: load_ldtr(m) ?: load_segments(m) ?: push_error_code(m);
	} while (result == EMUL_AGAIN && ++i < SETTLE_TRIES);
	return result == EMUL_AGAIN ? EMUL_UNKNOWN : result;
}

enum emul_result emul_task_switch(struct emul *e, struct task_switch *how)
{
	struct move m = { .e = e, .how = how };
	enum emul_result result;

	how->committed = false;
	how->trap = false;
	e->linear_mask = 0xffffffff;
	e->cpl = cpu_cpl(e->state);
	result = find_new(&m) ?: check_old(&m) ?: read_new(&m) ?: claim_new(&m);
	result = result ?: save_old(&m) ?: link_tasks(&m);
	if (result)
		return result;
	load_registers(&m);
	result = settle(&m);
	/* A 16-bit TSS has no T bit. Its image ends before this byte, which is 0 then. */
	how->trap = m.image[TSS32_TRAP] & 1;
	return result;
}
