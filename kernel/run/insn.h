/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction that exited. The vCPU's mutex and memory.srcu are held; all functions may sleep.
 */
#ifndef ORIEL_INSN_H
#define ORIEL_INSN_H

#include "core/vendor.h"
#include "emulate/execute.h"

struct vcpu;

enum exit_fate vcpu_skip(struct vcpu *vcpu);
/**
 * vcpu_advance() - finish the current instruction and continue at @rip, which this function cuts to
 * the width of the mode. Ends a shadow, clears RF, and raises the single-step #DB if TF is set (SDM
 * 3B 18.3.1.4).
 */
void vcpu_advance(struct vcpu *vcpu, u64 rip);
/** vcpu_decode() - decode the instruction that exited into vcpu->emul.insn: emul_decode() */
enum emul_result vcpu_decode(struct vcpu *vcpu);
/** vcpu_emul_stopped() - handle a @result of the executor that is not EMUL_DONE */
enum exit_fate vcpu_emul_stopped(struct vcpu *vcpu, enum emul_result result);
/**
 * vcpu_trap_length() - return the length of the INT3 or INTO at RIP, which raises @vector (EXC_BP
 * or EXC_OF); 0 if another instruction is there
 */
u8 vcpu_trap_length(struct vcpu *vcpu, u8 vector);
/** vcpu_emulate() - execute the instruction at RIP in software */
enum exit_fate vcpu_emulate(struct vcpu *vcpu);
/** vcpu_emulate_again() - execute the instruction again, after userspace has done an access */
enum exit_fate vcpu_emulate_again(struct vcpu *vcpu);

#endif
