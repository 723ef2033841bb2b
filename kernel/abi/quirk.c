// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM does unlike a processor, because old clients rely on it, until a client
 * has it done right (KVM_CAP_DISABLE_QUIRKS2).
 */
#include "run/access.h"
#include "run/inject.h"
#include "run/exit.h"
#include "memory/memslot.h"
#include "x86/guest_walk.h"
#include "abi/quirk.h"
#include "core/vm.h"

#define F1_ECX_MONITOR BIT(3)

void quirks_disable(struct vm *vm, u64 off)
{
	WRITE_ONCE(vm->quirks_off, off);
	vm->fabric.lint0_masked = off & KVM_X86_QUIRK_LINT0_REENABLED;
}

bool quirk_on(const struct vcpu *vcpu, u64 quirk)
{
	return !(READ_ONCE(vcpu->vm->quirks_off) & quirk);
}

int vcpu_exit_monitor(struct vcpu *vcpu)
{
	struct cpuid_query regs = { .eax = 1 };

	if (quirk_on(vcpu, KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS))
		return vcpu_skip(vcpu);
	cpuid_execute(&vcpu->cpuid, &regs);
	if (regs.ecx & F1_ECX_MONITOR)
		return vcpu_skip(vcpu);
	vcpu_raise_ud(vcpu);
	return EXIT_RESUME;
}

/* Whether the instruction at RIP is the hypercall that is not @own. */
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

/* A write to the code by the guest itself, as far as its page tables go. */
static int write_opcode(struct vcpu *vcpu, u8 opcode)
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
	else if (r != -EAGAIN && (r || vm_write_guest(vcpu->vm, gpa, &opcode, sizeof(opcode))))
		vcpu_raise_ud(vcpu);
	/* The guest executes what is there now. */
	return EXIT_RESUME;
}

int vcpu_exit_undefined(struct vcpu *vcpu, u8 own)
{
	if (quirk_on(vcpu, KVM_X86_QUIRK_FIX_HYPERCALL_INSN) && at_foreign_hypercall(vcpu, own))
		return write_opcode(vcpu, own);
	vcpu_raise_ud(vcpu);
	return EXIT_RESUME;
}
