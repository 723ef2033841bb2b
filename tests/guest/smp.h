/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between smp.c and smp_asm.S: the second CPU's way into C.
 */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "cpu.h"

extern u8 ap_start[];
extern live u32 ap_starts;
extern live u16 ap_cs;

/* The second CPU, in long mode, with a stack and the IDT of the first. */
void ap_main(void);

#endif
