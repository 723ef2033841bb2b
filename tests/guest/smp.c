// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two CPUs: INIT and SIPI, interrupts and NMIs from one to the other, awake and
 * asleep, shared memory, translations, and the TSC.
 */
#include "guest.h"
#include "smp.h"

#define PING 0x61
#define PONG 0x62
#define ROUNDS 300

/* The second CPU's task. It clears the word when the task is done. */
static live enum {
	NOTHING,
	COUNT,
	SLEEP,
	SPIN,
	READ,
	STAMP,
	KEEP,
} command;

static live u64 counter, address, value, stamp, ap_base, ap_id, ap_efer;
static live unsigned int pings, pongs, nmis, alive;
/* The count of pings at which SLEEP and SPIN end: each ping is sent once, and none may be lost. */
static live unsigned int wanted;

static void ping(struct regs *regs)
{
	(void)regs;
	pings++;
	apic_write(APIC_EOI, 0);
}

static void pong(struct regs *regs)
{
	(void)regs;
	pongs++;
	apic_write(APIC_EOI, 0);
}

static void nmi(struct regs *regs)
{
	(void)regs;
	nmis++;
}

static void increment(unsigned int times)
{
	while (times--)
		asm volatile("lock; incq %0" : "+m"(counter) : : "cc");
}

static void send(u32 id, u32 low)
{
	apic_write(APIC_ICR2, id << 24);
	apic_write(APIC_ICR, low);
}

static bool done(void)
{
	u64 start = read_tsc();

	/* PAUSE, because both vCPUs may share one CPU of the host. */
	while (command != NOTHING) {
		if (waited_long(start))
			return command == NOTHING;
		cpu_relax();
	}
	return true;
}

static void order(unsigned int what)
{
	command = what;
}

/* State that differs between the CPUs while both run, and must stay so. */
static live u64 watched[2], hits[2], lost[2];

static void breakpoint(struct regs *regs)
{
	(void)regs;
	hits[apic_read(APIC_ID) >> 24 & 1]++;
	write_dr6(0xffff0ff0);
}

static void load_vectors(const u64 *from)
{
	asm volatile("movdqu (%0), %%xmm0; movdqu 16(%0), %%xmm7; movdqu 32(%0), %%xmm15"
		     :
		     : "r"(from)
		     : "memory");
}

static void store_vectors(u64 *to)
{
	asm volatile("movdqu %%xmm0, (%0); movdqu %%xmm7, 16(%0); movdqu %%xmm15, 32(%0)"
		     :
		     : "r"(to)
		     : "memory");
}

static bool kept(u64 id, const u64 *vectors)
{
	u64 now[6];

	store_vectors(now);
	return !memcmp(now, vectors, sizeof(now)) && rdmsr(MSR_FS_BASE) == id + 0x1000 &&
	       rdmsr(MSR_KERNEL_GS_BASE) == id + 0x2000 && rdmsr(MSR_STAR) == id + 0x3000 &&
	       rdmsr(MSR_PAT) == 0x0007040600070400 + id && read_cr2() == id + 0x4000 &&
	       read_dr1() == (u64)&watched[id];
}

/* Keep values in registers, and exit now and then, so that the other vCPU may run. */
static void keep(u64 id)
{
	u64 vectors[6];

	for (unsigned int i = 0; i < ARRAY_SIZE(vectors); i++)
		vectors[i] = (id + 1) * 0x1111111111111111 + i;
	wrmsr(MSR_FS_BASE, id + 0x1000);
	wrmsr(MSR_KERNEL_GS_BASE, id + 0x2000);
	wrmsr(MSR_STAR, id + 0x3000);
	wrmsr(MSR_PAT, 0x0007040600070400 + id);
	write_cr2(id + 0x4000);
	write_dr1((u64)&watched[id]);
	if (!host_is_tcg())
		write_dr7(0x400 | 2 << 2 | 0x90ULL << 16);
	load_vectors(vectors);
	for (unsigned int i = 0; i < 300; i++) {
		in8(SERIAL_PORT + 7);
		watched[id] = i;
		for (unsigned int j = 0; j < 200; j++)
			cpu_relax();
		lost[id] += !kept(id, vectors);
	}
	write_dr7(0x400);
}

static void own_state(void)
{
	trap_handler(VEC_DB, breakpoint);
	order(KEEP);
	keep(0);
	report(done(), "both CPUs have run with registers of their own");
	for (unsigned int id = 0; id < 2; id++) {
		report_eq(lost[id], 0, "CPU %u: vector registers, MSRs, CR2, DR1", id);
		if (host_is_tcg())
			report_skip("QEMU's TCG mixes up the breakpoints of two guests and crashes",
				    "CPU %u: its breakpoint", id);
		else
			report_eq(hits[id], 300, "CPU %u: its breakpoint", id);
	}
}

void ap_main(void)
{
	apic_enable();
	ap_base = rdmsr(MSR_APIC_BASE);
	ap_efer = rdmsr(MSR_EFER);
	ap_id = apic_read(APIC_ID) >> 24;
	alive++;
	for (;;) {
		switch (command) {
		case COUNT:
			increment(20000);
			break;
		case SLEEP:
			while (pings != wanted)
				sti_hlt_cli();
			break;
		case SPIN:
			sti();
			while (pings != wanted)
				;
			cli();
			break;
		case READ:
			value = *(live u64 *)address;
			break;
		case STAMP:
			stamp = read_tsc();
			break;
		case KEEP:
			keep(1);
			break;
		default:
			cpu_relax();
			continue;
		}
		/* The pong first: it waits at the other CPU when done() returns there. */
		send(0, APIC_ICR_ASSERT | PONG);
		command = NOTHING;
	}
}

static void start_page(void)
{
	send(1, APIC_ICR_ASSERT | 0x600 | (u32)((u64)ap_start >> 12));
}

static void start_second(void)
{
	send(1, APIC_ICR_ASSERT | APIC_ICR_LEVEL | 0x500);
	linger();
	report_eq(ap_starts, 0, "INIT alone starts nothing");
	start_page();
	report(wait_count(&alive, 1), "SIPI starts the second CPU");
	report_eq(ap_cs, (u64)ap_start >> 4, "in real mode, CS as the SIPI says");
	report_eq(ap_id, 1, "its APIC id");
	report(!(ap_base & APIC_BASE_BSP), "it is not the boot CPU");
	report(ap_efer & EFER_LMA, "it came to long mode");
	start_page();
	linger();
	report_eq(ap_starts, 1, "a SIPI to a CPU that runs is ignored");
}

static void memory_of_both(void)
{
	counter = 0;
	order(COUNT);
	increment(20000);
	report(done(), "the second CPU has counted");
	report_eq(counter, 40000, "40000 locked increments by two");
}

/* Send a ping to the other CPU, awake or asleep, and wait for its answer. */
static bool there_and_back(unsigned int round)
{
	wanted = round;
	order(round & 1 ? SPIN : SLEEP);
	send(1, APIC_ICR_ASSERT | PING);
	if (!done())
		return false;
	sti();
	wait_count(&pongs, round);
	cli();
	return pongs == round;
}

static void each_other(void)
{
	unsigned int round = 1;

	pings = 0;
	pongs = 0;
	while (round <= ROUNDS && there_and_back(round))
		round++;
	report(round > ROUNDS, "%u interrupts there and back, to CPUs awake and asleep", ROUNDS);
	if (round <= ROUNDS)
		print("# lost in round %u: %u pings and %u pongs came\n", round, pings, pongs);
	wanted = pings + 1;
	order(SLEEP);
	linger();
	send(0, APIC_ICR_OTHERS | APIC_ICR_ASSERT | PING);
	report(done(), "all but itself reaches the other");
}

static void non_maskable(void)
{
	nmis = 0;
	send(1, APIC_ICR_ASSERT | APIC_ICR_NMI);
	report(wait_count(&nmis, 1), "an NMI to the other, interrupts off");
	linger();
	report_eq(nmis, 1, "one");
}

/* The other CPU loses the old translation when it flushes it, if not before. */
static void translations(void)
{
	u64 *one = page_alloc(), *two = page_alloc();
	u64 va = 0x600000000000;

	*one = 1;
	*two = 2;
	page_map(va, (u64)one, PTE_P | PTE_W);
	address = va;
	order(READ);
	report(done() && value == 1, "the other CPU reads a new mapping");
	*one = 3;
	order(READ);
	report(done() && value == 3, "and what was written to it");
}

static void same_time(void)
{
	unsigned int back = 0, stuck = 0;

	for (unsigned int i = 0; i < 200 && !stuck; i++) {
		u64 before = read_tsc();

		order(STAMP);
		stuck = !done();
		back += stamp <= before || read_tsc() <= stamp;
	}
	report_eq(stuck, 0, "the other CPU reads its TSC whenever it is told to");
	report_known(back, 0,
		     kvm_fault("KVM aligns TSCs only roughly when it distrusts the host's"),
		     "the TSC rises from one CPU to the other");
}

static void start_again(void)
{
	alive = 0;
	send(1, APIC_ICR_ASSERT | APIC_ICR_LEVEL | 0x500);
	linger();
	order(COUNT);
	linger();
	report_eq(command, COUNT, "INIT stops it");
	command = NOTHING;
	start_page();
	report(wait_count(&alive, 1), "SIPI starts it again");
	report_eq(ap_starts, 2, "twice in all");
	counter = 0;
	order(COUNT);
	report(done() && counter == 20000, "and it works");
}

void guest_main(void)
{
	apic_enable();
	trap_handler(PING, ping);
	trap_handler(PONG, pong);
	trap_handler(VEC_NMI, nmi);
	real_install();
	start_second();
	memory_of_both();
	irq_window();
	each_other();
	non_maskable();
	translations();
	own_state();
	same_time();
	start_again();
}
