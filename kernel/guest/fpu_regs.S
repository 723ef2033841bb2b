/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Load and store one vector or MMX register by its number. The number is part of an instruction's
 * encoding, so each register has an instruction of its own. It is found by comparing, because an
 * indirect jump would have to be guarded against speculation.
 *
 * All functions take the number in %edi and the address of the operand in %rsi. A number out of
 * range does nothing. fpu.c holds the registers during the call.
 */
#include <linux/linkage.h>

	.text

.macro MOVE_FUNC name, count, direction, insn, class
SYM_FUNC_START(\name)
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	.if \n < \count
	cmpl	$\n, %edi
	jne	1f
	.ifc \direction, store
	\insn	%\class\n, (%rsi)
	.else
	\insn	(%rsi), %\class\n
	.endif
	RET
1:
	.endif
	.endr
	RET
SYM_FUNC_END(\name)
.endm

MOVE_FUNC fpu_store_xmm, 16, store, movdqu, xmm
MOVE_FUNC fpu_load_xmm, 16, load, movdqu, xmm
MOVE_FUNC fpu_store_ymm, 16, store, vmovdqu, ymm
MOVE_FUNC fpu_load_ymm, 16, load, vmovdqu, ymm
/* A VEX-encoded load of an XMM register clears all bits above it (SDM 1 14.1.1). */
MOVE_FUNC fpu_load_xmm_vex, 16, load, vmovdqu, xmm
MOVE_FUNC fpu_store_mmx, 8, store, movq, mm
MOVE_FUNC fpu_load_mmx, 8, load, movq, mm
