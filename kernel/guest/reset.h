/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A processor's reset, and the INIT and SIPI that other processors send it. The vCPU's mutex is
 * held.
 */
#ifndef ORIEL_RESET_H
#define ORIEL_RESET_H

#include <linux/types.h>

struct vcpu;

/**
 * vcpu_reset() - reset the registers as power-on does or, if @init, as INIT does. INIT keeps the
 * FPU, the TSC and the MSRs (SDM 3A table 10-1), but it clears those of kvmclock, steal time and PV
 * EOI. The mutex is not needed for a vCPU that nobody can reach yet.
 */
void vcpu_reset(struct vcpu *vcpu, bool init);
/**
 * vcpu_take_lapic_events() - serve the INIT, SIPI and NMIs that other processors sent to a loaded
 * vCPU with a local APIC
 */
void vcpu_take_lapic_events(struct vcpu *vcpu);
/**
 * vcpu_take_nmis() - count the NMIs that other processors sent to a loaded vCPU in
 * vcpu->nmi_pending, and leave INIT and SIPI alone
 */
void vcpu_take_nmis(struct vcpu *vcpu);

#endif
