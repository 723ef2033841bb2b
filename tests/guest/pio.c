// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O: all sizes and forms, string instructions with their repeat counts, directions,
 * addresses and faults, and ports without a device.
 */
#include "guest.h"

/* Byte registers that keep the value written to them: in userspace and in the kernel. */
#define SCRATCH (SERIAL_PORT + 7)
#define MASK (PIC1 + 1)
#define NOBODY 0x5ff0

static u8 buffer[8192] __attribute__((aligned(4096)));

static void unclaimed(void)
{
	u64 rax;

	report_eq(in8(NOBODY), 0xff, "IN AL, nobody");
	report_eq(in16(NOBODY), 0xffff, "IN AX, nobody");
	report_eq(in32(NOBODY), 0xffffffff, "IN EAX, nobody");
	report_eq(in32(NOBODY + 1), 0xffffffff, "IN EAX, nobody, unaligned");
	report_eq(in32(0xfffd), 0xffffffff, "IN EAX at the last ports");
	out8(NOBODY, 0);
	out16(NOBODY, 0);
	out32(NOBODY, 0);
	report_eq(in8(NOBODY), 0xff, "OUT to nobody does nothing");
	asm volatile("mov $0x1122334455667788, %%rax; inb %%dx, %%al" : "=&a"(rax) : "d"(NOBODY));
	report_eq(rax, 0x11223344556677ff, "IN AL leaves the rest of RAX");
	asm volatile("mov $0x1122334455667788, %%rax; inw %%dx, %%ax" : "=&a"(rax) : "d"(NOBODY));
	report_eq(rax, 0x112233445566ffff, "IN AX leaves the rest of RAX");
	asm volatile("mov $0x1122334455667788, %%rax; inl %%dx, %%eax" : "=&a"(rax) : "d"(NOBODY));
	report_eq(rax, 0xffffffff, "IN EAX clears the upper half of RAX");
}

static void test_bytes(u16 port, const char *where)
{
	u8 value;

	for (unsigned int i = 0; i < 256; i += 15) {
		out8(port, i);
		value = in8(port);
		if (value != (u8)i) {
			report_eq(value, i, "%s: a byte comes back", where);
			return;
		}
	}
	report(true, "%s: bytes come back", where);
}

static void test_immediate(void)
{
	u8 value;

	asm volatile("mov $0x5c, %%al; out %%al, $0x21; xor %%eax, %%eax; in $0x21, %%al"
		     : "=a"(value));
	report_eq(value, 0x5c, "OUT and IN with an immediate port");
	/* REX.W and the operand-size prefix on byte forms change nothing. */
	asm volatile("mov $0x3a, %%al; .byte 0x48, 0xe6, 0x21\n\t"
		     "xor %%eax, %%eax; .byte 0x66, 0xe4, 0x21"
		     : "=a"(value));
	report_eq(value, 0x3a, "with prefixes that do not matter");
	out8(MASK, 0xff);
}

static void rep_ins(u16 port, const char *where)
{
	const u64 count = 5000;
	u64 rcx = count, rdi = (u64)buffer;
	unsigned int bad = 0;

	out8(port, 0x6b);
	memset(buffer, 0, sizeof(buffer));
	asm volatile("cld; rep insb" : "+c"(rcx), "+D"(rdi) : "d"(port) : "memory");
	report_eq(rcx, 0, "%s: REP INSB: RCX", where);
	report_eq(rdi, (u64)buffer + count, "%s: REP INSB: RDI", where);
	for (unsigned int i = 0; i < sizeof(buffer); i++)
		bad += buffer[i] != (i < count ? 0x6b : 0);
	report_eq(bad, 0, "%s: REP INSB: 5000 bytes, not more", where);
}

static void rep_outs(u16 port, const char *where)
{
	const u64 count = 5000;
	u64 rcx = count, rsi = (u64)buffer;

	for (unsigned int i = 0; i < count; i++)
		buffer[i] = i % 251;
	asm volatile("cld; rep outsb" : "+c"(rcx), "+S"(rsi) : "d"(port) : "memory");
	report_eq(rcx, 0, "%s: REP OUTSB: RCX", where);
	report_eq(rsi, (u64)buffer + count, "%s: REP OUTSB: RSI", where);
	report_eq(in8(port), (count - 1) % 251, "%s: REP OUTSB: the last byte is last", where);
}

static void directions(void)
{
	u64 rcx, rdi, rsi;

	memset(buffer, 0, sizeof(buffer));
	out8(SCRATCH, 0x21);
	rcx = 16;
	rdi = (u64)buffer + 100;
	asm volatile("std; rep insb; cld" : "+c"(rcx), "+D"(rdi) : "d"(SCRATCH) : "memory");
	report_eq(rdi, (u64)buffer + 84, "INSB with DF: RDI");
	report(buffer[100] == 0x21 && buffer[85] == 0x21 && !buffer[84] && !buffer[101],
	       "INSB with DF: the bytes");
	buffer[50] = 0x11;
	buffer[49] = 0x22;
	buffer[48] = 0x33;
	rcx = 3;
	rsi = (u64)buffer + 50;
	asm volatile("std; rep outsb; cld" : "+c"(rcx), "+S"(rsi) : "d"(SCRATCH) : "memory");
	report_eq(rsi, (u64)buffer + 47, "OUTSB with DF: RSI");
	report_eq(in8(SCRATCH), 0x33, "OUTSB with DF: the order");
}

static void counts(void)
{
	u64 rcx = 0, rdi = (u64)buffer;

	buffer[0] = 0x77;
	asm volatile("rep insb" : "+c"(rcx), "+D"(rdi) : "d"(SCRATCH) : "memory");
	report(buffer[0] == 0x77 && rdi == (u64)buffer, "REP INSB of none");
	/* With a 32-bit address size the count is ECX, and the upper halves are cleared. */
	rcx = 0x100000002;
	rdi = (u64)buffer;
	out8(SCRATCH, 0x44);
	asm volatile(".byte 0x67; rep insb" : "+c"(rcx), "+D"(rdi) : "d"(SCRATCH) : "memory");
	report(buffer[0] == 0x44 && buffer[1] == 0x44 && rdi == (u64)buffer + 2 && !(u32)rcx,
	       "REP INSB with 32-bit addresses");
	rdi = (u64)buffer;
	rcx = 5;
	asm volatile("insb" : "+D"(rdi), "+c"(rcx) : "d"(SCRATCH) : "memory");
	report(rdi == (u64)buffer + 1 && rcx == 5, "INSB without REP");
}

/* Return true if @count bytes from @start are ones, with a zero on both sides. */
static bool ones(unsigned int start, unsigned int count)
{
	for (unsigned int i = start; i < start + count; i++)
		if (buffer[i] != 0xff)
			return false;
	return !buffer[start - 1] && !buffer[start + count];
}

static void wide(void)
{
	u64 rcx = 8, rdi = (u64)buffer + 4090;

	memset(buffer, 0, sizeof(buffer));
	asm volatile("rep insw" : "+c"(rcx), "+D"(rdi) : "d"(NOBODY) : "memory");
	report(rdi == (u64)buffer + 4106 && ones(4090, 16), "REP INSW over a page's end");
	rcx = 3;
	rdi = (u64)buffer + 4094;
	memset(buffer, 0, sizeof(buffer));
	asm volatile("rep insl" : "+c"(rcx), "+D"(rdi) : "d"(NOBODY) : "memory");
	report(rdi == (u64)buffer + 4106 && ones(4094, 12), "REP INSL, an element on two pages");
	rcx = 3;
	rdi = (u64)buffer + 4095;
	asm volatile("rep outsl" : "+c"(rcx), "+S"(rdi) : "d"(NOBODY) : "memory");
	report_eq(rdi, (u64)buffer + 4107, "REP OUTSL, an element on two pages");
}

static void segment(void)
{
	u64 rsi = 16;

	buffer[16] = 0x99;
	wrmsr(MSR_FS_BASE, (u64)buffer);
	asm volatile("fs outsb" : "+S"(rsi) : "d"(SCRATCH) : "memory");
	report(rsi == 17 && in8(SCRATCH) == 0x99, "OUTSB from FS:");
	wrmsr(MSR_FS_BASE, 0);
}

/* A fault in the middle: the part before it is done, and the registers show how much that is. */
static void faults(void)
{
	u64 hole = (u64)buffer + 4096, rcx = 64, rdi = hole - 10, rsi;

	memset(buffer, 0, sizeof(buffer));
	out8(SCRATCH, 0x5d);
	*page_entry(hole, 1) &= ~PTE_P;
	flush_page((void *)hole);
	report_eq(attempt("rep insb",
			  : "+c"(rcx), "+D"(rdi)
			  : "d"(SCRATCH)
			  : "memory"),
		  VEC_PF, "REP INSB into a missing page: #PF");
	report_known(trap.cr2 == hole && trap.error == PF_W, true,
		     bochs_svm_fault("Bochs' SVM injects a #PF wrongly"),
		     "its address and error code");
	report_eq(rcx, 54, "RCX at the fault");
	report_eq(rdi, hole, "RDI at the fault");
	report(buffer[4095] == 0x5d && buffer[4086] == 0x5d && !buffer[4085], "what came before");
	rcx = 20;
	rsi = hole - 5;
	report_eq(attempt("rep outsb",
			  : "+c"(rcx), "+S"(rsi)
			  : "d"(SCRATCH)
			  : "memory"),
		  VEC_PF, "REP OUTSB from a missing page: #PF");
	report(rcx == 15 && rsi == hole, "RCX and RSI at the fault");
	*page_entry(hole, 1) |= PTE_P;
	rdi = hole;
	rcx = 1;
	*page_entry(hole, 1) &= ~PTE_W;
	flush_page((void *)hole);
	report_eq(attempt("rep insb",
			  : "+c"(rcx), "+D"(rdi)
			  : "d"(SCRATCH)
			  : "memory"),
		  VEC_PF, "INSB into a read-only page: #PF");
	report_eq(trap.error, PF_W | PF_P, "its error code");
	*page_entry(hole, 1) |= PTE_W;
	flush_page((void *)hole);
	rdi = 0x0123456789abcdef;
	rcx = 1;
	report_eq(attempt("rep insb",
			  : "+c"(rcx), "+D"(rdi)
			  : "d"(SCRATCH)
			  : "memory"),
		  VEC_GP, "INSB to a non-canonical address: #GP");
}

static void user_in(void *arg)
{
	in8((u64)arg);
}

static void user_inl(void *arg)
{
	in32((u64)arg);
}

static void user_ins(void *arg)
{
	u64 rdi = (u64)buffer;

	asm volatile("insb" : "+D"(rdi) : "d"((u16)(u64)arg) : "memory");
}

static void allow(u16 port, bool yes)
{
	if (yes)
		tss.iomap[port / 8] &= ~(1 << port % 8);
	else
		tss.iomap[port / 8] |= 1 << port % 8;
}

/* SDM 1 19.5.2: IOPL, then the bitmap in the TSS, for each byte. */
static void permissions(void)
{
	void *port = (void *)(u64)SCRATCH;

	report_eq(user_run(user_in, port, 0), VEC_GP, "user mode, no right: #GP");
	report_eq(user_run(user_ins, port, 0), VEC_GP, "user mode, INSB, no right: #GP");
	report_eq(user_run(user_in, port, 3 << 12), 0x80, "user mode, IOPL 3");
	report_eq(user_run(user_ins, port, 3 << 12), 0x80, "user mode, INSB, IOPL 3");
	allow(SCRATCH, true);
	report_eq(user_run(user_in, port, 0), 0x80, "user mode, allowed by the bitmap");
	out8(SCRATCH, 0x71);
	buffer[0] = 0;
	report_eq(user_run(user_ins, port, 0), 0x80, "user mode, INSB, allowed by the bitmap");
	report_eq(buffer[0], 0x71, "and it reads the port");
	report_eq(user_run(user_inl, port, 0), VEC_GP, "user mode, one of four bytes allowed: #GP");
	allow(SCRATCH, false);
	report_eq(user_run(user_in, port, 0), VEC_GP, "user mode, no longer allowed: #GP");
}

/* A word at a byte device reaches the next register as well, or no device. */
static void odd_sizes(void)
{
	out8(SCRATCH, 0x42);
	report_eq(in16(SCRATCH) & 0xff, 0x42, "a word has the byte in front");
	report_eq(in16(SCRATCH) >> 8, 0xff, "and ones behind, where nobody is");
}

void guest_main(void)
{
	unclaimed();
	test_bytes(SCRATCH, "userspace");
	test_bytes(MASK, "kernel");
	out8(MASK, 0xff);
	test_immediate();
	rep_ins(SCRATCH, "userspace");
	rep_ins(MASK, "kernel");
	rep_outs(SCRATCH, "userspace");
	rep_outs(MASK, "kernel");
	out8(MASK, 0xff);
	directions();
	counts();
	wide();
	segment();
	faults();
	permissions();
	odd_sizes();
}
