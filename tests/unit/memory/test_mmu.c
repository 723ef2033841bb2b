// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of zapping in parts, of the mmu_notifier and of the way back to large leaves
 * (kernel/memory/mmu.c, notifier.c and regrow.c). The test plays the host, which changes mappings,
 * and the threads that run in a pause.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>

#include "memory/mmu.h"

#define RWX (SL_READ | SL_WRITE | SL_EXEC)
#define HVA 0x7f0000000000UL
#define FIRST_GFN 0x1000

static const struct sl_format unmarked = {
	.present = BIT(0),
	.table = BIT(0) | BIT(1) | BIT(2),
	.leaf = BIT(0) | BIT(2),
	.write = BIT(1),
	.no_exec = BIT_ULL(63),
	.large = BIT(7),
	.addr = GENMASK_ULL(51, 12),
	.levels = 4,
	.max_leaf = SL_LEVEL_1G,
};

static struct sl_format format;
static struct memory memory;
static struct memslot slots[4 * SL_PART_LEAVES];
static unsigned int flushes;
static unsigned int pauses;
static unsigned int installed;

static void flush_tlbs(struct memory *of)
{
	assert_ptr_equal(of, &memory);
	lockdep_assert_held_write(&of->mmu.lock);
	flushes++;
}

static const struct memory_ops ops = { .flush_tlbs = flush_tlbs };

/* The host maps the 2 MiB from here by a large page, and what follows as @large_end says. */
#define LARGE_GFN (FIRST_GFN + 512)
static gfn_t large_end;

static struct mm_struct mm;

int mmu_best_level(const struct memory *of, const struct memslot *slot, gfn_t gfn)
{
	(void)slot;
	assert_true(of->mm->current);
	return gfn >= LARGE_GFN && gfn < large_end ? SL_LEVEL_2M : SL_LEVEL_4K;
}

static bool has_bug;

bool mmu_large_leaf_may_execute(void)
{
	return !has_bug;
}

static struct memslots snapshot;

struct memslots *memory_slots(const struct memory *of)
{
	lockdep_assert_held(&of->lock);
	return &snapshot;
}

static int start(void **state)
{
	(void)state;
	mm = (struct mm_struct){ .users = 1, .current = true };
	memory = (struct memory){ .ops = &ops, .mm = &mm };
	large_end = LARGE_GFN + 512;
	format = unmarked;
	format.accessed = BIT(5);
	format.dirty = BIT(6);
	format.unmarked = &unmarked;
	assert_int_equal(mmu_init(&memory.mmu, &format), 0);
	assert_int_equal(mmu_notifier_start(&memory), 0);
	flushes = 0;
	pauses = 0;
	installed = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	memory.mmu.lock.others = NULL;
	memory_stop(&memory);
	assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 0);
	return 0;
}

static void add_slot(struct memslot *slot, gfn_t gfn, unsigned long hva, u64 pages)
{
	*slot = (struct memslot){ .base_gfn = gfn, .npages = pages, .hva = hva };
	slot->by_hva.start = hva;
	slot->by_hva.last = hva + pages * PAGE_SIZE - 1;
	mmu_lock_slots(&memory.mmu, true);
	interval_tree_insert(&slot->by_hva, &memory.slots_by_hva);
	mmu_unlock_slots(&memory.mmu);
}

static void map(gfn_t gfn)
{
	u64 leaf = sl_make_leaf(memory.mmu.table.format, 0x5000, SL_LEVEL_4K, RWX, SL_WB);
	struct sl_spare spare = {};

	assert_int_equal(mmu_top_up(&memory.mmu, &spare), 0);
	assert_int_equal(sl_install(&memory.mmu.table, gfn, SL_LEVEL_4K, leaf, &spare), 0);
	mmu_drop_spare(&memory.mmu, &spare);
}

static void invalidate_start(unsigned long from, unsigned long to)
{
	struct mmu_notifier_range range = { .start = from, .end = to, .blockable = true };

	memory.mmu.notifier.ops->invalidate_range_start(&memory.mmu.notifier, &range);
}

static void invalidate_end(unsigned long from, unsigned long to)
{
	struct mmu_notifier_range range = { .start = from, .end = to, .blockable = true };

	memory.mmu.notifier.ops->invalidate_range_end(&memory.mmu.notifier, &range);
}

static bool is_invalidated(unsigned long hva)
{
	return mmu_is_invalidated(&memory.mmu, memory.mmu.invalidate_seq, hva, hva + PAGE_SIZE);
}

/* Give the same page to all slots, one after the other in guest memory. */
static void share_page(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(slots); i++) {
		add_slot(&slots[i], FIRST_GFN + i, HVA, 1);
		map(FIRST_GFN + i);
	}
}

static void count_pause(void)
{
	pauses++;
}

/* A page in many slots costs one visit to each, whatever the number of pauses. */
static void test_many_slots_share_a_page(void **state)
{
	(void)state;
	share_page();
	memory.mmu.lock.others = count_pause;
	shim_intervals_found = 0;
	invalidate_start(HVA, HVA + PAGE_SIZE);
	assert_true(pauses >= 3);
	assert_int_equal(flushes, 4);
	assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 0);
	assert_true(shim_intervals_found <= ARRAY_SIZE(slots) + 2);
	invalidate_end(HVA, HVA + PAGE_SIZE);
}

/* In a pause another thread exchanges the last slot for one that is found first. */
static void exchange_slot(void)
{
	static struct memslot other;
	struct memslot *last = &slots[ARRAY_SIZE(slots) - 1];

	if (pauses++)
		return;
	memory.mmu.lock.others = NULL;
	mmu_lock_slots(&memory.mmu, false);
	interval_tree_remove(&last->by_hva, &memory.slots_by_hva);
	other = *last;
	other.by_hva.start = 0;
	interval_tree_insert(&other.by_hva, &memory.slots_by_hva);
	other.by_hva.start = HVA;
	mmu_unlock_slots(&memory.mmu);
	memory.mmu.lock.others = exchange_slot;
}

static void test_slots_change_in_a_pause(void **state)
{
	(void)state;
	share_page();
	memory.mmu.lock.others = exchange_slot;
	invalidate_start(HVA, HVA + PAGE_SIZE);
	assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 0);
	invalidate_end(HVA, HVA + PAGE_SIZE);
}

static void test_other_memory(void **state)
{
	unsigned long seq;
	u64 holds;

	(void)state;
	add_slot(&slots[0], FIRST_GFN, HVA, 16);
	map(FIRST_GFN + 1);
	holds = memory.mmu.exclusive_holds;
	seq = memory.mmu.invalidate_seq;
	invalidate_start(HVA - PAGE_SIZE, HVA);
	/* No slot may appear now: the wait in mmu_lock_slots() would not end. */
	assert_int_equal(memory.mmu.invalidations, 1);
	invalidate_end(HVA - PAGE_SIZE, HVA);
	assert_int_equal(memory.mmu.invalidations, 0);
	assert_int_equal(memory.mmu.exclusive_holds, holds);
	assert_true(memory.mmu.invalidate_seq == seq);
	assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 1);

	/* It does not widen the range in which faults wait for an invalidation of guest memory. */
	invalidate_start(HVA + PAGE_SIZE, HVA + 2 * PAGE_SIZE);
	invalidate_start(HVA + 0x100000, HVA + 0x200000);
	assert_false(is_invalidated(HVA));
	assert_true(is_invalidated(HVA + PAGE_SIZE));
	assert_false(is_invalidated(HVA + 2 * PAGE_SIZE));
	invalidate_end(HVA + 0x100000, HVA + 0x200000);
	assert_true(is_invalidated(HVA + PAGE_SIZE));
	invalidate_end(HVA + PAGE_SIZE, HVA + 2 * PAGE_SIZE);
	assert_false(is_invalidated(HVA + PAGE_SIZE));
	assert_true(memory.mmu.invalidate_seq == seq + 1);
	assert_int_equal(memory.mmu.exclusive_holds, holds + 2);
	assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 0);
}

/* In a pause a vCPU faults on a page that was removed already. */
static void fault(void)
{
	pauses++;
	if (is_invalidated(HVA))
		return;
	map(FIRST_GFN);
	installed++;
}

/* While a new format takes over, no fault adds a leaf, so each part is of bounded size. */
static void test_new_format(void **state)
{
	unsigned long seq;
	size_t i;

	(void)state;
	for (i = 0; i < 4 * SL_PART_LEAVES; i++)
		map(FIRST_GFN + i);
	seq = memory.mmu.invalidate_seq;
	memory.mmu.lock.others = fault;
	assert_true(mmu_allow_read_only_walks(&memory));
	memory.mmu.lock.others = NULL;
	assert_true(pauses >= 4);
	/* The last pause is after the end: this fault has the new format. */
	assert_int_equal(installed, 1);
	assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 1);
	assert_ptr_equal(memory.mmu.table.format, &unmarked);
	assert_true(mmu_is_invalidated(&memory.mmu, seq, HVA, HVA + PAGE_SIZE));
	assert_false(mmu_allow_read_only_walks(&memory));
}

/* Of three tables, only that goes whose range the host maps by a large page. */
static void test_collapse(void **state)
{
	gfn_t gfn;

	(void)state;
	add_slot(&slots[0], FIRST_GFN, HVA, 4 * 512);
	for (gfn = FIRST_GFN; gfn < FIRST_GFN + 3 * 512; gfn++)
		map(gfn);
	assert_true(mmu_collapse(&memory, &slots[0], FIRST_GFN, FIRST_GFN + 3 * 512 - 1) ==
		    FIRST_GFN + 3 * 512);
	assert_int_equal(flushes, 1);
	assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 2 * 512);
	assert_int_equal(sl_walk_level(&memory.mmu.table, LARGE_GFN - 1), SL_LEVEL_4K);
	assert_int_equal(sl_walk_level(&memory.mmu.table, LARGE_GFN), SL_LEVEL_2M);
	assert_int_equal(sl_walk_level(&memory.mmu.table, LARGE_GFN + 511), SL_LEVEL_2M);
	assert_int_equal(sl_walk_level(&memory.mmu.table, LARGE_GFN + 512), SL_LEVEL_4K);
	mmu_collapse(&memory, &slots[0], FIRST_GFN, FIRST_GFN + 4 * 512);
	assert_int_equal(flushes, 1);
}

static bool turn(void)
{
	bool ran;

	mm.current = false;
	ran = shim_run_delayed_work(&memory.regrow);
	assert_false(mm.current);
	assert_false(memory.lock.held);
	return ran;
}

/* Two slots of 80 and 40 tables, the second one logged, with a leaf in each table. */
static void map_tables(void)
{
	static struct memslot *by_gfn[] = { &slots[0], &slots[1] };
	int i;

	add_slot(&slots[0], FIRST_GFN, HVA, 80 * 512);
	add_slot(&slots[1], FIRST_GFN + 80 * 512, HVA + 80 * 512 * PAGE_SIZE, 40 * 512);
	slots[1].flags = KVM_MEM_LOG_DIRTY_PAGES;
	snapshot = (struct memslots){ .by_gfn = by_gfn, .count = 2 };
	for (i = 0; i < 120; i++)
		map(FIRST_GFN + i * 512);
}

/* Each turn deals with two of 120 tables, and removes what the host maps large. */
static void test_regrow(void **state)
{
	int i;

	(void)state;
	has_bug = true;
	large_end = FIRST_GFN + 120 * 512;
	map_tables();
	mmu_regrow_start(&memory);
	assert_int_equal(memory.regrow.delay, 60 * HZ);
	assert_true(turn());
	assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 119);
	assert_int_equal(sl_walk_level(&memory.mmu.table, FIRST_GFN), SL_LEVEL_4K);
	for (i = 2; i <= 40; i++) {
		assert_true(turn());
		assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 121 - 2 * i);
		assert_int_equal(flushes, i);
	}

	/* The logged slot stays, and the next round begins. */
	assert_true(turn());
	assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 41);
	assert_int_equal(flushes, 40);
	map(LARGE_GFN);
	assert_true(turn());
	assert_int_equal(mmu_leaves(&memory.mmu, SL_LEVEL_4K), 41);
	assert_int_equal(mm.users, 1);
}

static void test_regrow_ends(void **state)
{
	(void)state;
	has_bug = true;
	map_tables();
	mmu_regrow_start(&memory);
	assert_true(turn());
	memory_stop(&memory);
	assert_false(turn());
	start(state);

	/* The client's address space has ended: the last turn does nothing. */
	mmu_regrow_start(&memory);
	mm.users = 0;
	assert_true(turn());
	assert_false(turn());
}

static void test_no_regrow(void **state)
{
	(void)state;
	has_bug = false;
	mmu_regrow_start(&memory);
	assert_false(turn());
	has_bug = true;
	*shim_param = 0;
	mmu_regrow_start(&memory);
	*shim_param = 3600;
	assert_false(turn());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_slots_share_a_page, start, end),
		cmocka_unit_test_setup_teardown(test_slots_change_in_a_pause, start, end),
		cmocka_unit_test_setup_teardown(test_other_memory, start, end),
		cmocka_unit_test_setup_teardown(test_new_format, start, end),
		cmocka_unit_test_setup_teardown(test_collapse, start, end),
		cmocka_unit_test_setup_teardown(test_regrow, start, end),
		cmocka_unit_test_setup_teardown(test_regrow_ends, start, end),
		cmocka_unit_test_setup_teardown(test_no_regrow, start, end),
	};

	return cmocka_run_group_tests_name("mmu", tests, NULL, NULL);
}
