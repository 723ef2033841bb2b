// SPDX-License-Identifier: GPL-2.0-only
/*
 * 32-bit protected mode: exceptions, interrupts, 16-bit segments, hardware tasks,
 * virtual-8086 mode, and both kinds of paging without long mode.
 */
#include "guest.h"
#include "protmode.h"

#define NONE 0xffffffff
#define SEL_CODE16_MOVED 0x60
#define SEL_TASK 0x68
#define SEL_OTHER_TASK 0x70
#define V86_PAGE 0x30000ULL

struct task {
	u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
	u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, iomap_base;
	u8 iomap[1024 + 1];
} __attribute__((packed));

static struct task task __attribute__((aligned(2048)));
static struct task other __attribute__((aligned(2048)));
static u8 ring0_stack[4096] __attribute__((aligned(16)));
static u8 other_stack[4096] __attribute__((aligned(16)));
static u64 idt32[256] __attribute__((aligned(16)));

static u64 descriptor(u64 base, u32 limit, u8 access, u8 flags)
{
	return (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)access << 40 |
	       (u64)(limit >> 16 & 0xf) << 48 | (u64)flags << 52 | (base >> 24 & 0xff) << 56;
}

static void prepare(void)
{
	for (unsigned int i = 0; i < 64; i++) {
		u64 stub = (u64)pm_stubs + i * 16;

		idt32[i] = (stub & 0xffff) | SEL_CODE32 << 16 | 0x8eULL << 40 | (stub >> 16) << 48;
	}
	pm_idtr.base = (u64)idt32;
	gdt[SEL_SPARE / 8] = 0x00cf13000000ffff; /* not present */
	gdt[SEL_CODE16_MOVED / 8] = descriptor((u64)pm_code16, 0xffff, 0x9b, 0);
}

static void one(void (*fn)(void), u32 arg, u32 vector, u32 error, const char *what)
{
	u32 got = protected_call(fn, arg);

	if (!report_eq(got, vector, "%s", what) || vector == NONE)
		return;
	report_eq(pm_error, error, "%s: error code", what);
	report_eq(pm_eip, pm_expected, "%s: EIP", what);
}

static void exceptions(void)
{
	one(pm_undefined, 0, VEC_UD, 0, "UD2");
	one(pm_divide, 0, VEC_DE, 0, "DIV by zero");
	one(pm_breakpoint, 0, VEC_BP, 0, "INT3");
	one(pm_overflow, 0, VEC_OF, 0, "INTO");
	one(pm_load_ds, SEL_SPARE, VEC_NP, SEL_SPARE, "DS, segment not present");
	one(pm_load_ds, 0xff8, VEC_GP, 0xff8, "DS past the GDT");
	one(pm_load_ds, SEL_DATA, NONE, 0, "DS, good");
	one(pm_load_ss, SEL_SPARE, VEC_SS, SEL_SPARE, "SS, segment not present");
	one(pm_load_ss, 0, VEC_GP, 0, "SS, null");
	one(pm_rdmsr, 0xdead0000, VEC_GP, 0, "RDMSR of nothing");
}

static void test_interrupt(void)
{
	apic_self_ipi(0x30);
	report_eq(protected_call(pm_interrupt, 0), 0x30, "an interrupt in protected mode");
	report_eq(pm_eip, pm_expected, "its return address");
	report(pm_eflags & RFLAGS_IF && !(pm_eflags_in & RFLAGS_IF), "IF as pushed and inside");
	apic_write(APIC_EOI, 0);
}

static void segments(void)
{
	report_eq(protected_call(pm_16bit, 0), cpuid(0, 0).ebx,
		  "CPUID in a 16-bit segment with a base");
}

static void tasks(void)
{
	task.iomap_base = offsetof(struct task, iomap);
	task.esp0 = (u64)ring0_stack + sizeof(ring0_stack);
	task.ss0 = SEL_DATA;
	other = (struct task){
		.cr3 = read_cr3(),
		.eip = (u64)pm_other_task,
		.eflags = 2,
		.esp = (u64)other_stack + sizeof(other_stack),
		.es = SEL_DATA,
		.cs = SEL_CODE32,
		.ss = SEL_DATA,
		.ds = SEL_DATA,
		.iomap_base = offsetof(struct task, iomap),
	};
	task.cr3 = read_cr3();
	gdt[SEL_TASK / 8] = descriptor((u64)&task, sizeof(task) - 1, 0x89, 0);
	gdt[SEL_OTHER_TASK / 8] = descriptor((u64)&other, sizeof(other) - 1, 0x89, 0);
	report_eq(protected_call(pm_task, 0), 0x55aa55aa, "a task comes back with its registers");
	report_eq(pm_count, 1, "the other task has run");
	report_eq(pm_back, SEL_TASK, "TR is the first task's again");
	report_eq(gdt[SEL_TASK / 8] >> 40 & 0xff, 0x8b, "its descriptor is busy");
	report_eq(gdt[SEL_OTHER_TASK / 8] >> 40 & 0xff, 0x89, "the other's is not");
}

/* CPUID and ports exit from virtual-8086 mode; HLT there is a #GP. */
static void virtual_8086(void)
{
	live u8 *page = (u8 *)V86_PAGE;

	memset((void *)page, 0, 512);
	memcpy((void *)page, pm_v86_code, (u64)pm_v86_code_end - (u64)pm_v86_code);
	gdt[SEL_TASK / 8] = descriptor((u64)&task, sizeof(task) - 1, 0x89, 0);
	report_eq(protected_call(pm_v86, V86_PAGE), VEC_GP, "virtual-8086 mode ends with HLT: #GP");
	report(pm_eflags & BIT(17), "EFLAGS.VM was set");
	report_eq(*(live u32 *)(page + 0x100), cpuid(0, 0).ebx, "CPUID in virtual-8086 mode");
	report_eq(page[0x104], 0x6b, "OUT and IN in virtual-8086 mode");
	report_eq(*(live u16 *)(page + 0x106), 0xfefe, "its stack pointer");
}

/* One linear address above all of memory, in each kind of tables. */
#define HIGH 0x80000000ULL

static void paging_32(void)
{
	u32 *directory = page_alloc(), *table = page_alloc();
	live u32 *page = page_alloc();

	for (u32 i = 0; i < 1024; i++)
		directory[i] = i << 22 | 0x83;
	directory[HIGH >> 22] = (u32)(u64)table | 3;
	table[0] = (u32)(u64)page | 3;
	*page = 0x13572468;
	pm_cr3 = (u64)directory;
	pm_cr4 = (read_cr4() & ~CR4_PAE) | BIT(4);
	report_eq(protected_call(pm_paging, HIGH), 0x13572468,
		  "32-bit paging, 4 KiB and 4 MiB pages");
	report_eq(*page, ~0x13572468U, "written through it");
	report_eq(table[0] & (PTE_A | PTE_D), PTE_A | PTE_D, "A and D");
}

static void paging_pae(void)
{
	u64 *pdpt = page_alloc(), *pd = pages_alloc(4), *table = page_alloc();
	live u32 *page = page_alloc();

	for (u64 i = 0; i < 4; i++)
		pdpt[i] = ((u64)pd + i * PAGE_SIZE) | PTE_P;
	for (u64 i = 0; i < 2048; i++)
		pd[i] = i << 21 | PTE_P | PTE_W | PTE_PS;
	pd[HIGH >> 21] = (u64)table | PTE_P | PTE_W;
	table[0] = (u64)page | PTE_P | PTE_W;
	*page = 0x24681357;
	pm_cr3 = (u64)pdpt;
	pm_cr4 = read_cr4();
	report_eq(protected_call(pm_paging, HIGH), 0x24681357, "PAE paging, 4 KiB and 2 MiB pages");
	report_eq(*page, ~0x24681357U, "written through it");
	report_eq(table[0] & (PTE_A | PTE_D), PTE_A | PTE_D, "A and D");
}

void guest_main(void)
{
	apic_enable();
	prepare();
	exceptions();
	test_interrupt();
	segments();
	tasks();
	virtual_8086();
	paging_32();
	paging_pae();
}
