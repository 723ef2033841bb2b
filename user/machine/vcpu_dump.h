/* SPDX-License-Identifier: GPL-2.0-only */
/* Tells why a vCPU cannot go on, and its registers. */
#ifndef ORIEL_VCPU_DUMP_H
#define ORIEL_VCPU_DUMP_H

#include "machine/vcpu.h"

/**
 * vcpu_dump_exit() - print the reason of the last exit and all registers
 * @vcpu: not running; called by its own thread
 */
void vcpu_dump_exit(const struct vcpu *vcpu);

/**
 * vcpu_dump_state() - print all registers
 * @vcpu: not running; called by its own thread
 */
void vcpu_dump_state(const struct vcpu *vcpu);

#endif
