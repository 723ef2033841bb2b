/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's and the user's end of SYSCALL and SYSENTER, and 32-bit user code, for
 * syscall.c.
 */
	.text
	/* Counts its calls, keeps what SYSCALL left, returns with SYSRET. */
	.globl	syscall_entry
syscall_entry:
	mov	%rsp, syscall_rsp
	mov	$syscall_stack_top, %rsp
	incq	syscall_calls
	mov	%rcx, syscall_rcx
	mov	%r11, syscall_r11
	pushf
	pop	syscall_flags
	mov	%cs, syscall_cs
	mov	%ss, syscall_ss
	push	%rcx
	push	%r11
	push	%rbx
	xor	%eax, %eax
	xor	%ecx, %ecx
	cpuid
	pop	%rbx
	pop	%r11
	pop	%rcx
	mov	syscall_rsp, %rsp
	sysretq

	.globl	syscall_user, syscall_behind
syscall_user:
	stc
	syscall
syscall_behind:
	pushf
	pop	syscall_back_flags
	mov	%cs, syscall_back_cs
	mov	%ss, syscall_back_ss
	syscall
	syscall
	ret

	.globl	sysenter_entry
sysenter_entry:
	incq	sysenter_calls
	sysexitq

	.globl	sysenter_user
sysenter_user:
	mov	%rsp, %rcx
	lea	1f(%rip), %rdx
	sysenter
1:	int	$0x80

	/* Adds, runs CPUID, uses its stack. */
	.code32
	.globl	compat_code
compat_code:
	mov	$0x2b, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	$0xfffffff0, %eax
	add	$0x20, %eax
	mov	%eax, compat_result
	xor	%eax, %eax
	cpuid
	mov	%ebx, compat_vendor
	pushl	$0x12345678
	popl	%ecx
	int	$0x80

	.bss
	.balign	16
	.skip	4096
syscall_stack_top:
	.globl	syscall_calls, syscall_rcx, syscall_r11, syscall_flags, syscall_cs, syscall_ss
	.globl	syscall_rsp, syscall_back_cs, syscall_back_ss, syscall_back_flags
	.globl	sysenter_calls, compat_result, compat_vendor
syscall_calls:		.quad 0
syscall_rcx:		.quad 0
syscall_r11:		.quad 0
syscall_flags:		.quad 0
syscall_cs:		.quad 0
syscall_ss:		.quad 0
syscall_rsp:		.quad 0
syscall_back_cs:	.quad 0
syscall_back_ss:	.quad 0
syscall_back_flags:	.quad 0
sysenter_calls:		.quad 0
compat_result:		.long 0
compat_vendor:		.long 0

	.section .note.GNU-stack, "", @progbits
