// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pseudo-random instructions in user mode, in 64 and 32 bits, on memory, MMIO and unmapped
 * addresses; and random registers written in the kernel. The guest can harm only itself, and
 * here it continues after each. The random numbers are the same in every run.
 */
#include "fuzz.h"
#include "guest.h"

#define ROUNDS 2000
#define LENGTH 24

static u64 state = 0x0dd1e50f0e1e1e11;

static u64 random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Opcodes that exit, so that they occur more often than by chance. */
static const struct {
	u8 size;
	u8 bytes[3];
} interesting[] = {
	{ 2, { 0x0f, 0xa2 } },
	{ 2, { 0x0f, 0x32 } },
	{ 2, { 0x0f, 0x30 } },
	{ 1, { 0x6c } },
	{ 1, { 0x6d } },
	{ 1, { 0x6e } },
	{ 1, { 0x6f } },
	{ 1, { 0xec } },
	{ 1, { 0xee } },
	{ 3, { 0x0f, 0x01, 0xd9 } },
	{ 3, { 0x0f, 0x01, 0xd8 } },
	{ 3, { 0x0f, 0x01, 0xc1 } },
	{ 2, { 0x0f, 0x22 } },
	{ 2, { 0x0f, 0x20 } },
	{ 2, { 0x0f, 0x23 } },
	{ 2, { 0x0f, 0x01 } },
	{ 2, { 0x0f, 0x00 } },
	{ 2, { 0x0f, 0x09 } },
	{ 2, { 0x0f, 0xc7 } },
	{ 2, { 0x0f, 0xb1 } },
	{ 1, { 0xa4 } },
	{ 1, { 0xab } },
	{ 1, { 0x8b } },
	{ 1, { 0x89 } },
	{ 1, { 0xf4 } },
	{ 2, { 0x0f, 0xae } },
	{ 1, { 0xcd } },
	{ 1, { 0x87 } },
	{ 2, { 0x0f, 0xb6 } },
	{ 1, { 0x83 } },
};

static const u8 prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x64, 0x48, 0x4f, 0x41 };

/* The memory that user mode may touch, beside MMIO: its code and its stack. */
struct user_area {
	u8 loader[FUZZ_LOADER_SIZE];
	u64 regs[FUZZ_REGS];
	u8 code[PAGE_SIZE - 384];
	u8 stack[PAGE_SIZE];
};

static struct user_area *area;

/* Here user mode can read the controllers, and cannot write to them. */
#define LAPIC_ALIAS 0x50000000ULL
#define IOAPIC_ALIAS 0x50001000ULL
#define NOBODY 0xd0000000ULL

static void make_code(u8 *p)
{
	u8 *end = p + LENGTH;
	unsigned int n;

	for (u8 *at = p; at < end; at++)
		*at = random() >> 11;
	for (n = random() % 3; n; n--)
		*p++ = prefixes[random() % ARRAY_SIZE(prefixes)];
	if (random() & 3) {
		n = random() % ARRAY_SIZE(interesting);
		memcpy(p, interesting[n].bytes, interesting[n].size);
	}
	/* At any alignment, the bytes end in instructions that fault. */
	for (unsigned int i = 0; i < 64; i += 2)
		memcpy(end + i, "\x0f\x0b", 2);
}

/* Registers that point to memory, MMIO, nothing or ports, or hold numbers. */
static void make_registers(void)
{
	static const u64 choices[] = { NOBODY,	       LAPIC_ALIAS + APIC_TPR,
				       IOAPIC_ALIAS,   LAPIC_ALIAS + 0xffe,
				       0x7f0000000000, 0x0123456789abcdef,
				       0x3fd,	       0x21,
				       0x5ff0,	       0,
				       ~0ULL,	       0xfee00020 };
	unsigned int n;

	for (unsigned int i = 0; i < FUZZ_REGS; i++) {
		n = random() % (ARRAY_SIZE(choices) + 5);
		if (n < ARRAY_SIZE(choices))
			area->regs[i] = choices[n];
		else if (n == ARRAY_SIZE(choices))
			area->regs[i] = random();
		else
			area->regs[i] = (u64)area->stack + 512 + (random() & 1023);
	}
	area->regs[1] = random() & 0x1ff; /* RCX: repeat counts stay small */
}

static unsigned int seen[256];

/* The timer ends an endless loop. */
static void timer(struct regs *regs)
{
	apic_write(APIC_EOI, 0);
	if ((regs->cs & 3) == 3)
		trap_unwind(regs);
}

static unsigned int run64(void)
{
	make_code(area->code);
	return user_call((void (*)(void *))(u64)area->loader, NULL,
			 (u64)area->stack + PAGE_SIZE / 2, RFLAGS_IF | 2, SEL_USER_CODE64);
}

/* POPA takes the registers from above the return address. */
static unsigned int run32(void)
{
	u64 top = (u64)area->stack + PAGE_SIZE / 2;

	for (unsigned int i = 0; i < 6; i++)
		((u32 *)top)[i] = area->regs[i == 4 ? 1 : i + 3];
	area->code[0] = 0x61;
	make_code(area->code + 1);
	asm volatile("mov %0, %%ds; mov %0, %%es" : : "r"(SEL_USER_DATA));
	return user_call((void (*)(void *))(u64)area->code, NULL, top, RFLAGS_IF | 2,
			 SEL_USER_CODE32);
}

static void one(unsigned int (*run)(void))
{
	make_registers();
	apic_write(APIC_TIMER_INITIAL, 3000000);
	seen[run() & 255]++;
	apic_write(APIC_TIMER_INITIAL, 0);
	asm volatile("mov %0, %%ds; mov %0, %%es" : : "r"(SEL_DATA));
}

static void user_mode(const char *what, unsigned int (*run)(void))
{
	unsigned int total = 0;

	memset(seen, 0, sizeof(seen));
	for (unsigned int i = 0; i < ROUNDS; i++)
		one(run);
	for (unsigned int i = 0; i < 256; i++)
		total += seen[i];
	report_eq(total, ROUNDS, "%s: each ended", what);
	print("# #UD %u, #GP %u, #PF %u, others %u\n", seen[VEC_UD], seen[VEC_GP], seen[VEC_PF],
	      total - seen[VEC_UD] - seen[VEC_GP] - seen[VEC_PF]);
}

/* The kernel's side: MSRs and control registers with random numbers and values. */
static void msrs(void)
{
	static const u32 bases[] = { 0,	    0x170,	0x200,	    0x400,	0x800,
				     0x830, 0xc0000080, 0xc0010000, 0x4b564d00, 0x40000000,
				     0x1d0, 0x3f0,	0x480,	    0xda0 };
	unsigned int good = 0, refused = 0;
	u64 value;

	for (unsigned int i = 0; i < ARRAY_SIZE(bases); i++) {
		for (u32 n = 0; n < 96; n++) {
			if (rdmsr_safe(bases[i] + n, &value) == NO_TRAP)
				good++;
			else
				refused++;
		}
	}
	report_eq(good + refused, ARRAY_SIZE(bases) * 96, "RDMSR of %u numbers, %u refused",
		  good + refused, refused);
}

/* Writes that the guest survives. The old values are restored. */
static void random_writes(void)
{
	static const u32 numbers[] = { MSR_PAT,
				       MSR_STAR,
				       MSR_LSTAR,
				       MSR_SFMASK,
				       MSR_KERNEL_GS_BASE,
				       MSR_SYSENTER_CS,
				       MSR_TSC_AUX,
				       0x2ff,
				       0x200,
				       0x201,
				       0x250,
				       0x1d9,
				       0x179,
				       0x17a,
				       0x400,
				       0x8b,
				       0xc001001f };
	unsigned int done = 0;
	u64 old;

	for (unsigned int i = 0; i < 600; i++) {
		u32 msr = numbers[random() % ARRAY_SIZE(numbers)];

		done++;
		if (rdmsr_safe(msr, &old) != NO_TRAP)
			continue;
		wrmsr_safe(msr, random() >> random() % 64);
		wrmsr_safe(msr, old);
	}
	for (unsigned int i = 0; i < 300; i++) {
		u64 cr0 = read_cr0(), cr4 = read_cr4();
		u64 bit = BIT(random() % 64);

		done++;
		/* Bits that would stop this code itself are left out. */
		if (!(bit & (CR0_PG | CR0_PE | CR0_WP)) && !(bit >> 32 && host_is_tcg()))
			write_cr0_safe(cr0 ^ bit);
		write_cr0(cr0);
		if (!(bit & (CR4_PAE | CR4_SMEP | CR4_SMAP | CR4_LA57)))
			write_cr4_safe(cr4 ^ bit);
		write_cr4(cr4);
	}
	report_eq(done, 900, "random writes of MSRs, CR0 and CR4");
}

static void registers_of_apic(void)
{
	for (unsigned int i = 0; i < 600; i++) {
		u32 reg = random() & 0xfff;

		if (random() & 1)
			*(live u8 *)(LAPIC_BASE + reg);
		else
			*(live u64 *)(LAPIC_BASE + (reg & ~7U) % 0xff8);
		*(live u32 *)(IOAPIC_BASE + (reg & 0xffc));
		/*
		 * Leave out registers that send or arm something: write only to half of the
		 * page.
		 */
		if ((reg & 0xff0) < APIC_ICR && (reg & 0xff0) != APIC_SVR)
			*(live u16 *)(LAPIC_BASE + (reg & ~1U)) = random();
	}
	apic_enable();
	apic_write(APIC_LVT_TIMER, 0x40);
	report_eq(apic_read(APIC_SVR), 0x1ff, "odd accesses to APIC and IOAPIC");
}

static void allow_ports(u16 first, u16 last)
{
	for (unsigned int port = first; port <= last; port++)
		tss.iomap[port / 8] &= ~(1 << port % 8);
}

/* Use only ports whose writes do no harm: a PIC that LINT0 masks, the PIT, the end of the UART. */
static void prepare(void)
{
	area = pages_alloc(2);
	memcpy(area->loader, fuzz_loader, (u64)fuzz_loader_end - (u64)fuzz_loader);
	page_user(false);
	page_map((u64)area, (u64)area, PTE_P | PTE_W | PTE_U);
	page_map((u64)area + PAGE_SIZE, (u64)area + PAGE_SIZE, PTE_P | PTE_W | PTE_U);
	page_map(LAPIC_ALIAS, LAPIC_BASE, PTE_P | PTE_U);
	page_map(IOAPIC_ALIAS, IOAPIC_BASE, PTE_P | PTE_U);
	*page_entry(NOBODY, 2) |= PTE_U;
	write_cr3(read_cr3());
	allow_ports(0x20, 0x21);
	allow_ports(0x40, 0x43);
	allow_ports(0x80, 0x80);
	allow_ports(0xa0, 0xa1);
	allow_ports(0x3fd, 0x3ff);
	allow_ports(0x5ff0, 0x5fff);
	apic_enable();
	trap_handler(0x40, timer);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, 0x40);
}

/* Add up all state of this guest that must not change. */
static u64 checksum(void)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < 256 * 16; i++)
		sum = sum * 31 + trap_stubs[i];
	return sum;
}

void guest_main(void)
{
	u64 before;

	prepare();
	before = checksum();
	user_mode("64-bit user mode", run64);
	user_mode("32-bit user mode", run32);
	msrs();
	random_writes();
	registers_of_apic();
	report_eq(checksum(), before, "the guest's own code is whole");
}
