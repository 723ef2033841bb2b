/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-level page tables: built, walked, split and taken apart, for NPT and
 * EPT alike. How an entry looks is data (struct sl_format). Pure: compiles into
 * userspace tests as well.
 *
 * Locking: every function says whether it wants the table's lock shared or
 * exclusive; the lock itself is the caller's (struct mmu). Under the shared
 * lock entries only ever gain something, by compare-and-exchange. Hardware sets
 * accessed and dirty bits at any time.
 */
#ifndef ORIEL_MMU_TABLE_H
#define ORIEL_MMU_TABLE_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/types.h>

#include "x86/address.h"

#define SL_LEVEL_4K 1
#define SL_LEVEL_2M 2
#define SL_LEVEL_1G 3
#define SL_MAX_LEVELS 5

#define SL_ENTRIES 512

/* Rights of a leaf and kinds of access. */
#define SL_READ BIT(0)
#define SL_WRITE BIT(1)
#define SL_EXEC BIT(2)

enum sl_memtype {
	SL_WB, /* memory */
	SL_GUEST, /* memory that the guest caches as it likes */
	SL_WC, /* write combining, device memory such as a frame buffer */
	SL_UC, /* uncached, device registers */
	SL_MEMTYPES
};

/*
 * Kept in a leaf for the module's own use: hardware ignores bit 52 in NPT
 * (APM 2 5.3.3) and in EPT (SDM 3C 28.3.2). The frame is a host page whose
 * struct page wants to hear about accessed and dirty.
 */
#define SL_SOFT_PAGE BIT_ULL(52)

/**
 * struct sl_format - how second-level entries look on this CPU
 * @present: an entry is present when any of these bits is set
 * @table: set in every entry that refers to a table
 * @leaf: set in every leaf, whatever its rights (NPT: P and U)
 * @read: grants reading (EPT: R; NPT: 0, present is readable)
 * @write: grants writing
 * @exec: grants execution (EPT: X; NPT: 0)
 * @no_exec: denies execution (NPT: NX; EPT: 0)
 * @accessed: set by the CPU on access; 0 when it does not do that
 * @dirty: set by the CPU on write; 0 when it does not do that
 * @unmarked: the same without @accessed and @dirty, if with them the CPU takes its reads of
 *	the guest's page tables for writes; else NULL
 * @large: marks a leaf above level 1
 * @addr: the host physical address in an entry of level 1 or of a table
 * @memtype: bits of each enum sl_memtype in a leaf. Where the host encrypts its
 *	memory (SME), @table and @memtype[SL_WB] hold the C-bit, @addr does not
 * @levels: of tables; NPT uses the host's paging mode (APM 2 15.25.3)
 * @max_leaf: largest level of a leaf the CPU supports
 */
struct sl_format {
	u64 present;
	u64 table;
	u64 leaf;
	u64 read;
	u64 write;
	u64 exec;
	u64 no_exec;
	u64 accessed;
	u64 dirty;
	const struct sl_format *unmarked;
	u64 large;
	u64 addr;
	u64 memtype[SL_MEMTYPES];
	u8 levels;
	u8 max_leaf;
};

/**
 * struct sl_table - the second-level tables of one VM
 * @format: how entries look
 * @root: the top-level table
 * @leaves: how many, by level less 1
 *
 * Table pages are zeroed 4 KiB pages of directly mapped memory.
 */
struct sl_table {
	const struct sl_format *format;
	u64 *root;
	atomic_long_t leaves[SL_LEVEL_1G];
};

/**
 * struct sl_spare - table pages allocated before the lock was taken
 * @count: how many of @page are left
 * @page: zeroed table pages
 */
struct sl_spare {
	u32 count;
	u64 *page[SL_MAX_LEVELS - 1];
};

/**
 * sl_retire() - a table page was unlinked; CPUs may walk it until the next flush
 * @table: the tables it was of
 * @page: the page
 *
 * Provided by the user of the tables. Called with the lock exclusive.
 */
void sl_retire(struct sl_table *table, u64 *page);

/**
 * sl_carry() - a leaf's accessed and dirty state is about to be lost
 * @table: the tables it was of
 * @leaf: the leaf as last seen, with @leaf's SL_SOFT_PAGE set
 * @level: its level
 *
 * Provided by the user of the tables. Called with the lock exclusive, while
 * the host page is still in place. Without a dirty bit in the format a leaf
 * that was writable counts as dirty; see sl_leaf_dirty().
 */
void sl_carry(struct sl_table *table, u64 leaf, int level);

/**
 * sl_pages() - how many 4 KiB frames an entry of a level maps
 * @level: 1 to SL_MAX_LEVELS
 *
 * Return: 1, 512, 512^2, ...
 */
static inline u64 sl_pages(int level)
{
	return 1ULL << (9 * (level - 1));
}

/**
 * sl_max_gfn() - the highest frame number the tables can map
 * @format: the format
 *
 * Return: a guest frame number.
 */
static inline gfn_t sl_max_gfn(const struct sl_format *format)
{
	return (1ULL << (9 * format->levels)) - 1;
}

/**
 * sl_leaf_dirty() - whether the guest may have written through a leaf
 * @format: the format
 * @leaf: a present leaf
 *
 * Return: the dirty bit, or the right to write where there is none.
 */
static inline bool sl_leaf_dirty(const struct sl_format *format, u64 leaf)
{
	return leaf & (format->dirty ? format->dirty : format->write);
}

/**
 * sl_make_leaf() - compose a leaf
 * @format: the format
 * @hpa: host physical address, aligned to the level's size
 * @level: 1 to the format's @max_leaf
 * @rights: SL_READ with or without SL_WRITE and SL_EXEC
 * @type: memory type
 *
 * The accessed bit is set already, and so is the dirty bit of a writable leaf
 * where the caller ORs it in: it spares the CPU the locked update.
 *
 * Return: the entry.
 */
u64 sl_make_leaf(const struct sl_format *format, hpa_t hpa, int level, u32 rights,
		 enum sl_memtype type);

/**
 * sl_install() - put a leaf into the tables, or widen the rights of the one there
 * @table: the tables; lock held shared
 * @gfn: any frame inside the leaf
 * @level: level of the leaf
 * @leaf: the entry, from sl_make_leaf()
 * @spare: table pages to use
 *
 * Return: 0 when the tables now grant at least what @leaf grants; -ENOMEM when
 * @spare ran out (@level tables from the format's @levels - 1 always do);
 * -EBUSY when something in the way must go first: sl_make_room().
 */
int sl_install(struct sl_table *table, gfn_t gfn, int level, u64 leaf, struct sl_spare *spare);

/**
 * sl_make_room() - remove or split what keeps a leaf from being installed
 * @table: the tables; lock held exclusive
 * @gfn: any frame inside the leaf
 * @level: level of the leaf
 * @spare: table pages to use
 *
 * A larger leaf above is split down to @level, which changes no translation;
 * a table or leaf at @level is removed, SL_PART_LEAVES leaves of it at most.
 *
 * Return: 0, all CPUs must be flushed before the lock is dropped, then see whether
 * sl_install() still says -EBUSY; -ENOMEM when @spare ran out: flush, get more and
 * call again.
 */
int sl_make_room(struct sl_table *table, gfn_t gfn, int level, struct sl_spare *spare);

/**
 * sl_zap() - remove all leaves of a range, and tables that become empty
 * @table: the tables; lock held exclusive
 * @first: first frame
 * @last: last frame, inclusive
 *
 * A large leaf that the range touches goes as a whole. Accessed and dirty are
 * carried back. Each unlinked table page is handed to sl_retire().
 *
 * Return: whether CPUs must be flushed before the lock is dropped.
 */
bool sl_zap(struct sl_table *table, gfn_t first, gfn_t last);

/**
 * struct sl_part - a range that is worked on in parts, so that the lock need not be
 *	held for all of it
 * @first: first frame that is left to do
 * @last: last frame, inclusive
 * @budget: leaves that may be visited before the next pause; SL_PART_LEAVES at first
 * @flush: CPUs have to be flushed for what was done; set here, cleared by the caller
 */
struct sl_part {
	gfn_t first;
	gfn_t last;
	u32 budget;
	bool flush;
};

/* They take some tens of microseconds. */
#define SL_PART_LEAVES 1024

/**
 * sl_zap_part() - sl_zap() as far as the budget goes
 * @table: the tables; lock held exclusive
 * @part: the range; moves on
 *
 * The lock may be dropped between two calls once CPUs have been flushed. What is
 * installed meanwhile behind @part's first frame stays.
 *
 * Return: whether something is left to do; there is a new budget then.
 */
bool sl_zap_part(struct sl_table *table, struct sl_part *part);

/**
 * sl_write_protect() - take the right to write from all leaves of a range
 * @table: the tables; lock held exclusive
 * @first: first frame
 * @last: last frame, inclusive
 *
 * A large leaf that the range touches loses it as a whole.
 *
 * Return: whether CPUs must be flushed before the lock is dropped.
 */
bool sl_write_protect(struct sl_table *table, gfn_t first, gfn_t last);

/**
 * sl_write_protect_part() - sl_write_protect() as far as the budget goes
 * @table: the tables; lock held exclusive
 * @part: the range; moves on
 *
 * The lock may be dropped between two calls, and CPUs flushed after the last: until
 * then they may write what they could write before.
 *
 * Return: whether something is left to do; there is a new budget then.
 */
bool sl_write_protect_part(struct sl_table *table, struct sl_part *part);

/**
 * sl_test_young() - whether any leaf of a range was accessed
 * @table: the tables; lock held shared or exclusive
 * @first: first frame
 * @last: last frame, inclusive
 * @clear: clear the accessed bits as well, without a flush: a CPU that keeps a
 *	translation may not report it again until the entry leaves its TLB. Only
 *	for formats that have an accessed bit
 *
 * Return: whether one was; without an accessed bit every leaf counts, as it came to
 * be on an access.
 */
bool sl_test_young(struct sl_table *table, gfn_t first, gfn_t last, bool clear);

#endif
