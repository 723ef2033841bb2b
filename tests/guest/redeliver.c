// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events whose delivery exits half-way, because the stack, the IDT or the handler lies in memory
 * that the host has not given yet: each arrives once, with its error code and return address.
 */
#include "guest.h"

/* Memory that the guest has not touched before, one piece of 2 MiB for each event. */
#define FRESH 0x800000ULL

static u64 next_fresh = FRESH;
static live unsigned int taken;
static struct trap last;

/* Return the top of a stack in fresh memory, or 0 if there is no more. */
static u64 fresh_stack(void)
{
	u64 stack = next_fresh + LARGE_SIZE / 2;

	next_fresh += LARGE_SIZE;
	if (next_fresh > ram_end())
		return 0;
	return stack;
}

static void record(struct regs *regs)
{
	taken++;
	last.vector = regs->vector;
	last.error = regs->error;
	last.regs = *regs;
	last.cr2 = read_cr2();
	if (regs->vector >= 0x20 && regs->vector != 0x77)
		apic_write(APIC_EOI, 0);
}

/* Return behind the instruction: here all instructions that fault have two bytes. */
static void record_fault(struct regs *regs)
{
	record(regs);
	regs->rip += 2;
}

static bool prepare(unsigned int vector, trap_fn fn)
{
	u64 stack = fresh_stack();

	if (!report(stack != 0, "vector %u: fresh memory for its stack", vector))
		return false;
	tss.ist[4] = stack;
	trap_use_ist(vector, 5);
	trap_handler(vector, fn);
	taken = 0;
	return true;
}

static void done(unsigned int vector, u64 error, u64 rip)
{
	report_eq(taken, 1, "vector %u: taken once", vector);
	report_eq(last.vector, vector, "vector %u: its vector", vector);
	report_eq(last.error, error, "vector %u: its error code", vector);
	report_eq(last.regs.rip, rip, "vector %u: its return address", vector);
	trap_use_ist(vector, 0);
	trap_handler(vector, NULL);
}

static void software(void)
{
	u64 rip;

	if (prepare(0x77, record)) {
		asm volatile("int $0x77; 1: lea 1b(%%rip), %0" : "=r"(rip) : : "memory");
		done(0x77, 0, rip);
	}
	if (prepare(VEC_BP, record)) {
		asm volatile("int3; 1: lea 1b(%%rip), %0" : "=r"(rip) : : "memory");
		done(VEC_BP, 0, rip);
	}
}

static void faults(void)
{
	u64 rip;

	if (prepare(VEC_PF, record_fault)) {
		asm volatile("1: mov %%al, (%1); lea 1b(%%rip), %0"
			     : "=&r"(rip)
			     : "d"(0x7f0000001234)
			     : "memory");
		done(VEC_PF, 2, rip);
		report_eq(last.cr2, 0x7f0000001234, "vector 14: CR2");
	}
	if (prepare(VEC_GP, record_fault)) {
		asm volatile("1: mov %%ecx, %%ds; lea 1b(%%rip), %0"
			     : "=&r"(rip)
			     : "c"(0xff8)
			     : "memory");
		done(VEC_GP, 0xff8, rip);
	}
	if (prepare(VEC_UD, record_fault)) {
		asm volatile("1: ud2; lea 1b(%%rip), %0" : "=&r"(rip) : : "memory");
		done(VEC_UD, 0, rip);
	}
	if (prepare(VEC_DE, record_fault)) {
		asm volatile("1: div %%cl; lea 1b(%%rip), %0"
			     : "=&r"(rip)
			     : "a"(1), "c"(0)
			     : "memory");
		done(VEC_DE, 0, rip);
	}
}

static void step(struct regs *regs)
{
	record(regs);
	regs->rflags &= ~RFLAGS_TF;
}

static void single_step(void)
{
	u64 rip;

	if (!prepare(VEC_DB, step))
		return;
	asm volatile("pushf; orl $0x100, (%%rsp); popf; nop; 1: lea 1b(%%rip), %0"
		     : "=r"(rip)
		     :
		     : "memory", "cc");
	done(VEC_DB, 0, rip);
}

/*
 * Let in an interrupt that is pending, and return the address where it is due: at the NOP. POPF
 * has no shadow that an emulated host could forget (shadow_forgotten()).
 */
static u64 open_window(void)
{
	u64 rip;

	asm volatile("pushf; orl $0x200, (%%rsp); popf; 1: nop; cli; lea 1b(%%rip), %0"
		     : "=r"(rip)
		     :
		     : "memory", "cc");
	return rip;
}

static void interrupts(void)
{
	u64 rip;

	if (prepare(0x50, record)) {
		apic_self_ipi(0x50);
		rip = open_window();
		done(0x50, 0, rip);
		report(!apic_test(APIC_IRR, 0x50) && !apic_test(APIC_ISR, 0x50),
		       "vector 80: neither in IRR nor in ISR afterwards");
	}
	/* From the 8259A: INTA is over when the CPU finds the stack missing. */
	apic_write(APIC_LVT_LINT0, APIC_ICR_EXTINT);
	if (prepare(0x20, record)) {
		pit_set(0, 0, 100);
		pic_await(1);
		pic_mask(0xfffe);
		rip = open_window();
		pic_mask(0xffff);
		out8(PIC1, 0x20);
		done(0x20, 0, rip);
	}
}

static void nmi(void)
{
	u64 rip;

	if (!prepare(VEC_NMI, record))
		return;
	apic_write(APIC_ICR2, apic_read(APIC_ID));
	asm volatile("movl %1, (%2); 1: nop; lea 1b(%%rip), %0"
		     : "=&r"(rip)
		     : "r"((u32)(APIC_ICR_NMI | APIC_ICR_ASSERT)), "r"(LAPIC_BASE + APIC_ICR)
		     : "memory");
	report_eq(taken, 1, "NMI: taken once");
	report_eq(last.regs.rip, rip, "NMI: its return address");
	taken = 0;
	trap_use_ist(VEC_NMI, 0);
	apic_write(APIC_ICR, APIC_ICR_NMI | APIC_ICR_ASSERT);
	asm volatile("nop; nop");
	report_eq(taken, 1, "NMI: not blocked after IRET");
	trap_handler(VEC_NMI, NULL);
}

/* The handler's first instruction is in a page from which no code has run yet. */
static void handler_code(void)
{
	u64 place = fresh_stack(), rip;
	struct gate saved = idt[0x78];

	if (!place)
		return;
	/* mov $stub, %rax; jmp *%rax */
	memcpy((void *)place, "\x48\xb8\0\0\0\0\0\0\0\0\xff\xe0", 12);
	*(u64 *)(place + 2) = (u64)trap_stubs + 0x78 * 16;
	idt[0x78].offset0 = place;
	idt[0x78].offset1 = place >> 16;
	idt[0x78].offset2 = 0;
	trap_handler(0x78, record);
	taken = 0;
	asm volatile("int $0x78; 1: lea 1b(%%rip), %0" : "=r"(rip) : : "rax", "memory");
	report_eq(taken, 1, "a handler in fresh memory");
	report_eq(last.regs.rip, rip, "its return address");
	idt[0x78] = saved;
	trap_handler(0x78, NULL);
}

/* A #NP on a #NP, delivered to a stack whose memory is not there yet. */
static void double_fault(void)
{
	u64 stack = fresh_stack();

	if (!stack)
		return;
	tss.ist[5] = stack;
	trap_use_ist(VEC_DF, 6);
	idt[VEC_UD].type &= ~0x80;
	idt[VEC_NP].type &= ~0x80;
	report_eq(attempt("ud2", :), VEC_DF, "a double fault on a fresh stack");
	report_eq(trap.error, 0, "its error code");
	idt[VEC_UD].type |= 0x80;
	idt[VEC_NP].type |= 0x80;
	trap_use_ist(VEC_DF, 0);
}

static void user_int(void *arg)
{
	(void)arg;
	asm volatile("int $0x79" : : : "memory");
}

static void from_user(void)
{
	if (!prepare(0x79, record))
		return;
	trap_allow_user(0x79);
	report_eq(user_run(user_int, NULL, 0), 0x80, "from user mode: goes on");
	report_eq(taken, 1, "from user mode: taken once");
	report_eq(last.regs.cs, SEL_USER_CODE64, "from user mode: CS");
}

void guest_main(void)
{
	apic_enable();
	software();
	faults();
	single_step();
	interrupts();
	nmi();
	handler_code();
	double_fault();
	from_user();
}
