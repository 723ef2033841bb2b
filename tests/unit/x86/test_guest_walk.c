// SPDX-License-Identifier: GPL-2.0-only
/* Tests of the walk of the guest's own page tables, over a small guest memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "x86/cr.h"
#include "x86/guest_walk.h"

#define P BIT_ULL(0)
#define W BIT_ULL(1)
#define U BIT_ULL(2)
#define A BIT_ULL(5)
#define D BIT_ULL(6)
#define PS BIT_ULL(7)
#define XD BIT_ULL(63)
#define PWU (P | W | U)
#define AC BIT_ULL(18)

/* The tests put the tables here, one page a level. Level 1 is at 0x1000. */
#define TABLE(level) (0x1000ULL * (level))
#define MEMORY 0x8000

static u8 memory[MEMORY];
static int reads;
static int contended; /* so many cmpxchg will find the entry changed */
static int cmpxchg_error;

static int entry_read(void *ctx, gpa_t gpa, unsigned int size, u64 *entry)
{
	assert_ptr_equal(ctx, memory);
	assert_int_equal(gpa % size, 0);
	reads++;
	if (gpa + size > MEMORY)
		return -ENXIO;
	*entry = 0;
	memcpy(entry, memory + gpa, size);
	return 0;
}

static int entry_cmpxchg(void *ctx, gpa_t gpa, unsigned int size, u64 old, u64 new)
{
	assert_ptr_equal(ctx, memory);
	if (cmpxchg_error)
		return cmpxchg_error;
	if (contended && contended--)
		return -EAGAIN;
	assert_memory_equal(memory + gpa, &old, size);
	memcpy(memory + gpa, &new, size);
	return 0;
}

static const struct walk_ops ops = { .read = entry_read, .cmpxchg = entry_cmpxchg };

static void put(u64 table, unsigned int index, u64 entry)
{
	memcpy(memory + table + index * 8, &entry, 8);
}

static u64 get(u64 table, unsigned int index)
{
	u64 entry;

	memcpy(&entry, memory + table + index * 8, 8);
	return entry;
}

static void put_32(u64 table, unsigned int index, u32 entry)
{
	memcpy(memory + table + index * 4, &entry, 4);
}

static u32 get_32(u64 table, unsigned int index)
{
	u32 entry;

	memcpy(&entry, memory + table + index * 4, 4);
	return entry;
}

static struct guest_paging start(u64 cr4, u64 efer, u64 root)
{
	memset(memory, 0, sizeof(memory));
	contended = 0;
	cmpxchg_error = 0;
	return (struct guest_paging){
		.cr0 = CR0_PE | CR0_PG | CR0_WP,
		.cr3 = root,
		.cr4 = cr4,
		.efer = efer,
		.phys_bits = 40,
		.gbpages = true,
	};
}

static struct guest_paging start_64(int levels)
{
	return start(CR4_PAE | (levels == 5 ? CR4_LA57 : 0), CR_EFER_LME | CR_EFER_LMA | CR_EFER_NX,
		     TABLE(levels));
}

/* Map linear address 0x40201000 with all upper entries from @top down to @leaf_level. */
#define LINEAR 0x40201234ULL

static const unsigned int index_64[] = { 0, 1, 1, 1, 0, 0 };

static struct guest_paging map_64(int levels, int leaf_level, u64 leaf)
{
	struct guest_paging paging = start_64(levels);
	int level;

	for (level = levels; level > leaf_level; level--)
		put(TABLE(level), index_64[level], TABLE(level - 1) | PWU);
	put(TABLE(leaf_level), index_64[leaf_level], leaf);
	return paging;
}

static void expect_gpa(const struct guest_paging *paging, u64 linear, u32 access, gpa_t want)
{
	struct cpu_exception fault = {};
	gpa_t gpa = ~0ULL;

	assert_int_equal(guest_walk(paging, linear, access, &ops, memory, &gpa, &fault), 0);
	assert_true(gpa == want);
}

static void expect_fault(const struct guest_paging *paging, u64 linear, u32 access, u32 code)
{
	struct cpu_exception fault = {};
	gpa_t gpa;

	assert_int_equal(guest_walk(paging, linear, access, &ops, memory, &gpa, &fault), 1);
	assert_int_equal(fault.vector, EXC_PF);
	assert_true(fault.has_error_code);
	assert_int_equal(fault.error_code, code);
	assert_true(fault.address == linear);
}

static void test_init(void **state)
{
	struct cpu_state cpu = { .cr0 = 1, .cr3 = 2, .cr4 = 3, .efer = 4, .rflags = 5 };
	struct guest_paging paging;

	(void)state;
	guest_paging_init(&paging, &cpu, 46, true);
	assert_int_equal(paging.cr0, 1);
	assert_int_equal(paging.cr3, 2);
	assert_int_equal(paging.cr4, 3);
	assert_int_equal(paging.efer, 4);
	assert_int_equal(paging.rflags, 5);
	assert_int_equal(paging.pkru, 0);
	assert_int_equal(paging.phys_bits, 46);
	assert_true(paging.gbpages);
}

static void test_no_paging(void **state)
{
	struct guest_paging paging = start(0, 0, 0);

	(void)state;
	paging.cr0 = CR0_PE;
	reads = 0;
	expect_gpa(&paging, 0xfee00123, WALK_WRITE, 0xfee00123);
	assert_int_equal(reads, 0);
}

static void test_32(void **state)
{
	struct guest_paging paging = start(0, 0, 0x2018);

	(void)state;
	put_32(0x2000, 1023, 0x1000 | PWU);
	put_32(0x1000, 512, 0xabcde000 | PWU);
	expect_gpa(&paging, 0xffe00765, 0, 0xabcde765);
	assert_int_equal(get_32(0x2000, 1023), 0x1000 | PWU | A);
	assert_int_equal(get_32(0x1000, 512), 0xabcde000 | PWU | A);
	expect_gpa(&paging, 0xffe00765, WALK_WRITE, 0xabcde765);
	assert_int_equal(get_32(0x1000, 512), 0xabcde000 | PWU | A | D);
	assert_int_equal(get_32(0x2000, 1023), 0x1000 | PWU | A);
	expect_fault(&paging, 0xffe01000, 0, 0);
	expect_fault(&paging, 0, WALK_WRITE, PFEC_WRITE);
}

static void test_32_large(void **state)
{
	struct guest_paging paging = start(CR4_PSE, 0, 0x2000);

	(void)state;
	put_32(0x2000, 3, 0xffc00000 | PWU | PS);
	expect_gpa(&paging, 0x00fedcba, WALK_WRITE, 0xfffedcba);
	assert_int_equal(get_32(0x2000, 3), 0xffc00000 | PWU | PS | A | D);
	/* PSE-36: bits 20:13 are address bits 39:32. */
	put_32(0x2000, 3, 0x00400000 | 0xa5 << 13 | PWU | PS);
	expect_gpa(&paging, 0x00c00000, 0, 0xa500400000);
	put_32(0x2000, 3, 0x00400000 | BIT(21) | PWU | PS);
	expect_fault(&paging, 0x00c00000, 0, PFEC_PRESENT | PFEC_RESERVED);
	/* With MAXPHYADDR 36 only bits 16:13 are address bits. */
	paging.phys_bits = 36;
	put_32(0x2000, 3, 0x00400000 | 0x0f << 13 | PWU | PS);
	expect_gpa(&paging, 0x00c00000, 0, 0xf00400000);
	put_32(0x2000, 3, 0x00400000 | 0x10 << 13 | PWU | PS);
	expect_fault(&paging, 0x00c00000, 0, PFEC_PRESENT | PFEC_RESERVED);
	/* Without CR4.PSE the bit PS is ignored. */
	paging.cr4 = 0;
	put_32(0x2000, 3, 0x1000 | PWU | PS);
	put_32(0x1000, 0, 0x5000 | PWU);
	expect_gpa(&paging, 0x00c00000, 0, 0x5000);
}

static void test_pae(void **state)
{
	struct guest_paging paging = start(CR4_PAE, CR_EFER_NX, 0x3020);

	(void)state;
	/* The table of four PDPTEs is aligned to 32 bytes. */
	put(0x3020, 3, 0x2000 | P);
	put(0x2000, 511, 0x1000 | PWU);
	put(0x1000, 511, 0xab12345000 | PWU);
	expect_gpa(&paging, 0xfffff678, WALK_WRITE | WALK_USER, 0xab12345678);
	assert_true(get(0x3020, 3) == (0x2000 | P));
	assert_true(get(0x2000, 511) == (0x1000 | PWU | A));
	assert_true(get(0x1000, 511) == (0xab12345000 | PWU | A | D));
	put(0x2000, 510, 0xab12200000 | PWU | PS | XD);
	expect_gpa(&paging, 0xffc54321, WALK_USER, 0xab12254321);
	expect_fault(&paging, 0xffc54321, WALK_USER | WALK_FETCH,
		     PFEC_PRESENT | PFEC_USER | PFEC_FETCH);
	expect_fault(&paging, 0, 0, 0);
}

static void test_64(void **state)
{
	int levels;

	(void)state;
	for (levels = 4; levels <= 5; levels++) {
		struct guest_paging paging = map_64(levels, 1, 0xab12345000 | PWU);

		reads = 0;
		expect_gpa(&paging, LINEAR, WALK_WRITE, 0xab12345234);
		assert_int_equal(reads, levels);
		assert_true(get(TABLE(1), 1) == (0xab12345000 | PWU | A | D));
		assert_true(get(TABLE(levels), 0) == (TABLE(levels - 1) | PWU | A));
		paging = map_64(levels, 2, 0xab12200000 | PWU | PS | BIT(12));
		expect_gpa(&paging, LINEAR, WALK_FETCH, 0xab12201234);
		assert_true(get(TABLE(2), 1) == (0xab12200000 | PWU | PS | BIT(12) | A));
		paging = map_64(levels, 3, 0xab40000000 | PWU | PS);
		expect_gpa(&paging, LINEAR, 0, 0xab40201234);
		paging.gbpages = false;
		expect_fault(&paging, LINEAR, 0, PFEC_PRESENT | PFEC_RESERVED);
	}
}

static void test_64_top(void **state)
{
	struct guest_paging paging = start_64(4);

	(void)state;
	paging.cr3 |= 0x123; /* a PCID */
	put(TABLE(4), 511, TABLE(3) | PWU);
	put(TABLE(3), 510, 0x80000000 | PWU | PS);
	expect_gpa(&paging, 0xffffffff812345ff, 0, 0x812345ff);
}

static void test_outside_memory(void **state)
{
	struct guest_paging paging = start_64(4);
	struct cpu_exception fault;
	gpa_t gpa;

	(void)state;
	put(TABLE(4), 0, 0x1000000 | PWU);
	assert_int_equal(guest_walk(&paging, LINEAR, 0, &ops, memory, &gpa, &fault), -ENXIO);
}

/* Set each bit of a present entry alone. Those in @want must fault. */
static void check_reserved(const struct guest_paging *paging, u64 linear, u64 table,
			   unsigned int index, u64 want)
{
	u64 entry = get(table, index);
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		struct cpu_exception fault = {};
		gpa_t gpa;
		int ret;

		/* Other bits may lead the walk elsewhere, which is not tested here. */
		put(table, index, entry | BIT_ULL(bit));
		ret = guest_walk(paging, linear, WALK_PROBE, &ops, memory, &gpa, &fault);
		if (want & BIT_ULL(bit)) {
			assert_int_equal(ret, 1);
			assert_int_equal(fault.error_code, PFEC_PRESENT | PFEC_RESERVED);
		} else if (ret == 1) {
			assert_false(fault.error_code & PFEC_RESERVED);
		}
	}
	put(table, index, entry);
}

static void test_reserved_64(void **state)
{
	u64 high = GENMASK_ULL(51, 40);
	struct guest_paging paging;

	(void)state;
	paging = map_64(5, 1, 0x5000 | PWU);
	check_reserved(&paging, LINEAR, TABLE(5), 0, high | PS);
	check_reserved(&paging, LINEAR, TABLE(4), 0, high | PS);
	check_reserved(&paging, LINEAR, TABLE(1), 1, high);
	paging.efer &= ~CR_EFER_NX;
	check_reserved(&paging, LINEAR, TABLE(5), 0, high | PS | XD);
	check_reserved(&paging, LINEAR, TABLE(1), 1, high | XD);
	paging.phys_bits = 52;
	check_reserved(&paging, LINEAR, TABLE(1), 1, XD);
	paging = map_64(4, 2, 0x200000 | PWU | PS);
	check_reserved(&paging, LINEAR, TABLE(2), 1, high | GENMASK_ULL(20, 13));
	paging = map_64(4, 3, 0x40000000 | PWU | PS);
	check_reserved(&paging, LINEAR, TABLE(3), 1, high | GENMASK_ULL(29, 13));
}

static void test_reserved_pae(void **state)
{
	u64 high = GENMASK_ULL(62, 40);
	struct guest_paging paging = start(CR4_PAE, CR_EFER_NX, TABLE(3));

	(void)state;
	put(TABLE(3), 1, TABLE(2) | P);
	put(TABLE(2), 1, TABLE(1) | PWU);
	put(TABLE(1), 1, 0x5000 | PWU);
	/* Not bit 5: MOV to CR3 checks it, and an emulated CPU may set it. */
	check_reserved(&paging, LINEAR, TABLE(3), 1, high | XD | GENMASK_ULL(8, 6) | U | W);
	check_reserved(&paging, LINEAR, TABLE(1), 1, high);
	put(TABLE(2), 1, 0x200000 | PWU | PS);
	check_reserved(&paging, LINEAR, TABLE(2), 1, high | GENMASK_ULL(20, 13));
	paging.efer = 0;
	check_reserved(&paging, LINEAR, TABLE(2), 1, high | XD | GENMASK_ULL(20, 13));
}

/* ---- rights: all combinations against the rules, which stand here once more ---- */

struct rights {
	bool write, fetch, user, implicit; /* the access */
	bool ac, wp, smep, smap, nxe; /* the mode */
	bool page_user, page_write, page_nx; /* the page */
};

#define RIGHTS_COMBINATIONS BIT(12)

static struct rights rights_of(unsigned int bits)
{
	return (struct rights){
		.write = bits & BIT(0),
		.fetch = bits & BIT(1),
		.user = bits & BIT(2),
		.implicit = bits & BIT(3),
		.ac = bits & BIT(4),
		.wp = bits & BIT(5),
		.smep = bits & BIT(6),
		.smap = bits & BIT(7),
		.nxe = bits & BIT(8),
		.page_user = bits & BIT(9),
		.page_write = bits & BIT(10),
		.page_nx = bits & BIT(11),
	};
}

/* The rules of SDM 3A 4.6.1, in the manual's order. */
static bool allowed(const struct rights *r)
{
	bool supervisor = !r->user || r->implicit;

	if (supervisor && !r->fetch && !r->write)
		return !r->page_user || !r->smap || (r->ac && !r->implicit);
	if (supervisor && r->write) {
		if (r->page_user && r->smap && !(r->ac && !r->implicit))
			return false;
		return !r->wp || r->page_write;
	}
	if (supervisor)
		return !(r->page_nx && r->nxe) && !(r->page_user && r->smep);
	if (!r->page_user)
		return false;
	if (r->fetch)
		return !(r->page_nx && r->nxe);
	return !r->write || r->page_write;
}

static u32 expected_code(const struct rights *r)
{
	u32 code = PFEC_PRESENT;

	/* Bit 63 is reserved without NXE. */
	if (r->page_nx && !r->nxe)
		code |= PFEC_RESERVED;
	if (r->write)
		code |= PFEC_WRITE;
	if (r->user && !r->implicit)
		code |= PFEC_USER;
	if (r->fetch && (r->nxe || r->smep))
		code |= PFEC_FETCH;
	return code;
}

static void check_rights(const struct rights *r, int level)
{
	struct guest_paging paging = map_64(4, 1, 0x5000 | PWU);
	u32 access = (r->write ? WALK_WRITE : 0) | (r->fetch ? WALK_FETCH : 0) |
		     (r->user ? WALK_USER : 0) | (r->implicit ? WALK_IMPLICIT : 0);
	u64 entry = get(TABLE(level), index_64[level]) & ~(W | U);

	entry |= (r->page_user ? U : 0) | (r->page_write ? W : 0) | (r->page_nx ? XD : 0);
	put(TABLE(level), index_64[level], entry);
	paging.cr0 = CR0_PE | CR0_PG | (r->wp ? CR0_WP : 0);
	paging.cr4 |= (r->smep ? CR4_SMEP : 0) | (r->smap ? CR4_SMAP : 0);
	paging.efer = CR_EFER_LMA | (r->nxe ? CR_EFER_NX : 0);
	paging.rflags = r->ac ? AC : 0;
	if (allowed(r) && !(r->page_nx && !r->nxe))
		expect_gpa(&paging, LINEAR, access, 0x5234);
	else
		expect_fault(&paging, LINEAR, access, expected_code(r));
}

static void test_rights(void **state)
{
	unsigned int bits;
	int level;

	(void)state;
	for (bits = 0; bits < RIGHTS_COMBINATIONS; bits++) {
		struct rights r = rights_of(bits);

		if (r.write && r.fetch)
			continue;
		/* Each level can deny a right, with the same result. */
		for (level = 1; level <= 4; level++)
			check_rights(&r, level);
	}
}

/* The error code has I/D only with NXE (and PAE) or SMEP (SDM 3A 4.7). */
static void test_fetch_code(void **state)
{
	struct guest_paging paging = start(0, CR_EFER_NX, 0x2000);

	(void)state;
	expect_fault(&paging, 0, WALK_FETCH, 0);
	paging.cr4 = CR4_SMEP;
	expect_fault(&paging, 0, WALK_FETCH, PFEC_FETCH);
	paging.cr4 = CR4_PAE;
	expect_fault(&paging, 0, WALK_FETCH, PFEC_FETCH);
	paging.efer = 0;
	expect_fault(&paging, 0, WALK_FETCH, 0);
}

static void test_keys(void **state)
{
	u64 key = 5ULL << 59;
	struct guest_paging paging = map_64(4, 1, 0x5000 | PWU | key);

	(void)state;
	paging.pkru = BIT(10); /* key 5: access disabled */
	expect_gpa(&paging, LINEAR, 0, 0x5234);
	paging.cr4 |= CR4_PKE;
	expect_fault(&paging, LINEAR, 0, PFEC_PRESENT | PFEC_PKEY);
	expect_fault(&paging, LINEAR, WALK_USER | WALK_WRITE,
		     PFEC_PRESENT | PFEC_PKEY | PFEC_USER | PFEC_WRITE);
	expect_gpa(&paging, LINEAR, WALK_FETCH, 0x5234);
	paging.pkru = BIT(11); /* key 5: writes disabled */
	expect_gpa(&paging, LINEAR, WALK_USER, 0x5234);
	expect_fault(&paging, LINEAR, WALK_WRITE, PFEC_PRESENT | PFEC_PKEY | PFEC_WRITE);
	paging.cr0 &= ~CR0_WP;
	expect_gpa(&paging, LINEAR, WALK_WRITE, 0x5234);
	expect_fault(&paging, LINEAR, WALK_WRITE | WALK_USER,
		     PFEC_PRESENT | PFEC_PKEY | PFEC_WRITE | PFEC_USER);
	/* Supervisor pages have no key. */
	paging.pkru = ~0U;
	put(TABLE(1), 1, 0x5000 | P | W | key);
	expect_gpa(&paging, LINEAR, WALK_WRITE, 0x5234);
}

static void test_probe(void **state)
{
	struct guest_paging paging = map_64(4, 1, 0x5000 | PWU);

	(void)state;
	expect_gpa(&paging, LINEAR, WALK_WRITE | WALK_PROBE, 0x5234);
	assert_true(get(TABLE(1), 1) == (0x5000 | PWU));
	assert_true(get(TABLE(4), 0) == (TABLE(3) | PWU));
	/* A walk that faults sets no bit, either. */
	expect_fault(&paging, LINEAR + 0x1000, WALK_WRITE, PFEC_WRITE);
	assert_true(get(TABLE(4), 0) == (TABLE(3) | PWU));
}

static void test_contention(void **state)
{
	struct guest_paging paging = map_64(4, 1, 0x5000 | PWU);
	struct cpu_exception fault;
	gpa_t gpa;

	(void)state;
	contended = 3;
	expect_gpa(&paging, LINEAR, WALK_WRITE, 0x5234);
	assert_int_equal(contended, 0);
	assert_true(get(TABLE(1), 1) == (0x5000 | PWU | A | D));
	paging = map_64(4, 1, 0x5000 | PWU);
	contended = 1000000;
	assert_int_equal(guest_walk(&paging, LINEAR, 0, &ops, memory, &gpa, &fault), -EAGAIN);
	contended = 0;
	cmpxchg_error = -EROFS;
	assert_int_equal(guest_walk(&paging, LINEAR, 0, &ops, memory, &gpa, &fault), -EROFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),	    cmocka_unit_test(test_no_paging),
		cmocka_unit_test(test_32),	    cmocka_unit_test(test_32_large),
		cmocka_unit_test(test_pae),	    cmocka_unit_test(test_64),
		cmocka_unit_test(test_64_top),	    cmocka_unit_test(test_outside_memory),
		cmocka_unit_test(test_reserved_64), cmocka_unit_test(test_reserved_pae),
		cmocka_unit_test(test_rights),	    cmocka_unit_test(test_fetch_code),
		cmocka_unit_test(test_keys),	    cmocka_unit_test(test_probe),
		cmocka_unit_test(test_contention),
	};

	return cmocka_run_group_tests_name("guest_walk", tests, NULL, NULL);
}
