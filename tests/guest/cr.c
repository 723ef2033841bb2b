// SPDX-License-Identifier: GPL-2.0-only
/* Control registers: an illegal value gives #GP and changes nothing, a legal one takes effect. */
#include "guest.h"

static void refuse_cr0(u64 value, const char *what)
{
	u64 before = read_cr0();

	trap.error = 0;
	report_known(write_cr0_safe(value), VEC_GP,
		     value >> 32 ? tcg_fault("QEMU's TCG ignores CR0[63:32]") : NULL,
		     "CR0: %s: #GP", what);
	report_eq(trap.error, 0, "CR0: %s: error code", what);
	report_eq(read_cr0(), before, "CR0: %s: nothing changed", what);
	write_cr0(before);
}

static void refuse_cr4(u64 value, const char *what)
{
	u64 before = read_cr4();

	report_known(write_cr4_safe(value), VEC_GP,
		     value >> 32 ? kvm_fault("KVM's emulator drops CR4[63:32]") : NULL,
		     "CR4: %s: #GP", what);
	report_eq(read_cr4(), before, "CR4: %s: nothing changed", what);
	write_cr4(before);
}

static void cr0_illegal(void)
{
	u64 cr0 = read_cr0();

	refuse_cr0(cr0 & ~CR0_PE, "PG without PE");
	refuse_cr0((cr0 & ~CR0_CD) | CR0_NW, "NW without CD");
	refuse_cr0(cr0 | BIT(32), "bit 32");
	refuse_cr0(cr0 | BIT(63), "bit 63");
	refuse_cr0(cr0 & ~CR0_PG, "PG off in 64-bit mode");
}

static void cr0_legal(void)
{
	u64 cr0 = read_cr0(), msw;

	write_cr0(cr0 | CR0_CD);
	report_eq(read_cr0(), cr0 | CR0_CD, "CR0.CD can be set");
	write_cr0(cr0 | CR0_CD | CR0_NW);
	report_eq(read_cr0(), cr0 | CR0_CD | CR0_NW, "CR0.NW can be set with CD");
	write_cr0(cr0 ^ CR0_AM);
	report_eq(read_cr0(), cr0 ^ CR0_AM, "CR0.AM can be changed");
	write_cr0(cr0 ^ CR0_MP);
	report_eq(read_cr0(), cr0 ^ CR0_MP, "CR0.MP can be changed");
	write_cr0(cr0);
	report_eq(read_cr0(), cr0, "CR0 is as before");

	asm volatile("lmsw %w0" : : "r"(CR0_TS));
	report_eq(read_cr0() & 0xf, CR0_PE | CR0_TS, "LMSW sets TS and cannot clear PE");
	asm volatile("smsw %0" : "=r"(msw));
	report_eq(msw & 0xffff, read_cr0() & 0xffff, "SMSW reads CR0");
	asm volatile("clts");
	report_eq(read_cr0() & 0xf, CR0_PE, "CLTS");
	write_cr0(cr0);
}

static void task_switched(void)
{
	u64 cr0 = read_cr0();

	write_cr0(cr0 | CR0_TS);
	report_eq(attempt("fnop", :), VEC_NM, "x87 with TS: #NM");
	report_eq(attempt("movd %%xmm0, %%eax", : : : "eax"), VEC_NM, "SSE with TS: #NM");
	report_eq(attempt("fwait", :), VEC_NM, "FWAIT with TS and MP: #NM");
	write_cr0((cr0 | CR0_TS) & ~CR0_MP);
	report_eq(attempt("fwait", :), NO_TRAP, "FWAIT with TS without MP");
	write_cr0(cr0 | CR0_EM);
	report_eq(attempt("fnop", :), VEC_NM, "x87 with EM: #NM");
	report_eq(attempt("movd %%xmm0, %%eax", : : : "eax"), VEC_UD, "SSE with EM: #UD");
	write_cr0(cr0);
	report_eq(attempt("fnop", :), NO_TRAP, "x87 without");
}

static unsigned int store(live u64 *to, u64 value)
{
	return attempt("mov %1, (%0)", : : "r"(to), "r"(value) : "memory");
}

static void write_protect(void)
{
	live u64 *page = page_alloc();
	u64 cr0 = read_cr0();

	page_map((u64)page, (u64)page, PTE_P | PTE_U);
	report_eq(store(page, 1), VEC_PF, "WP: write to a read-only page: #PF");
	report_eq(trap.error, PF_P | PF_W, "WP: error code");
	report_eq(trap.cr2, (u64)page, "WP: CR2");
	write_cr0(cr0 & ~CR0_WP);
	report_eq(store(page, 2), NO_TRAP, "no WP: write to a read-only page");
	report_eq(*page, 2, "no WP: it is written");
	write_cr0(cr0);
	report_eq(store(page, 3), VEC_PF, "WP again: #PF again");
	report_eq(*page, 2, "WP again: not written");
	page_map((u64)page, (u64)page, PTE_P | PTE_U | PTE_W);
}

static const struct {
	u64 bit;
	unsigned int leaf;
	char reg;
	u32 feature;
	const char *name;
} cr4_bits[] = {
	{ CR4_UMIP, 7, 'c', BIT(2), "UMIP" },	 { CR4_VMXE, 1, 'c', BIT(5), "VMXE" },
	{ BIT(14), 1, 'c', BIT(6), "SMXE" },	 { CR4_FSGSBASE, 7, 'b', BIT(0), "FSGSBASE" },
	{ CR4_PCIDE, 1, 'c', BIT(17), "PCIDE" }, { CR4_OSXSAVE, 1, 'c', BIT(26), "OSXSAVE" },
	{ CR4_SMEP, 7, 'b', BIT(7), "SMEP" },	 { CR4_PKE, 7, 'c', BIT(3), "PKE" },
};

/* The code's own pages are user pages, so SMAP and SMEP are tested only if CPUID lacks them. */
static void cr4_features(void)
{
	u64 cr4 = read_cr4();

	for (unsigned int i = 0; i < ARRAY_SIZE(cr4_bits); i++) {
		u64 bit = cr4_bits[i].bit;
		u32 have = cr4_bits[i].leaf == 1  ? cpuid(1, 0).ecx :
			   cr4_bits[i].reg == 'b' ? cpuid7_ebx() :
						    cpuid7_ecx();

		if (!(have & cr4_bits[i].feature)) {
			refuse_cr4(cr4 | bit, cr4_bits[i].name);
			continue;
		}
		if (bit == CR4_SMEP)
			continue;
		report_eq(write_cr4_safe(cr4 | bit), NO_TRAP, "CR4.%s can be set",
			  cr4_bits[i].name);
		report_eq(read_cr4(), cr4 | bit, "CR4.%s reads back", cr4_bits[i].name);
		write_cr4(cr4);
	}
}

static void cr4_illegal(void)
{
	u64 cr4 = read_cr4();

	refuse_cr4(cr4 | BIT(31), "bit 31");
	refuse_cr4(cr4 | BIT(63), "bit 63");
	refuse_cr4(cr4 | BIT(15), "bit 15");
	refuse_cr4(cr4 & ~CR4_PAE, "PAE off in long mode");
	refuse_cr4(cr4 ^ CR4_LA57, "LA57 changed in long mode");
	if (cpuid(1, 0).ecx & BIT(17)) {
		write_cr3(read_cr3() | 0x18);
		refuse_cr4(cr4 | CR4_PCIDE, "PCIDE with CR3[11:0] not 0");
		write_cr3(read_cr3() & PTE_ADDRESS);
	} else {
		report_skip("no PCID", "CR4: PCIDE with CR3[11:0] not 0: #GP");
	}
}

static void cr3(void)
{
	static const char fault[] = "QEMU's TCG answers with a failed VM entry";
	u64 old = read_cr3();

	if (host_is_tcg()) {
		report_skip(fault, "CR3: past the physical address: #GP");
		report_skip(fault, "CR3: bit 62: #GP");
	} else {
		report_eq(write_cr3_safe(old | BIT(physical_bits())), VEC_GP,
			  "CR3: past the physical address: #GP");
		report_eq(read_cr3(), old, "CR3: nothing changed");
		report_eq(write_cr3_safe(old | BIT(62)), VEC_GP, "CR3: bit 62: #GP");
		report_eq(read_cr3(), old, "CR3: nothing changed");
	}
	write_cr3(old | 0x18);
	report_eq(read_cr3(), old | 0x18, "CR3: PWT and PCD read back");
	write_cr3(old);
}

static void pcid(void)
{
	u64 cr3 = read_cr3(), cr4 = read_cr4();

	if (!(cpuid(1, 0).ecx & BIT(17))) {
		report_skip("no PCID", "PCID");
		return;
	}
	write_cr4(cr4 | CR4_PCIDE);
	report_eq(write_cr3_safe(cr3 | 5), NO_TRAP, "CR3 with a PCID");
	report_eq(read_cr3(), cr3 | 5, "the PCID reads back");
	report_eq(write_cr3_safe(cr3 | 6 | BIT(63)), NO_TRAP, "CR3 with bit 63: no flush");
	report_eq(read_cr3(), cr3 | 6, "bit 63 is not kept");
	write_cr3(cr3);
	write_cr4(cr4);
}

static void cr8(void)
{
	const char *excuse = tcg_fault("QEMU's TCG takes any CR8");

	apic_enable();
	for (u64 i = 0; i < 16; i++) {
		write_cr8(i);
		if (read_cr8() != i || apic_read(APIC_TPR) != i << 4)
			break;
		if (i == 15)
			report(true, "CR8 is TPR's upper half");
	}
	if (read_cr8() != 15)
		report(false, "CR8 is TPR's upper half");
	apic_write(APIC_TPR, 0x57);
	report_eq(read_cr8(), 5, "TPR shows in CR8");
	if (report_known(write_cr8_safe(16), VEC_GP, excuse, "CR8: bit 4: #GP"))
		report_eq(read_cr8(), 5, "CR8: nothing changed");
	report_known(write_cr8_safe(BIT(63)), VEC_GP, excuse, "CR8: bit 63: #GP");
	write_cr8(0);
	report_eq(apic_read(APIC_TPR), 0, "CR8 clears all of TPR");
}

static void others(void)
{
	u64 value = 0;

	write_cr2(0xfedcba9876543210);
	cpuid(0, 0);
	in8(SERIAL_PORT + 7);
	report_eq(read_cr2(), 0xfedcba9876543210, "CR2 survives exits");
	report_eq(attempt("mov %%cr1, %0", : "=r"(value)), VEC_UD, "CR1: #UD");
	report_eq(attempt("mov %%cr5, %0", : "=r"(value)), VEC_UD, "CR5: #UD");
	report_eq(attempt("mov %%cr15, %0", : "=r"(value)), VEC_UD, "CR15: #UD");
	report_eq(attempt("mov %0, %%cr7", : : "r"(0UL)), VEC_UD, "MOV to CR7: #UD");
	(void)value;
}

static void user_cr0(void *arg)
{
	(void)arg;
	read_cr0();
}

static void user_cr4(void *arg)
{
	(void)arg;
	write_cr4(0);
}

static void user_cr8(void *arg)
{
	(void)arg;
	write_cr8(3);
}

static void user_clts(void *arg)
{
	(void)arg;
	asm volatile("clts");
}

static void user_tsc(void *arg)
{
	(void)arg;
	read_tsc();
}

static void user_mode(void)
{
	u64 cr4 = read_cr4();

	report_eq(user_run(user_cr0, NULL, 0), VEC_GP, "user mode: read CR0: #GP");
	report_eq(user_run(user_cr4, NULL, 0), VEC_GP, "user mode: write CR4: #GP");
	report_eq(read_cr4(), cr4, "user mode: CR4 is as before");
	report_eq(user_run(user_cr8, NULL, 0), VEC_GP, "user mode: write CR8: #GP");
	report_eq(user_run(user_clts, NULL, 0), VEC_GP, "user mode: CLTS: #GP");
	report_eq(user_run(user_tsc, NULL, 0), 0x80, "user mode: RDTSC");
	write_cr4(cr4 | CR4_TSD);
	report_eq(user_run(user_tsc, NULL, 0), VEC_GP, "user mode: RDTSC with TSD: #GP");
	report_eq(attempt("rdtsc", : : : "rax", "rdx"), NO_TRAP, "kernel: RDTSC with TSD");
	write_cr4(cr4);
}

void guest_main(void)
{
	cr0_illegal();
	cr0_legal();
	task_switched();
	write_protect();
	cr4_features();
	cr4_illegal();
	cr3();
	pcid();
	cr8();
	others();
	user_mode();
}
