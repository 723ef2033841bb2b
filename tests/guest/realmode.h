/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The symbols of realmode_asm.S for realmode.c: code in 16 and 32 bits, of which C uses the
 * addresses only, and the values that the last exception in real mode pushed.
 */
#ifndef GUEST_REALMODE_H
#define GUEST_REALMODE_H

#include "cpu.h"

extern live u16 rm_vector, rm_ip, rm_cs, rm_flags, rm_flags_in, rm_expected_ip;
extern live u32 rm_big_address;
extern u8 rm_stubs[];

void rm_divide(void);
void rm_undefined(void);
void rm_breakpoint(void);
void rm_overflow(void);
void rm_bound(void);
void rm_bound_inside(void);
void rm_data_limit(void);
void rm_data_limit32(void);
void rm_stack_limit(void);
void rm_lock(void);
void rm_long(void);
void rm_ltr(void);
void rm_int(void);
void rm_single_step(void);
void rm_alias(void);
void rm_above(void);
void rm_far_call(void);
void rm_push_sp(void);
void rm_stack_wrap(void);
void rm_wide(void);
void rm_big(void);
void rm_cpuid(void);
void rm_rdmsr(void);
void rm_pio(void);
void rm_rep_insb(void);
void rm_hlt(void);
void rm_irq0(void);
void rm_lidt(void);
void rm_toggle(void);
void pm_add(void);
void pm_cpuid(void);
void pm_pio(void);
void pm_registers(void);

#endif
