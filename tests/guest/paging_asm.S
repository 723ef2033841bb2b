/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch to five-level paging and back for paging.c, which has to go through
 * 32-bit protected mode without paging (SDM 3A 4.5).
 */
#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define CR4_LA57_BIT	12
#define CR0_PG_BIT	31

	.text
	.code64
	/*
	 * u64 five_levels_call(u64 (*fn)(void), u64 pml5): runs fn with CR3 pml5
	 * and CR4.LA57, then goes back to what was.
	 */
	.globl	five_levels_call
five_levels_call:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	mov	%rdi, %r12
	mov	%cr3, %r13
	mov	%esi, %ebx
	mov	$run, %ebp
	jmp	switch
run:	call	*%r12
	mov	%rax, %r12
	mov	%r13d, %ebx
	mov	$done, %ebp
	jmp	switch
done:	mov	%r12, %rax
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	/* Toggles LA57, loads CR3 from EBX, goes on at EBP. R12 and R13 stay. */
switch:
	push	$SEL_CODE32
	push	$1f
	lretq
	.code32
1:	mov	$SEL_DATA, %eax
	mov	%eax, %ss
	mov	%cr0, %eax
	btr	$CR0_PG_BIT, %eax
	mov	%eax, %cr0
	mov	%cr4, %eax
	btc	$CR4_LA57_BIT, %eax
	mov	%eax, %cr4
	mov	%ebx, %cr3
	mov	%cr0, %eax
	bts	$CR0_PG_BIT, %eax
	mov	%eax, %cr0
	ljmp	$SEL_CODE64, $2f
	.code64
2:	mov	%ebp, %eax
	jmp	*%rax

	.section .note.GNU-stack, "", @progbits
