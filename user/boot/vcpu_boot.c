// SPDX-License-Identifier: GPL-2.0-only
/* The state that firmware and boot loader leave in the first vCPU when a kernel starts. */
#include "boot/vcpu_boot.h"

#include "base/diag.h"
#include "base/layout.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#define CODE_SELECTOR 0x10 /* __BOOT_CS of the Linux boot protocol */
#define DATA_SELECTOR 0x18 /* __BOOT_DS */
#define TASK_SELECTOR 0x20
#define GDT_ENTRIES 6 /* two of them for the TSS, whose descriptor has 16 bytes in long mode */

#define CR0_PE (1ULL << 0)
#define CR0_ET (1ULL << 4)
#define CR0_NE (1ULL << 5)
#define CR0_PG (1ULL << 31)
#define CR4_PAE (1ULL << 5)
#define EFER_LME (1ULL << 8)
#define EFER_LMA (1ULL << 10)
#define RFLAGS_FIXED 0x2

#define TYPE_DATA 0x3 /* read, write, accessed */
#define TYPE_CODE 0xb /* execute, read, accessed */
#define TYPE_TSS_BUSY 0xb

#define APIC_LVT0 0x350
#define APIC_LVT1 0x360
#define APIC_MODE_NMI 0x400
#define APIC_MODE_EXTINT 0x700

#define MSR_MTRR_DEF_TYPE 0x2ff
#define MTRR_ENABLED_WRITE_BACK 0x806

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type, bool long_mode)
{
	return (struct kvm_segment){
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.l = long_mode,
		.db = !long_mode,
		.g = 1,
	};
}

/* Return: the descriptor from which the CPU would load @segment (SDM 3A 3.4.5). */
static uint64_t descriptor(const struct kvm_segment *segment)
{
	uint64_t limit = segment->g ? segment->limit >> 12 : segment->limit;
	uint64_t access = segment->type | (uint64_t)segment->s << 4 | (uint64_t)segment->dpl << 5 |
			  (uint64_t)segment->present << 7;
	uint64_t flags = (uint64_t)segment->l << 1 | (uint64_t)segment->db << 2 |
			 (uint64_t)segment->g << 3;

	return (limit & 0xffff) | (segment->base & 0xffffff) << 16 | access << 40 |
	       (limit >> 16 & 0xf) << 48 | flags << 52 | (segment->base >> 24 & 0xff) << 56;
}

/* A kernel may reload the segment registers, so the GDT has the same segments. */
static void write_gdt(const struct guest_memory *memory, struct kvm_sregs *sregs)
{
	uint64_t gdt[GDT_ENTRIES] = { 0 };

	gdt[CODE_SELECTOR / 8] = descriptor(&sregs->cs);
	gdt[DATA_SELECTOR / 8] = descriptor(&sregs->ds);
	gdt[TASK_SELECTOR / 8] = descriptor(&sregs->tr);
	memcpy(memory_hva(memory, LAYOUT_GDT, sizeof(gdt)), gdt, sizeof(gdt));
	sregs->gdt.base = LAYOUT_GDT;
	sregs->gdt.limit = sizeof(gdt) - 1;
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
}

static void set_segments(struct kvm_sregs *sregs, bool long_mode)
{
	sregs->cs = flat_segment(CODE_SELECTOR, TYPE_CODE, long_mode);
	sregs->ds = flat_segment(DATA_SELECTOR, TYPE_DATA, false);
	sregs->es = sregs->ds;
	sregs->fs = sregs->ds;
	sregs->gs = sregs->ds;
	sregs->ss = sregs->ds;
	sregs->tr = (struct kvm_segment){
		.selector = TASK_SELECTOR,
		.limit = 0x67,
		.type = TYPE_TSS_BUSY,
		.present = 1,
	};
}

static int set_sregs(int vcpu_fd, const struct guest_memory *memory, const struct boot_state *boot)
{
	bool long_mode = boot->mode == BOOT_LONG;
	struct kvm_sregs sregs;

	if (ioctl(vcpu_fd, KVM_GET_SREGS, &sregs))
		return diag_error("KVM_GET_SREGS: %s", strerror(errno));
	set_segments(&sregs, long_mode);
	write_gdt(memory, &sregs);
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE;
	sregs.cr4 = 0;
	sregs.efer = 0;
	if (long_mode) {
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = LAYOUT_PAGE_TABLES;
		sregs.cr4 = CR4_PAE;
		sregs.efer = EFER_LME | EFER_LMA;
	}
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs))
		return diag_error("KVM_SET_SREGS: %s", strerror(errno));
	return 0;
}

static int set_regs(int vcpu_fd, const struct boot_state *boot)
{
	const struct kvm_regs regs = {
		.rip = boot->rip,
		.rax = boot->rax,
		.rbx = boot->rbx,
		.rsi = boot->rsi,
		.rflags = RFLAGS_FIXED,
	};

	if (ioctl(vcpu_fd, KVM_SET_REGS, &regs))
		return diag_error("KVM_SET_REGS: %s", strerror(errno));
	return 0;
}

static void set_lvt(struct kvm_lapic_state *lapic, unsigned int offset, uint32_t mode)
{
	memcpy(lapic->regs + offset, &mode, sizeof(mode));
}

/*
 * Set virtual wire mode: LINT0 delivers the interrupts of the PIC, LINT1 delivers NMIs (MP
 * specification 3.6.2.2).
 */
static int set_local_apic(int vcpu_fd)
{
	struct kvm_lapic_state lapic;

	if (ioctl(vcpu_fd, KVM_GET_LAPIC, &lapic))
		return diag_error("KVM_GET_LAPIC: %s", strerror(errno));
	set_lvt(&lapic, APIC_LVT0, APIC_MODE_EXTINT);
	set_lvt(&lapic, APIC_LVT1, APIC_MODE_NMI);
	if (ioctl(vcpu_fd, KVM_SET_LAPIC, &lapic))
		return diag_error("KVM_SET_LAPIC: %s", strerror(errno));
	return 0;
}

/*
 * Make all memory write-back. If the registers are off, as after a reset, Linux does not use PAT.
 * Ignore the error of a node that does not have the register: the guest does without PAT.
 */
static void set_mtrr(int vcpu_fd)
{
	union {
		struct kvm_msrs msrs;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} set = { .msrs.nmsrs = 1 };

	set.msrs.entries[0].index = MSR_MTRR_DEF_TYPE;
	set.msrs.entries[0].data = MTRR_ENABLED_WRITE_BACK;
	ioctl(vcpu_fd, KVM_SET_MSRS, &set);
}

int vcpu_boot_set_state(int vcpu_fd, const struct guest_memory *memory,
			const struct boot_state *boot, bool has_mtrr)
{
	if (set_sregs(vcpu_fd, memory, boot) || set_regs(vcpu_fd, boot) || set_local_apic(vcpu_fd))
		return -1;
	if (has_mtrr)
		set_mtrr(vcpu_fd);
	return 0;
}
