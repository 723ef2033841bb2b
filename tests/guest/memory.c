// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's memory: all of it keeps the data written to it, its end is where the loader says,
 * and an access behind it does no harm.
 */
#include "guest.h"

#define START 0x800000ULL

static u64 pattern(u64 at, u64 round)
{
	return (at * 0x9e3779b97f4a7c15 ^ round) + at;
}

static void fill(u64 end, u64 round)
{
	for (u64 at = START; at < end; at += PAGE_SIZE) {
		*(live u64 *)at = pattern(at, round);
		*(live u64 *)(at + PAGE_SIZE - 8) = pattern(at + 1, round);
	}
}

static u64 wrong(u64 end, u64 round)
{
	u64 bad = 0;

	for (u64 at = START; at < end; at += PAGE_SIZE) {
		bad += *(live u64 *)at != pattern(at, round);
		bad += *(live u64 *)(at + PAGE_SIZE - 8) != pattern(at + 1, round);
	}
	return bad;
}

static void test_fresh(u64 end)
{
	u64 bad = 0;

	for (u64 at = START; at < end; at += PAGE_SIZE)
		bad += *(live u64 *)(at + 512) != 0;
	report_eq(bad, 0, "fresh memory is zero");
}

static void patterns(u64 end)
{
	fill(end, 1);
	report_eq(wrong(end, 1), 0, "every page keeps its pattern");
	fill(end, 2);
	report_eq(wrong(end, 2), 0, "and a second one");
}

/* Accesses that end behind memory, from each direction. */
static void hostile(u64 end)
{
	static const u64 beyond[] = { 0x10000000, 0x80000000, 0xbffff000, 0xd0000000,
				      0xe0000000, 0xfeb00000, 0xfed00000, 0xfef00000 };
	u64 va = 0x6000000000, top = 1ULL << physical_bits();
	u64 far[] = { 0x100000000, 0x123456000, 0x8000000000, top - PAGE_SIZE, top / 2 };
	u32 value;

	for (unsigned int i = 0; i < ARRAY_SIZE(beyond); i++) {
		asm volatile("movl (%1), %0" : "=r"(value) : "r"(beyond[i]) : "memory");
		report_eq(value, 0xffffffff, "nothing at 0x%lx", beyond[i]);
		asm volatile("movl %0, (%1)" : : "r"(value), "r"(beyond[i]) : "memory");
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(far); i++) {
		page_map(va, far[i], PTE_P | PTE_W);
		asm volatile("movl (%1), %0" : "=r"(value) : "r"(va + 8) : "memory");
		report_eq(value, 0xffffffff, "nothing at 0x%lx", far[i]);
		asm volatile("movl %0, 0xffc(%1)" : : "r"(value), "r"(va) : "memory");
	}
	asm volatile("movl (%1), %0" : "=r"(value) : "r"(end) : "memory");
	report_eq(value, 0xffffffff, "nothing behind the end, 0x%lx", end);
}

/* Page tables outside of memory: all entries are ones, which have reserved bits. */
static void table_nowhere(void)
{
	u64 va = 0x6100000000;

	*page_entry(va, 2) = 0xd0000000 | PTE_P | PTE_W;
	if (host_is_tcg()) {
		report_skip("QEMU's TCG tells the hypervisor of a reserved bit instead",
			    "a page table where no memory is");
		*page_entry(va, 2) = 0;
		return;
	}
	report_eq(try_read(va), VEC_PF, "a page table where no memory is: #PF");
	*page_entry(va, 2) = 0;
}

static void sizes(u64 end)
{
	report_eq(end, 64 << 20, "64 MiB, as the launcher was told");
	*(live u8 *)(end - 1) = 0x5a;
	report_eq(*(live u8 *)(end - 1), 0x5a, "the last byte");
	*(live u8 *)0x9fbff = 0x5b;
	report_eq(*(live u8 *)0x9fbff, 0x5b, "the last byte of low memory");
}

void guest_main(void)
{
	u64 end = ram_end();

	if (!report(end > START, "the loader says where memory ends"))
		return;
	sizes(end);
	test_fresh(end - LARGE_SIZE);
	patterns(end);
	hostile(end);
	report_eq(wrong(end, 2), 0, "memory is as it was");
	table_nowhere();
}
