/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction that exited. The vCPU's mutex and memory.srcu are held; all may sleep.
 */
#ifndef ORIEL_INSN_H
#define ORIEL_INSN_H

#include "core/vendor.h"
#include "emulate/execute.h"

struct vcpu;

/** vcpu_skip() - step over the instruction that exited */
enum exit_fate vcpu_skip(struct vcpu *vcpu);

/**
 * vcpu_advance() - continue at another instruction
 * @rip: RIP of the next instruction, cut to the width of the mode
 *
 * Ends interrupt shadows and RF, and raises the single-step #DB when TF is set
 * (SDM 3B 17.3.1.4).
 */
void vcpu_advance(struct vcpu *vcpu, u64 rip);

/** vcpu_decode() - decode the instruction that exited into vcpu->emul.insn; as emul_decode() */
enum emul_result vcpu_decode(struct vcpu *vcpu);

/**
 * vcpu_emul_stopped() - end an exit whose instruction the executor did not finish
 * @result: anything but EMUL_DONE
 */
enum exit_fate vcpu_emul_stopped(struct vcpu *vcpu, enum emul_result result);

/**
 * vcpu_trap_length() - is the instruction at RIP the one that raises this exception?
 * @vector: EXC_BP or EXC_OF
 *
 * Return: bytes of the INT3 or INTO at RIP, 0 when something else is there.
 */
u8 vcpu_trap_length(struct vcpu *vcpu, u8 vector);

/** vcpu_emulate() - execute the instruction at RIP in software */
enum exit_fate vcpu_emulate(struct vcpu *vcpu);

/**
 * vcpu_emulate_again() - execute it once more, after userspace did an access
 *
 * The same bytes as before, even if the guest's memory has others now.
 */
enum exit_fate vcpu_emulate_again(struct vcpu *vcpu);

#endif
