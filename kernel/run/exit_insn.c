// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of single instructions: CPUID, HLT, XSETBV, PAUSE, WBINVD, MONITOR and MWAIT; and #UD,
 * which the other vendor's hypercall may have raised.
 */
#include <linux/kvm_para.h>
#include <asm/processor-flags.h>

#include "core/vm.h"
#include "guest/cpuid_table.h"
#include "guest/dma.h"
#include "guest/fpu.h"
#include "guest/raise.h"
#include "run/access.h"
#include "run/exits.h"
#include "run/insn.h"
#include "run/run.h"
#include "x86/guest_walk.h"

#define F1_ECX_MONITOR BIT(3)

enum exit_fate exit_cpuid(struct vcpu *vcpu)
{
	u64 *gpr = vcpu->state.gpr;
	struct cpuid_query regs;

	if (unlikely(vcpu->msrs.cpuid_faulting)) {
		vcpu_need(vcpu, STATE_CODE);
		if (cpu_cpl(&vcpu->state)) {
			vcpu_raise_gp(vcpu);
			return EXIT_RESUME;
		}
	}
	vcpu_need(vcpu, STATE_GPRS);
	regs = (struct cpuid_query){ .eax = gpr[GPR_RAX], .ecx = gpr[GPR_RCX] };
	cpuid_execute(&vcpu->cpuid, &regs);
	gpr[GPR_RAX] = regs.eax;
	gpr[GPR_RBX] = regs.ebx;
	gpr[GPR_RCX] = regs.ecx;
	gpr[GPR_RDX] = regs.edx;
	vcpu_touch(vcpu, STATE_GPRS);
	return vcpu_skip(vcpu);
}

/*
 * Return true if this HLT must end at once. KVM_HC_KICK_CPU may have come before it, and then
 * userspace may have saved and restored the vCPU: no structure of the ABI carries the kick. A guest
 * that waits for the kick with interrupts disabled would sleep for ever. Such a guest checks its
 * condition when it wakes up, so a wake-up without a reason does no harm.
 */
static bool kick_may_be_lost(struct vcpu *vcpu)
{
	if (likely(!vcpu->kick_unknown))
		return false;
	vcpu->kick_unknown = false;
	vcpu_need(vcpu, STATE_RIP);
	return vcpu->cpuid.facts.pv_features & BIT(KVM_FEATURE_PV_UNHALT) &&
	       !(vcpu->state.rflags & X86_EFLAGS_IF);
}

enum exit_fate exit_hlt(struct vcpu *vcpu)
{
	enum exit_fate fate = vcpu_skip(vcpu);

	vcpu->stats.halt_exits++;
	if (fate != EXIT_RESUME)
		return fate;
	if (vcpu->lapic) {
		/* The run loop sleeps in block() until an event can be injected. */
		if (!kick_may_be_lost(vcpu))
			vcpu->mp_state = KVM_MP_STATE_HALTED;
		return EXIT_RESUME;
	}
	vcpu->run->exit_reason = KVM_EXIT_HLT;
	return EXIT_USER;
}

enum exit_fate exit_xsetbv(struct vcpu *vcpu)
{
	const u64 *gpr = vcpu->state.gpr;

	vcpu_need(vcpu, STATE_GPRS | STATE_CODE | STATE_CR);
	if (!(vcpu->state.cr4 & X86_CR4_OSXSAVE)) {
		vcpu_raise_ud(vcpu);
		return EXIT_RESUME;
	}
	if (cpu_cpl(&vcpu->state) ||
	    fpu_set_xcr(vcpu, (u32)gpr[GPR_RCX], (u32)gpr[GPR_RAX] | gpr[GPR_RDX] << 32)) {
		vcpu_raise_gp(vcpu);
		return EXIT_RESUME;
	}
	cpuid_refresh_vcpu(vcpu);
	return vcpu_skip(vcpu);
}

enum exit_fate exit_wbinvd(struct vcpu *vcpu)
{
	dma_write_back(&vcpu->vm->dma);
	return vcpu_skip(vcpu);
}

enum exit_fate exit_pause(struct vcpu *vcpu)
{
	/* The vCPU waits for another one, which may need this CPU to make progress. */
	vcpu_yield(vcpu);
	return vcpu_skip(vcpu);
}

enum exit_fate exit_monitor(struct vcpu *vcpu)
{
	struct cpuid_query regs = { .eax = 1 };

	if (vm_quirk_on(vcpu->vm, KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS))
		return vcpu_skip(vcpu);
	cpuid_execute(&vcpu->cpuid, &regs);
	if (regs.ecx & F1_ECX_MONITOR)
		return vcpu_skip(vcpu);
	vcpu_raise_ud(vcpu);
	return EXIT_RESUME;
}

/* Return true if the instruction at RIP is the other vendor's hypercall. */
static bool at_foreign_hypercall(struct vcpu *vcpu, u8 own)
{
	struct emul *e = &vcpu->emul;

	vcpu_need(vcpu, STATE_ALL);
	e->state = &vcpu->state;
	e->ops = &vcpu_emul_ops;
	access_prefetch(vcpu);
	return e->byte_count >= 3 && e->bytes[0] == 0x0f && e->bytes[1] == 0x01 &&
	       e->bytes[2] == (own ^ OPCODE_VMCALL ^ OPCODE_VMMCALL);
}

/* Replace the hypercall's last byte, with the rights that the guest itself has. */
static enum exit_fate write_opcode(struct vcpu *vcpu, u8 opcode)
{
	const struct cpu_state *state = &vcpu->state;
	u32 walk = WALK_WRITE | (cpu_cpl(state) == 3 ? WALK_USER : 0);
	u64 linear = state->rip + 2;
	u64 gpa;
	int r;

	if (emul_mode(state) != INSN_MODE_64)
		linear = (u32)(linear + state->seg[SEG_CS].base);
	r = vcpu_translate(vcpu, linear, walk, &gpa);
	if (r == 1)
		vcpu_raise(vcpu, &vcpu->emul.fault);
	else if (r != -EAGAIN &&
		 (r || memory_write(&vcpu->vm->memory, gpa, &opcode, sizeof(opcode))))
		vcpu_raise_ud(vcpu);
	/* If it was replaced, the guest executes the new instruction. */
	return EXIT_RESUME;
}

enum exit_fate exit_undefined(struct vcpu *vcpu, u8 own)
{
	if (vm_quirk_on(vcpu->vm, KVM_X86_QUIRK_FIX_HYPERCALL_INSN) &&
	    at_foreign_hypercall(vcpu, own))
		return write_opcode(vcpu, own);
	vcpu_raise_ud(vcpu);
	return EXIT_RESUME;
}
