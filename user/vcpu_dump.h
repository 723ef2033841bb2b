/* SPDX-License-Identifier: GPL-2.0-only */
/* Tells why a vCPU cannot go on, and its registers. */
#ifndef ORIEL_VCPU_DUMP_H
#define ORIEL_VCPU_DUMP_H

#include "vcpu.h"

/**
 * vcpu_dump() - print the reason of the last exit and all registers
 * @vcpu: not running; called by its own thread
 */
void vcpu_dump(const struct vcpu *vcpu);

#endif
