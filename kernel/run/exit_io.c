// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits for port I/O and second-level faults, MMIO among them; and the end of an instruction for
 * which userspace has done an access.
 */
#include "core/vm.h"
#include "run/access.h"
#include "run/exits.h"
#include "run/exit_msr.h"
#include "run/insn.h"

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

enum exit_fate exit_pio(struct vcpu *vcpu, u16 port, u32 size, bool in, u64 next_rip)
{
	u64 data;

	vcpu->stats.io_exits++;
	vcpu_need(vcpu, STATE_GPRS | STATE_RIP);
	data = vcpu->state.gpr[GPR_RAX];
	if (!access_port(vcpu, port, size, 1, in, &data)) {
		/* Old clients expect RIP to be behind an OUT to this port at the exit. */
		if (unlikely(port == 0x7e) && !in &&
		    vm_quirk_on(vcpu->vm, KVM_X86_QUIRK_OUT_7E_INC_RIP)) {
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

enum exit_fate exit_pio_string(struct vcpu *vcpu)
{
	vcpu->stats.io_exits++;
	return vcpu_emulate(vcpu);
}

enum exit_fate vcpu_complete_access(struct vcpu *vcpu)
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
		return vcpu_emulate_again(vcpu);
	}
	access->pending = ACCESS_NONE;
	if (access->in_size)
		finish_in(vcpu, access->in_size, access_port_data(vcpu));
	vcpu_advance(vcpu, access->next_rip);
	return EXIT_RESUME;
}

enum exit_fate exit_sl_fault(struct vcpu *vcpu, u64 gpa, u32 access, enum access_hint hint,
			     u64 linear)
{
	int r = mmu_fault(&vcpu->vm->memory, gpa, access);

	vcpu->stats.pf_taken++;
	vcpu->secrets_cached = true;
	switch (r) {
	case MMU_MAPPED:
	case -EAGAIN:
		return EXIT_RESUME;
	case MMU_READONLY:
		/* A CPU may report its walk of a page table in ROM as a write. */
		if (hint == HINT_NONE && mmu_allow_read_only_walks(&vcpu->vm->memory))
			return EXIT_RESUME;
		fallthrough;
	case MMU_NO_SLOT:
		if (vcpu->event.type == EVENT_NONE) {
			if (!(access & MMU_ACCESS_EXEC))
				access_set_hint(&vcpu->access, hint, linear, gpa,
						access & MMU_ACCESS_WRITE);
			return vcpu_emulate(vcpu);
		}
		/* The delivery of an event made this access, not the instruction at RIP. */
		return vcpu_internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV);
	default:
		return exit_error(vcpu, r);
	}
}
