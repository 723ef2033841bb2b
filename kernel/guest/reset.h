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
 * vcpu_reset() - set the registers to their values after power-on or INIT
 * @vcpu: or a vCPU that nobody can reach yet
 * @init: INIT, which keeps the FPU, the TSC and the MSRs (SDM 3A table 10-1)
 */
void vcpu_reset(struct vcpu *vcpu, bool init);

/**
 * vcpu_take_lapic_events() - serve the INIT, SIPI and NMI that other processors sent
 * @vcpu: loaded, with a local APIC
 */
void vcpu_take_lapic_events(struct vcpu *vcpu);

#endif
