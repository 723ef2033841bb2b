/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions and interrupts: handlers by vector, instructions that may fault,
 * calls that may end in an exception, and user mode.
 */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include "cpu.h"

/* In the order in which entry.S pushes it. */
struct regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 iomap_base;
	u8 iomap[8192 + 1];
} __attribute__((packed));

struct gate {
	u16 offset0;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset1;
	u32 offset2;
	u32 reserved;
} __attribute__((packed));

#define NO_TRAP 0xffffffff

/* The last exception; vector NO_TRAP before it. */
struct trap {
	unsigned int vector;
	unsigned int count;
	u64 error;
	u64 cr2;
	struct regs regs;
};

typedef void (*trap_fn)(struct regs *regs);

extern struct trap trap;
extern struct tss tss;
extern struct gate idt[256];
extern u64 gdt[];
extern u8 trap_stubs[];
extern u8 trap_iret[];
extern u8 user_return[];

/* Interrupts that came between STI and HLT, where none can. */
extern unsigned int early_interrupts;

/*
 * May the host, and not the hypervisor, have let an interrupt into the shadow of STI at @rip?
 * QEMU's TCG forgets the shadow at VMRUN, and an interrupt of its own may cause one at any
 * instruction.
 */
bool shadow_forgotten(u64 rip);

/* Calls @fn for @vector from now on; NULL goes back to the default. */
void trap_handler(unsigned int vector, trap_fn fn);

/* Makes the stub of @vector reachable with INT from user mode too. */
void trap_allow_user(unsigned int vector);

/* For a handler: ends the innermost call with @regs' vector, if there is one. */
bool trap_unwind(struct regs *regs);

/* Takes the exceptions of @vector on a stack of their own (1 to 7; 0: not). */
void trap_use_ist(unsigned int vector, unsigned int ist);

/*
 * Calls fn(arg); returns NO_TRAP, or the vector of the exception that ended it,
 * with what else is known in @trap. Interrupts are as before on return.
 */
unsigned int catch_call(void (*fn)(void *arg), void *arg);

/*
 * The same in user mode with RFLAGS and CS as given; returns the vector that
 * ended it, 0x80 when fn returned or ran INT 0x80.
 */
unsigned int user_call(void (*fn)(void *arg), void *arg, u64 rsp, u64 rflags, unsigned int cs);

/* user_call() in 64-bit mode on a stack of its own, with interrupts as given. */
unsigned int user_run(void (*fn)(void *arg), void *arg, u64 rflags);

/*
 * Runs one instruction; the value is NO_TRAP or the vector of its exception,
 * after which execution goes on behind it. Outputs, inputs and clobbers follow
 * as in an asm statement.
 */
#define attempt(insn, ...)                                    \
	({                                                    \
		trap.vector = NO_TRAP;                        \
		asm volatile("771:\t" insn "\n772:\n"         \
			     ".pushsection .extable, \"a\"\n" \
			     ".quad 771b, 772b\n"             \
			     ".popsection\n" __VA_ARGS__);    \
		*(live unsigned int *)&trap.vector;           \
	})

/* A byte read from or written to an address that may fault. */
static inline unsigned int try_read(u64 address)
{
	return attempt("mov (%0), %%al", : : "r"(address) : "rax", "memory");
}

static inline unsigned int try_write(u64 address)
{
	return attempt("movb $1, (%0)", : : "r"(address) : "memory");
}

static inline unsigned int rdmsr_safe(u32 msr, u64 *value)
{
	u32 low = 0, high = 0;
	unsigned int vector;

	vector = attempt("rdmsr", : "+a"(low), "+d"(high) : "c"(msr) : "memory");
	*value = low | (u64)high << 32;
	return vector;
}

static inline unsigned int wrmsr_safe(u32 msr, u64 value)
{
	return attempt("wrmsr", : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

#define DEFINE_SAFE_WRITE(name)                                                \
	static inline unsigned int write_##name##_safe(u64 value)              \
	{                                                                      \
		return attempt("mov %0, %%" #name, : : "r"(value) : "memory"); \
	}

DEFINE_SAFE_WRITE(cr0)
DEFINE_SAFE_WRITE(cr3)
DEFINE_SAFE_WRITE(cr4)
DEFINE_SAFE_WRITE(cr8)
DEFINE_SAFE_WRITE(dr6)
DEFINE_SAFE_WRITE(dr7)

/* Between trap.c, entry.S and link.ld: attempt()'s table and the way back. */
struct extable {
	u64 from, to;
};

extern const struct extable extable_start[], extable_end[];
extern u64 recovery_rsp;
extern u8 recover[];

void trap_dispatch(struct regs *regs);
void trap_init(void);

#endif
