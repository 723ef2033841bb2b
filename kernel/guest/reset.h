/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A processor's reset, and the INIT and SIPI that other processors send it.
 */
#ifndef ORIEL_RESET_H
#define ORIEL_RESET_H

#include <linux/types.h>

struct vcpu;

/**
 * vcpu_reset() - registers to their values after power-on or INIT
 * @vcpu: its mutex held, or not yet reachable
 * @init: INIT, which keeps the FPU, the TSC and the MSRs (SDM 3A table 9-1)
 */
void vcpu_reset(struct vcpu *vcpu, bool init);

/**
 * vcpu_take_lapic_events() - serve the INIT, SIPI and NMI that other processors sent
 * @vcpu: has a local APIC; its mutex held, loaded
 */
void vcpu_take_lapic_events(struct vcpu *vcpu);

#endif
