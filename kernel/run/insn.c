// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction that exited: step over it, decode it, execute it in software.
 */
#include <asm/processor-flags.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/debug.h"
#include "guest/raise.h"
#include "run/access.h"
#include "run/exit_debug.h"
#include "run/insn.h"

void vcpu_advance(struct vcpu *vcpu, u64 rip)
{
	struct cpu_state *state = &vcpu->state;
	bool trap;

	vcpu_need(vcpu, STATE_RIP);
	trap = guest_debug_show_tf(&vcpu->debug, state->rflags) & X86_EFLAGS_TF;
	/* Outside 64-bit mode RIP has 32 bits. The mode matters only across a 4 GiB boundary. */
	if (unlikely((state->rip ^ rip) >> 32)) {
		vcpu_need(vcpu, STATE_CODE | STATE_CR);
		if (emul_mode(state) != INSN_MODE_64)
			rip = (u32)rip;
	}
	state->rip = rip;
	state->rflags &= ~X86_EFLAGS_RF;
	vcpu_touch(vcpu, STATE_RIP);
	vendor_call(set_shadow)(vcpu, 0);
	if (trap)
		guest_debug_trap(vcpu, DR6_BS);
}

/* Fetch the groups that every instruction uses. The executor fetches more when it needs it. */
static void need_for_emul(struct vcpu *vcpu)
{
	vcpu_need(vcpu, STATE_GPRS | STATE_RIP | STATE_CR | STATE_CODE);
	if (emul_mode(&vcpu->state) != INSN_MODE_64)
		vcpu_need(vcpu, STATE_SEGS);
}

static void prepare_emul(struct vcpu *vcpu)
{
	need_for_emul(vcpu);
	vcpu->emul.state = &vcpu->state;
	vcpu->emul.ops = &vcpu_emul_ops;
	access_prefetch(vcpu);
}

/* The executor does not know the instruction: exit to userspace, or raise #UD, or both. */
static enum exit_fate emulation_failed(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	const struct emul *e = &vcpu->emul;

	vcpu->stats.insn_emulation_fail++;
	access_reset(&vcpu->access);
	if (!vcpu->vm->unknown_insns_exit) {
		/* Userspace may ignore the exit: then the guest gets #UD. */
		vcpu_raise_ud(vcpu);
		/* A program in the guest must not be able to stop the VM. */
		if (cpu_cpl(&vcpu->state))
			return EXIT_RESUME;
	}
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	/* Three u64: the flags, then the bytes with their count. */
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags =
		e->byte_count ? KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES : 0;
	run->emulation_failure.insn_size = e->byte_count;
	memcpy(run->emulation_failure.insn_bytes, e->bytes, sizeof(e->bytes));
	return EXIT_USER;
}

/* Trap for the data breakpoints that an emulated instruction has met, and for BS if @step. */
static void emul_trap(struct vcpu *vcpu, bool step)
{
	u64 dr6 = vcpu->access.hits_due | (step ? DR6_BS : 0);

	vcpu->access.hits_due = 0;
	if (unlikely(dr6))
		guest_debug_trap(vcpu, dr6);
}

enum exit_fate vcpu_emul_stopped(struct vcpu *vcpu, enum emul_result result)
{
	switch (result) {
	case EMUL_FAULT:
		vcpu_raise(vcpu, &vcpu->emul.fault);
		return EXIT_RESUME;
	case EMUL_AGAIN:
		/* Traps also come between two iterations of a REP (SDM 3B 18.3.1.2, 18.3.1.4). */
		emul_trap(vcpu, vcpu->emul.tf_trap);
		return EXIT_RESUME;
	case EMUL_USER:
		return EXIT_USER;
	default:
		return emulation_failed(vcpu);
	}
}

/* The executor has advanced RIP: set the shadow, and trap if TF was set. */
static void emul_advanced(struct vcpu *vcpu)
{
	vendor_call(set_shadow)(vcpu, vcpu->emul.shadow ? SHADOW_MOV_SS : 0);
	/* After MOV SS the trap comes one instruction later (SDM 3A 6.8.3). */
	emul_trap(vcpu, vcpu->debug.stepping || (vcpu->emul.tf_trap && !vcpu->emul.shadow));
}

/* Execute the instruction in vcpu->emul, which may have been decoded already. */
static enum exit_fate execute(struct vcpu *vcpu)
{
	enum emul_result result;
	u32 changed = STATE_GPRS | STATE_RIP;
	enum exit_fate fate = EXIT_RESUME;

	vcpu->access.next = 0;
	vcpu->access.posted = false;
	vcpu->access.hits = 0;
	vcpu->access.hits_due = 0;
	result = emulate(&vcpu->emul);
	if (unlikely(vcpu->emul.segs_loaded))
		changed |= STATE_SEGS;
	/* Even without EMUL_DONE, iterations of a REP may have finished. */
	vcpu_touch(vcpu, changed);
	if (result == EMUL_USER)
		return EXIT_USER;
	access_reset(&vcpu->access);
	if (result != EMUL_DONE) {
		fate = vcpu_emul_stopped(vcpu, result);
	} else {
		emul_advanced(vcpu);
		vcpu_make_request(vcpu, REQ_EVENT);
	}
	/* Even if the instruction has not finished, userspace must see a posted write. */
	return vcpu->access.posted ? EXIT_USER : fate;
}

enum exit_fate vcpu_emulate(struct vcpu *vcpu)
{
	vcpu->stats.insn_emulation++;
	vcpu->secrets_cached = true;
	prepare_emul(vcpu);
	return execute(vcpu);
}

enum exit_fate vcpu_emulate_again(struct vcpu *vcpu)
{
	need_for_emul(vcpu);
	vcpu->emul.byte_count = vcpu->emul.insn.length;
	vcpu->emul.again = true;
	return execute(vcpu);
}

enum emul_result vcpu_decode(struct vcpu *vcpu)
{
	prepare_emul(vcpu);
	return emul_decode(&vcpu->emul);
}

enum exit_fate vcpu_skip(struct vcpu *vcpu)
{
	u32 length = vendor_call(insn_length)(vcpu);

	if (!length) {
		enum emul_result result = vcpu_decode(vcpu);

		if (result != EMUL_DONE)
			return vcpu_emul_stopped(vcpu, result);
		length = vcpu->emul.insn.length;
	}
	vcpu_need(vcpu, STATE_RIP);
	vcpu_advance(vcpu, vcpu->state.rip + length);
	return EXIT_RESUME;
}

u8 vcpu_trap_length(struct vcpu *vcpu, u8 vector)
{
	const struct insn *insn = &vcpu->emul.insn;
	u8 opcode = vector == EXC_BP ? 0xcc : 0xce;

	if (vcpu_decode(vcpu) != EMUL_DONE || insn->map != INSN_MAP_PRIMARY ||
	    insn->opcode != opcode)
		return 0;
	return insn->length;
}
