/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copied to the start of fuzz.c's user page: loads the registers that lie 256 bytes
 * behind it and goes to the code that follows them.
 */
	.section .rodata
	.code64
	.globl	fuzz_loader, fuzz_loader_end
fuzz_loader:
	lea	fuzz_loader + 256(%rip), %rax
	lea	128(%rax), %rdi
	push	%rdi
	mov	8(%rax), %rcx
	mov	16(%rax), %rdx
	mov	24(%rax), %rbx
	mov	40(%rax), %rbp
	mov	48(%rax), %rsi
	mov	56(%rax), %rdi
	mov	64(%rax), %r8
	mov	72(%rax), %r9
	mov	80(%rax), %r10
	mov	88(%rax), %r11
	mov	96(%rax), %r12
	mov	104(%rax), %r13
	mov	112(%rax), %r14
	mov	120(%rax), %r15
	mov	(%rax), %rax
	ret
fuzz_loader_end:

	.section .note.GNU-stack, "", @progbits
