/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls into real mode and 32-bit protected mode.
 */
#ifndef GUEST_REAL_H
#define GUEST_REAL_H

#include "cpu.h"

/* Where the section .real was linked for, and where it was loaded. */
extern u8 real_start[], real_end[], real_load[];

/* Copies the section .real to where it was linked for. */
void real_install(void);

/*
 * Calls code of section .real in real mode, CS base and all segment bases 0,
 * the stack below 0x8000; returns AX. Interrupts are off, the IDT is at 0.
 */
u16 real_call(void (*fn)(void));

/* The same in 32-bit protected mode without paging, flat; returns EAX. */
u32 protected_call(void (*fn)(void), u32 arg);

#endif
