// SPDX-License-Identifier: GPL-2.0-only
/* The guest of the executor's tests. See emul_guest.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/kernel.h>
#include <linux/types.h>

#include "x86/cr.h"
#include "emul_guest.h"

static struct guest *to_guest(struct emul *e)
{
	return container_of(e, struct guest, emul);
}

static enum emul_result page_fault(struct guest *g, u64 linear, bool present, unsigned int access)
{
	struct cpu_exception *fault = &g->emul.fault;

	memset(fault, 0, sizeof(*fault));
	fault->vector = EXC_PF;
	fault->has_error_code = true;
	fault->address = linear;
	fault->error_code = present ? PFEC_PRESENT : 0;
	if (access & EMUL_ACCESS_WRITE)
		fault->error_code |= PFEC_WRITE;
	if (g->emul.cpl == 3 && !(access & EMUL_ACCESS_SYSTEM))
		fault->error_code |= PFEC_USER;
	return EMUL_FAULT;
}

static struct guest_region *find_region(struct guest *g, u64 linear)
{
	unsigned int i;

	for (i = 0; i < GUEST_REGIONS; i++)
		if (linear - g->regions[i].base < (u64)g->regions[i].pages * GUEST_PAGE)
			return &g->regions[i];
	return NULL;
}

/* Check an access within one page. Set *@mmio if the page is MMIO, and never clear it. */
static enum emul_result check_page(struct guest *g, u64 linear, unsigned int access, bool *mmio)
{
	const struct guest_region *region = find_region(g, linear);
	u8 need = access & EMUL_ACCESS_WRITE ? GUEST_WRITE : GUEST_READ;
	u8 rights = region ? region->rights[(linear - region->base) / GUEST_PAGE] : 0;

	if (g->emul.cpl == 3 && !(access & EMUL_ACCESS_SYSTEM))
		need |= GUEST_USER;
	if ((rights & need) != need)
		return page_fault(g, linear, rights != 0, access);
	*mmio |= rights & GUEST_MMIO;
	return EMUL_DONE;
}

static enum emul_result check(struct guest *g, u64 linear, unsigned int len, unsigned int access,
			      bool *mmio)
{
	unsigned int done, part;

	*mmio = false;
	for (done = 0; done < len; done += part) {
		u64 at = (linear + done) & emul_linear_mask(&g->emul, access);

		part = min(len - done, (unsigned int)(GUEST_PAGE - (at & (GUEST_PAGE - 1))));
		if (check_page(g, at, access, mmio))
			return EMUL_FAULT;
	}
	return EMUL_DONE;
}

/*
 * In compatibility mode the CPU's own accesses have 64 bits, all others wrap at 32. An address in
 * no region is one that has to wrap.
 */
static u8 *guest_byte(struct guest *g, u64 linear)
{
	struct guest_region *region = find_region(g, linear);

	if (!region) {
		linear &= g->emul.linear_mask;
		region = find_region(g, linear);
	}
	return region->bytes + (linear - region->base);
}

/* Do the access, to memory or a port. */
static void perform(struct guest *g, struct guest_access *access)
{
	unsigned int i;

	for (i = 0; i < access->size; i++) {
		if (access->kind == GUEST_LOG_READ)
			access->data[i] = *guest_byte(g, access->address + i);
		else if (access->kind == GUEST_LOG_WRITE)
			*guest_byte(g, access->address + i) = access->data[i];
		else if (access->kind == GUEST_LOG_IN)
			access->data[i] = g->port_value++;
	}
	g->performed[g->performed_count++ % GUEST_LOG] = *access;
}

/*
 * Do an access. If it exits, the first call does it, logs it, and asks userspace; a later call
 * answers it from the log.
 */
static enum emul_result access_once(struct guest *g, struct guest_access *access, bool exits)
{
	const struct guest_access *logged = &g->log[g->log_next];

	if (!exits && !g->exit_all) {
		perform(g, access);
		return EMUL_DONE;
	}
	if (g->log_next == g->log_used) {
		if (g->posted)
			return EMUL_USER;
		assert_in_range(g->log_used, 0, GUEST_LOG - 1);
		perform(g, access);
		g->log[g->log_used++] = *access;
		g->user_exits++;
		g->posted = g->posts && access->kind == GUEST_LOG_WRITE;
		g->log_next += g->posted;
		return g->posted ? EMUL_DONE : EMUL_USER;
	}
	/* The executor promises to repeat the same accesses in the same order. */
	g->log_next++;
	assert_int_equal(logged->kind, access->kind);
	assert_int_equal(logged->address, access->address);
	assert_int_equal(logged->size, access->size);
	if (access->kind == GUEST_LOG_WRITE || access->kind == GUEST_LOG_OUT)
		assert_memory_equal(logged->data, access->data, access->size);
	memcpy(access->data, logged->data, access->size);
	return EMUL_DONE;
}

static enum emul_result guest_fetch(struct emul *e, u64 linear, void *buf, unsigned int len)
{
	struct guest *g = to_guest(e);
	const struct guest_region *region = find_region(g, linear);
	u8 rights = region ? region->rights[(linear - region->base) / GUEST_PAGE] : 0;

	g->fetches++;
	assert_true((linear & (GUEST_PAGE - 1)) + len <= GUEST_PAGE);
	if (!(rights & GUEST_EXEC)) {
		page_fault(g, linear, rights != 0, 0);
		e->fault.error_code |= PFEC_FETCH;
		return EMUL_FAULT;
	}
	memcpy(buf, region->bytes + (linear - region->base), len);
	return EMUL_DONE;
}

static enum emul_result guest_read(struct emul *e, u64 linear, void *buf, unsigned int len,
				   unsigned int access)
{
	struct guest *g = to_guest(e);
	struct guest_access a = { GUEST_LOG_READ, linear, len, { 0 } };
	enum emul_result ret;
	bool mmio;

	assert_in_range(len, 1, sizeof(a.data));
	ret = check(g, linear, len, access, &mmio);
	if (!ret)
		ret = access_once(g, &a, mmio);
	if (!ret)
		memcpy(buf, a.data, len);
	return ret;
}

static enum emul_result guest_write(struct emul *e, u64 linear, const void *buf, unsigned int len,
				    unsigned int access)
{
	struct guest *g = to_guest(e);
	struct guest_access a = { GUEST_LOG_WRITE, linear, len, { 0 } };
	enum emul_result ret;
	bool mmio;

	assert_in_range(len, 1, sizeof(a.data));
	assert_true(access & EMUL_ACCESS_WRITE);
	ret = check(g, linear, len, access, &mmio);
	memcpy(a.data, buf, len);
	return ret ? ret : access_once(g, &a, mmio);
}

static enum emul_result guest_cmpxchg(struct emul *e, u64 linear, const void *old, const void *new,
				      unsigned int len)
{
	/* An address beyond the address size can only be in a table of the CPU. */
	unsigned int access = EMUL_ACCESS_WRITE |
			      (linear & ~e->linear_mask ? EMUL_ACCESS_SYSTEM : 0);
	struct guest *g = to_guest(e);
	unsigned int i;
	bool mmio, plain;

	if (g->cmpxchg_losses) {
		g->cmpxchg_losses--;
		return EMUL_AGAIN;
	}
	/* A write through userspace is done already when this is called again. */
	plain = !g->exit_all && !check(g, linear, len, access, &mmio) && !mmio;
	for (i = 0; plain && i < len; i++)
		assert_int_equal(*guest_byte(g, linear + i), ((const u8 *)old)[i]);
	return guest_write(e, linear, new, len, access);
}

static enum emul_result guest_probe(struct emul *e, u64 linear, unsigned int len,
				    unsigned int access)
{
	bool mmio;
	enum emul_result ret = check(to_guest(e), linear, len, access, &mmio);

	return !ret && mmio ? EMUL_USER : ret;
}

static enum emul_result guest_in(struct emul *e, u16 port, unsigned int size, unsigned int count,
				 void *buf)
{
	struct guest_access a = { GUEST_LOG_IN, port, size * count, { 0 } };
	enum emul_result ret;

	assert_in_range(size * count, 1, sizeof(a.data));
	ret = access_once(to_guest(e), &a, true);
	if (!ret)
		memcpy(buf, a.data, a.size);
	return ret;
}

static enum emul_result guest_out(struct emul *e, u16 port, unsigned int size, unsigned int count,
				  const void *buf)
{
	struct guest_access a = { GUEST_LOG_OUT, port, size * count, { 0 } };

	assert_in_range(size * count, 1, sizeof(a.data));
	memcpy(a.data, buf, a.size);
	return access_once(to_guest(e), &a, true);
}

static enum emul_result guest_read_xmm(struct emul *e, u8 reg, void *buf, unsigned int len)
{
	assert_true(reg < 16 && (len == 16 || len == 32));
	memcpy(buf, to_guest(e)->xmm[reg], len);
	return EMUL_DONE;
}

static enum emul_result guest_write_xmm(struct emul *e, u8 reg, const void *buf, unsigned int len,
					bool zero_upper)
{
	struct guest *g = to_guest(e);

	assert_true(reg < 16 && (len == 16 || len == 32));
	memcpy(g->xmm[reg], buf, len);
	if (zero_upper)
		memset(g->xmm[reg] + len, 0, 32 - len);
	return EMUL_DONE;
}

static enum emul_result guest_read_mmx(struct emul *e, u8 reg, void *buf)
{
	memcpy(buf, to_guest(e)->mmx[reg], 8);
	return EMUL_DONE;
}

static enum emul_result guest_write_mmx(struct emul *e, u8 reg, const void *buf)
{
	memcpy(to_guest(e)->mmx[reg], buf, 8);
	return EMUL_DONE;
}

static void guest_committed(struct emul *e)
{
	struct guest *g = to_guest(e);

	assert_int_equal(g->log_next, g->log_used);
	g->log_next = 0;
	g->log_used = 0;
	g->iterations++;
}

static bool guest_should_stop(struct emul *e)
{
	struct guest *g = to_guest(e);

	return g->stop_after && g->iterations >= g->stop_after;
}

static const struct emul_ops guest_ops = {
	.fetch = guest_fetch,
	.read = guest_read,
	.write = guest_write,
	.exchange = guest_cmpxchg,
	.probe = guest_probe,
	.pio_in = guest_in,
	.pio_out = guest_out,
	.read_xmm = guest_read_xmm,
	.write_xmm = guest_write_xmm,
	.read_mmx = guest_read_mmx,
	.write_mmx = guest_write_mmx,
	.committed = guest_committed,
	.should_stop = guest_should_stop,
};

void guest_init(struct guest *g, enum insn_mode mode)
{
	const u16 code = 0xb | SEG_ATTR_S | SEG_ATTR_P, data = 0x3 | SEG_ATTR_S | SEG_ATTR_P;
	unsigned int i;

	memset(g, 0, sizeof(*g));
	g->emul.state = &g->state;
	g->emul.ops = &guest_ops;
	g->state.rflags = 2;
	for (i = 0; i <= SEG_GS; i++) {
		g->state.seg[i].attrib = data | (mode == INSN_MODE_32 ? SEG_ATTR_DB : 0);
		g->state.seg[i].limit = mode == INSN_MODE_16 ? 0xffff : 0xffffffff;
	}
	g->state.seg[SEG_CS].attrib = code;
	if (mode == INSN_MODE_16)
		return;
	g->state.seg[SEG_CS].attrib |= mode == INSN_MODE_32 ? SEG_ATTR_DB : SEG_ATTR_L;
	g->state.cr0 = CR0_PE | CR0_PG;
	g->state.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXSAVE;
	if (mode == INSN_MODE_64)
		g->state.efer = CR_EFER_LME | CR_EFER_LMA;
}

void guest_map(struct guest *g, unsigned int index, u64 base, u8 *bytes, unsigned int pages,
	       u8 rights)
{
	struct guest_region *region = &g->regions[index];

	region->base = base;
	region->bytes = bytes;
	region->pages = pages;
	memset(region->rights, rights, sizeof(region->rights));
}

enum emul_result guest_step(struct guest *g)
{
	g->log_next = 0;
	g->posted = false;
	g->iterations = 0;
	return emulate(&g->emul);
}

enum emul_result guest_run(struct guest *g)
{
	enum emul_result ret;

	do {
		ret = guest_step(g);
		g->emul.again = ret == EMUL_USER;
	} while (ret == EMUL_USER || ret == EMUL_AGAIN);
	return ret;
}
