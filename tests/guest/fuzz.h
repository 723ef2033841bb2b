/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The code of fuzz_asm.S that fuzz.c copies to user mode.
 */
#ifndef GUEST_FUZZ_H
#define GUEST_FUZZ_H

#include "cpu.h"

/* Room for the loader; the registers follow it, then the code. */
#define FUZZ_LOADER_SIZE 256
#define FUZZ_REGS 16

extern u8 fuzz_loader[], fuzz_loader_end[];

#endif
