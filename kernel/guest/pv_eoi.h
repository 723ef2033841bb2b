/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An end of interrupt without an exit: a bit in guest memory that the guest may clear instead of
 * writing to its local APIC (MSR_KVM_PV_EOI_EN). The vCPU's mutex and vm->memory.srcu are held.
 */
#ifndef ORIEL_PV_EOI_H
#define ORIEL_PV_EOI_H

#include <linux/types.h>

struct vcpu;

/* A row of guest/msr_table.c. With an address outside of memory nothing is ever offered. */
int pv_eoi_write(struct vcpu *vcpu, u32 index, bool host, u64 data);
/**
 * pv_eoi_offer() - an event was chosen for the next entry: let the guest end it so, if possible.
 * The vCPU is inside KVM_RUN, and has the MSR enabled, and no offer; may sleep.
 */
void pv_eoi_offer(struct vcpu *vcpu);
/**
 * pv_eoi_take_back() - end the vCPU's offer: do the EOI if the guest has cleared the bit. Inside
 * KVM_RUN; may sleep. Call it after each exit, before anything looks at the local APIC; before
 * another event is chosen; and before userspace can look.
 */
void pv_eoi_take_back(struct vcpu *vcpu);

#endif
