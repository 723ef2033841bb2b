// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_SYNC_REGS: registers and events that travel in struct kvm_run.
 */
#include "abi/abi.h"
#include "core/vcpu.h"
#include "core/vm.h"

/* A copy, for userspace can change the page while it is looked at. */
static int load_regs(struct vcpu *vcpu)
{
	struct kvm_regs regs = vcpu->run->s.regs.regs;

	regs_set(vcpu, &regs);
	return 0;
}

static int load_sregs(struct vcpu *vcpu)
{
	struct kvm_sregs sregs = vcpu->run->s.regs.sregs;
	int srcu = srcu_read_lock(&vcpu->vm->memory.srcu);
	int r = sregs_set(vcpu, &sregs);

	srcu_read_unlock(&vcpu->vm->memory.srcu, srcu);
	return r;
}

static int load_events(struct vcpu *vcpu)
{
	struct kvm_vcpu_events events = vcpu->run->s.regs.events;

	return events_set(vcpu, &events);
}

static const struct {
	u64 bit;
	int (*load)(struct vcpu *vcpu);
} groups[] = {
	{ KVM_SYNC_X86_REGS, load_regs },
	{ KVM_SYNC_X86_SREGS, load_sregs },
	{ KVM_SYNC_X86_EVENTS, load_events },
};

int sync_regs_load(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 dirty = READ_ONCE(run->kvm_dirty_regs);
	int i, r;

	if ((dirty | READ_ONCE(run->kvm_valid_regs)) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	for (i = 0; dirty && i < ARRAY_SIZE(groups); i++) {
		if (!(dirty & groups[i].bit))
			continue;
		r = groups[i].load(vcpu);
		if (r)
			return r;
		run->kvm_dirty_regs &= ~groups[i].bit;
	}
	return 0;
}

void sync_regs_store(struct vcpu *vcpu)
{
	struct kvm_sync_regs *to = &vcpu->run->s.regs;
	u64 valid = READ_ONCE(vcpu->run->kvm_valid_regs);

	if (valid & KVM_SYNC_X86_REGS)
		regs_get(vcpu, &to->regs);
	if (valid & KVM_SYNC_X86_SREGS)
		sregs_get(vcpu, &to->sregs);
	if (valid & KVM_SYNC_X86_EVENTS)
		events_get(vcpu, &to->events);
}
