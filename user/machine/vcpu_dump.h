/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints why a vCPU cannot go on, and its registers. */
#ifndef ORIEL_VCPU_DUMP_H
#define ORIEL_VCPU_DUMP_H

#include "machine/vcpu.h"

/*
 * Print the reason of the last exit and all registers, or only the registers. The vCPU's own
 * thread calls these functions, or the main thread after that thread has ended.
 */
void vcpu_dump_exit(const struct vcpu *vcpu);
void vcpu_dump_state(const struct vcpu *vcpu);

#endif
