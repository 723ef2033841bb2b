/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 32-bit side of protmode.c: each function is called by protected_call(), finds
 * its argument in EAX and returns in EAX.
 */
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define EFLAGS_IF	0x200

	.data
	.balign	8
	.globl	pm_vector, pm_error, pm_eip, pm_eflags, pm_eflags_in, pm_expected, pm_idtr
	.globl	pm_count, pm_back
pm_vector:	.long	0
pm_error:	.long	0
pm_eip:		.long	0
pm_eflags:	.long	0
pm_eflags_in:	.long	0
pm_expected:	.long	0
pm_esp:		.long	0
pm_count:	.long	0
pm_back:	.long	0
pm_idtr:	.word	256 * 8 - 1
		.long	0

	.text
	.code32
	/* One stub of 16 bytes for each of 64 vectors. */
	.globl	pm_stubs
	.balign	16
pm_stubs:
	vector = 0
	.rept	64
	.balign	16
	has_error = 0
	.if	vector < 32
	has_error = (0x60227d00 >> vector) & 1
	.endif
	.if	!has_error
	push	$0
	.endif
	push	$vector
	jmp	pm_common
	vector = vector + 1
	.endr

	/* Records what the exception pushed, and ends the case. */
pm_common:
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	popl	pm_vector
	popl	pm_error
	popl	pm_eip
	pop	%ecx
	popl	pm_eflags
	pushf
	popl	pm_eflags_in
pm_done:
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	pm_esp, %esp
	mov	pm_vector, %eax
	ret

	/* The code between AT and DONE should raise an exception, or none (-1). */
	.macro	CASE name
	.globl	\name
\name:
	lidt	pm_idtr
	movl	$at_\name, pm_expected
	movl	$-1, pm_vector
	mov	%esp, pm_esp
	.endm

	.macro	AT name
at_\name:
	.endm

	.macro	DONE
	jmp	pm_done
	.endm

	CASE	pm_undefined
	AT	pm_undefined
	ud2
	DONE

	CASE	pm_divide
	xor	%ecx, %ecx
	AT	pm_divide
	div	%ecx
	DONE

	CASE	pm_breakpoint
	int3
	AT	pm_breakpoint
	DONE

	CASE	pm_overflow
	mov	$0x7f, %al
	add	$1, %al
	into
	AT	pm_overflow
	DONE

	/* The argument is a selector. */
	CASE	pm_load_ds
	AT	pm_load_ds
	mov	%eax, %ds
	DONE

	CASE	pm_load_ss
	AT	pm_load_ss
	mov	%eax, %ss
	DONE

	/* ... or an MSR, which here does not exist. */
	CASE	pm_rdmsr
	mov	%eax, %ecx
	AT	pm_rdmsr
	rdmsr
	DONE

	/*
	 * An interrupt is pending: it comes behind POPF, which casts no shadow for an
	 * emulated host to forget.
	 */
	CASE	pm_interrupt
	pushf
	orl	$EFLAGS_IF, (%esp)
	popf
	AT	pm_interrupt
	nop
	cli
	DONE

	/* In a 16-bit code segment whose base is the argument. */
	CASE	pm_16bit
	AT	pm_16bit
	lcall	$0x60, $0
	mov	%eax, pm_vector
	DONE

	.globl	pm_code16, pm_code16_end
	.code16
pm_code16:
	xor	%eax, %eax
	cpuid
	mov	%ebx, %eax
	lretl
pm_code16_end:
	.code32

	/* A hardware task switch to the task at 0x70 and back to the one at 0x68. */
	CASE	pm_task
	movl	$0, pm_count
	mov	$0x68, %eax
	ltr	%ax
	mov	$0x55aa55aa, %esi
	AT	pm_task
	ljmp	$0x70, $0
	str	%eax
	movzx	%ax, %eax
	mov	%eax, pm_back
	mov	%esi, pm_vector
	DONE

	.globl	pm_other_task
pm_other_task:
	incl	pm_count
	xor	%eax, %eax
	xor	%esi, %esi
	cpuid
	ljmp	$0x68, $0

	/* Virtual-8086 mode, at the linear address in EAX; it ends in a #GP. */
	CASE	pm_v86
	mov	%eax, %ebx
	shr	$4, %ebx
	mov	$0x68, %ecx
	ltr	%cx
	push	$0			/* GS, FS, DS, ES */
	push	$0
	push	$0
	push	$0
	push	$0x7000			/* SS, ESP */
	push	$0xff00
	push	$0x23002		/* VM, IOPL 3 */
	push	%ebx
	push	$0
	AT	pm_v86
	iret

	.globl	pm_v86_code, pm_v86_code_end
	.code16
pm_v86_code:
	xor	%eax, %eax
	cpuid
	mov	%ebx, %cs:0x100
	mov	$0x6b, %al
	mov	$0x3ff, %dx
	out	%al, %dx
	xor	%al, %al
	in	%dx, %al
	mov	%al, %cs:0x104
	push	%ax
	mov	%sp, %cs:0x106
	hlt
pm_v86_code_end:
	.code32

	/*
	 * Paging without long mode: CR4 and CR3 in pm_cr4 and pm_cr3. The value at
	 * the linear address EAX is changed and returned.
	 */
	.globl	pm_paging, pm_cr3, pm_cr4
pm_paging:
	push	%ebx
	push	%esi
	push	%edi
	mov	%eax, %esi
	mov	%cr3, %edi
	mov	%cr4, %edx
	mov	pm_cr4, %eax
	mov	%eax, %cr4
	mov	pm_cr3, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	bts	$31, %eax
	mov	%eax, %cr0
	mov	(%esi), %ebx
	notl	(%esi)
	/* An exit that reads code and data through these tables. */
	push	%edx
	xor	%eax, %eax
	push	%ebx
	cpuid
	pop	%ebx
	mov	$0x3fd, %edx
	push	%edi
	sub	$4, %esp
	mov	%esp, %edi
	insb
	add	$4, %esp
	pop	%edi
	mov	0xfee00030, %eax
	pop	%edx
	mov	%cr0, %eax
	btr	$31, %eax
	mov	%eax, %cr0
	mov	%edi, %cr3
	mov	%edx, %cr4
	mov	%ebx, %eax
	pop	%edi
	pop	%esi
	pop	%ebx
	ret

	.data
pm_cr3:	.long	0
pm_cr4:	.long	0

	.section .note.GNU-stack, "", @progbits
