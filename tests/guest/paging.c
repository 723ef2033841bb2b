// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's paging: page sizes, accessed and dirty bits, NX, SMEP, SMAP, global pages, five
 * levels, code that changes itself and code in fresh pages.
 */
#include "guest.h"

/* Virtual addresses that no other code uses. */
#define AREA 0x600000000000ULL

static void touch_user(void *arg)
{
	*(live u64 *)arg;
}

/* One 2 MiB-aligned piece of memory, mapped with leaves of each size. */
static void sizes(void)
{
	live u64 *mark = (u64 *)0x1005008;
	const u64 memory = 0x1000000;

	*mark = 0x1122334455667788;
	page_map(AREA + 0x5000, memory + 0x5000, PTE_P | PTE_W);
	report_eq(*(live u64 *)(AREA + 0x5008), *mark, "a 4 KiB page");
	*page_entry(AREA + 0x40000000, 2) = memory | PTE_P | PTE_W | PTE_PS;
	report_eq(*(live u64 *)(AREA + 0x40005008), *mark, "a 2 MiB page");
	if (!(cpuid(0x80000001, 0).edx & BIT(26))) {
		report_skip("no 1 GiB pages", "a 1 GiB page");
		return;
	}
	*page_entry(AREA + 0x80000000, 3) = PTE_P | PTE_W | PTE_PS;
	report_eq(*(live u64 *)(AREA + 0x80000000 + memory + 0x5008), *mark, "a 1 GiB page");
	*(live u64 *)(AREA + 0x80000000 + memory + 0x5008) = 42;
	report_eq(*mark, 42, "written through it");
}

static void accessed_dirty(void)
{
	u64 pa = (u64)page_alloc(), va = AREA + 0x10000;
	live u64 *pte = page_entry(va, 1), *pde;

	page_map(va, pa, PTE_P | PTE_W);
	*(live u64 *)va;
	report_eq(*pte & (PTE_A | PTE_D), PTE_A, "a read sets A");
	*(live u64 *)va = 1;
	report_eq(*pte & (PTE_A | PTE_D), PTE_A | PTE_D, "a write sets D");
	pde = page_entry(va, 2);
	report(*pde & PTE_A, "A in the table above");
	*pte &= ~(PTE_A | PTE_D);
	flush_page((void *)va);
	*(live u64 *)va;
	report_eq(*pte & (PTE_A | PTE_D), PTE_A, "A again after INVLPG");
	*page_entry(AREA + 0x40200000, 2) = 0x1000000 | PTE_P | PTE_W | PTE_PS;
	*(live u64 *)(AREA + 0x40200000) = 1;
	report_eq(*page_entry(AREA + 0x40200000, 2) & (PTE_A | PTE_D), PTE_A | PTE_D,
		  "A and D of a 2 MiB page");
}

static void invalidate(void)
{
	u64 *one = page_alloc(), *two = page_alloc(), va = AREA + 0x20000;

	*one = 1;
	*two = 2;
	page_map(va, (u64)one, PTE_P | PTE_W);
	report_eq(*(live u64 *)va, 1, "mapped to one page");
	page_map(va, (u64)two, PTE_P | PTE_W);
	report_eq(*(live u64 *)va, 2, "another, after INVLPG");
	*page_entry(va, 1) = (u64)one | PTE_P | PTE_W;
	write_cr3(read_cr3());
	report_eq(*(live u64 *)va, 1, "another, after CR3");
	*page_entry(va, 1) = 0;
	flush_page((void *)va);
	report_eq(try_read(va), VEC_PF, "none: #PF");
	/* The CPU does not cache a translation that was not present, so no INVLPG is needed. */
	*page_entry(va, 1) = (u64)two | PTE_P | PTE_W;
	report_eq(*(live u64 *)va, 2, "made present without INVLPG");
}

static void test_global(void)
{
	u64 *one = page_alloc(), *two = page_alloc(), va = AREA + 0x30000;
	u64 cr4 = read_cr4();

	*one = 1;
	*two = 2;
	write_cr4(cr4 | CR4_PGE);
	page_map(va, (u64)one, PTE_P | PTE_W | PTE_G);
	report_eq(*(live u64 *)va, 1, "a global page");
	*page_entry(va, 1) = (u64)two | PTE_P | PTE_W | PTE_G;
	write_cr4(cr4);
	report_eq(*(live u64 *)va, 2, "CR4.PGE flushes global pages");
}

static void no_execute(void)
{
	u8 *code = page_alloc();
	u64 va = AREA + 0x50000;
	u64 efer = rdmsr(MSR_EFER);

	code[0] = 0xc3;
	page_map(va, (u64)code, PTE_P | PTE_NX);
	report_eq(try_read(va), NO_TRAP, "NX: read");
	report_eq(catch_call((void (*)(void *))va, NULL), VEC_PF, "NX: execute: #PF");
	report_eq(trap.error, PF_P | PF_I, "NX: error code");
	wrmsr(MSR_EFER, efer & ~EFER_NXE);
	write_cr3(read_cr3());
	report_eq(try_read(va), VEC_PF, "NX is reserved without EFER.NXE: #PF");
	report(trap.error & PF_RSVD, "its error code");
	wrmsr(MSR_EFER, efer);
	page_map(va, (u64)code, PTE_P);
	report_eq(catch_call((void (*)(void *))va, NULL), NO_TRAP, "no NX: execute");
}

static void smep(void)
{
	u8 *code = page_alloc();
	u64 va = AREA + 0x60000;

	if (!(cpuid7_ebx() & BIT(7))) {
		report_skip("no SMEP", "SMEP");
		return;
	}
	code[0] = 0xc3;
	page_map(va, (u64)code, PTE_P | PTE_U);
	report_eq(catch_call((void (*)(void *))va, NULL), NO_TRAP, "without SMEP");
	page_user(false);
	write_cr4(read_cr4() | CR4_SMEP);
	report_eq(catch_call((void (*)(void *))va, NULL), VEC_PF, "SMEP: user code: #PF");
	report_eq(trap.error, PF_P | PF_I, "SMEP: error code");
	write_cr4(read_cr4() & ~CR4_SMEP);
	page_user(true);
}

static void smap(void)
{
	u64 *data = page_alloc(), va = AREA + 0x70000;

	if (!(cpuid7_ebx() & BIT(20))) {
		report_skip("no SMAP", "SMAP");
		return;
	}
	page_map(va, (u64)data, PTE_P | PTE_W | PTE_U);
	page_user(false);
	write_cr4(read_cr4() | CR4_SMAP);
	report_eq(try_read(va), VEC_PF, "SMAP: user data: #PF");
	report_eq(trap.error, PF_P, "SMAP: error code");
	asm volatile("stac");
	report_eq(try_read(va), NO_TRAP, "SMAP: with AC");
	asm volatile("clac");
	/*
	 * The hypervisor walks these tables too, at an exit: AC counts for the guest's own
	 * accesses only.
	 */
	page_map(va, 0xd0000000, PTE_P | PTE_W | PTE_U);
	report_eq(try_read(va), VEC_PF, "SMAP: MMIO: #PF");
	write_cr4(read_cr4() & ~CR4_SMAP);
	page_user(true);
}

static void user_pages(void)
{
	u64 va = AREA + 0x80000;

	page_map(va, (u64)page_alloc(), PTE_P | PTE_W);
	report_eq(user_run(touch_user, (void *)va, 0), VEC_PF, "user mode, kernel page: #PF");
	report_eq(trap.error, PF_P | PF_U, "its error code");
	page_map(va, (u64)page_alloc(), PTE_P | PTE_W | PTE_U);
	report_eq(user_run(touch_user, (void *)va, 0), 0x80, "user mode, user page");
	*page_entry(va, 4) &= ~PTE_U;
	write_cr3(read_cr3());
	report_eq(user_run(touch_user, (void *)va, 0), VEC_PF, "no U at the top: #PF");
	*page_entry(va, 4) |= PTE_U;
	write_cr3(read_cr3());
}

/* MOV EAX, n; RET: written, executed, changed, executed. */
static void self_modifying(void)
{
	u8 *code = page_alloc();
	u32 got, bad = 0;

	memcpy(code, "\xb8\x00\x00\x00\x00\xc3", 6);
	for (u32 i = 0; i < 1000; i++) {
		*(live u32 *)(code + 1) = i;
		asm volatile("call *%1" : "=a"(got) : "r"(code) : "memory");
		bad += got != i;
	}
	report_eq(bad, 0, "code that changes, 1000 times");
	bad = 0;
	for (u32 i = 0; i < 64; i++) {
		u8 *fresh = (u8 *)(0x1800000 + i * PAGE_SIZE + 4094);

		memcpy(fresh, "\xb8\x00\x00\x00\x00\xc3", 6);
		*(live u32 *)(fresh + 1) = i;
		asm volatile("call *%1" : "=a"(got) : "r"(fresh) : "memory");
		bad += got != i;
	}
	report_eq(bad, 0, "code over two pages never used before");
}

/* Two address spaces, switched often, with something else at one address. */
static void address_spaces(void)
{
	u64 va = AREA + 0x90000, old = read_cr3();
	u64 *other = page_alloc();
	u64 *one = page_alloc(), *two = page_alloc();
	u32 bad = 0;

	page_map(va, (u64)one, PTE_P | PTE_W);
	memcpy(other, (void *)old, PAGE_SIZE);
	other[va >> 39] = 0;
	write_cr3((u64)other);
	page_map(va, (u64)two, PTE_P | PTE_W);
	for (u64 i = 0; i < 200; i++) {
		write_cr3(i & 1 ? (u64)other : old);
		*(live u64 *)va = i;
		if (!(i % 16))
			in8(SERIAL_PORT + 7);
		bad += *(i & 1 ? two : one) != i;
	}
	write_cr3(old);
	report_eq(bad, 0, "two address spaces, 200 switches");
}

u64 five_levels_call(u64 (*fn)(void), u64 pml5);

/* An address that only five levels reach. */
#define HIGH 0x00f0000000001000ULL

static u64 with_five_levels(void)
{
	live u64 *high = (u64 *)HIGH;
	u64 result = !!(read_cr4() & CR4_LA57);

	*high = 0x5555;
	cpuid(0, 0);
	in8(SERIAL_PORT + 7);
	apic_read(APIC_ID);
	return *high == 0x5555 ? result : 0;
}

static void five_levels(void)
{
	u64 *pml5, *pml4, *pdpt, *pd, *pt, *page;

	if (!(cpuid7_ecx() & BIT(16))) {
		report_skip("no LA57", "five levels");
		return;
	}
	pml5 = page_alloc();
	pml4 = page_alloc();
	pdpt = page_alloc();
	pd = page_alloc();
	pt = page_alloc();
	page = page_alloc();
	pml5[0] = read_cr3() | PTE_P | PTE_W | PTE_U;
	pml5[HIGH >> 48 & 511] = (u64)pml4 | PTE_P | PTE_W;
	pml4[HIGH >> 39 & 511] = (u64)pdpt | PTE_P | PTE_W;
	pdpt[HIGH >> 30 & 511] = (u64)pd | PTE_P | PTE_W;
	pd[HIGH >> 21 & 511] = (u64)pt | PTE_P | PTE_W;
	pt[HIGH >> 12 & 511] = (u64)page | PTE_P | PTE_W;
	report_eq(five_levels_call(with_five_levels, (u64)pml5), 1, "five levels");
	report_eq(*page, 0x5555, "written through five levels");
	report(!(read_cr4() & CR4_LA57), "back to four");
}

void guest_main(void)
{
	apic_enable();
	sizes();
	accessed_dirty();
	invalidate();
	test_global();
	no_execute();
	user_pages();
	self_modifying();
	address_spaces();
	smep();
	smap();
	five_levels();
}
