/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An end of interrupt without an exit: a bit in guest memory that the guest may clear
 * instead of writing to its local APIC (MSR_KVM_PV_EOI_EN).
 */
#ifndef ORIEL_PV_EOI_H
#define ORIEL_PV_EOI_H

#include <linux/types.h>

struct vcpu;

/* A row of guest/msr_table.c. With an address outside of memory nothing is ever offered. */
int pv_eoi_write(struct vcpu *vcpu, u32 index, bool host, u64 data);

/**
 * pv_eoi_offer() - an event was chosen for the next entry: may the guest end it so?
 * @vcpu: the vCPU, for which it is enabled and nothing is offered; its mutex and vm->memory.srcu
 *	held, inside KVM_RUN; may sleep
 */
void pv_eoi_offer(struct vcpu *vcpu);

/**
 * pv_eoi_take_back() - do what the guest has asked for, or have it write to its APIC
 * @vcpu: the vCPU, which has an offer; its mutex and vm->memory.srcu held, inside KVM_RUN; may
 *	sleep
 *
 * After each exit, before anything looks at the local APIC; before another event is
 * chosen; and before userspace can look.
 */
void pv_eoi_take_back(struct vcpu *vcpu);

#endif
