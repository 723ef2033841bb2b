/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One instruction run by the processor itself, from a given register state: the
 * oracle of the executor's tests.
 */
#ifndef ORIEL_TESTS_NATIVE_RUN_H
#define ORIEL_TESTS_NATIVE_RUN_H

#include <linux/types.h>

#include "x86/cpu_state.h"

/* Bytes that native_run() puts after the instruction. */
#define NATIVE_TAIL 14

/**
 * struct registers - what an instruction runs on, besides memory
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

/**
 * native_has_avx() - whether this processor has AVX, enabled
 *
 * Return: true if it has.
 */
bool native_has_avx(void);

/**
 * native_run() - run one instruction that does not branch
 * @page: where it runs: writable and executable, @len + NATIVE_TAIL bytes
 * @insn: the instruction
 * @len: its bytes
 * @regs: registers before, and after
 *
 * Return: false if the instruction raised #DE.
 */
bool native_run(u8 *page, const u8 *insn, unsigned int len, struct registers *regs);

/**
 * native_enter() - swap registers and jump to the instruction
 *
 * Assembly; native_run() alone calls it.
 */
void native_enter(void);

/**
 * native_leave() - where the instruction's jump leads; swaps registers back
 *
 * Assembly; not to be called.
 */
void native_leave(void);

#endif
