// SPDX-License-Identifier: GPL-2.0-only
/*
 * The moment when an interrupt is taken: shadows of STI and MOV SS, the window after POPF,
 * priorities, TPR and CR8, user mode, and the frame that the gate pushes.
 */
#include "guest.h"

#define LOW 0x31
#define MIDDLE 0x42
#define HIGH 0x53

static live u64 irq_rip, irq_cs, irq_flags;
static live unsigned int order[8], taken;

static void record(struct regs *regs)
{
	irq_rip = regs->rip;
	irq_cs = regs->cs;
	irq_flags = regs->rflags;
	if (taken < ARRAY_SIZE(order))
		order[taken] = regs->vector;
	taken++;
	apic_write(APIC_EOI, 0);
}

static void post(unsigned int vector)
{
	apic_self_ipi(vector);
}

static void start(void)
{
	taken = 0;
	irq_rip = 0;
}

static const char *shadow_kept(void)
{
	return bochs_svm_fault("Bochs' SVM keeps the shadow of STI over an exit");
}

/*
 * Post @LOW for the code that follows. Try again, up to this number of times, if the host, not
 * the hypervisor, has delivered it too early.
 */
#define TRIES 1000

static bool post_again(unsigned int *tries)
{
	if (*tries && !(taken && shadow_forgotten(irq_rip) && *tries < TRIES))
		return false;
	++*tries;
	start();
	post(LOW);
	return true;
}

/* Run @code with @LOW pending and IF clear; the interrupt is due at label 1. */
#define DUE_AT(what, code, ...)                                                                    \
	do {                                                                                       \
		const char *what_ = what;                                                          \
		unsigned int tries_ = 0;                                                           \
		u64 due_ = 0;                                                                      \
		while (post_again(&tries_))                                                        \
			asm volatile("lea 1f(%%rip), %0\n\t" code "\n\tnop; nop; cli"              \
				     : "=&r"(due_)                                                 \
				     : __VA_ARGS__                                                 \
				     : "rax", "rbx", "rcx", "rdx", "rdi", "memory", "cc");         \
		report_known(taken, 1, shadow_kept(), "%s: one interrupt", what_);                 \
		report_known(irq_rip, due_, shadow_kept(), "%s: at the right instruction", what_); \
	} while (0)

static void shadows(void)
{
	unsigned int tries = 0;
	u8 buffer[4];

	start();
	post(LOW);
	linger();
	report_eq(taken, 0, "none with IF clear");
	report(apic_test(APIC_IRR, LOW), "it waits in IRR");
	while (post_again(&tries))
		asm volatile("sti; cli; nop; nop" : : : "memory");
	report_eq(taken, 0, "none between STI and CLI (SDM 2B STI)");
	irq_window();
	report_eq(taken, 1, "it comes after STI and one instruction");

	DUE_AT("STI, NOP", "sti; nop; 1:");
	DUE_AT("POPF has no shadow", "pushf; orl $0x200, (%%rsp); popf; 1:");
	/* The step over an instruction that exits ends the shadow. */
	DUE_AT("STI, CPUID", "sti; cpuid; 1:");
	DUE_AT("STI, RDMSR", "mov $0x277, %%ecx; sti; rdmsr; 1:");
	DUE_AT("STI, IN to userspace", "mov $0x3ff, %%edx; sti; inb %%dx, %%al; 1:");
	DUE_AT("STI, OUT to userspace", "mov $0x3ff, %%edx; sti; outb %%al, %%dx; 1:");
	DUE_AT("STI, IN in the kernel", "mov $0x21, %%edx; sti; inb %%dx, %%al; 1:");
	DUE_AT("STI, MMIO read", "sti; movl (%1), %%eax; 1:", "r"(LAPIC_BASE + APIC_ID));
	DUE_AT("STI, INS", "mov $0x3ff, %%edx; lea %1, %%rdi; cld; sti; insb; 1:", "m"(buffer));
	DUE_AT("STI, HLT", "sti; hlt; 1:");
	DUE_AT("STI, WBINVD", "sti; wbinvd; 1:");
	DUE_AT("STI, MOV from CR8", "sti; mov %%cr8, %%rax; 1:");
}

/* The host has to interrupt the guest during the shadow, and must not end the shadow. */
static void shadow_stays(void)
{
	u64 due;

	start();
	post(LOW);
	asm volatile("lea 1f(%%rip), %0; sti; movb $1, (%1); 1: nop; nop; cli"
		     : "=&r"(due)
		     : "r"(0x3000000UL)
		     : "memory", "cc");
	report_known(taken, 1, shadow_kept(), "STI, a store to fresh memory: one interrupt");
	report_known(irq_rip, due,
		     host_is_tcg() ? "QEMU's TCG forgets the shadow of STI at VMRUN" :
				     shadow_kept(),
		     "STI, a store to fresh memory: behind the store");
}

/* An IRET that sets IF has no shadow. */
static void iret_window(void)
{
	u64 due;

	start();
	post(LOW);
	asm volatile("mov %%rsp, %%rax; mov %%ss, %%ecx; push %%rcx; push %%rax\n\t"
		     "pushf; orl $0x200, (%%rsp); mov %%cs, %%ecx; push %%rcx\n\t"
		     "lea 1f(%%rip), %0; push %0; iretq\n\t"
		     "1: nop; nop; cli"
		     : "=&r"(due)
		     :
		     : "rax", "rcx", "memory", "cc");
	report_eq(taken, 1, "IRET opens the window");
	report_eq(irq_rip, due, "IRET has no shadow");
}

static void frame(void)
{
	u64 flags;

	start();
	post(LOW);
	asm volatile("std; stc; sti; nop; nop; cli; pushf; pop %0; cld" : "=r"(flags) : : "memory");
	report_eq(irq_flags & (RFLAGS_CF | RFLAGS_DF | RFLAGS_IF),
		  RFLAGS_CF | RFLAGS_DF | RFLAGS_IF, "RFLAGS as pushed");
	report_eq(flags & (RFLAGS_CF | RFLAGS_DF | RFLAGS_IF), RFLAGS_CF | RFLAGS_DF,
		  "RFLAGS as IRET brought them back");
	report_eq(irq_cs, SEL_CODE64, "CS as pushed");
}

static void priority(void)
{
	start();
	post(LOW);
	post(HIGH);
	post(MIDDLE);
	post(LOW);
	asm volatile("sti; nop; nop; nop; nop; nop; cli" : : : "memory");
	report_eq(taken, 3, "two of one vector are one");
	report(order[0] == HIGH && order[1] == MIDDLE && order[2] == LOW, "the highest is first");
}

static void no_eoi(struct regs *regs)
{
	order[taken++ & 7] = regs->vector;
	post(LOW);
	post(HIGH);
	asm volatile("sti; nop; nop; nop; cli" : : : "memory");
	order[taken++ & 7] = 0;
	apic_write(APIC_EOI, 0);
	asm volatile("sti; nop; nop; nop; cli" : : : "memory");
	order[taken++ & 7] = 1;
}

static void in_service(void)
{
	static const unsigned int want[] = { MIDDLE, HIGH, 0, LOW, 1 };

	start();
	trap_handler(MIDDLE, no_eoi);
	post(MIDDLE);
	asm volatile("sti; nop; nop; nop; cli" : : : "memory");
	trap_handler(MIDDLE, record);
	report_eq(taken, 5, "nested interrupts");
	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++)
		if (order[i] != want[i]) {
			report(false, "higher ones nest, lower ones wait for EOI");
			return;
		}
	report(true, "higher ones nest, lower ones wait for EOI");
}

static void task_priority(void)
{
	u64 due;

	start();
	write_cr8(MIDDLE >> 4);
	post(MIDDLE);
	post(LOW);
	irq_window();
	report_eq(taken, 0, "CR8 holds its own class and lower ones back");
	post(HIGH);
	irq_window();
	report(taken == 1 && order[0] == HIGH, "CR8 lets higher ones through");
	report_eq(apic_read(APIC_PPR) & 0xf0, MIDDLE & 0xf0, "PPR follows CR8");

	start();
	asm volatile("sti; nop; lea 1f(%%rip), %0; mov %1, %%cr8; 1: nop; nop; cli"
		     : "=&r"(due)
		     : "r"((u64)LOW >> 4)
		     : "memory");
	report_eq(taken, 1, "lowering CR8 lets one in");
	report_eq(irq_rip, due, "lowering CR8: right behind it");
	write_cr8(0);
	irq_window();
	report(taken == 2 && order[1] == LOW, "CR8 0 lets the last one in");

	start();
	apic_write(APIC_TPR, 0xf0);
	post(HIGH);
	asm volatile("sti; nop; nop; nop" : : : "memory");
	report_eq(taken, 0, "TPR holds back with IF set");
	apic_write(APIC_TPR, HIGH & 0xf0);
	asm volatile("nop; nop" : : : "memory");
	report_eq(taken, 0, "TPR of the same class holds back");
	apic_write(APIC_TPR, (HIGH & 0xf0) - 0x10);
	asm volatile("nop; nop; cli" : : : "memory");
	report_eq(taken, 1, "TPR lowered with IF set lets it in");
	apic_write(APIC_TPR, 0);
}

static live bool user_done;

static void user_loop(void *arg)
{
	(void)arg;
	while (!user_done)
		cpu_relax();
}

static void record_user(struct regs *regs)
{
	user_done = true;
	record(regs);
}

/* The interrupt comes while user code spins. Only a timer can end the loop. */
static void user_mode(void)
{
	unsigned int got;

	start();
	trap_handler(LOW, record_user);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, LOW);
	apic_write(APIC_TIMER_INITIAL, 1000000);
	got = user_run(user_loop, NULL, RFLAGS_IF);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
	report_eq(got, 0x80, "a timer interrupts user mode");
	report_eq(irq_cs, SEL_USER_CODE64, "CS pushed is the user's");
	trap_handler(LOW, record);
}

/* The guest does not exit by itself: only the host's kick lets the interrupt in. */
static void busy_loop(void)
{
	u64 count = 0;

	start();
	apic_write(APIC_LVT_TIMER, LOW);
	apic_write(APIC_TIMER_INITIAL, 2000000);
	sti();
	while (!taken && count < (1ULL << 35))
		count++;
	cli();
	report_eq(taken, 1, "a timer interrupts a loop without exits");
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
}

static void many(void)
{
	start();
	sti();
	for (unsigned int i = 0; i < 500; i++) {
		post(LOW);
		if (taken != i + 1)
			break;
	}
	cli();
	report_eq(taken, 500, "500 interrupts to itself, each taken at once");
}

void guest_main(void)
{
	apic_enable();
	trap_handler(LOW, record);
	trap_handler(MIDDLE, record);
	trap_handler(HIGH, record);
	shadows();
	shadow_stays();
	iret_window();
	frame();
	priority();
	in_service();
	task_priority();
	user_mode();
	busy_loop();
	many();
}
