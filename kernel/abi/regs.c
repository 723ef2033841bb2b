// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPU ioctls that read and write registers: conversions between the ABI's structures and struct
 * cpu_state.
 */
#include <asm/processor-flags.h>

#include "abi/abi.h"
#include "core/vcpu.h"
#include "guest/cpuid_table.h"
#include "guest/msr.h"
#include "guest/paging.h"
#include "guest/reset.h"
#include "irq/lapic.h"
#include "run/access.h"
#include "run/exit_debug.h"
#include "x86/cr.h"
#include "x86/guest_walk.h"

/* struct kvm_sregs and struct kvm_sregs2 begin with the same members. */
#define SREGS_COMMON_SIZE offsetof(struct kvm_sregs, interrupt_bitmap)
static_assert(offsetof(struct kvm_sregs2, flags) == SREGS_COMMON_SIZE);

/* Bit 1 of RFLAGS is always set (SDM 1 3.4.3). */
#define RFLAGS_FIXED BIT(1)

void regs_get(struct vcpu *vcpu, struct kvm_regs *regs)
{
	const u64 *gpr = vcpu->state.gpr;

	vcpu_need(vcpu, STATE_GPRS | STATE_RIP);
	*regs = (struct kvm_regs){
		.rax = gpr[GPR_RAX],
		.rbx = gpr[GPR_RBX],
		.rcx = gpr[GPR_RCX],
		.rdx = gpr[GPR_RDX],
		.rsi = gpr[GPR_RSI],
		.rdi = gpr[GPR_RDI],
		.rsp = gpr[GPR_RSP],
		.rbp = gpr[GPR_RBP],
		.r8 = gpr[8],
		.r9 = gpr[9],
		.r10 = gpr[10],
		.r11 = gpr[11],
		.r12 = gpr[12],
		.r13 = gpr[13],
		.r14 = gpr[14],
		.r15 = gpr[15],
		.rip = vcpu->state.rip,
		.rflags = vcpu->state.rflags,
	};
}

void regs_set(struct vcpu *vcpu, const struct kvm_regs *regs)
{
	u64 *gpr = vcpu->state.gpr;

	gpr[GPR_RAX] = regs->rax;
	gpr[GPR_RBX] = regs->rbx;
	gpr[GPR_RCX] = regs->rcx;
	gpr[GPR_RDX] = regs->rdx;
	gpr[GPR_RSI] = regs->rsi;
	gpr[GPR_RDI] = regs->rdi;
	gpr[GPR_RSP] = regs->rsp;
	gpr[GPR_RBP] = regs->rbp;
	gpr[8] = regs->r8;
	gpr[9] = regs->r9;
	gpr[10] = regs->r10;
	gpr[11] = regs->r11;
	gpr[12] = regs->r12;
	gpr[13] = regs->r13;
	gpr[14] = regs->r14;
	gpr[15] = regs->r15;
	vcpu->state.rip = regs->rip;
	vcpu->state.rflags = regs->rflags | RFLAGS_FIXED;
	vcpu_touch(vcpu, STATE_GPRS | STATE_RIP);
	vcpu->exception_pending = false;
	guest_debug_arm(vcpu);
	vcpu_make_request(vcpu, REQ_EVENT);
}

static void segment_get(const struct cpu_segment *from, struct kvm_segment *to)
{
	u16 attrib = from->attrib;

	*to = (struct kvm_segment){
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.type = attrib & SEG_ATTR_TYPE,
		.s = !!(attrib & SEG_ATTR_S),
		.dpl = (attrib & SEG_ATTR_DPL) >> SEG_ATTR_DPL_SHIFT,
		.present = !!(attrib & SEG_ATTR_P),
		.avl = !!(attrib & SEG_ATTR_AVL),
		.l = !!(attrib & SEG_ATTR_L),
		.db = !!(attrib & SEG_ATTR_DB),
		.g = !!(attrib & SEG_ATTR_G),
		.unusable = !(attrib & SEG_ATTR_P),
	};
}

static void segment_set(const struct kvm_segment *from, struct cpu_segment *to)
{
	u16 attrib =
		(from->type & SEG_ATTR_TYPE) | ((from->dpl << SEG_ATTR_DPL_SHIFT) & SEG_ATTR_DPL) |
		(from->s ? SEG_ATTR_S : 0) | (from->avl ? SEG_ATTR_AVL : 0) |
		(from->l ? SEG_ATTR_L : 0) | (from->db ? SEG_ATTR_DB : 0) |
		(from->g ? SEG_ATTR_G : 0) | (from->present && !from->unusable ? SEG_ATTR_P : 0);

	*to = (struct cpu_segment){ .base = from->base,
				    .limit = from->limit,
				    .selector = from->selector,
				    .attrib = attrib };
}

/* Return the member of struct kvm_sregs for a segment register. */
static struct kvm_segment *sregs_segment(struct kvm_sregs *sregs, enum cpu_seg seg)
{
	switch (seg) {
	case SEG_ES:
		return &sregs->es;
	case SEG_CS:
		return &sregs->cs;
	case SEG_SS:
		return &sregs->ss;
	case SEG_DS:
		return &sregs->ds;
	case SEG_FS:
		return &sregs->fs;
	case SEG_GS:
		return &sregs->gs;
	case SEG_LDTR:
		return &sregs->ldt;
	default:
		return &sregs->tr;
	}
}

/* Fill in the members that struct kvm_sregs2 has, too, and clear the others. */
static void get_common(struct vcpu *vcpu, struct kvm_sregs *sregs)
{
	const struct cpu_state *state = &vcpu->state;
	int i;

	events_settle(vcpu);
	vcpu_need(vcpu, STATE_SEGS | STATE_CR);
	*sregs = (struct kvm_sregs){
		.gdt = { .base = state->gdtr.base, .limit = state->gdtr.limit },
		.idt = { .base = state->idtr.base, .limit = state->idtr.limit },
		.cr0 = state->cr0,
		.cr2 = state->cr2,
		.cr3 = state->cr3,
		.cr4 = state->cr4,
		.cr8 = paging_cr8(vcpu),
		.efer = state->efer,
		.apic_base = msr_apic_base(vcpu),
	};
	for (i = 0; i < SEG_COUNT; i++)
		segment_get(&state->seg[i], sregs_segment(sregs, i));
	/* The TSS in TR is busy, but the hardware may not keep this bit (APM 2 12.2.2). */
	sregs->tr.type |= 2;
}

void sregs_get(struct vcpu *vcpu, struct kvm_sregs *sregs)
{
	get_common(vcpu, sregs);
	if (vcpu->event.type == EVENT_IRQ)
		__set_bit(vcpu->event.vector, (unsigned long *)sregs->interrupt_bitmap);
}

void sregs2_get(struct vcpu *vcpu, struct kvm_sregs2 *sregs2)
{
	struct kvm_sregs common;

	get_common(vcpu, &common);
	*sregs2 = (struct kvm_sregs2){};
	memcpy(sregs2, &common, SREGS_COMMON_SIZE);
	if (!cr_pae_paging(&vcpu->state))
		return;
	memcpy(sregs2->pdptrs, vcpu->state.pdpte, sizeof(sregs2->pdptrs));
	/* This CPU reads the PDPTEs in memory at each walk, so read them now. */
	if (vendor->walks_pdptes && !paging_read_pdptes(vcpu, vcpu->state.cr3, sregs2->pdptrs))
		memset(sregs2->pdptrs, 0, sizeof(sregs2->pdptrs));
	sregs2->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
}

/* Return the vector of the interrupt that is being delivered, -1 for none, -EINVAL for several. */
static int bitmap_vector(const struct kvm_sregs *sregs)
{
	const unsigned long *bitmap = (const unsigned long *)sregs->interrupt_bitmap;
	int vector = find_first_bit(bitmap, KVM_NR_INTERRUPTS);

	if (vector == KVM_NR_INTERRUPTS)
		return -1;
	if (find_next_bit(bitmap, KVM_NR_INTERRUPTS, vector + 1) < KVM_NR_INTERRUPTS)
		return -EINVAL;
	return vector;
}

static int sregs_apply_apic(struct vcpu *vcpu, const struct kvm_sregs *sregs)
{
	if (!vcpu->lapic) {
		if (!msr_apic_base_valid(vcpu, sregs->apic_base))
			return -EINVAL;
		vcpu->apic_base = sregs->apic_base;
		vcpu->cr8 = sregs->cr8;
		return 0;
	}
	if (lapic_set_base(vcpu->lapic, sregs->apic_base, true))
		return -EINVAL;
	lapic_set_cr8(vcpu->lapic, sregs->cr8);
	vcpu->cr8 = sregs->cr8;
	return 0;
}

/* Copy the vCPU's registers to @state, and replace those that @sregs has. */
static void state_from_sregs(struct vcpu *vcpu, const struct kvm_sregs *sregs,
			     struct cpu_state *state)
{
	int i;

	vcpu_need(vcpu, STATE_ALL);
	*state = vcpu->state;
	for (i = 0; i < SEG_COUNT; i++)
		segment_set(sregs_segment((struct kvm_sregs *)sregs, i), &state->seg[i]);
	state->gdtr = (struct cpu_table){ .base = sregs->gdt.base, .limit = sregs->gdt.limit };
	state->idtr = (struct cpu_table){ .base = sregs->idt.base, .limit = sregs->idt.limit };
	state->cr0 = sregs->cr0;
	state->cr2 = sregs->cr2;
	state->cr3 = sregs->cr3;
	state->cr4 = sregs->cr4;
	state->efer = sregs->efer;
}

/* Set all registers, but not the interrupt. If @pdpte is NULL, read the PDPTEs from memory. */
static int set_common(struct vcpu *vcpu, const struct kvm_sregs *sregs, const u64 *pdpte)
{
	const struct cpuid_facts *host = cpuid_host_facts();
	/* A vCPU whose CPUID is not set yet may use every feature of the host. */
	const struct cpuid_facts *facts = vcpu->cpuid.count ? &vcpu->cpuid.facts : host;
	struct cpu_state state;

	state_from_sregs(vcpu, sregs, &state);
	if (pdpte && !cr_pae_paging(&state))
		return -EINVAL;
	/* If they are invalid, the entry fails (SDM 3C 27.3.1.6). */
	if (pdpte && !vendor->walks_pdptes && !paging_pdptes_valid(vcpu, pdpte))
		return -EINVAL;
	if (!cr8_valid(sregs->cr8) || !cr_mode_valid(facts, host, &state) ||
	    sregs_apply_apic(vcpu, sregs))
		return -EINVAL;
	if (pdpte)
		memcpy(state.pdpte, pdpte, sizeof(state.pdpte));
	/* Userspace may set registers before memory, so let the guest fault, not this ioctl. */
	else if (!paging_load_pdptes(vcpu, &state))
		memset(state.pdpte, 0, sizeof(state.pdpte));
	vcpu->state = state;
	vcpu_touch(vcpu, STATE_SEGS | STATE_CR);
	cpuid_refresh_vcpu(vcpu);
	vcpu_make_request(vcpu, REQ_TLB_FLUSH);
	vcpu_make_request(vcpu, REQ_EVENT);
	return 0;
}

int sregs_set(struct vcpu *vcpu, const struct kvm_sregs *sregs)
{
	int vector = bitmap_vector(sregs);
	int r;

	if (vector == -EINVAL)
		return -EINVAL;
	r = set_common(vcpu, sregs, NULL);
	if (!r && vector >= 0)
		vcpu->event = (struct vcpu_event){ .type = EVENT_IRQ, .vector = vector };
	return r;
}

int sregs2_set(struct vcpu *vcpu, const struct kvm_sregs2 *sregs2)
{
	bool has_pdptes = sregs2->flags & KVM_SREGS2_FLAGS_PDPTRS_VALID;
	struct kvm_sregs common = {};

	if (sregs2->flags & ~(u64)KVM_SREGS2_FLAGS_PDPTRS_VALID)
		return -EINVAL;
	memcpy(&common, sregs2, SREGS_COMMON_SIZE);
	return set_common(vcpu, &common, has_pdptes ? sregs2->pdptrs : NULL);
}

void debugregs_get(struct vcpu *vcpu, struct kvm_debugregs *regs)
{
	events_settle(vcpu);
	vcpu_need(vcpu, STATE_DR);
	*regs = (struct kvm_debugregs){ .dr6 = vcpu->state.dr6, .dr7 = vcpu->state.dr7 };
	memcpy(regs->db, vcpu->state.dr, sizeof(regs->db));
}

int debugregs_set(struct vcpu *vcpu, const struct kvm_debugregs *regs)
{
	const struct cpuid_facts *facts = &vcpu->cpuid.facts;

	if (regs->flags || !dr6_valid(regs->dr6) || !dr7_valid(regs->dr7))
		return -EINVAL;
	memcpy(vcpu->state.dr, regs->db, sizeof(regs->db));
	vcpu->state.dr6 = dr6_effective(facts, regs->dr6);
	vcpu->state.dr7 = dr7_effective(facts, regs->dr7);
	vcpu_touch(vcpu, STATE_DR);
	return 0;
}

void mp_state_get(struct vcpu *vcpu, struct kvm_mp_state *state)
{
	/* Userspace cannot save a waiting INIT or SIPI otherwise. */
	if (vcpu->lapic)
		vcpu_take_lapic_events(vcpu);
	/* Nor can it save a KVM_HC_KICK_CPU. */
	if (vcpu->mp_state == KVM_MP_STATE_HALTED && READ_ONCE(vcpu->kicked)) {
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
		WRITE_ONCE(vcpu->kicked, false);
	}
	state->mp_state = vcpu->mp_state;
}

int mp_state_set(struct vcpu *vcpu, const struct kvm_mp_state *state)
{
	switch (state->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_HALTED:
		if (!vcpu->lapic)
			return -EINVAL;
		break;
	case KVM_MP_STATE_SIPI_RECEIVED:
		if (!vcpu->lapic)
			return -EINVAL;
		/* Post the SIPI again: the next entry serves it. */
		vcpu->mp_state = KVM_MP_STATE_INIT_RECEIVED;
		lapic_post_event(vcpu->lapic, LAPIC_EVENT_SIPI, vcpu->lapic->sipi_vector);
		return 0;
	default:
		return -EINVAL;
	}
	vcpu->mp_state = state->mp_state;
	vcpu->kick_unknown = state->mp_state == KVM_MP_STATE_RUNNABLE;
	vcpu_make_request(vcpu, REQ_EVENT);
	return 0;
}

void translate_get(struct vcpu *vcpu, struct kvm_translation *translation)
{
	u64 gpa;
	int r = vcpu_translate(vcpu, translation->linear_address, WALK_PROBE, &gpa);

	translation->physical_address = r ? ~0ull : gpa;
	translation->valid = !r;
	/* KVM's ABI does not define these values further. */
	translation->writeable = 1;
	translation->usermode = 0;
}
