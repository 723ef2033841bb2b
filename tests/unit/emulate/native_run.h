/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs one instruction on the processor itself, from a given register state. The executor's tests
 * use it as their oracle.
 */
#ifndef ORIEL_TESTS_NATIVE_RUN_H
#define ORIEL_TESTS_NATIVE_RUN_H

#include <linux/types.h>

#include "x86/cpu_state.h"

/* Size of the code that native_run() puts after the instruction. */
#define NATIVE_TAIL 14

/**
 * struct registers - the registers that an instruction uses
 * @gpr: general-purpose registers, by enum cpu_gpr
 * @rflags: flags
 * @ymm: vector registers; meaningless without AVX
 * @mmx: MMX registers
 */
struct registers {
	u64 gpr[GPR_COUNT];
	u64 rflags;
	u8 ymm[16][32];
	u8 mmx[8][8];
};

/* Return true if this processor has AVX and the host has enabled it. */
bool native_has_avx(void);

/*
 * Run one instruction that does not branch, in @page, which is writable and executable and has room
 * for @len + NATIVE_TAIL bytes. @regs are the registers before and after. Return false if the
 * instruction raised #DE.
 */
bool native_run(u8 *page, const u8 *insn, unsigned int len, struct registers *regs);

/* Swap registers and jump to the instruction. Assembly, for native_run() only. */
void native_enter(void);

/* Swap registers back. The code after the instruction jumps here; do not call it. */
void native_leave(void);

#endif
