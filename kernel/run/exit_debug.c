// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GUEST_DEBUG, its exits to userspace, and the guest's accesses to debug registers while
 * userspace uses them.
 */
#include "core/vcpu.h"
#include "guest/debug.h"
#include "guest/raise.h"
#include "run/exit_debug.h"
#include "run/insn.h"
#include "x86/cr.h"

/*
 * KVM_SET_GUEST_DEBUG.
 */

static int raise_for_user(struct vcpu *vcpu, u32 control)
{
	if (vcpu->exception_pending || test_bit(REQ_TRIPLE_FAULT, &vcpu->requests))
		return -EBUSY;
	if (control & KVM_GUESTDBG_INJECT_DB)
		vcpu_raise(vcpu, &(struct cpu_exception){ .vector = EXC_DB, .settled = true });
	else
		vcpu_raise(vcpu, &(struct cpu_exception){ .vector = EXC_BP });
	return 0;
}

int guest_debug_set(struct vcpu *vcpu, const struct kvm_guest_debug *debug)
{
	const u32 inject = KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP;
	struct guest_debug *d = &vcpu->debug;
	u32 control = debug->control;
	int r;

	if (control & ~GUEST_DEBUG_CONTROLS)
		return -EINVAL;
	if (control & inject) {
		r = raise_for_user(vcpu, control);
		if (r)
			return r;
	}
	/* Fetch first, because fetch() tells the guest's values from userspace's by @d. */
	vcpu_need(vcpu, STATE_RIP | STATE_DR);
	d->control = control & KVM_GUESTDBG_ENABLE ? control & ~inject : 0;
	memcpy(d->dr, debug->arch.debugreg, sizeof(d->dr));
	d->dr7 = dr7_effective(&vcpu->cpuid.facts, (u32)debug->arch.debugreg[7]);
	d->stepping = false;
	vcpu->breakpoints_live = false;
	vcpu_touch(vcpu, STATE_RIP | STATE_DR);
	clear_bit(REQ_DEBUG_STEP, &vcpu->requests);
	guest_debug_arm(vcpu);
	vcpu_make_request(vcpu, REQ_EVENT);
	return 0;
}

void guest_debug_arm(struct vcpu *vcpu)
{
	if (!(vcpu->debug.control & KVM_GUESTDBG_SINGLESTEP))
		return;
	vcpu_need(vcpu, STATE_RIP);
	vcpu->debug.stepping = true;
	vcpu_touch(vcpu, STATE_RIP);
}

/*
 * Exits to userspace.
 */

static u64 linear_rip(struct vcpu *vcpu)
{
	const struct cpu_state *state = &vcpu->state;

	vcpu_need(vcpu, STATE_RIP | STATE_CR | STATE_CODE);
	if (emul_mode(state) == INSN_MODE_64)
		return state->rip;
	return (u32)(state->seg[SEG_CS].base + state->rip);
}

enum exit_fate guest_debug_exit(struct vcpu *vcpu, u8 vector, u64 dr6)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch.exception = vector;
	run->debug.arch.pc = linear_rip(vcpu);
	run->debug.arch.dr6 = dr6;
	vcpu_need(vcpu, STATE_DR);
	run->debug.arch.dr7 = guest_debug_dr7(&vcpu->debug, vcpu->state.dr7);
	/* On AMD the commit clears the VMCB's DR6, if userspace's debugging uses it. */
	vcpu_touch(vcpu, STATE_DR);
	guest_debug_arm(vcpu);
	return EXIT_USER;
}

enum exit_fate guest_debug_exit_step(struct vcpu *vcpu)
{
	return guest_debug_exit(vcpu, EXC_DB, DR6_RESET | vcpu->debug.due);
}

void guest_debug_trap(struct vcpu *vcpu, u64 dr6)
{
	struct guest_debug *d = &vcpu->debug;
	bool user_breakpoint = dr6 & ~(u64)DR6_BS && d->control & KVM_GUESTDBG_USE_HW_BP;

	if (!user_breakpoint && !d->stepping) {
		vcpu_raise_db(vcpu, dr6);
		return;
	}
	d->due = dr6;
	vcpu_make_request(vcpu, REQ_DEBUG_STEP);
}

/*
 * The guest's accesses to debug registers.
 */

static u64 read_dr(const struct cpu_state *state, u8 dr)
{
	switch (dr) {
	case 0 ... 3:
		return state->dr[dr];
	case 6:
		return state->dr6;
	default:
		return state->dr7;
	}
}

/* Return false for #GP. */
static bool write_dr(struct vcpu *vcpu, u8 dr, u64 value)
{
	const struct cpuid_facts *facts = &vcpu->cpuid.facts;
	struct cpu_state *state = &vcpu->state;

	if (dr < 4) {
		state->dr[dr] = value;
	} else if (dr == 6) {
		if (!dr6_valid(value))
			return false;
		state->dr6 = dr6_effective(facts, value);
	} else {
		if (!dr7_valid(value))
			return false;
		state->dr7 = dr7_effective(facts, value);
	}
	vcpu_touch(vcpu, STATE_DR);
	return true;
}

/*
 * Check an access, in the order of SDM 3B 18.2.2 and 18.2.4. If it must not be made, raise the
 * exception or fill in kvm_run, and set @fate.
 */
static bool may_access(struct vcpu *vcpu, u8 *dr, enum exit_fate *fate)
{
	const struct cpu_state *state = &vcpu->state;

	*fate = EXIT_RESUME;
	if (*dr == 4 || *dr == 5) {
		if (state->cr4 & CR4_DE) {
			vcpu_raise_ud(vcpu);
			return false;
		}
		*dr += 2;
	}
	if (cpu_cpl(state)) {
		vcpu_raise_gp(vcpu);
		return false;
	}
	if (guest_debug_dr7(&vcpu->debug, 0) & DR7_GD) {
		*fate = guest_debug_exit(vcpu, EXC_DB, DR6_RESET | DR6_BD);
		return false;
	}
	if (state->dr7 & DR7_GD) {
		vcpu_raise_db(vcpu, DR6_BD);
		return false;
	}
	return true;
}

enum exit_fate guest_debug_mov_dr(struct vcpu *vcpu, u8 dr, u8 reg, bool to_dr)
{
	struct cpu_state *state = &vcpu->state;
	enum exit_fate fate;
	bool wide;

	vcpu_need(vcpu, STATE_GPRS | STATE_RIP | STATE_CR | STATE_CODE | STATE_DR);
	if (!may_access(vcpu, &dr, &fate))
		return fate;
	wide = emul_mode(state) == INSN_MODE_64;
	if (to_dr) {
		if (!write_dr(vcpu, dr, wide ? state->gpr[reg] : (u32)state->gpr[reg])) {
			vcpu_raise_gp(vcpu);
			return EXIT_RESUME;
		}
	} else {
		state->gpr[reg] = wide ? read_dr(state, dr) : (u32)read_dr(state, dr);
		vcpu_touch(vcpu, STATE_GPRS);
	}
	return vcpu_skip(vcpu);
}

enum exit_fate guest_debug_decode_mov_dr(struct vcpu *vcpu)
{
	const struct insn *insn = &vcpu->emul.insn;
	enum emul_result result = vcpu_decode(vcpu);
	u8 opcode = insn->opcode;

	if (result == EMUL_DONE && (insn->map != INSN_MAP_0F || (opcode != 0x21 && opcode != 0x23)))
		result = EMUL_UNKNOWN;
	if (result != EMUL_DONE)
		return vcpu_emul_stopped(vcpu, result);
	return guest_debug_mov_dr(vcpu, insn_reg(insn) & 7, insn_rm(insn), opcode == 0x23);
}
