/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where interrupts and exceptions arrive, and the calls that can be left through
 * an exception (struct regs and the C side are in trap.h).
 */
	.text
	.globl	trap_stubs
	.balign	16
	/* One stub of 16 bytes for each vector. */
trap_stubs:
	vector = 0
	.rept	256
	.balign	16
	/* Vectors 8, 10 to 14, 17, 21, 29 and 30 come with an error code. */
	has_error = 0
	.if	vector < 32
	has_error = (0x60227d00 >> vector) & 1
	.endif
	.if	!has_error
	push	$0
	.endif
	push	$vector
	jmp	trap_common
	vector = vector + 1
	.endr
	.balign	16

trap_common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	call	trap_dispatch
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	.globl	trap_iret
trap_iret:
	iretq

	.macro	SAVE
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushf
	mov	recovery_rsp, %rax	/* calls nest */
	push	%rax
	push	%rax			/* the ABI's alignment */
	mov	%rsp, recovery_rsp
	.endm

/* unsigned int catch_call(void (*fn)(void *arg), void *arg) */
	.globl	catch_call
catch_call:
	SAVE
	mov	%rdi, %rax
	mov	%rsi, %rdi
	call	*%rax
	mov	$-1, %eax		/* NO_TRAP */

	/* trap_dispatch() comes here with the vector in RAX. */
	.globl	recover
recover:
	pop	%rcx
	pop	%rcx
	mov	%rcx, recovery_rsp
	popf
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

/*
 * unsigned int user_call(void (*fn)(void *arg), void *arg, u64 rsp, u64 rflags,
 *			  unsigned int cs)
 */
	.globl	user_call
user_call:
	SAVE
	mov	%rsp, %rax
	and	$-16, %rax
	mov	%rax, tss + 4		/* RSP0 */
	movq	$user_return, -8(%rdx)
	push	$0x2b
	lea	-8(%rdx), %rdx
	push	%rdx
	push	%rcx
	push	%r8
	push	%rdi
	mov	%rsi, %rdi
	iretq

	/* The function that user_call() called returns to here. */
	.globl	user_return
user_return:
	int	$0x80

	.bss
	.balign	8
	.globl	recovery_rsp
recovery_rsp:
	.quad	0

	.section .note.GNU-stack, "", @progbits
