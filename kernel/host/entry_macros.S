/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * General-purpose registers at both world switches. The array of the guest's registers is in the
 * order of enum cpu_gpr. Its element for RSP is not used: the guest's RSP is in the VMCS or VMCB.
 */

/* The registers that a C function has to preserve. */
.macro PUSH_CALLEE_SAVED
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
.endm

.macro POP_CALLEE_SAVED
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
.endm

/* Load every register but RAX from the array at RDI, RDI last. Flags do not change. */
.macro LOAD_GUEST_GPRS
	mov (8 * 1)(%rdi), %rcx
	mov (8 * 2)(%rdi), %rdx
	mov (8 * 3)(%rdi), %rbx
	mov (8 * 5)(%rdi), %rbp
	mov (8 * 6)(%rdi), %rsi
	mov (8 * 8)(%rdi), %r8
	mov (8 * 9)(%rdi), %r9
	mov (8 * 10)(%rdi), %r10
	mov (8 * 11)(%rdi), %r11
	mov (8 * 12)(%rdi), %r12
	mov (8 * 13)(%rdi), %r13
	mov (8 * 14)(%rdi), %r14
	mov (8 * 15)(%rdi), %r15
	mov (8 * 7)(%rdi), %rdi
.endm

/* Store every register but RAX to the array at RAX. */
.macro SAVE_GUEST_GPRS
	mov %rcx, (8 * 1)(%rax)
	mov %rdx, (8 * 2)(%rax)
	mov %rbx, (8 * 3)(%rax)
	mov %rbp, (8 * 5)(%rax)
	mov %rsi, (8 * 6)(%rax)
	mov %rdi, (8 * 7)(%rax)
	mov %r8, (8 * 8)(%rax)
	mov %r9, (8 * 9)(%rax)
	mov %r10, (8 * 10)(%rax)
	mov %r11, (8 * 11)(%rax)
	mov %r12, (8 * 12)(%rax)
	mov %r13, (8 * 13)(%rax)
	mov %r14, (8 * 14)(%rax)
	mov %r15, (8 * 15)(%rax)
.endm

/*
 * The host must not speculate with the guest's values. RAX may have the result. POP_CALLEE_SAVED
 * makes ZERO_CALLEE_SAVED superfluous, unless C code runs before it.
 */
.macro ZERO_CALLEE_SAVED
	xor %ebx, %ebx
	xor %ebp, %ebp
	xor %r12d, %r12d
	xor %r13d, %r13d
	xor %r14d, %r14d
	xor %r15d, %r15d
.endm

.macro ZERO_CALLER_SAVED
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
.endm
