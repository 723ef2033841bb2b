// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VM exits mean, for both vendors: the instruction or the event behind
 * the exit is carried out here.
 */
#include <linux/kvm_para.h>
#include <asm/processor-flags.h>

#include "host/compat.h"
#include "x86/cr.h"
#include "run/entry_report.h"
#include "run/inject.h"
#include "run/exit.h"
#include "irq/lapic.h"
#include "run/exit_msr.h"
#include "abi/quirk.h"
#include "abi/regs.h"
#include "core/vm.h"

/*
 * Stepping over, and executing in software.
 */

void vcpu_advance(struct vcpu *vcpu, u64 rip)
{
	struct cpu_state *state = &vcpu->state;
	bool trap;

	vcpu_need(vcpu, STATE_RIP);
	trap = guest_debug_show_tf(&vcpu->debug, state->rflags) & X86_EFLAGS_TF;
	/* The mode matters only at the edge: below 4 GiB all modes agree. */
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

/* What every instruction looks at; the executor asks for more when it needs it. */
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

/* kvm_run for an instruction that the executor does not know. */
static int emulation_failed(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	const struct emul *e = &vcpu->emul;

	vcpu->stats.insn_emulation_fail++;
	access_reset(&vcpu->access);
	if (!vcpu->vm->unknown_insns_exit) {
		/* So that the guest gets on if userspace lets it. */
		vcpu_raise_ud(vcpu);
		/* A guest's user must not be able to stop its kernel's VM. */
		if (cpu_cpl(&vcpu->state))
			return EXIT_RESUME;
	}
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	/* In u64 units: the flags, then the bytes with their count. */
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags =
		e->byte_count ? KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES : 0;
	run->emulation_failure.insn_size = e->byte_count;
	memcpy(run->emulation_failure.insn_bytes, e->bytes, sizeof(e->bytes));
	return EXIT_USER;
}

/* What debugging has to be told of what was executed; @step: it is a single step. */
static void emul_trap(struct vcpu *vcpu, bool step)
{
	u64 dr6 = vcpu->access.hits_due | (step ? DR6_BS : 0);

	vcpu->access.hits_due = 0;
	if (unlikely(dr6))
		guest_debug_trap(vcpu, dr6);
}

int vcpu_emul_stopped(struct vcpu *vcpu, enum emul_result result)
{
	switch (result) {
	case EMUL_FAULT:
		vcpu_raise(vcpu, &vcpu->emul.fault);
		return EXIT_RESUME;
	case EMUL_AGAIN:
		/* Between the iterations of a REP (SDM 3B 17.3.1.2, 17.3.1.4). */
		emul_trap(vcpu, vcpu->emul.tf_trap);
		return EXIT_RESUME;
	case EMUL_USER:
		return EXIT_USER;
	default:
		return emulation_failed(vcpu);
	}
}

/* RIP, shadow and TF after the executor advanced over an instruction. */
static void emul_advanced(struct vcpu *vcpu)
{
	vendor_call(set_shadow)(vcpu, vcpu->emul.shadow ? SHADOW_MOV_SS : 0);
	/* Behind MOV SS the trap is that of the next instruction (SDM 3A 6.8.3). */
	emul_trap(vcpu, vcpu->debug.stepping || (vcpu->emul.tf_trap && !vcpu->emul.shadow));
}

/* Executes the instruction whose first bytes are in vcpu->emul. */
static int execute(struct vcpu *vcpu)
{
	enum emul_result result;
	u32 changed = STATE_GPRS | STATE_RIP;
	int r = EXIT_RESUME;

	vcpu->access.next = 0;
	vcpu->access.posted = false;
	vcpu->access.hits = 0;
	vcpu->access.hits_due = 0;
	result = emulate(&vcpu->emul);
	if (unlikely(vcpu->emul.segs_loaded))
		changed |= STATE_SEGS;
	/* Iterations of a REP count even if the last one did not finish. */
	vcpu_touch(vcpu, changed);
	if (result == EMUL_USER)
		return EXIT_USER;
	access_reset(&vcpu->access);
	if (result != EMUL_DONE) {
		r = vcpu_emul_stopped(vcpu, result);
	} else {
		emul_advanced(vcpu);
		vcpu_make_request(vcpu, REQ_EVENT);
	}
	/* Whatever became of the instruction, its last write is in kvm_run. */
	return vcpu->access.posted ? EXIT_USER : r;
}

int vcpu_emulate(struct vcpu *vcpu)
{
	vcpu->stats.insn_emulation++;
	prepare_emul(vcpu);
	return execute(vcpu);
}

/* Once more after userspace did an access: the same bytes, whatever is there now. */
static int emulate_again(struct vcpu *vcpu)
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

int vcpu_skip(struct vcpu *vcpu)
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

/*
 * Port I/O.
 */

static void finish_in(struct vcpu *vcpu, u32 size, const void *data)
{
	u64 *rax = &vcpu->state.gpr[GPR_RAX];

	vcpu_need(vcpu, STATE_GPRS);
	/* A 32-bit result clears the upper half (SDM 1 3.4.1.1). */
	if (size == 4)
		*rax = 0;
	memcpy(rax, data, size);
	vcpu_touch(vcpu, STATE_GPRS);
}

int vcpu_exit_pio(struct vcpu *vcpu, u16 port, u32 size, bool in, u64 next_rip)
{
	u64 data;

	vcpu->stats.io_exits++;
	vcpu_need(vcpu, STATE_GPRS | STATE_RIP);
	data = vcpu->state.gpr[GPR_RAX];
	if (!access_port(vcpu, port, size, 1, in, &data)) {
		/* What was behind this port long ago looked at RIP. */
		if (unlikely(port == 0x7e) && !in && quirk_on(vcpu, KVM_X86_QUIRK_OUT_7E_INC_RIP)) {
			vcpu_advance(vcpu, next_rip);
			return EXIT_USER;
		}
		vcpu->access.pending = ACCESS_PIO;
		vcpu->access.rip = vcpu->state.rip;
		vcpu->access.next_rip = next_rip;
		vcpu->access.in_size = in ? size : 0;
		return EXIT_USER;
	}
	if (in)
		finish_in(vcpu, size, &data);
	vcpu_advance(vcpu, next_rip);
	return EXIT_RESUME;
}

int vcpu_exit_pio_string(struct vcpu *vcpu)
{
	vcpu->stats.io_exits++;
	return vcpu_emulate(vcpu);
}

int vcpu_complete_access(struct vcpu *vcpu)
{
	struct vcpu_access *access = &vcpu->access;

	if (access->pending == ACCESS_NONE)
		return EXIT_RESUME;
	vcpu_need(vcpu, STATE_RIP);
	if (vcpu->state.rip != access->rip) {
		access_reset(access);
		return EXIT_RESUME;
	}
	if (access->pending >= ACCESS_RDMSR)
		return msr_complete(vcpu);
	if (access->pending != ACCESS_PIO) {
		if (access_may_stop(vcpu)) {
			access_reset(access);
			return EXIT_RESUME;
		}
		access_complete(vcpu);
		return emulate_again(vcpu);
	}
	access->pending = ACCESS_NONE;
	if (access->in_size)
		finish_in(vcpu, access->in_size, access_port_data(vcpu));
	vcpu_advance(vcpu, access->next_rip);
	return EXIT_RESUME;
}

/*
 * Instructions.
 */

int vcpu_exit_cpuid(struct vcpu *vcpu)
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
 * A kick that came before its HLT is in nothing that userspace can save, and who waits
 * for it with interrupts disabled would wait for ever. It looks again when it wakes for
 * no reason.
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

int vcpu_exit_hlt(struct vcpu *vcpu)
{
	int fate = vcpu_skip(vcpu);

	vcpu->stats.halt_exits++;
	if (fate != EXIT_RESUME)
		return fate;
	if (vcpu->lapic) {
		/* The run loop sleeps until something can be injected. */
		if (!kick_may_be_lost(vcpu))
			vcpu->mp_state = KVM_MP_STATE_HALTED;
		return EXIT_RESUME;
	}
	vcpu->run->exit_reason = KVM_EXIT_HLT;
	return EXIT_USER;
}

int vcpu_exit_xsetbv(struct vcpu *vcpu)
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

/*
 * Control registers.
 */

/* Changes CR0, CR3 or CR4, unless the CPU would find the tables impossible. */
static bool change_paging(struct vcpu *vcpu, u64 *cr, u64 value)
{
	struct cpu_state *state = &vcpu->state;
	u64 old = *cr;

	*cr = value;
	if (!regs_load_pdptes(vcpu, state)) {
		*cr = old;
		return false;
	}
	vcpu_touch(vcpu, STATE_CR);
	vcpu_make_request(vcpu, REQ_TLB_FLUSH);
	return true;
}

static bool guest_write_cr0(struct vcpu *vcpu, u64 value)
{
	struct cpu_state *state = &vcpu->state;
	u64 efer = state->efer;

	if (!cr0_write_valid(state, value))
		return false;
	/* First, because LMA tells PAE paging from that of long mode. */
	state->efer = efer_effective(efer, value);
	if (change_paging(vcpu, &state->cr0, cr0_effective(value)))
		return true;
	state->efer = efer;
	return false;
}

static bool guest_write_cr3(struct vcpu *vcpu, u64 value)
{
	struct cpu_state *state = &vcpu->state;

	if (!cr3_valid(&vcpu->cpuid.facts, state, value))
		return false;
	/* Bit 63 says that the PCID's translations may stay (SDM 3A 4.10.4.1). */
	if (state->cr4 & X86_CR4_PCIDE)
		value &= ~BIT_ULL(63);
	return change_paging(vcpu, &state->cr3, value);
}

static bool guest_write_cr4(struct vcpu *vcpu, u64 value)
{
	struct cpu_state *state = &vcpu->state;
	u64 changed = state->cr4 ^ value;

	if (!cr4_write_valid(&vcpu->cpuid.facts, state, value) ||
	    !change_paging(vcpu, &state->cr4, value))
		return false;
	if (changed & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		cpuid_refresh_vcpu(vcpu);
	return true;
}

static bool guest_write_cr8(struct vcpu *vcpu, u64 value)
{
	if (!cr8_valid(value))
		return false;
	if (vcpu->lapic)
		lapic_set_cr8(vcpu->lapic, value);
	vcpu->cr8 = value;
	vcpu_make_request(vcpu, REQ_EVENT);
	return true;
}

static bool guest_write_cr(struct vcpu *vcpu, u8 cr, u64 value)
{
	switch (cr) {
	case 0:
		return guest_write_cr0(vcpu, value);
	case 3:
		return guest_write_cr3(vcpu, value);
	case 4:
		return guest_write_cr4(vcpu, value);
	default:
		return guest_write_cr8(vcpu, value);
	}
}

static u64 read_cr(const struct vcpu *vcpu, u8 cr)
{
	switch (cr) {
	case 0:
		return vcpu->state.cr0;
	case 3:
		return vcpu->state.cr3;
	case 4:
		return vcpu->state.cr4;
	default:
		return regs_cr8(vcpu);
	}
}

/* LOCK MOV CR0 is MOV CR8 on AMD (APM 3 MOV CRn). */
static u8 cr_number(const struct insn *insn)
{
	u8 cr = insn_reg(insn);

	return cr == 0 && insn->prefixes & INSN_PREFIX_LOCK ? 8 : cr;
}

/* LMSW changes PE, MP, EM and TS, and cannot clear PE (SDM 2A LMSW). */
static void load_msw(struct vcpu *vcpu, u16 msw)
{
	guest_write_cr0(vcpu, (vcpu->state.cr0 & ~0xeull) | (msw & 0xf));
}

static enum emul_result exec_lmsw(struct vcpu *vcpu)
{
	enum emul_result result;
	u64 msw;

	result = emul_read_rm(&vcpu->emul, 2, &msw);
	if (result == EMUL_DONE)
		load_msw(vcpu, msw);
	return result;
}

static enum emul_result exec_smsw(struct vcpu *vcpu)
{
	const struct insn *insn = &vcpu->emul.insn;
	/* To memory always 16 bits, to a register as many as it has (SDM 2B SMSW). */
	u32 size = insn->has_mem ? 2 : insn->operand_size;
	enum emul_result result = emul_write_rm(&vcpu->emul, size, vcpu->state.cr0);

	vcpu_touch(vcpu, STATE_GPRS);
	return result;
}

/* Returns whether it is done; otherwise the guest gets #GP. */
static bool mov_cr(struct vcpu *vcpu, u8 cr, u8 reg, bool to_cr)
{
	bool wide = emul_mode(&vcpu->state) == INSN_MODE_64;
	u64 *gpr = &vcpu->state.gpr[reg];

	if (to_cr)
		return guest_write_cr(vcpu, cr, wide ? *gpr : (u32)*gpr);
	*gpr = wide ? read_cr(vcpu, cr) : (u32)read_cr(vcpu, cr);
	vcpu_touch(vcpu, STATE_GPRS);
	return true;
}

static enum emul_result exec_mov_cr(struct vcpu *vcpu)
{
	const struct insn *insn = &vcpu->emul.insn;

	if (mov_cr(vcpu, cr_number(insn), insn_rm(insn), insn->opcode == 0x22))
		return EMUL_DONE;
	vcpu->emul.fault = (struct cpu_exception){ .vector = EXC_GP, .has_error_code = true };
	return EMUL_FAULT;
}

static enum emul_result exec_cr(struct vcpu *vcpu)
{
	const struct insn *insn = &vcpu->emul.insn;

	if (insn->map != INSN_MAP_0F)
		return EMUL_UNKNOWN;
	switch (insn->opcode) {
	case 0x01:
		return (insn->modrm >> 3 & 7) == 6 ? exec_lmsw(vcpu) : exec_smsw(vcpu);
	case 0x06: /* CLTS */
		guest_write_cr0(vcpu, vcpu->state.cr0 & ~(u64)X86_CR0_TS);
		return EMUL_DONE;
	case 0x20:
	case 0x22:
		return exec_mov_cr(vcpu);
	default:
		return EMUL_UNKNOWN;
	}
}

/* Whether userspace has to hear that CR8 fell from @cr8: an interrupt may pass now. */
static int tpr_lowered(struct vcpu *vcpu, u8 cr8)
{
	if (vcpu->lapic || vcpu->cr8 >= cr8)
		return EXIT_RESUME;
	vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
	return EXIT_USER;
}

int vcpu_exit_cr(struct vcpu *vcpu)
{
	enum emul_result result = vcpu_decode(vcpu);
	u8 cr8 = vcpu->cr8;

	if (result == EMUL_DONE)
		result = exec_cr(vcpu);
	if (result != EMUL_DONE)
		return vcpu_emul_stopped(vcpu, result);
	vcpu_advance(vcpu, vcpu->state.rip + vcpu->emul.insn.length);
	return tpr_lowered(vcpu, cr8);
}

int vcpu_exit_mov_cr(struct vcpu *vcpu, u8 cr, u8 reg, bool to_cr)
{
	u8 cr8 = vcpu->cr8;
	int fate;

	vcpu_need(vcpu, STATE_GPRS | STATE_RIP | STATE_CR | STATE_CODE);
	if (!mov_cr(vcpu, cr, reg, to_cr)) {
		vcpu_raise_gp(vcpu);
		return EXIT_RESUME;
	}
	fate = vcpu_skip(vcpu);
	return fate == EXIT_RESUME ? tpr_lowered(vcpu, cr8) : fate;
}

int vcpu_exit_clts(struct vcpu *vcpu)
{
	vcpu_need(vcpu, STATE_GPRS | STATE_RIP | STATE_CR | STATE_CODE);
	guest_write_cr0(vcpu, vcpu->state.cr0 & ~(u64)X86_CR0_TS);
	return vcpu_skip(vcpu);
}

int vcpu_exit_lmsw(struct vcpu *vcpu, u16 msw)
{
	vcpu_need(vcpu, STATE_GPRS | STATE_RIP | STATE_CR | STATE_CODE);
	load_msw(vcpu, msw);
	return vcpu_skip(vcpu);
}

int vcpu_exit_wbinvd(struct vcpu *vcpu)
{
	vfio_write_back(&vcpu->vm->dma);
	return vcpu_skip(vcpu);
}

int vcpu_exit_pause(struct vcpu *vcpu)
{
	/* It waits for another vCPU, which may need this CPU to get on. */
	vcpu_yield(vcpu);
	return vcpu_skip(vcpu);
}

/*
 * Events and errors.
 */

int vcpu_exit_exception(struct vcpu *vcpu, u8 vector, bool has_error_code, u32 error_code)
{
	const struct cpu_exception exception = {
		.vector = vector,
		.has_error_code = has_error_code,
		.error_code = error_code,
	};

	vcpu_raise(vcpu, &exception);
	return EXIT_RESUME;
}

int vcpu_exit_host_irq(struct vcpu *vcpu)
{
	vcpu->stats.irq_exits++;
	return EXIT_RESUME;
}

int vcpu_exit_window(struct vcpu *vcpu)
{
	vcpu_make_request(vcpu, REQ_EVENT);
	if (!vcpu_window_wanted(vcpu) || vcpu->irq_queued >= 0 || !vcpu_irq_allowed(vcpu))
		return EXIT_RESUME;
	vcpu->stats.request_irq_exits++;
	vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
	return EXIT_USER;
}

int vcpu_exit_triple_fault(struct vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return EXIT_USER;
}

int vcpu_exit_sl_fault(struct vcpu *vcpu, u64 gpa, u32 access, enum access_hint hint, u64 linear)
{
	int r = mmu_fault(vcpu->vm, gpa, access);

	vcpu->stats.pf_taken++;
	switch (r) {
	case MMU_MAPPED:
	case -EAGAIN:
		return EXIT_RESUME;
	case MMU_READONLY:
		/* Maybe it was a read of a page table in ROM. */
		if (hint == HINT_NONE && mmu_allow_read_only_walks(vcpu->vm))
			return EXIT_RESUME;
		fallthrough;
	case MMU_NO_SLOT:
		if (vcpu->event.type == EVENT_NONE) {
			if (!(access & MMU_ACCESS_EXEC))
				access_set_hint(&vcpu->access, hint, linear, gpa,
						access & MMU_ACCESS_WRITE);
			return vcpu_emulate(vcpu);
		}
		/* Not the instruction at RIP did it, but the delivery of an event. */
		return vcpu_internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV);
	default:
		return r;
	}
}

int vcpu_exit_fail_entry(struct vcpu *vcpu, u64 reason)
{
	struct kvm_run *run = vcpu->run;

	entry_report_make(vcpu, reason);
	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = reason;
	run->fail_entry.cpu = vcpu->last_cpu;
	return EXIT_USER;
}

int vcpu_internal_error(struct vcpu *vcpu, u32 suberror)
{
	struct kvm_run *run = vcpu->run;
	u64 info[2];

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = 4;
	run->internal.data[0] = vendor_call(exit_code)(vcpu, info);
	run->internal.data[1] = info[0];
	run->internal.data[2] = info[1];
	run->internal.data[3] = vcpu->last_cpu;
	return EXIT_USER;
}

int vcpu_exit_unknown(struct vcpu *vcpu, u64 exit_code, const char *name)
{
	pr_warn_ratelimited("vCPU %u: no handler for exit %#llx (%s)\n", vcpu->id, exit_code,
			    name ?: "a reason of newer CPUs");
	return vcpu_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON);
}
