// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level page tables as a data structure. The caller allocates and frees table pages.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "memory/table.h"

/* The work on each leaf of a range. */
enum sl_op {
	SL_OP_ZAP,
	SL_OP_WRITE_PROTECT,
	SL_OP_TEST_YOUNG,
	SL_OP_CLEAR_YOUNG,
};

/**
 * struct sl_range - one walk over a range
 * @table: the tables
 * @first: first frame that is left to do
 * @last: last frame, inclusive
 * @op: the work on each leaf
 * @left: leaves that may still be visited
 * @hit: @op has found or changed a leaf
 */
struct sl_range {
	struct sl_table *table;
	gfn_t first;
	gfn_t last;
	enum sl_op op;
	u64 left;
	bool hit;
};

static unsigned int entry_index(gfn_t gfn, int level)
{
	return (gfn >> (9 * (level - 1))) % SL_ENTRIES;
}

static bool is_present(const struct sl_format *format, u64 entry)
{
	return entry & format->present;
}

static bool is_leaf(const struct sl_format *format, u64 entry, int level)
{
	return level == SL_LEVEL_4K || (entry & format->large);
}

static u64 *table_of(const struct sl_format *format, u64 entry)
{
	return phys_to_virt(entry & format->addr);
}

static hpa_t leaf_hpa(const struct sl_format *format, u64 leaf, int level)
{
	return leaf & format->addr & ~((sl_pages(level) << GFN_SHIFT) - 1);
}

/* Return the rights of a leaf. Each set bit grants a right, also the inverted no_exec bit. */
static u64 granted(const struct sl_format *format, u64 leaf)
{
	return (leaf & (format->read | format->write | format->exec)) | (~leaf & format->no_exec);
}

static bool grants_all(const struct sl_format *format, u64 have, u64 want)
{
	return !(granted(format, want) & ~granted(format, have));
}

static u64 widen(const struct sl_format *format, u64 have, u64 want)
{
	return ((have | want) & ~format->no_exec) | (have & want & format->no_exec);
}

u64 sl_make_leaf(const struct sl_format *format, hpa_t hpa, int level, u32 rights,
		 enum sl_memtype type)
{
	u64 leaf = hpa | format->leaf | format->memtype[type] | format->accessed;

	if (level > SL_LEVEL_4K)
		leaf |= format->large;
	if (rights & SL_READ)
		leaf |= format->read;
	if (rights & SL_WRITE)
		leaf |= format->write;
	leaf |= rights & SL_EXEC ? format->exec : format->no_exec;
	return leaf;
}

/*
 * Link a spare page as a table. If another CPU has filled the entry meanwhile, its entry stays and
 * the page remains spare: the caller reads the entry again.
 */
static int link_table(struct sl_table *table, u64 *entry, struct sl_spare *spare)
{
	u64 *page;
	u64 old = 0;

	if (!spare->count)
		return -ENOMEM;
	page = spare->page[spare->count - 1];
	if (try_cmpxchg(entry, &old, virt_to_phys(page) | table->format->table))
		spare->count--;
	return 0;
}

/* Return true if the larger leaf @have at level @at maps @gfn as @leaf does. */
static bool leaf_maps(const struct sl_format *format, u64 have, int at, gfn_t gfn, u64 leaf,
		      int level)
{
	u64 offset = gfn & (sl_pages(at) - 1) & ~(sl_pages(level) - 1);

	return leaf_hpa(format, have, at) + (offset << GFN_SHIFT) == leaf_hpa(format, leaf, level);
}

static int put_leaf(struct sl_table *table, u64 *entry, int level, u64 leaf)
{
	const struct sl_format *format = table->format;
	u64 old = READ_ONCE(*entry);
	bool added = false;
	u64 new;

	do {
		if (!is_present(format, old)) {
			new = leaf;
			added = true;
			continue;
		}
		added = false;
		if (!is_leaf(format, old, level) ||
		    leaf_hpa(format, old, level) != leaf_hpa(format, leaf, level))
			return -EBUSY;
		if (grants_all(format, old, leaf))
			return 0;
		new = widen(format, old, leaf);
	} while (!try_cmpxchg(entry, &old, new));
	if (added)
		atomic_long_inc(&table->leaves[level - 1]);
	return 0;
}

/*
 * Replace the large leaf @old by a table of leaves one level down that map the same frames with the
 * same rights. If another CPU has split it meanwhile, its table stays and the page remains spare.
 */
static int split_leaf(struct sl_table *table, u64 *entry, int level, u64 old,
		      struct sl_spare *spare)
{
	const struct sl_format *format = table->format;
	u64 step = sl_pages(level - 1) << GFN_SHIFT;
	u64 *page;
	unsigned int i;

	if (!spare->count)
		return -ENOMEM;
	page = spare->page[spare->count - 1];
	do {
		u64 leaf = level - 1 == SL_LEVEL_4K ? old & ~format->large : old;

		if (!is_leaf(format, old, level)) {
			memset(page, 0, SL_ENTRIES * sizeof(*page));
			return 0;
		}
		for (i = 0; i < SL_ENTRIES; i++)
			page[i] = leaf + i * step;
		/* The exchange fails if the CPU has set accessed or dirty meanwhile. */
	} while (!try_cmpxchg(entry, &old, virt_to_phys(page) | format->table));
	spare->count--;
	atomic_long_add(SL_ENTRIES, &table->leaves[level - 2]);
	atomic_long_dec(&table->leaves[level - 1]);
	return 0;
}

/*
 * Make the entry at level @at point to a table, so that @leaf can be installed below it. Return 1
 * if the entry is a larger leaf that grants the same rights already.
 */
static int make_way(struct sl_table *table, u64 *entry, int at, gfn_t gfn, u64 leaf, int level,
		    struct sl_spare *spare)
{
	const struct sl_format *format = table->format;
	u64 old = READ_ONCE(*entry);

	if (!is_present(format, old))
		return link_table(table, entry, spare);
	if (!is_leaf(format, old, at))
		return 0;
	if (!leaf_maps(format, old, at, gfn, leaf, level))
		return -EBUSY;
	return grants_all(format, old, leaf) ? 1 : split_leaf(table, entry, at, old, spare);
}

int sl_install(struct sl_table *table, gfn_t gfn, int level, u64 leaf, struct sl_spare *spare)
{
	const struct sl_format *format = table->format;
	u64 *entries = table->root;
	int at = format->levels;

	while (at > level) {
		u64 *entry = &entries[entry_index(gfn, at)];
		u64 now;
		int ret = make_way(table, entry, at, gfn, leaf, level, spare);

		if (ret)
			return ret < 0 ? ret : 0;
		now = READ_ONCE(*entry);
		/* Another CPU may have installed a leaf here: look at the entry again. */
		if (is_leaf(format, now, at))
			continue;
		entries = table_of(format, now);
		at--;
	}
	return put_leaf(table, &entries[entry_index(gfn, level)], level, leaf);
}

int sl_walk_level(const struct sl_table *table, gfn_t gfn)
{
	const struct sl_format *format = table->format;
	const u64 *entries = table->root;
	int at;

	for (at = format->levels; at > SL_LEVEL_4K; at--) {
		u64 entry = READ_ONCE(entries[entry_index(gfn, at)]);

		if (!is_present(format, entry) || is_leaf(format, entry, at))
			break;
		entries = table_of(format, entry);
	}
	return at;
}

/*
 * Split the large leaf that maps a frame into 4 KiB leaves. Return the level of the entry that this
 * deals with, or -ENOMEM.
 */
static int split_frame(struct sl_table *table, gfn_t gfn, struct sl_spare *spare)
{
	const struct sl_format *format = table->format;
	u64 *entries = table->root;
	int at;

	for (at = format->levels; at > SL_LEVEL_4K; at--) {
		u64 *entry = &entries[entry_index(gfn, at)];
		u64 old = READ_ONCE(*entry);

		if (!is_present(format, old))
			return at;
		if (is_leaf(format, old, at) && split_leaf(table, entry, at, old, spare))
			return -ENOMEM;
		entries = table_of(format, READ_ONCE(*entry));
	}
	return SL_LEVEL_2M;
}

bool sl_split_part(struct sl_table *table, struct sl_part *part, struct sl_spare *spare)
{
	gfn_t last = min_t(gfn_t, part->last, sl_max_gfn(table->format));

	for (; part->first <= last && part->budget; part->budget--) {
		int level = split_frame(table, part->first, spare);

		if (level < 0)
			break;
		part->first = (part->first | (sl_pages(level) - 1)) + 1;
	}
	part->budget = SL_PART_LEAVES;
	return part->first <= last;
}

static void visit_table(struct sl_range *range, u64 *entries, int level, gfn_t base);

/* The exchange must be atomic: a CPU may set accessed or dirty until the entry is 0. */
static void drop_leaf(struct sl_table *table, u64 *entry, int level)
{
	u64 old = xchg(entry, 0);

	atomic_long_dec(&table->leaves[level - 1]);
	if (old & SL_SOFT_PAGE)
		sl_carry(table, old, level);
}

static void protect_leaf(struct sl_range *range, u64 *entry, int level)
{
	const struct sl_format *format = range->table->format;
	u64 old = READ_ONCE(*entry);

	do {
		if (!(old & format->write))
			return;
	} while (!try_cmpxchg(entry, &old, old & ~format->write));
	range->hit = true;
	/* If there is no dirty bit, only the right to write showed that the page may be dirty. */
	if (!format->dirty && (old & SL_SOFT_PAGE))
		sl_carry(range->table, old, level);
}

/* With the lock shared, another CPU may split the leaf meanwhile. Its parts keep their bits. */
static void clear_young(struct sl_range *range, u64 *entry, int level)
{
	const struct sl_format *format = range->table->format;
	u64 old = READ_ONCE(*entry);

	do {
		if (!is_leaf(format, old, level) || !(old & format->accessed))
			return;
	} while (!try_cmpxchg(entry, &old, old & ~format->accessed));
	range->hit = true;
}

static bool is_young(const struct sl_format *format, u64 leaf)
{
	return !format->accessed || (leaf & format->accessed);
}

static void visit_leaf(struct sl_range *range, u64 *entry, int level)
{
	switch (range->op) {
	case SL_OP_ZAP:
		drop_leaf(range->table, entry, level);
		range->hit = true;
		break;
	case SL_OP_WRITE_PROTECT:
		protect_leaf(range, entry, level);
		break;
	case SL_OP_TEST_YOUNG:
		range->hit |= is_young(range->table->format, READ_ONCE(*entry));
		break;
	case SL_OP_CLEAR_YOUNG:
		clear_young(range, entry, level);
		break;
	}
}

static bool is_empty(const u64 *entries)
{
	unsigned int i;

	for (i = 0; i < SL_ENTRIES; i++)
		if (entries[i])
			return false;
	return true;
}

static void visit_entry(struct sl_range *range, u64 *entry, int level, gfn_t base)
{
	const struct sl_format *format = range->table->format;
	u64 old = READ_ONCE(*entry);
	u64 *child;

	if (!is_present(format, old))
		return;
	if (is_leaf(format, old, level)) {
		visit_leaf(range, entry, level);
		range->first = base + sl_pages(level);
		range->left--;
		return;
	}
	child = table_of(format, old);
	visit_table(range, child, level - 1, base);
	/* Keep no empty table, so that the number of tables is bounded by the number of leaves. */
	if (range->op == SL_OP_ZAP && is_empty(child)) {
		WRITE_ONCE(*entry, 0);
		sl_retire(range->table, child);
		range->hit = true;
	}
}

/* Visit the entries of a table that starts at frame @base. The recursion ends at level 1. */
static void visit_table(struct sl_range *range, u64 *entries, int level, gfn_t base)
{
	u64 span = sl_pages(level);
	u64 i = range->first > base ? (range->first - base) / span : 0;
	u64 last = min_t(u64, (range->last - base) / span, SL_ENTRIES - 1);

	for (; i <= last && range->left; i++)
		visit_entry(range, &entries[i], level, base + i * span);
}

static bool visit_range(struct sl_table *table, gfn_t first, gfn_t last, enum sl_op op)
{
	struct sl_range range = {
		.table = table,
		.first = first,
		.last = min_t(gfn_t, last, sl_max_gfn(table->format)),
		.op = op,
		.left = U64_MAX,
	};

	visit_table(&range, table->root, table->format->levels, 0);
	return range.hit;
}

static bool visit_part(struct sl_table *table, struct sl_part *part, enum sl_op op)
{
	struct sl_range range = {
		.table = table,
		.first = part->first,
		.last = min_t(gfn_t, part->last, sl_max_gfn(table->format)),
		.op = op,
		.left = part->budget,
	};

	visit_table(&range, table->root, table->format->levels, 0);
	part->flush |= range.hit;
	part->budget = range.left;
	if (range.left || range.first > range.last)
		return false;
	part->first = range.first;
	part->budget = SL_PART_LEAVES;
	return true;
}

bool sl_make_room(struct sl_table *table, gfn_t gfn, int level)
{
	gfn_t first = gfn & ~(sl_pages(level) - 1);
	struct sl_part part = {
		.first = first,
		.last = first + sl_pages(level) - 1,
		.budget = SL_PART_LEAVES,
	};

	visit_part(table, &part, SL_OP_ZAP);
	return part.flush;
}

bool sl_zap_part(struct sl_table *table, struct sl_part *part)
{
	return visit_part(table, part, SL_OP_ZAP);
}

bool sl_write_protect(struct sl_table *table, gfn_t first, gfn_t last)
{
	return visit_range(table, first, last, SL_OP_WRITE_PROTECT);
}

bool sl_write_protect_part(struct sl_table *table, struct sl_part *part)
{
	return visit_part(table, part, SL_OP_WRITE_PROTECT);
}

bool sl_test_young(struct sl_table *table, gfn_t first, gfn_t last, bool clear)
{
	return visit_range(table, first, last, clear ? SL_OP_CLEAR_YOUNG : SL_OP_TEST_YOUNG);
}
