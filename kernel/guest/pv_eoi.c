// SPDX-License-Identifier: GPL-2.0-only
/*
 * An end of interrupt without an exit.
 *
 * Oriel offers the bit, by setting it, with an interrupt whose EOI would do nothing but clear the
 * interrupt's bit in ISR: the interrupt is the highest in service and edge-triggered, nobody wants
 * to hear of its end, and no other interrupt waits for it. Another interrupt, which changes that,
 * makes the vCPU leave the guest, and at each exit the offer ends. If the guest has cleared the bit
 * by then, the EOI is done now. If it has not, it is still in its handler and will write to the
 * APIC. So outside of the guest the local APIC always is in the state that the guest expects.
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
	/* An offer would be at an address where the guest no longer looks. */
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

	/* While the memory is away, the guest cannot have looked at the bit. */
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
