/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads and stores of one vector or MMX register by its number. The number is
 * part of an instruction's encoding, so each register has an instruction of
 * its own; they are found by comparing, because an indirect jump would have to
 * be guarded against speculation.
 *
 * All take the number in %edi and the address of the operand in %rsi. A number
 * out of range does nothing. fpu.c holds the registers while it calls.
 */
#include <linux/linkage.h>

	.text

SYM_FUNC_START(fpu_store_xmm)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	cmpl	$\n, %edi
	jne	1f
	movdqu	%xmm\n, (%rsi)
	RET
1:
	.endr
	RET
SYM_FUNC_END(fpu_store_xmm)

SYM_FUNC_START(fpu_load_xmm)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	cmpl	$\n, %edi
	jne	1f
	movdqu	(%rsi), %xmm\n
	RET
1:
	.endr
	RET
SYM_FUNC_END(fpu_load_xmm)

SYM_FUNC_START(fpu_store_ymm)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	cmpl	$\n, %edi
	jne	1f
	vmovdqu	%ymm\n, (%rsi)
	RET
1:
	.endr
	RET
SYM_FUNC_END(fpu_store_ymm)

SYM_FUNC_START(fpu_load_ymm)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	cmpl	$\n, %edi
	jne	1f
	vmovdqu	(%rsi), %ymm\n
	RET
1:
	.endr
	RET
SYM_FUNC_END(fpu_load_ymm)

/* A VEX-encoded load of an XMM register clears all above it (SDM 1 14.1.1). */
SYM_FUNC_START(fpu_load_xmm_vex)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	cmpl	$\n, %edi
	jne	1f
	vmovdqu	(%rsi), %xmm\n
	RET
1:
	.endr
	RET
SYM_FUNC_END(fpu_load_xmm_vex)

SYM_FUNC_START(fpu_store_mmx)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7
	cmpl	$\n, %edi
	jne	1f
	movq	%mm\n, (%rsi)
	RET
1:
	.endr
	RET
SYM_FUNC_END(fpu_store_mmx)

SYM_FUNC_START(fpu_load_mmx)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7
	cmpl	$\n, %edi
	jne	1f
	movq	(%rsi), %mm\n
	RET
1:
	.endr
	RET
SYM_FUNC_END(fpu_load_mmx)
