// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware tasks in 32-bit protected mode: nested tasks, task gates for all kinds of events,
 * both kinds of TSS, and tasks that cannot be loaded.
 */
#include "guest.h"
#include "tasks.h"

#define SEL_CODE16_MOVED 0x60
#define SEL_MAIN 0x68
#define SEL_OTHER 0x70
#define V86_PAGE 0x30000U
#define LOW_STACK 0x7000

#define EFLAGS_NT BIT(14)
#define EFLAGS_VM BIT(17)
#define DR6_BT BIT(15)

#define INTACT 0x55aa55aa

struct task ts_main __attribute__((aligned(128)));
static struct task other __attribute__((aligned(128)));
static struct task16 other16 __attribute__((aligned(64)));
static u8 stack0[4096] __attribute__((aligned(16)));
static u8 stack[4096] __attribute__((aligned(16)));
static u64 idt32[64] __attribute__((aligned(16)));

static u64 descriptor(u64 base, u32 limit, u8 access, u8 flags)
{
	return (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)access << 40 |
	       (u64)(limit >> 16 & 0xf) << 48 | (u64)flags << 52 | (base >> 24 & 0xff) << 56;
}

static void task_gate(unsigned int vector)
{
	idt32[vector] = SEL_OTHER << 16 | 0x85ULL << 40;
}

/* Set interrupt gates everywhere, and a valid task of each kind. */
static void start(void)
{
	for (unsigned int i = 0; i < 64; i++) {
		u64 stub = (u64)ts_stubs + i * 16;

		idt32[i] = (stub & 0xffff) | SEL_CODE32 << 16 | 0x8eULL << 40 | (stub >> 16) << 48;
	}
	ts_idtr.base = (u64)idt32;
	ts_main = (struct task){
		.esp0 = (u64)stack0 + sizeof(stack0),
		.ss0 = SEL_DATA,
		.iomap_base = sizeof(struct task),
	};
	other = (struct task){
		.esp0 = (u64)stack0 + sizeof(stack0),
		.ss0 = SEL_DATA,
		.eip = (u64)ts_other,
		.eflags = 2,
		.esp = (u64)stack + sizeof(stack) - 16,
		.es = SEL_DATA,
		.cs = SEL_CODE32,
		.ss = SEL_DATA,
		.ds = SEL_DATA,
		.iomap_base = sizeof(struct task),
	};
	gdt[SEL_SPARE / 8] = 0x00cf73000000ffff; /* not present */
	gdt[SEL_MAIN / 8] = descriptor((u64)&ts_main, sizeof(ts_main) - 1, 0x89, 0);
	gdt[SEL_OTHER / 8] = descriptor((u64)&other, sizeof(other) - 1, 0x89, 0);
	ts_vector = NO_TRAP;
	ts_count = 0;
	ts_skip = 0;
	ts_pop = 0;
	ts_pushed = 0;
}

static u8 access_of(u16 selector)
{
	return ((live u8 *)gdt)[selector + 5];
}

/* Run the case: the other task must have run @count times, and all state must be as before. */
static bool switched(void (*fn)(void), u32 count, const char *what)
{
	u32 got = protected_call(fn, 0);

	report_eq(ts_vector, NO_TRAP, "%s: no exception", what);
	report(ts_count == count && got == INTACT, "%s: there and back", what);
	return report(access_of(SEL_MAIN) == 0x8b && access_of(SEL_OTHER) == 0x89,
		      "%s: one task is busy", what);
}

static void nested(void)
{
	start();
	switched(ts_call, 1, "CALL");
	report_eq(other.link, SEL_MAIN, "CALL: the link");
	report_eq(ts_tr, SEL_OTHER, "CALL: TR");
	report(ts_in_eflags & EFLAGS_NT, "CALL: NT inside");
	report(!(ts_back & EFLAGS_NT) && !(other.eflags & EFLAGS_NT), "CALL: no NT after IRET");
	report_eq(ts_main_access, 0x8b, "CALL: the first task stays busy");
	report_eq(ts_saved_eip, (u64)ts_call_at + 7, "CALL: EIP is behind it");
	/* The task's EIP is behind the IRET, where its loop starts again. */
	gdt[SEL_MAIN / 8] = descriptor((u64)&ts_main, sizeof(ts_main) - 1, 0x89, 0);
	switched(ts_call, 2, "a second CALL");
}

static void software_gates(void)
{
	start();
	task_gate(0x31);
	switched(ts_int, 1, "INT n");
	report_eq(ts_saved_eip, (u64)ts_int_at + 2, "INT n: EIP is behind it");
	start();
	task_gate(VEC_BP);
	switched(ts_int3, 1, "INT3");
	report_eq(ts_saved_eip, (u64)ts_int3_at + 1, "INT3: EIP is behind it");
}

static void exception_gates(void)
{
	start();
	task_gate(VEC_UD);
	ts_skip = 2;
	switched(ts_undefined, 1, "#UD");
	report_eq(ts_saved_eip, (u64)ts_undefined_at, "#UD: EIP is at the instruction");
	report_known(ts_saved_eflags & RFLAGS_RF, RFLAGS_RF, tcg_fault("QEMU's TCG saves no RF"),
		     "#UD: RF is saved");
	start();
	task_gate(VEC_NP);
	ts_skip = 2;
	ts_pop = 4;
	switched(ts_load, 1, "#NP");
	report_eq(ts_saved_eip, (u64)ts_load_at + 5, "#NP: EIP is at the instruction");
	report_eq(ts_pushed, SEL_SPARE, "#NP: its error code is pushed");
	start();
	task_gate(VEC_DF);
	idt32[VEC_UD] = 0;
	idt32[VEC_GP] = 0;
	ts_skip = 2;
	ts_pop = 4;
	ts_pushed = 1;
	switched(ts_undefined, 1, "#DF");
	report_eq(ts_pushed, 0, "#DF: its error code is pushed");
}

static void interrupt_gates(void)
{
	start();
	task_gate(0x30);
	apic_self_ipi(0x30);
	switched(ts_interrupt, 1, "interrupt");
	report_eq(ts_saved_eip, (u64)ts_interrupt_due, "interrupt: EIP is where it came");
	report(!(ts_in_eflags & RFLAGS_IF), "interrupt: IF is the other task's");
	report(apic_test(APIC_ISR, 0x30), "interrupt: in service");
	apic_write(APIC_EOI, 0);
	start();
	task_gate(VEC_NMI);
	switched(ts_nmi, 1, "NMI");
	/* The IRET of the task has unblocked NMIs. */
	gdt[SEL_MAIN / 8] = descriptor((u64)&ts_main, sizeof(ts_main) - 1, 0x89, 0);
	switched(ts_nmi, 2, "a second NMI");
}

static void task_16bit(void)
{
	start();
	other16 = (struct task16){
		.flags = 2,
		.sp = LOW_STACK,
		.es = SEL_DATA,
		.cs = SEL_CODE16_MOVED,
		.ss = SEL_DATA16,
		.ds = SEL_DATA,
	};
	gdt[SEL_CODE16_MOVED / 8] = descriptor((u64)ts_other16, 0xffff, 0x9b, 4);
	gdt[SEL_OTHER / 8] = descriptor((u64)&other16, sizeof(other16) - 1, 0x81, 0);
	report_eq(protected_call(ts_call, 0), INTACT, "16-bit TSS: there and back");
	report_eq(ts_vector, NO_TRAP, "16-bit TSS: no exception");
	report_eq(ts_count, 1, "16-bit TSS: the task has run");
	report_eq(ts_pushed & 0xffff, LOW_STACK, "16-bit TSS: SP");
	report_eq(other16.link, SEL_MAIN, "16-bit TSS: the link");
	report_eq(other16.ip, ts_other16_end - ts_other16, "16-bit TSS: IP is saved");
	report_eq(other16.cs, SEL_CODE16_MOVED, "16-bit TSS: CS is saved");
	report_eq(access_of(SEL_OTHER), 0x81, "16-bit TSS: no longer busy");
}

/* Switch to a task in ring 3 with a wrong field; the handler runs in its context. */
static void bad(u32 *field, u32 value, u32 vector, const char *what)
{
	u32 got;

	start();
	other.cs = SEL_USER_CODE32;
	other.ss = SEL_USER_DATA;
	other.ds = SEL_USER_DATA;
	other.es = SEL_USER_DATA;
	*field = value;
	got = protected_call(ts_call, 0);
	report_eq(ts_vector, vector, "%s", what);
	report_eq(ts_error, value & 0xfffc, "%s: error code", what);
	report_eq(ts_tr, SEL_OTHER, "%s: in the new task", what);
	report_known(ts_eip, (u64)ts_other, tcg_fault("QEMU's TCG takes the old task's EIP"),
		     "%s: EIP", what);
	report_eq(got, INTACT, "%s: and back", what);
}

static void bad_tasks(void)
{
	bad(&other.ds, SEL_DATA, VEC_TS, "DS out of reach: #TS");
	bad(&other.es, 0xff8, VEC_TS, "ES past the GDT: #TS");
	bad(&other.fs, SEL_SPARE | 3, VEC_NP, "FS, segment not present: #NP");
	/* The privilege level and the stack with which the handlers begin. */
	if (host_is_tcg()) {
		report_skip("QEMU's TCG begins them at CPL 0 with a 16-bit stack",
			    "bad CS, SS and LDTR: #TS");
		return;
	}
	bad(&other.ss, 3, VEC_TS, "null SS: #TS");
	bad(&other.ss, SEL_DATA | 3, VEC_TS, "SS of another privilege: #TS");
	bad(&other.cs, 3, VEC_TS, "null CS: #TS");
	bad(&other.cs, SEL_DATA | 3, VEC_TS, "CS of a data segment: #TS");
	bad(&other.ldt, SEL_DATA, VEC_TS, "LDTR of a data segment: #TS");
}

static void refused(u64 tss, u32 vector, const char *what)
{
	start();
	gdt[SEL_OTHER / 8] = tss;
	protected_call(ts_call, 0);
	report_eq(ts_vector, vector, "%s", what);
	report_eq(ts_error, SEL_OTHER, "%s: error code", what);
	report(ts_tr == SEL_MAIN && ts_eip == (u64)ts_call_at, "%s: in the old task", what);
}

static void refused_tasks(void)
{
	u64 base = (u64)&other;

	refused(descriptor(base, sizeof(other) - 1, 0x8b, 0), VEC_GP, "a busy task: #GP");
	refused(descriptor(base, sizeof(other) - 1, 0x09, 0), VEC_NP, "TSS not present: #NP");
	refused(descriptor(base, sizeof(other) - 2, 0x89, 0), VEC_TS, "TSS too short: #TS");
}

static void virtual_8086(void)
{
	live u8 *page = (u8 *)(u64)V86_PAGE;

	memset((void *)page, 0, 512);
	memcpy((void *)page, ts_v86_code, (u64)ts_v86_code_end - (u64)ts_v86_code);
	start();
	other.eflags = EFLAGS_VM | 2;
	other.cs = V86_PAGE >> 4;
	other.eip = 0;
	other.ss = LOW_STACK >> 4;
	other.esp = 0x4242;
	other.ds = 0;
	other.es = 0;
	report_eq(protected_call(ts_call, 0), INTACT, "virtual-8086 task: there and back");
	report_eq(ts_vector, VEC_GP, "virtual-8086 task: HLT is #GP");
	report(ts_eflags & EFLAGS_VM && ts_eflags & EFLAGS_NT, "virtual-8086 task: VM and NT");
	report_eq(*(live u16 *)(page + 0x100), 0x4242, "virtual-8086 task: SP");
}

static void trap_bit(void)
{
	start();
	other.trap = 1;
	report_eq(protected_call(ts_call, 0), INTACT, "T bit: there and back");
	if (report_known(ts_vector, VEC_DB, tcg_fault("QEMU's TCG has no T bit"), "T bit: #DB"))
		report_known(ts_dr6 & DR6_BT, DR6_BT,
			     bochs_svm_fault("Bochs' SVM loses what a #DB sets in DR6"),
			     "T bit: DR6.BT");
	report_eq(ts_count, 1, "T bit: the task has run");
}

#define HIGH 0x80000000ULL

/* Make tables that map each page to itself, but for one. */
static u64 pae_tables(u32 value)
{
	u64 *pdpt = page_alloc(), *pd = pages_alloc(4), *table = page_alloc();
	u32 *page = page_alloc();

	for (u64 i = 0; i < 4; i++)
		pdpt[i] = ((u64)pd + i * PAGE_SIZE) | PTE_P;
	for (u64 i = 0; i < 2048; i++)
		pd[i] = i << 21 | PTE_P | PTE_W | PTE_PS;
	pd[HIGH >> 21] = (u64)table | PTE_P | PTE_W;
	table[0] = (u64)page | PTE_P | PTE_W;
	*page = value;
	return (u64)pdpt;
}

static void address_spaces(void)
{
	start();
	ts_main.cr3 = pae_tables(0x1111);
	other.cr3 = pae_tables(0x2222);
	report_eq(protected_call(ts_paging, 0), 0, "paging: its page again after the switch");
	report_eq(ts_vector, NO_TRAP, "paging: no exception");
	report_eq(ts_count, 1, "paging: the other task has run");
	report_eq(ts_high, 0x2222, "paging: in an address space of its own");
}

void guest_main(void)
{
	apic_enable();
	nested();
	software_gates();
	exception_gates();
	interrupt_gates();
	task_16bit();
	refused_tasks();
	virtual_8086();
	trap_bit();
	address_spaces();
	bad_tasks();
}
