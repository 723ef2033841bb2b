/* SPDX-License-Identifier: GPL-2.0-only */
/* Prints why a vCPU cannot go on, and its registers. */
#ifndef ORIEL_VCPU_DUMP_H
#define ORIEL_VCPU_DUMP_H

#include "machine/vcpu.h"

/* Both functions are called by the vCPU's own thread. */

/* Print the reason of the last exit and all registers. */
void vcpu_dump_exit(const struct vcpu *vcpu);

/* Print all registers. */
void vcpu_dump_state(const struct vcpu *vcpu);

#endif
