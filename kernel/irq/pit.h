/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 8254 interval timer (ports 0x40-0x43) and the speaker port 0x61. Channel 0 pulses GSI 0.
 * Ticks that the guest has not taken yet are kept and given to it one by one as it acknowledges
 * them. All functions but pit_covers() may sleep.
 */
#ifndef ORIEL_IRQ_PIT_H
#define ORIEL_IRQ_PIT_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "irq/fabric.h"

#define PIT_FREQUENCY_HZ 1193182

/** pit_create() - @flags are those of fabric_create_pit(); NULL if out of memory */
struct pit *pit_create(struct irq_fabric *fabric, u32 flags);
/** pit_destroy() - @pit may be NULL; no vCPU runs any more; may sleep */
void pit_destroy(struct pit *pit);
/** pit_covers() - return true if a port is the PIT's, for pit_pio_read() and pit_pio_write() */
bool pit_covers(const struct pit *pit, u16 port);
u8 pit_pio_read(struct pit *pit, u16 port);
void pit_pio_write(struct pit *pit, u16 port, u8 val);
/** pit_set_reinject() - KVM_REINJECT_CONTROL; if false, a tick is lost while one is pending */
void pit_set_reinject(struct pit *pit, bool reinject);
void pit_get_state(struct pit *pit, struct kvm_pit_state2 *state);
/**
 * pit_set_state() - KVM_SET_PIT2; channel 0 begins anew. Return 0; or -EINVAL, and nothing has
 * changed.
 */
int pit_set_state(struct pit *pit, const struct kvm_pit_state2 *state);

#endif
