// SPDX-License-Identifier: GPL-2.0-only
/*
 * An end of interrupt without an exit.
 *
 * The bit is offered with an interrupt whose EOI would do nothing but clear its bit in
 * ISR: the highest in service, edge-triggered, with nobody who wants to hear of its end
 * and nothing that waits for it. What changes that later (another interrupt) makes the vCPU
 * leave the guest, and at each exit the offer ends: a guest that has cleared the bit has
 * its EOI done now, one that has not is still in its handler and will write to the APIC.
 * So outside of the guest the local APIC is always as the guest believes it to be.
 */
#include <linux/kvm_para.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "guest/pv_eoi.h"
#include "irq/lapic.h"

static gpa_t bit_gpa(const struct vcpu *vcpu)
{
	return vcpu->pv_eoi.msr & ~(u64)KVM_MSR_ENABLED;
}

int pv_eoi_write(struct vcpu *vcpu, u32 index, bool host, u64 data)
{
	/* There is none, or it is where nobody looks any more. */
	vcpu->pv_eoi.offered = false;
	vcpu->pv_eoi.msr = data;
	return 0;
}

static int write_bit(struct vcpu *vcpu, u8 bit)
{
	return memory_write(&vcpu->vm->memory, bit_gpa(vcpu), &bit, sizeof(bit));
}

void pv_eoi_offer(struct vcpu *vcpu)
{
	if (vcpu->event.type != EVENT_IRQ || !vcpu->lapic ||
	    !lapic_eoi_is_silent(vcpu->lapic, vcpu->event.vector))
		return;
	vcpu->pv_eoi.offered = !write_bit(vcpu, KVM_PV_EOI_ENABLED);
}

void pv_eoi_take_back(struct vcpu *vcpu)
{
	u8 bit;

	/* While its memory is away the guest cannot have looked at it. */
	if (memory_read(&vcpu->vm->memory, bit_gpa(vcpu), &bit, sizeof(bit)))
		return;
	if (bit & KVM_PV_EOI_MASK) {
		vcpu->pv_eoi.offered = write_bit(vcpu, KVM_PV_EOI_DISABLED);
		return;
	}
	vcpu->pv_eoi.offered = false;
	lapic_end_of_interrupt(vcpu->lapic);
	vcpu_make_request(vcpu, REQ_EVENT);
}
