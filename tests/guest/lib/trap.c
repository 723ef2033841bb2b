// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IDT, the TSS, and the decision what an exception means: a handler's, an
 * attempt()'s, a catch_call()'s, or the end.
 */
#include "guest.h"

struct trap trap = { .vector = NO_TRAP };
struct tss tss __attribute__((aligned(16)));
struct gate idt[256] __attribute__((aligned(16)));

unsigned int early_interrupts;

static trap_fn handlers[256];
static u8 ist_stacks[7][4096] __attribute__((aligned(16)));
static u8 user_stack[16384] __attribute__((aligned(16)));

void trap_handler(unsigned int vector, trap_fn fn)
{
	handlers[vector] = fn;
}

void trap_allow_user(unsigned int vector)
{
	idt[vector].type |= 0x60;
}

void trap_use_ist(unsigned int vector, unsigned int ist)
{
	idt[vector].ist = ist;
}

static bool fix_up(struct regs *regs)
{
	u64 count = ((u64)extable_end - (u64)extable_start) / sizeof(*extable_start);

	for (const struct extable *e = extable_start; count--; e++) {
		if (e->from == regs->rip) {
			regs->rip = e->to;
			return true;
		}
	}
	return false;
}

bool trap_unwind(struct regs *regs)
{
	if (!recovery_rsp)
		return false;
	regs->rip = (u64)recover;
	regs->cs = SEL_CODE64;
	regs->rflags = 2;
	regs->rsp = recovery_rsp;
	regs->ss = SEL_DATA;
	regs->rax = regs->vector;
	return true;
}

/*
 * An interrupt between STI and HLT leaves a CPU that sleeps for good: finish() tells
 * of it, and here the CPU goes on behind HLT, as if that had been interrupted.
 */
static void check_shadow(struct regs *regs)
{
	const u8 *next = (u8 *)regs->rip;

	if (regs->vector < 32 || regs->cs != SEL_CODE64 || next[-1] != 0xfb)
		return;
	/* rip.c gives HLT prefixes. */
	while (*next == 0x66 || *next == 0x48)
		next++;
	if (*next != 0xf4)
		return;
	early_interrupts++;
	regs->rip = (u64)next + 1;
}

bool shadow_forgotten(u64 rip)
{
	return host_is_tcg() && ((u8 *)rip)[-1] == 0xfb;
}

void trap_dispatch(struct regs *regs)
{
	check_shadow(regs);
	if (regs->vector < 32 || !handlers[regs->vector]) {
		trap.vector = regs->vector;
		trap.error = regs->error;
		trap.count++;
		trap.regs = *regs;
		if (regs->vector == VEC_PF)
			trap.cr2 = read_cr2();
	}
	if (handlers[regs->vector]) {
		handlers[regs->vector](regs);
		return;
	}
	if (regs->vector < 32 && fix_up(regs))
		return;
	if ((regs->vector < 32 || regs->vector == 0x80) && trap_unwind(regs))
		return;

	print("# unexpected vector %lu, error 0x%lx, at 0x%lx, cr2 0x%lx\n", regs->vector,
	      regs->error, regs->rip, read_cr2());
	print("# rax %lx rcx %lx rdx %lx rbx %lx\n", regs->rax, regs->rcx, regs->rdx, regs->rbx);
	print("# rsp %lx rbp %lx rsi %lx rdi %lx\n", regs->rsp, regs->rbp, regs->rsi, regs->rdi);
	print("# cs %lx ss %lx rflags %lx cr0 %lx cr3 %lx cr4 %lx\n", regs->cs, regs->ss,
	      regs->rflags, read_cr0(), read_cr3(), read_cr4());
	guest_exit(EXIT_UNEXPECTED);
}

unsigned int user_run(void (*fn)(void *arg), void *arg, u64 rflags)
{
	return user_call(fn, arg, (u64)user_stack + sizeof(user_stack), rflags | 2,
			 SEL_USER_CODE64);
}

void trap_init(void)
{
	struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) idtr = { sizeof(idt) - 1, (u64)idt };
	u64 base = (u64)&tss;

	for (unsigned int i = 0; i < 256; i++) {
		u64 stub = (u64)trap_stubs + i * 16;

		idt[i] = (struct gate){
			.offset0 = stub,
			.selector = SEL_CODE64,
			.type = 0x8e,
			.offset1 = stub >> 16,
			.offset2 = stub >> 32,
		};
	}
	trap_allow_user(0x80);
	for (unsigned int i = 0; i < 7; i++)
		tss.ist[i] = (u64)ist_stacks[i] + sizeof(ist_stacks[i]);
	memset(tss.iomap, 0xff, sizeof(tss.iomap));
	tss.iomap_base = offsetof(struct tss, iomap);

	gdt[SEL_TSS / 8] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | 0x89ULL << 40 |
			   (base >> 24 & 0xff) << 56;
	gdt[SEL_TSS / 8 + 1] = base >> 32;
	asm volatile("lidt %0" : : "m"(idtr));
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
}
