// SPDX-License-Identifier: GPL-2.0-only
/*
 * Local APIC, IOAPIC, 8259A and 8254.
 */
#include "guest.h"

/* About a minute of TSC: hosts may be busy, or stand still for many seconds. */
#define GIVE_UP (160ULL << 30)

live unsigned int irq_count[256];

static bool x2apic;

bool x2apic_on(void)
{
	return x2apic;
}

u32 apic_read(u32 reg)
{
	u32 value;

	if (x2apic)
		return rdmsr(0x800 + (reg >> 4));
	asm volatile("movl (%1), %0" : "=r"(value) : "r"(LAPIC_BASE + reg) : "memory");
	return value;
}

void apic_write(u32 reg, u32 value)
{
	if (x2apic)
		wrmsr(0x800 + (reg >> 4), value);
	else
		asm volatile("movl %0, (%1)" : : "r"(value), "r"(LAPIC_BASE + reg) : "memory");
}

bool apic_test(u32 base, unsigned int vector)
{
	return apic_read(base + vector / 32 * 16) >> vector % 32 & 1;
}

void apic_enable(void)
{
	static const u32 entries[] = { APIC_LVT_TIMER, APIC_LVT_LINT0, APIC_LVT_LINT1,
				       APIC_LVT_ERROR };

	apic_write(APIC_SVR, APIC_SVR_ENABLE | 0xff);
	apic_write(APIC_TPR, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(entries); i++)
		apic_write(entries[i], APIC_LVT_MASKED | 0xfe);
	apic_write(APIC_ESR, 0);
}

void x2apic_enable(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_EXTD);
	x2apic = true;
	apic_enable();
}

void xapic_enable(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) & ~(APIC_BASE_ENABLE | APIC_BASE_EXTD);

	if (x2apic)
		wrmsr(MSR_APIC_BASE, base);
	x2apic = false;
	wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
	apic_enable();
}

void apic_icr(u32 value)
{
	if (x2apic) {
		wrmsr(0x800 + (APIC_ICR >> 4), value);
		return;
	}
	apic_write(APIC_ICR2, 0);
	apic_write(APIC_ICR, value);
}

void apic_self_ipi(unsigned int vector)
{
	apic_icr(APIC_ICR_SELF | APIC_ICR_ASSERT | APIC_ICR_FIXED | vector);
}

void irq_count_handler(struct regs *regs)
{
	irq_count[regs->vector]++;
	apic_write(APIC_EOI, 0);
}

bool waited_long(u64 start)
{
	return read_tsc() - start > GIVE_UP;
}

bool wait_count(live unsigned int *count, unsigned int want)
{
	u64 start = read_tsc();

	while (*count < want) {
		if (waited_long(start))
			return *count >= want;
		cpu_relax();
	}
	return true;
}

bool sleep_count(live unsigned int *count, unsigned int want)
{
	while (*count < want)
		sti_hlt_cli();
	return true;
}

void linger(void)
{
	/* Port reads leave the guest, so that timers of the host get their turn. */
	for (int i = 0; i < 200; i++)
		in8(PIC1 + 1);
}

static void ioapic_select(unsigned int reg)
{
	*(live u32 *)IOAPIC_BASE = reg;
}

u32 ioapic_read(unsigned int reg)
{
	ioapic_select(reg);
	return *(live u32 *)(IOAPIC_BASE + 0x10);
}

void ioapic_write(unsigned int reg, u32 value)
{
	ioapic_select(reg);
	*(live u32 *)(IOAPIC_BASE + 0x10) = value;
}

void ioapic_set_entry(unsigned int pin, u64 entry)
{
	/* Masked while the halves do not fit each other. */
	ioapic_write(0x10 + pin * 2, APIC_LVT_MASKED);
	ioapic_write(0x11 + pin * 2, entry >> 32);
	ioapic_write(0x10 + pin * 2, entry);
}

u64 ioapic_entry(unsigned int pin)
{
	return ioapic_read(0x10 + pin * 2) | (u64)ioapic_read(0x11 + pin * 2) << 32;
}

void pic_mask(u16 mask)
{
	out8(PIC1 + 1, mask);
	out8(PIC2 + 1, mask >> 8);
}

void pic_init(u8 base)
{
	out8(PIC1, 0x11);
	out8(PIC2, 0x11);
	out8(PIC1 + 1, base);
	out8(PIC2 + 1, base + 8);
	out8(PIC1 + 1, 4);
	out8(PIC2 + 1, 2);
	out8(PIC1 + 1, 1);
	out8(PIC2 + 1, 1);
	pic_mask(0xffff);
}

bool pic_await(u8 mask)
{
	u64 start = read_tsc();

	out8(PIC1, 0x0a);
	while ((in8(PIC1) & mask) != mask)
		if (waited_long(start))
			return false;
	return true;
}

void pit_set(unsigned int channel, unsigned int mode, u16 count)
{
	out8(0x43, channel << 6 | 0x30 | mode << 1);
	out8(0x40 + channel, count);
	out8(0x40 + channel, count >> 8);
}

void pit_stop(void)
{
	pit_set(0, 5, 0);
}

void pit_nmis(bool on)
{
	u64 entry = on ? APIC_ICR_NMI : APIC_LVT_MASKED;

	ioapic_set_entry(0, entry);
	ioapic_set_entry(2, entry);
}

void pit_nmi_hlt(u16 count, live u64 *behind)
{
	pit_nmis(true);
	pit_set(0, 2, count);
	asm volatile("cli; lea 1f(%%rip), %%rax; mov %%rax, %0; hlt; 1:"
		     : "=m"(*behind)
		     :
		     : "rax", "memory");
	pit_stop();
	pit_nmis(false);
}
