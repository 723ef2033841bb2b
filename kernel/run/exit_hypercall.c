// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's hypercalls, with which a guest wakes other vCPUs, sends them IPIs or yields to one.
 */
#include <linux/kvm_para.h>

#include "irq/fabric.h"
#include "irq/lapic.h"
#include "run/exits.h"
#include "run/insn.h"
#include "run/run.h"

/**
 * struct hypercall - one call; its registers are cut to the width of the mode
 * @nr: KVM_HC_*
 * @args: RBX, RCX, RDX, RSI
 * @width: bits of a register
 */
struct hypercall {
	u64 nr;
	u64 args[4];
	u32 width;
};

/* End a vCPU's HLT. If it is not in HLT, end its next one. */
static u64 kick_cpu(struct vcpu *vcpu, const struct hypercall *call)
{
	struct vcpu *other = vcpu_find(vcpu->vm, call->args[1]);

	if (other) {
		WRITE_ONCE(other->kicked, true);
		/* wake_due() reads @kicked, so the wake-up is not lost. */
		rcuwait_wake_up(&other->wait);
	}
	return 0;
}

/* The bits of the first two arguments stand for APIC ids; the third is the id of bit 0. */
static u64 send_ipi(struct vcpu *vcpu, const struct hypercall *call)
{
	/* No vCPU has a higher id. Cut it before it is truncated to 32 bits. */
	u32 first = min_t(u64, call->args[2], FABRIC_MAX_APIC_ID);
	u32 icr = call->args[3];
	int low, high;

	if (!vcpu->lapic)
		return -KVM_EOPNOTSUPP;
	low = lapic_multicast(vcpu->lapic, icr, first, call->args[0]);
	if (low < 0)
		return -KVM_EINVAL;
	high = lapic_multicast(vcpu->lapic, icr, first + call->width, call->args[1]);
	return low + high;
}

static u64 sched_yield(struct vcpu *vcpu, const struct hypercall *call)
{
	vcpu_yield_to(vcpu, call->args[0]);
	return 0;
}

static u64 carry_out(struct vcpu *vcpu, const struct hypercall *call)
{
	if (cpu_cpl(&vcpu->state))
		return -KVM_EPERM;
	/* This call asks to check for pending interrupts, which each entry does anyway. */
	if (call->nr == KVM_HC_VAPIC_POLL_IRQ)
		return 0;
	if (call->nr == KVM_HC_KICK_CPU && vcpu_has_pv(vcpu, KVM_FEATURE_PV_UNHALT))
		return kick_cpu(vcpu, call);
	if (call->nr == KVM_HC_SEND_IPI && vcpu_has_pv(vcpu, KVM_FEATURE_PV_SEND_IPI))
		return send_ipi(vcpu, call);
	if (call->nr == KVM_HC_SCHED_YIELD && vcpu_has_pv(vcpu, KVM_FEATURE_PV_SCHED_YIELD))
		return sched_yield(vcpu, call);
	return -KVM_ENOSYS;
}

enum exit_fate exit_hypercall(struct vcpu *vcpu)
{
	u64 *gpr = vcpu->state.gpr;
	struct hypercall call;
	u64 mask;

	vcpu->stats.hypercalls++;
	vcpu_need(vcpu, STATE_GPRS | STATE_RIP | STATE_CR | STATE_CODE);
	call.width = emul_mode(&vcpu->state) == INSN_MODE_64 ? 64 : 32;
	mask = GENMASK_ULL(call.width - 1, 0);
	call.nr = gpr[GPR_RAX] & mask;
	call.args[0] = gpr[GPR_RBX] & mask;
	call.args[1] = gpr[GPR_RCX] & mask;
	call.args[2] = gpr[GPR_RDX] & mask;
	call.args[3] = gpr[GPR_RSI] & mask;
	gpr[GPR_RAX] = carry_out(vcpu, &call) & mask;
	vcpu_touch(vcpu, STATE_GPRS);
	return vcpu_skip(vcpu);
}
