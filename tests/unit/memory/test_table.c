// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of second-level page tables (kernel/memory/table.c) in the formats of NPT and EPT. The
 * test supplies the table pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "memory/table.h"

#define RW (SL_READ | SL_WRITE)
#define RX (SL_READ | SL_EXEC)
#define RWX (SL_READ | SL_WRITE | SL_EXEC)

/* APM 2 15.25.5: nested tables are walked as user accesses. */
static const struct sl_format npt = {
	.present = BIT(0),
	.table = BIT(0) | BIT(1) | BIT(2) | BIT(5),
	.leaf = BIT(0) | BIT(2),
	.write = BIT(1),
	.no_exec = BIT_ULL(63),
	.accessed = BIT(5),
	.dirty = BIT(6),
	.large = BIT(7),
	.addr = GENMASK_ULL(51, 12),
	.memtype = { [SL_WC] = BIT(3), [SL_UC] = BIT(3) | BIT(4) },
	.levels = 4,
	.max_leaf = SL_LEVEL_1G,
};

/* SDM 3C tables 28-1 to 28-6. */
static const struct sl_format ept = {
	.present = BIT(0) | BIT(1) | BIT(2),
	.table = BIT(0) | BIT(1) | BIT(2),
	.read = BIT(0),
	.write = BIT(1),
	.exec = BIT(2),
	.accessed = BIT(8),
	.dirty = BIT(9),
	.large = BIT(7),
	.addr = GENMASK_ULL(51, 12),
	.memtype = { [SL_WB] = 6 << 3 | BIT(6),
		     [SL_GUEST] = 6 << 3,
		     [SL_WC] = 1 << 3 | BIT(6),
		     [SL_UC] = BIT(6) },
	.levels = 4,
	.max_leaf = SL_LEVEL_1G,
};

/* Table pages in use, table pages that were unlinked, and the leaves that were carried back. */
static int pages_live;
static int pages_retired;
static u64 *retired[32768];
static int carried;
static int carried_dirty;
static u64 last_carried;
static int last_carried_level;

static u64 *page_alloc(void)
{
	u64 *page = aligned_alloc(4096, 4096);

	assert_non_null(page);
	memset(page, 0, 4096);
	__atomic_add_fetch(&pages_live, 1, __ATOMIC_SEQ_CST);
	return page;
}

static void page_free(u64 *page)
{
	free(page);
	__atomic_sub_fetch(&pages_live, 1, __ATOMIC_SEQ_CST);
}

void sl_retire(struct sl_table *table, u64 *page)
{
	(void)table;
	assert_true(pages_retired < (int)ARRAY_SIZE(retired));
	retired[pages_retired++] = page;
}

void sl_carry(struct sl_table *table, u64 leaf, int level)
{
	assert_true(leaf & SL_SOFT_PAGE);
	carried++;
	if (sl_leaf_dirty(table->format, leaf))
		carried_dirty++;
	last_carried = leaf;
	last_carried_level = level;
}

/* Free the unlinked pages, as after a TLB flush. Return their number. */
static int flush(void)
{
	int count = pages_retired;

	while (pages_retired)
		page_free(retired[--pages_retired]);
	return count;
}

static void top_up(struct sl_spare *spare)
{
	while (spare->count < ARRAY_SIZE(spare->page))
		spare->page[spare->count++] = page_alloc();
}

static void drop_spare(struct sl_spare *spare)
{
	while (spare->count)
		page_free(spare->page[--spare->count]);
}

static void table_start(struct sl_table *table, const struct sl_format *format)
{
	assert_int_equal(pages_live, 0);
	*table = (struct sl_table){ .format = format, .root = page_alloc() };
	carried = 0;
	carried_dirty = 0;
}

/* Remove all leaves of a range at once. */
static bool zap(struct sl_table *table, gfn_t first, gfn_t last)
{
	struct sl_part part = { .first = first, .last = last, .budget = UINT32_MAX };

	assert_false(sl_zap_part(table, &part));
	return part.flush;
}

/* Zap everything and check that the root alone is left. */
static void table_end(struct sl_table *table)
{
	zap(table, 0, ~0ULL);
	flush();
	assert_int_equal(pages_live, 1);
	page_free(table->root);
}

static int install(struct sl_table *table, gfn_t gfn, int level, u64 leaf)
{
	struct sl_spare spare = {};
	int ret;

	top_up(&spare);
	ret = sl_install(table, gfn, level, leaf, &spare);
	drop_spare(&spare);
	return ret;
}

/* Split the large leaves of a range. Return the number of calls that this took. */
static int split(struct sl_table *table, gfn_t first, gfn_t last)
{
	struct sl_part part = { .first = first, .last = last, .budget = SL_PART_LEAVES };
	struct sl_spare spare = {};
	int calls = 0;
	bool more;

	do {
		top_up(&spare);
		more = sl_split_part(table, &part, &spare);
		assert_int_equal(part.budget, SL_PART_LEAVES);
		calls++;
	} while (more);
	drop_spare(&spare);
	assert_int_equal(pages_retired, 0);
	return calls;
}

/* Map one 4 KiB frame to the host frame of the same number. */
static void map_identity(struct sl_table *table, gfn_t gfn, u32 rights, u64 more)
{
	u64 leaf = sl_make_leaf(table->format, gfn << 12, 1, rights, SL_WB) | more;

	assert_int_equal(install(table, gfn, 1, leaf), 0);
}

static void map_large(struct sl_table *table, gfn_t gfn, int level, u32 rights)
{
	u64 leaf = sl_make_leaf(table->format, gfn << 12, level, rights, SL_WB);

	assert_int_equal(install(table, gfn, level, leaf), 0);
}

/* The leaf that maps a frame, or 0. @level becomes the level at which the walk ended. */
static u64 lookup(const struct sl_table *table, gfn_t gfn, int *level)
{
	const struct sl_format *format = table->format;
	const u64 *entries = table->root;

	for (*level = format->levels;; --*level) {
		u64 entry = entries[gfn >> (9 * (*level - 1)) & 511];

		if (!(entry & format->present))
			return 0;
		if (*level == SL_LEVEL_4K || (entry & format->large))
			return entry;
		entries = phys_to_virt(entry & format->addr);
	}
}

static u64 *entry_of(struct sl_table *table, gfn_t gfn, int level)
{
	u64 *entries = table->root;
	int at;

	for (at = table->format->levels;; at--) {
		u64 *entry = &entries[gfn >> (9 * (at - 1)) & 511];

		if (at == level)
			return entry;
		assert_true(*entry & table->format->present);
		entries = phys_to_virt(*entry & table->format->addr);
	}
}

static void test_leaf_bits(void **state)
{
	(void)state;
	assert_int_equal(sl_make_leaf(&npt, 0x12345000, 1, RWX, SL_WB), 0x12345027);
	assert_int_equal(sl_make_leaf(&npt, 0x12345000, 1, RX, SL_WB), 0x12345025);
	assert_true(sl_make_leaf(&npt, 0x12345000, 1, RW, SL_WB) == (BIT_ULL(63) | 0x12345027));
	assert_int_equal(sl_make_leaf(&npt, 0x12200000, 2, RWX, SL_UC), 0x122000bf);
	assert_int_equal(sl_make_leaf(&npt, 0x40000000, 3, RWX, SL_WC), 0x400000af);
	assert_int_equal(sl_make_leaf(&ept, 0x12345000, 1, RWX, SL_WB), 0x12345177);
	assert_int_equal(sl_make_leaf(&ept, 0x12345000, 1, RWX, SL_GUEST), 0x12345137);
	assert_int_equal(sl_make_leaf(&ept, 0x12345000, 1, SL_READ, SL_UC), 0x12345141);
	assert_int_equal(sl_make_leaf(&ept, 0x12200000, 2, RX, SL_WC), 0x122001cd);
}

static void check_install(const struct sl_format *format)
{
	u64 leaf = sl_make_leaf(format, 0x7000, 1, RWX, SL_WB);
	struct sl_spare spare = {};
	struct sl_table table;
	int level;
	u64 upper;

	table_start(&table, format);
	assert_int_equal(lookup(&table, 0x12345, &level), 0);
	assert_int_equal(level, 4);
	assert_int_equal(sl_install(&table, 0x12345, 1, leaf, &spare), -ENOMEM);
	assert_int_equal(lookup(&table, 0x12345, &level), 0);

	top_up(&spare);
	assert_int_equal(spare.count, 4);
	assert_int_equal(sl_install(&table, 0x12345, 1, leaf, &spare), 0);
	assert_int_equal(spare.count, 1);
	assert_true(lookup(&table, 0x12345, &level) == leaf);
	assert_int_equal(level, 1);
	upper = *entry_of(&table, 0x12345, 2);
	assert_true((upper & ~format->addr) == format->table);
	assert_int_equal(lookup(&table, 0x12346, &level), 0);
	assert_int_equal(level, 1);

	/* The tables exist now: a neighbour needs none. */
	drop_spare(&spare);
	assert_int_equal(sl_install(&table, 0x12346, 1, leaf, &spare), 0);
	table_end(&table);
}

static void test_install(void **state)
{
	(void)state;
	check_install(&npt);
	check_install(&ept);
}

static void test_large_leaves(void **state)
{
	u64 leaf_2m = sl_make_leaf(&npt, 0x40200000, 2, RWX, SL_WB);
	u64 leaf_1g = sl_make_leaf(&npt, 0x80000000, 3, RWX, SL_WB);
	struct sl_table table;
	int level;

	(void)state;
	table_start(&table, &npt);
	assert_int_equal(install(&table, 0x3ff, 2, leaf_2m), 0);
	assert_int_equal(install(&table, 0x40123, 3, leaf_1g), 0);
	assert_true(lookup(&table, 0x200, &level) == leaf_2m);
	assert_int_equal(level, 2);
	assert_true(lookup(&table, 0x7ffff, &level) == leaf_1g);
	assert_int_equal(level, 3);
	assert_int_equal(lookup(&table, 0x1ff, &level), 0);
	assert_int_equal(lookup(&table, 0x80000, &level), 0);
	/* Root, one table of level 3 and one of level 2. */
	assert_int_equal(pages_live, 3);
	table_end(&table);
}

static void test_widen(void **state)
{
	u64 read = sl_make_leaf(&npt, 0x7000, 1, SL_READ, SL_WB);
	struct sl_table table;
	int level;
	u64 now;

	(void)state;
	table_start(&table, &npt);
	assert_int_equal(install(&table, 5, 1, read), 0);
	assert_true(lookup(&table, 5, &level) & BIT_ULL(63));
	*entry_of(&table, 5, 1) &= ~npt.accessed;
	assert_int_equal(install(&table, 5, 1, sl_make_leaf(&npt, 0x7000, 1, RW, SL_WB)), 0);
	now = lookup(&table, 5, &level);
	assert_true(now & npt.write);
	assert_true(now & npt.no_exec);
	assert_int_equal(install(&table, 5, 1, sl_make_leaf(&npt, 0x7000, 1, RX, SL_WB)), 0);
	now = lookup(&table, 5, &level);
	assert_false(now & npt.no_exec);
	/* A leaf with fewer rights takes none away, and dirty is kept. */
	*entry_of(&table, 5, 1) |= npt.dirty;
	assert_int_equal(install(&table, 5, 1, read), 0);
	assert_true(lookup(&table, 5, &level) == (now | npt.dirty));
	table_end(&table);
}

static void test_busy_frame(void **state)
{
	u64 new = sl_make_leaf(&ept, 0x9000, 1, RWX, SL_WB);
	struct sl_table table;
	int level;

	(void)state;
	table_start(&table, &ept);
	assert_int_equal(install(&table, 5, 1, sl_make_leaf(&ept, 0x7000, 1, RX, SL_WB)), 0);
	assert_int_equal(install(&table, 5, 1, new), -EBUSY);
	assert_true(sl_make_room(&table, 5, 1));
	flush();
	assert_int_equal(lookup(&table, 5, &level), 0);
	assert_false(sl_make_room(&table, 5, 1));
	assert_int_equal(install(&table, 5, 1, new), 0);
	assert_true(lookup(&table, 5, &level) == new);
	table_end(&table);
}

static void check_leaves(const struct sl_table *table, long of_4k, long of_2m, long of_1g)
{
	assert_int_equal(atomic_long_read(&table->leaves[0]), of_4k);
	assert_int_equal(atomic_long_read(&table->leaves[1]), of_2m);
	assert_int_equal(atomic_long_read(&table->leaves[2]), of_1g);
}

static void test_covered(void **state)
{
	u64 base = 0x40200000;
	struct sl_table table;

	(void)state;
	table_start(&table, &npt);
	assert_int_equal(install(&table, 0x200, 2, sl_make_leaf(&npt, base, 2, RX, SL_WB)), 0);
	/* The same frame with no more rights is there already. */
	assert_int_equal(install(&table, 0x203, 1, sl_make_leaf(&npt, base + 0x3000, 1, RX, SL_WB)),
			 0);
	/* Another frame is not: the large leaf has to go as a whole. */
	assert_int_equal(install(&table, 0x203, 1, sl_make_leaf(&npt, base + 0x4000, 1, RX, SL_WB)),
			 -EBUSY);
	check_leaves(&table, 0, 1, 0);
	assert_true(sl_make_room(&table, 0x203, 1));
	check_leaves(&table, 0, 0, 0);
	table_end(&table);
}

static void check_split(const struct sl_format *format, int from)
{
	u64 base = 0x140000000;
	u64 large = sl_make_leaf(format, base, from, RX, SL_WB) | SL_SOFT_PAGE;
	u64 small = sl_make_leaf(format, base + 0x3000, 1, RWX, SL_WB) | SL_SOFT_PAGE;
	gfn_t first = sl_pages(from);
	struct sl_table table;
	u64 i;
	int level;

	table_start(&table, format);
	assert_int_equal(install(&table, first, from, large), 0);
	*entry_of(&table, first, from) |= format->dirty;
	/* A write to one page splits what is on the way to it. */
	assert_int_equal(install(&table, first + 3, 1, small), 0);
	assert_int_equal(pages_retired, 0);
	assert_int_equal(carried, 0);
	for (i = 0; i < sl_pages(from); i += i < 1024 ? 1 : 509) {
		u64 leaf = lookup(&table, first + i, &level);

		assert_int_equal(level, i < 512 ? 1 : 2);
		if (i == 3)
			assert_true(leaf == (small | format->dirty));
		else if (level == 1)
			assert_true(leaf == ((large & ~format->large) | format->dirty) + (i << 12));
		else
			assert_true(leaf == (large | format->dirty) + ((i & ~511ULL) << 12));
	}
	table_end(&table);
}

static void test_split(void **state)
{
	(void)state;
	check_split(&npt, SL_LEVEL_2M);
	check_split(&npt, SL_LEVEL_1G);
	check_split(&ept, SL_LEVEL_2M);
	check_split(&ept, SL_LEVEL_1G);
}

static void test_split_wants_pages(void **state)
{
	u64 large = sl_make_leaf(&npt, 0x40000000, 3, RX, SL_WB);
	u64 small = sl_make_leaf(&npt, 0x40001000, 1, RWX, SL_WB);
	struct sl_spare spare = {};
	struct sl_table table;
	int level;

	(void)state;
	table_start(&table, &npt);
	assert_int_equal(install(&table, 0x40000, 3, large), 0);
	assert_int_equal(sl_install(&table, 0x40001, 1, small, &spare), -ENOMEM);
	assert_true(lookup(&table, 0x40001, &level) == large);
	/* One page takes it half-way, which is a valid state. */
	spare.page[spare.count++] = page_alloc();
	assert_int_equal(sl_install(&table, 0x40001, 1, small, &spare), -ENOMEM);
	assert_true(lookup(&table, 0x40001, &level) == large);
	assert_int_equal(level, 2);
	spare.page[spare.count++] = page_alloc();
	assert_int_equal(sl_install(&table, 0x40001, 1, small, &spare), 0);
	assert_true(lookup(&table, 0x40001, &level) == small);
	table_end(&table);
}

/* A range is split whole, whatever it has: large leaves, holes and tables. */
static void test_split_range(void **state)
{
	u64 large = sl_make_leaf(&npt, 0x40000000, 3, RX, SL_WB);
	struct sl_part part = { .first = 0x40005, .last = 0x40400, .budget = 2 };
	struct sl_spare spare = {};
	struct sl_table table;
	int level;

	(void)state;
	table_start(&table, &npt);
	assert_int_equal(split(&table, 0, ~0ULL), 1);
	map_identity(&table, 7, RWX, 0);
	assert_int_equal(install(&table, 0x40000, 3, large), 0);
	assert_int_equal(install(&table, 0x200000, 2, sl_make_leaf(&npt, 0, 2, RX, SL_WB)), 0);
	assert_true(sl_split_part(&table, &part, &spare));
	assert_int_equal(part.first, 0x40005);
	part.budget = 2;
	top_up(&spare);
	assert_true(sl_split_part(&table, &part, &spare));
	assert_int_equal(part.first, 0x40400);
	assert_false(sl_split_part(&table, &part, &spare));
	drop_spare(&spare);
	/* Three of 2 MiB, of which the range has one frame at least. */
	check_leaves(&table, 1 + 3 * 512, 509 + 1, 0);
	assert_true(lookup(&table, 0x40400, &level) == (large & ~npt.large) + 0x400000);
	/* Four pages last for four leaves. */
	assert_int_equal(split(&table, 0, 0x3fffff), (509 + 1 + 3) / 4);
	check_leaves(&table, 1 + 512 * 512 + 512, 0, 0);
	table_end(&table);
}

static void test_table_to_leaf(void **state)
{
	u64 large = sl_make_leaf(&npt, 0x40000000, 3, RWX, SL_WB);
	struct sl_table table;
	gfn_t gfn;
	int level;

	(void)state;
	table_start(&table, &npt);
	for (gfn = 0x40000; gfn < 0x40400; gfn += 7)
		map_identity(&table, gfn, RWX, SL_SOFT_PAGE);
	assert_int_equal(install(&table, 0x40000, 3, large), -EBUSY);
	assert_true(sl_make_room(&table, 0x40000, 3));
	assert_int_equal(carried, 147);
	/* Two of level 1, their level 2, and level 3, which became empty. */
	assert_int_equal(flush(), 4);
	assert_int_equal(pages_live, 1);
	assert_int_equal(install(&table, 0x40000, 3, large), 0);
	assert_true(lookup(&table, 0x403ff, &level) == large);
	table_end(&table);
}

static void test_leaves_are_counted(void **state)
{
	u64 small = sl_make_leaf(&npt, 0x5000, 1, RX, SL_WB);
	u64 large = sl_make_leaf(&npt, 0x40000000, 3, RX, SL_WB);
	struct sl_table table;

	(void)state;
	table_start(&table, &npt);
	check_leaves(&table, 0, 0, 0);
	assert_int_equal(install(&table, 5, 1, small), 0);
	assert_int_equal(install(&table, 0x40000, 3, large), 0);
	check_leaves(&table, 1, 0, 1);
	/* Once more, and with another right: no other leaf. */
	assert_int_equal(install(&table, 5, 1, small), 0);
	small = sl_make_leaf(&npt, 0x5000, 1, SL_READ | SL_WRITE, SL_WB);
	assert_int_equal(install(&table, 5, 1, small), 0);
	check_leaves(&table, 1, 0, 1);
	assert_int_equal(install(&table, 0x40001, 1, sl_make_leaf(&npt, 0x40001000, 1, RWX, SL_WB)),
			 0);
	check_leaves(&table, 1 + 512, 511, 0);
	zap(&table, 0x40000, 0x401ff);
	check_leaves(&table, 1, 511, 0);
	zap(&table, 0, sl_max_gfn(&npt));
	check_leaves(&table, 0, 0, 0);
	table_end(&table);
}

static void test_zap(void **state)
{
	struct sl_table table;
	gfn_t gfn;
	int level;

	(void)state;
	table_start(&table, &npt);
	for (gfn = 0x1f0; gfn < 0x210; gfn++)
		map_identity(&table, gfn, RWX, 0);
	assert_false(zap(&table, 0, 0x1ef));
	assert_false(zap(&table, 0x210, ~0ULL));
	assert_false(zap(&table, 7, 6));
	assert_true(zap(&table, 0x1f1, 0x20e));
	assert_int_equal(flush(), 0);
	assert_true(lookup(&table, 0x1f0, &level) != 0);
	assert_true(lookup(&table, 0x20f, &level) != 0);
	for (gfn = 0x1f1; gfn < 0x20f; gfn++)
		assert_int_equal(lookup(&table, gfn, &level), 0);
	assert_true(zap(&table, 0x1f0, 0x1f0));
	assert_int_equal(flush(), 1);
	assert_true(zap(&table, 0x20f, 0x20f));
	assert_int_equal(flush(), 3);
	assert_int_equal(carried, 0);
	table_end(&table);
}

static void test_zap_large(void **state)
{
	u64 large = sl_make_leaf(&ept, 0x40000000, 2, RWX, SL_WB) | SL_SOFT_PAGE;
	struct sl_table table;
	int level;

	(void)state;
	table_start(&table, &ept);
	assert_int_equal(install(&table, 0x400, 2, large), 0);
	assert_int_equal(install(&table, 0x600, 2, large + 0x200000), 0);
	*entry_of(&table, 0x400, 2) |= ept.dirty;
	assert_true(zap(&table, 0x5ff, 0x5ff));
	assert_int_equal(carried, 1);
	assert_int_equal(carried_dirty, 1);
	assert_int_equal(last_carried_level, 2);
	assert_true(last_carried == (large | ept.dirty));
	assert_int_equal(lookup(&table, 0x400, &level), 0);
	assert_true(lookup(&table, 0x600, &level) != 0);
	assert_true(zap(&table, 0, ~0ULL));
	assert_int_equal(carried, 2);
	assert_int_equal(carried_dirty, 1);
	table_end(&table);
}

static void test_write_protect(void **state)
{
	struct sl_table table;
	gfn_t gfn;
	int level;

	(void)state;
	table_start(&table, &npt);
	for (gfn = 0; gfn < 8; gfn++)
		assert_int_equal(install(&table, gfn, 1,
					 sl_make_leaf(&npt, gfn << 12, 1, RWX, SL_WB) | npt.dirty |
						 SL_SOFT_PAGE),
				 0);
	assert_true(sl_write_protect(&table, 2, 5));
	assert_false(sl_write_protect(&table, 2, 5));
	for (gfn = 0; gfn < 8; gfn++) {
		u64 leaf = lookup(&table, gfn, &level);

		assert_int_equal(!(leaf & npt.write), gfn >= 2 && gfn <= 5);
		assert_true(leaf & npt.dirty);
	}
	/* The dirty bit stays in the leaf, so nothing was lost yet. */
	assert_int_equal(carried, 0);
	zap(&table, 0, 7);
	assert_int_equal(carried_dirty, 8);
	table_end(&table);
}

/* A walk in parts does what one walk does, with no more than the budget at a time. */
static void check_parts(bool (*work)(struct sl_table *, struct sl_part *), bool zap)
{
	struct sl_part part = { .first = 100, .last = 4999, .budget = 8 };
	gfn_t next = 100, gfn;
	struct sl_table table;
	int level;
	bool more;

	table_start(&table, &npt);
	for (gfn = 0; gfn < 6000; gfn++)
		map_identity(&table, gfn, RWX, SL_SOFT_PAGE);
	do {
		u64 most = part.budget;

		more = work(&table, &part);
		flush();
		assert_true(part.flush);
		part.flush = false;
		if (more) {
			assert_true(part.first == next + most);
			assert_int_equal(part.budget, SL_PART_LEAVES);
		}
		next += most;
		for (gfn = 0; gfn < 6000; gfn += 7) {
			u64 leaf = lookup(&table, gfn, &level);
			bool done = gfn >= 100 && gfn < min_t(gfn_t, next, 5000);

			assert_int_equal(zap ? !leaf : !(leaf & npt.write), done);
		}
	} while (more);
	/* 8, four times 1024, and what was left. */
	assert_int_equal(next, 100 + 8 + 5 * 1024);
	assert_int_equal(part.budget, 4 * 1024 + 1024 + 8 - 4900);
	assert_int_equal(carried, zap ? 4900 : 0);
	table_end(&table);
}

static void test_parts(void **state)
{
	(void)state;
	check_parts(sl_zap_part, true);
	check_parts(sl_write_protect_part, false);
}

/* Several ranges share one budget, and a range without leaves uses nothing of it. */
static void test_parts_share_a_budget(void **state)
{
	struct sl_part part = { .first = 0, .last = ~0ULL, .budget = 3 };
	u64 large = sl_make_leaf(&npt, 0x40000000, 2, RWX, SL_WB);
	struct sl_table table;

	(void)state;
	table_start(&table, &npt);
	assert_false(sl_zap_part(&table, &part));
	assert_false(part.flush);
	map_identity(&table, 7, RWX, 0);
	map_identity(&table, 0x3ffff, RWX, 0);
	assert_int_equal(install(&table, 0x400, 2, large), 0);
	part.last = 100;
	assert_false(sl_zap_part(&table, &part));
	assert_int_equal(part.budget, 2);
	assert_true(part.flush);
	/* A large leaf goes as a whole, and the part begins behind it. */
	part = (struct sl_part){ .first = 0x405, .last = 0x3ffff, .budget = 1 };
	assert_true(sl_zap_part(&table, &part));
	assert_int_equal(part.first, 0x600);
	check_leaves(&table, 1, 0, 0);
	part.budget = 0;
	assert_true(sl_zap_part(&table, &part));
	assert_int_equal(part.first, 0x600);
	assert_false(sl_zap_part(&table, &part));
	check_leaves(&table, 0, 0, 0);
	/* The last leaf of the range uses the budget up: nothing is left to do. */
	map_identity(&table, 7, RWX, 0);
	part = (struct sl_part){ .first = 0, .last = 7, .budget = 1 };
	assert_false(sl_zap_part(&table, &part));
	assert_int_equal(part.budget, 0);
	flush();
	assert_int_equal(pages_live, 1);
	table_end(&table);
}

/* Room for a large leaf is made in parts: it stays busy until there is enough. */
static void test_room_in_parts(void **state)
{
	u64 large = sl_make_leaf(&npt, 0x40000000, 3, RWX, SL_WB);
	struct sl_table table;
	int tries = 0;
	gfn_t gfn;

	(void)state;
	table_start(&table, &npt);
	for (gfn = 0x40000; gfn < 0x40000 + 3 * SL_PART_LEAVES; gfn++)
		map_identity(&table, gfn, RWX, 0);
	while (install(&table, 0x40000, 3, large) == -EBUSY) {
		assert_true(sl_make_room(&table, 0x40000, 3));
		flush();
		tries++;
	}
	assert_int_equal(tries, 3);
	check_leaves(&table, 0, 0, 1);
	table_end(&table);
}

static void test_no_dirty_bit(void **state)
{
	struct sl_format old_ept = ept;
	struct sl_table table;

	(void)state;
	old_ept.accessed = 0;
	old_ept.dirty = 0;
	table_start(&table, &old_ept);
	map_identity(&table, 1, RWX, SL_SOFT_PAGE);
	map_identity(&table, 2, RX, SL_SOFT_PAGE);
	/* There is no accessed bit either: each leaf counts as accessed. */
	assert_true(sl_test_young(&table, 2, 2, false));
	assert_false(sl_test_young(&table, 3, 511, false));
	assert_true(sl_write_protect(&table, 0, 511));
	assert_int_equal(carried, 1);
	assert_int_equal(carried_dirty, 1);
	assert_true(zap(&table, 0, 511));
	assert_int_equal(carried, 3);
	assert_int_equal(carried_dirty, 1);
	table_end(&table);
}

static void check_young(const struct sl_format *format)
{
	struct sl_table table;

	table_start(&table, format);
	assert_int_equal(install(&table, 1, 1, sl_make_leaf(format, 0x1000, 1, RWX, SL_WB)), 0);
	assert_int_equal(install(&table, 0x200, 2, sl_make_leaf(format, 0x200000, 2, RWX, SL_WB)),
			 0);
	assert_false(sl_test_young(&table, 2, 0x1ff, true));
	assert_true(sl_test_young(&table, 0, 0x1ff, false));
	assert_true(sl_test_young(&table, 0, 0x1ff, true));
	assert_false(sl_test_young(&table, 0, 0x1ff, false));
	assert_false(sl_test_young(&table, 0, 0x1ff, true));
	assert_true(sl_test_young(&table, 0x3ff, 0x3ff, true));
	assert_false(sl_test_young(&table, 0, ~0ULL, false));
	*entry_of(&table, 0x200, 2) |= format->accessed;
	assert_true(sl_test_young(&table, 0, ~0ULL, false));
	table_end(&table);
}

static void test_young(void **state)
{
	(void)state;
	check_young(&npt);
	check_young(&ept);
}

static void check_depth(int levels)
{
	struct sl_format format = npt;
	struct sl_table table;
	u64 leaf = sl_make_leaf(&npt, 0x1000, 1, RWX, SL_WB);
	gfn_t last;
	int level;

	format.levels = levels;
	last = sl_max_gfn(&format);
	assert_true(last == (1ULL << (9 * levels)) - 1);
	table_start(&table, &format);
	assert_int_equal(install(&table, last, 1, leaf), 0);
	assert_int_equal(install(&table, 0, 1, leaf), 0);
	assert_true(lookup(&table, last, &level) == leaf);
	assert_int_equal(pages_live, 2 * levels - 1);
	assert_true(zap(&table, 1, ~0ULL));
	assert_int_equal(flush(), levels - 1);
	assert_true(lookup(&table, 0, &level) == leaf);
	table_end(&table);
}

static void test_depth(void **state)
{
	(void)state;
	check_depth(3);
	check_depth(4);
	check_depth(5);
}

/* ---- a long random run against a model that is obviously right ---------- */

#define MODEL_FRAMES (3 * 512 * 512)
#define MODEL_STEPS 20000

/* Each frame's host frame number and right to write, 0 when not mapped. */
static u32 model[MODEL_FRAMES];
static u64 random_state;

static u64 rnd(u64 below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

static int rnd_level(void)
{
	u64 dice = rnd(32);

	return dice == 0 ? 3 : dice < 8 ? 2 : 1;
}

/* Choose among two host layouts, so that leaves conflict now and then. */
static u64 host_frame(gfn_t gfn)
{
	return gfn + (rnd(8) ? 0x100000 : 0x200000);
}

/* Widen a range to whole leaves, because a large leaf goes as a whole. */
static void model_round(struct sl_table *table, gfn_t *first, gfn_t *last)
{
	int level;

	if (lookup(table, *first, &level))
		*first &= ~(sl_pages(level) - 1);
	if (lookup(table, *last, &level))
		*last |= sl_pages(level) - 1;
}

/* Make room for a leaf, and drop the frames from the model that lost their mapping. */
static void model_make_room(struct sl_table *table, gfn_t first, int level)
{
	gfn_t last = first + sl_pages(level) - 1;
	gfn_t i;
	int at;

	model_round(table, &first, &last);

	sl_make_room(table, first, level);
	flush();
	for (i = first; i <= last; i++)
		if (!lookup(table, i, &at))
			model[i] = 0;
}

static void model_install(struct sl_table *table, gfn_t gfn, int level)
{
	gfn_t first = gfn & ~(sl_pages(level) - 1);
	u64 frame = host_frame(first);
	u32 rights = rnd(2) ? RWX : RX;
	u64 leaf = sl_make_leaf(table->format, frame << 12, level, rights, SL_WB);
	int ret = install(table, gfn, level, leaf);
	gfn_t i;

	while (ret == -EBUSY) {
		model_make_room(table, first, level);
		ret = install(table, gfn, level, leaf);
	}
	assert_int_equal(ret, 0);
	for (i = first; i < first + sl_pages(level); i++) {
		u32 want = (u32)(frame + i - first) << 1 | !!(rights & SL_WRITE);

		model[i] = model[i] >> 1 == want >> 1 ? model[i] | want : want;
	}
}

static bool model_lookup(struct sl_table *table, gfn_t gfn)
{
	const struct sl_format *format = table->format;
	int level;
	u64 leaf = lookup(table, gfn, &level);
	u64 frame;

	if (!leaf)
		return !model[gfn];
	frame = ((leaf & format->addr) >> 12) + (gfn & (sl_pages(level) - 1));
	return model[gfn] == (u32)(frame << 1 | !!(leaf & format->write));
}

static void model_work(struct sl_table *table, gfn_t first, gfn_t last, bool remove)
{
	struct sl_part part = { .first = first, .last = last, .budget = rnd(64) };

	if (rnd(2)) {
		while (remove ? sl_zap_part(table, &part) : sl_write_protect_part(table, &part))
			part.budget = 1 + rnd(64);
	} else if (remove) {
		zap(table, first, last);
	} else {
		sl_write_protect(table, first, last);
	}
}

static void model_range(struct sl_table *table, bool zap)
{
	gfn_t first = rnd(MODEL_FRAMES);
	gfn_t last = min_t(gfn_t, first + rnd(rnd(4) ? 64 : 4096), MODEL_FRAMES - 1);
	gfn_t i, low = first, high = last;

	model_round(table, &low, &high);
	model_work(table, first, last, zap);
	flush();
	for (i = low; i <= high; i++)
		model[i] = zap ? 0 : model[i] & ~1U;
}

/* Count this table and those below it, and check that none is empty. */
static int count_tables(const struct sl_table *table, const u64 *entries, int level)
{
	int count = 1;
	bool used = false;
	int i;

	for (i = 0; i < SL_ENTRIES; i++) {
		if (!entries[i])
			continue;
		used = true;
		if (level > 1 && !(entries[i] & table->format->large))
			count += count_tables(table, phys_to_virt(entries[i] & table->format->addr),
					      level - 1);
	}
	assert_true(used || entries == table->root);
	return count;
}

static void check_random(const struct sl_format *format, u64 seed)
{
	struct sl_table table;
	int step;
	gfn_t gfn;

	random_state = seed;
	memset(model, 0, sizeof(model));
	table_start(&table, format);
	for (step = 0; step < MODEL_STEPS; step++) {
		u64 dice = rnd(16);

		if (dice < 10)
			model_install(&table, rnd(MODEL_FRAMES), rnd_level());
		else if (dice == 10 && !rnd(8))
			split(&table, rnd(MODEL_FRAMES), MODEL_FRAMES / 2 + rnd(MODEL_FRAMES / 2));
		else
			model_range(&table, dice < 14);
		if (step % 256 == 0)
			assert_int_equal(count_tables(&table, table.root, format->levels),
					 pages_live);
		assert_true(model_lookup(&table, rnd(MODEL_FRAMES)));
	}
	for (gfn = 0; gfn < MODEL_FRAMES; gfn++)
		assert_true(model_lookup(&table, gfn));
	table_end(&table);
}

static void test_random(void **state)
{
	(void)state;
	check_random(&npt, 0x9e3779b97f4a7c15);
	check_random(&ept, 0xd1b54a32d192ed03);
}

/* ---- faults in parallel ------------------------------------------------- */

#define RACE_THREADS 2
#define RACE_FRAMES 16384

struct racer {
	struct sl_table *table;
	pthread_t thread;
	int number;
	int failures;
};

static unsigned int race_steps;

/* All racers meet before each step, so that they want the same table page at once. */
static void race_line_up(unsigned int step)
{
	__atomic_add_fetch(&race_steps, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&race_steps, __ATOMIC_SEQ_CST) < (step + 1) * RACE_THREADS)
		sched_yield();
}

/* Map a frame in step with the other racers. */
static void race_to_map(struct racer *racer, unsigned int step, gfn_t gfn, u32 rights,
			struct sl_spare *spare)
{
	u64 leaf = sl_make_leaf(&npt, gfn << 12, 1, rights, SL_WB);

	top_up(spare);
	race_line_up(step);
	if (sl_install(racer->table, gfn, 1, leaf, spare))
		racer->failures++;
	sl_test_young(racer->table, gfn, gfn, true);
}

static void run_racers(struct sl_table *table, void *(*routine)(void *racer))
{
	struct racer racer[RACE_THREADS];
	int i;

	race_steps = 0;
	for (i = 0; i < RACE_THREADS; i++) {
		racer[i] = (struct racer){ .table = table, .number = i };
		assert_int_equal(pthread_create(&racer[i].thread, NULL, routine, &racer[i]), 0);
	}
	for (i = 0; i < RACE_THREADS; i++) {
		assert_int_equal(pthread_join(racer[i].thread, NULL), 0);
		assert_int_equal(racer[i].failures, 0);
	}
}

/* Each racer maps the same frames. One racer maps a frame writable, the others read-only. */
static void *race(void *argument)
{
	struct racer *racer = argument;
	struct sl_spare spare = {};
	unsigned int i;

	for (i = 0; i < RACE_FRAMES; i++)
		race_to_map(racer, i, (gfn_t)i << 9,
			    i % RACE_THREADS == (unsigned int)racer->number ? RWX : RX, &spare);
	drop_spare(&spare);
	return NULL;
}

static void test_parallel(void **state)
{
	struct sl_table table;
	int level;
	gfn_t gfn;

	(void)state;
	table_start(&table, &npt);
	run_racers(&table, race);
	for (gfn = 0; gfn < (gfn_t)RACE_FRAMES << 9; gfn += 512) {
		u64 leaf = lookup(&table, gfn, &level);

		assert_int_equal(level, 1);
		assert_true((leaf & npt.addr) == gfn << 12);
		assert_true(leaf & npt.write);
	}
	/* A page that was lost in a race would not be counted, but be live. */
	assert_int_equal(count_tables(&table, table.root, npt.levels), pages_live);
	table_end(&table);
}

#define SPLIT_LEAVES 64

/* Each racer wants another page of the same large leaf to be writable, so all of them split it. */
static void *race_to_split(void *argument)
{
	struct racer *racer = argument;
	struct sl_spare spare = {};
	unsigned int i;

	for (i = 0; i < SPLIT_LEAVES; i++)
		race_to_map(racer, i, (gfn_t)i * 512 * 512 + racer->number, RWX, &spare);
	drop_spare(&spare);
	return NULL;
}

static void test_parallel_split(void **state)
{
	struct sl_table table;
	gfn_t gfn;
	int i, level;

	(void)state;
	table_start(&table, &npt);
	for (gfn = 0; gfn < SPLIT_LEAVES * 512 * 512; gfn += 512 * 512)
		map_large(&table, gfn, 3, RX);
	run_racers(&table, race_to_split);
	check_leaves(&table, SPLIT_LEAVES * 512, SPLIT_LEAVES * 511, 0);
	for (gfn = 0; gfn < SPLIT_LEAVES * 512 * 512; gfn += 512 * 512)
		for (i = 0; i < 512; i++)
			assert_int_equal(!!(lookup(&table, gfn + i, &level) & npt.write),
					 i < RACE_THREADS);
	assert_int_equal(count_tables(&table, table.root, npt.levels), pages_live);
	table_end(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf_bits),
		cmocka_unit_test(test_install),
		cmocka_unit_test(test_large_leaves),
		cmocka_unit_test(test_widen),
		cmocka_unit_test(test_busy_frame),
		cmocka_unit_test(test_covered),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_wants_pages),
		cmocka_unit_test(test_split_range),
		cmocka_unit_test(test_table_to_leaf),
		cmocka_unit_test(test_leaves_are_counted),
		cmocka_unit_test(test_zap),
		cmocka_unit_test(test_zap_large),
		cmocka_unit_test(test_write_protect),
		cmocka_unit_test(test_no_dirty_bit),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_parts_share_a_budget),
		cmocka_unit_test(test_room_in_parts),
		cmocka_unit_test(test_young),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_parallel_split),
	};

	return cmocka_run_group_tests_name("mmu_table", tests, NULL, NULL);
}
