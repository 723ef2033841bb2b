// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC, through its page and through MSRs: registers, interrupts to itself,
 * destinations, the timer in its three modes, and accesses that are refused.
 */
#include "guest.h"

#define VECTOR 0x61
#define OTHER 0x62
#define TIMER 0x70

static const char *mode;

static live u32 seen_ppr, seen_isr, seen_irr;

static void look_inside(struct regs *regs)
{
	seen_ppr = apic_read(APIC_PPR);
	seen_isr = apic_test(APIC_ISR, regs->vector);
	seen_irr = apic_test(APIC_IRR, regs->vector);
	irq_count_handler(regs);
}

static void forget(void)
{
	irq_window();
	for (unsigned int i = 0; i < 256; i++)
		irq_count[i] = 0;
}

static void registers(void)
{
	const char *low_tpr = kvm_fault("KVM on AMD drops TPR[3:0] at an exit");
	u32 version = apic_read(APIC_VERSION);

	report((version & 0xff) >= 0x10 && (version & 0xff) <= 0x15, "%s: version 0x%x", mode,
	       version & 0xff);
	report((version >> 16 & 0xff) >= 3, "%s: %u LVT entries", mode, (version >> 16 & 0xff) + 1);
	report_eq(apic_read(APIC_SVR), 0x1ff, "%s: SVR", mode);
	apic_write(APIC_TPR, 0xa7);
	report_known(apic_read(APIC_TPR), 0xa7, low_tpr, "%s: TPR", mode);
	report_known(apic_read(APIC_PPR), 0xa7, low_tpr, "%s: PPR is TPR with nothing in service",
		     mode);
	apic_write(APIC_TPR, 0);
	report_eq(apic_read(APIC_PPR), 0, "%s: PPR", mode);
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	report_eq(apic_read(APIC_TIMER_DIVIDE), 0xb, "%s: divide register", mode);
}

static void lvt(void)
{
	static const u32 entries[] = { APIC_LVT_TIMER, APIC_LVT_LINT0, APIC_LVT_LINT1,
				       APIC_LVT_ERROR };
	u32 svr = apic_read(APIC_SVR);

	for (unsigned int i = 0; i < ARRAY_SIZE(entries); i++) {
		apic_write(entries[i], APIC_LVT_MASKED | 0x77);
		report_eq(apic_read(entries[i]), APIC_LVT_MASKED | 0x77, "%s: LVT 0x%x", mode,
			  entries[i]);
		apic_write(entries[i], 0x78);
	}
	/* SDM 3A 11.4.7.2: software-disabled, every LVT entry is masked and stays so. */
	apic_write(APIC_SVR, svr & ~APIC_SVR_ENABLE);
	for (unsigned int i = 0; i < ARRAY_SIZE(entries); i++) {
		report(apic_read(entries[i]) & APIC_LVT_MASKED,
		       "%s: LVT 0x%x is masked when software-disabled", mode, entries[i]);
		apic_write(entries[i], 0x79);
		report(apic_read(entries[i]) & APIC_LVT_MASKED, "%s: LVT 0x%x cannot be unmasked",
		       mode, entries[i]);
	}
	apic_enable();
}

static void self(void)
{
	forget();
	trap_handler(VECTOR, look_inside);
	apic_self_ipi(VECTOR);
	report(apic_test(APIC_IRR, VECTOR), "%s: IRR", mode);
	report(!apic_test(APIC_ISR, VECTOR), "%s: not in ISR before", mode);
	report(!apic_test(APIC_TMR, VECTOR), "%s: TMR says edge", mode);
	apic_self_ipi(VECTOR);
	irq_window();
	irq_window();
	report_eq(irq_count[VECTOR], 1, "%s: two while waiting are one", mode);
	report_eq(seen_ppr, VECTOR & 0xf0, "%s: PPR inside the handler", mode);
	report(seen_isr && !seen_irr, "%s: ISR and IRR inside the handler", mode);
	report(!apic_test(APIC_ISR, VECTOR), "%s: EOI clears ISR", mode);
	report_eq(apic_read(APIC_PPR), 0, "%s: EOI lowers PPR", mode);
	report_eq(apic_read(APIC_ICR) & 0xc70ff, APIC_ICR_SELF | APIC_ICR_ASSERT | VECTOR,
		  "%s: ICR reads back, idle", mode);
}

static void icr(u32 destination, u32 low)
{
	if (x2apic_on()) {
		wrmsr(0x830, (u64)destination << 32 | low);
		return;
	}
	apic_write(APIC_ICR2, destination << 24);
	apic_write(APIC_ICR, low);
}

static unsigned int sent(u32 destination, u32 low)
{
	forget();
	icr(destination, low);
	irq_window();
	irq_window();
	return irq_count[VECTOR];
}

static void destinations(void)
{
	u32 id = x2apic_on() ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
	u32 everyone = x2apic_on() ? 0xffffffff : 0xff;
	const u32 fixed = APIC_ICR_ASSERT | VECTOR, logical = fixed | 0x800;
	u32 ldr;

	report_eq(sent(id, fixed), 1, "%s: physical destination, itself", mode);
	report_eq(sent(id + 1, fixed), 0, "%s: physical destination, nobody", mode);
	report_eq(sent(everyone, fixed), 1, "%s: physical broadcast", mode);
	report_eq(sent(0, fixed | APIC_ICR_ALL), 1, "%s: all", mode);
	report_eq(sent(0, fixed | APIC_ICR_OTHERS), 0, "%s: all but itself", mode);
	report_eq(sent(id, fixed | 0x100), 1, "%s: lowest priority", mode);
	if (x2apic_on()) {
		ldr = apic_read(APIC_LDR);
		report_eq(ldr, (id >> 4) << 16 | 1 << (id & 15), "%s: LDR comes from the id", mode);
		report_eq(sent(ldr, logical), 1, "%s: logical destination, itself", mode);
		report_eq(sent(ldr ^ 3, logical), 0, "%s: logical destination, nobody", mode);
		return;
	}
	apic_write(APIC_LDR, 0x04000000);
	report_eq(apic_read(APIC_LDR), 0x04000000, "%s: LDR", mode);
	apic_write(APIC_DFR, 0xffffffff);
	report_eq(sent(0x04, logical), 1, "%s: flat: itself", mode);
	report_eq(sent(0xfb, logical), 0, "%s: flat: all others", mode);
	report_eq(sent(0x0c, logical), 1, "%s: flat: itself and another", mode);
	apic_write(APIC_DFR, 0x0fffffff);
	apic_write(APIC_LDR, 0x32000000);
	report_eq(apic_read(APIC_DFR), 0x0fffffff, "%s: DFR", mode);
	report_eq(sent(0x32, logical), 1, "%s: cluster: itself", mode);
	report_eq(sent(0x3d, logical), 0, "%s: cluster: others in it", mode);
	report_eq(sent(0x22, logical), 0, "%s: cluster: another", mode);
	apic_write(APIC_DFR, 0xffffffff);
	apic_write(APIC_LDR, 0);
}

static void software_disable(void)
{
	forget();
	apic_write(APIC_SVR, 0xff);
	apic_self_ipi(VECTOR);
	irq_window();
	apic_write(APIC_SVR, 0x1ff);
	irq_window();
	report_eq(irq_count[VECTOR], 0, "%s: software-disabled, it takes no interrupt", mode);
}

/* SDM 3A 11.5.3. KVM keeps the register and leaves it at zero. */
static void error_status(void)
{
	u32 esr;

	apic_write(APIC_ESR, 0);
	apic_self_ipi(5);
	irq_window();
	apic_write(APIC_ESR, 0);
	esr = apic_read(APIC_ESR);
	if (esr)
		report_eq(esr & ~0x60U, 0, "%s: ESR after an illegal vector: 0x%x", mode, esr);
	else
		report_skip("this APIC reports no errors", "%s: ESR after an illegal vector", mode);
	if (esr)
		report(!apic_test(APIC_IRR, 5), "%s: vector 5 is not accepted", mode);
	else
		report_skip("this APIC reports no errors", "%s: vector 5 is not accepted", mode);
	apic_write(APIC_ESR, 0);
	apic_write(APIC_ESR, 0);
	report_eq(apic_read(APIC_ESR), 0, "%s: ESR is clear again", mode);
}

static void one_shot(void)
{
	u32 now;

	forget();
	apic_write(APIC_LVT_TIMER, TIMER);
	/* Divided by 128, the count does not end even on a busy host. */
	apic_write(APIC_TIMER_DIVIDE, 0xa);
	apic_write(APIC_TIMER_INITIAL, 0xffffffff);
	now = apic_read(APIC_TIMER_CURRENT);
	report(now != 0, "%s: the count runs", mode);
	linger();
	report(apic_read(APIC_TIMER_CURRENT) < now, "%s: the count falls", mode);
	report_eq(apic_read(APIC_TIMER_INITIAL), 0xffffffff, "%s: initial count reads back", mode);
	apic_write(APIC_TIMER_INITIAL, 0);
	report_eq(apic_read(APIC_TIMER_CURRENT), 0, "%s: initial count 0 stops it", mode);

	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_TIMER_INITIAL, 1000000);
	report(sleep_count(&irq_count[TIMER], 1), "%s: one-shot, asleep", mode);
	report_eq(apic_read(APIC_TIMER_CURRENT), 0, "%s: the count stays at 0", mode);
	sti();
	linger();
	cli();
	report_eq(irq_count[TIMER], 1, "%s: one-shot fires once", mode);

	apic_write(APIC_TIMER_INITIAL, 1000000);
	sti();
	report(wait_count(&irq_count[TIMER], 2), "%s: one-shot, awake", mode);
	cli();

	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | TIMER);
	apic_write(APIC_TIMER_INITIAL, 10000);
	while (apic_read(APIC_TIMER_CURRENT))
		cpu_relax();
	linger();
	apic_write(APIC_LVT_TIMER, TIMER);
	irq_window();
	report_known(irq_count[TIMER], 2, kvm_fault("KVM keeps it until it is unmasked"),
		     "%s: masked, it does not fire, nor later", mode);
}

static void periodic_timer(void)
{
	unsigned int after;

	forget();
	apic_write(APIC_LVT_TIMER, APIC_TIMER_PERIODIC | TIMER);
	/*
	 * The period is longer than a slow host takes for the handler, so that other code runs
	 * too.
	 */
	apic_write(APIC_TIMER_INITIAL, 5000000);
	report(sleep_count(&irq_count[TIMER], 5), "%s: periodic, asleep", mode);
	sti();
	report(wait_count(&irq_count[TIMER], 10), "%s: periodic, awake", mode);
	cli();
	apic_write(APIC_TIMER_INITIAL, 0);
	forget();
	sti();
	linger();
	cli();
	after = irq_count[TIMER];
	report_eq(after, 0, "%s: initial count 0 stops it", mode);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
}

static void deadline_timer(void)
{
	if (!has_tsc_deadline()) {
		report_skip("no TSC deadline timer", "%s: TSC deadline", mode);
		return;
	}
	forget();
	apic_write(APIC_LVT_TIMER, APIC_TIMER_DEADLINE | TIMER);
	wrmsr(MSR_TSC_DEADLINE, read_tsc() + (1ULL << 62));
	report(rdmsr(MSR_TSC_DEADLINE) > 1ULL << 61, "%s: the deadline reads back", mode);
	sti();
	linger();
	cli();
	report_eq(irq_count[TIMER], 0, "%s: a deadline far ahead", mode);
	report_eq(apic_read(APIC_TIMER_CURRENT), 0, "%s: the count is 0 in this mode", mode);

	wrmsr(MSR_TSC_DEADLINE, read_tsc() + 3000000);
	report(sleep_count(&irq_count[TIMER], 1), "%s: a deadline, asleep", mode);
	report_eq(rdmsr(MSR_TSC_DEADLINE), 0, "%s: it is 0 when it has fired", mode);
	wrmsr(MSR_TSC_DEADLINE, read_tsc() + 3000000);
	sti();
	report(wait_count(&irq_count[TIMER], 2), "%s: a deadline, awake", mode);
	wrmsr(MSR_TSC_DEADLINE, 1);
	report(wait_count(&irq_count[TIMER], 3), "%s: a deadline in the past", mode);
	linger();
	cli();
	report_eq(irq_count[TIMER], 3, "%s: each fires once", mode);

	wrmsr(MSR_TSC_DEADLINE, read_tsc() + (1ULL << 62));
	apic_write(APIC_LVT_TIMER, TIMER);
	report_eq(rdmsr(MSR_TSC_DEADLINE), 0, "%s: another mode disarms it (SDM 3A 11.5.4.1)",
		  mode);
	wrmsr(MSR_TSC_DEADLINE, read_tsc() + 1000);
	report_eq(rdmsr(MSR_TSC_DEADLINE), 0, "%s: no deadline in another mode", mode);
	apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED);
	irq_window();
	report_eq(irq_count[TIMER], 3, "%s: and no interrupt of it", mode);
}

/* An interrupt that TPR holds back is later neither spurious nor lost. */
static void held_back(void)
{
	forget();
	apic_write(APIC_TPR, 0xf0);
	apic_self_ipi(VECTOR);
	irq_window();
	report(apic_test(APIC_IRR, VECTOR) && !irq_count[VECTOR], "%s: TPR holds it in IRR", mode);
	apic_write(APIC_TPR, 0);
	irq_window();
	report_eq(irq_count[VECTOR], 1, "%s: and lets it go", mode);
	report_eq(irq_count[0xff], 0, "%s: nothing spurious", mode);
}

static void refuse(u32 msr, u64 value, const char *what)
{
	report_eq(wrmsr_safe(msr, value), VEC_GP, "x2APIC: %s: #GP", what);
}

static void x2apic_only(void)
{
	u64 value;

	report_eq(rdmsr(0x802), cpuid(1, 0).ebx >> 24, "x2APIC: id");
	refuse(0x802, 1, "write the id");
	refuse(0x803, 1, "write the version");
	refuse(0x80a, 1, "write PPR");
	refuse(0x80d, 1, "write LDR");
	refuse(0x810, 1, "write ISR");
	refuse(0x820, 1, "write IRR");
	refuse(0x839, 1, "write the current count");
	report_known(wrmsr_safe(0x80b, 1), VEC_GP, kvm_fault("KVM takes any value"),
		     "x2APIC: EOI of 1: #GP");
	refuse(0x828, 1, "ESR of 1");
	refuse(0x808, BIT(32), "TPR, bit 32");
	refuse(0x80f, BIT(32), "SVR, bit 32");
	refuse(0x832, BIT(32), "LVT timer, bit 32");
	report_eq(rdmsr_safe(0x80e, &value), VEC_GP, "x2APIC: read DFR: #GP");
	report_eq(wrmsr_safe(0x80e, 0), VEC_GP, "x2APIC: write DFR: #GP");
	report_eq(rdmsr_safe(0x831, &value), VEC_GP, "x2APIC: read ICR2: #GP");
	report_eq(rdmsr_safe(0x83f, &value), VEC_GP, "x2APIC: read SELF IPI: #GP");
	report_eq(rdmsr_safe(0x80b, &value), VEC_GP, "x2APIC: read EOI: #GP");
	report_eq(rdmsr_safe(0x840, &value), VEC_GP, "x2APIC: read MSR 0x840: #GP");
	report_eq(rdmsr_safe(0x8ff, &value), VEC_GP, "x2APIC: read MSR 0x8ff: #GP");
	forget();
	wrmsr(0x83f, VECTOR);
	irq_window();
	report_eq(irq_count[VECTOR], 1, "x2APIC: SELF IPI");
	refuse(0x83f, BIT(8) | VECTOR, "SELF IPI, bit 8");
}

static void all(const char *name)
{
	mode = name;
	trap_handler(OTHER, irq_count_handler);
	trap_handler(TIMER, irq_count_handler);
	trap_handler(0xff, irq_count_handler);
	registers();
	lvt();
	self();
	destinations();
	software_disable();
	error_status();
	held_back();
	one_shot();
	periodic_timer();
	deadline_timer();
}

void guest_main(void)
{
	u64 value;

	report_eq(rdmsr_safe(0x802, &value), VEC_GP, "xAPIC: no x2APIC MSRs: #GP");
	apic_enable();
	all("xAPIC");
	if (!has_x2apic()) {
		report_skip("no x2APIC", "x2APIC");
		return;
	}
	x2apic_enable();
	all("x2APIC");
	x2apic_only();
	xapic_enable();
	report_eq(apic_read(APIC_SVR), 0x1ff, "back to xAPIC");
}
