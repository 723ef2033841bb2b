/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-level page tables as a data structure, for NPT and EPT alike: install, split, remove and
 * age leaves. struct sl_format describes an entry. Userspace tests compile this too.
 *
 * The caller has the lock (struct mmu). sl_install(), sl_split_part() and sl_test_young() need it
 * shared: they change an entry by compare-and-exchange and remove no right. All other functions
 * that change entries need it exclusive. The CPU sets accessed and dirty bits at any time.
 *
 * A range includes both frame @first and frame @last. A large leaf that is partly in the range is
 * treated as if all of it were. A leaf's @gfn is any frame inside it.
 */
#ifndef ORIEL_TABLE_H
#define ORIEL_TABLE_H

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
	SL_WB, /* write back: memory */
	SL_GUEST, /* memory; the guest chooses how it is cached */
	SL_WC, /* write combining: device memory such as a frame buffer */
	SL_UC, /* uncached: device registers */
	SL_MEMTYPES
};

/*
 * The leaf's accessed and dirty bits have to be copied to the struct page of the host page.
 * Hardware ignores bit 52 in NPT (APM 2 5.3.3) and in EPT (SDM 3C 28.3.2).
 */
#define SL_SOFT_PAGE BIT_ULL(52)

/* The layout of second-level entries on this CPU. */
struct sl_format {
	u64 present; /* an entry is present if any of these bits is set */
	u64 table; /* set in every entry that refers to a table */
	u64 leaf; /* set in every leaf (NPT: P and U) */
	u64 read; /* grants reading (EPT: R; NPT: 0, present is readable) */
	u64 write; /* grants writing */
	u64 exec; /* grants execution (EPT: X; NPT: 0) */
	u64 no_exec; /* denies execution (NPT: NX; EPT: 0) */
	u64 accessed; /* the CPU sets this bit on an access; 0 if it sets none */
	u64 dirty; /* the CPU sets this bit on a write; 0 if it sets none */
	/*
	 * The same format without @accessed and @dirty. With these two, this CPU treats its own
	 * reads of the guest's page tables as writes. NULL for other CPUs.
	 */
	const struct sl_format *unmarked;
	u64 large; /* marks a leaf above level 1 */
	u64 addr; /* the host physical address in an entry of level 1 or of a table */
	/*
	 * The bits of each enum sl_memtype in a leaf. If the host encrypts its memory (SME), @table
	 * and @memtype[SL_WB] have the C-bit, @addr has not.
	 */
	u64 memtype[SL_MEMTYPES];
	u8 levels; /* number of levels; NPT uses the host's paging mode (APM 2 15.25.3) */
	u8 max_leaf; /* highest level at which the CPU supports a leaf */
};

/* The second-level tables of one VM. */
struct sl_table {
	const struct sl_format *format; /* the layout of entries */
	/* The top-level table: a 4 KiB page in the kernel's direct mapping, like all tables. */
	u64 *root;
	atomic_long_t leaves[SL_LEVEL_1G]; /* number of leaves, indexed by level less 1 */
};

/* Zeroed table pages, allocated before the lock is taken; the first @count of @page are left. */
struct sl_spare {
	u32 count;
	u64 *page[SL_MAX_LEVELS - 1];
};

/* The owner of the tables defines the next two. They are called with the lock held exclusive. */

/** sl_retire() - take over an unlinked table page, which CPUs may walk until the next flush */
void sl_retire(struct sl_table *table, u64 *page);
/**
 * sl_carry() - copy the accessed and dirty bits of a leaf with SL_SOFT_PAGE to the struct page of
 * the host page. @leaf is its value before it changed; it still has its host page.
 */
void sl_carry(struct sl_table *table, u64 leaf, int level);

/** sl_pages() - the number of 4 KiB frames that an entry of a level maps */
static inline u64 sl_pages(int level)
{
	return 1ULL << (9 * (level - 1));
}

/** sl_max_gfn() - the highest frame that the tables can map */
static inline gfn_t sl_max_gfn(const struct sl_format *format)
{
	return (1ULL << (9 * format->levels)) - 1;
}

/**
 * sl_leaf_dirty() - may the guest have written through a leaf? Without a dirty bit, a writable leaf
 * counts as dirty
 */
static inline bool sl_leaf_dirty(const struct sl_format *format, u64 leaf)
{
	return leaf & (format->dirty ? format->dirty : format->write);
}

/**
 * sl_make_leaf() - compose a leaf. @hpa is aligned to the level's size, @level at most the format's
 * @max_leaf; @rights are SL_READ, alone or with SL_WRITE and SL_EXEC. The accessed bit is set, so
 * that the CPU need not set it with a locked access. The caller may set the dirty bit of a writable
 * leaf for the same reason.
 */
u64 sl_make_leaf(const struct sl_format *format, hpa_t hpa, int level, u32 rights,
		 enum sl_memtype type);
/**
 * sl_install() - install a leaf from sl_make_leaf(), or add its rights to the leaf that is there. A
 * larger leaf that maps the same frames without these rights is split first. A split changes no
 * translation, so no flush follows. Return 0 if the tables grant at least the rights of @leaf;
 * -ENOMEM if @spare has too few pages (the format's @levels - 1 are always enough); -EBUSY if
 * another entry is in the way: call sl_make_room().
 */
int sl_install(struct sl_table *table, gfn_t gfn, int level, u64 leaf, struct sl_spare *spare);
/**
 * sl_make_room() - remove the leaves that are in the way of a leaf, at most SL_PART_LEAVES of them.
 * Return true if TLBs must be flushed before the lock is dropped. Then call sl_install() again,
 * which may still return -EBUSY.
 */
bool sl_make_room(struct sl_table *table, gfn_t gfn, int level);
/**
 * sl_walk_level() - return the level at which a walk for a frame ends: that of the leaf or of the
 * entry that is absent
 */
int sl_walk_level(const struct sl_table *table, gfn_t gfn);

/* A range for work in parts: the caller may drop the lock between two parts. */
struct sl_part {
	gfn_t first; /* the first frame that is left to do */
	gfn_t last; /* last frame, inclusive */
	u32 budget; /* leaves that this part may still visit; SL_PART_LEAVES at first */
	bool flush; /* TLBs have to be flushed for the work done; set here, cleared by the caller */
};

/* A part with this number of leaves takes some tens of microseconds. */
#define SL_PART_LEAVES 1024

/**
 * sl_zap_part() - remove a part of the leaves of a range, and the tables that become empty. Calls
 * sl_carry() for each leaf with SL_SOFT_PAGE and sl_retire() for each unlinked table. Return true
 * if there is more to do. The caller may drop the lock between two calls, after a flush. A leaf
 * that is installed meanwhile below @part->first stays.
 */
bool sl_zap_part(struct sl_table *table, struct sl_part *part);
/**
 * sl_split_part() - split large leaves of a range into 4 KiB leaves, until @spare has no more page
 * or the part's budget is used up: each entry of level 2 or above counts. Return true if there is
 * more to do: allocate more pages and call again. No flush follows.
 */
bool sl_split_part(struct sl_table *table, struct sl_part *part, struct sl_spare *spare);
/**
 * sl_write_protect() - remove the right to write from a range; return true if TLBs must be flushed
 */
bool sl_write_protect(struct sl_table *table, gfn_t first, gfn_t last);
/**
 * sl_write_protect_part() - do the next part of sl_write_protect(), and return true if there is
 * more to do. The caller may drop the lock between two calls and flush after the last one: until
 * then a CPU may still write through its TLB.
 */
bool sl_write_protect_part(struct sl_table *table, struct sl_part *part);
/**
 * sl_test_young() - return true if a leaf of a range was accessed. If the format has no accessed
 * bit, every leaf counts, because an access has installed it. @clear, only for formats that have
 * the bit: clear the accessed bits, too. No flush follows, so a CPU sets the bit again only after
 * the translation has left its TLB.
 */
bool sl_test_young(struct sl_table *table, gfn_t first, gfn_t last, bool clear);

#endif
