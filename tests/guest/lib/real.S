/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From long mode to 32-bit protected mode and real mode and back. Interrupts
 * stay off on the whole way; the IDT is the real-mode one at 0 in between.
 */
#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define SEL_CODE16	0x38
#define SEL_DATA16	0x40
#define MSR_EFER	0xc0000080
#define EFER_LME_BIT	8

	.text
	.code64
	.macro	ENTER_LEGACY target
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	pushf
	cli
	sidt	saved_idtr
	mov	%rsp, saved_rsp
	lidt	real_idtr
	push	$SEL_CODE32
	push	$\target
	lretq
	.endm

	.macro	PAGING_OFF
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%cr0, %eax
	btr	$31, %eax
	mov	%eax, %cr0
	mov	$MSR_EFER, %ecx
	rdmsr
	btr	$EFER_LME_BIT, %eax
	wrmsr
	.endm

/* u32 protected_call(void (*fn)(void), u32 arg): fn finds arg in EAX */
	.globl	protected_call
protected_call:
	ENTER_LEGACY protected32

/* u16 real_call(void (*fn)(void)) */
	.globl	real_call
real_call:
	ENTER_LEGACY to_real

	.code32
protected32:
	mov	%edi, %ebx
	PAGING_OFF
	mov	%esi, %eax
	mov	$legacy_stack_top, %esp
	call	*%ebx

	/* Back: 32-bit protected mode, EAX the result. */
	.globl	leave_legacy
leave_legacy:
	mov	%eax, %ebx
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$MSR_EFER, %ecx
	rdmsr
	bts	$EFER_LME_BIT, %eax
	wrmsr
	mov	%cr0, %eax
	bts	$31, %eax
	mov	%eax, %cr0
	ljmp	$SEL_CODE64, $back64

to_real:
	mov	%edi, %ebx
	PAGING_OFF
	mov	$SEL_DATA16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss
	ljmp	$SEL_CODE16, $protected16

	.code64
back64:
	mov	saved_rsp, %rsp
	lidt	saved_idtr
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%ebx, %eax
	popf
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.section .real, "awx"
	.code16
protected16:
	mov	%cr0, %eax
	and	$~1, %al
	mov	%eax, %cr0
	ljmp	$0, $1f
1:	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %fs
	mov	%ax, %gs
	mov	%ax, %ss
	mov	$0x7ff0, %esp
	call	*%bx
	cli
	movzx	%ax, %esi
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$SEL_CODE32, $from_real

	.text
	.code32
from_real:
	mov	%esi, %eax
	jmp	leave_legacy

	.data
	.balign	8
real_idtr:
	.word	0x3ff
	.quad	0

	.bss
	.balign	16
saved_idtr:
	.skip	16
saved_rsp:
	.skip	8
	.balign	16
	.skip	4096
legacy_stack_top:

	.section .note.GNU-stack, "", @progbits
